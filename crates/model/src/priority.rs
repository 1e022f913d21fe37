//! The four priority classes, from intake to connection slot.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Reason;

/// How urgent a delivery is. The order of the variants is the order of urgency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Priority {
    /// A line is down or about to be.
    Critical = 0,
    /// Ahead of ordinary work.
    High = 1,
    /// The default.
    #[default]
    Normal = 2,
    /// Initial loads and replays; keeps a share of its own so that it never starves.
    Bulk = 3,
}

impl Priority {
    /// All classes, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Bulk];

    /// The word used in workspaces and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }

    /// The class with this number in the journal, `Normal` for a number that a later version may have written.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Critical,
            1 => Self::High,
            3 => Self::Bulk,
            _ => Self::Normal,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or_else(|| {
            Reason::new("priority-unknown", format!("`{text}` is not a priority"))
                .hint("use critical, high, normal or bulk")
        })
    }
}
