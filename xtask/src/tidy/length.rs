//! Length of files and functions: taste shows in the tail, so the tail is watched.

use super::breach::{Breach, Rule};
use super::tree::{SourceFile, Tree};

const FILE_WARN_LINES: usize = 400;
const FILE_MOST_LINES: usize = 800;
const FUNCTION_WARN_LINES: usize = 70;
const FUNCTION_MOST_LINES: usize = 80;

pub(crate) fn check(tree: &Tree, found: &mut Vec<Breach>) {
    for file in tree.rust() {
        check_file(file, found);
        check_functions(file, found);
    }
}

fn check_file(file: &SourceFile, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "file-length",
        "split it along what its parts do: `name.rs` composes, `name/part.rs` does one thing",
        found,
    );
    let lines = file.text.lines().count();
    if lines > FILE_MOST_LINES {
        rule.fail(&file.path, 0, "", format!("{lines} lines; {FILE_MOST_LINES} at most"));
    } else if lines > FILE_WARN_LINES {
        rule.warn(&file.path, 0, "", format!("{lines} lines; around {FILE_WARN_LINES} is the aim"));
    }
}

fn check_functions(file: &SourceFile, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "function-length",
        "name its parts as functions; a long list of data belongs in a const",
        found,
    );
    for function in functions(&file.text) {
        let Function { name, line, lines } = function;
        if lines > FUNCTION_MOST_LINES {
            let message = format!("`{name}` has {lines} lines of code; {FUNCTION_MOST_LINES} at most");
            rule.fail(&file.path, line, &name, message);
        } else if lines > FUNCTION_WARN_LINES {
            let message =
                format!("`{name}` has {lines} lines of code; around {FUNCTION_WARN_LINES} is the aim");
            rule.warn(&file.path, line, &name, message);
        }
    }
}

/// A function with its first line and its length without blank lines and comments.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Finds functions by their indentation, which rustfmt keeps: a body ends at the first `}` as deep as its `fn`.
fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line.trim_start()) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = end_of_function(&lines[index..], indent);
        let code = lines[index..=index + end].iter().filter(|line| is_code(line)).count();
        functions.push(Function { name: name.to_owned(), line: index + 1, lines: code });
    }
    functions
}

/// Index of the last line of the function that starts at the first of `lines`.
fn end_of_function(lines: &[&str], indent: &str) -> usize {
    let mut opened = false;
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim_end();
        if opened {
            if trimmed.strip_prefix(indent) == Some("}") {
                return index;
            }
        } else if trimmed.ends_with('{') {
            opened = true;
        } else if trimmed.ends_with([';', '}']) {
            return index;
        }
    }
    lines.len() - 1
}

/// The name, when the line begins a function.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line;
    loop {
        if let Some(after) = rest.strip_prefix("fn ") {
            return after.split(['(', '<']).next();
        }
        let (word, after) = rest.split_once(' ')?;
        let is_prefix = matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "\"C\"")
            || word.starts_with("pub(");
        if !is_prefix {
            return None;
        }
        rest = after;
    }
}

fn is_code(line: &str) -> bool {
    let trimmed = line.trim();
    !trimmed.is_empty() && !trimmed.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_and_lengths(text: &str) -> Vec<(String, usize, usize)> {
        functions(text).into_iter().map(|f| (f.name, f.line, f.lines)).collect()
    }

    #[test]
    fn finds_bodies_signatures_and_one_liners() {
        let text = "\
impl A {
    pub(crate) const fn one() -> u8 { 1 }

    async fn two<T>(
        a: T,
    ) -> u8
    where
        T: Copy,
    {
        // said, not done

        if a {
            3
        }
    }
}
trait B {
    fn three(&self);
}
";
        assert_eq!(
            names_and_lengths(text),
            [("one".to_owned(), 2, 1), ("two".to_owned(), 4, 10), ("three".to_owned(), 18, 1)]
        );
    }

    #[test]
    fn does_not_take_function_types_for_functions() {
        assert!(functions("let f: fn(u8) -> u8 = one;\ntype F = fn();\n// fn x() {\n").is_empty());
    }

    fn breaches(lines_in_body: usize) -> Vec<Breach> {
        let body = "    step();\n".repeat(lines_in_body);
        let file = SourceFile::new("a.rs", format!("//! A.\nfn long() {{\n{body}}}\n"));
        let mut found = Vec::new();
        check_functions(&file, &mut found);
        found
    }

    #[test]
    fn a_function_of_the_aim_is_well_a_longer_one_warns_and_a_far_longer_one_fails() {
        use super::super::breach::Weight;
        assert!(breaches(68).is_empty());
        assert_eq!(breaches(69)[0].weight, Weight::Warns);
        assert_eq!(breaches(79)[0].weight, Weight::Fails);
        assert_eq!((breaches(79)[0].line, breaches(79)[0].subject.as_str()), (2, "long"));
    }

    #[test]
    fn a_file_over_the_limit_fails() {
        let mut found = Vec::new();
        check_file(&SourceFile::new("a.rs", "//\n".repeat(801)), &mut found);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("801 lines"));
    }
}
