//! `lineshaft new DIR`: a workspace to begin with.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Around;
use crate::examples;
use crate::failure::{Exit, Failure, Outcome};

/// Writes a workspace to begin with, or a copy of an example.
#[derive(Args, Debug)]
pub struct New {
    /// Folder to make; it must not be there yet, or be empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Example to begin with
    #[arg(long, value_name = "EXAMPLE", default_value = "small", value_parser = examples::names())]
    from: String,
}

impl New {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let folder = self.folder.as_path();
        let failed = |what: &str, at: &Path, error: &std::io::Error| Failure::io(what, at.display(), error);
        std::fs::create_dir_all(folder)
            .map_err(|error| failed("the folder cannot be made", folder, &error))?;
        let mut inside =
            std::fs::read_dir(folder).map_err(|error| failed("the folder cannot be read", folder, &error))?;
        if inside.next().is_some() {
            let message = format!("{} is not empty", folder.display());
            return Err(Failure::wrong_use(
                message,
                "name a folder that is not there yet: nothing is ever overwritten",
            ));
        }
        let files = examples::files(&self.from);
        for (name, text) in files {
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)
                    .map_err(|error| failed("a folder cannot be made", parent, &error))?;
            }
            std::fs::write(&path, text).map_err(|error| failed("a file cannot be written", &path, &error))?;
        }
        around.terminal.line(&format!("{}: {} files", folder.display(), files.len()))?;
        around.terminal.note(&format!("next: lineshaft check {0}, then lineshaft run {0}", folder.display()));
        Ok(Exit::Well)
    }
}
