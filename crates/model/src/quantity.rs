//! Quantities: an exact decimal and a UN/CEFACT Recommendation 20 unit, never a floating point number.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Reason;

/// A UN/CEFACT Recommendation 20 code: two or three upper case letters or digits, for instance `KGM` or `C62`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit([u8; 3]);

impl Unit {
    /// One, a piece (`C62`).
    pub const ONE: Self = Self(*b"C62");

    /// Reads a code by its form; whether a factor exists for it is known to the conversion tables.
    pub fn parse(code: &str) -> Result<Self, Reason> {
        let bytes = code.as_bytes();
        let well_formed = (1..=3).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !well_formed {
            return Err(Reason::new("unit-malformed", format!("`{}` is not a unit code", crate::moment::clip(code, 16)))
                .hint("use a UN/CEFACT Recommendation 20 code such as KGM, MTR, C62, or map the system's own unit with a code list"));
        }
        let mut unit = [0; 3];
        unit[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(unit))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// An amount of something: `{"value": "12.500", "unit": "KGM"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// The exact amount; its scale (trailing zeros) is kept.
    #[serde(with = "rust_decimal::serde::str")]
    pub value: Decimal,
    /// What it is counted in.
    pub unit: Unit,
}

impl Quantity {
    /// The sum, refused when the units differ or the result has no exact form.
    pub fn plus(self, other: Self) -> Result<Self, Reason> {
        if self.unit != other.unit {
            return Err(Reason::new("unit-mismatch", format!("cannot add {} and {}", self.unit, other.unit))
                .hint("convert one of them first"));
        }
        let value = self.value.checked_add(other.value).ok_or_else(|| {
            Reason::new(
                "decimal-overflow",
                format!("{} + {} has more than 28 digits", self.value, other.value),
            )
        })?;
        Ok(Self { value, unit: self.unit })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_survives() {
        let quantity: Quantity = serde_json::from_str(r#"{"value":"12.500","unit":"KGM"}"#).unwrap();
        assert_eq!(serde_json::to_string(&quantity).unwrap(), r#"{"value":"12.500","unit":"KGM"}"#);
    }

    #[test]
    fn a_number_or_a_bad_unit_is_refused() {
        assert!(serde_json::from_str::<Quantity>(r#"{"value":12.5,"unit":"KGM"}"#).is_err());
        assert!(serde_json::from_str::<Quantity>(r#"{"value":"12.5","unit":"kg"}"#).is_err());
        assert_eq!(Unit::parse("KILO").unwrap_err().code, "unit-malformed");
    }

    #[test]
    fn unlike_units_do_not_add() {
        let kilo = Quantity { value: Decimal::ONE, unit: Unit::parse("KGM").unwrap() };
        let piece = Quantity { value: Decimal::ONE, unit: Unit::ONE };
        assert_eq!(kilo.plus(piece).unwrap_err().code, "unit-mismatch");
        assert_eq!(kilo.plus(kilo).unwrap().to_string(), "2 KGM");
    }
}
