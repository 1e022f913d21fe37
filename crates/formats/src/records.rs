//! Cuts an input into records: lines, or so many bytes each.

use crate::encoding::{Encoding, LineEnds};

/// How records follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Records {
    /// Each is a line, of at most so many bytes.
    Lines { ends: LineEnds, most: usize },
    /// Each has so many bytes, and no line ends between them.
    Fixed(usize),
}

/// What the bytes start with. Lengths are bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// Part of a record; more has to come.
    More,
    /// A record: its length, and without the line end.
    Whole { length: usize, text_length: usize },
    /// A record that goes on beyond the longest; so much of it is refused.
    Long { length: usize },
    /// The input ends within a record of fixed length.
    Cut { length: usize },
}

impl Records {
    pub(crate) fn lines(encoding: Encoding, most: usize) -> Self {
        Self::Lines { ends: encoding.line_ends(), most }
    }

    /// The record that `input` starts with; it is not empty. `at_end`: nothing follows `input`.
    pub(crate) fn next(self, input: &[u8], at_end: bool) -> Record {
        let (ends, most) = match self {
            Self::Fixed(length) if input.len() >= length => {
                return Record::Whole { length, text_length: length };
            }
            Self::Fixed(_) if at_end => return Record::Cut { length: input.len() },
            Self::Fixed(_) => return Record::More,
            Self::Lines { ends, most } => (ends, most),
        };
        // Only so much is looked at, so that the answer does not depend on how much of the input is there.
        let window = &input[..input.len().min(most + 1)];
        match window.iter().position(|byte| ends.has(*byte)) {
            Some(end) => match ends.length(input, end, at_end) {
                Some(length) => Record::Whole { length: end + length, text_length: end },
                None => Record::More,
            },
            None if input.len() > most => Record::Long { length: most },
            None if at_end => Record::Whole { length: input.len(), text_length: input.len() },
            None => Record::More,
        }
    }

    /// Bytes up to the end of the line that goes on here; `None` when its end is not there yet.
    pub(crate) fn rest(self, input: &[u8], at_end: bool) -> Option<usize> {
        let Self::Lines { ends, .. } = self else { return Some(0) };
        match input.iter().position(|byte| ends.has(*byte)) {
            Some(end) => ends.length(input, end, at_end).map(|length| end + length),
            None => at_end.then_some(input.len()),
        }
    }
}
