//! Tables that line up, fit 80 columns, and lose nothing in a pipe.

use unicode_width::UnicodeWidthStr;

use crate::workspace::spelling::clip_to;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    right: bool,
    /// May be cut when the terminal is narrow, down to so many characters.
    least: Option<usize>,
}

impl Column {
    /// A column of words that must stay whole.
    #[must_use]
    pub const fn new(title: &'static str) -> Self {
        Self { title, right: false, least: None }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(title: &'static str) -> Self {
        Self { title, right: true, least: None }
    }

    /// A column that may be cut.
    #[must_use]
    pub const fn flexible(title: &'static str) -> Self {
        Self { title, right: false, least: Some(12) }
    }
}

/// A table being filled.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // What comes from outside must not move the cursor or colour the screen.
        let clean = |cell: String| cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut row: Vec<String> = cells.into_iter().take(self.columns.len()).map(clean).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// The text, a line each; kept to `width` columns if there is one.
    #[must_use]
    pub fn render(&self, width: Option<usize>) -> String {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.title.width()).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(cell.width());
            }
        }
        if let Some(width) = width {
            self.shrink(&mut widths, width);
        }
        let mut out = String::new();
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, column), width) in row.iter().zip(&self.columns).zip(&widths) {
                let cell = clip_to(cell, *width);
                let gap = " ".repeat(width.saturating_sub(cell.width()));
                line.push_str(&if column.right {
                    format!("{gap}{cell}  ")
                } else {
                    format!("{cell}{gap}  ")
                });
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// Takes from the widest column that may be cut, one character at a time, until the row fits.
    fn shrink(&self, widths: &mut [usize], width: usize) {
        loop {
            let total: usize = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
            let spare =
                |(at, now): &(usize, usize)| self.columns[*at].least.is_some_and(|least| *now > least);
            let widest = widths.iter().copied().enumerate().filter(spare).max_by_key(|(_, now)| *now);
            match widest {
                Some((at, _)) if total > width => widths[at] -= 1,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[Column::number("N"), Column::new("NAME"), Column::flexible("WHY")]);
        table.row(["7".into(), "wms".into(), "the target said no\x1b[31m".into()]);
        table.row(["1234".into(), "größe".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_nothing_is_cut_in_a_pipe() {
        insta::assert_snapshot!(table().render(None), @r"
           N  NAME   WHY
           7  wms    the target said no [31m
        1234  größe
        ");
    }

    #[test]
    fn a_narrow_terminal_cuts_only_what_may_be_cut() {
        insta::assert_snapshot!(table().render(Some(28)), @r"
           N  NAME   WHY
           7  wms    the target sai…
        1234  größe
        ");
    }
}
