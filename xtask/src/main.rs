//! Developer tasks, run as `cargo xtask NAME`: the house rules, the proof, the benchmarks, the recorded input.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool of the developer's terminal: it prints, tells the time a step took and reads the environment"
)]

mod bench;
mod command;
mod corpus;
mod faults;
mod proof;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of Lineshaft", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check the house rules of STYLE.md; every breach with its place and the way to mend it
    Tidy,
    /// Prove the whole: format, rules, lints, tests, pages, browser, kill -9, the factory
    Test(proof::Options),
    /// Run the benchmarks of bench/ in the release profile, all or the named ones
    Bench {
        /// Names of benchmark programs
        names: Vec<String>,
        /// What follows `--` goes to each program
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run the fault programme: inject each kind of trouble and see that nothing is lost, doubled or stuck
    Faults {
        /// Names of rows; all without any
        rows: Vec<String>,
        /// Name the rows and do nothing
        #[arg(long)]
        list: bool,
    },
    /// Run the examples on recorded input kept beside the checkout
    Corpus {
        /// The folder that holds `corpus/`
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let done = match Arguments::parse().task {
        Task::Tidy => tidy::run(root),
        Task::Test(options) => proof::run(root, &options),
        Task::Bench { names, arguments } => bench::run_named(root, &names, &arguments),
        Task::Faults { rows, list } => faults::run(root, &rows, list),
        Task::Corpus { folder } => corpus::run_on(root, &folder),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
