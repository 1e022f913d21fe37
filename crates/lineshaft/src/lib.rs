//! The front door: the command line, the workspace loader and the wiring.

pub mod failure;
pub mod table;
pub mod terminal;
pub mod workspace;
