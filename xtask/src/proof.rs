//! The proof: every step that shows the whole to be well, on any machine with Rust.
//!
//! Two builds of the world and no third: clippy checks, and the tests build the dev profile, from which the
//! factory, the kill -9 harness and the browser tests run as well. The release profile is `cargo demo`'s and the
//! benchmarks'; what it adds to the proof is not worth ten minutes of two cores.

mod conformance;
mod dependencies;
mod doctests;
mod steps;
pub(crate) mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use crate::command::{Failure, cargo, target_folder};
use steps::{STEPS, Step};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these steps, in their usual order
    #[arg(long, value_delimiter = ',', value_name = "STEP,STEP")]
    only: Vec<String>,
    /// All but these steps
    #[arg(long, value_delimiter = ',', value_name = "STEP,STEP")]
    skip: Vec<String>,
    /// Install the slow tools too, and let a step that cannot run fail
    #[arg(long)]
    full: bool,
    /// Name the steps and do nothing
    #[arg(long)]
    list: bool,
}

/// Where a step works and what it may do.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// A folder of this run only; its programs take it for the system's temporary folder.
    pub(crate) scratch: PathBuf,
    pub(crate) full: bool,
}

impl Site {
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(&self.root, arguments);
        command.env("TMPDIR", &self.scratch);
        command
    }
}

/// How a step that did not fail ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Passed,
    /// It could not run here, and why.
    Skipped(String),
}

/// The lines in which a step's program sums itself up, whether it went well or not.
pub(crate) type Closing = Vec<String>;

#[derive(Debug)]
struct Report {
    name: &'static str,
    closing: Closing,
    ending: Result<Ending, Failure>,
    took: Duration,
}

/// Runs the chosen steps, all of them even when one fails, and sums them up.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), Failure> {
    let chosen = choose(STEPS, &options.only, &options.skip)?;
    if options.list {
        for step in chosen {
            println!("{:<8} {}", step.name, step.about);
        }
        return Ok(());
    }
    let target = target_folder(root);
    let scratch = target.join("proof").join(format!("run-{}", std::process::id()));
    fs::create_dir_all(&scratch)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", scratch.display())))?;
    let site = Site { root: root.to_owned(), target, scratch, full: options.full };
    let reports: Vec<Report> = chosen.into_iter().map(|step| perform(step, &site)).collect();
    sum_up(&reports, &site)
}

fn choose<'a>(steps: &'a [Step], only: &[String], skip: &[String]) -> Result<Vec<&'a Step>, Failure> {
    if let Some(unknown) = only.iter().chain(skip).find(|name| steps.iter().all(|step| step.name != **name)) {
        return Err(Failure::new(format!(
            "there is no step `{unknown}`; `cargo xtask test --list` names them"
        )));
    }
    let holds = |names: &[String], step: &Step| names.iter().any(|name| name == step.name);
    Ok(steps.iter().filter(|step| (only.is_empty() || holds(only, step)) && !holds(skip, step)).collect())
}

fn perform(step: &Step, site: &Site) -> Report {
    eprintln!("\n== {}: {}", step.name, step.about);
    let begun = Instant::now();
    let mut closing = Closing::new();
    let mut ending = (step.run)(site, &mut closing);
    if let (true, Ok(Ending::Skipped(why))) = (site.full, &ending) {
        ending = Err(Failure::new(why.clone()));
    }
    let took = begun.elapsed();
    if let Err(failure) = &ending {
        eprintln!("error: {failure}");
    }
    Report { name: step.name, closing, ending, took }
}

/// Prints a line for each step and the test runner's own last lines; keeps the same in `proof/closing` of the target folder.
fn sum_up(reports: &[Report], site: &Site) -> Result<(), Failure> {
    let mut closing: Vec<String> = reports.iter().map(line_of).collect();
    closing.extend(reports.iter().flat_map(|report| report.closing.iter().cloned()));
    let failed: Vec<&str> =
        reports.iter().filter(|report| report.ending.is_err()).map(|report| report.name).collect();
    let text = closing.join("\n");
    println!("\n{text}");
    let kept = fs::write(site.target.join("proof").join("closing"), text + "\n");
    if let Err(error) = kept {
        eprintln!("warning: the closing lines could not be kept: {error}");
    }
    if failed.is_empty() {
        if let Err(error) = fs::remove_dir_all(&site.scratch) {
            eprintln!("warning: {} is left behind: {error}", site.scratch.display());
        }
        return Ok(());
    }
    Err(Failure::new(format!(
        "failed: {} (what they left is in {})",
        failed.join(", "),
        site.scratch.display()
    )))
}

