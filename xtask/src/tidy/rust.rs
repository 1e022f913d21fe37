//! Rules about single lines of Rust: the first line, ignored and sleeping tests, lints set aside, channels, `unsafe`.

use super::breach::{Breach, Rule};
use super::tree::{SourceFile, Tree, first_test_line};
use super::words::holds_word;

pub(crate) fn check(tree: &Tree, found: &mut Vec<Breach>) {
    for file in tree.rust() {
        check_first_line(file, found);
        check_ignored(file, found);
        check_sleep(file, found);
        check_unsafe(file, found);
        check_channels(file, found);
        check_lints(file, found);
    }
}

fn check_first_line(file: &SourceFile, found: &mut Vec<Breach>) {
    let said = file.text.lines().next().and_then(|line| line.strip_prefix("//! "));
    if said.is_none_or(|words| words.trim().is_empty()) {
        Rule::new("first-line", "begin the file with `//! what it is for`, in a sentence", found).fail(
            &file.path,
            1,
            "",
            "the file does not say what it is for".to_owned(),
        );
    }
}

fn check_ignored(file: &SourceFile, found: &mut Vec<Breach>) {
    let mut rule =
        Rule::new("ignored-test", "write `#[ignore = \"why, and when it runs\"]`, or mend the test", found);
    for (line, text) in file.lines() {
        if text.trim() == "#[ignore]" {
            rule.fail(&file.path, line, "", "a test is ignored without a reason".to_owned());
        }
    }
}

fn check_sleep(file: &SourceFile, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "sleeping-test",
        "wait for what the test is about (a channel, a reply, a state) with a time limit around it",
        found,
    );
    let Some(first) = first_test_line(file) else { return };
    let lines: Vec<&str> = file.text.lines().collect();
    for (line, text) in file.lines().filter(|(line, _)| *line >= first) {
        if code(text).contains("sleep(") && !is_in_a_loop(&lines[..line]) {
            rule.fail(&file.path, line, "", "a test sleeps instead of waiting".to_owned());
        }
    }
}

fn check_unsafe(file: &SourceFile, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "unsafe",
        "do it in safe Rust; if that cannot be, the place, its proof and its reason go into the exceptions",
        found,
    );
    for (line, text) in file.lines() {
        if holds_word(&code(text), "unsafe") {
            rule.fail(&file.path, line, "", "`unsafe` outside the places named for it".to_owned());
        }
    }
}

/// Whether the last of `lines` stands in a loop: a look at something outside, again and again, which is a way of waiting.
fn is_in_a_loop(lines: &[&str]) -> bool {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut inner = lines.last().map_or(0, |line| depth(line));
    for line in lines.iter().rev().filter(|line| !line.trim().is_empty()) {
        if depth(line) < inner {
            inner = depth(line);
            let opens = line.trim_start();
            if ["loop {", "while ", "for "].iter().any(|word| opens.starts_with(word)) {
                return true;
            }
        }
    }
    false
}

fn check_channels(file: &SourceFile, found: &mut Vec<Breach>) {
    let mut rule = Rule::new("channels", "give it a bound, and decide what happens when it is full", found);
    let tests = first_test_line(file).unwrap_or(usize::MAX);
    for (line, text) in file.lines().filter(|(line, _)| *line < tests) {
        let code = code(text);
        if code.contains("unbounded_channel") || code.contains("mpsc::channel()") {
            rule.fail(&file.path, line, "", "a channel without a bound".to_owned());
        }
    }
}

fn check_lints(file: &SourceFile, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "lints",
        "add `reason = \"...\"` to the attribute: a reason one would accept in somebody else's change",
        found,
    );
    let mut above = "";
    let mut lines = file.lines().peekable();
    while let Some((line, text)) = lines.next() {
        let attribute = text.trim_start();
        let sets_aside = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
        if sets_aside.iter().any(|start| attribute.starts_with(start)) {
            let mut whole = attribute.to_owned();
            while !whole.contains(")]") {
                let Some((_, next)) = lines.next() else { break };
                whole.push_str(next);
            }
            let explained = whole.contains("reason =") || whole.contains("//") || above.starts_with("// ");
            if !explained {
                rule.fail(&file.path, line, "", "a lint is set aside without a reason".to_owned());
            }
        }
        above = attribute;
    }
}

