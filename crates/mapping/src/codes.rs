//! Code lists: one system's codes to canonical ones and back, kept as CSV files a business user can maintain.
//!
//! The first line names the columns: `from` and `to`, and if wanted `partner`, `valid_from`, `valid_to` (dates, both
//! inclusive) and `note`. Lines that begin with `#` are remarks, except `#policy:`, which says what an unknown code
//! does: `quarantine` (the rule when nothing is said), `pass` (the code itself), or `default=XX`.

use std::collections::HashMap;

use lineshaft_model::Reason;

use crate::datum::clip;
use crate::diagnostic::{Diagnostic, Place};

/// The most rows one list may have.
const MAX_ROWS: usize = 200_000;

/// What an unknown code does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The input is refused with the reason `unknown-code` and kept in quarantine.
    Quarantine,
    /// This value is taken instead.
    Default(String),
    /// The code is passed through unchanged.
    Pass,
}

#[derive(Clone, Debug)]
struct Row {
    from: String,
    to: String,
    partner: String,
    valid_from: String,
    valid_to: String,
}

/// A parsed code list, looked up in both directions.
#[derive(Clone, Debug)]
pub struct CodeList {
    name: String,
    policy: Policy,
    rows: Vec<Row>,
    forward: HashMap<String, Vec<usize>>,
    back: HashMap<String, Vec<usize>>,
}

#[derive(Clone, Copy)]
struct Columns {
    from: usize,
    to: usize,
    partner: Option<usize>,
    valid_from: Option<usize>,
    valid_to: Option<usize>,
}

impl CodeList {
    /// Parses the text of a list, reporting every problem with its line.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            vec![
                Diagnostic::new(
                    "codes-not-utf8",
                    format!("the list is not UTF-8 after byte {}", error.valid_up_to()),
                )
                .hint("save the file as UTF-8"),
            ]
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut problems = Vec::new();
        let mut list = Self {
            name: name.to_owned(),
            policy: read_policy(text, &mut problems),
            rows: Vec::new(),
            forward: HashMap::new(),
            back: HashMap::new(),
        };
        list.read_rows(text, &mut problems);
        if problems.is_empty() { Ok(list) } else { Err(problems) }
    }

    fn read_rows(&mut self, text: &str, problems: &mut Vec<Diagnostic>) {
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let columns = match reader.headers().map(|header| find_columns(header, text)) {
            Ok(Ok(columns)) => columns,
            Ok(Err(problem)) => return problems.push(problem),
            Err(error) => return problems.push(Diagnostic::new("codes-malformed", error.to_string())),
        };
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => return problems.push(Diagnostic::new("codes-malformed", error.to_string())),
            };
            let at = record.position().map_or(0, |p| usize::try_from(p.byte()).unwrap_or(0));
            if self.rows.len() == MAX_ROWS {
                return problems.push(
                    Diagnostic::new("codes-too-long", format!("more than {MAX_ROWS} rows"))
                        .place(place(text, at)),
                );
            }
            match read_row(&record, columns) {
                Ok(row) => self.add(row, text, at, problems),
                Err(problem) => problems.push(problem.place(place(text, at))),
            }
        }
    }

    fn add(&mut self, row: Row, text: &str, at: usize, problems: &mut Vec<Diagnostic>) {
        let same = self.forward.get(&row.from).into_iter().flatten().any(|index| {
            let other = &self.rows[*index];
            other.partner == row.partner && other.valid_from == row.valid_from && other.to != row.to
        });
        if same {
            problems.push(
                Diagnostic::new("codes-ambiguous", format!("`{}` is mapped twice", clip(&row.from)))
                    .hint("keep one of the rows, or tell them apart by partner or by dates")
                    .place(place(text, at)),
            );
        }
        let index = self.rows.len();
        self.forward.entry(row.from.clone()).or_default().push(index);
        self.back.entry(row.to.clone()).or_default().push(index);
        self.rows.push(row);
    }

    /// The name the list is looked up by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What an unknown code does.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many rows it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// True for a list without rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The canonical code for `value` on `date` (`YYYY-MM-DD`; empty for any); a row of the partner goes before a general one.
    pub fn forward(&self, value: &str, partner: &str, date: &str) -> Result<String, Reason> {
        let found = self.find(self.forward.get(value), partner, date).map(|row| row.to.clone());
        found.map_or_else(|| self.unknown(value, "from"), Ok)
    }

    /// The system's code for a canonical one; of several the first row wins.
    pub fn back(&self, value: &str, partner: &str, date: &str) -> Result<String, Reason> {
        let found = self.find(self.back.get(value), partner, date).map(|row| row.from.clone());
        found.map_or_else(|| self.unknown(value, "to"), Ok)
    }

    /// The canonical code, if the list has one, whatever its policy.
    #[must_use]
    pub fn get(&self, value: &str, partner: &str, date: &str) -> Option<&str> {
        self.find(self.forward.get(value), partner, date).map(|row| row.to.as_str())
    }

    fn find(&self, indexes: Option<&Vec<usize>>, partner: &str, date: &str) -> Option<&Row> {
        let valid = |row: &&Row| {
            date.is_empty()
                || ((row.valid_from.is_empty() || row.valid_from.as_str() <= date)
                    && (row.valid_to.is_empty() || date <= row.valid_to.as_str()))
        };
        let rows = || indexes.into_iter().flatten().map(|index| &self.rows[*index]).filter(valid);
        let own = rows().find(|row| !partner.is_empty() && row.partner == partner);
        own.or_else(|| rows().find(|row| row.partner.is_empty()))
    }

    fn unknown(&self, value: &str, column: &str) -> Result<String, Reason> {
        match &self.policy {
            Policy::Pass => Ok(value.to_owned()),
            Policy::Default(code) => Ok(code.clone()),
            Policy::Quarantine => Err(Reason::new(
                "unknown-code",
                format!("code list `{}` has no row for `{}`", self.name, clip(value)),
            )
            .hint(format!(
                "add a row with `{}` in column `{column}` to codes/{}.csv, or give the list a #policy",
                clip(value),
                self.name
            ))),
        }
    }
}

