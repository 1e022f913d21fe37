//! The factory through real sockets: what it sends, what it takes, how it breaks, and the story of the cycle count.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stand for other people's software, run tasks of their own, and fail by panicking"
)]

mod client;
mod effects;
mod faults;
mod hub;
mod outbox;
mod story;
