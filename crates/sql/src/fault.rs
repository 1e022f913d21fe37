//! What a database said no to, and what that means for an attempt.

use lineshaft_model::{Answer, Reason};

/// A statement that did not succeed.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The class and code of the SQL standard (SQLSTATE); empty when there was no answer.
    pub(crate) state: Box<str>,
    /// MySQL's own number; 0 for others.
    pub(crate) number: u16,
    pub(crate) reason: Reason,
}

/// Errors of MySQL that have no state of their own and say that the values are wrong.
const WRONG_VALUES: [u16; 7] = [1048, 1292, 1364, 1366, 1406, 3819, 4025];
/// Errors of MySQL that pass: too many connections, shutting down, read only, lock waits, deadlocks.
const PASSING: [u16; 8] = [1040, 1053, 1205, 1213, 1290, 1317, 1836, 3024];

impl Fault {
    /// There was no answer: the connection is lost.
    pub(crate) fn lost(reason: Reason) -> Self {
        Self { state: Box::default(), number: 0, reason }
    }

    /// What the database said. Its words may repeat values of the event, which is what a person needs to see.
    pub(crate) fn said(whose: &str, state: &str, number: u16, words: &str) -> Self {
        let words: String =
            words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect();
        let shown = if number == 0 { state.to_owned() } else { format!("{number}, {state}") };
        let mut fault = Self {
            state: state.into(),
            number,
            reason: Reason::new("", format!("{whose} said: {words} ({shown})")),
        };
        fault.reason.code =
            if fault.is_refusal() { "database-refused" } else { "database-not-now" }.to_owned();
        fault.reason.hint = fault.hint().to_owned();
        fault
    }

    /// Whether a row with this unique key is there already, as MySQL says it.
    pub(crate) const fn is_duplicate_key(&self) -> bool {
        self.number == 1062
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.state.is_empty()
    }

    /// Whether the same statement would be refused again.
    fn is_refusal(&self) -> bool {
        if PASSING.contains(&self.number) {
            return false;
        }
        if WRONG_VALUES.contains(&self.number) {
            return true;
        }
        // Data exceptions, violated constraints, cardinality, missing objects and rights, and what procedures raise.
        matches!(
            self.state.get(..2),
            Some("21" | "22" | "23" | "42" | "44" | "45" | "P0" | "0A" | "2F" | "38" | "39")
        )
    }

    fn hint(&self) -> &'static str {
        match self.state.get(..2) {
            Some("28") => "check `auth` and what the login may do",
            Some("42") if matches!(&*self.state, "42501" | "42000") => "check the rights of the login",
            Some("42") => "check the names in the settings against the database",
            Some("22" | "23") => "check what the mapping makes of the event",
            Some("53") => "the database has no connection or room left",
            _ => "",
        }
    }

    /// What an attempt reports when nothing of it was committed.
    pub(crate) fn answer(self) -> Answer {
        if self.is_refusal() {
            Answer::Refused { status: 0, reason: self.reason }
        } else {
            Answer::Again { status: 0, after_ms: None, reason: self.reason }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_refused_again_is_refused() {
        for (state, number) in [
            ("23505", 0),
            ("22P02", 0),
            ("42P01", 0),
            ("P0001", 0),
            ("23000", 1062),
            ("HY000", 1366),
            ("45000", 1644),
        ] {
            assert!(
                matches!(Fault::said("db", state, number, "no").answer(), Answer::Refused { .. }),
                "{state} {number}"
            );
        }
        for (state, number) in [
            ("40001", 0),
            ("40P01", 0),
            ("53300", 0),
            ("57P01", 0),
            ("28P01", 0),
            ("25006", 0),
            ("40001", 1213),
            ("HY000", 1205),
            ("08004", 1040),
            ("XX000", 0),
        ] {
            assert!(
                matches!(Fault::said("db", state, number, "no").answer(), Answer::Again { .. }),
                "{state} {number}"
            );
        }
    }
}