fn line_of(report: &Report) -> String {
    let (word, why) = match &report.ending {
        Ok(Ending::Passed) => ("passed", String::new()),
        Ok(Ending::Skipped(why)) => ("SKIPPED", format!("  {why}")),
        Err(failure) => ("FAILED", format!("  {failure}")),
    };
    format!("{:<8} {word:<8} {:>6.1} s{why}", report.name, report.took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(_: &Site, closing: &mut Closing) -> Result<Ending, Failure> {
        closing.push("3 tests run: 3 passed".to_owned());
        Ok(Ending::Passed)
    }

    fn fails(_: &Site, closing: &mut Closing) -> Result<Ending, Failure> {
        closing.push("3 tests run: 2 passed, 1 failed".to_owned());
        Err(Failure::new("1 test failed"))
    }

    fn skips(_: &Site, _: &mut Closing) -> Result<Ending, Failure> {
        Ok(Ending::Skipped("no browser here".to_owned()))
    }

    const THREE: &[Step] = &[
        Step { name: "one", about: "passes", run: passes },
        Step { name: "two", about: "fails", run: fails },
        Step { name: "three", about: "cannot run", run: skips },
    ];

    fn names(only: &[&str], skip: &[&str]) -> Result<Vec<&'static str>, String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let chosen = choose(THREE, &owned(only), &owned(skip));
        chosen
            .map(|steps| steps.iter().map(|step| step.name).collect())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn steps_are_chosen_by_name_in_their_order() {
        assert_eq!(names(&[], &[]).unwrap(), ["one", "two", "three"]);
        assert_eq!(names(&["three", "one"], &[]).unwrap(), ["one", "three"]);
        assert_eq!(names(&[], &["two"]).unwrap(), ["one", "three"]);
        assert!(names(&["four"], &[]).unwrap_err().contains("no step `four`"));
    }

    fn site(full: bool) -> (tempfile::TempDir, Site) {
        let folder = tempfile::tempdir().unwrap();
        let scratch = folder.path().join("proof").join("run");
        fs::create_dir_all(&scratch).unwrap();
        let site = Site { root: folder.path().to_owned(), target: folder.path().to_owned(), scratch, full };
        (folder, site)
    }

    fn closing(site: &Site, steps: &[usize]) -> (Result<(), Failure>, String) {
        let reports: Vec<Report> = steps
            .iter()
            .map(|index| Report { took: Duration::from_millis(1500), ..perform(&THREE[*index], site) })
            .collect();
        let ended = sum_up(&reports, site);
        (ended, fs::read_to_string(site.target.join("proof/closing")).unwrap())
    }

    #[test]
    fn a_skipped_step_is_told_and_the_runner_has_the_last_line() {
        let (_folder, site) = site(false);
        let (ended, text) = closing(&site, &[0, 2]);
        assert!(ended.is_ok());
        assert_eq!(
            text,
            "one      passed      1.5 s\nthree    SKIPPED     1.5 s  no browser here\n3 tests run: 3 passed\n"
        );
        assert!(!site.scratch.exists(), "a run that went well leaves nothing behind");
    }

    #[test]
    fn a_failed_step_fails_the_whole_and_leaves_its_traces() {
        let (_folder, site) = site(false);
        let (ended, text) = closing(&site, &[1, 0]);
        assert!(ended.unwrap_err().to_string().starts_with("failed: two"));
        assert_eq!(
            text,
            "two      FAILED      1.5 s  1 test failed\none      passed      1.5 s\n\
             3 tests run: 2 passed, 1 failed\n3 tests run: 3 passed\n"
        );
        assert!(site.scratch.exists());
    }

    #[test]
    fn in_full_a_skipped_step_fails() {
        let (_folder, site) = site(true);
        assert!(closing(&site, &[2]).0.is_err());
    }
}
