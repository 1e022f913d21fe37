//! The steps of the proof in their order: the quick ones first, then those that build.

use std::process::Command;

use super::tools;
use super::{Closing, Ending, Site, conformance, dependencies, doctests};
use crate::command::{self, Failure, run, run_keeping};

/// One step. Its heading is its name and `about`.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Site, &mut Closing) -> Result<Ending, Failure>,
}

pub(crate) const STEPS: &[Step] = &[
    Step { name: "format", about: "the source is as rustfmt writes it", run: format },
    Step { name: "tidy", about: "the house rules hold", run: tidy },
    Step { name: "clippy", about: "no lint in any target", run: clippy },
    Step { name: "tests", about: "every test of every crate", run: tests },
    Step { name: "docs", about: "examples in the documentation run, its links lead somewhere", run: docs },
    Step { name: "browser", about: "the console in a real browser", run: browser },
    Step { name: "kill", about: "kill -9 at random under load, and nothing is lost or doubled", run: kill },
    Step { name: "servers", about: "the doors against real servers", run: servers },
    Step { name: "demo", about: "the simulated factory runs and the books balance", run: demo },
    Step { name: "api", about: "every answer of the API is one that /openapi.json describes", run: api },
    Step { name: "deny", about: "licences and sources of the dependencies", run: deny },
];

/// Modules of integration tests that need a browser, recorded input or the machine to themselves: each is run by itself.
/// `.config/nextest.toml` leaves the same ones out of a usual run.
const APART: [&str; 4] = ["browser", "corpus", "kill", "servers"];

fn format(site: &Site, _: &mut Closing) -> Result<Ending, Failure> {
    run(&mut site.cargo(&["fmt", "--all", "--check"]))?;
    Ok(Ending::Passed)
}

fn tidy(site: &Site, _: &mut Closing) -> Result<Ending, Failure> {
    crate::tidy::run(&site.root)?;
    Ok(Ending::Passed)
}

fn clippy(site: &Site, _: &mut Closing) -> Result<Ending, Failure> {
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
    Ok(Ending::Passed)
}

fn tests(site: &Site, closing: &mut Closing) -> Result<Ending, Failure> {
    if let Some(nextest) = nextest(site) {
        return run_nextest(nextest, &["--all-targets"], closing);
    }
    let mut command =
        site.cargo(&["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast", "--"]);
    for module in APART {
        command.args(["--skip", &format!("{module}::")]);
    }
    run_plain(&mut command, closing)
}

fn browser(site: &Site, closing: &mut Closing) -> Result<Ending, Failure> {
    match tools::browser() {
        Ok(()) => run_apart(site, "browser", closing),
        Err(why) => Ok(Ending::Skipped(why)),
    }
}

fn kill(site: &Site, closing: &mut Closing) -> Result<Ending, Failure> {
    run_apart(site, "kill", closing)
}

fn servers(site: &Site, closing: &mut Closing) -> Result<Ending, Failure> {
    match tools::servers() {
        Ok(()) => run_apart(site, "servers", closing),
        Err(why) => Ok(Ending::Skipped(why)),
    }
}

/// Runs the integration tests of one module of [`APART`].
fn run_apart(site: &Site, module: &str, closing: &mut Closing) -> Result<Ending, Failure> {
    if let Some(nextest) = nextest(site) {
        let filter = format!("kind(test) & test(/^{module}::/)");
        return run_nextest(nextest, &["--tests", "--ignore-default-filter", "-E", &filter], closing);
    }
    let module = format!("{module}::");
    run_plain(
        &mut site.cargo(&[
            "test",
            "--workspace",
            "--tests",
            "--locked",
            "--",
            "--test-threads",
            "1",
            &module,
        ]),
        closing,
    )
}

/// The test runner, ready for its arguments; nothing where it can be neither found nor built.
fn nextest(site: &Site) -> Option<Command> {
    let mut command = Command::new(tools::cargo_tool(site, "nextest")?);
    command.args(["nextest", "run", "--workspace", "--locked"]);
    command.current_dir(&site.root).env("TMPDIR", &site.scratch);
    Some(command)
}

fn run_nextest(mut nextest: Command, arguments: &[&str], closing: &mut Closing) -> Result<Ending, Failure> {
    let sums_up = |line: &str| line.trim_start().starts_with("Summary [");
    run_keeping(nextest.args(arguments), sums_up, closing)?;
    Ok(Ending::Passed)
}

/// Runs tests with cargo's own runner, which has no line for the whole.
fn run_plain(command: &mut Command, closing: &mut Closing) -> Result<Ending, Failure> {
    run(command)?;
    closing.push("every test passed (under cargo's own runner: nextest could not be built)".to_owned());
    Ok(Ending::Passed)
}

fn docs(site: &Site, _: &mut Closing) -> Result<Ending, Failure> {
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
    Ok(Ending::Passed)
}

fn demo(site: &Site, _: &mut Closing) -> Result<Ending, Failure> {
    run(&mut site.cargo(&["build", "--package", "lineshaft", "--bins", "--locked", "--quiet"]))?;
    let mut demo = Command::new(site.target.join("debug").join("lineshaft"));
    demo.args([
        "demo",
        "--headless",
        "--for",
        "20s",
        "--seed",
        "1",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--data",
    ]);
    demo.arg(site.scratch.join("demo")).current_dir(&site.scratch).env("TMPDIR", &site.scratch);
    let books = site.scratch.join("demo.json");
    let file = std::fs::File::create(&books)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", books.display())))?;
    run(demo.stdout(file))?;
    Ok(Ending::Passed)
}

fn api(site: &Site, _: &mut Closing) -> Result<Ending, Failure> {
    conformance::check(site, &site.target.join("debug").join("lineshaft"))
}

fn deny(site: &Site, _: &mut Closing) -> Result<Ending, Failure> {
    dependencies::check(&site.root)?;
    let present = tools::found("cargo-deny").is_some() || site.target.join("tools/bin/cargo-deny").is_file();
    if !present && !site.full {
        return Ok(Ending::Passed);
    }
    let Some(program) = tools::cargo_tool(site, "deny") else {
        return Ok(Ending::Skipped("cargo-deny could not be built: only its lists were checked".to_owned()));
    };
    run(Command::new(program).args(["check", "licenses", "bans", "sources"]).current_dir(&site.root))?;
    Ok(Ending::Passed)
}
