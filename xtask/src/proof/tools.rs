//! Programs the proof needs beside Rust: looked for, and installed where that is possible.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Site;
use crate::command::{Failure, run, works};

/// A cargo subcommand: one that is installed, else one built into the target folder. Nothing when that fails too.
pub(crate) fn cargo_tool(site: &Site, name: &str) -> Option<PathBuf> {
    let program = format!("cargo-{name}");
    let own = site.target.join("tools");
    if let Some(found) =
        found(&program).or_else(|| Some(own.join("bin").join(&program)).filter(|path| path.is_file()))
    {
        return Some(found);
    }
    eprintln!("{program} is not installed; building it once into {}", own.display());
    let mut install = site.cargo(&["install", "--locked", "--quiet", &program, "--root"]);
    // Built apart, so that its dependencies are never mistaken for ours.
    install.arg(&own).env("CARGO_TARGET_DIR", own.join("build"));
    match run(&mut install) {
        Ok(()) => Some(own.join("bin").join(program)),
        Err(failure) => {
            eprintln!("warning: {failure}");
            None
        }
    }
}

/// What is installed; a new release may find what an old one did not, and a proof must not fail by that alone.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// The generator of requests, installed from PyPI into the target folder when it is not there.
pub(crate) fn schemathesis(site: &Site) -> Option<PathBuf> {
    let folder = site.target.join("tools").join("schemathesis");
    let program = folder.join("bin").join("st");
    if program.is_file() {
        return Some(program);
    }
    eprintln!("schemathesis is not installed; installing it once into {}", folder.display());
    let python = found("python3")?;
    let made = run(Command::new(&python).args(["-m", "venv"]).arg(&folder))
        .or_else(|_| {
            // Debian keeps the module in a package of its own.
            let apt_get = apt_get().ok_or_else(|| Failure::new("no right to install python3-venv"))?;
            run(apt_get().arg("update"))?;
            run(apt_get().args(["install", "--yes", "--no-install-recommends", "python3-venv"]))?;
            run(Command::new(&python).args(["-m", "venv"]).arg(&folder))
        })
        .and_then(|()| {
            let pip = folder.join("bin").join("pip");
            run(Command::new(pip).args([
                "install",
                "--quiet",
                "--no-input",
                "--disable-pip-version-check",
                SCHEMATHESIS,
            ]))
        });
    match made {
        Ok(()) => Some(program),
        Err(failure) => {
            eprintln!("warning: {failure}");
            None
        }
    }
}

/// Chromium and its driver, installed as Debian packages when they are missing and we may.
pub(crate) fn browser() -> Result<(), String> {
    if has_browser() {
        return Ok(());
    }
    install("Chromium", &["chromium", "chromium-driver"], has_browser)
}

/// What checks XML against a schema, installed as a Debian package when it is missing and we may.
pub(crate) fn xmllint() -> Result<(), String> {
    let has_it = || found("xmllint").is_some();
    if has_it() { Ok(()) } else { install("xmllint", &["libxml2-utils"], has_it) }
}

/// The servers that the doors are tested against, as Debian packages. Those who are installed by it are told not to start.
pub(crate) fn servers() -> Result<(), String> {
    let missing = || -> Vec<&'static str> {
        let is_there = |programs: &[&str]| programs.iter().any(|program| find_server(program).is_some());
        SERVERS.iter().filter(|(_, programs)| !is_there(programs)).map(|(package, _)| *package).collect()
    };
    let packages = missing();
    if packages.is_empty() { Ok(()) } else { install("servers", &packages, || missing().is_empty()) }
}

/// Packages, and a program that shows that one is there.
const SERVERS: &[(&str, &[&str])] =
    &[("postgresql", &["initdb"]), ("mariadb-server", &["mariadbd"]), ("nats-server", &["nats-server"])];

/// A server's program, on the path or where Debian keeps it.
fn find_server(program: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let apart = versions.map(|entry| entry.path().join("bin")).chain([PathBuf::from("/usr/sbin")]);
    found(program).or_else(|| find_in(apart, program))
}

/// Installs Debian packages, and looks whether they brought what they were for.
fn install(what: &str, packages: &[&str], has_it: impl Fn() -> bool) -> Result<(), String> {
    let names = packages.join(" ");
    let Some(apt_get) = apt_get() else {
        return Err(format!("no {what}, and no right to install it: apt-get install {names}"));
    };
    let installed = run(apt_get().arg("update"))
        .and_then(|()| run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages)));
    match installed {
        Ok(()) if has_it() => Ok(()),
        Ok(()) => Err(format!("the packages {names} brought no {what}")),
        Err(failure) => Err(format!("{what} could not be installed: {failure}")),
    }
}

fn has_browser() -> bool {
    found("chromedriver").is_some()
        && ["chromium", "google-chrome", "chrome"].iter().any(|name| found(name).is_some())
}

/// How to call apt-get with the right to install; nothing when there is no such way without asking.
fn apt_get() -> Option<impl Fn() -> Command> {
    found("apt-get")?;
    let is_root = crate::command::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if !is_root && !works(Command::new("sudo").args(["-n", "true"])) {
        return None;
    }
    Some(move || {
        let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.args(["-n", "--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        }
        // Servers are started by the tests that need them, and not by being installed.
        command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        command
    })
}

/// The program in one of the folders of `PATH`.
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    find_in(env::split_paths(&folders), program)
}

fn find_in(mut folders: impl Iterator<Item = PathBuf>, program: &str) -> Option<PathBuf> {
    folders.find_map(|folder| Some(Path::new(&folder).join(program)).filter(|path| path.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_program_in_the_first_folder_that_has_it() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let paths = || folders.iter().map(|folder| folder.path().to_owned());
        assert_eq!(find_in(paths(), "driver"), None);
        std::fs::write(folders[1].path().join("driver"), "").unwrap();
        assert_eq!(find_in(paths(), "driver"), Some(folders[1].path().join("driver")));
    }
}
