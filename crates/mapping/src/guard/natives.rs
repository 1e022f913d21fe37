//! The natives that guarded programs call: they pay first, and then do what jq would have done.

use std::cmp::Ordering;
use std::iter;

use bytes::Bytes;
use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, v};
use jaq_core::{Ctx, Error, Exn, Native, ValX, ValXs};
use jaq_json::{Map, Num, Val};
use jaq_std::ValT as _;
use lineshaft_model::Reason;

use super::regex::pattern_cost;
use super::rewrite::fused_names;
use super::{Kind, Run, uncatchable};
use crate::budget::{GRAINS_PER_STEP, MAX_TEXT, Stop};
use crate::convert::{datum_from_val, fault_to_val, text_of, val_from_datum, val_from_json, write_val};
use crate::functions::FUNCTIONS;

type Cv<'a> = (Ctx<'a, Kind>, Val);
type Answer<'a> = ValX<'a, Val>;

fn once<'a>(answer: Answer<'a>) -> ValXs<'a, Val> {
    box_once(answer)
}

fn run_of<'a>(ctx: &Ctx<'a, Kind>) -> &'a Run<'a> {
    ctx.data()
}

/// A native that looks at its input, pays or refuses, and hands the input on; paths and updates pass through it.
const fn gate(check: Gate) -> Native<Kind> {
    match check {
        Gate::Tick => Native::new(|cv| once(run_of(&cv.0).tick().map(|()| cv.1)))
            .with_paths(|cv| {
                let run = run_of(&cv.0);
                let too_long = (cv.1).1.iter().nth(crate::budget::MAX_DEPTH).is_some();
                let gate = if too_long { Err(run.stop(Stop::Depth)) } else { run.tick() };
                box_once(gate.map(|()| cv.1))
            })
            .with_update(|cv, f| match run_of(&cv.0).tick() {
                Ok(()) => f(cv.1),
                Err(stop) => box_once(Err(stop)),
            }),
        Gate::Wide => Native::new(|cv| once(run_of(&cv.0).wide(&cv.1).map(|()| cv.1)))
            .with_paths(|cv| box_once(run_of(&cv.0).wide(&(cv.1).0).map(|()| cv.1)))
            .with_update(|cv, f| match run_of(&cv.0).wide(&cv.1) {
                Ok(()) => f(cv.1),
                Err(stop) => box_once(Err(stop)),
            }),
        Gate::Weigh => Native::new(|cv| once(run_of(&cv.0).weigh(&cv.1, 1).map(|()| cv.1)))
            .with_paths(|cv| box_once(run_of(&cv.0).weigh(&(cv.1).0, 1).map(|()| cv.1)))
            .with_update(|cv, f| match run_of(&cv.0).weigh(&cv.1, 1) {
                Ok(()) => f(cv.1),
                Err(stop) => box_once(Err(stop)),
            }),
    }
}

#[derive(Clone, Copy)]
enum Gate {
    Tick,
    Wide,
    Weigh,
}

/// Pops `n` variables; the last argument is on top.
fn pop<const N: usize>(ctx: &mut Ctx<'_, Kind>) -> [Val; N] {
    let mut values = [const { Val::Null }; N];
    values.iter_mut().rev().for_each(|value| *value = ctx.pop_var());
    values
}

/// Takes the two operands, letting go of the input first so that an operand that is the input can grow in place.
fn operands<'a>((mut ctx, input): Cv<'a>) -> (&'a Run<'a>, Val, Val) {
    drop(input);
    let [left, right] = pop(&mut ctx);
    (run_of(&ctx), left, right)
}

fn plain<'a>(result: Result<Val, Error<Val>>) -> Answer<'a> {
    result.map_err(Exn::from)
}

