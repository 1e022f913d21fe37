//! Starting other programs: shown before they run, without a standard input, their failure told as a sentence.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::tidy::edges::Metadata;

/// Why a task did not succeed, as one sentence.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `cargo` with its arguments, in the root of the checkout. The one that runs this task, so that the toolchain is the same.
pub(crate) fn cargo<S: AsRef<OsStr>>(root: &Path, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root);
    command
}

/// Runs to the end; what the program says goes straight to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    show(command);
    let status = command.stdin(Stdio::null()).status();
    finish(command, status)
}

/// Runs to the end, passes standard error on line by line, and keeps the lines from the first that `closes` on.
pub(crate) fn run_keeping(
    command: &mut Command,
    closes: fn(&str) -> bool,
    kept: &mut Vec<String>,
) -> Result<(), Failure> {
    show(command);
    let mut child = match command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return finish(command, Err(error)),
    };
    if let Some(said) = child.stderr.take() {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            eprintln!("{line}");
            if !kept.is_empty() || closes(&line) {
                kept.push(line);
            }
        }
    }
    finish(command, child.wait())
}

/// What the program wrote on standard output; nothing when it could not be started or failed.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok()
}

/// Whether the program can be started and ends well.
pub(crate) fn works(command: &mut Command) -> bool {
    output(command).is_some()
}

/// The crates of the workspace as cargo sees them.
pub(crate) fn metadata(root: &Path) -> Result<Metadata, Failure> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let json = output(&mut cargo(root, arguments))
        .ok_or_else(|| Failure::new("`cargo metadata --no-deps` failed: run it to see why"))?;
    serde_json::from_str(&json)
        .map_err(|error| Failure::new(format!("cargo metadata has an unknown form: {error}")))
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

pub(crate) fn show(command: &Command) {
    eprintln!("$ {}", words(command));
}

/// The command line as one would type it.
fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy);
    words
        .map(|word| if word.contains([' ', '\'', '(']) { format!("\"{word}\"") } else { word.into() })
        .collect::<Vec<_>>()
        .join(" ")
}

fn finish(command: &Command, status: std::io::Result<std::process::ExitStatus>) -> Result<(), Failure> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("`{}` ended with {status}", words(command)))),
        Err(error) => Err(Failure::new(format!("`{}` could not be started: {error}", words(command)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn keeps_the_closing_lines_and_the_failure() {
        let mut kept = Vec::new();
        let failed = run_keeping(
            &mut shell("echo a >&2; echo Summary >&2; echo b >&2; exit 3"),
            |l| l == "Summary",
            &mut kept,
        );
        assert_eq!(kept, ["Summary", "b"]);
        assert!(failed.unwrap_err().to_string().contains("exit status: 3"));
    }

    #[test]
    fn a_program_that_is_not_there_is_a_sentence() {
        let failure = run(&mut Command::new("no-such-program-here")).unwrap_err().to_string();
        assert!(failure.starts_with("`no-such-program-here` could not be started"), "{failure}");
    }

    #[test]
    fn output_is_only_that_of_success() {
        assert_eq!(output(&mut shell("echo a")).as_deref(), Some("a\n"));
        assert_eq!(output(&mut shell("echo a; exit 1")), None);
    }
}
