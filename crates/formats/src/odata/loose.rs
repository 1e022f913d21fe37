//! Finds the records of an answer by its brackets and strings alone, so that one bad record does not hide the others.

use std::ops::Range;

/// More records would take many times the memory of the answer.
const MOST_RECORDS: usize = 250_000;

/// A record by its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) range: Range<usize>,
    /// JSON pointer to it.
    pub(super) pointer: String,
}

/// The records; `None` when the brackets do not fit, there are too many records, or it is no object or list.
pub(super) fn records(bytes: &[u8]) -> Option<Vec<Found>> {
    let at = space(bytes, 0);
    let end = value(bytes, at)?;
    if space(bytes, end) != bytes.len() {
        return None;
    }
    let whole = at..end;
    if bytes[at] == b'[' {
        return elements(bytes, at, "");
    }
    let is_list = |range: &Range<usize>| bytes[range.start] == b'[';
    let is_object = |range: &Range<usize>| bytes[range.start] == b'{';
    if let Some(list) = member(bytes, whole.clone(), b"value")?.filter(is_list) {
        return elements(bytes, list.start, "/value");
    }
    let Some(inner) = member(bytes, whole.clone(), b"d")?.filter(|inner| is_list(inner) || is_object(inner))
    else {
        return Some(vec![Found { range: whole, pointer: String::new() }]);
    };
    if is_list(&inner) {
        return elements(bytes, inner.start, "/d");
    }
    match member(bytes, inner.clone(), b"results")?.filter(is_list) {
        Some(list) => elements(bytes, list.start, "/d/results"),
        None => Some(vec![Found { range: inner, pointer: "/d".to_owned() }]),
    }
}

/// The elements of the list that begins at `at`.
fn elements(bytes: &[u8], at: usize, pointer: &str) -> Option<Vec<Found>> {
    let mut found = Vec::new();
    let mut at = space(bytes, at + 1);
    while *bytes.get(at)? != b']' {
        if found.len() == MOST_RECORDS {
            return None;
        }
        let end = value(bytes, at)?;
        found.push(Found { range: at..end, pointer: format!("{pointer}/{}", found.len()) });
        at = space(bytes, end);
        match bytes.get(at)? {
            b',' => at = space(bytes, at + 1),
            b']' => {}
            _ => return None,
        }
    }
    Some(found)
}

/// The value of the member of that name in an object: `Some(None)` when there is none.
fn member(bytes: &[u8], object: Range<usize>, name: &[u8]) -> Option<Option<Range<usize>>> {
    if bytes[object.start] != b'{' {
        return None;
    }
    let mut at = space(bytes, object.start + 1);
    while *bytes.get(at)? != b'}' {
        let end = if bytes[at] == b'"' { string(bytes, at)? } else { return None };
        let key = &bytes[at + 1..end - 1];
        at = space(bytes, end);
        if *bytes.get(at)? != b':' {
            return None;
        }
        at = space(bytes, at + 1);
        let end = value(bytes, at)?;
        if key == name {
            return Some(Some(at..end));
        }
        at = space(bytes, end);
        match bytes.get(at)? {
            b',' => at = space(bytes, at + 1),
            b'}' => {}
            _ => return None,
        }
    }
    Some(None)
}

/// Where the value that begins at `at` ends. Only brackets and strings are looked at.
fn value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string(bytes, at),
        b'{' | b'[' => {
            let mut open = vec![];
            let mut at = at;
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = string(bytes, at)?;
                        continue;
                    }
                    b'{' => open.push(b'}'),
                    b'[' => open.push(b']'),
                    close @ (b'}' | b']') => {
                        if open.pop() != Some(*close) {
                            return None;
                        }
                        if open.is_empty() {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        b',' | b':' | b'}' | b']' => None,
        _ => {
            let is_end =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':' | b'"') || byte.is_ascii_whitespace();
            Some(bytes[at..].iter().position(is_end).map_or(bytes.len(), |length| at + length))
        }
    }
}

/// Where the string that begins at `at` ends.
fn string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

fn space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}
