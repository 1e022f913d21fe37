//! Everything that came of a case, kept in a file beside the test and compared the next time.

use std::path::Path;

use super::case::Case;
use super::outcome::Outcome;
use crate::workspace::problem::Problem;

/// A snapshot that is not as it was.
#[derive(Debug)]
pub struct Change<'c> {
    /// Its file, within the workspace.
    pub file: &'c str,
    /// As it was kept; `None` when there was none.
    pub kept: Option<&'c str>,
    /// As it is now.
    pub now: &'c str,
}

impl Change<'_> {
    /// Every line that has gone and every line that has come, with a few around them.
    #[must_use]
    pub fn diff(&self) -> String {
        diff(self.kept.unwrap_or_default(), self.now)
    }
}

/// What to do about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is not as expected.
    Refuse,
    /// It is right: keep it.
    Keep,
}

pub(super) fn compare(
    folder: &Path,
    case: &Case,
    outcome: &Outcome,
    decide: &mut dyn FnMut(&Change<'_>) -> Decision,
) -> Option<Problem> {
    let file = file_of(case);
    let now = crate::commands::listing::pretty(&outcome.to_value().to_string()) + "\n";
    let path = folder.join(&file);
    let kept = std::fs::read_to_string(&path).ok();
    if kept.as_ref() == Some(&now) {
        return None;
    }
    let failed = |message: String, hint: String| {
        Some(Problem::error(&case.file, case.expect_mark, "test-failed", message).hint(hint))
    };
    let change = Change { file: &file, kept: kept.as_deref(), now: &now };
    match (decide(&change), &kept) {
        (Decision::Keep, _) => {
            let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            match written.and_then(|()| std::fs::write(&path, &now)) {
                Ok(()) => None,
                Err(error) => failed(
                    format!("the snapshot {file} cannot be written: {error}"),
                    "let the user of this command write into the workspace".to_owned(),
                ),
            }
        }
        (Decision::Refuse, None) => failed(
            format!("there is no snapshot {file} yet"),
            "run with --update, and look at what it keeps".to_owned(),
        ),
        (Decision::Refuse, Some(kept)) => failed(
            format!("what came of it is not as {file} has it"),
            format!("{}\nrun with --update if that is right", first_difference(kept, &now)),
        ),
    }
}

/// `tests/inventory/counts.yaml` and `A count goes to the ERP`: `tests/inventory/snapshots/counts--a-count-goes-to-the-erp.json`.
fn file_of(case: &Case) -> String {
    let (folder, name) = case.file.rsplit_once('/').unwrap_or(("tests", &case.file));
    let stem = name.strip_suffix(".yaml").unwrap_or(name);
    let mut words = String::new();
    for character in case.name.chars().take(80) {
        if character.is_alphanumeric() {
            words.extend(character.to_lowercase());
        } else if !words.ends_with('-') {
            words.push('-');
        }
    }
    format!("{folder}/snapshots/{stem}--{}.json", words.trim_matches('-'))
}

/// The first line that is not as it was, with both.
fn first_difference(kept: &str, now: &str) -> String {
    let mut lines = kept.lines().zip(now.lines()).enumerate();
    match lines.find(|(_, (was, is))| was != is) {
        Some((n, (was, is))) => format!("line {}: was `{}`, is `{}`", n + 1, was.trim(), is.trim()),
        None => {
            format!("{} lines were kept, and now there are {}", kept.lines().count(), now.lines().count())
        }
    }
}

fn diff(kept: &str, now: &str) -> String {
    const AROUND: usize = 2;
    let (was, is): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), now.lines().collect());
    let same_from_start = was.iter().zip(&is).take_while(|(a, b)| a == b).count();
    let most = was.len().min(is.len()) - same_from_start;
    let same_to_end = was.iter().rev().zip(is.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let mut out = String::new();
    let mut lines = |sign: char, lines: &[&str]| {
        for line in lines {
            out.push(sign);
            out.push_str(line);
            out.push('\n');
        }
    };
    lines(' ', &was[same_from_start.saturating_sub(AROUND)..same_from_start]);
    lines('-', &was[same_from_start..was.len() - same_to_end]);
    lines('+', &is[same_from_start..is.len() - same_to_end]);
    let end = was.len() - same_to_end;
    lines(' ', &was[end..(end + AROUND).min(was.len())]);
    out
}
