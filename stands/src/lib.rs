//! Real servers for the tests of the doors: other people's programs, started on private ports and folders, ended by their
//! process number. For tests only: whatever goes wrong here ends the test with words.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "for tests only"
)]

pub mod mariadb;
pub mod nats;
pub mod postgres;
pub mod program;
pub mod proxy;

pub use mariadb::MariaDb;
pub use nats::Nats;
pub use postgres::Postgres;
pub use program::Program;
pub use proxy::{Proxy, Trick};
