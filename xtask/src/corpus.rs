//! The examples and the readers run on recorded input kept beside the checkout: a step of its own, because not everybody has it.

use std::fs;
use std::path::Path;

use crate::command::{Failure, cargo, run};

/// The test binaries with a module `corpus`: package, binary.
const TESTS: [(&str, &str); 5] = [
    ("lineshaft-formats", "recorded"),
    ("lineshaft-planning", "recorded"),
    ("lineshaft-process", "recorded"),
    ("lineshaft", "scenarios"),
    ("lineshaft-connectors", "recorded"),
];

/// Runs the tests of the modules `corpus` on the recorded input in `folder`.
pub(crate) fn run_on(root: &Path, folder: &Path) -> Result<(), Failure> {
    let whole = fs::canonicalize(folder)
        .map_err(|error| Failure::new(format!("{} cannot be found: {error}", folder.display())))?;
    if !whole.join("corpus").is_dir() {
        return Err(Failure::new(format!("{} holds no folder `corpus`", folder.display())));
    }
    crate::proof::tools::xmllint().map_err(Failure::new)?;
    for (package, binary) in TESTS {
        // Cargo's own runner: a few tests need nothing of the other one.
        let arguments = ["test", "--package", package, "--test", binary, "--locked", "--quiet", "--"];
        let mut command = cargo(root, arguments);
        let command = command.args(["corpus::", "--test-threads", "1", "--nocapture"]);
        run(command.env("LINESHAFT_RECORDED", &whole))?;
    }
    Ok(())
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