fn add<'a>(cv: Cv<'a>) -> Answer<'a> {
    let (run, left, right) = operands(cv);
    match (&left, &right) {
        (Val::TStr(l), Val::TStr(r)) | (Val::BStr(l), Val::BStr(r)) => {
            if l.len() + r.len() > MAX_TEXT {
                return Err(run.stop(Stop::Size));
            }
            let copied = if l.is_unique() { r.len() } else { l.len() + r.len() };
            run.pay(GRAINS_PER_STEP + copied as u64)?;
        }
        (Val::Arr(l), Val::Arr(r)) => {
            let copied = if jaq_json::Rc::strong_count(l) == 1 { r.len() } else { l.len() + r.len() };
            run.pay(GRAINS_PER_STEP + 16 * copied as u64)?;
        }
        (Val::Obj(l), Val::Obj(r)) => {
            let copied = if jaq_json::Rc::strong_count(l) == 1 { r.len() } else { l.len() + r.len() };
            run.pay(GRAINS_PER_STEP + 32 * copied as u64)?;
        }
        (Val::Num(_), Val::Num(_)) => pay_numbers(run, &left, &right, false)?,
        _ => run.pay(GRAINS_PER_STEP)?,
    }
    plain(left + right)
}

fn bits(value: &Val) -> u64 {
    match value {
        Val::Num(Num::BigInt(number)) => number.bits(),
        _ => 64,
    }
}

fn pay_numbers<'a>(run: &Run<'a>, left: &Val, right: &Val, product: bool) -> Result<(), Exn<'a, Val>> {
    const MAX_BITS: u64 = 1 << 16;
    let (l, r) = (bits(left), bits(right));
    let (size, work) = if product { (l + r, l / 64 * (r / 64)) } else { (l.max(r) + 1, (l + r) / 64) };
    if size > MAX_BITS {
        return Err(run.stop(Stop::Size));
    }
    run.pay(GRAINS_PER_STEP + work)
}

fn multiply<'a>(cv: Cv<'a>) -> Answer<'a> {
    let (run, left, right) = operands(cv);
    match (&left, &right) {
        (Val::TStr(text) | Val::BStr(text), Val::Num(n))
        | (Val::Num(n), Val::TStr(text) | Val::BStr(text)) => {
            let times = match n {
                Num::Int(times) => u64::try_from(*times).unwrap_or(0),
                Num::BigInt(_) => u64::MAX,
                _ => 1,
            };
            let size = times.saturating_mul(text.len() as u64);
            // An empty string may be repeated as often as one likes; the count itself must still be finite work.
            if size > MAX_TEXT as u64 || times > MAX_TEXT as u64 {
                return Err(run.stop(Stop::Size));
            }
            run.pay(GRAINS_PER_STEP + size)?;
        }
        (Val::Num(_), Val::Num(_)) => pay_numbers(run, &left, &right, true)?,
        _ => {
            run.weigh(&left, 2)?;
            run.weigh(&right, 2)?;
            let product = plain(left * right)?;
            run.weigh(&product, 1)?;
            return Ok(product);
        }
    }
    plain(left * right)
}

fn subtract<'a>(cv: Cv<'a>) -> Answer<'a> {
    let (run, left, right) = operands(cv);
    if let (Val::Num(_), Val::Num(_)) = (&left, &right) {
        pay_numbers(run, &left, &right, false)?;
    } else {
        run.weigh(&left, 16)?;
        run.weigh(&right, 16)?;
    }
    plain(left - right)
}

fn divide<'a>(cv: Cv<'a>) -> Answer<'a> {
    let (run, left, right) = operands(cv);
    run.weigh(&left, 16)?;
    run.weigh(&right, 2)?;
    plain(left / right)
}

fn remainder<'a>(cv: Cv<'a>) -> Answer<'a> {
    let (run, left, right) = operands(cv);
    pay_numbers(run, &left, &right, true)?;
    plain(left % right)
}

