//! What an instance is told, one thing at a time.

use serde::{Deserialize, Serialize};

use crate::doc::Doc;
use crate::effect::Answer;

/// Something that occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occurrence {
    /// What came of an effect.
    Answered {
        /// The key of the effect.
        key: String,
        /// What came of it.
        answer: Answer,
    },
    /// The time that was waited for.
    Time,
    /// An accepted event, shown once and in order.
    Event {
        /// Its position in the journal.
        position: u64,
        /// It, as a CloudEvent.
        event: Doc,
    },
    /// A person wants what failed to be tried again.
    Retry,
    /// A person wants a live task to count as done.
    Skip {
        /// The key of the task; empty for the one that failed.
        key: String,
        /// What it is to have given; `null` for its input.
        output: Doc,
    },
    /// A person wants it to end, and undone what can be.
    Cancel,
    /// A person lets the rest of an undo be.
    Abandon,
}
