//! The records of the journal: their kinds and their wire form.
//!
//! Every record is `kind, version, payload`. Events and outcomes are by far the most frequent, so they have a compact
//! binary payload ([`EventRecord`], [`OutcomeRecord`]); a quarantined input is a JSON head followed by its bytes; all
//! other kinds are JSON. A version is raised when a payload's form changes in a way an older reader would misread; readers
//! keep reading every older version.

mod amended;
mod carried;
mod event;
mod job;
mod outcome;
mod process;
mod rest;
mod wire;

pub use amended::{Amended, AmendedHead, Cause, FieldChange};
pub use carried::{
    Carried, CarriedHead, CarriedReference, CarriedState, Dropped, DroppedDeliveries, DroppedInputs,
};
pub use event::{Disposition, EventHead, EventRecord, Owed, RawRef};
pub use job::{Job, JobOrder, JobState, LettersAction, LettersOrder, ReplayOrder, Replayed, ReplayedHead};
pub use outcome::OutcomeRecord;
pub use process::{Defined, DefinedHead, Step, StepHead};
pub use rest::{
    Action, Configured, Counts, Duplicate, JsonPayload, Quarantine, QuarantineHead, Tally, Token,
};
pub use wire::WireError;

/// The version written today for every kind; an outcome that names an amendment has its own ([`OutcomeRecord::version`]).
pub const VERSION: u8 = 1;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// An accepted event with all it owes: [`EventRecord`].
    Event = 1,
    /// How an attempt ended, or what a person did to a delivery: [`OutcomeRecord`].
    Outcome = 2,
    /// A refused input with its bytes: [`Quarantine`].
    Quarantine = 3,
    /// What a person did: [`Action`].
    Action = 4,
    /// A configuration that took effect: [`Configured`].
    Configured = 5,
    /// How far a source has been read: [`Token`].
    Token = 6,
    /// How many inputs needed no record of their own: [`Tally`].
    Tally = 7,
    /// An object written again before the records it was known from are dropped: [`Carried`].
    Carried = 8,
    /// Everything up to a record is carried forward and may be dropped: [`Dropped`].
    Dropped = 9,
    /// Other content for a delivery or a refused input: [`Amended`].
    Amended = 10,
    /// Long work that a person asked for: [`Job`].
    Job = 11,
    /// An event of the past, owed to a destination again: [`Replayed`].
    Replayed = 12,
    /// A step of an instance of a process, with its state: [`Step`].
    Step = 16,
    /// A definition of a process: [`Defined`].
    Defined = 17,
}

impl RecordKind {
    /// The kind with this number in the journal; `None` for one that a later version wrote.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Event,
            2 => Self::Outcome,
            3 => Self::Quarantine,
            4 => Self::Action,
            5 => Self::Configured,
            6 => Self::Token,
            7 => Self::Tally,
            8 => Self::Carried,
            9 => Self::Dropped,
            10 => Self::Amended,
            11 => Self::Job,
            12 => Self::Replayed,
            16 => Self::Step,
            17 => Self::Defined,
            _ => return None,
        })
    }

    /// The word used by `journal stat` and `journal export`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Outcome => "outcome",
            Self::Quarantine => "quarantine",
            Self::Action => "action",
            Self::Configured => "configured",
            Self::Token => "token",
            Self::Tally => "tally",
            Self::Carried => "carried",
            Self::Dropped => "dropped",
            Self::Amended => "amended",
            Self::Job => "job",
            Self::Replayed => "replayed",
            Self::Step => "step",
            Self::Defined => "defined",
        }
    }
}
