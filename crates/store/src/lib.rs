//! The cellar: the file journal, segment indexes and SQLite views.

pub mod applied;
pub mod index;
pub mod journal;
pub mod reading;
pub mod views;
