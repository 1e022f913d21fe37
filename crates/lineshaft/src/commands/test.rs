//! `lineshaft test DIR`: the workspace's own tests.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use lineshaft_engine::clock::{Clock, SystemClock};
use serde::Serialize;

use super::Around;
use crate::failure::{Exit, Failure, Outcome};
use crate::rehearsal::{self, Change, Coverage, Decision, Played, coverage, junit};
use crate::workspace::{self, Files, Problem, Problems, Style};

/// How often `--watch` looks at the files.
const LOOK: Duration = Duration::from_millis(300);

/// Plays the tests of a workspace: inputs in, and the events, deliveries, drops and quarantines that they must come to.
/// Systems are stood in for and time is set; nothing is started. Exit code 1 if a test fails.
#[derive(Args, Debug)]
pub struct Test {
    /// Folder that holds lineshaft.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Only tests whose file or name holds this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Keep what came of tests with a snapshot; on a terminal each change is shown first and asked about
    #[arg(long)]
    update: bool,
    /// Play them again whenever a file of the workspace changes
    #[arg(long, conflicts_with_all = ["json", "update"])]
    watch: bool,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Name what no test uses
    #[arg(long)]
    coverage: bool,
    /// Fail when less than so much of the sources, mappings, routes and operations is used
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage_at_least: Option<u8>,
    /// One JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Report<'r> {
    passed: usize,
    failed: usize,
    duration_us: u64,
    coverage_percent: usize,
    coverage: &'r [coverage::Covered],
    tests: Vec<Shown<'r>>,
}

#[derive(Serialize)]
struct Shown<'r> {
    file: &'r str,
    line: u32,
    test: &'r str,
    passed: bool,
    problems: &'r [Problem],
}

/// All that a run came to.
struct Run {
    played: Vec<Played>,
    coverage: Vec<coverage::Covered>,
    files: Files,
    duration_us: u64,
}

