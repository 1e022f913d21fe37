//! The door to databases against real ones, started by the tests.

mod servers;
