//! What a trial of a system found out: connected, logged in, one thing read, and until when certificates are good.

use lineshaft_model::{Millis, Reason};

/// One thing that was tried. Nothing is changed by trying, and nothing that is read is kept.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was tried: `connection`, `login`, `source orders`.
    pub part: String,
    /// What was found, or what is missing.
    pub found: Result<String, Reason>,
    /// The last moment of a certificate that was seen.
    pub good_until: Option<Millis>,
}

impl Finding {
    /// A finding without a certificate.
    pub fn new(part: impl Into<String>, found: Result<String, Reason>) -> Self {
        Self { part: part.into(), found, good_until: None }
    }

    /// Whether it was well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.found.is_ok()
    }
}
