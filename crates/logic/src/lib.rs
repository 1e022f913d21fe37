//! Pure decisions: what an input becomes, who owns it, whether it is new, where it goes, when and in which order.
//!
//! Nothing here does I/O, spawns, blocks or reads a clock: time and randomness are arguments, lookups are traits. The same
//! code therefore runs in the hub and in the simulation.

pub mod admit;
pub mod alarm;
pub mod calendar;
pub mod cloudevents;
pub mod deliver;
pub mod draft;
pub mod lane;
pub mod mend;
pub mod own;
pub mod pace;
pub mod plan;
pub mod prepare;
pub mod replay;
pub mod request;
pub mod retain;
pub mod route;
pub mod sequence;
pub mod spec;
pub mod turns;

pub use lineshaft_formats::Format;
pub use lineshaft_mapping::{Environment, Expression, References};