/// Comparing looks at both at most as far as the smaller goes; scalars cost nothing worth counting.
fn compare<'a>(cv: Cv<'a>, wanted: fn(&Val, &Val) -> bool) -> Answer<'a> {
    let (run, left, right) = operands(cv);
    match (&left, &right) {
        (Val::TStr(l), Val::TStr(r)) => run.pay(1 + l.len().min(r.len()) as u64)?,
        (Val::Arr(_) | Val::Obj(_), Val::Arr(_) | Val::Obj(_)) => {
            run.weigh(&left, 4)?;
            run.weigh(&right, 4)?;
        }
        _ => run.pay(1)?,
    }
    Ok(Val::Bool(wanted(&left, &right)))
}

fn range<'a>(mut cv: Cv<'a>) -> ValXs<'a, Val> {
    let [from, to, by] = pop(&mut cv.0);
    let run = run_of(&cv.0);
    let direction = by.partial_cmp(&Val::from(0_isize)).unwrap_or(Ordering::Equal);
    let mut next = Some(from);
    Box::new(iter::from_fn(move || {
        let now = next.take()?;
        let inside = match direction {
            Ordering::Greater => now < to,
            Ordering::Less => now > to,
            Ordering::Equal => now != to,
        };
        if !inside {
            return None;
        }
        if let Err(stop) = run.tick() {
            return Some(Err(stop));
        }
        match now.clone() + by.clone() {
            Ok(following) => next = Some(following),
            Err(error) => return Some(Err(Exn::from(error))),
        }
        Some(Ok(now))
    }))
}

/// A string from parts; the number of parts is the last argument.
fn text<'a>((mut ctx, _): Cv<'a>) -> Answer<'a> {
    let run = run_of(&ctx);
    let parts = pop_number(&mut ctx);
    let mut values: Vec<Val> = (0..parts).map(|_| ctx.pop_var()).collect();
    let mut out = Vec::new();
    while let Some(value) = values.pop() {
        run.weigh(&value, 1)?;
        text_of(&value, &mut out).map_err(faulty)?;
        if out.len() > MAX_TEXT {
            return Err(run.stop(Stop::Size));
        }
    }
    Ok(Val::utf8_str(out))
}

/// An object from values; the number of its shape is the last argument.
fn object<'a>((mut ctx, _): Cv<'a>) -> Answer<'a> {
    let run = run_of(&ctx);
    let keys = run.shapes.get(pop_number(&mut ctx)).map(Vec::as_slice).unwrap_or_default();
    let mut values: Vec<Val> = keys.iter().map(|_| ctx.pop_var()).collect();
    let mut map = Map::with_capacity_and_hasher(keys.len(), Default::default());
    for key in keys {
        map.insert(Val::utf8_str(key.clone()), values.pop().unwrap_or_default());
    }
    let object = Val::obj(map);
    run.weigh(&object, 1)?;
    Ok(object)
}

/// Pops a number that the rewriting wrote as the last argument.
fn pop_number(ctx: &mut Ctx<'_, Kind>) -> usize {
    ctx.pop_var().as_isize().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
}

fn contains(left: &Val, right: &Val) -> bool {
    match (left, right) {
        (Val::TStr(l), Val::TStr(r)) | (Val::BStr(l), Val::BStr(r)) => {
            r.is_empty() || l.windows(r.len()).any(|window| window == &r[..])
        }
        (Val::Arr(l), Val::Arr(r)) => r.iter().all(|r| l.iter().any(|l| contains(l, r))),
        (Val::Obj(l), Val::Obj(r)) => r.iter().all(|(key, r)| l.get(key).is_some_and(|l| contains(l, r))),
        _ => left == right,
    }
}

/// Grains that looking for one value everywhere in another costs.
fn pay_product<'a>(run: &Run<'a>, left: &Val, right: &Val) -> Result<(), Exn<'a, Val>> {
    let size = |value: &Val| -> Result<u64, Exn<'a, Val>> {
        let meter = run.account.left();
        run.weigh(value, 1)?;
        Ok(meter.saturating_sub(run.account.left()))
    };
    let (l, r) = (size(left)?, size(right)?);
    run.pay(l.saturating_mul(r) / 16)
}

