//! The console in a real browser, against the demo: what a person does, step by step.
//!
//! Needs Chromium and its driver: `cargo xtask test` installs them on Debian, or `apt-get install chromium chromium-driver`.
#![allow(clippy::disallowed_methods)] // A test starts processes and waits by the machine's own clock.
#![allow(clippy::expect_used, clippy::panic)] // A test that cannot go on says why.
#![allow(clippy::print_stderr)] // What the demo said is worth reading when a test fails.

mod browser {
    mod chromium;
    mod demo;
    mod pages;
    mod wire;
}
