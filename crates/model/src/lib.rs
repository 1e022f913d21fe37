//! The nouns of the hub: no I/O, no async, no clock.
//!
//! Everything here is a value: events and their envelope, business keys, quantities, money, statuses, deliveries and
//! their outcomes, and the records of the journal with their wire form. The model knows nothing of HTTP, SQLite, YAML
//! files or time passing.

pub mod delivery;
pub mod event;
pub mod event_type;
pub mod json;
pub mod key;
pub mod moment;
pub mod money;
pub mod position;
pub mod priority;
pub mod quantity;
pub mod reason;
pub mod record;
pub mod shown;
pub mod sight;
pub mod status;

pub use delivery::{Answer, DeliveryId, DeliveryState, Destination, IdempotencyKey, Outcome, OutcomeKind};
pub use event::{Envelope, Event, Raw};
pub use event_type::EventType;
pub use key::{Fingerprint, ObjectKey, share_of};
pub use moment::{Millis, Moment};
pub use money::Money;
pub use position::Position;
pub use priority::Priority;
pub use quantity::{Quantity, Unit};
pub use reason::{Reason, Reasons};
