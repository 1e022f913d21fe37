//! What a rule reports: where, what is wrong, and how to mend it.

use std::fmt;

/// Whether a breach fails the run or only asks for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Fails,
    Warns,
}

/// One place where the tree breaks a rule.
#[derive(Debug, Clone)]
pub(crate) struct Breach {
    /// The rule's name, as an exception names it.
    pub(crate) rule: &'static str,
    pub(crate) weight: Weight,
    pub(crate) path: String,
    /// Counted from 1; 0 when the breach is about the whole file.
    pub(crate) line: usize,
    /// The function, word or crate at fault, as an exception names it.
    pub(crate) subject: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) mend: &'static str,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.weight {
            Weight::Fails => "error",
            Weight::Warns => "warning",
        };
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {word}[{}]: {}", self.rule, self.message)
    }
}

/// One rule on its way through the tree: collects breaches that share a name and a mend.
#[derive(Debug)]
pub(crate) struct Rule<'a> {
    name: &'static str,
    mend: &'static str,
    found: &'a mut Vec<Breach>,
}

impl<'a> Rule<'a> {
    pub(crate) fn new(name: &'static str, mend: &'static str, found: &'a mut Vec<Breach>) -> Self {
        Self { name, mend, found }
    }

    pub(crate) fn fail(&mut self, path: &str, line: usize, subject: &str, message: String) {
        self.report(Weight::Fails, path, line, subject, message);
    }

    pub(crate) fn warn(&mut self, path: &str, line: usize, subject: &str, message: String) {
        self.report(Weight::Warns, path, line, subject, message);
    }

    fn report(&mut self, weight: Weight, path: &str, line: usize, subject: &str, message: String) {
        self.found.push(Breach {
            rule: self.name,
            weight,
            path: path.to_owned(),
            line,
            subject: subject.to_owned(),
            message,
            mend: self.mend,
        });
    }
}
