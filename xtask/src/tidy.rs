//! The house rules of STYLE.md, checked: each breach with its place and the way to mend it.

mod breach;
mod changes;
mod codes;
pub(crate) mod edges;
mod exceptions;
mod length;
mod links;
mod names;
mod rust;
mod tree;
mod words;

use std::path::Path;
use std::time::Instant;

use crate::command::Failure;
use breach::{Breach, Weight};
use edges::Metadata;
use exceptions::{EXCEPTIONS, Exception};
use tree::Tree;

/// Checks the tree below `root` and prints what it finds. Fails when a rule is broken.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let begun = Instant::now();
    let tree =
        Tree::read(root).map_err(|error| Failure::new(format!("cannot read {}: {error}", root.display())))?;
    let metadata = crate::command::metadata(root)?;
    let found = check(&metadata, root, &tree, EXCEPTIONS);
    for same in found.chunk_by(|a, b| (a.rule, a.weight) == (b.rule, b.weight)) {
        for breach in same {
            eprintln!("{breach}");
        }
        eprintln!("  hint: {}\n", same[0].mend);
    }
    let failing = found.iter().filter(|breach| breach.weight == Weight::Fails).count();
    println!(
        "tidy: {} files, {failing} breaches, {} warnings ({:.2} s)",
        tree.files.len(),
        found.len() - failing,
        begun.elapsed().as_secs_f64()
    );
    if failing > 0 { Err(Failure::new(format!("{failing} breaches of the house rules"))) } else { Ok(()) }
}

/// Every breach, warnings first, those of one rule together.
fn check(metadata: &Metadata, root: &Path, tree: &Tree, exceptions: &[Exception]) -> Vec<Breach> {
    let mut found = Vec::new();
    edges::check(metadata, root, tree, &mut found);
    length::check(tree, &mut found);
    names::check(tree, &mut found);
    rust::check(tree, &mut found);
    words::check(tree, &mut found);
    links::check(tree, &mut found);
    changes::check(tree, &mut found);
    codes::check(tree, &mut found);
    let mut found = exceptions::apply(exceptions, found);
    found.sort_by(|a, b| {
        let weight = |breach: &Breach| breach.weight == Weight::Fails;
        (weight(a), a.rule, &a.path, a.line).cmp(&(weight(b), b.rule, &b.path, b.line))
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn reads_a_folder_and_names_every_breach_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "crates/a/src/lib.rs", "//! A.\nmod helpers {\n}\n");
        write(root, "crates/a/src/b/mod.rs", "//! B.\n");
        write(root, "crates/a/testdata/c.md", concat!("TO", "DO, says somebody else\n"));
        write(root, "docs/README.md", concat!("[a](gone.md)\nFIX", "ME\n"));
        write(root, "changes/a.md", "news\n");
        write(root, "target/debug/build.rs", "not ours\n");
        write(root, ".git/config.md", concat!("FIX", "ME\n"));
        let tree = Tree::read(root).unwrap();
        let found = check(&Metadata { packages: Vec::new() }, root, &tree, &[]);
        let places: Vec<_> =
            found.iter().map(|breach| format!("{} {}:{}", breach.rule, breach.path, breach.line)).collect();
        assert_eq!(
            places,
            [
                "changes changes/a.md:1",
                "links docs/README.md:1",
                "mod-file crates/a/src/b/mod.rs:0",
                "names crates/a/src/lib.rs:2",
                "notes docs/README.md:2",
            ]
        );
    }
}
