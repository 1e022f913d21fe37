//! What happened in a schedule.

use std::collections::BTreeMap;

/// What happened in a schedule, to show that it was a schedule worth running.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::simulation) struct Happened {
    pub(in crate::simulation) sent: u64,
    pub(in crate::simulation) acknowledged: u64,
    pub(in crate::simulation) duplicates: u64,
    pub(in crate::simulation) delivered: u64,
    pub(in crate::simulation) lost_answers: u64,
    pub(in crate::simulation) dead: u64,
    pub(in crate::simulation) crashes: u64,
    pub(in crate::simulation) power_cuts: u64,
    pub(in crate::simulation) effects: u64,
    pub(in crate::simulation) clock_sets: u64,
    /// Crashes with something in each state of a lane or of its system.
    pub(in crate::simulation) with: BTreeMap<&'static str, u64>,
    /// Segments dropped, and objects and tokens written again before.
    pub(in crate::simulation) dropped: u64,
    pub(in crate::simulation) carried: u64,
    /// Edits that took effect at once, were proposed, and were approved; crashes with an edited delivery unfinished.
    pub(in crate::simulation) edited: u64,
    pub(in crate::simulation) proposed: u64,
    pub(in crate::simulation) approved: u64,
    pub(in crate::simulation) crashed_edited: u64,
}

impl Happened {
    pub(in crate::simulation) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.duplicates += other.duplicates;
        self.delivered += other.delivered;
        self.lost_answers += other.lost_answers;
        self.dead += other.dead;
        self.crashes += other.crashes;
        self.power_cuts += other.power_cuts;
        self.effects += other.effects;
        self.clock_sets += other.clock_sets;
        for (state, times) in &other.with {
            *self.with.entry(state).or_default() += times;
        }
        self.dropped += other.dropped;
        self.carried += other.carried;
        self.edited += other.edited;
        self.proposed += other.proposed;
        self.approved += other.approved;
        self.crashed_edited += other.crashed_edited;
    }
}
