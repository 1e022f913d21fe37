//! Answers a received interchange: TA1 and 997 or 999 for X12, CONTRL for EDIFACT.
//!
//! Pure: control numbers, the time and whether the interchange was there before are the caller's to say.

mod answers;
mod functional;
mod syntax;

#[cfg(test)]
mod tests;

pub use answers::{Answer, Sent, Standing, answers, reconcile};

use lineshaft_model::json::{Limits, Value, write_string};

use super::check::{Finding, check};
use super::dialect::{Dialect, Fault, Level};
use super::options::{EdifactOptions, X12Options};
use super::received::{Interchange, Transaction};
use super::write::{EdiWriter, refused};
use crate::error::FormatError;

/// What became of an interchange, a group or a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted.
    Accepted,
    /// Accepted, with errors that were noted.
    AcceptedWithErrors,
    /// Some of it was accepted, some rejected.
    PartlyAccepted,
    /// It arrived; what becomes of it is not said.
    Received,
    /// Rejected: it has to be sent again, mended.
    Rejected,
}

/// How far an acknowledgement looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// At the envelope only.
    Envelope,
    /// At segments and elements as well.
    #[default]
    Segments,
}

/// When an interchange of X12 is answered by a TA1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ta1 {
    /// Never.
    Never,
    /// When ISA14 asks for it.
    #[default]
    Asked,
    /// When the interchange has a fault, or ISA14 asks for it.
    Faults,
    /// Always.
    Always,
}

/// The sets that answer a functional group of X12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Functional {
    /// 997.
    #[default]
    F997,
    /// 999.
    F999,
}

/// What was agreed with the partner who sent the interchange.
#[derive(Debug, Clone, Default)]
pub struct Agreement {
    /// 997 or 999.
    pub functional: Functional,
    /// When a TA1 is sent.
    pub ta1: Ta1,
    /// How far it is looked.
    pub depth: Depth,
    /// Whether a set with errors in segments and elements is rejected. Else it is accepted, in X12 with the errors noted.
    pub rejects_errors: bool,
    /// The sets and messages that are taken, `850`, `ORDERS`; any when empty.
    pub takes: Vec<String>,
    /// Our identifiers; an interchange for somebody else is rejected. Any when empty.
    pub us: Vec<String>,
    /// How an answer in X12 is written. Parties and versions are those of what is answered.
    pub x12: X12Options,
    /// How an answer in EDIFACT is written.
    pub edifact: EdifactOptions,
}

/// What the caller knows.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The number of the interchange that carries the answer.
    pub control: &'a str,
    /// The time of the answer, RFC 3339.
    pub at: &'a str,
    /// An interchange with this number from this sender has been there before.
    pub is_duplicate: bool,
}

/// What an answer says of one level of the interchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Of what.
    pub level: Level,
    /// `850`, `ORDERS`; for a group of X12 its functional identifier; empty for an interchange.
    pub kind: String,
    /// Its control number.
    pub control: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Faults of its envelope.
    pub faults: Vec<Fault>,
    /// Faults of its segments.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// What was found, a sentence each.
    pub fn reasons(&self) -> Vec<String> {
        let faults = self.faults.iter().map(Fault::to_string);
        faults.chain(self.findings.iter().map(Finding::to_string)).collect()
    }
}

/// An answer, and what it says.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    /// The interchange that carries it; empty when there is nothing to answer, as to an acknowledgement.
    pub text: Vec<u8>,
    /// What it says, from the outside in.
    pub verdicts: Vec<Verdict>,
}

/// Answers an interchange that was read from `input` by [`super::received()`].
///
/// # Errors
/// When the interchange has no header, so that nobody can be answered, or the answer cannot be written with these options.
pub fn acknowledge(
    input: &[u8],
    interchange: &Interchange,
    agreement: &Agreement,
    circumstances: Circumstances<'_>,
) -> Result<Acknowledgement, FormatError> {
    let Some(header) = &interchange.header else {
        let message = "the interchange has no header, so nobody can be answered";
        return Err(refused(interchange.dialect, message, "ask the sender for whole interchanges"));
    };
    let header = interchange.segment(input, header);
    match interchange.dialect {
        Dialect::X12 => functional::answer(input, interchange, header, agreement, circumstances),
        Dialect::Edifact => syntax::answer(input, interchange, header, agreement, circumstances),
    }
}

