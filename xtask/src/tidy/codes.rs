//! Codes of errors: each one that the source names has its entry in the reference.

use std::collections::BTreeSet;

use super::breach::{Breach, Rule};
use super::tree::{SourceFile, Tree, first_test_line};

/// Where a person who met a code looks it up.
const PAGE: &str = "docs/reference/errors.md";

/// What a code is handed to.
const MAKERS: &[&str] = &["Reason::new(", "Problem::new("];

pub(crate) fn check(tree: &Tree, found: &mut Vec<Breach>) {
    let Some(page) = tree.file(PAGE) else { return };
    let told = told(page);
    let mut rule = Rule::new(
        "error-codes",
        "add a row to docs/reference/errors.md: the code in backquotes, what happened, what to do",
        found,
    );
    for file in tree.rust().filter(|file| file.path.starts_with("crates/")) {
        for (line, code) in codes(file) {
            if !told.contains(code) {
                rule.fail(&file.path, line, code, format!("the code `{code}` is not in {PAGE}"));
            }
        }
    }
}

/// Codes that begin a row of a table on the page.
fn told(page: &SourceFile) -> BTreeSet<&str> {
    page.lines().filter_map(|(_, text)| text.strip_prefix("| `")?.split('`').next()).collect()
}

/// Codes written as a literal where an error is made, outside tests, with their lines.
fn codes(file: &SourceFile) -> Vec<(usize, &str)> {
    let tests = first_test_line(file).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for maker in MAKERS {
        for (start, _) in file.text.match_indices(maker) {
            let line = file.text[..start].matches('\n').count() + 1;
            let rest = file.text[start + maker.len()..].trim_start();
            let code = rest.strip_prefix('"').and_then(|literal| literal.split('"').next());
            if let Some(code) = code.filter(|_| line < tests) {
                found.push((line, code));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! A.
fn a() {
    Reason::new(\"disk-full\", \"full\");
    Reason::new(
        \"disk-gone\",
        \"gone\",
    );
    Reason::new(code, \"any\");
}
#[cfg(test)]
mod tests {
    fn b() {
        Reason::new(\"made-up\", \"for the test\");
    }
}
";

    fn places(page: &str) -> Vec<String> {
        let files = vec![SourceFile::new("crates/a/src/a.rs", SOURCE), SourceFile::new(PAGE, page)];
        let mut found = Vec::new();
        check(&Tree { files, ..Tree::default() }, &mut found);
        found.into_iter().map(|breach| format!("{} {}", breach.line, breach.subject)).collect()
    }

    #[test]
    fn a_code_without_a_row_is_named_with_its_line() {
        assert_eq!(places("| code | |\n| `disk-full` | the disk is full | make room |\n"), ["4 disk-gone"]);
        assert_eq!(places("`disk-full` in passing\n"), ["3 disk-full", "4 disk-gone"]);
    }
}
