//! `lineshaft check DIR`: every problem of a workspace.

use std::path::PathBuf;

use clap::Args;

use super::Around;
use crate::failure::{Exit, Outcome};
use crate::workspace::{self, Style};

/// Reports every problem of a workspace, with file, line, reason and a hint. Exit code 1 if there is an error.
#[derive(Args, Debug)]
pub struct Check {
    /// Folder that holds lineshaft.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// A JSON array of problems instead of text
    #[arg(long)]
    json: bool,
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
}

impl Check {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let loaded = workspace::load(&self.folder, &around.variables);
        if self.json {
            around.terminal.json(&loaded.problems.as_slice())?;
        } else {
            let style = match around.terminal.width {
                Some(_) => Style::Snippets { colour: around.terminal.colour },
                None => Style::Lines,
            };
            around.terminal.write(workspace::render(&loaded.problems, &loaded.files, style).as_bytes())?;
        }
        let bad = loaded.problems.errors() > 0 || (self.strict && !loaded.problems.is_empty());
        Ok(if bad { Exit::Problems } else { Exit::Well })
    }
}
