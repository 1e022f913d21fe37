//! Programs the proof needs beside Rust: looked for, and installed where that is possible.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Site;
use crate::command::{run, works};

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

/// Chromium and its driver, installed as Debian packages when they are missing and we may.
pub(crate) fn browser() -> Result<(), String> {
    if has_browser() {
        return Ok(());
    }
    let packages = ["chromium", "chromium-driver"];
    let Some(apt_get) = apt_get() else {
        return Err(format!(
            "no Chromium, and no right to install it: apt-get install {}",
            packages.join(" ")
        ));
    };
    let installed = run(apt_get().arg("update"))
        .and_then(|()| run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages)));
    match installed {
        Ok(()) if has_browser() => Ok(()),
        Ok(()) => {
            Err("the packages chromium and chromium-driver brought no `chromium` and `chromedriver`"
                .to_owned())
        }
        Err(failure) => Err(format!("Chromium could not be installed: {failure}")),
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
        command.env("DEBIAN_FRONTEND", "noninteractive");
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
