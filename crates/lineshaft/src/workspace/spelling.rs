//! What somebody probably meant, and texts cut to a length fit for a message.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The candidate closest to `word`, when it is close enough to be a slip of the keyboard.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = clip(word).to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    let far = |candidate: &str| {
        let candidate = clip(candidate).to_lowercase();
        // A word that was not finished is close, however much is missing.
        let unfinished = word.len() >= 3 && candidate.starts_with(&word);
        if unfinished { 1 } else { distance(&word, &candidate) }
    };
    candidates
        .into_iter()
        .map(|candidate| (far(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A hint for a name that is not known: what was probably meant, or what there is.
#[must_use]
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    const SHOWN: usize = 12;
    if let Some(found) = closest(word, known.clone()) {
        return format!("did you mean `{found}`?");
    }
    let all: Vec<&str> = known.into_iter().collect();
    match all.len() {
        0 => String::new(),
        n if n <= SHOWN => format!("use one of {}", list(&all)),
        n => format!("use one of {} or {} others", list(&all[..SHOWN]), n - SHOWN),
    }
}

/// `a`, `b` and `c`.
#[must_use]
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", most.join(", "))
        }
    }
}

/// The text, cut to 64 characters and without control characters.
#[must_use]
pub fn clip(text: &str) -> String {
    const LONGEST: usize = 64;
    let mut clipped: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        clipped.push('…');
    }
    clipped
}

/// The text cut to so many columns, the last of them `…` when something is left out.
#[must_use]
pub fn clip_to(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    for character in text.chars() {
        if clipped.width() + character.width().unwrap_or(0) + 1 > columns {
            break;
        }
        clipped.push(character);
    }
    clipped.push('…');
    clipped
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["retry", "route", "order_by", "when"];
        assert_eq!(closest("rtery", known), Some("retry"));
        assert_eq!(closest("rout", known), Some("route"));
        assert_eq!(closest("ord", known), Some("order_by"));
        assert_eq!(closest("Order_by", known), Some("order_by"));
        assert_eq!(closest("banana", known), None);
        assert_eq!(meant("banana", known), "use one of `retry`, `route`, `order_by` and `when`");
        assert_eq!(meant("wehn", known), "did you mean `when`?");
    }

    #[test]
    fn long_and_dirty_texts_are_cut() {
        assert_eq!(clip("a\u{1b}[31m"), "a [31m");
        assert_eq!(clip(&"x".repeat(100)).chars().count(), 65);
    }
}
