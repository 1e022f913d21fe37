//! Listings: filters from the query, and the link to the next page.

use std::fmt::Write;

/// Rows on a page.
pub(super) const ROWS: usize = 50;

/// A field as it was filled in; an empty one filters nothing.
pub(super) fn filled(field: Option<String>) -> Option<String> {
    field.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `path?name=value&...` of the fields that are there.
pub(super) fn link(path: &str, fields: &[(&str, Option<&str>)]) -> String {
    let mut link = path.to_owned();
    let mut between = '?';
    for (name, value) in fields {
        if let Some(value) = value {
            link.push(between);
            link.push_str(name);
            link.push('=');
            link.push_str(&encoded(value));
            between = '&';
        }
    }
    link
}

/// Percent-encodes everything that could mean something in a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() + 16), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_carries_what_is_filled_in() {
        let fields = [("state", None), ("destination", Some("erp.post")), ("cursor", Some("1~2&x=ü"))];
        assert_eq!(link("/deliveries", &fields), "/deliveries?destination=erp.post&cursor=1~2%26x%3D%C3%BC");
        assert_eq!(link("/deliveries", &[]), "/deliveries");
    }

    #[test]
    fn blanks_filter_nothing() {
        assert_eq!(filled(Some(String::from("  "))), None);
        assert_eq!(filled(Some(String::from(" a "))), Some(String::from("a")));
    }
}
