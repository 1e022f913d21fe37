//! Event types: `lineshaft.<object>.<verb>.v<major>`.

use std::fmt;
use std::str::FromStr;

use crate::Reason;

/// A parsed event type. Borrowed, because types are read far more often than they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventType<'a> {
    text: &'a str,
    object: &'a str,
    verb: &'a str,
    major: u32,
}

impl<'a> EventType<'a> {
    /// Reads `lineshaft.<object>.<verb>.v<major>`; a manufacturer's own first word is allowed in place of `lineshaft`.
    pub fn parse(text: &'a str) -> Result<Self, Reason> {
        let wrong = |why: &str| {
            Reason::new(
                "event-type-malformed",
                format!("`{}` is not an event type: {why}", crate::moment::clip(text, 96)),
            )
            .at("/type")
            .hint("use lineshaft.<object>.<verb>.v<major>, for instance lineshaft.purchase-order.released.v1")
        };
        let mut parts = text.split('.');
        let (Some(space), Some(object), Some(verb), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("it needs four parts"));
        };
        if ![space, object, verb].into_iter().all(is_word) {
            return Err(wrong("parts are lower case words joined by hyphens"));
        }
        let major = version
            .strip_prefix('v')
            .and_then(|n| n.parse::<u32>().ok())
            .filter(|n| *n > 0)
            .ok_or_else(|| wrong("the last part is v and a number from 1"))?;
        Ok(Self { text, object, verb, major })
    }

    /// The whole type as text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The verb, a participle: `released`, `counted`.
    #[must_use]
    pub const fn verb(&self) -> &'a str {
        self.verb
    }

    /// The major version.
    #[must_use]
    pub const fn major(&self) -> u32 {
        self.major
    }

    /// The kind of object whose state this event changes: stock events speak of `inventory-position`, goods events of
    /// `goods-receipt`, all others of the object they name.
    #[must_use]
    pub fn object_type(&self) -> &'a str {
        match self.object {
            "inventory" => "inventory-position",
            "goods" => "goods-receipt",
            other => other,
        }
    }

    /// Splits a subject into the object's key and what the event adds below it.
    ///
    /// A confirmation's subject is `<purchase order>/<line>/<confirmation>`: it belongs to the purchase order and is kept
    /// under the order's `confirmed`. Keys of other objects, for instance stock's `<item>/<location>/<lot>`, are whole.
    #[must_use]
    pub fn split_subject<'s>(&self, subject: &'s str) -> (&'s str, Option<&'s str>) {
        match (self.object, subject.split_once('/')) {
            ("purchase-order", Some((key, below))) if !key.is_empty() => (key, Some(below)),
            _ => (subject, None),
        }
    }

    /// Whether the event carries the object's whole state, so that nothing older is needed to know it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self.verb, "released" | "created" | "positioned" | "notified" | "received")
    }
}

/// A lower case word: letters, digits and single hyphens, starting with a letter.
#[must_use]
pub fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last() != Some(&b'-')
        && bytes.len() <= 64
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

impl fmt::Display for EventType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// A route's `on`: a whole type, or a type whose parts may be `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypePattern {
    parts: Vec<String>,
}

impl TypePattern {
    /// Whether the pattern covers this type.
    #[must_use]
    pub fn covers(&self, event_type: &str) -> bool {
        let mut given = event_type.split('.');
        self.parts.iter().all(|part| given.next().is_some_and(|g| part == "*" || part == g))
            && given.next().is_none()
    }
}

impl FromStr for TypePattern {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        let filled = text.replace(".*", ".any").replace(".vany", ".v1");
        let filled = filled.strip_suffix(".any").map_or(filled.clone(), |head| {
            if parts.len() == 4 { format!("{head}.v1") } else { filled.clone() }
        });
        EventType::parse(&filled)?;
        Ok(Self { parts })
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_four_parts() {
        let t = EventType::parse("lineshaft.inventory.counted.v2").unwrap();
        assert_eq!((t.object_type(), t.verb(), t.major()), ("inventory-position", "counted", 2));
        for bad in [
            "",
            "a.b.c",
            "lineshaft.po.released.1",
            "lineshaft.PO.released.v1",
            "lineshaft.po..v1",
            "a.b.c.v0",
        ] {
            assert_eq!(EventType::parse(bad).unwrap_err().code, "event-type-malformed", "{bad}");
        }
    }

    #[test]
    fn a_confirmation_belongs_to_its_order() {
        let t = EventType::parse("lineshaft.purchase-order.confirmed.v1").unwrap();
        assert_eq!(t.split_subject("4500001234/10/AB1"), ("4500001234", Some("10/AB1")));
        let t = EventType::parse("lineshaft.inventory.counted.v1").unwrap();
        assert_eq!(t.split_subject("BOLT/A-01/L1"), ("BOLT/A-01/L1", None));
    }

    #[test]
    fn patterns_cover_by_part() {
        let pattern: TypePattern = "lineshaft.inventory.*.v1".parse().unwrap();
        assert!(pattern.covers("lineshaft.inventory.counted.v1"));
        assert!(!pattern.covers("lineshaft.item.changed.v1"));
        assert!(!pattern.covers("lineshaft.inventory.counted.v1.x"));
        assert!("lineshaft.*.*.*".parse::<TypePattern>().unwrap().covers("lineshaft.item.changed.v3"));
        assert!("lineshaft.x".parse::<TypePattern>().is_err());
    }
}
