//! The windows: the HTTP API and the console.
//!
//! A window asks the engine's handle and shows the answer; it decides nothing about events. Status codes are chosen here
//! and nowhere else ([`problem`]); who may do what is decided in [`access`].

pub mod access;
pub mod api;
pub mod console;
mod extract;
pub mod problem;
pub mod server;
pub mod state;

pub use server::{Listening, ServeOptions, serve};
pub use state::{Reload, State};
