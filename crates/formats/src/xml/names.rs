//! Names, characters and references of XML.

/// The namespace of `xsi:nil`, from XML Schema part 1.
pub(super) const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Whether `name` is a name with one prefix at most, going by the productions of XML 1.0 for ASCII and taking other
/// characters as they come.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let mut characters = part.chars();
        let starts = |first: char| first.is_ascii_alphabetic() || first == '_' || !first.is_ascii();
        characters.next().is_some_and(starts)
            && characters.all(|next| {
                next.is_ascii_alphanumeric() || matches!(next, '_' | '-' | '.') || !next.is_ascii()
            })
    };
    match name.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(name),
    }
}

/// Whether XML 1.0 allows the character at all.
pub(super) fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The character that a reference stands for, given without `&` and `;`: one of the five, or a number.
pub(super) fn resolve(reference: &str) -> Option<char> {
    let number = |digits: &str, radix| {
        // The parser of numbers takes a sign, XML does not.
        let digits = Some(digits).filter(|digits| !digits.starts_with('+'))?;
        u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|found| is_character(*found))
    };
    match reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => match reference.strip_prefix('#')?.strip_prefix('x') {
            Some(digits) => number(digits, 16),
            None => number(reference.strip_prefix('#')?, 10),
        },
    }
}

/// The value of an attribute as it was written: references resolved, white space made blanks. Else the bad reference.
pub(super) fn attribute_value(raw: &str) -> Result<String, String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        value.push_str(&rest[..at]);
        let tail = &rest[at..];
        if let Some(reference) = tail.strip_prefix('&') {
            let end = reference.find(';').ok_or_else(|| reference.chars().take(20).collect::<String>())?;
            let (name, after) = (&reference[..end], &reference[end + 1..]);
            value.push(resolve(name).ok_or_else(|| name.chars().take(20).collect::<String>())?);
            rest = after;
        } else {
            value.push(' ');
            rest = tail.strip_prefix("\r\n").unwrap_or(&tail[1..]);
        }
    }
    value.push_str(rest);
    Ok(value)
}
