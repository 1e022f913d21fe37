//! Decimal arithmetic on strings or numbers, giving decimal strings.

use std::cmp::Ordering;

use lineshaft_model::Reason;

use super::{Arguments, Context};
use crate::datum::Datum;
use crate::decimal::Exact;

type Answer = Result<Datum<'static>, Reason>;

/// Reads an argument as a decimal.
pub(super) fn decimal(function: &str, datum: &Datum<'_>) -> Result<Exact, Reason> {
    datum.as_word().and_then(|text| Exact::parse(text.trim())).ok_or_else(|| {
        datum.unfit(function, "a decimal").hint("a decimal is a number or a string such as \"12.50\"")
    })
}

/// Reads an argument as a small count, for instance digits after the point.
pub(super) fn count(function: &str, datum: &Datum<'_>) -> Result<u32, Reason> {
    let whole = datum.as_word().and_then(Exact::parse).and_then(Exact::to_whole);
    whole
        .and_then(|whole| u32::try_from(whole).ok())
        .filter(|count| *count <= 1000)
        .ok_or_else(|| datum.unfit(function, "a whole number from 0 to 1000"))
}

fn give(value: Exact) -> Datum<'static> {
    Datum::text(value.to_string())
}

pub(super) fn add(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    decimal("dec_add", &args[0])?.plus(decimal("dec_add", &args[1])?).map(give)
}

pub(super) fn sub(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    decimal("dec_sub", &args[0])?.minus(decimal("dec_sub", &args[1])?).map(give)
}

pub(super) fn mul(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    decimal("dec_mul", &args[0])?.times(decimal("dec_mul", &args[1])?).map(give)
}

pub(super) fn div(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    let (a, b) = (decimal("dec_div", &args[0])?, decimal("dec_div", &args[1])?);
    a.divided_by(b, count("dec_div", &args[2])?).map(give)
}

pub(super) fn round(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    decimal("dec_round", &args[0])?.rounded(count("dec_round", &args[1])?).map(give)
}

pub(super) fn cmp(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    let order = match decimal("dec_cmp", &args[0])?.compare(decimal("dec_cmp", &args[1])?) {
        Ordering::Less => "-1",
        Ordering::Equal => "0",
        Ordering::Greater => "1",
    };
    Ok(Datum::Number(order.into()))
}

pub(super) fn neg(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    Ok(give(decimal("dec_neg", &args[0])?.negated()))
}

pub(super) fn abs(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    Ok(give(decimal("dec_abs", &args[0])?.magnitude()))
}

pub(super) fn norm(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    Ok(give(decimal("dec_norm", &args[0])?.normalised()))
}

pub(super) fn sum(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    let Datum::List(items) = &args[0] else {
        return Err(args[0]
            .unfit("dec_sum", "an array of decimals")
            .hint("collect a stream first: dec_sum([.lines[].amount])"));
    };
    let total = items.iter().try_fold(Exact::ZERO, |total, item| total.plus(decimal("dec_sum", item)?));
    total.map(give)
}
