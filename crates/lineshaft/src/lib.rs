//! The front door: the command line, the workspace loader and the wiring.

pub mod cli;
pub mod client;
pub mod commands;
pub mod data;
mod examples;
pub mod explain;
pub mod failure;
pub mod governance;
mod identity;
pub mod logging;
pub mod measure;
mod otlp;
pub mod records;
pub mod rehearsal;
pub mod table;
pub mod terminal;
pub mod wire;
pub mod workspace;
