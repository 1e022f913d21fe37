//! The command line: which commands there are, and how the process ends.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{self, Around};
use crate::failure::{Exit, Outcome};
use crate::terminal::Terminal;
use crate::workspace::Variables;

/// Connects a manufacturer's systems through one durable journal and governed contracts.
#[derive(Parser, Debug)]
#[command(
    name = "lineshaft",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "Exit codes: 0 well, 1 problems found, 2 wrong use, 3 the hub could not be reached.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Demo(commands::demo::Demo),
    New(commands::new::New),
    Check(commands::check::Check),
    Test(commands::test::Test),
    Contracts(commands::contracts::Contracts),
    Run(commands::run::Run),
    Reload(commands::reload::Reload),
    Map(commands::map::Map),
    Decode(commands::decode::Decode),
    Encode(commands::encode::Encode),
    Events(commands::events::Events),
    Trace(commands::trace::Trace),
    Objects(commands::objects::Objects),
    Deliveries(commands::deliveries::Deliveries),
    DeadLetters(commands::dead_letters::DeadLetters),
    Quarantine(commands::quarantine::Quarantine),
    Replay(commands::jobs::Replay),
    Jobs(commands::jobs::Jobs),
    Systems(commands::systems::Systems),
    Availability(commands::availability::Availability),
    Shortages(commands::shortages::Shortages),
    Impact(commands::impact::Impact),
    Plan(commands::plan::Plan),
    Processes(commands::processes::Processes),
    Cases(commands::processes::Cases),
    Balance(commands::balance::Balance),
    Journal(commands::journal::Journal),
    Views(commands::views::Views),
    Token(commands::token::Token),
    User(commands::user::User),
    Access(commands::access::Access),
    Bench(commands::bench::Bench),
    Explain(commands::explain::Explain),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are data; anything else is wrong use, and clap says how it would be right.
            let _ = error.print();
            return if error.use_stderr() { Exit::WrongUse.into() } else { Exit::Well.into() };
        }
    };
    let variables = Variables::of_process();
    let terminal = Terminal::of_process(&variables);
    let around = Around { variables, terminal };
    match run(&cli.command, &around) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // A failure without reasons has been said already.
            if !failure.reasons.is_empty() {
                around.terminal.say(&failure.to_string());
            }
            failure.exit.into()
        }
    }
}

fn run(command: &Command, around: &Around) -> Outcome {
    match command {
        Command::Demo(command) => command.run(around),
        Command::New(command) => command.run(around),
        Command::Check(command) => command.run(around),
        Command::Test(command) => command.run(around),
        Command::Contracts(command) => command.run(around),
        Command::Run(command) => command.run(around),
        Command::Reload(command) => command.run(around),
        Command::Map(command) => command.run(around),
        Command::Decode(command) => command.run(around),
        Command::Encode(command) => command.run(around),
        Command::Events(command) => command.run(around),
        Command::Trace(command) => command.run(around),
        Command::Objects(command) => command.run(around),
        Command::Deliveries(command) => command.run(around),
        Command::DeadLetters(command) => command.run(around),
        Command::Quarantine(command) => command.run(around),
        Command::Replay(command) => command.run(around),
        Command::Jobs(command) => command.run(around),
        Command::Systems(command) => command.run(around),
        Command::Availability(command) => command.run(around),
        Command::Shortages(command) => command.run(around),
        Command::Impact(command) => command.run(around),
        Command::Plan(command) => command.run(around),
        Command::Processes(command) => command.run(around),
        Command::Cases(command) => command.run(around),
        Command::Balance(command) => command.run(around),
        Command::Journal(command) => command.run(around),
        Command::Views(command) => command.run(around),
        Command::Token(command) => command.run(around),
        Command::User(command) => command.run(around),
        Command::Access(command) => command.run(around),
        Command::Bench(command) => command.run(around),
        Command::Explain(command) => command.run(around),
    }
}

#[cfg(test)]
mod tests;
