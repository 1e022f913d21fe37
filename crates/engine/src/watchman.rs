//! The watchman: looks every few seconds whether something is wrong that nobody would notice, and has it told as an event of
//! the hub's own, which goes through intake and routes like any other.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use lineshaft_logic::alarm::{Alarms, Damping, Kind, Told, Turn};
use lineshaft_logic::calendar::Maintenance;
use lineshaft_logic::draft::Draft;
use lineshaft_model::shown::SystemRow;
use lineshaft_model::{Envelope, Millis, Priority, Reason};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::handle::Handle;
use crate::work::Work;

/// The name of the system that the hub's own events come from.
pub(crate) const HUB: &str = "hub";

/// How often it looks.
const EVERY_MS: u64 = 5_000;

/// Letters that are looked at to name the cause.
const LETTERS_NAMED: usize = 3;

/// What is watched for, and how seldom it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// What is owed should not wait for longer.
    pub lane_older_ms: i64,
    /// How seldom alarms are told.
    pub damping: Damping,
}

impl Default for Watch {
    fn default() -> Self {
        Self { lane_older_ms: 900_000, damping: Damping::default() }
    }
}

/// When a source should send.
#[derive(Clone, Debug, PartialEq)]
pub struct Cadence {
    /// Nothing for longer is silence.
    pub every_ms: i64,
    /// Only within these times; always when there are none.
    pub during: Maintenance,
}

/// Something that is wrong, with what is told of it.
type Wrong = BTreeMap<(Kind, String), Value>;

/// Runs until told to stop.
pub(crate) async fn run(hub: Handle, stop: CancellationToken) -> Result<(), Reason> {
    let mut alarms = Alarms::default();
    let mut expected: HashMap<String, Millis> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = hub.shared.clock.pause(EVERY_MS) => {}
        }
        // The recorder looks at the disk when there is work, and a hub that takes no input has none.
        if hub.work.send(Work::Look).await.is_err() {
            return Ok(());
        }
        let asking = hub.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let wrong = asking.look(&mut expected);
            (expected, wrong)
        });
        let Ok((back, wrong)) = looked.await else { return Ok(()) };
        expected = back;
        let wrong = wrong?;
        let setup = hub.shared.setup.load();
        let damping = setup.watch.as_ref().map(|watch| watch.damping).unwrap_or_default();
        let things: Vec<(Kind, String)> = wrong.keys().cloned().collect();
        let now = hub.now();
        let told = alarms.observe(&things, damping, now);
        hub.shared.telemetry.alarms(&alarms.wrong());
        if setup.watch.is_some() && !told.is_empty() {
            let drafts =
                told.iter().map(|told| draft(told, wrong.get(&(told.kind, told.subject.clone())), now));
            hub.intake().derived(HUB, drafts.collect()).await;
        }
    }
}

/// The event of an alarm.
fn draft(told: &Told, data: Option<&Value>, now: Millis) -> Draft {
    let (wrong, over) = told.kind.types();
    let event_type = if told.turn == Turn::Over { over } else { wrong };
    let priority = match told.turn {
        Turn::Over => Priority::Normal,
        Turn::Begins | Turn::Lasts => Priority::High,
    };
    let mut data = data.cloned().unwrap_or_else(|| json!({}));
    if let Some(members) = data.as_object_mut() {
        members.insert("since".to_owned(), json!(told.since.to_string()));
        members.insert("reminder".to_owned(), json!(told.turn == Turn::Lasts));
    }
    tracing::warn!(alarm = event_type, subject = told.subject, "told");
    let envelope = Envelope {
        id: format!("{event_type}-{}-{}", told.subject, now.0),
        event_type: event_type.to_owned(),
        subject: told.subject.clone(),
        priority: Some(priority),
        ..Envelope::default()
    };
    Draft { envelope, data: data.to_string().into(), keys: Vec::new() }
}

