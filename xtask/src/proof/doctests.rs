//! Which crates have examples in their documentation: only those are built for doc tests.

use std::fs;
use std::io;
use std::path::Path;

use crate::tidy::edges::Metadata;

/// Names of library crates with at least one Rust example in a doc comment.
pub(crate) fn crates(metadata: &Metadata) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for package in &metadata.packages {
        let library = package.targets.iter().find(|target| target.kind.iter().any(|kind| kind == "lib"));
        let Some(sources) = library.and_then(|target| Path::new(&target.src_path).parent()) else { continue };
        if folder_has_example(sources)? {
            names.push(package.name.clone());
        }
    }
    Ok(names)
}

fn folder_has_example(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let has = if path.is_dir() {
            folder_has_example(&path)?
        } else {
            path.extension().is_some_and(|extension| extension == "rs")
                && has_example(&fs::read_to_string(&path)?)
        };
        if has {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a doc comment opens a fence that rustdoc would compile.
fn has_example(text: &str) -> bool {
    let mut open = false;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(said) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            open = false;
            continue;
        };
        if let Some(language) = said.trim().strip_prefix("```") {
            open = !open;
            let runs = |word: &str| matches!(word, "" | "rust" | "no_run" | "should_panic" | "compile_fail");
            if open && language.split(',').all(|word| runs(word.trim())) {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_a_fence_of_rust_in_a_doc_comment() {
        assert!(has_example("/// ```\n/// run();\n/// ```\n"));
        assert!(has_example("    //! ```rust,no_run\n"));
        assert!(!has_example("/// ```text\n/// a | b\n/// ```\n"));
        assert!(!has_example("let a = \"```\";\n// ```\n"));
    }
}
