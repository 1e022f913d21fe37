//! The steps of the proof in their order: the quick ones first, then those that build.

use std::process::Command;

use super::tools;
use super::{Ending, Site, doctests};
use crate::command::{self, Failure, run, run_keeping};

/// One step. Its heading is its name and `about`.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Site) -> Result<Ending, Failure>,
}

pub(crate) const STEPS: &[Step] = &[
    Step { name: "format", about: "the source is as rustfmt writes it", run: format },
    Step { name: "tidy", about: "the house rules hold", run: tidy },
    Step { name: "clippy", about: "no lint in any target", run: clippy },
    Step { name: "tests", about: "every test of every crate", run: tests },
    Step { name: "docs", about: "examples in the documentation run, its links lead somewhere", run: docs },
    Step { name: "browser", about: "the console in a real browser", run: browser },
    Step { name: "kill", about: "kill -9 at random under load, and nothing is lost or doubled", run: kill },
    Step { name: "demo", about: "the simulated factory runs and the books balance", run: demo },
    Step { name: "deny", about: "licences and sources of the dependencies", run: deny },
];

/// Tests that a step of their own runs, by the names of their binaries.
const APART: &str = "binary(browser) | binary(kill)";

fn passed() -> Ending {
    Ending::Passed(Vec::new())
}

fn format(site: &Site) -> Result<Ending, Failure> {
    run(&mut site.cargo(&["fmt", "--all", "--check"]))?;
    Ok(passed())
}

fn tidy(site: &Site) -> Result<Ending, Failure> {
    crate::tidy::run(&site.root)?;
    Ok(passed())
}

fn clippy(site: &Site) -> Result<Ending, Failure> {
    run(&mut site.cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(passed())
}

fn tests(site: &Site) -> Result<Ending, Failure> {
    run_tests(site, &format!("not ({APART})"), &["--workspace", "--all-targets"])
}

fn browser(site: &Site) -> Result<Ending, Failure> {
    if !has_test_binary(site, "browser")? {
        return Ok(Ending::Skipped("there are no browser tests".to_owned()));
    }
    if let Err(why) = tools::browser() {
        return Ok(Ending::Skipped(why));
    }
    run_tests(site, "binary(browser)", &["--workspace", "--test", "browser"])
}

fn kill(site: &Site) -> Result<Ending, Failure> {
    if !has_test_binary(site, "kill")? {
        return Ok(Ending::Skipped("there is no kill -9 harness".to_owned()));
    }
    run_tests(site, "binary(kill)", &["--workspace", "--test", "kill"])
}

/// Runs tests with nextest; with cargo's own runner where nextest can be neither found nor built.
fn run_tests(site: &Site, filter: &str, targets: &[&str]) -> Result<Ending, Failure> {
    let mut closing = Vec::new();
    if let Some(nextest) = tools::cargo_tool(site, "nextest") {
        let mut command = Command::new(nextest);
        command.args(["nextest", "run", "--locked", "--no-fail-fast", "-E", filter]).args(targets);
        command.current_dir(&site.root).env("TMPDIR", &site.scratch);
        run_keeping(&mut command, |line| line.trim_start().starts_with("Summary ["), &mut closing)?;
    } else {
        run(site.cargo(&["test", "--locked", "--no-fail-fast"]).args(targets))?;
        closing.push("every test passed under cargo's own runner (nextest is not installed)".to_owned());
    }
    Ok(Ending::Passed(closing))
}

fn has_test_binary(site: &Site, name: &str) -> Result<bool, Failure> {
    let metadata = command::metadata(&site.root)?;
    let mut targets = metadata.packages.iter().flat_map(|package| &package.targets);
    Ok(targets.any(|target| target.name == name && target.kind.iter().any(|kind| kind == "test")))
}

fn docs(site: &Site) -> Result<Ending, Failure> {
    let metadata = command::metadata(&site.root)?;
    let crates = doctests::crates(&metadata)
        .map_err(|error| Failure::new(format!("cannot look for examples: {error}")))?;
    if !crates.is_empty() {
        let mut test = site.cargo(&["test", "--doc", "--locked", "--quiet"]);
        for name in &crates {
            test.args(["--package", name]);
        }
        run(&mut test)?;
    }
    let mut doc =
        site.cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(passed())
}

fn demo(site: &Site) -> Result<Ending, Failure> {
    let program = site.target.join("debug").join("lineshaft");
    run(&mut site.cargo(&["build", "--package", "lineshaft", "--bins", "--locked", "--quiet"]))?;
    let mut demo = Command::new(program);
    demo.args(["demo", "--headless", "--for", "20s", "--seed", "1", "--json"]);
    run(demo.current_dir(&site.scratch).env("TMPDIR", &site.scratch))?;
    Ok(passed())
}

fn deny(site: &Site) -> Result<Ending, Failure> {
    let present = tools::found("cargo-deny").is_some() || site.target.join("tools/bin/cargo-deny").is_file();
    if !present && !site.full {
        return Ok(Ending::Skipped("cargo-deny is not installed; `--full` builds it".to_owned()));
    }
    let Some(program) = tools::cargo_tool(site, "deny") else {
        return Ok(Ending::Skipped("cargo-deny could not be built".to_owned()));
    };
    run(Command::new(program).args(["check", "licenses", "bans", "sources"]).current_dir(&site.root))?;
    Ok(passed())
}
