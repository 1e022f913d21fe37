//! How each system stands to an object.

use std::collections::BTreeMap;

use lineshaft_model::shown::ObjectSystem;
use lineshaft_model::sight::Act;
use lineshaft_model::{DeliveryState, OutcomeKind};

use super::{Reading, ReadingError};

/// The latest events of the object that are looked at.
const MOST_EVENTS: usize = 200;

impl Reading {
    /// Every system that sent something about an object, was sent something about it, or has a key of its own for it;
    /// judged by the object's latest events. `None` when the object is not held.
    pub fn object_systems(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
    ) -> Result<Option<Vec<ObjectSystem>>, ReadingError> {
        let Some(head) = self.seen_head(tenant, object_type, key)? else { return Ok(None) };
        if !self.allows_object(Act::SeeDeliveries, (tenant, object_type, key))? {
            return Ok(Some(Vec::new()));
        }
        let mut systems: BTreeMap<String, ObjectSystem> = BTreeMap::new();
        for (system, key) in self.views.references_of(tenant, object_type, key)? {
            of(&mut systems, &system).key = Some(key);
        }
        let mut events = Vec::new();
        self.walk(head.position, MOST_EVENTS, |record, _| {
            events.push(record.position);
            true
        })?;
        for position in events {
            self.with_seen(position, |_, event| {
                let sender = of(&mut systems, event.system());
                if sender.sent.is_none() {
                    (sender.sent, sender.sent_at) = (Some(position), Some(event.received));
                }
                for delivery in self.deliveries_of(position, event, true)? {
                    let name = delivery.destination.split('.').next().unwrap_or_default();
                    let system = of(&mut systems, name);
                    let delivered = delivery.outcomes.iter().find(|o| o.kind == OutcomeKind::Delivered);
                    if let Some(outcome) = delivered.filter(|_| system.delivered.is_none()) {
                        (system.delivered, system.delivered_at) = (Some(position), Some(outcome.at));
                    }
                    if !matches!(delivery.state, DeliveryState::Delivered | DeliveryState::Discarded) {
                        system.unfinished += 1;
                        let worst = system.state.map_or(delivery.state, |state| worse(state, delivery.state));
                        system.state = Some(worst);
                    }
                }
                Ok(())
            })?;
        }
        Ok(Some(systems.into_values().collect()))
    }
}

fn of<'a>(systems: &'a mut BTreeMap<String, ObjectSystem>, name: &str) -> &'a mut ObjectSystem {
    systems.entry(name.to_owned()).or_insert_with(|| ObjectSystem {
        system: name.to_owned(),
        key: None,
        sent: None,
        sent_at: None,
        delivered: None,
        delivered_at: None,
        unfinished: 0,
        state: None,
    })
}

/// The state that needs a person more.
fn worse(one: DeliveryState, other: DeliveryState) -> DeliveryState {
    let rank = |state| match state {
        DeliveryState::Delivered | DeliveryState::Discarded => 0,
        DeliveryState::Pending => 1,
        DeliveryState::Retrying => 2,
        DeliveryState::Unknown => 3,
        DeliveryState::Parked => 4,
        DeliveryState::Dead => 5,
    };
    if rank(one) >= rank(other) { one } else { other }
}
