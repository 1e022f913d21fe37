//! A number of bytes as people write it.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// The most that an option may allow. What is cut out of an input becomes a record of the journal, as it came and as it was
/// understood, and a record holds 64 MiB.
const MOST: Size = Size::mib(24);

/// A number of bytes: `65536`, `64KiB`, `4MiB`, `1GiB`, `500KB`, `2MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

impl Size {
    /// So many times 1024 bytes.
    pub const fn kib(count: usize) -> Self {
        Self(count * 1024)
    }

    /// So many times 1024 times 1024 bytes.
    pub const fn mib(count: usize) -> Self {
        Self(count * 1024 * 1024)
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(digits);
        let unit: usize = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "KB" | "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return None,
        };
        count.parse::<usize>().ok()?.checked_mul(unit).map(Self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 65536, 64KiB or 4MiB")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Size, E> {
                usize::try_from(value).map(Size).map_err(|_| E::custom("the size is too large"))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Size, E> {
                usize::try_from(value).map(Size).map_err(|_| E::custom("a size cannot be negative"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        let size = deserializer.deserialize_any(Visitor)?;
        if size > MOST {
            let (given, most) = (size.0, MOST.0 >> 20);
            return Err(de::Error::custom(format!(
                "{given} bytes are more than a record of the journal can hold: at most {most}MiB"
            )));
        }
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_lets_in_more_than_a_record_can_hold() {
        let read = |text: &str| serde_json::from_str::<Size>(text).map_err(|error| error.to_string());
        assert_eq!(read("\"24MiB\""), Ok(Size::mib(24)));
        assert_eq!(read("65536"), Ok(Size(65_536)));
        for large in ["\"25MiB\"", "25165825", "\"1GiB\""] {
            assert!(read(large).unwrap_err().contains("at most 24MiB"), "{large}");
        }
    }
}
