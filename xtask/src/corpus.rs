//! The examples run on recorded input kept beside the checkout: a step of its own, because not everybody has it.

use std::fs;
use std::path::Path;

use crate::command::{Failure, cargo, run};

/// Runs the tests of the module `corpus` (see `tests/corpus.rs`) on the recorded input in `folder`.
pub(crate) fn run_on(root: &Path, folder: &Path) -> Result<(), Failure> {
    let whole = fs::canonicalize(folder)
        .map_err(|error| Failure::new(format!("{} cannot be found: {error}", folder.display())))?;
    if !whole.join("corpus").is_dir() {
        return Err(Failure::new(format!("{} holds no folder `corpus`", folder.display())));
    }
    // Cargo's own runner: two tests need nothing of the other one.
    let arguments = ["test", "--package", "lineshaft", "--test", "scenarios", "--locked", "--quiet", "--"];
    let mut command = cargo(root, arguments);
    run(command.args(["corpus::", "--test-threads", "1", "--nocapture"]).env("LINESHAFT_RECORDED", whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_recorded_input_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| run_on(folder.path(), path).unwrap_err().to_string();
        assert!(said(folder.path()).ends_with("holds no folder `corpus`"));
        assert!(said(&folder.path().join("gone")).contains("cannot be found"));
    }
}
