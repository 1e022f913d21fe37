//! Planning on recorded input that is kept beside the checkout: run by `cargo xtask corpus FOLDER`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::float_arithmetic,
    reason = "a test fails by a panic and tells its figures to people"
)]

mod corpus;
