//! The step function on the specification's own scenarios and examples, kept beside the checkout: `cargo xtask corpus FOLDER`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that prints a table"
)]

#[path = "recorded/corpus.rs"]
mod corpus;
