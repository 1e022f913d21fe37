//! The cellar: the file journal, segment indexes and SQLite views.

pub mod journal;