/// Calls a function of ours; its number is the last argument.
fn call_ours<'a>((mut ctx, input): Cv<'a>) -> Answer<'a> {
    let run = run_of(&ctx);
    let Some(function) = FUNCTIONS.get(pop_number(&mut ctx)) else {
        return Err(Exn::from(Error::str("no such function")));
    };
    let mut values: Vec<Val> = (0..function.arity).map(|_| ctx.pop_var()).collect();
    if function.uses_input {
        values.push(input);
    }
    let mut arguments = Vec::with_capacity(values.len());
    for value in values.iter().rev() {
        run.weigh(value, 4)?;
        arguments.push(datum_from_val(value).map_err(faulty)?);
    }
    run.pay(2 * GRAINS_PER_STEP)?;
    (function.run)(&arguments, run.context).map(|datum| val_from_datum(&datum)).map_err(faulty)
}

/// A refusal of ours as an error that a mapping may catch.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn faulty<'a>(reason: Reason) -> Exn<'a, Val> {
    Exn::from(Error::new(fault_to_val(&reason)))
}

fn pay_pattern<'a>(run: &Run<'a>, text: &Val, pattern: &Val) -> Result<(), Exn<'a, Val>> {
    let (Val::TStr(text), Val::TStr(pattern)) = (text, pattern) else { return Ok(()) };
    let cost = pattern_cost(pattern).map_err(|message| Exn::from(Error::str(message)))?;
    run.pay(64 * GRAINS_PER_STEP + cost.saturating_mul(16 + 8 * text.len() as u64))
}

fn to_string<'a>(run: &Run<'a>, value: Val) -> Answer<'a> {
    if let Val::TStr(_) = value {
        return Ok(value);
    }
    run.weigh(&value, 1)?;
    let mut out = Vec::new();
    text_of(&value, &mut out).map_err(faulty)?;
    Ok(Val::utf8_str(out))
}

fn to_json<'a>(run: &Run<'a>, value: &Val) -> Answer<'a> {
    run.weigh(value, 1)?;
    let mut out = Vec::new();
    write_val(value, &mut out).map_err(faulty)?;
    Ok(Val::utf8_str(out))
}

fn from_json<'a>(run: &Run<'a>, text: &Val) -> Answer<'a> {
    let Val::TStr(bytes) = text else { return Err(Exn::from(Error::typ(text.clone(), "string"))) };
    run.pay(GRAINS_PER_STEP + 4 * bytes.len() as u64)?;
    val_from_json(bytes).map_err(|error| Exn::from(Error::str(format_args!("cannot parse as JSON: {error}"))))
}

fn type_name(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Num(_) => "number",
        Val::TStr(_) | Val::BStr(_) => "string",
        Val::Arr(_) => "array",
        Val::Obj(_) => "object",
    }
}

fn key_gate<'a>(run: &Run<'a>, key: Val) -> Answer<'a> {
    match &key {
        Val::Arr(items) if !items.is_empty() => {
            Err(Exn::from(Error::str("an array cannot be an index; use indices(...)")))
        }
        _ => run.weigh(&key, 1).map(|()| key),
    }
}

/// Every native a guarded program may call, besides those of the interpreter that were let through.
pub(super) fn natives() -> Vec<Fun<Kind>> {
    let mut all = gates_and_operators();
    all.extend(values_and_types());
    for (object_name, text_name, parts) in fused_names() {
        all.push((object_name, v(parts + 1), Native::new(|cv| once(object(cv)))));
        all.push((text_name, v(parts + 1), Native::new(|cv| once(text(cv)))));
    }
    for (arity, name) in ["__call0", "__call1", "__call2", "__call3", "__call4"].into_iter().enumerate() {
        all.push((name, v(arity + 1), Native::new(|cv| once(call_ours(cv)))));
    }
    all
}

