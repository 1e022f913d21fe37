//! Instances that start by the clock: `every`, `cron` and `after`. Each start has an id made of its time, so that it is one
//! instance however often the hub comes to it. What fell into a time in which the hub did not run is left out.

use jiff::tz::TimeZone;
use lineshaft_logic::calendar::Cron;
use lineshaft_model::{Millis, Reason};
use lineshaft_process::{Definition, Doc, Start};
use lineshaft_store::views::ProcessFilter;

use super::desk::{By, Desk};

impl Desk {
    /// When each schedule starts next, as of now.
    pub(super) fn plan_starts(&mut self) -> Result<(), Reason> {
        let now = self.shared()?.clock.now();
        self.starts.clear();
        let all: Vec<_> =
            self.current.iter().map(|(name, definition)| (name.clone(), definition.clone())).collect();
        for (name, definition) in all {
            if let Some(at) = self.next_start(&definition, now)? {
                self.starts.insert(name, at);
            }
        }
        Ok(())
    }

    fn next_start(&self, definition: &Definition, now: Millis) -> Result<Option<Millis>, Reason> {
        let schedule = definition.schedule();
        let every = schedule
            .every_ms()
            .map(|every_ms| Millis(now.0.div_euclid(every_ms).saturating_add(1).saturating_mul(every_ms)));
        let cron = schedule.cron().and_then(|cron| Cron::parse(cron).ok()?.next_after(now, &TimeZone::UTC));
        let after = match schedule.after_ms() {
            Some(after_ms) => self.after_the_last(definition, after_ms)?,
            None => None,
        };
        Ok([every, cron, after].into_iter().flatten().min())
    }

    /// So long after the latest instance ended; at once when there is none. Nothing while one is under way.
    fn after_the_last(&self, definition: &Definition, after_ms: i64) -> Result<Option<Millis>, Reason> {
        let shared = self.shared()?;
        // What is not in the views yet is among those at hand.
        if let Some(state) = self.latest_at_hand(definition.name()) {
            let ended = state.phase().is_final();
            return Ok(ended.then(|| state.updated().plus(after_ms)));
        }
        let filter = ProcessFilter { name: Some(definition.name().name.clone()), ..ProcessFilter::default() };
        let latest = shared.views.processes(&filter, None, 1).map_err(|error| error.reason())?;
        Ok(match latest.items.first() {
            None => Some(shared.clock.now()),
            Some(row) if row.ended => Some(row.updated.plus(after_ms)),
            Some(_) => None,
        })
    }

    /// Starts what is due.
    pub(super) fn start_due(&mut self, now: Millis) -> Result<(), Reason> {
        let due: Vec<_> =
            self.starts.iter().filter(|(_, at)| **at <= now).map(|(name, at)| (name.clone(), *at)).collect();
        for (name, at) in due {
            self.starts.remove(&name);
            let Some(definition) = self.current.get(&name).cloned() else { continue };
            let id = format!("{}-{}", name.1, at.0);
            let new = Start { id, input: Doc::empty(), parent: None, seen: self.followed.0 };
            self.begin(&definition, new, &By::default())?;
            self.run()?;
        }
        // A schedule that waits for the end of an instance is looked at again and again.
        let missing: Vec<_> = self
            .current
            .iter()
            .filter(|(name, _)| !self.starts.contains_key(*name))
            .map(|(n, d)| (n.clone(), d.clone()))
            .collect();
        for (name, definition) in missing {
            if let Some(at) = self.next_start(&definition, now)? {
                self.starts.insert(name, at);
            }
        }
        Ok(())
    }
}
