//! Where a command writes: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::workspace::interpolate::Variables;

/// What is known of the two outputs.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Columns to keep to; none in a pipe, where nothing is cut.
    pub width: Option<usize>,
    /// Whether progress and surroundings of problems may be shown on standard error.
    pub talkative: bool,
    /// Whether colours may be used on standard error.
    pub colour: bool,
}

impl Terminal {
    /// As the process was started. `NO_COLOR` and `TERM=dumb` are kept.
    #[must_use]
    pub fn of_process(variables: &Variables) -> Self {
        let talkative = io::stderr().is_terminal();
        let plain = variables.get("NO_COLOR").is_some_and(|value| !value.is_empty())
            || variables.get("TERM") == Some("dumb");
        let width = io::stdout().is_terminal().then(|| {
            let asked = variables.get("COLUMNS").and_then(|columns| columns.parse().ok());
            asked.or_else(terminal_columns).unwrap_or(80)
        });
        Self { width, talkative, colour: talkative && !plain }
    }

    /// Neither a terminal nor colours, for tests.
    #[must_use]
    pub const fn pipe() -> Self {
        Self { width: None, talkative: false, colour: false }
    }

    /// Writes data. A reader that has gone away ends the command without a word, as `head` expects.
    pub fn write(&self, data: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(data).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(Failure { exit: Exit::Well, reasons: Vec::new() })
            }
            Err(error) => Err(Failure::io("standard output cannot be written", "stdout", &error)),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a line of data.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        self.write(format!("{text}\n").as_bytes())
    }

    /// Writes a value as indented JSON.
    pub fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        self.line(&to_text(serde_json::to_string_pretty(value))?)
    }

    /// Says something that is not data. Nothing can be done when even that fails.
    pub fn say(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Says something only to somebody who is watching.
    pub fn note(&self, text: &str) {
        if self.talkative {
            self.say(text);
        }
    }

    /// Shows how far long work has come, on one line that is written over; silent in a pipe.
    pub fn progress(&self, text: &str) {
        if self.talkative {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\x1b[2K{text}").and_then(|()| err.flush());
        }
    }

    /// Takes the line of progress away.
    pub fn progress_done(&self) {
        self.progress("");
    }
}

fn to_text(written: Result<String, serde_json::Error>) -> Result<String, Failure> {
    written.map_err(|error| {
        Failure::problem(lineshaft_model::Reason::new("internal", format!("JSON cannot be written: {error}")))
    })
}

fn terminal_columns() -> Option<usize> {
    // `stty` and friends ask the kernel; without unsafe code the safe wrapper of rustix does.
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|n| *n > 0)
}
