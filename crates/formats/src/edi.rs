//! X12 and EDIFACT: interchanges to a document for each transaction set or message, and back.
//!
//! Both have the same build: segments of elements, an envelope of three levels. They share the scanner, the envelope, the
//! loops and the writer; what differs is how a head tells its delimiters, what the parts of the envelope are called, and that
//! every element of EDIFACT may have components.
//!
//! An envelope that is at fault is told, and what it holds is read all the same: no segment is dropped.

mod acknowledge;
mod charset;
mod check;
mod context;
mod cutter;
mod delimiters;
mod dialect;
mod head;
mod header;
mod loops;
mod options;
mod received;
mod segment;
mod tree;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use acknowledge::{
    Acknowledgement, Agreement, Answer, Circumstances, Depth, Functional, Outcome, Sent, Standing, Ta1,
    Verdict, acknowledge, answers, reconcile,
};
pub use check::{Finding, FindingKind};
pub(crate) use cutter::EdiCutter;
pub use delimiters::{Delimiter, Delimiters};
pub use dialect::{Dialect, Fault, FaultKind, Level};
pub use options::{EdifactOptions, LineEnd, OnFault, Party, Trailing, X12Options};
pub use received::{Group, Interchange, Transaction, received};
pub(crate) use write::EdiWriter;
