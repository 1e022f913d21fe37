//! Text as systems pad and blank it, and stable identifiers made from it.

use lineshaft_model::Reason;
use sha2::{Digest, Sha256};

use super::decimals::count;
use super::{Arguments, Context};
use crate::datum::Datum;

type Answer = Result<Datum<'static>, Reason>;

fn word<'d>(function: &str, datum: &'d Datum<'_>) -> Result<&'d str, Reason> {
    datum.as_word().ok_or_else(|| datum.unfit(function, "a string"))
}

/// `pad_left(n; c)`.
pub(super) fn pad_left(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let text = word("pad_left", &args[0])?;
    let width = count("pad_left", &args[1])? as usize;
    let pad = word("pad_left", &args[2])?;
    if pad.chars().count() != 1 {
        return Err(args[2].unfit("pad_left", "one character to pad with"));
    }
    let missing = width.saturating_sub(text.chars().count());
    Ok(Datum::text(format!("{}{text}", pad.repeat(missing))))
}

/// Without leading zeros; what is only zeros becomes `0`.
pub(super) fn strip_zeros(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let text = word("strip_zeros", &args[0])?;
    let stripped = text.trim_start_matches('0');
    let kept = if stripped.is_empty() && !text.is_empty() { "0" } else { stripped };
    Ok(Datum::text(kept.to_owned()))
}

/// White space only, or nothing, becomes null; other strings lose the white space at their ends.
pub(super) fn blank_to_null(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    match &args[0] {
        Datum::Text(text) if text.trim().is_empty() => Ok(Datum::Null),
        Datum::Text(text) => Ok(Datum::text(text.trim().to_owned())),
        Datum::Null => Ok(Datum::Null),
        other => Err(other.unfit("blank_to_null", "a string or null")),
    }
}

/// `hash_id(parts)`: the first 128 bits of SHA-256 over the parts, each with its length, as 32 hexadecimal digits.
pub(super) fn hash_id(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    let mut hash = Sha256::new();
    let mut add = |datum: &Datum<'_>| -> Result<(), Reason> {
        let text = match datum {
            Datum::Null => "",
            other => word("hash_id", other)?,
        };
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
        Ok(())
    };
    match &args[0] {
        Datum::List(parts) => parts.iter().try_for_each(&mut add)?,
        one => add(one)?,
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(Datum::text(hex))
}
