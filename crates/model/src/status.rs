//! Canonical statuses. A source's own code is mapped to one of these by a code list and kept beside it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Reason;

/// Declares how a status is written and read, so that both always agree with the variants.
fn parse_in<T: Copy + fmt::Display>(all: &[T], text: &str, what: &str) -> Result<T, Reason> {
    all.iter().copied().find(|status| status.to_string() == text).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        Reason::new("status-unknown", format!("`{}` is not a {what} status", crate::moment::clip(text, 32)))
            .hint(format!("use one of {}, or map the system's own code with a code list", names.join(", ")))
    })
}

/// The status of a purchase order line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderLineStatus {
    /// Ordered, not yet answered.
    Open,
    /// Confirmed as ordered.
    Confirmed,
    /// Confirmed with another quantity, date or price.
    Changed,
    /// Confirmed in part, the balance backordered.
    Partial,
    /// Not confirmed, to come later.
    Backordered,
    /// Refused by the supplier.
    Rejected,
    /// Withdrawn by the buyer.
    Cancelled,
    /// Finished.
    Closed,
}

impl OrderLineStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::Confirmed,
        Self::Changed,
        Self::Partial,
        Self::Backordered,
        Self::Rejected,
        Self::Cancelled,
        Self::Closed,
    ];
}

impl fmt::Display for OrderLineStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Changed => "changed",
            Self::Partial => "partial",
            Self::Backordered => "backordered",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
        })
    }
}

impl FromStr for OrderLineStatus {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_in(&Self::ALL, text, "purchase order line")
    }
}

/// The status of a production order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProductionStatus {
    /// Planned, not yet an order.
    Planned,
    /// An order, not yet released.
    Created,
    /// Released to the shop floor.
    Released,
    /// Being worked on.
    Running,
    /// Stopped, to be taken up again.
    Held,
    /// All operations done.
    Completed,
    /// Settled.
    Closed,
    /// Withdrawn.
    Cancelled,
}

impl ProductionStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Planned,
        Self::Created,
        Self::Released,
        Self::Running,
        Self::Held,
        Self::Completed,
        Self::Closed,
        Self::Cancelled,
    ];
}

impl fmt::Display for ProductionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planned => "planned",
            Self::Created => "created",
            Self::Released => "released",
            Self::Running => "running",
            Self::Held => "held",
            Self::Completed => "completed",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        })
    }
}

impl FromStr for ProductionStatus {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_in(&Self::ALL, text, "production order")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_back_as_written() {
        for status in OrderLineStatus::ALL {
            assert_eq!(status.to_string().parse(), Ok(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{status}\""));
        }
        for status in ProductionStatus::ALL {
            assert_eq!(status.to_string().parse(), Ok(status));
        }
    }

    #[test]
    fn a_systems_own_code_is_refused_with_a_hint() {
        let error = "REL".parse::<ProductionStatus>().unwrap_err();
        assert_eq!(error.code, "status-unknown");
        assert!(error.hint.contains("code list"), "{}", error.hint);
    }
}
