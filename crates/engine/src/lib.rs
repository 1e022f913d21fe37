//! The corridor: intake, recorder, projector and couriers; the supervisor (the only spawn), the clock (the only clock) and
//! the handle (what others may ask for).
//!
//! The engine runs the decisions of `logic` over the ports. It knows nothing of HTTP, YAML or any protocol.

pub mod clock;
pub mod conductor;
mod courier;
mod current;
pub mod handle;
pub mod hub;
pub mod intake;
mod jobs;
mod keeper;
pub mod lanes;
pub mod planner;
mod projector;
pub mod recorder;
mod references;
pub mod setup;
#[cfg(test)]
mod simulation;
pub mod supervisor;
pub mod systems;
pub mod telemetry;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod tracer;
pub mod watchman;
pub mod work;

pub use handle::Handle;
pub use hub::{Hub, HubOptions};
pub use intake::{EventsCall, Intake};
pub use setup::{Setup, Sources, SystemSetup};
pub use supervisor::Supervisor;
pub use tracer::TraceOptions;
