//! When an alarm is told: once when it begins, seldom while it lasts, once when it is over; never in a flood, and never to the
//! system it is about.

use std::collections::HashMap;

use lineshaft_model::{EventType, Millis};

/// The first word of the hub's own events.
pub const SPACE: &str = "hub";

/// Event types of the alarms: told when one begins or lasts, and when it is over.
pub const TYPES: [(&str, &str); 7] = [
    ("hub.source.silent.v1", "hub.source.heard.v1"),
    ("hub.sequence.broken.v1", "hub.sequence.whole.v1"),
    ("hub.delivery.dead.v1", "hub.delivery.mended.v1"),
    ("hub.breaker.opened.v1", "hub.breaker.closed.v1"),
    ("hub.lane.late.v1", "hub.lane.caught-up.v1"),
    ("hub.retention.held.v1", "hub.retention.free.v1"),
    ("hub.disk.full.v1", "hub.disk.free.v1"),
];

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A source has sent nothing for longer than is expected.
    Silent,
    /// Numbers are missing in the sequence of a source.
    Gap,
    /// A destination has dead letters.
    Dead,
    /// The breaker of a system is open.
    Breaker,
    /// What is owed to a destination waits for longer than it should.
    Late,
    /// Something unfinished keeps the journal from dropping what is due.
    Retention,
    /// The disk's reserve is reached: no input is taken.
    Disk,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Silent, Self::Gap, Self::Dead, Self::Breaker, Self::Late, Self::Retention, Self::Disk];

    /// The event's type, when the alarm begins or lasts and when it is over.
    #[must_use]
    pub fn types(self) -> (&'static str, &'static str) {
        TYPES.get(self as usize).copied().unwrap_or(TYPES[0])
    }

    /// What metrics call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "source-silent",
            Self::Gap => "sequence-broken",
            Self::Dead => "delivery-dead",
            Self::Breaker => "breaker-open",
            Self::Late => "lane-late",
            Self::Retention => "retention-held",
            Self::Disk => "disk-full",
        }
    }
}

/// How seldom alarms are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// Nothing about the same thing is told twice within this time.
    pub quiet_ms: i64,
    /// What lasts is told again after this time.
    pub remind_ms: i64,
    /// Told within a minute at most; the rest waits.
    pub per_minute: usize,
}

impl Default for Damping {
    fn default() -> Self {
        Self { quiet_ms: 300_000, remind_ms: 4 * 3_600_000, per_minute: 30 }
    }
}

/// How often an alarm is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// It begins.
    Begins,
    /// It lasts.
    Lasts,
    /// It is over.
    Over,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What is, or was, wrong.
    pub kind: Kind,
    /// About what.
    pub subject: String,
    /// Whether it begins, lasts or is over.
    pub turn: Turn,
    /// Since when.
    pub since: Millis,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    since: Millis,
    /// When it was told last; none when nobody was told yet.
    told: Option<Millis>,
    /// Whether what was told last is that it is wrong.
    told_wrong: bool,
    is_wrong: bool,
}

/// Remembers what was told.
#[derive(Debug, Default)]
pub struct Alarms {
    known: HashMap<(Kind, String), Known>,
    /// When something was told in the last minute.
    recent: Vec<Millis>,
}

impl Alarms {
    /// Takes in everything that is wrong now, and says what is to be told.
    pub fn observe(&mut self, wrong: &[(Kind, String)], damping: Damping, now: Millis) -> Vec<Told> {
        for known in self.known.values_mut() {
            known.is_wrong = false;
            // A clock that was set back does not silence what it knew.
            known.told = known.told.map(|told| told.min(now));
            known.since = known.since.min(now);
        }
        for thing in wrong {
            let known = self.known.entry(thing.clone()).or_insert(Known {
                since: now,
                told: None,
                told_wrong: false,
                is_wrong: false,
            });
            if !known.told_wrong && known.told.is_some_and(|told| known.since <= told) {
                // It was over, and begins again.
                known.since = now;
            }
            known.is_wrong = true;
        }
        self.recent.retain(|at| *at <= now && now.since(*at) < 60_000);
        let due = self.known.iter();
        let due = due.filter_map(|(thing, known)| Some((thing.clone(), known.due(damping, now)?)));
        let mut due: Vec<((Kind, String), Turn)> = due.collect();
        due.sort_unstable();
        due.truncate(damping.per_minute.saturating_sub(self.recent.len()));
        let mut told = Vec::with_capacity(due.len());
        for (thing, turn) in due {
            let Some(known) = self.known.get_mut(&thing) else { continue };
            known.told = Some(now);
            known.told_wrong = turn != Turn::Over;
            self.recent.push(now);
            told.push(Told { kind: thing.0, subject: thing.1, turn, since: known.since });
        }
        // What is right again and was told long ago, or never, is forgotten.
        self.known.retain(|_, known| {
            known.is_wrong
                || known.told_wrong
                || known.told.is_some_and(|told| now.since(told) < damping.quiet_ms)
        });
        told
    }

