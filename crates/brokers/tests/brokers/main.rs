//! The doors to brokers against real ones, started by the tests.

mod servers;
