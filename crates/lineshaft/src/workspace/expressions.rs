//! jq and templates inside YAML: compiled, and their problems placed in the file rather than in the expression.

use lineshaft_mapping::{Diagnostic, Place};

use super::marked::{Mark, Node};
use super::problem::Problem;

/// What a compiler said of a text that stands in a YAML file.
pub(super) fn problem(file: &str, source: &str, node: &Node, fault: &Diagnostic) -> Problem {
    let mark = fault.place.as_ref().map_or(node.mark, |place| within(source, node.mark, place));
    Problem::error(file, mark, fault.code, fault.message.clone()).hint(fault.hint.clone())
}

/// A place within a scalar as a place within its file: exact for texts without escapes on one line or in a block, which is
/// how such texts are written.
pub(super) fn within(source: &str, node: Mark, place: &Place) -> Mark {
    let below = place.line.saturating_sub(1);
    let quote =
        u32::from(below == 0 && source.get(node.start..).is_some_and(|text| text.starts_with(['"', '\''])));
    // Every line of a block begins where its first one does.
    let (line, column) = (node.line + below, node.column + quote + place.column.saturating_sub(1));
    let line_start: usize =
        source.split_inclusive('\n').take(line.saturating_sub(1) as usize).map(str::len).sum();
    let rest = source.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
    let offset = rest.char_indices().nth(column.saturating_sub(1) as usize).map_or(rest.len(), |(at, _)| at);
    let start = line_start + offset;
    Mark { line, column, start, end: (start + place.span.len()).min(line_start + rest.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::yaml;

    fn at(source: &str, part: &str) -> (u32, u32) {
        let (tree, faults) = yaml::read(source);
        assert_eq!(faults, []);
        let tree = tree.unwrap();
        let node = tree.get("when").unwrap();
        let text = node.text().unwrap();
        let start = text.find(part).unwrap();
        let mark = within(source, node.mark, &Place::of(text, start..start + part.len()));
        assert!(source[mark.start..].starts_with(part), "{:?}", &source[mark.start..]);
        (mark.line, mark.column)
    }

    #[test]
    fn a_place_in_an_expression_is_a_place_in_the_file() {
        assert_eq!(at("on: x\nwhen: .data | oops\n", "oops"), (2, 15));
        assert_eq!(at("when: '.data | oops'\n", "oops"), (1, 16));
        assert_eq!(at("when: |\n  .data\n  | oops\n", "oops"), (3, 5));
    }
}
