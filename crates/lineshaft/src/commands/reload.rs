//! `lineshaft reload`: a running hub takes its changed workspace.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::Around;
use super::reach::{Reach, wait};
use crate::failure::{Exit, Outcome};

/// Lets a running hub take its changed workspace. A bad one leaves the running configuration in place.
#[derive(Args, Debug)]
pub struct Reload {
    #[command(flatten)]
    reach: Reach,
}

#[derive(Deserialize)]
struct Running {
    digest: String,
}

#[derive(Serialize)]
struct Nothing {}

impl Reload {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let hub = self.reach.hub(around)?;
        let running: Running = wait(async { hub.post("/v1/configuration/reload", &Nothing {}).await })?;
        around.terminal.line(&format!("running {}", running.digest.get(..12).unwrap_or(&running.digest)))?;
        Ok(Exit::Well)
    }
}
