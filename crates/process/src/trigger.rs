//! Starting instances by events: `schedule.on`.

use std::collections::BTreeMap;

use lineshaft_model::Millis;
use serde::{Deserialize, Serialize};

use crate::definition::{Definition, Strategy};
use crate::doc::Doc;
use crate::step::{Heard, Plain, hear};

/// The most sets that wait for their last event.
const MOST_SETS: usize = 1000;

/// Events that were heard of those that start an instance together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sets: Vec<Set>,
}

/// One set of events that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Set {
    met: Vec<bool>,
    keys: BTreeMap<String, Doc>,
    events: Vec<Doc>,
}

impl Trigger {
    /// Shows an event. Gives the input of the instance that it starts: all the events of its set.
    pub fn hear(&mut self, definition: &Definition, event: &Doc, now: Millis) -> Option<Doc> {
        let on = definition.schedule.on.as_ref()?;
        let clock = now.to_string();
        if !matches!(on, Strategy::All(_)) {
            let (mut met, mut keys) = (Vec::new(), BTreeMap::new());
            let heard = hear(on, "", event, &mut met, &mut keys, &Plain(&clock));
            return (heard == Heard::Last).then(|| Doc::array([event]));
        }
        let mut joined = None;
        for (number, set) in self.sets.iter_mut().enumerate() {
            let heard = hear(on, "", event, &mut set.met, &mut set.keys, &Plain(&clock));
            if heard != Heard::Not {
                set.events.push(event.clone());
                joined = Some((number, heard));
                break;
            }
        }
        let (number, heard) = match joined {
            Some(joined) => joined,
            None => {
                let mut set = Set::default();
                let heard = hear(on, "", event, &mut set.met, &mut set.keys, &Plain(&clock));
                if heard == Heard::Not {
                    return None;
                }
                set.events.push(event.clone());
                // The oldest set has waited longest in vain.
                if self.sets.len() >= MOST_SETS {
                    self.sets.remove(0);
                }
                self.sets.push(set);
                (self.sets.len().saturating_sub(1), heard)
            }
        };
        (heard == Heard::Last).then(|| Doc::array(&self.sets.remove(number).events))
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}

impl Definition {
    /// The types of the events that start it; none when any type may.
    #[must_use]
    pub fn started_by(&self) -> Option<Vec<String>> {
        let on = self.schedule.on.as_ref()?;
        on.event_types()
    }
}