fn place(text: &str, at: usize) -> Option<Place> {
    // The reader's position is where the record before ended, remarks included.
    let rest = text.get(at..).unwrap_or_default();
    let mut start = at;
    for line in rest.split_inclusive('\n') {
        if !line.trim().is_empty() && !line.starts_with('#') {
            return Some(Place::of(text, start..start + line.trim_end().len()));
        }
        start += line.len();
    }
    Some(Place::of(text, at..at))
}

fn read_policy(text: &str, problems: &mut Vec<Diagnostic>) -> Policy {
    let remarks = text.lines().filter(|line| line.starts_with('#'));
    let Some((line, policy)) =
        remarks.filter_map(|line| Some((line, line[1..].trim().strip_prefix("policy:")?.trim()))).next()
    else {
        return Policy::Quarantine;
    };
    match policy.split_once('=') {
        None if policy == "quarantine" => Policy::Quarantine,
        None if policy == "pass" => Policy::Pass,
        Some((word, code)) if word.trim() == "default" => Policy::Default(code.trim().to_owned()),
        _ => {
            problems.push(
                Diagnostic::new("codes-policy-unknown", format!("`{}` is no policy", clip(policy)))
                    .hint("write #policy: quarantine, #policy: pass or #policy: default=XX")
                    .place(Place::of_slice(text, line)),
            );
            Policy::Quarantine
        }
    }
}

