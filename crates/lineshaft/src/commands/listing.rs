//! What listings share: how many rows, from where, as a table or as JSON.

use clap::Args;
use lineshaft_model::shown::Page;
use lineshaft_model::{Millis, Reason};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Around;
use crate::client::Hub;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::{Column, Table};

/// The arguments of every listing.
#[derive(Args, Clone, Debug)]
pub(super) struct ListArgs {
    /// Most rows
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Go on where an earlier listing ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// A JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// The most rows the hub gives at once.
const PAGE: usize = 500;

/// Fetches the rows of a listing, page by page, and writes them.
pub(super) async fn list<T: Serialize + DeserializeOwned>(
    around: &Around,
    hub: &Hub,
    path: &str,
    filters: &[(&str, Option<&str>)],
    args: &ListArgs,
    shape: Shape<T>,
) -> Outcome {
    let mut rows: Vec<T> = Vec::new();
    let mut cursor = args.cursor.clone();
    loop {
        let limit = args.limit.saturating_sub(rows.len()).min(PAGE).to_string();
        let mut query: Vec<(&str, &str)> = vec![("limit", &limit)];
        query.extend(filters.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page: Page<T> = hub.get(path, &query).await?;
        let came = page.items.len();
        rows.extend(page.items);
        cursor = page.next;
        if cursor.is_none() || came == 0 || rows.len() >= args.limit {
            break;
        }
    }
    if args.json {
        around.terminal.json(&rows)?;
    } else {
        table(around, &rows, shape)?;
    }
    if let Some(cursor) = cursor {
        around.terminal.note(&format!("more: --cursor {cursor}"));
    }
    Ok(Exit::Well)
}

/// How rows become a table.
pub(super) struct Shape<T> {
    pub(super) columns: &'static [Column],
    pub(super) cells: fn(&T) -> Vec<String>,
    /// What is said when there is no row.
    pub(super) empty: &'static str,
}

impl<T> Clone for Shape<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shape<T> {}

/// Writes rows as a table.
pub(super) fn table<T>(around: &Around, rows: &[T], shape: Shape<T>) -> Result<(), Failure> {
    if rows.is_empty() {
        around.terminal.note(shape.empty);
        return Ok(());
    }
    let mut table = Table::new(shape.columns);
    for row in rows {
        table.row((shape.cells)(row));
    }
    around.terminal.write(table.render(around.terminal.width).as_bytes())
}

/// A time to the second, in UTC, as listings show it.
pub(super) fn time(at: Millis) -> String {
    let text = at.to_string();
    match text.get(..19) {
        Some(text) => text.replace('T', " "),
        None => text,
    }
}

/// An event type without what all of them begin with.
pub(super) fn short_type(event_type: &str) -> String {
    event_type.strip_prefix("lineshaft.").unwrap_or(event_type).to_owned()
}

/// A reason on one line.
pub(super) fn in_short(reason: Option<&Reason>) -> String {
    reason.map_or(String::new(), |reason| format!("{}: {}", reason.code, reason.message))
}

/// Lines `name  value`, for one thing shown whole.
#[derive(Debug, Default)]
pub(super) struct Facts(Vec<(&'static str, String)>);

impl Facts {
    /// Adds a line, unless there is nothing to say.
    #[expect(clippy::needless_pass_by_value, reason = "values and references alike are handed in")]
    pub(super) fn add(&mut self, name: &'static str, value: impl ToString) -> &mut Self {
        let value: String = value.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !value.is_empty() {
            self.0.push((name, value));
        }
        self
    }

    pub(super) fn render(&self) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        self.0.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
    }
}

/// JSON indented as text; not one character of a value changes, so that no digit is lost.
pub(crate) fn pretty(json: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) =
        (String::with_capacity(json.len() * 2), 0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if quoted {
            out.push(character);
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '"' => {
                quoted = true;
                out.push('"');
            }
            '{' | '[' if matches!(characters.peek(), Some('}' | ']')) => out.push(character),
            '{' | '[' | ',' => {
                depth += usize::from(character != ',');
                out.push(character);
                out.push('\n');
                out.push_str(&"  ".repeat(depth));
            }
            '}' | ']' => {
                if !out.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    out.push('\n');
                    out.push_str(&"  ".repeat(depth));
                }
                out.push(character);
            }
            ':' => out.push_str(": "),
            blank if blank.is_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_not_changed() {
        let json = r#"{"a":[1.10,{}],"b":"x:{,\"}","c":[],"d":{"e":null}}"#;
        let shown = pretty(json);
        assert_eq!(
            shown,
            "{\n  \"a\": [\n    1.10,\n    {}\n  ],\n  \"b\": \"x:{,\\\"}\",\n  \"c\": [],\n  \"d\": {\n    \"e\": null\n  }\n}"
        );
    }

    #[test]
    fn facts_line_up() {
        let mut facts = Facts::default();
        facts.add("id", 7).add("subject", "a\nb").add("empty", "");
        assert_eq!(facts.render(), "id       7\nsubject  a b\n");
    }
}