impl Test {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        if !self.watch {
            return self.once(around);
        }
        loop {
            let seen = stamp(&self.folder);
            match self.once(around) {
                Err(failure) if failure.exit != Exit::Problems => return Err(failure),
                Err(failure) if !failure.reasons.is_empty() => around.terminal.say(&failure.to_string()),
                Err(_) | Ok(_) => {}
            }
            around.terminal.say("waiting for a change; Ctrl-C ends");
            while stamp(&self.folder) == seen {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn once(&self, around: &Around) -> Outcome {
        let run = self.play(around)?;
        if let Some(file) = &self.junit {
            std::fs::write(file, junit::document(&run.played))
                .map_err(|error| Failure::io("the results cannot be written", file.display(), &error))?;
        }
        let failed = run.played.iter().filter(|case| !case.problems.is_empty()).count();
        let percent = coverage::percent(&run.coverage);
        if self.json {
            around.terminal.json(&run.report(failed, percent))?;
        } else {
            self.tell(around, &run, failed, percent)?;
        }
        let short = self.coverage_at_least.is_some_and(|least| percent < usize::from(least));
        Ok(if failed > 0 || short { Exit::Problems } else { Exit::Well })
    }

    fn play(&self, around: &Around) -> Result<Run, Failure> {
        let clock = SystemClock::new();
        let began_us = clock.ticks_us();
        let variables = around.variables.clone().with_stand_ins();
        let loaded = workspace::load(&self.folder, &variables);
        let said = |problems: &Problems, files: &Files| {
            around.terminal.say(workspace::render(problems, files, style(around)).trim_end());
            Failure { exit: Exit::Problems, reasons: Vec::new() }
        };
        let Some(workspace) = loaded.workspace else { return Err(said(&loaded.problems, &loaded.files)) };
        let cases = rehearsal::read(&self.folder);
        if cases.problems.errors() > 0 {
            return Err(said(&cases.problems, &cases.files));
        }
        let stage =
            rehearsal::stage(workspace).map_err(|reasons| Failure { exit: Exit::Problems, reasons })?;
        let wanted = |case: &rehearsal::Case| {
            self.filter.as_ref().is_none_or(|text| case.file.contains(text) || case.name.contains(text))
        };
        let mut coverage = Coverage::default();
        let mut decide = |change: &Change<'_>| self.decide(around, change);
        let played: Vec<Played> = cases
            .cases
            .iter()
            .filter(|case| wanted(case))
            .map(|case| rehearsal::play(&stage, case, &mut coverage, &mut decide))
            .collect();
        if played.is_empty() {
            let hint = match &self.filter {
                Some(_) => "look at --filter; without it all tests are played",
                None => "write the first into tests/, `docs/guides/test-a-workspace.md` shows how",
            };
            return Err(Failure::wrong_use("there is no test to play", hint));
        }
        let coverage = coverage.of(stage.parts());
        Ok(Run { played, coverage, files: cases.files, duration_us: clock.ticks_us() - began_us })
    }

    /// Whether a snapshot is to be kept as it is now.
    fn decide(&self, around: &Around, change: &Change<'_>) -> Decision {
        if !self.update {
            return Decision::Refuse;
        }
        around.terminal.say(&format!("{}\n{}", change.file, change.diff()));
        if !(around.terminal.talkative && std::io::stdin().is_terminal()) {
            return Decision::Keep;
        }
        around.terminal.say("keep it? [y/N]");
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        if read.is_ok() && answer.trim().eq_ignore_ascii_case("y") {
            Decision::Keep
        } else {
            Decision::Refuse
        }
    }

    fn tell(&self, around: &Around, run: &Run, failed: usize, percent: usize) -> Result<(), Failure> {
        let mut problems = Problems::default();
        problems.extend(run.played.iter().flat_map(|case| case.problems.iter().cloned()));
        let mut out = String::new();
        if !problems.is_empty() {
            out = workspace::render(&problems, &run.files, style(around));
        }
        for case in run.played.iter().filter(|case| !case.problems.is_empty()) {
            out.push_str(&format!("failed: {}:{}: {}\n", case.file, case.line, case.name));
        }
        if self.coverage || self.coverage_at_least.is_some() {
            for covered in &run.coverage {
                out.push_str(&format!("{}: {} of {} used", covered.kind, covered.used, covered.all));
                if !covered.unused.is_empty() {
                    out.push_str(&format!("; not {}", covered.unused.join(", ")));
                }
                out.push('\n');
            }
        }
        let passed = run.played.len() - failed;
        let took = match run.duration_us / 1000 {
            0 => "under 1 ms".to_owned(),
            ms => format!("{ms} ms"),
        };
        out.push_str(&format!(
            "{passed} passed, {failed} failed in {took}; {percent} % of the workspace used\n"
        ));
        around.terminal.write(out.as_bytes())
    }
}

impl Run {
    fn report(&self, failed: usize, percent: usize) -> Report<'_> {
        Report {
            passed: self.played.len() - failed,
            failed,
            duration_us: self.duration_us,
            coverage_percent: percent,
            coverage: &self.coverage,
            tests: self.played.iter().map(Shown::of).collect(),
        }
    }
}

impl<'r> Shown<'r> {
    fn of(case: &'r Played) -> Self {
        Self {
            file: &case.file,
            line: case.line,
            test: &case.name,
            passed: case.problems.is_empty(),
            problems: &case.problems,
        }
    }
}

fn style(around: &Around) -> Style {
    match around.terminal.width {
        Some(_) => Style::Snippets { colour: around.terminal.colour },
        None => Style::Lines,
    }
}

/// What tells whether any file of a workspace has changed: how many there are, their sizes and their times.
fn stamp(folder: &Path) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
    fn gather(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, u64, Option<std::time::SystemTime>)>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if about.is_dir() && !hidden && depth > 0 && entry.file_name() != "data" {
                gather(&entry.path(), depth - 1, found);
            } else if about.is_file() {
                found.push((entry.path(), about.len(), about.modified().ok()));
            }
        }
    }
    let mut found = Vec::new();
    gather(folder, 8, &mut found);
    found.sort();
    found
}
