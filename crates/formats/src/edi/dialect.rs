//! What X12 and EDIFACT have each their own word for, and the faults of an envelope.

use std::fmt;

use super::segment::Tag;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// ANSI ASC X12.
    X12,
    /// UN/EDIFACT, ISO 9735.
    Edifact,
}

/// The segments of an envelope, from the outside in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope {
    pub(crate) interchange: [Tag; 2],
    pub(crate) group: [Tag; 2],
    pub(crate) transaction: [Tag; 2],
}

const X12: Envelope = Envelope {
    interchange: [Tag::new(b"ISA"), Tag::new(b"IEA")],
    group: [Tag::new(b"GS"), Tag::new(b"GE")],
    transaction: [Tag::new(b"ST"), Tag::new(b"SE")],
};

const EDIFACT: Envelope = Envelope {
    interchange: [Tag::new(b"UNB"), Tag::new(b"UNZ")],
    group: [Tag::new(b"UNG"), Tag::new(b"UNE")],
    transaction: [Tag::new(b"UNH"), Tag::new(b"UNT")],
};

impl Dialect {
    pub(crate) const fn envelope(self) -> Envelope {
        match self {
            Self::X12 => X12,
            Self::Edifact => EDIFACT,
        }
    }

    pub(crate) const fn of(self, x12: &'static str, edifact: &'static str) -> &'static str {
        match self {
            Self::X12 => x12,
            Self::Edifact => edifact,
        }
    }

    /// The code of an error about an envelope.
    pub(crate) const fn envelope_code(self) -> &'static str {
        self.of("x12-envelope", "edifact-envelope")
    }

    /// The code of an error about size.
    pub(crate) const fn limit_code(self) -> &'static str {
        self.of("x12-limit", "edifact-limit")
    }
}

/// A level of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// ISA to IEA, UNB to UNZ.
    Interchange,
    /// GS to GE, UNG to UNE.
    Group,
    /// ST to SE, UNH to UNT.
    Transaction,
}

impl Level {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Interchange => "interchange",
            Self::Group => "group",
            Self::Transaction => "transaction",
        }
    }

    fn term(self, dialect: Dialect) -> &'static str {
        match self {
            Self::Interchange => "interchange",
            Self::Group => "functional group",
            Self::Transaction => dialect.of("transaction set", "message"),
        }
    }
}

/// What is wrong with an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The trailer counts something else than there is.
    Count,
    /// The trailer has another reference than the header.
    Control,
    /// There is no trailer.
    NoTrailer,
    /// There is no header.
    NoHeader,
    /// Segments stand where the envelope has none.
    Outside,
    /// The header of an X12 interchange has not the width that it must have.
    Width,
    /// Segments end with a line end that nothing announces.
    Terminator,
    /// The character set is not one that is read here, and the text is not ASCII.
    Charset,
}

impl FaultKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Control => "control",
            Self::NoTrailer => "no-trailer",
            Self::NoHeader => "no-header",
            Self::Outside => "outside",
            Self::Width => "width",
            Self::Terminator => "terminator",
            Self::Charset => "charset",
        }
    }
}

/// A fault of an envelope. [`fmt::Display`] tells it as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which of the two.
    pub dialect: Dialect,
    /// At which level.
    pub level: Level,
    /// What.
    pub kind: FaultKind,
    /// What the trailer says; for [`FaultKind::Charset`] the set.
    pub declared: String,
    /// What there is, or what the header says.
    pub actual: String,
}

impl Fault {
    pub(crate) fn new(dialect: Dialect, level: Level, kind: FaultKind) -> Self {
        Self { dialect, level, kind, declared: String::new(), actual: String::new() }
    }

    pub(crate) fn says(mut self, declared: impl Into<String>, actual: impl Into<String>) -> Self {
        self.declared = declared.into();
        self.actual = actual.into();
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dialect, level, kind, declared, actual } = self;
        let envelope = dialect.envelope();
        let [header, trailer] = match level {
            Level::Interchange => envelope.interchange,
            Level::Group => envelope.group,
            Level::Transaction => envelope.transaction,
        }
        .map(Tag::text);
        let counted = match (level, dialect) {
            (Level::Transaction, _) => "segments",
            (Level::Group, Dialect::X12) => "transaction sets",
            (Level::Group, Dialect::Edifact) => "messages",
            (Level::Interchange, Dialect::X12) => "functional groups",
            (Level::Interchange, Dialect::Edifact) => "groups or messages",
        };
        match kind {
            FaultKind::Count => write!(f, "{trailer} counts {declared:?} {counted}, there are {actual}"),
            FaultKind::Control => {
                write!(f, "{trailer} has the reference {declared:?}, {header} has {actual:?}")
            }
            FaultKind::NoTrailer => write!(f, "the {} {actual:?} has no {trailer}", level.term(*dialect)),
            FaultKind::NoHeader => write!(f, "there is no {header}"),
            FaultKind::Outside => {
                write!(f, "segments stand outside of any {}", Level::Transaction.term(*dialect))
            }
            FaultKind::Width => f.write_str("ISA has not its fixed width of 106 characters"),
            FaultKind::Terminator => f.write_str("segments end with a line end, and no UNA says so"),
            FaultKind::Charset => {
                write!(
                    f,
                    "the character set {declared} is not read here; bytes beyond ASCII are shown as Windows-1252"
                )
            }
        }
    }
}
