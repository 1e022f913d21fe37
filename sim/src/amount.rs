//! Quantities and money as the simulated systems keep them: whole thousandths, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// A decimal with three places, counted in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many whole units.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self(units.saturating_mul(1000))
    }

    /// So many thousandths.
    #[must_use]
    pub const fn thousandths(count: i64) -> Self {
        Self(count)
    }

    /// How many thousandths it is.
    #[must_use]
    pub const fn as_thousandths(self) -> i64 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Reads `12`, `12.5`, `-0.125`; `None` for anything else, and for more than three places that are not zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !numeric(whole) || !numeric(fraction) {
            return None;
        }
        let (kept, beyond) = fraction.split_at(fraction.len().min(3));
        if beyond.bytes().any(|byte| byte != b'0') {
            return None;
        }
        let thousandths: i64 = format!("{kept:0<3}").parse().ok()?;
        let units: i64 = whole.parse().ok()?;
        Some(Self(units.checked_mul(1000)?.checked_add(thousandths)?.checked_mul(sign)?))
    }

    /// With exactly `places` decimals (at most 3), as an ERP writes them.
    #[must_use]
    pub fn fixed(self, places: usize) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let count = self.0.unsigned_abs();
        let fraction = format!("{:03}", count % 1000);
        match places.min(3) {
            0 => format!("{sign}{}", count / 1000),
            places => format!("{sign}{}.{}", count / 1000, &fraction[..places]),
        }
    }
}

/// Without needless zeros, as a warehouse writes them.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = self.fixed(3);
        f.write_str(full.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_systems_write() {
        for (text, fixed, plain) in [
            ("213.000", "213.000", "213"),
            ("12.5", "12.500", "12.5"),
            ("-0.125", "-0.125", "-0.125"),
            ("0", "0.000", "0"),
        ] {
            let amount = Amount::parse(text).expect(text);
            assert_eq!(amount.fixed(3), fixed);
            assert_eq!(amount.to_string(), plain);
        }
        assert_eq!(Amount::thousandths(12_340).fixed(2), "12.34");
    }

    #[test]
    fn refuses_what_is_no_decimal() {
        for text in ["", ".", "1e3", "1,5", "+1", "1.0001", "--1", "99999999999999999999", "1.-5"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }
}
