//! Exact decimals: a 128-bit mantissa and a scale, no rounding unless asked for.
//!
//! Thirty-eight digits hold every decimal type of the systems we meet (SAP's longest has 31). An operation whose exact
//! result does not fit is refused; nothing is ever silently rounded and nothing passes through a float.

use std::cmp::Ordering;
use std::fmt;

use lineshaft_model::Reason;

/// The most digits after the point, and the largest power of ten that fits the mantissa.
const MAX_SCALE: u32 = 38;

/// `mantissa / 10^scale`; the scale is kept, so `1.10` stays `1.10`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact {
    mantissa: i128,
    scale: u32,
}

fn overflow() -> Reason {
    Reason::new("decimal-overflow", "the result has more than 38 digits")
        .hint("round the operands with dec_round first")
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

impl Exact {
    /// Zero.
    pub(crate) const ZERO: Self = Self { mantissa: 0, scale: 0 };
    /// One.
    pub(crate) const ONE: Self = Self { mantissa: 1, scale: 0 };

    /// Reads `-12.50`, `+7`, `.5` as SQL Server writes it, and `1E3` (an exponent, as JSON numbers may have).
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            b'+' => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let mut mantissa: i128 = 0;
        let mut scale: u32 = 0;
        let mut digits = 0_usize;
        let mut fraction = false;
        let mut exponent: i32 = 0;
        for (index, byte) in rest.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                    digits += 1;
                    scale += u32::from(fraction);
                }
                b'.' if !fraction => {
                    fraction = true;
                    // A digit must follow the point.
                    rest.get(index + 1).filter(|b| b.is_ascii_digit())?;
                }
                b'e' | b'E' if digits > 0 => {
                    exponent = text[text.len() - rest.len() + index + 1..].parse().ok()?;
                    break;
                }
                _ => return None,
            }
        }
        if digits == 0 || scale > MAX_SCALE || exponent.unsigned_abs() > 2 * MAX_SCALE {
            return None;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        Self { mantissa, scale }.shifted(exponent)
    }

    fn shifted(self, exponent: i32) -> Option<Self> {
        let scale = i64::from(self.scale) - i64::from(exponent);
        if scale >= 0 {
            let scale = u32::try_from(scale).ok().filter(|s| *s <= MAX_SCALE)?;
            return Some(Self { mantissa: self.mantissa, scale });
        }
        let factor = power_of_ten(u32::try_from(-scale).ok()?)?;
        Some(Self { mantissa: self.mantissa.checked_mul(factor)?, scale: 0 })
    }

    /// The whole number this is, when it is one.
    #[must_use]
    pub(crate) fn to_whole(self) -> Option<i128> {
        let normal = self.normalised();
        (normal.scale == 0).then_some(normal.mantissa)
    }

    fn rescaled(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(power_of_ten(scale.checked_sub(self.scale)?)?)
    }

    /// The exact sum, at the larger scale of the two.
    pub(crate) fn plus(self, other: Self) -> Result<Self, Reason> {
        let scale = self.scale.max(other.scale);
        let sum = self.rescaled(scale).zip(other.rescaled(scale)).and_then(|(a, b)| a.checked_add(b));
        Ok(Self { mantissa: sum.ok_or_else(overflow)?, scale })
    }

    /// The exact difference.
    pub(crate) fn minus(self, other: Self) -> Result<Self, Reason> {
        self.plus(other.negated())
    }

    /// The exact product; trailing zeros are given up when only that makes it fit.
    pub(crate) fn times(self, other: Self) -> Result<Self, Reason> {
        let product = |a: Self, b: Self| {
            let scale = Some(a.scale + b.scale).filter(|s| *s <= MAX_SCALE)?;
            Some(Self { mantissa: a.mantissa.checked_mul(b.mantissa)?, scale })
        };
        product(self, other).or_else(|| product(self.normalised(), other.normalised())).ok_or_else(overflow)
    }

    /// The quotient at `scale` digits after the point, half away from zero.
    pub(crate) fn divided_by(self, other: Self, scale: u32) -> Result<Self, Reason> {
        if other.mantissa == 0 {
            return Err(Reason::new("decimal-division-by-zero", format!("cannot divide {self} by zero")));
        }
        // (a / 10^sa) / (b / 10^sb) = (a * 10^(scale + sb - sa) / b) / 10^scale
        let (a, b) = (self.normalised(), other.normalised());
        let shift = i64::from(scale) + i64::from(b.scale) - i64::from(a.scale);
        let power = u32::try_from(shift.unsigned_abs()).ok().and_then(power_of_ten).ok_or_else(overflow)?;
        let (numerator, denominator) = if shift >= 0 {
            (a.mantissa.checked_mul(power), Some(b.mantissa))
        } else {
            (Some(a.mantissa), b.mantissa.checked_mul(power))
        };
        let (numerator, denominator) = numerator.zip(denominator).ok_or_else(overflow)?;
        Ok(Self { mantissa: divide_half_away(numerator, denominator).ok_or_else(overflow)?, scale })
    }

    /// The exact quotient, when it has a finite form that fits.
    #[must_use]
    pub(crate) fn divided_exactly(self, other: Self) -> Option<Self> {
        (0..=MAX_SCALE - 1).find_map(|scale| {
            let quotient = self.divided_by(other, scale).ok()?;
            let back = quotient.times(other).ok()?;
            (back.compare(self) == Ordering::Equal).then_some(quotient)
        })
    }

    /// Rounded to `scale` digits after the point, half away from zero; zeros are added when there are fewer.
    pub(crate) fn rounded(self, scale: u32) -> Result<Self, Reason> {
        if scale >= self.scale {
            return Ok(Self { mantissa: self.rescaled(scale).ok_or_else(overflow)?, scale });
        }
        let divisor = power_of_ten(self.scale - scale).ok_or_else(overflow)?;
        Ok(Self { mantissa: divide_half_away(self.mantissa, divisor).ok_or_else(overflow)?, scale })
    }

    /// Whether dividing by `unit` leaves nothing; never of zero.
    #[must_use]
    pub(crate) fn is_multiple_of(self, unit: Self) -> bool {
        // Digit by digit, so that no scale is too large: the remainder stays below the unit times ten.
        let (value, unit) = (self.normalised(), unit.normalised());
        if unit.mantissa == 0 || value.scale > unit.scale {
            return value.mantissa == 0 && unit.mantissa != 0;
        }
        let divisor = unit.mantissa.unsigned_abs();
        let mut remainder = value.mantissa.unsigned_abs() % divisor;
        for _ in value.scale..unit.scale {
            let Some(shifted) = remainder.checked_mul(10) else { return false };
            remainder = shifted % divisor;
        }
        remainder == 0
    }

    /// The other sign.
    #[must_use]
    pub(crate) const fn negated(self) -> Self {
        // The mantissa of a parsed decimal is never i128::MIN: 38 digits leave room on both sides.
        Self { mantissa: self.mantissa.wrapping_neg(), scale: self.scale }
    }

    /// Without its sign.
    #[must_use]
    pub(crate) const fn magnitude(self) -> Self {
        if self.mantissa < 0 { self.negated() } else { self }
    }

    /// Without trailing zeros after the point.
    #[must_use]
    pub(crate) const fn normalised(self) -> Self {
        let mut value = self;
        while value.scale > 0 && value.mantissa % 10 == 0 {
            value.mantissa /= 10;
            value.scale -= 1;
        }
        value
    }

    /// The order of the numbers, whatever their scales.
    #[must_use]
    pub(crate) fn compare(self, other: Self) -> Ordering {
        let split = |v: Self| {
            let unit = power_of_ten(v.scale).unwrap_or(i128::MAX);
            (v.mantissa / unit, v.mantissa % unit)
        };
        let ((whole, rest), (other_whole, other_rest)) = (split(self), split(other));
        let scale = self.scale.max(other.scale);
        whole.cmp(&other_whole).then_with(|| {
            // A remainder is below 10^scale, so bringing both to the larger scale always fits.
            let at =
                |rest: i128, from: u32| Self { mantissa: rest, scale: from }.rescaled(scale).unwrap_or(rest);
            at(rest, self.scale).cmp(&at(other_rest, other.scale))
        })
    }
}

