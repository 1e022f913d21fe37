//! The suite every door must pass: what the contracts promise, tried against a door and a stand-in for its other side.
//!
//! A door's tests build a stand (a scripted server, a folder), hand it to [`sink::run_all`] or [`source::run_all`], and keep
//! their own tests for what only their protocol knows. The functions assert, so they are for tests only.

pub mod sink;
pub mod source;
