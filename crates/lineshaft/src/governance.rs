//! What a change of contracts means for those who live by them: which fields who reads, what a new version breaks, and whom.
//!
//! Readers are found, not asked: a route, the mapping of its operation and the texts of the request say which fields of an
//! event get out. Whoever is sent the canonical data as it is, or is only declared in `consumers`, may read all of it.

mod readers;
mod verdict;

pub use readers::{Reader, Readers};
pub use verdict::{judge, version};

#[cfg(test)]
mod tests;
