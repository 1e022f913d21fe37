//! Between the interpreter's values, our tree and JSON text; numbers keep their text.

use std::borrow::Cow;

use bytes::Bytes;
use jaq_json::{Map, Num, Rc, Val};
use lineshaft_model::Reason;
use lineshaft_model::json::{JsonError, Limits, Value, write_string};

use crate::datum::{Datum, clip};

/// A number's text as the interpreter's number; what is not a whole number stays text inside it.
pub(crate) fn number(text: &str) -> Num {
    let plain = text != "-0" && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let whole = if plain { Num::from_str_radix(text, 10) } else { None };
    whole.unwrap_or_else(|| Num::Dec(Rc::new(text.to_owned())))
}

fn text(text: &str) -> Val {
    Val::utf8_str(Bytes::copy_from_slice(text.as_bytes()))
}

/// The interpreter's value of a tree.
pub(crate) fn val_from_tree(value: &Value<'_>) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(b) => Val::Bool(*b),
        Value::Number(n) => Val::Num(number(n)),
        Value::String(s) => text(s),
        Value::Array(items) => items.iter().map(val_from_tree).collect(),
        Value::Object(members) => {
            let mut map = Map::with_capacity_and_hasher(members.len(), Default::default());
            for (key, member) in members {
                map.insert(text(key), val_from_tree(member));
            }
            Val::obj(map)
        }
    }
}

/// Reads strict JSON text.
pub(crate) fn val_from_json(bytes: &[u8]) -> Result<Val, JsonError> {
    Ok(val_from_tree(&Value::parse(bytes, &Limits::DEFAULT)?))
}

pub(crate) fn val_from_datum(datum: &Datum<'_>) -> Val {
    match datum {
        Datum::Null => Val::Null,
        Datum::Bool(b) => Val::Bool(*b),
        Datum::Number(n) => Val::Num(number(n)),
        Datum::Text(s) => text(s),
        Datum::List(items) => items.iter().map(val_from_datum).collect(),
        Datum::Fields(fields) => Val::obj(fields.iter().map(|(k, v)| (text(k), val_from_datum(v))).collect()),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(bytes).map_err(|_| {
        Reason::new("text-not-utf8", "a string is not valid UTF-8")
            .hint("look for implode or @base64d of other bytes")
    })
}

/// The value as an argument of our functions.
pub(crate) fn datum_from_val(value: &Val) -> Result<Datum<'_>, Reason> {
    Ok(match value {
        Val::Null => Datum::Null,
        Val::Bool(b) => Datum::Bool(*b),
        Val::Num(n) => Datum::Number(number_text(n)?),
        Val::TStr(bytes) | Val::BStr(bytes) => Datum::Text(Cow::Borrowed(utf8(bytes)?)),
        Val::Arr(items) => Datum::List(items.iter().map(datum_from_val).collect::<Result<_, _>>()?),
        Val::Obj(members) => {
            let mut fields = Vec::with_capacity(members.len());
            for (key, value) in members.iter() {
                let Val::TStr(key) = key else { return Err(key_not_text(key)) };
                fields.push((Cow::Borrowed(utf8(key)?), datum_from_val(value)?));
            }
            Datum::Fields(fields)
        }
    })
}

fn key_not_text(key: &Val) -> Reason {
    Reason::new(
        "key-not-text",
        format!("an object has the key {}, which is not a string", clip(&key.to_string())),
    )
    .hint("turn the key into a string with tostring")
}

/// A number as JSON text. A float has come from arithmetic: only a whole one has an exact meaning.
pub(crate) fn number_text(number: &Num) -> Result<Cow<'_, str>, Reason> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number {
        Num::Int(n) => Ok(Cow::Owned(n.to_string())),
        Num::BigInt(n) => Ok(Cow::Owned(n.to_string())),
        Num::Dec(text) if is_json_number(text) => Ok(Cow::Borrowed(text)),
        Num::Dec(text) => {
            Err(Reason::new("number-malformed", format!("{} is not a JSON number", clip(text))))
        }
        Num::Float(x) if x.fract() == 0.0 && x.abs() <= EXACT => {
            Ok(Cow::Owned(format!("{x:.0}").replace("-0", "0")))
        }
        Num::Float(x) => {
            Err(Reason::new("float-result", format!("arithmetic gave the floating point number {x}")).hint(
                "use the decimal functions: dec_add, dec_sub, dec_mul, dec_div(a; b; scale), dec_round",
            ))
        }
    }
}

/// RFC 8259's grammar of numbers.
pub(crate) fn is_json_number(text: &str) -> bool {
    let digits = |rest: &mut &[u8]| {
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        *rest = &rest[count..];
        count
    };
    let mut rest = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let leading_zero = rest.first() == Some(&b'0');
    let whole = digits(&mut rest);
    if whole == 0 || (leading_zero && whole > 1) {
        return false;
    }
    if let [b'.', after @ ..] = rest {
        rest = after;
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    if let [b'e' | b'E', after @ ..] = rest {
        rest = after;
        if let [b'+' | b'-', after @ ..] = rest {
            rest = after;
        }
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    rest.is_empty()
}

/// Appends the value as compact JSON text.
pub(crate) fn write_val(value: &Val, out: &mut Vec<u8>) -> Result<(), Reason> {
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        Val::Num(n) => out.extend_from_slice(number_text(n)?.as_bytes()),
        Val::TStr(bytes) | Val::BStr(bytes) => write_string(out, utf8(bytes)?),
        Val::Arr(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_val(item, out)?;
            }
            out.push(b']');
        }
        Val::Obj(members) => {
            out.push(b'{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let Val::TStr(key) = key else { return Err(key_not_text(key)) };
                write_string(out, utf8(key)?);
                out.push(b':');
                write_val(member, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// Appends the text of a value as string interpolation shows it: strings as they are, all else as JSON.
pub(crate) fn text_of(value: &Val, out: &mut Vec<u8>) -> Result<(), Reason> {
    match value {
        Val::TStr(bytes) => {
            out.extend_from_slice(bytes);
            Ok(())
        }
        other => write_val(other, out),
    }
}

/// The value a mapping sees when it catches a refusal of ours.
pub(crate) fn fault_to_val(reason: &Reason) -> Val {
    let mut fields = vec![("code", reason.code.as_str()), ("message", reason.message.as_str())];
    if !reason.hint.is_empty() {
        fields.push(("hint", reason.hint.as_str()));
    }
    Val::obj(fields.into_iter().map(|(k, v)| (text(k), text(v))).collect())
}

/// The reason behind an uncaught error: ours again, or whatever the mapping raised.
pub(crate) fn fault_from_val(value: &Val) -> Reason {
    let plain = |value: &Val| match value {
        Val::TStr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    };
    let field = |name: &str| match value {
        Val::Obj(members) => members.get(&text(name)).map(plain),
        _ => None,
    };
    match (field("code"), field("message")) {
        (Some(code), Some(message)) if is_code(&code) => {
            Reason::new(code, clip_long(&message)).hint(field("hint").unwrap_or_default())
        }
        _ => Reason::new("mapping-failed", clip_long(&plain(value))),
    }
}

pub(crate) fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Long enough to be useful, short enough for a log line.
fn clip_long(message: &str) -> String {
    const MOST: usize = 300;
    match message.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &message[..at]),
        None => message.to_owned(),
    }
}
