//! `lineshaft run DIR`: the hub.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use lineshaft_model::Reason;
use tokio::signal::unix::{SignalKind, signal};

use super::Around;
use crate::data::DataFolder;
use crate::failure::{Exit, Failure, Outcome};
use crate::workspace::{self, Style, Workspace};
use crate::{logging, wire};

/// Runs the hub on a workspace. SIGHUP or `lineshaft reload` takes a changed one, checked whole first.
#[derive(Args, Debug)]
pub struct Run {
    /// Folder that holds lineshaft.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

impl Run {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let workspace = checked(&self.folder, around)?;
        logging::start(&workspace.settings.log, around.terminal.colour);
        let data = DataFolder::new(workspace.data_folder());
        std::fs::create_dir_all(data.path())
            .map_err(|error| Failure::io("the data folder cannot be made", data.path().display(), &error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("the runtime cannot start", "tokio", &error))?;
        runtime.block_on(serve(workspace, &data, around))
    }
}

async fn serve(workspace: Workspace, data: &DataFolder, around: &Around) -> Outcome {
    let signals = |error: std::io::Error| Failure::io("signals cannot be waited for", "signals", &error);
    let mut hang_up = signal(SignalKind::hangup()).map_err(signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let started = wire::start(workspace, &around.variables, Arc::new(end_at_once)).await;
    let running = started.map_err(|reasons| Failure { exit: Exit::Problems, reasons })?;
    data.leave_local_token(running.hub.now())?;
    let address = running.listening.address;
    tracing::info!(%address, "the hub is running");
    around.terminal.note(&format!("the hub is running at http://{address}; end it with ctrl-c"));
    loop {
        tokio::select! {
            _ = hang_up.recv() => {
                // Taken or refused, the log says so; what ran goes on.
                if let Err(reasons) = (running.reload)().await {
                    for reason in reasons {
                        tracing::error!(code = reason.code, at = reason.at, hint = reason.hint, "{}", reason.message);
                    }
                }
            }
            _ = terminate.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
            () = running.hub.stopping() => break,
        }
    }
    tracing::info!("stopping");
    running.hub.stop().await;
    Ok(Exit::Well)
}

/// What could not be made durable must not be acknowledged, and nothing is tried again: the process ends.
fn end_at_once(reason: &Reason) {
    tracing::error!(code = reason.code, at = reason.at, hint = reason.hint, "{}", reason.message);
    std::process::exit(i32::from(Exit::Problems as u8));
}

/// The workspace in a folder; its problems are said, and an error ends the command.
pub(crate) fn checked(folder: &std::path::Path, around: &Around) -> Result<Workspace, Failure> {
    let loaded = workspace::load(folder, &around.variables);
    if !loaded.problems.is_empty() {
        let style = match around.terminal.talkative {
            true => Style::Snippets { colour: around.terminal.colour },
            false => Style::Lines,
        };
        around.terminal.say(workspace::render(&loaded.problems, &loaded.files, style).trim_end());
    }
    loaded.workspace.ok_or(Failure { exit: Exit::Problems, reasons: Vec::new() })
}
