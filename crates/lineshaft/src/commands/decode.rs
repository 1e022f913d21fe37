//! `lineshaft decode --format csv < file`: what a source would make of these bytes.

use clap::Args;
use lineshaft_formats::{Format, decode};

use super::Around;
use super::map::standard_input;
use crate::failure::{Exit, Failure, Outcome};

/// Decodes standard input as a source would: one JSON document a line.
#[derive(Args, Debug)]
pub struct Decode {
    /// json, ndjson, csv, xml, x12 or edifact, or one with options as in a workspace: '{"csv": {"delimiter": ";"}}'
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = format)]
    format: Format,
}

impl Decode {
    /// Runs the command. What cannot be decoded is said with its place; the rest is written all the same.
    pub fn run(&self, around: &Around) -> Outcome {
        let input = standard_input()?;
        let mut exit = Exit::Well;
        for item in decode(&self.format, &input) {
            match item {
                Ok(document) => {
                    let mut line = document.json.to_vec();
                    line.push(b'\n');
                    around.terminal.write(&line)?;
                }
                Err(error) => {
                    around.terminal.say(&Failure::problem(error.into()).to_string());
                    exit = Exit::Problems;
                }
            }
        }
        Ok(exit)
    }
}

pub(super) fn format(text: &str) -> Result<Format, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    Format::named(text)
}
