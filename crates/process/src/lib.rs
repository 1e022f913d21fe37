//! Durable processes in the CNCF Serverless Workflow DSL 1.0: definitions, and one pure step at a time.
//!
//! A [`Definition`] is read once and checked whole. An instance is a [`State`]: plain data that is written down after every step.
//! [`step()`] takes both, what occurred and the time, and gives the next state and the effects that are wanted. Whoever calls it
//! carries them out, each under its key, and tells what came of them. Nothing here does anything: no disk, no network, no clock.

mod definition;
mod doc;
mod effect;
mod expression;
mod fault;
mod lasts;
mod occurrence;
mod problem;
mod state;
mod step;
mod trigger;

#[cfg(test)]
mod tests;

pub use lineshaft_mapping::Environment;

pub use definition::{Definition, OnFault, ProcessName, Schedule, Shown, ShownTask, Task};
pub use doc::Doc;
pub use effect::{Answer, Command, Credentials, Effect, HttpAnswer, HttpRequest, Stuck, Text, Want};
pub use fault::{Fault, Standard};
pub use occurrence::Occurrence;
pub use problem::{MALFORMED, Problem, UNKNOWN_NAME, UNSUPPORTED};
pub use state::{Phase, STATE_VERSION, State, TaskPhase, Trace, UndoShown, Undoable};
pub use step::{Mark, Outcome, Start, start, step};
pub use trigger::Trigger;
