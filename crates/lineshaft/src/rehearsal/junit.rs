//! Results in the form that build servers read: a `testsuite` for each file, a `testcase` for each case.
//!
//! There is no standard; this keeps to what Jenkins' schema and its readers share.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::Played;

/// The whole document.
#[must_use]
pub fn document(played: &[Played]) -> String {
    let failed = |cases: &[&Played]| cases.iter().filter(|case| !case.problems.is_empty()).count();
    let all: Vec<&Played> = played.iter().collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (tests, failures) = (all.len(), failed(&all));
    let _ = writeln!(out, "<testsuites name=\"lineshaft test\" tests=\"{tests}\" failures=\"{failures}\">");
    for cases in all.chunk_by(|a, b| a.file == b.file) {
        let file = cases.first().map_or("", |case| &case.file);
        let (tests, failures) = (cases.len(), failed(cases));
        let name = attribute(file);
        let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">");
        for case in cases {
            one(&mut out, case);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn one(out: &mut String, case: &Played) {
    let (name, file) = (attribute(&case.name), attribute(&case.file));
    let _ = write!(
        out,
        "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{}\"",
        case.line
    );
    let Some(first) = case.problems.first() else {
        out.push_str("/>\n");
        return;
    };
    let text: Vec<String> = case.problems.iter().map(ToString::to_string).collect();
    let _ = writeln!(
        out,
        ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
        attribute(&first.code),
        attribute(&first.message),
        attribute(&text.join("\n"))
    );
}

/// XML 1.0 has no place for most control characters, not even escaped.
fn attribute(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text: String =
        text.chars().filter(allowed).filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
    escape(&text).into_owned()
}
