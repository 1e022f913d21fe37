//! Words a file must not hold: notes to oneself, and paths of one machine.

use super::breach::{Breach, Rule};
use super::tree::Tree;

const NOTES: &[&str] = &["TODO", "FIXME", "XXX"];
const MACHINE_PATHS: &[&str] = &["/work/", "/tmp/bash_jobs"];

pub(crate) fn check(tree: &Tree, found: &mut Vec<Breach>) {
    for file in tree.files.iter().filter(|file| !file.is_recorded()) {
        for (line, text) in file.lines() {
            if let Some(word) = NOTES.iter().find(|word| holds_word(text, word)) {
                Rule::new("notes", "do it, or open an issue and say here what holds today", found).fail(
                    &file.path,
                    line,
                    word,
                    format!("a note to oneself: `{word}`"),
                );
            }
            if let Some(path) = MACHINE_PATHS.iter().find(|path| holds_path(text, path)) {
                Rule::new("machine-paths", "take the place from an argument or from the checkout", found)
                    .fail(&file.path, line, path, format!("`{path}` exists on one machine only"));
            }
        }
    }
}

/// Whether `word` stands in `text` and is not part of a longer one.
pub(crate) fn holds_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Whether an absolute path begins with `path`: `/work/` does, `/network/` and `net/work/` do not.
fn holds_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '}' | '*'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::SourceFile;
    use super::*;

    fn rules(text: &str) -> Vec<(&'static str, usize)> {
        let tree = Tree { files: vec![SourceFile::new("a.md", text)], ..Tree::default() };
        let mut found = Vec::new();
        check(&tree, &mut found);
        found.into_iter().map(|breach| (breach.rule, breach.line)).collect()
    }

    #[test]
    fn finds_notes_as_whole_words() {
        assert_eq!(rules("well\n// TODO: later\nFIXME\n"), [("notes", 2), ("notes", 3)]);
        assert_eq!(rules("TODOS XXXL todo mastodon\n"), []);
    }

    #[test]
    fn finds_paths_of_one_machine() {
        assert_eq!(rules("cd /work/main\n"), [("machine-paths", 1)]);
        assert_eq!(rules("crates/work/src and ../work/x and https://a.example/network/\n"), []);
    }
}
