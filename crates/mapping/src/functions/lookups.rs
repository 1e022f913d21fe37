//! Quantities, units, code lists and cross references.

use lineshaft_model::Reason;

use super::decimals::{count, decimal};
use super::{Arguments, Context};
use crate::datum::{Datum, clip};

type Answer = Result<Datum<'static>, Reason>;

fn word<'d>(function: &str, datum: &'d Datum<'_>) -> Result<&'d str, Reason> {
    datum.as_word().ok_or_else(|| datum.unfit(function, "a string"))
}

fn known_unit<'d>(function: &str, datum: &'d Datum<'_>, context: Context<'_>) -> Result<&'d str, Reason> {
    let unit = word(function, datum)?;
    if context.environment.units().knows(unit) {
        return Ok(unit);
    }
    Err(Reason::new("unit-unknown", format!("`{}` is no unit we know", clip(unit))).hint(
        "use a UN/CEFACT Rec 20 code such as KGM or EA, or map the system's code with unit(code; system)",
    ))
}

fn quantity(value: String, unit: &str) -> Datum<'static> {
    Datum::Fields(vec![("value".into(), Datum::text(value)), ("unit".into(), Datum::text(unit.to_owned()))])
}

pub(super) fn qty(args: Arguments<'_, '_>, context: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let value = decimal("qty", &args[0])?;
    Ok(quantity(value.to_string(), known_unit("qty", &args[1], context)?))
}

/// `convert(qty; to)`, `convert(qty; to; item)`, `convert(qty; to; item; digits)`.
pub(super) fn convert(args: Arguments<'_, '_>, context: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let (Some(value), Some(from)) = (args[0].field("value"), args[0].field("unit")) else {
        return Err(args[0].unfit("convert", "a quantity {value, unit}"));
    };
    let value = decimal("convert", value)?;
    let from = word("convert", from)?;
    let to = known_unit("convert", &args[1], context)?;
    let item = match args.get(2) {
        None | Some(Datum::Null) => "",
        Some(item) => word("convert", item)?,
    };
    let units = context.environment.units();
    let converted = match args.get(3) {
        None => units.convert(value, from, to, item)?,
        Some(digits) => units.convert_rounded(value, from, to, item, count("convert", digits)?)?,
    };
    let shown = if args.len() == 4 { converted } else { converted.normalised() };
    Ok(quantity(shown.to_string(), to))
}

/// The Rec 20 code of a system's own unit: through code list `units-<system>` when there is one, else the code itself.
pub(super) fn unit(args: Arguments<'_, '_>, context: Context<'_>) -> Answer {
    let (own, system) = (word("unit", &args[0])?, word("unit", &args[1])?);
    let list = context.environment.code_list(&format!("units-{system}"));
    if let Some(code) = list.and_then(|list| list.get(own, "", context.today)) {
        return known_unit("unit", &Datum::text(code), context).map(|unit| Datum::text(unit.to_owned()));
    }
    if context.environment.units().knows(own) {
        return Ok(Datum::text(own.to_owned()));
    }
    Err(Reason::new(
        "unknown-code",
        format!("`{}` of system `{}` is no unit we know", clip(own), clip(system)),
    )
    .hint(format!("add a row with `{}` in column `from` to codes/units-{}.csv", clip(own), clip(system))))
}

fn list<'c>(datum: &Datum<'_>, context: Context<'c>) -> Result<&'c crate::codes::CodeList, Reason> {
    let name = datum.as_text().ok_or_else(|| datum.unfit("code", "the name of a code list"))?;
    context.environment.code_list(name).ok_or_else(|| {
        Reason::new("code-list-unknown", format!("there is no code list `{}`", clip(name)))
            .hint(format!("add codes/{}.csv with the columns from,to", clip(name)))
    })
}

fn partner<'d>(args: Arguments<'d, '_>) -> Result<&'d str, Reason> {
    args.get(2).map_or(Ok(""), |datum| word("code", datum))
}

pub(super) fn code(args: Arguments<'_, '_>, context: Context<'_>) -> Answer {
    let list = list(&args[0], context)?;
    if args[1] == Datum::Null {
        return Ok(Datum::Null);
    }
    list.forward(word("code", &args[1])?, partner(args)?, context.today).map(Datum::text)
}

pub(super) fn code_back(args: Arguments<'_, '_>, context: Context<'_>) -> Answer {
    let list = list(&args[0], context)?;
    if args[1] == Datum::Null {
        return Ok(Datum::Null);
    }
    list.back(word("code_back", &args[1])?, partner(args)?, context.today).map(Datum::text)
}

pub(super) fn xref(args: Arguments<'_, '_>, context: Context<'_>) -> Answer {
    if args[2] == Datum::Null {
        return Ok(Datum::Null);
    }
    let [system, object_type, key] =
        [word("xref", &args[0])?, word("xref", &args[1])?, word("xref", &args[2])?];
    Ok(context.references.canonical(system, object_type, key).map_or(Datum::Null, Datum::text))
}

pub(super) fn xref_back(args: Arguments<'_, '_>, context: Context<'_>) -> Answer {
    if args[2] == Datum::Null {
        return Ok(Datum::Null);
    }
    let [system, object_type, key] =
        [word("xref_back", &args[0])?, word("xref_back", &args[1])?, word("xref_back", &args[2])?];
    Ok(context.references.foreign(system, object_type, key).map_or(Datum::Null, Datum::text))
}