fn find_columns(header: &csv::StringRecord, text: &str) -> Result<Columns, Diagnostic> {
    let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let known = ["from", "to", "partner", "valid_from", "valid_to", "note"];
    if let Some(strange) = header.iter().find(|h| !known.iter().any(|k| h.eq_ignore_ascii_case(k))) {
        return Err(Diagnostic::new(
            "codes-column-unknown",
            format!("column `{}` is not known", clip(strange)),
        )
        .hint("the columns are from, to, partner, valid_from, valid_to, note")
        .place(place(text, 0)));
    }
    match (column("from"), column("to")) {
        (Some(from), Some(to)) => Ok(Columns {
            from,
            to,
            partner: column("partner"),
            valid_from: column("valid_from"),
            valid_to: column("valid_to"),
        }),
        _ => Err(Diagnostic::new(
            "codes-column-missing",
            "the first line must name the columns `from` and `to`",
        )
        .place(place(text, 0))),
    }
}

fn read_row(record: &csv::StringRecord, columns: Columns) -> Result<Row, Diagnostic> {
    let get = |column: Option<usize>| column.and_then(|c| record.get(c)).unwrap_or_default().to_owned();
    let row = Row {
        from: get(Some(columns.from)),
        to: get(Some(columns.to)),
        partner: get(columns.partner),
        valid_from: get(columns.valid_from),
        valid_to: get(columns.valid_to),
    };
    if record.get(columns.from).is_none() || record.get(columns.to).is_none() {
        return Err(Diagnostic::new("codes-row-short", "the row has too few columns"));
    }
    for date in [&row.valid_from, &row.valid_to] {
        if !date.is_empty() && date.parse::<jiff::civil::Date>().is_err() {
            return Err(Diagnostic::new("codes-date-malformed", format!("`{}` is not a date", clip(date)))
                .hint("write it as 2026-11-23"));
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# of the ERP\n#policy: default=OTHER\nfrom,to,valid_from,valid_to,partner,note\nA1,confirmed,,,,\nA1,changed,,,P7,their own use\nB,old,,2025-12-31,,\nB,new,2026-01-01,,,\n";

    #[test]
    fn partner_dates_and_the_default() {
        let list = CodeList::parse("status", LIST.as_bytes()).unwrap();
        assert_eq!(list.forward("A1", "", "").unwrap(), "confirmed");
        assert_eq!(list.forward("A1", "P7", "").unwrap(), "changed");
        assert_eq!(list.forward("B", "", "2025-06-01").unwrap(), "old");
        assert_eq!(list.forward("B", "", "2026-06-01").unwrap(), "new");
        assert_eq!(list.forward("?", "", "").unwrap(), "OTHER");
        assert_eq!(list.back("new", "", "2026-06-01").unwrap(), "B");
        assert_eq!(list.policy(), &Policy::Default("OTHER".into()));
    }

    #[test]
    fn unknown_codes_go_to_quarantine_unless_said_otherwise() {
        let list = CodeList::parse("s", b"from,to\na,b\n").unwrap();
        let reason = list.forward("x", "", "").unwrap_err();
        assert_eq!(reason.code, "unknown-code");
        assert!(reason.hint.contains("codes/s.csv"));
        let list = CodeList::parse("s", b"#policy: pass\nfrom,to\na,b\n").unwrap();
        assert_eq!(list.forward("x", "", "").unwrap(), "x");
    }

    #[test]
    fn every_problem_has_its_line() {
        let problems =
            CodeList::parse("s", b"#policy: sometimes\nfrom,to,valid_from\na,b,\na,c,\nd\ne,f,1.1.2026\n")
                .unwrap_err();
        let lines: Vec<_> = problems.iter().map(|p| (p.code, p.place.as_ref().unwrap().line)).collect();
        assert_eq!(
            lines,
            [
                ("codes-policy-unknown", 1),
                ("codes-ambiguous", 4),
                ("codes-row-short", 5),
                ("codes-date-malformed", 6)
            ]
        );
        assert_eq!(CodeList::parse("s", b"von,nach\n").unwrap_err()[0].code, "codes-column-unknown");
        assert_eq!(CodeList::parse("s", b"from,note\n").unwrap_err()[0].code, "codes-column-missing");
        assert_eq!(CodeList::parse("s", b"from,to\n\xff,b\n").unwrap_err()[0].code, "codes-not-utf8");
    }
}