fn gates_and_operators() -> Vec<Fun<Kind>> {
    vec![
        ("__tick", v(0), gate(Gate::Tick)),
        ("__wide", v(0), gate(Gate::Wide)),
        ("__weigh", v(0), gate(Gate::Weigh)),
        ("__weigh8", v(0), Native::new(|cv| once(run_of(&cv.0).weigh(&cv.1, 8).map(|()| cv.1)))),
        ("__deep", v(0), Native::new(|cv| once(run_of(&cv.0).weigh(&cv.1, 1).map(|()| cv.1)))),
        (
            "__caught",
            v(0),
            Native::new(|cv| once(run_of(&cv.0).account.caught().map(|()| cv.1).map_err(uncatchable))),
        ),
        ("__key", v(0), Native::new(|cv| once(key_gate(run_of(&cv.0), cv.1)))),
        ("__add", v(2), Native::new(|cv| once(add(cv)))),
        ("__sub", v(2), Native::new(|cv| once(subtract(cv)))),
        ("__mul", v(2), Native::new(|cv| once(multiply(cv)))),
        ("__div", v(2), Native::new(|cv| once(divide(cv)))),
        ("__rem", v(2), Native::new(|cv| once(remainder(cv)))),
        ("__lt", v(2), Native::new(|cv| once(compare(cv, |l, r| l < r)))),
        ("__le", v(2), Native::new(|cv| once(compare(cv, |l, r| l <= r)))),
        ("__gt", v(2), Native::new(|cv| once(compare(cv, |l, r| l > r)))),
        ("__ge", v(2), Native::new(|cv| once(compare(cv, |l, r| l >= r)))),
        ("__eq", v(2), Native::new(|cv| once(compare(cv, |l, r| l == r)))),
        ("__ne", v(2), Native::new(|cv| once(compare(cv, |l, r| l != r)))),
        (
            "__product",
            v(1),
            Native::new(|mut cv| {
                let other = cv.0.pop_var();
                once(pay_product(run_of(&cv.0), &cv.1, &other).map(|()| cv.1))
            }),
        ),
        (
            "__pattern",
            v(1),
            Native::new(|mut cv| {
                let pattern = cv.0.pop_var();
                once(pay_pattern(run_of(&cv.0), &cv.1, &pattern).map(|()| cv.1))
            }),
        ),
    ]
}

fn values_and_types() -> Vec<Fun<Kind>> {
    vec![
        ("range", v(3), Native::new(|cv| range(cv))),
        ("tostring", v(0), Native::new(|cv| once(to_string(run_of(&cv.0), cv.1)))),
        ("tojson", v(0), Native::new(|cv| once(to_json(run_of(&cv.0), &cv.1)))),
        ("fromjson", v(0), Native::new(|cv| once(from_json(run_of(&cv.0), &cv.1)))),
        (
            "type",
            v(0),
            Native::new(|cv| once(Ok(Val::utf8_str(Bytes::from_static(type_name(&cv.1).as_bytes()))))),
        ),
        ("isboolean", v(0), Native::new(|cv| once(Ok(Val::Bool(matches!(cv.1, Val::Bool(_))))))),
        ("isnumber", v(0), Native::new(|cv| once(Ok(Val::Bool(matches!(cv.1, Val::Num(_))))))),
        (
            "isstring",
            v(0),
            Native::new(|cv| once(Ok(Val::Bool(matches!(cv.1, Val::TStr(_) | Val::BStr(_)))))),
        ),
        ("isarray", v(0), Native::new(|cv| once(Ok(Val::Bool(matches!(cv.1, Val::Arr(_))))))),
        ("isobject", v(0), Native::new(|cv| once(Ok(Val::Bool(matches!(cv.1, Val::Obj(_))))))),
        (
            "contains",
            v(1),
            Native::new(|mut cv| {
                let other = cv.0.pop_var();
                let paid = pay_product(run_of(&cv.0), &cv.1, &other);
                once(paid.map(|()| Val::Bool(contains(&cv.1, &other))))
            }),
        ),
    ]
}
