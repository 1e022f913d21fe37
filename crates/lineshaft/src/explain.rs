//! The page of every error code, out of the reference that is shipped in the binary.

use std::collections::BTreeMap;
use std::sync::LazyLock;

const REFERENCE: &str = include_str!("../../../docs/reference/errors.md");

/// The pages by code: the section a code stands in, what happened, what to do.
static PAGES: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| {
    let mut section = "";
    let mut pages = BTreeMap::new();
    for line in REFERENCE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title;
        }
        let Some(row) = line.strip_prefix("| `") else { continue };
        // A bar inside backquotes is written `\|` in such tables.
        let cells: Vec<String> =
            row.replace("\\|", "\u{0}").split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
        if let (Some(code), [_, what, mend, ..]) = (row.split('`').next(), cells.as_slice()) {
            pages.insert(
                code,
                format!("{code} ({section})\n\nwhat happened: {what}\nwhat to do:    {mend}\n"),
            );
        }
    }
    pages
});

/// The page of a code.
#[must_use]
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.get(code).map(String::as_str)
}

/// Every code that has a page.
pub fn codes() -> impl Iterator<Item = &'static str> + Clone {
    PAGES.keys().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_happened_and_what_to_do() {
        let page = page("wrong-use").unwrap();
        assert!(
            page.starts_with("wrong-use (") && page.contains("what to do:    `lineshaft COMMAND --help`"),
            "{page}"
        );
        assert_eq!(super::page("no-such-code"), None);
        assert!(codes().count() > 50);
    }
}
