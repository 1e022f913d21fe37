
pub mod journal;
