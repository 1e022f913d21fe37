//! Quantities inside: whole numbers of the last decimal place an item keeps, exact or refused.

use lineshaft_model::{Quantity, Reason, Unit};
use rust_decimal::Decimal;

/// The largest amount of one record, in units of the last place: sums of four thousand million of them fit in 128 bits,
/// and any two in 64.
pub(crate) const LARGEST: i64 = 4_000_000_000_000_000_000;

/// The most decimal places an item keeps.
pub(crate) const MOST_DECIMALS: u8 = 12;

/// What to do with what is finer than the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finer {
    Refuse,
    Up,
    Down,
}

/// A decimal as a whole number of its last kept place.
pub(crate) fn scaled(value: Decimal, decimals: u8, finer: Finer) -> Result<i64, Reason> {
    let too_large = || {
        Reason::new(
            "quantity-too-large",
            format!("{value} is more than can be planned with {decimals} decimal places"),
        )
        .hint("give the item fewer decimal places, or plan it in a larger unit")
    };
    let mantissa = value.mantissa();
    let scale = u8::try_from(value.scale()).unwrap_or(u8::MAX);
    let whole = if scale <= decimals {
        mantissa.checked_mul(ten_to(decimals - scale)).ok_or_else(too_large)?
    } else {
        let divisor = ten_to(scale - decimals);
        match (mantissa % divisor, finer) {
            (0, _) | (_, Finer::Down) => mantissa.div_euclid(divisor),
            (_, Finer::Up) => mantissa.div_euclid(divisor) + 1,
            (_, Finer::Refuse) => {
                return Err(Reason::new(
                    "quantity-not-exact",
                    format!("{value} needs more than the {decimals} decimal places its item keeps"),
                )
                .hint("raise the item's decimal places, up to 12"));
            }
        }
    };
    match i64::try_from(whole) {
        Ok(whole) if whole.abs() <= LARGEST => Ok(whole),
        _ => Err(too_large()),
    }
}

/// A whole number of the last place as a decimal.
pub(crate) fn decimal(scaled: i128, decimals: u8) -> Decimal {
    // Sums of 64-bit numbers are far below the 96 bits of a decimal; a larger one is shown as the largest.
    Decimal::try_from_i128_with_scale(scaled, u32::from(decimals))
        .unwrap_or(if scaled < 0 { Decimal::MIN } else { Decimal::MAX })
        .normalize()
}

/// How an item is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) unit: Unit,
    pub(crate) decimals: u8,
    pub(crate) units: Vec<(Unit, Decimal)>,
}

impl Default for Measure {
    /// An item nobody has told of is counted in pieces.
    fn default() -> Self {
        Self { unit: Unit::ONE, decimals: 6, units: Vec::new() }
    }
}

impl Measure {
    /// A quantity that must not be negative, in the item's own unit.
    pub(crate) fn scaled(&self, quantity: Quantity, item: &str) -> Result<i64, Reason> {
        if quantity.value.is_sign_negative() && !quantity.value.is_zero() {
            return Err(Reason::new("quantity-negative", format!("{quantity} of `{item}` is below zero"))
                .hint("send what is left, and 0 when nothing is"));
        }
        scaled(self.in_own_unit(quantity, item)?, self.decimals, Finer::Refuse)
    }

    fn in_own_unit(&self, quantity: Quantity, item: &str) -> Result<Decimal, Reason> {
        if quantity.unit == self.unit {
            return Ok(quantity.value);
        }
        let Some((_, factor)) = self.units.iter().find(|(unit, _)| *unit == quantity.unit) else {
            return Err(Reason::new(
                "unit-without-factor",
                format!("`{item}` is planned in {} and has no factor for {}", self.unit, quantity.unit),
            )
            .hint("add the unit with its factor to the item"));
        };
        product(quantity.value, *factor).ok_or_else(|| {
            Reason::new(
                "quantity-too-large",
                format!("{quantity} of `{item}` has no exact form in {}", self.unit),
            )
            .hint("plan the item in a larger unit")
        })
    }

    pub(crate) fn quantity(&self, scaled: i128) -> Quantity {
        Quantity { value: decimal(scaled, self.decimals), unit: self.unit }
    }
}

/// The exact product; none when it has more than 28 digits.
pub(crate) fn product(left: Decimal, right: Decimal) -> Option<Decimal> {
    let mantissa = left.mantissa().checked_mul(right.mantissa())?;
    Decimal::try_from_i128_with_scale(mantissa, left.scale() + right.scale()).ok()
}

const fn ten_to(power: u8) -> i128 {
    10_i128.pow(if power > 28 { 28 } else { power as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_finer_is_refused_or_rounded_to_the_safe_side() {
        assert_eq!(scaled(dec("12.50"), 1, Finer::Refuse).unwrap(), 125);
        assert_eq!(scaled(dec("12.55"), 1, Finer::Refuse).unwrap_err().code, "quantity-not-exact");
        assert_eq!(scaled(dec("12.51"), 1, Finer::Up).unwrap(), 126);
        assert_eq!(scaled(dec("12.59"), 1, Finer::Down).unwrap(), 125);
        assert_eq!(scaled(dec("5000000000000"), 6, Finer::Refuse).unwrap_err().code, "quantity-too-large");
        assert_eq!(scaled(Decimal::MAX, 12, Finer::Refuse).unwrap_err().code, "quantity-too-large");
        assert_eq!(scaled(dec("0.0000000000000000000000000001"), 0, Finer::Up).unwrap(), 1);
    }

    #[test]
    fn a_box_is_two_dozen() {
        let boxes = Unit::parse("BX").unwrap();
        let measure = Measure { units: vec![(boxes, dec("24"))], ..Measure::default() };
        let two = Quantity { value: dec("2.5"), unit: boxes };
        assert_eq!(measure.scaled(two, "BOLT").unwrap(), 60_000_000);
        assert_eq!(measure.quantity(60_000_000).to_string(), "60 C62");
        let kilos = Quantity { value: dec("1"), unit: Unit::parse("KGM").unwrap() };
        assert_eq!(measure.scaled(kilos, "BOLT").unwrap_err().code, "unit-without-factor");
        let less = Quantity { value: dec("-1"), unit: Unit::ONE };
        assert_eq!(measure.scaled(less, "BOLT").unwrap_err().code, "quantity-negative");
    }
}
