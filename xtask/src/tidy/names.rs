//! Names of files, modules and crates: a name says what is inside, not that something is.

use super::breach::{Breach, Rule};
use super::tree::Tree;

/// Words that name a drawer and not its contents.
const EMPTY_WORDS: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"];

pub(crate) fn check(tree: &Tree, found: &mut Vec<Breach>) {
    check_mod_files(tree, found);
    let mut rule = Rule::new(
        "names",
        "name it after what it does or holds; a second version replaces the first or has a name of its own",
        found,
    );
    for path in tree.paths.iter().filter(|path| path.ends_with(".rs") || path.ends_with("Cargo.toml")) {
        for part in path.trim_end_matches(".rs").split('/') {
            if let Some(word) = empty_word(part) {
                rule.fail(path, 0, word, format!("`{word}` in the name `{part}` says nothing"));
            }
        }
    }
    for file in tree.rust() {
        for (line, text) in file.lines() {
            if let Some(word) = inline_module(text).and_then(empty_word) {
                rule.fail(&file.path, line, word, format!("a module is called `{word}`"));
            }
        }
    }
}

fn check_mod_files(tree: &Tree, found: &mut Vec<Breach>) {
    let mut rule = Rule::new("mod-file", "move `name/mod.rs` to `name.rs` beside the folder", found);
    for path in &tree.paths {
        if path.ends_with("/mod.rs") {
            rule.fail(path, 0, "", "a module file is called after its module".to_owned());
        }
    }
}

/// The first word of a name that says nothing: one of the list, or a version such as `v2`.
fn empty_word(name: &str) -> Option<&str> {
    name.split(['_', '-', '.']).find(|word| EMPTY_WORDS.contains(word) || is_version(word))
}

/// `v2` and later. `v1` is where a promised form (an API, a record) begins.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v').and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|version| version > 1)
}

/// The name in `mod name {`.
fn inline_module(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
    rest.strip_prefix("mod ")?.strip_suffix(" {")
}

#[cfg(test)]
mod tests {
    use super::super::tree::SourceFile;
    use super::*;

    fn subjects(paths: &[&str], text: &str) -> Vec<(String, String)> {
        let tree = Tree {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            files: vec![SourceFile::new("crates/a/src/lib.rs", text)],
        };
        let mut found = Vec::new();
        check(&tree, &mut found);
        found.into_iter().map(|breach| (breach.rule.to_owned(), breach.subject)).collect()
    }

    fn one(rule: &str, subject: &str) -> Vec<(String, String)> {
        vec![(rule.to_owned(), subject.to_owned())]
    }

    #[test]
    fn says_which_word_of_a_path_says_nothing() {
        assert_eq!(subjects(&["crates/a/src/file_utils.rs"], ""), one("names", "utils"));
        assert_eq!(subjects(&["crates/conn-manager/Cargo.toml"], ""), one("names", "manager"));
        assert_eq!(subjects(&["crates/a/src/journal_v2.rs"], ""), one("names", "v2"));
        assert_eq!(subjects(&["crates/a/src/v1.rs", "crates/a/src/commons_charter.rs"], ""), []);
    }

    #[test]
    fn sees_inline_modules_and_mod_files() {
        assert_eq!(subjects(&[], "    mod helpers {\n"), one("names", "helpers"));
        assert_eq!(subjects(&["crates/a/src/b/mod.rs"], ""), one("mod-file", ""));
    }
}
