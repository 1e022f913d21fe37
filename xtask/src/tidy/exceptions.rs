//! The places where a rule does not hold, each with its reason. An entry that covers nothing is a breach itself.

use super::breach::{Breach, Rule};

/// One place where one rule does not hold.
#[derive(Debug)]
pub(crate) struct Exception {
    pub(crate) rule: &'static str,
    /// The whole path from the root.
    pub(crate) path: &'static str,
    /// The function, word or crate it is about; empty for every breach of the rule in that file.
    pub(crate) subject: &'static str,
    pub(crate) reason: &'static str,
}

/// Read by people when they add one: is the reason still one we would accept in somebody else's change?
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: "notes",
        path: "xtask/src/tidy/words.rs",
        subject: "",
        reason: "the rule has to name the words it forbids",
    },
    Exception {
        rule: "machine-paths",
        path: "xtask/src/tidy/words.rs",
        subject: "",
        reason: "the rule has to name the paths it forbids",
    },
    Exception {
        rule: "function-length",
        path: "crates/mapping/src/plan/tests.rs",
        subject: "program",
        reason: "a grammar of random programs: a list of shapes, no logic",
    },
];

impl Exception {
    fn covers(&self, breach: &Breach) -> bool {
        self.rule == breach.rule
            && self.path == breach.path
            && (self.subject.is_empty() || self.subject == breach.subject)
    }
}

/// Takes out what an exception covers and adds a breach for every exception that covers nothing.
pub(crate) fn apply(exceptions: &[Exception], found: Vec<Breach>) -> Vec<Breach> {
    let mut used = vec![false; exceptions.len()];
    let mut left: Vec<Breach> = found
        .into_iter()
        .filter(|breach| {
            let cover = exceptions.iter().position(|exception| exception.covers(breach));
            if let Some(index) = cover {
                used[index] = true;
            }
            cover.is_none()
        })
        .collect();
    let mut rule = Rule::new(
        "stale-exception",
        "take the entry out of xtask/src/tidy/exceptions.rs: the breach it excused is gone",
        &mut left,
    );
    for (exception, used) in exceptions.iter().zip(used) {
        if !used {
            let message = format!(
                "nothing here breaks `{}` any more, but an exception says so ({})",
                exception.rule, exception.reason
            );
            rule.fail(exception.path, 0, exception.subject, message);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breach(path: &str, subject: &str) -> Breach {
        let mut found = Vec::new();
        Rule::new("length", "shorten", &mut found).fail(path, 3, subject, "too long".to_owned());
        found.remove(0)
    }

    const ONE: &[Exception] =
        &[Exception { rule: "length", path: "a.rs", subject: "run", reason: "a table reads best whole" }];

    #[test]
    fn a_covered_breach_is_taken_out() {
        assert!(apply(ONE, vec![breach("a.rs", "run")]).is_empty());
    }

    #[test]
    fn another_subject_or_file_is_not_covered() {
        let left = apply(ONE, vec![breach("a.rs", "run"), breach("a.rs", "walk"), breach("b.rs", "run")]);
        let names: Vec<_> =
            left.iter().map(|breach| (breach.path.as_str(), breach.subject.as_str())).collect();
        assert_eq!(names, [("a.rs", "walk"), ("b.rs", "run")]);
    }

    #[test]
    fn an_exception_that_covers_nothing_is_a_breach() {
        let left = apply(ONE, Vec::new());
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].rule, "stale-exception");
    }
}