fn divide_half_away(numerator: i128, denominator: i128) -> Option<i128> {
    let quotient = numerator.checked_div(denominator)?;
    let remainder = numerator.checked_rem(denominator)?;
    let doubled = remainder.unsigned_abs().checked_mul(2)?;
    if doubled < denominator.unsigned_abs() {
        return Some(quotient);
    }
    quotient.checked_add(if (numerator < 0) == (denominator < 0) { 1 } else { -1 })
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.mantissa);
        }
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn text_survives() {
        for text in [
            "0",
            "0.10",
            "-12.500",
            "99999999999999999999999999999999999999",
            "0.00000000000000000000000000000000000001",
        ] {
            assert_eq!(exact(text).to_string(), text);
        }
        assert_eq!(exact("1.5E3").to_string(), "1500");
        assert_eq!(exact("15e-1").to_string(), "1.5");
        assert_eq!(exact("+7").to_string(), "7");
        assert_eq!(exact("-.50").to_string(), "-0.50");
    }

    #[test]
    fn what_is_not_a_decimal_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            "1e",
            "1e999",
            "0x1",
            "1_0",
            "NaN",
            "1 ",
            "1.2.3",
            "999999999999999999999999999999999999999",
        ] {
            assert!(Exact::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        assert_eq!(exact("0.1").plus(exact("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(exact("1.10").times(exact("3")).unwrap().to_string(), "3.30");
        assert_eq!(exact("10").divided_by(exact("3"), 4).unwrap().to_string(), "3.3333");
        assert_eq!(exact("-0.125").rounded(2).unwrap().to_string(), "-0.13");
        assert_eq!(exact("2").divided_by(exact("-3"), 0).unwrap().to_string(), "-1");
        let big = exact("90000000000000000000000000000000000000");
        assert_eq!(big.plus(big).unwrap_err().code, "decimal-overflow");
        assert!(exact("1").divided_by(exact("0.00"), 2).is_err());
        assert_eq!(exact("1").divided_exactly(exact("8")).unwrap().to_string(), "0.125");
        assert!(exact("1").divided_exactly(exact("3")).is_none());
    }

    #[test]
    fn order_ignores_the_scale() {
        assert_eq!(exact("1.0").compare(exact("1.000")), Ordering::Equal);
        assert_eq!(exact("-1.5").compare(exact("-1.49")), Ordering::Less);
        assert_eq!(exact("99999999999999999999999999999999999999").compare(exact("0.1")), Ordering::Greater);
    }

    proptest::proptest! {
        #[test]
        fn sum_and_difference_undo(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_000_i64..1_000_000_000, scale in 0_u32..9) {
            let a = Exact { mantissa: a.into(), scale };
            let b = Exact { mantissa: b.into(), scale: 4 };
            let back = a.plus(b).unwrap().minus(b).unwrap();
            proptest::prop_assert_eq!(back.compare(a), Ordering::Equal);
        }
    }
}
