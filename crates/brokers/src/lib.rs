//! The doors to message brokers. Their clients are kept in this crate, so that no other build waits for them.

mod nats;

use lineshaft_connectors::Kind;

/// Every kind of this crate, in the order of the reference.
pub const KINDS: &[Kind] = &[Kind {
    name: "nats",
    summary: "Takes and publishes messages of NATS, JetStream and core.",
    parse: nats::parse,
}];
