//! Problems for a person: with the lines they are about on a terminal, one a line in a pipe.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::files::Files;
use super::problem::{Problem, Problems, Severity};

/// How problems are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `file:line:column: error[code]: message`, for pipes and editors.
    Lines,
    /// With the text around, for terminals.
    Snippets {
        /// Whether colours may be used.
        colour: bool,
    },
}

/// Every problem and a summary.
#[must_use]
pub fn render(problems: &Problems, files: &Files, style: Style) -> String {
    let mut out = String::new();
    for problem in problems.as_slice() {
        match style {
            Style::Lines => {
                let _ = writeln!(out, "{problem}");
            }
            Style::Snippets { colour } => {
                let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
                let _ = writeln!(out, "{}\n", snippet(problem, files, &renderer));
            }
        }
    }
    let _ = writeln!(out, "{}", problems.summary());
    out
}

fn snippet(problem: &Problem, files: &Files, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str()).id(problem.code.as_str());
    let text = files.text(&problem.file).filter(|_| problem.mark.line > 0);
    let mut group = match text {
        Some(text) => {
            // The mark of a text that was decoded or cut is kept inside the text.
            let start = text.floor_char_boundary(problem.mark.start.min(text.len()));
            let end = text.ceil_char_boundary(problem.mark.end.clamp(start, text.len()));
            // A whole block would bury the message: its first line is enough.
            let end = text[start..end].find('\n').map_or(end, |at| start + at);
            let part = Snippet::source(text).path(problem.file.as_str());
            Group::with_title(title).element(part.annotation(AnnotationKind::Primary.span(start..end)))
        }
        None => Group::with_title(title).element(annotate_snippets::Origin::path(problem.file.as_str())),
    };
    if !problem.hint.is_empty() {
        group = group.element(Level::HELP.with_name("hint").message(problem.hint.as_str()));
    }
    renderer.render(&[group])
}
