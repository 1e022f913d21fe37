//! The OData door against SAP's own metadata, served by a program kept beside the checkout: `cargo xtask corpus FOLDER`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that starts a server"
)]

#[path = "recorded/corpus.rs"]
mod corpus;
