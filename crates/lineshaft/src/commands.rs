//! The commands, a file each; what several of them share is in `reach` (which hub) and `listing` (rows and pages).

pub mod access;
pub mod availability;
pub mod balance;
pub mod bench;
pub mod check;
pub mod contracts;
pub mod dead_letters;
pub mod decode;
pub mod deliveries;
pub mod demo;
pub mod encode;
pub mod events;
pub mod explain;
pub mod impact;
pub mod jobs;
pub mod journal;
pub(crate) mod listing;
pub mod map;
pub mod new;
pub mod objects;
pub mod plan;
pub mod processes;
pub mod quarantine;
mod reach;
pub mod reload;
pub mod run;
pub mod shortages;
pub mod systems;
pub mod test;
pub mod token;
pub mod trace;
pub mod user;
pub mod views;

use crate::terminal::Terminal;
use crate::workspace::Variables;

/// What every command is given.
#[derive(Clone, Debug)]
pub struct Around {
    /// The environment as it was at the start.
    pub variables: Variables,
    /// Where to write.
    pub terminal: Terminal,
}
