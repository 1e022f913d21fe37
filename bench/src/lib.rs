//! What the benchmark programs share: the machine's own accounts, events to send, hubs to send them to, receivers, interchanges to read, the report.
// A benchmark reads the wall's clock and spawns its load; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic, clippy::print_stdout, clippy::print_stderr)]

pub mod child;
pub mod fill;
pub mod interchanges;
pub mod load;
pub mod machine;
pub mod plant;
pub mod receiver;
pub mod relay;
pub mod report;

pub use lineshaft::measure::{feed, rig as hub};
