//! `lineshaft demo`: the simulated factory, a hub and the console, with nothing to set up.

mod floor;
mod prepare;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use lineshaft_logic::spec::Span;
use lineshaft_model::Reason;
use lineshaft_sim::{Factory, HubAddress};

use super::Around;
use crate::data::DataFolder;
use crate::failure::{Exit, Failure, Outcome};
use crate::wire::{self, Running};
use floor::Task;
use prepare::Prepared;
use report::Report;

/// How long the hub and the factory may take to come to rest at the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a simulated factory with a hub and the console; nothing to set up.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Demo {
    #[command(subcommand)]
    task: Option<Task>,
    /// No console: run, print the books, end with exit code 1 if they do not balance or a system saw an effect twice
    #[arg(long)]
    pub headless: bool,
    /// How long to run, for instance 60s; until interrupted when left out
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    pub how_long: Option<Span>,
    /// Number that decides everything the factory does
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The result as JSON
    #[arg(long)]
    pub json: bool,
    /// Events a second that the factory aims at
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub rate: u32,
    /// Data folder, emptied at the start [default: a folder of the user]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// Address of the API and the console [default: 127.0.0.1:7070, any free port when headless]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

impl Demo {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        if let Some(task) = &self.task {
            return task.run(around, &self.data_folder(around)?);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("the runtime cannot start", "tokio", &error))?;
        runtime.block_on(self.play(around))
    }

    fn data_folder(&self, around: &Around) -> Result<DataFolder, Failure> {
        match &self.data {
            Some(path) => Ok(DataFolder::new(path)),
            None => DataFolder::of_demo(&around.variables).ok_or_else(|| {
                Failure::wrong_use("there is no folder for the demo's data", "name one with --data DIR")
            }),
        }
    }

    async fn play(&self, around: &Around) -> Outcome {
        let Prepared { workspace, variables, factory, data } = prepare::prepare(self, around).await?;
        if !self.headless {
            crate::logging::start(&workspace.settings.log, around.terminal.colour);
        }
        let started = wire::start(workspace, &variables, Arc::new(end_at_once)).await;
        let running = started.map_err(|reasons| Failure { exit: Exit::Problems, reasons })?;
        let token = data.leave_local_token(running.hub.now())?;
        let hub = format!("http://{}", running.listening.address);
        factory.connect(HubAddress(hub.clone()));
        floor::leave_address(&data, factory.control())?;
        if !self.headless {
            welcome(around, &hub, &token, &factory);
        }
        self.wait(&running).await;
        around.terminal.note("coming to rest");
        let report = rest(&running, &factory).await;
        running.hub.stop().await;
        factory.shutdown().await;
        let report = report?;
        if self.json {
            around.terminal.json(&report)?;
        } else {
            around.terminal.line(&report.to_string())?;
        }
        Ok(if report.is_good() { Exit::Well } else { Exit::Problems })
    }

    /// Until the time is over, someone interrupts, or the hub cannot go on.
    async fn wait(&self, running: &Running) {
        let hub = &running.hub;
        let over = async {
            match self.how_long {
                Some(span) => hub.pause(u64::try_from(span.0).unwrap_or(0)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            _ = tokio::signal::ctrl_c() => {}
            () = hub.stopping() => {}
        }
    }
}

fn welcome(around: &Around, hub: &str, token: &str, factory: &Factory) {
    let terminal = &around.terminal;
    let program = if around.variables.get("CARGO").is_some() { "cargo" } else { "lineshaft" };
    let lines = [
        format!("The console: {hub}/login?token={token}"),
        format!("The factory: http://{}/sim", factory.control()),
        String::new(),
        String::from("Break a system from another terminal, watch the hub hold and catch up:"),
        format!("  {program} demo break wms --for 30s"),
        String::from("Count a shelf where parts are missing, watch the orders that need them stop:"),
        format!("  {program} demo count"),
        String::from("End with ctrl-c."),
    ];
    for line in lines {
        terminal.say(&line);
    }
}

/// Lets everything that has begun come to its end, then asks hub and factory for their books.
async fn rest(running: &Running, factory: &Factory) -> Result<Report, Failure> {
    factory.rest();
    let hub = &running.hub;
    let rounds = PATIENCE.as_millis() / 50;
    for _ in 0..rounds {
        let overview = hub.overview()?;
        if factory.waiting() == 0 && overview.pending == 0 && overview.applied >= overview.position {
            break;
        }
        hub.pause(50).await;
    }
    Ok(Report::of(&hub.overview()?, hub.balance()?, factory.audit(), factory.stories()))
}

/// What could not be made durable must not be acknowledged, and nothing is tried again: the process ends.
fn end_at_once(reason: &Reason) {
    tracing::error!(code = reason.code, at = reason.at, hint = reason.hint, "{}", reason.message);
    std::process::exit(i32::from(Exit::Problems as u8));
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text)
}
