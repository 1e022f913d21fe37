//! The structure of an input in memory: interchanges, groups, transaction sets, segments, and their faults.

use std::ops::Range;

use super::cutter::EdiCutter;
use super::delimiters::Delimiters;
use super::dialect::{Dialect, Fault};
use super::options::{EdifactOptions, X12Options};
use super::segment::Segment;
use crate::decoder::{Cut, Step};

/// An interchange. Places count in the whole input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interchange {
    /// X12 or EDIFACT.
    pub dialect: Dialect,
    /// Its delimiters.
    pub delimiters: Delimiters,
    /// ISA or UNB; none where messages come without.
    pub header: Option<Range<usize>>,
    /// Groups; in EDIFACT without any, one without a header that holds the messages.
    pub groups: Vec<Group>,
    /// Segments of the interchange itself: TA1.
    pub service: Vec<Range<usize>>,
    /// Faults of the interchange.
    pub faults: Vec<Fault>,
    /// All its segments: header and trailer, those of its groups, those that stand where none should.
    pub segments: usize,
}

/// A functional group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// GS or UNG.
    pub header: Option<Range<usize>>,
    /// Its transaction sets or messages.
    pub transactions: Vec<Transaction>,
    /// What its trailer counts; empty when there is none.
    pub declared: String,
    /// Faults of the group.
    pub faults: Vec<Fault>,
}

/// A transaction set or message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// `850`, `ORDERS`.
    pub kind: String,
    /// ST02, the first element of UNH.
    pub control: String,
    /// ST or UNH.
    pub header: Range<usize>,
    /// The segments between header and trailer.
    pub segments: Vec<Range<usize>>,
    /// Faults of its envelope.
    pub faults: Vec<Fault>,
}

/// What a cutter has found so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) interchanges: Vec<Interchange>,
}

impl Trace {
    pub(super) fn last(&mut self) -> Option<&mut Interchange> {
        self.interchanges.last_mut()
    }

    pub(super) fn group(&mut self) -> Option<&mut Group> {
        let last = self.last()?;
        if last.groups.is_empty() {
            last.groups.push(Group::default());
        }
        last.groups.last_mut()
    }
}

/// Reads the structure of an input in memory. Bytes that belong to no interchange are passed over: [`crate::decode`] tells them.
pub fn received(dialect: Dialect, input: &[u8]) -> Vec<Interchange> {
    let reading = match dialect {
        Dialect::X12 => X12Options::default().reading(),
        Dialect::Edifact => EdifactOptions::default().reading(),
    };
    // What is in memory needs no bound of its own.
    let mut cutter =
        EdiCutter::new(dialect, super::options::Reading { bytes: input.len().max(1), ..reading });
    cutter.trace = Some(Trace::default());
    let mut rest = input;
    while let Step::Item { used, .. } = cutter.next(rest, true) {
        rest = rest.get(used..).unwrap_or_default();
    }
    cutter.trace.map(|trace| trace.interchanges).unwrap_or_default()
}

impl Interchange {
    /// The segment at a place of the input that this was read from.
    pub(crate) fn segment<'a>(&'a self, input: &'a [u8], place: &Range<usize>) -> Segment<'a> {
        Segment { bytes: input.get(place.clone()).unwrap_or_default(), marks: &self.delimiters }
    }

    /// Its transaction sets or messages.
    pub fn transactions(&self) -> impl Iterator<Item = &Transaction> {
        self.groups.iter().flat_map(|group| &group.transactions)
    }

    /// The faults of all its levels.
    pub fn all_faults(&self) -> impl Iterator<Item = &Fault> {
        let groups = self.groups.iter().flat_map(|group| {
            group.faults.iter().chain(group.transactions.iter().flat_map(|transaction| &transaction.faults))
        });
        self.faults.iter().chain(groups)
    }
}