impl Handle {
    /// Everything that is wrong now.
    fn look(&self, expected: &mut HashMap<String, Millis>) -> Result<Wrong, Reason> {
        let mut wrong = Wrong::new();
        self.look_at_sources(expected, &mut wrong);
        for system in self.systems()? {
            // What a window or a person holds is no cause for alarm.
            let held = system.pace.maintenance_until.is_some() || system.paused.is_some();
            if system.pace.breaker != "closed" && system.pace.forced.is_none() && !held {
                let why = system.lanes.iter().find_map(|lane| lane.last_failure.clone());
                let data = json!({"system": system.name, "cause": why, "probe": system.pace.probe.map(|at| at.to_string())});
                wrong.insert((Kind::Breaker, system.name.clone()), data);
            }
            self.look_at_lanes(&system, held, &mut wrong)?;
        }
        if let Some((position, hold, since)) = *self.shared.retention_held.lock() {
            let data = json!({"position": position.0, "by": hold, "held_since": since.to_string()});
            wrong.insert((Kind::Retention, "journal".to_owned()), data);
        }
        if !self.shared.disk_has_room.load(Ordering::Relaxed) {
            let data = json!({"cause": "the disk's reserve is reached: no input is taken, deliveries go on"});
            wrong.insert((Kind::Disk, "journal".to_owned()), data);
        }
        Ok(wrong)
    }

    fn look_at_lanes(&self, system: &SystemRow, held: bool, wrong: &mut Wrong) -> Result<(), Reason> {
        let setup = self.shared.setup.load();
        let older_ms = setup.watch.as_ref().map_or(i64::MAX, |watch| watch.lane_older_ms);
        let now = self.now();
        let owners = setup.systems.get(&system.name).map(|system| system.owners.clone()).unwrap_or_default();
        for lane in &system.lanes {
            let waits_ms = lane.oldest.map_or(0, |oldest| now.since(oldest));
            if waits_ms > older_ms && !held {
                let data = json!({"destination": lane.destination, "oldest_seconds": waits_ms / 1_000,
                    "pending": lane.pending, "cause": lane.last_failure, "owners": owners});
                wrong.insert((Kind::Late, lane.destination.clone()), data);
            }
            if lane.dead > 0 {
                let page = self.reading().dead_letters(Some(&lane.destination), true, None, LETTERS_NAMED);
                let letters = page.map_err(|error| error.reason())?.items;
                let named: Vec<Value> = letters
                    .iter()
                    .map(|letter| {
                        let delivery = &letter.delivery;
                        json!({"id": delivery.id.to_string(), "type": delivery.event_type, "subject": delivery.subject,
                            "cause": delivery.reason.as_ref().map(|reason| &reason.message)})
                    })
                    .collect();
                let data = json!({"destination": lane.destination, "dead": lane.dead, "parked": lane.parked,
                    "latest": named, "owners": owners});
                wrong.insert((Kind::Dead, lane.destination.clone()), data);
            }
        }
        Ok(())
    }

    fn look_at_sources(&self, expected: &mut HashMap<String, Millis>, wrong: &mut Wrong) {
        let setup = self.shared.setup.load();
        let now = self.now();
        expected.retain(|intake, _| setup.cadences.contains_key(intake));
        for (intake, cadence) in &setup.cadences {
            let during = &cadence.during;
            if !during.is_empty() && during.at(now).until.is_none() {
                expected.remove(intake);
                continue;
            }
            let since = *expected.entry(intake.clone()).or_insert(now);
            let heard = self.shared.heard.lock().get(intake).copied();
            let from = heard.map_or(since, |heard| heard.max(since));
            if now.since(from) > cadence.every_ms {
                let data = json!({"source": intake, "expected_every_seconds": cadence.every_ms / 1_000,
                    "last": heard.map(|at| at.to_string())});
                wrong.insert((Kind::Silent, intake.clone()), data);
            }
        }
        for (intake, sequence) in self.shared.sequences.blocking_lock().iter() {
            let missing = sequence.missing(now);
            if !missing.is_empty() {
                let count: u64 = missing.iter().map(|of| of.to - of.from + 1).sum();
                let first: Vec<String> =
                    missing.iter().take(20).map(|of| format!("{}-{}", of.from, of.to)).collect();
                let data = json!({"source": intake, "missing": count, "numbers": first});
                wrong.insert((Kind::Gap, intake.clone()), data);
            }
        }
    }
}
