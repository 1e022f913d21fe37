//! Which file names are meant.

/// Names that are never taken: half-written by convention, or hidden.
pub(super) fn is_unfinished(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with('.')
        || name.ends_with('~')
        || [".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp"]
            .iter()
            .any(|end| lower.ends_with(end))
}

/// Whether a name fits a pattern with `*` (any characters) and `?` (one character).
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands and how much of the name it has taken so far: all that going back needs.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The name for a file whose name is taken already: `orders.csv`, then `orders-2.csv`, `orders-3.csv`.
pub(super) fn numbered(name: &str, n: u32) -> String {
    if n < 2 {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}-{n}.{extension}"),
        _ => format!("{name}-{n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name) in [
            ("*.csv", "orders.csv"),
            ("*", ""),
            ("*", "a.b"),
            ("a?c", "abc"),
            ("*-*.csv", "a-b-c.csv"),
            ("**", "x"),
            ("a*b*c", "aXbXbc"),
            ("ä?", "äö"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.csv", "orders.csv.tmp"), ("a?c", "ac"), ("", "a"), ("a*b", "ac"), ("*.CSV", "a.csv")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        let evil = "a*".repeat(100);
        assert!(!matches(&format!("{evil}b"), &"a".repeat(250)), "no exponential search");
    }

    #[test]
    fn unfinished_names() {
        for name in ["a.csv.tmp", ".a.csv", "a.part", "A.PART", "a.csv~", "a.filepart"] {
            assert!(is_unfinished(name), "{name}");
        }
        assert!(!is_unfinished("parts.csv"));
    }

    #[test]
    fn numbered_names() {
        assert_eq!(numbered("orders.csv", 1), "orders.csv");
        assert_eq!(numbered("orders.csv", 2), "orders-2.csv");
        assert_eq!(numbered("orders", 3), "orders-3");
    }
}
