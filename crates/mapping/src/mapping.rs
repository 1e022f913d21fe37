//! A mapping: compiled once, run for each document.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lineshaft_model::Reason;

use crate::budget::{Account, Budget};
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, Vars};
use crate::input::Input;
use crate::query::{How, Output, Query, take_room};
use crate::reads::Reads;

/// A compiled mapping; threads share it through an `Arc`.
#[derive(Debug)]
pub struct Mapping {
    name: Arc<str>,
    query: Query,
}

/// Why a run of a mapping gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingError {
    /// The mapping's name.
    pub mapping: Arc<str>,
    /// Code, message and hint; `at` is a JSON pointer into the input when it is known.
    pub reason: Reason,
    /// The line of the mapping, from 1, when it is known.
    pub line: Option<u32>,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mapping {}", self.mapping)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for MappingError {}

impl From<MappingError> for Reason {
    fn from(error: MappingError) -> Self {
        let place = match error.line {
            Some(line) => format!("mappings/{}:{line}", error.mapping),
            None => format!("mappings/{}", error.mapping),
        };
        let at = if error.reason.at.is_empty() { place } else { format!("{}, {place}", error.reason.at) };
        Reason { at, ..error.reason }
    }
}

impl Mapping {
    /// Compiles a mapping, reporting every problem with its place.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn compile(name: &str, source: &str, environment: &Environment) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self { name: name.into(), query: Query::compile(source, environment)? })
    }

    /// Its name, as given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it runs as a compiled plan, and if not, why.
    #[must_use]
    pub fn how(&self) -> How {
        self.query.how()
    }

    /// What it reads of its input.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.query.reads()
    }

    /// Runs the mapping on a document and gives each output as JSON text.
    ///
    /// # Errors
    /// When the mapping refuses the input, fails on it, or does not end within its budget.
    pub fn run(
        &self,
        input: &Input<'_>,
        vars: &Vars<'_>,
        budget: &Budget,
    ) -> Result<Vec<Bytes>, MappingError> {
        let mut room = budget.output_bytes;
        let write = |output: Output<'_, '_>, account: &Account| {
            let mut out = Vec::with_capacity(1024);
            output.write(&mut out, account, budget)?;
            account.pay(out.len() as u64).map_err(|stop| stop.reason(budget))?;
            take_room(&mut room, out.len(), budget)?;
            Ok(Bytes::from(out))
        };
        self.query.run(input, vars, budget, write).map_err(|failure| MappingError {
            mapping: Arc::clone(&self.name),
            reason: failure.reason,
            line: failure.line,
        })
    }

    /// Parses the text of a document and runs the mapping on it.
    ///
    /// # Errors
    /// As [`Mapping::run`], and when the text is not strict JSON.
    pub fn run_bytes(
        &self,
        bytes: &[u8],
        vars: &Vars<'_>,
        budget: &Budget,
    ) -> Result<Vec<Bytes>, MappingError> {
        let input = Input::parse(bytes).map_err(|reason| MappingError {
            mapping: Arc::clone(&self.name),
            reason,
            line: None,
        })?;
        self.run(&input, vars, budget)
    }
}
