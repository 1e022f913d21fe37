//! The notes in `changes/`: one file for each change a user can see, in the form the changelog is made from.

use super::breach::{Breach, Rule};
use super::tree::{SourceFile, Tree};

const KINDS: &[&str] = &["added", "changed", "deprecated", "removed", "fixed", "security"];
const LONGEST_FIRST_LINE: usize = 160;

pub(crate) fn check(tree: &Tree, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "changes",
        "call it `words-with-dashes.md` and begin with `added: what a user can now do`; see changes/README.md",
        found,
    );
    for path in tree.paths.iter().filter(|path| path.starts_with("changes/") && *path != "changes/README.md")
    {
        let wrong = wrong_name(path).or_else(|| tree.file(path).and_then(wrong_text));
        if let Some(wrong) = wrong {
            rule.fail(path, 1, "", wrong);
        }
    }
}

fn wrong_name(path: &str) -> Option<String> {
    let stem = path.strip_prefix("changes/")?.strip_suffix(".md").unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (stem.is_empty() || !stem.chars().all(plain)).then(|| "the file's name has the wrong form".to_owned())
}

fn wrong_text(file: &SourceFile) -> Option<String> {
    let first = file.text.lines().next().unwrap_or_default();
    let (kind, words) = first.split_once(": ").unwrap_or((first, ""));
    if !KINDS.contains(&kind) {
        return Some(format!("`{kind}` is no kind of change; it is one of {}", KINDS.join(", ")));
    }
    if words.trim().is_empty() {
        return Some("the note says nothing after its kind".to_owned());
    }
    let length = first.chars().count();
    (length > LONGEST_FIRST_LINE).then(|| {
        format!(
            "the first line has {length} characters; {LONGEST_FIRST_LINE} at most, details follow below it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let files = vec![SourceFile::new(path, text)];
        let tree = Tree { paths: files.iter().map(|file| file.path.clone()).collect(), files };
        let mut found = Vec::new();
        check(&tree, &mut found);
        found.into_iter().map(|breach| breach.message).collect()
    }

    #[test]
    fn a_note_has_a_kind_and_words() {
        assert_eq!(messages("changes/file-journal.md", "added: a journal in files\n\nMore.\n"), [""; 0]);
        assert_eq!(messages("changes/README.md", "# Changes\n"), [""; 0]);
        assert!(messages("changes/a.md", "new: things\n")[0].starts_with("`new` is no kind of change"));
        assert_eq!(messages("changes/a.md", "added: \n"), ["the note says nothing after its kind"]);
        assert!(
            messages("changes/a.md", &format!("fixed: {}\n", "word ".repeat(40)))[0].contains("160 at most")
        );
    }

    #[test]
    fn a_name_has_words_and_dashes() {
        assert_eq!(messages("changes/File_Journal.md", "added: a\n"), ["the file's name has the wrong form"]);
        assert_eq!(messages("changes/note.txt", "added: a\n"), ["the file's name has the wrong form"]);
    }
}
