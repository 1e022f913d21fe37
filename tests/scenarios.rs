//! Scenarios across the whole house: the real program over real files and real sockets.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a scenario stands outside the hub: it tells time, spawns its own witnesses and fails by a panic"
)]

mod corpus;
mod examples;
mod hub;
mod packs;
mod receiver;
