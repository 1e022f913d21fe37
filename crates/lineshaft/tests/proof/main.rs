//! Proof from outside: the real program over real files and real sockets, killed, reloaded and spoken to badly. What happened
//! is told by ledgers that the hub cannot touch.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stands outside the hub: it tells time, spawns its own witnesses, says what it measured and fails by a panic"
)]

mod access;
mod caller;
mod canary;
mod description;
mod hostile;
mod kill;
mod ledger;
mod load;
mod mending;
mod planning;
mod plant;
mod reload;
mod replay;
mod schedules;
mod traces;
