//! The simulated factory: an ERP, a supplier network, a warehouse and a scheduler, with faults on demand.
//!
//! Each system is an HTTP server on a loopback port with real state in memory. What happens is decided by a pure plan
//! ([`plan`]) from a seed. The systems know the hub only as an address to send documents to and a caller that sends them
//! requests: this crate knows nothing of the hub's own crates. Beside the factory stand two tools for tests, a TCP proxy
//! that breaks connections ([`proxy`]) and a sink that counts effects ([`sink`]).
#![allow(
    clippy::disallowed_methods,
    reason = "the simulated systems stand for other people's software: they have clocks and tasks of their own"
)]

pub mod amount;
mod aps;
pub mod clock;
pub mod config;
pub mod dice;
mod erp;
mod factory;
pub mod plan;
mod procurement;
pub mod proxy;
pub mod sink;
mod station;
pub mod story;
mod wms;

pub use config::{Config, HubAddress, Ports, SYSTEMS, Tokens};
pub use factory::{Audit, Difference, Factory, SystemHandle};
pub use station::Stats;
pub use station::fault::{Fault, FaultView, Mode};
pub use station::ledger::{Effect, LedgerTotals};
pub use station::outbox::OutboxTotals;
pub use story::{Milestone, Story};
