//! `lineshaft test`: the workspace's own tests, played on the decisions that a running hub makes, with the systems stood in
//! for and the time set. Nothing is started, opened or written.
//!
//! ```text
//! tests/**/*.yaml -> Case -> played on the Stage -> Outcome -> compared with what is expected -> Problems
//! ```
//!
//! The rehearsal knows nothing of journals or sockets: what a hub remembers between two inputs (identities, revisions,
//! cross references, keys that are held back) is kept in `memory` for one case.

pub mod case;
mod compare;
pub mod coverage;
mod expect;
pub mod junit;
mod memory;
mod outcome;
mod play;
mod snapshot;
mod stage;

use std::path::Path;

use lineshaft_model::Reasons;

use crate::workspace::{Files, Problem, Problems, Workspace, spelling};
pub use case::Case;
pub use coverage::Coverage;
pub use snapshot::{Change, Decision};
pub use stage::Stage;

/// What came of one case.
#[derive(Debug)]
pub struct Played {
    /// Its file.
    pub file: String,
    /// The line it begins on.
    pub line: u32,
    /// What it says of itself.
    pub name: String,
    /// What is not as expected; none when it passed.
    pub problems: Vec<Problem>,
}

/// All cases of a workspace, read.
#[derive(Debug)]
pub struct Cases {
    /// In the order of the files.
    pub cases: Vec<Case>,
    /// What is wrong with the files.
    pub problems: Problems,
    /// Their texts.
    pub files: Files,
}

/// Reads every case below `tests`.
#[must_use]
pub fn read(folder: &Path) -> Cases {
    let mut problems = Problems::default();
    let files = Files::tests(folder, &mut problems);
    let cases = case::read(&files, &mut problems);
    problems.sort();
    Cases { cases, problems, files }
}

/// Everything that can be played of a workspace.
pub fn stage(workspace: Workspace) -> Result<Stage, Reasons> {
    Stage::new(workspace)
}

/// Plays one case and compares what came of it.
pub fn play(
    stage: &Stage,
    case: &Case,
    coverage: &mut Coverage,
    decide: &mut dyn FnMut(&Change<'_>) -> Decision,
) -> Played {
    let outcome = play::play(stage, case, coverage);
    let mut problems = unknown_answers(stage, case);
    problems.extend(expect::differences(case, &outcome));
    if case.snapshot {
        problems.extend(snapshot::compare(stage.folder(), case, &outcome, decide));
    }
    Played { file: case.file.clone(), line: case.mark.line, name: case.name.clone(), problems }
}

/// Answers of operations that the workspace does not have would never be given.
fn unknown_answers(stage: &Stage, case: &Case) -> Vec<Problem> {
    let unknown = case.answers.keys().filter(|destination| stage.operation(destination).is_none());
    let known = || stage.setup.plan.operations.keys().map(String::as_str).collect::<Vec<_>>();
    unknown
        .map(|destination| {
            let message = format!("`answers` names {}, which is no operation", spelling::clip(destination));
            Problem::error(&case.file, case.mark, "test-failed", message)
                .hint(spelling::meant(destination, known()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
