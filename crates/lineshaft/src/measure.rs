//! What measuring the hub takes: events to send and a hub in this process to send them to. `lineshaft bench` and the
//! benchmarks of `bench/` measure with the same.

pub mod feed;
pub mod rig;

/// A failure is told as text: whoever measures has nobody else to tell.
pub type Measured<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
