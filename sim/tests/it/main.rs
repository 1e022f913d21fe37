//! The factory through real sockets: what it sends, what it takes, how it breaks, and the story of the cycle count.
#![allow(
    clippy::disallowed_methods,
    reason = "tests stand for other people's software and may run tasks of their own"
)]

mod client;
mod effects;
mod faults;
mod hub;
mod outbox;
mod story;