/// The line without its comment and without what its strings say, near enough for a search for words.
fn code(line: &str) -> String {
    let mut code = String::with_capacity(line.len());
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => {
                chars.next();
            }
            '"' => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            _ if quoted => {}
            _ => code.push(c),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(&'static str, usize)> {
        let tree = Tree { files: vec![SourceFile::new(path, text)], ..Tree::default() };
        let mut found = Vec::new();
        check(&tree, &mut found);
        found.into_iter().map(|breach| (breach.rule, breach.line)).collect()
    }

    #[test]
    fn a_file_says_first_what_it_is_for() {
        assert_eq!(rules("a.rs", "//! Doors.\nuse a;\n"), []);
        assert_eq!(rules("a.rs", "use a;\n"), [("first-line", 1)]);
        assert_eq!(rules("a.rs", "//! \n"), [("first-line", 1)]);
        assert_eq!(rules("a.rs", ""), [("first-line", 1)]);
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        assert_eq!(rules("a.rs", "//! A.\n    #[ignore]\n"), [("ignored-test", 2)]);
        assert_eq!(rules("a.rs", "//! A.\n#[ignore = \"takes an hour; nightly\"]\n"), []);
    }

    #[test]
    fn tests_do_not_sleep_but_code_may() {
        let text =
            "//! A.\nfn pace() {\n    sleep(d);\n}\n#[cfg(test)]\nmod tests {\n    sleep(d); // no\n}\n";
        assert_eq!(rules("crates/a/src/a.rs", text), [("sleeping-test", 7)]);
        assert_eq!(rules("crates/a/tests/it.rs", text), [("sleeping-test", 3), ("sleeping-test", 7)]);
        assert_eq!(rules("crates/a/src/a/tests.rs", "//! A.\n// sleep(d)\n"), []);
    }

    #[test]
    fn a_channel_has_a_bound() {
        assert_eq!(rules("a.rs", "//! A.\nlet a = mpsc::channel(8);\n"), []);
        assert_eq!(rules("a.rs", "//! A.\nlet a = mpsc::channel();\n"), [("channels", 2)]);
        assert_eq!(rules("a.rs", "//! A.\nlet a = unbounded_channel::<u8>();\n"), [("channels", 2)]);
    }

    #[test]
    fn a_lint_is_set_aside_with_a_reason() {
        let bare = "//! A.\n#[allow(clippy::panic)]\nfn a() {}\n";
        let long = "//! A.\n#![expect(\n    clippy::panic,\n    reason = \"b\"\n)]\n";
        let said = "//! A.\n// The clock of the benchmark is the wall's.\n#![allow(clippy::panic)]\n";
        assert_eq!(rules("a.rs", bare), [("lints", 2)]);
        assert_eq!(rules("a.rs", long), []);
        assert_eq!(rules("a.rs", said), []);
    }

    #[test]
    fn a_test_may_look_again_and_again() {
        let poll = "//! A.\nfn a() {\n    while !b() {\n        if c {\n            sleep(d);\n        }\n    }\n    sleep(d);\n}\n";
        assert_eq!(rules("tests/a.rs", poll), [("sleeping-test", 8)]);
    }

    #[test]
    fn sees_unsafe_code_but_not_the_word() {
        assert_eq!(rules("a.rs", "//! A.\nlet a = unsafe { b() };\n"), [("unsafe", 2)]);
        assert_eq!(
            rules("a.rs", "//! A.\n// unsafe\nlet a = \"unsafe \\\" b\";\n#![deny(unsafe_code)]\n"),
            []
        );
    }
}
