//! `lineshaft encode --format x12 < documents`: what an operation would send of these documents.

use clap::Args;
use lineshaft_formats::{Encoder, Format, NdjsonOptions, decode};

use super::Around;
use super::decode::format;
use super::map::standard_input;
use crate::failure::{Exit, Failure, Outcome};

/// Encodes standard input, one JSON document a line, as an operation would
#[derive(Args, Debug)]
pub struct Encode {
    /// json, ndjson, csv, xml, x12 or edifact, or one with options as in a workspace: '{"x12": {"line_end": "lf"}}'
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = format)]
    format: Format,
}

impl Encode {
    /// Runs the command. A document that cannot be encoded is said with its line; the rest is written all the same.
    pub fn run(&self, around: &Around) -> Outcome {
        let input = standard_input()?;
        let lines = Format::Ndjson(NdjsonOptions {
            line_bytes: lineshaft_formats::Size::mib(256),
            ..NdjsonOptions::default()
        });
        let mut encoder = Encoder::new(&self.format);
        let mut out = Vec::new();
        let mut exit = Exit::Well;
        let mut told = |error: lineshaft_formats::FormatError| {
            around.terminal.say(&Failure::problem(error.into()).to_string());
            exit = Exit::Problems;
        };
        for item in decode(&lines, &input) {
            let line = item.as_ref().map_or(0, |document| document.at.line);
            let written = item.and_then(|document| encoder.document(&document.json, &mut out));
            if let Err(mut error) = written {
                error.at.line = error.at.line.max(line);
                told(error);
            }
            around.terminal.write(&out)?;
            out.clear();
        }
        if let Err(error) = encoder.finish(&mut out) {
            told(error);
        }
        around.terminal.write(&out)?;
        Ok(exit)
    }
}