/// What becomes of a set: its envelope decides, then whether it is taken, then its segments.
fn judge(
    input: &[u8],
    interchange: &Interchange,
    agreement: &Agreement,
    transaction: &Transaction,
) -> Verdict {
    let is_taken = is_taken(agreement, &transaction.kind);
    let findings = match agreement.depth {
        Depth::Segments if is_taken => check(interchange, input, transaction),
        _ => Vec::new(),
    };
    let outcome = if !is_taken || !transaction.faults.is_empty() {
        Outcome::Rejected
    } else if findings.is_empty() {
        Outcome::Accepted
    } else if agreement.rejects_errors {
        Outcome::Rejected
    } else {
        Outcome::AcceptedWithErrors
    };
    Verdict {
        level: Level::Transaction,
        kind: transaction.kind.clone(),
        control: transaction.control.clone(),
        outcome,
        faults: transaction.faults.clone(),
        findings,
    }
}

fn is_taken(agreement: &Agreement, kind: &str) -> bool {
    agreement.takes.is_empty() || agreement.takes.iter().any(|taken| taken == kind)
}

fn is_for_us(agreement: &Agreement, receiver: &str) -> bool {
    agreement.us.is_empty() || agreement.us.iter().any(|us| us == receiver.trim())
}

/// Together: all accepted, none, or some.
fn together(outcomes: &[Outcome]) -> Outcome {
    let rejected = outcomes.iter().filter(|outcome| **outcome == Outcome::Rejected).count();
    if rejected == outcomes.len() && rejected > 0 {
        Outcome::Rejected
    } else if rejected > 0 {
        Outcome::PartlyAccepted
    } else if outcomes.contains(&Outcome::AcceptedWithErrors) {
        Outcome::AcceptedWithErrors
    } else {
        Outcome::Accepted
    }
}

/// A segment of an answer: elements of components.
type Row = Vec<Vec<String>>;

fn row<const N: usize>(elements: [&str; N]) -> Row {
    elements.iter().map(|element| vec![(*element).to_owned()]).collect()
}

/// Writes an answer as the document that a mapping would make.
fn write(
    writer: &mut EdiWriter,
    members: &[(&str, &str)],
    interchange: &[(&str, String)],
    group: Option<&[(&str, String)]>,
    rows: &[Row],
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let mut json = b"{".to_vec();
    let object = |json: &mut Vec<u8>, members: &[(&str, String)]| {
        json.push(b'{');
        for (index, (key, value)) in members.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            write_string(json, key);
            json.push(b':');
            // A party is an object already.
            match value.starts_with('{') {
                true => json.extend_from_slice(value.as_bytes()),
                false => write_string(json, value),
            }
        }
        json.push(b'}');
    };
    for (key, value) in members {
        write_string(&mut json, key);
        json.push(b':');
        write_string(&mut json, value);
        json.push(b',');
    }
    json.extend_from_slice(b"\"interchange\":");
    object(&mut json, interchange);
    if let Some(group) = group {
        json.extend_from_slice(b",\"group\":");
        object(&mut json, group);
    }
    json.extend_from_slice(b",\"body\":[");
    for (index, row) in rows.iter().enumerate() {
        json.extend_from_slice(if index > 0 { b",[" } else { b"[" });
        for (index, components) in row.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            match &components[..] {
                [one] => write_string(&mut json, one),
                many => {
                    json.push(b'[');
                    for (index, component) in many.iter().enumerate() {
                        if index > 0 {
                            json.push(b',');
                        }
                        write_string(&mut json, component);
                    }
                    json.push(b']');
                }
            }
        }
        json.push(b']');
    }
    json.extend_from_slice(b"]}");
    let limits = Limits { bytes: usize::MAX, values: usize::MAX, ..Limits::DEFAULT };
    let value = Value::parse(&json, &limits).map_err(|error| FormatError::json(&error, 0, 1))?;
    writer.document(&value, out)
}

/// A party as JSON text.
fn party(qualifier: &str, id: &str) -> String {
    let mut json = b"{\"qualifier\":".to_vec();
    write_string(&mut json, qualifier.trim_end());
    json.extend_from_slice(b",\"id\":");
    write_string(&mut json, id.trim_end());
    json.push(b'}');
    String::from_utf8(json).unwrap_or_default()
}