    /// How much is wrong now, by kind.
    #[must_use]
    pub fn wrong(&self) -> HashMap<Kind, u64> {
        let mut count = HashMap::new();
        for ((kind, _), _) in self.known.iter().filter(|(_, known)| known.is_wrong) {
            *count.entry(*kind).or_default() += 1;
        }
        count
    }
}

impl Known {
    fn due(&self, damping: Damping, now: Millis) -> Option<Turn> {
        let turn = match (self.is_wrong, self.told_wrong) {
            (true, false) => Turn::Begins,
            (true, true) => Turn::Lasts,
            (false, true) => Turn::Over,
            (false, false) => return None,
        };
        let Some(told) = self.told else { return Some(turn) };
        let age_ms = now.since(told);
        let after_ms = if turn == Turn::Lasts { damping.remind_ms } else { damping.quiet_ms };
        (age_ms >= after_ms).then_some(turn)
    }
}

/// Whether an event is the hub's own about a system, so that it is never told to that system: it could not hear it, and what
/// failed would be the next alarm.
#[must_use]
pub fn is_about(event_type: &str, subject: &str, system: &str) -> bool {
    let is_alarm = EventType::parse(event_type).is_ok() && event_type.split('.').next() == Some(SPACE);
    is_alarm && subject.split(['.', '/']).next() == Some(system)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAMPING: Damping = Damping { quiet_ms: 1_000, remind_ms: 10_000, per_minute: 5 };

    fn wrong(subjects: &[&str]) -> Vec<(Kind, String)> {
        subjects.iter().map(|subject| (Kind::Breaker, (*subject).to_owned())).collect()
    }

    fn turns(told: &[Told]) -> Vec<Turn> {
        told.iter().map(|of| of.turn).collect()
    }

    #[test]
    fn it_is_told_once_seldom_again_and_when_it_is_over() {
        let mut alarms = Alarms::default();
        let mut at = |ms, subjects: &[&str]| turns(&alarms.observe(&wrong(subjects), DAMPING, Millis(ms)));
        assert_eq!(at(0, &["erp"]), [Turn::Begins]);
        assert_eq!(at(5_000, &["erp"]), []);
        assert_eq!(at(10_000, &["erp"]), [Turn::Lasts]);
        assert_eq!(at(12_000, &[]), [Turn::Over]);
        assert_eq!(at(12_100, &["erp"]), [], "a breaker that flaps is quiet for a while");
        assert_eq!(at(12_200, &[]), []);
        assert_eq!(at(13_100, &["erp"]), [Turn::Begins]);
    }

    #[test]
    fn an_alarm_is_never_told_to_what_it_is_about() {
        assert!(is_about("hub.breaker.opened.v1", "mail", "mail"));
        assert!(is_about("hub.delivery.dead.v1", "mail.send", "mail"));
        assert!(is_about("hub.source.silent.v1", "wms/counts", "wms"));
        assert!(!is_about("hub.delivery.dead.v1", "erp.post", "mail"));
        assert!(!is_about("lineshaft.item.changed.v1", "mail", "mail"));
    }

    #[test]
    fn every_type_is_one() {
        for (begins, over) in TYPES {
            assert!(EventType::parse(begins).is_ok() && EventType::parse(over).is_ok());
        }
        assert_eq!(Kind::Disk.types().0, "hub.disk.full.v1");
    }

    proptest! {
        /// Whatever flaps how fast, nothing floods, and what is wrong for good is told.
        #[test]
        fn nothing_floods(steps in proptest::collection::vec((1i64..3_000, proptest::collection::vec(0u8..12, 0..12)), 1..120)) {
            let mut alarms = Alarms::default();
            let mut now = Millis(0);
            let mut told: Vec<(Millis, Told)> = Vec::new();
            for (ms, subjects) in steps {
                now = now.plus(ms);
                let wrong: Vec<_> = subjects.iter().map(|n| (Kind::Silent, format!("s{n}"))).collect();
                told.extend(alarms.observe(&wrong, DAMPING, now).into_iter().map(|of| (now, of)));
            }
            for (at, of) in &told {
                let close = |span: i64| told.iter().filter(move |(other, _)| (0..span).contains(&(at.0 - other.0)));
                prop_assert!(close(60_000).count() <= DAMPING.per_minute);
                prop_assert_eq!(close(DAMPING.quiet_ms).filter(|(_, other)| other.subject == of.subject).count(), 1);
            }
            // Turns of one subject begin, last and end in order.
            let mut standing: HashMap<&str, bool> = HashMap::new();
            for (_, of) in &told {
                let was = standing.insert(&of.subject, of.turn != Turn::Over).unwrap_or(false);
                prop_assert_eq!(was, of.turn != Turn::Begins);
            }
        }
    }
}
