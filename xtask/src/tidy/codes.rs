//! Codes of errors: each one that the source names has its entry in the reference.

use std::collections::BTreeSet;

use super::breach::{Breach, Rule};
use super::tree::{SourceFile, Tree, first_test_line};

/// Where a person who met a code looks it up.
const PAGE: &str = "docs/reference/errors.md";

/// What a code is handed to, as the first literal that has the form of one.
const MAKERS: &[&str] = &[
    "Reason::new(",
    "Diagnostic::new(",
    "FormatError::new(",
    "Problem::new(",
    "Problem::error(",
    "Problem::warning(",
    ".problem(",
    "loading.error(",
    "self.fail(",
    "fault(",
    "refused(",
];

/// A code stands this near to what it is handed to.
const NEAR_BYTES: usize = 160;

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
            let literal = first_code(&file.text[start + maker.len()..]);
            if let Some(code) = literal.filter(|_| line < tests) {
                found.push((line, code));
            }
        }
    }
    found
}

/// The first literal of this statement that begins near the start of `text` and has the form of a code.
fn first_code(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let (before, from) = rest.split_once('"')?;
        if before.contains(';') || text.len() - rest.len() + before.len() > NEAR_BYTES {
            return None;
        }
        let (literal, after) = from.split_once('"')?;
        if is_code(literal) {
            return Some(literal);
        }
        rest = after;
    }
}

/// Whether a literal has the form of a code: words of lower case with a dash between them.
fn is_code(literal: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    literal.contains('-') && literal.split('-').all(is_word)
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
    Reason::new(code, \"any text\");
    Problem::error(file, Mark::START, \"key-odd\", \"odd\");
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
        assert_eq!(
            places("| code | |\n| `disk-full` | the disk is full | make room |\n"),
            ["4 disk-gone", "9 key-odd"]
        );
        assert_eq!(places("`disk-full` in passing\n"), ["3 disk-full", "4 disk-gone", "9 key-odd"]);
    }
}
