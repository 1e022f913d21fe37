//! The common filters of jq that plans run themselves.

use std::cmp::Ordering;

use super::Node;
use super::eval::{Halt, Runner};
use super::value::{Number, Text, V};
use crate::budget::{GRAINS_PER_STEP, GRAINS_PER_VALUE};

/// A filter of jq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    Empty,
    Error,
    Not,
    Select,
    Map,
    Length,
    Keys,
    Has,
    ToEntries,
    FromEntries,
    WithEntries,
    Add,
    AddOf,
    Join,
    ToString,
    ToNumber,
    ToJson,
    Type,
    AsciiDowncase,
    AsciiUpcase,
    Split,
    StartsWith,
    EndsWith,
    TrimPrefix,
    TrimSuffix,
    Trim,
    First,
    Last,
    FirstOf,
    Any,
    All,
    AnyOf,
    AllOf,
    Values,
    IsEmpty,
    Reverse,
    Sort,
    SortBy,
    GroupBy,
    Unique,
    UniqueBy,
    Range,
    RangeFrom,
}

/// Name, number of arguments, whether they must be single values, whether there is exactly one output.
const TABLE: &[(&str, usize, Builtin, bool, bool)] = &[
    ("empty", 0, Builtin::Empty, false, false),
    ("error", 0, Builtin::Error, false, false),
    ("error", 1, Builtin::Error, true, false),
    ("not", 0, Builtin::Not, false, true),
    ("select", 1, Builtin::Select, false, false),
    ("map", 1, Builtin::Map, false, true),
    ("length", 0, Builtin::Length, false, true),
    ("keys", 0, Builtin::Keys, false, true),
    ("has", 1, Builtin::Has, true, true),
    ("to_entries", 0, Builtin::ToEntries, false, true),
    ("from_entries", 0, Builtin::FromEntries, false, true),
    ("with_entries", 1, Builtin::WithEntries, false, true),
    ("add", 0, Builtin::Add, false, true),
    ("add", 1, Builtin::AddOf, false, true),
    ("join", 1, Builtin::Join, true, true),
    ("tostring", 0, Builtin::ToString, false, true),
    ("tonumber", 0, Builtin::ToNumber, false, true),
    ("tojson", 0, Builtin::ToJson, false, true),
    ("type", 0, Builtin::Type, false, true),
    ("ascii_downcase", 0, Builtin::AsciiDowncase, false, true),
    ("ascii_upcase", 0, Builtin::AsciiUpcase, false, true),
    ("split", 1, Builtin::Split, true, true),
    ("startswith", 1, Builtin::StartsWith, true, true),
    ("endswith", 1, Builtin::EndsWith, true, true),
    ("ltrimstr", 1, Builtin::TrimPrefix, true, true),
    ("rtrimstr", 1, Builtin::TrimSuffix, true, true),
    ("trim", 0, Builtin::Trim, false, true),
    ("first", 0, Builtin::First, false, true),
    ("last", 0, Builtin::Last, false, true),
    ("first", 1, Builtin::FirstOf, false, false),
    ("any", 0, Builtin::Any, false, true),
    ("all", 0, Builtin::All, false, true),
    ("any", 1, Builtin::AnyOf, false, true),
    ("all", 1, Builtin::AllOf, false, true),
    ("values", 0, Builtin::Values, false, false),
    ("isempty", 1, Builtin::IsEmpty, false, true),
    ("reverse", 0, Builtin::Reverse, false, true),
    ("sort", 0, Builtin::Sort, false, true),
    ("sort_by", 1, Builtin::SortBy, true, true),
    ("group_by", 1, Builtin::GroupBy, true, true),
    ("unique", 0, Builtin::Unique, false, true),
    ("unique_by", 1, Builtin::UniqueBy, true, true),
    ("range", 1, Builtin::Range, true, false),
    ("range", 2, Builtin::RangeFrom, true, false),
];

impl Builtin {
    /// The filter, whether its arguments must be single values, and whether it is single itself.
    pub(super) fn find(name: &str, arity: usize) -> Option<(Self, bool, bool)> {
        let row = TABLE.iter().find(|(known, count, ..)| *known == name && *count == arity)?;
        Some((row.2, row.3, row.4))
    }
}

/// Ends an inner run early; caught by whoever began it.
fn enough<'e>(result: Result<(), Halt>, found: &V<'e>) -> Result<bool, Halt> {
    let _ = found;
    match result {
        Ok(()) => Ok(false),
        Err(Halt::Enough) => Ok(true),
        Err(other) => Err(other),
    }
}

fn text_of<'v>(value: &'v V<'_>) -> Result<&'v str, Halt> {
    match value {
        V::Text(text) => Ok(text.as_str()),
        _ => Err(Halt::Bail),
    }
}

/// The part of a text that is left, borrowed when the whole was.
fn part_of<'e>(whole: &V<'e>, part: impl Fn(&str) -> &str) -> Result<V<'e>, Halt> {
    match whole {
        V::Text(Text::Borrowed(text)) => {
            let text: &'e str = text;
            let kept = part(text);
            let start = kept.as_ptr() as usize - text.as_ptr() as usize;
            Ok(V::Text(Text::Borrowed(&text[start..start + kept.len()])))
        }
        V::Text(Text::Made(text)) => Ok(V::text(part(text))),
        _ => Err(Halt::Bail),
    }
}

impl<'e> Runner<'e> {
    /// Filters with any number of outputs.
    pub(super) fn several(
        &self,
        builtin: Builtin,
        args: &'e [Node],
        input: &V<'e>,
        sink: &mut dyn FnMut(V<'e>) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        match (builtin, args) {
            (Builtin::Empty, _) => Ok(()),
            (Builtin::Error, []) => Err(self.raised(input)),
            (Builtin::Error, [value]) => Err(self.raised(&self.one(value, input)?)),
            (Builtin::Select, [condition]) => {
                self.each(condition, input, &mut |v| if v.truthy() { sink(input.clone()) } else { Ok(()) })
            }
            (Builtin::Values, _) => {
                if matches!(input, V::Null) {
                    Ok(())
                } else {
                    sink(input.clone())
                }
            }
            (Builtin::FirstOf, [stream]) => {
                let mut found = None;
                let result = self.each(stream, input, &mut |v| {
                    found = Some(v);
                    Err(Halt::Enough)
                });
                enough(result, input)?;
                found.map_or(Ok(()), sink)
            }
            (Builtin::Range | Builtin::RangeFrom, bounds) => {
                let whole = |node| match self.one(node, input)? {
                    V::Number(number) => number.whole().ok_or(Halt::Bail),
                    _ => Err(Halt::Bail),
                };
                let (from, to) = match bounds {
                    [to] => (0, whole(to)?),
                    [from, to] => (whole(from)?, whole(to)?),
                    _ => return Err(Halt::Bail),
                };
                (from..to).try_for_each(|n| {
                    self.tick()?;
                    sink(V::whole(n))
                })
            }
            (single, args) => sink(self.builtin(single, args, input)?),
        }
    }

    /// Filters with exactly one output.
    pub(super) fn builtin(&self, builtin: Builtin, args: &'e [Node], input: &V<'e>) -> Result<V<'e>, Halt> {
        self.tick()?;
        match builtin {
            Builtin::Not => Ok(V::Bool(!input.truthy())),
            Builtin::Type => Ok(V::Text(Text::Borrowed(input.type_name()))),
            Builtin::Length => self.length(input),
            Builtin::Keys => self.keys(input),
            Builtin::Has => self.has(input, &self.argument(args, 0, input)?),
            Builtin::Map => {
                self.collect(|sink| self.elements(input, &mut |v| self.each(self.arg(args, 0)?, &v, sink)))
            }
            Builtin::ToEntries => self.to_entries(input),
            Builtin::FromEntries => self.entries_to_object(input),
            Builtin::WithEntries => {
                let entries = self.to_entries(input)?;
                let changed = self.collect(|sink| {
                    self.elements(&entries, &mut |v| self.each(self.arg(args, 0)?, &v, sink))
                })?;
                self.entries_to_object(&changed)
            }
            Builtin::Add => self.sum(|sink| self.elements(input, sink)),
            Builtin::AddOf => self.sum(|sink| self.each(self.arg(args, 0)?, input, sink)),
            Builtin::Join => self.join(input, &self.argument(args, 0, input)?),
            Builtin::ToString => match input {
                V::Text(_) => Ok(input.clone()),
                other => self.written(other),
            },
            Builtin::ToJson => self.written(input),
            Builtin::ToNumber => to_number(input),
            Builtin::First => self.element_of(input, 0),
            Builtin::Last => self.element_of(input, -1),
            Builtin::Any => self.found(|sink| self.elements(input, &mut |v| sink(v.truthy()))),
            Builtin::All => self.found(|sink| self.elements(input, &mut |v| sink(!v.truthy()))).map(negated),
            Builtin::AnyOf => self.found(|sink| {
                self.elements(input, &mut |v| self.each(self.arg(args, 0)?, &v, &mut |c| sink(c.truthy())))
            }),
            Builtin::AllOf => self
                .found(|sink| {
                    self.elements(input, &mut |v| {
                        self.each(self.arg(args, 0)?, &v, &mut |c| sink(!c.truthy()))
                    })
                })
                .map(negated),
            Builtin::IsEmpty => {
                self.found(|sink| self.each(self.arg(args, 0)?, input, &mut |_| sink(true))).map(negated)
            }
            Builtin::Reverse
            | Builtin::Sort
            | Builtin::SortBy
            | Builtin::GroupBy
            | Builtin::Unique
            | Builtin::UniqueBy => self.arranged(builtin, args.first(), input),
            _ => self.text_filter(builtin, args, input),
        }
    }

    fn text_filter(&self, builtin: Builtin, args: &'e [Node], input: &V<'e>) -> Result<V<'e>, Halt> {
        let text = text_of(input)?;
        self.pay(text.len() as u64)?;
        let other = args.first().map(|arg| self.one(arg, input)).transpose()?;
        let other_text = || other.as_ref().map_or(Err(Halt::Bail), text_of);
        match builtin {
            Builtin::AsciiDowncase => Ok(V::text(text.to_ascii_lowercase())),
            Builtin::AsciiUpcase => Ok(V::text(text.to_ascii_uppercase())),
            Builtin::Trim => part_of(input, str::trim),
            Builtin::StartsWith => Ok(V::Bool(text.starts_with(other_text()?))),
            Builtin::EndsWith => Ok(V::Bool(text.ends_with(other_text()?))),
            Builtin::TrimPrefix => {
                let prefix = other_text()?;
                part_of(input, |t| t.strip_prefix(prefix).unwrap_or(t))
            }
            Builtin::TrimSuffix => {
                let suffix = other_text()?;
                part_of(input, |t| t.strip_suffix(suffix).unwrap_or(t))
            }
            Builtin::Split => {
                let separator = other_text()?;
                if separator.is_empty() {
                    return Err(Halt::Bail);
                }
                if text.is_empty() {
                    return V::array(Vec::new()).ok_or(Halt::Bail);
                }
                self.pay(4 * text.len() as u64)?;
                V::array(text.split(separator).map(V::text).collect()).ok_or(Halt::Bail)
            }
            _ => Err(Halt::Bail),
        }
    }

    fn arg(&self, args: &'e [Node], index: usize) -> Result<&'e Node, Halt> {
        args.get(index).ok_or(Halt::Bail)
    }

    fn argument(&self, args: &'e [Node], index: usize, input: &V<'e>) -> Result<V<'e>, Halt> {
        self.one(self.arg(args, index)?, input)
    }

    /// Whether a stream of truths has a true one; the rest is not looked at.
    fn found(
        &self,
        stream: impl FnOnce(&mut dyn FnMut(bool) -> Result<(), Halt>) -> Result<(), Halt>,
    ) -> Result<V<'e>, Halt> {
        let result = stream(&mut |truth| if truth { Err(Halt::Enough) } else { Ok(()) });
        enough(result, &V::Null).map(V::Bool)
    }

    fn length(&self, input: &V<'e>) -> Result<V<'e>, Halt> {
        let length = match input {
            V::Null => 0,
            V::Text(text) => {
                self.pay(text.as_str().len() as u64)?;
                text.as_str().chars().count()
            }
            other => other.array_len().or_else(|| other.object_len()).ok_or(Halt::Bail)?,
        };
        i64::try_from(length).map(V::whole).map_err(|_| Halt::Bail)
    }

    fn keys(&self, input: &V<'e>) -> Result<V<'e>, Halt> {
        let count = input.object_len().ok_or(Halt::Bail)?;
        self.pay(4 * GRAINS_PER_VALUE * count as u64)?;
        let mut keys: Vec<Text<'e>> = (0..count).filter_map(|i| input.member_at(i)).map(|(k, _)| k).collect();
        keys.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        V::array(keys.into_iter().map(V::Text).collect()).ok_or(Halt::Bail)
    }

    fn has(&self, input: &V<'e>, key: &V<'e>) -> Result<V<'e>, Halt> {
        match (key, input.array_len()) {
            (V::Text(key), None) if input.object_len().is_some() => {
                Ok(V::Bool(input.member(key.as_str()).is_some()))
            }
            (V::Number(index), Some(len)) => match index.whole().and_then(|i| usize::try_from(i).ok()) {
                Some(index) => Ok(V::Bool(index < len)),
                None => Err(Halt::Bail),
            },
            _ => Err(Halt::Bail),
        }
    }

    fn to_entries(&self, input: &V<'e>) -> Result<V<'e>, Halt> {
        let count = input.object_len().ok_or(Halt::Bail)?;
        let mut entries = Vec::with_capacity(count);
        for index in 0..count {
            self.tick()?;
            let (key, value) = input.member_at(index).ok_or(Halt::Bail)?;
            let members = vec![(Text::Borrowed("key"), V::Text(key)), (Text::Borrowed("value"), value)];
            entries.push(V::object(members).ok_or(Halt::Bail)?);
        }
        V::array(entries).ok_or(Halt::Bail)
    }

    fn entries_to_object(&self, input: &V<'e>) -> Result<V<'e>, Halt> {
        let mut members: Vec<(Text<'e>, V<'e>)> = Vec::new();
        self.elements(input, &mut |entry| {
            self.tick()?;
            if entry.object_len().is_none() {
                return Err(Halt::Bail);
            }
            let Some(V::Text(key)) = entry.member("key") else { return Err(Halt::Bail) };
            self.insert(&mut members, key, entry.member("value").unwrap_or(V::Null))
        })?;
        V::object(members).ok_or(Halt::Bail)
    }

    /// Sets a member; one that is there keeps its place.
    pub(super) fn insert(
        &self,
        members: &mut Vec<(Text<'e>, V<'e>)>,
        key: Text<'e>,
        value: V<'e>,
    ) -> Result<(), Halt> {
        self.pay(members.len() as u64)?;
        match members.iter_mut().find(|(k, _)| k.as_str() == key.as_str()) {
            Some((_, old)) => *old = value,
            None => members.push((key, value)),
        }
        Ok(())
    }

    fn sum(
        &self,
        stream: impl FnOnce(&mut dyn FnMut(V<'e>) -> Result<(), Halt>) -> Result<(), Halt>,
    ) -> Result<V<'e>, Halt> {
        let mut total = V::Null;
        stream(&mut |value| {
            let so_far = std::mem::replace(&mut total, V::Null);
            total = self.add(so_far, value)?;
            Ok(())
        })?;
        Ok(total)
    }

    fn join(&self, input: &V<'e>, separator: &V<'e>) -> Result<V<'e>, Halt> {
        let separator = text_of(separator)?;
        let mut out = Vec::new();
        let mut first = true;
        let mut last_empty = false;
        if input.array_len().is_none() {
            return Err(Halt::Bail);
        }
        self.elements(input, &mut |item| {
            if !std::mem::take(&mut first) {
                out.extend_from_slice(separator.as_bytes());
            }
            let before = out.len();
            self.show(&item, &mut out)?;
            last_empty = before == out.len();
            self.fits(out.len())
        })?;
        let _ = last_empty;
        self.made(out)
    }

    fn arranged(&self, builtin: Builtin, by: Option<&'e Node>, input: &V<'e>) -> Result<V<'e>, Halt> {
        if input.array_len().is_none() {
            return Err(Halt::Bail);
        }
        let mut keyed: Vec<(V<'e>, V<'e>)> = Vec::new();
        self.elements(input, &mut |item| {
            self.tick()?;
            let key = by.map_or(Ok(V::Null), |by| self.one(by, &item))?;
            keyed.push((key, item));
            Ok(())
        })?;
        if builtin == Builtin::Reverse {
            return V::array(keyed.into_iter().rev().map(|(_, item)| item).collect()).ok_or(Halt::Bail);
        }
        if by.is_none() {
            keyed.iter_mut().for_each(|(key, item)| key.clone_from(item));
        }
        self.sort(&mut keyed)?;
        if matches!(builtin, Builtin::Sort | Builtin::SortBy) {
            return V::array(keyed.into_iter().map(|(_, item)| item).collect()).ok_or(Halt::Bail);
        }
        let mut groups: Vec<(V<'e>, Vec<V<'e>>)> = Vec::new();
        for (key, item) in keyed {
            match groups.last_mut() {
                Some((other, items)) if self.order(other, &key)?.is_eq() => items.push(item),
                _ => groups.push((key, vec![item])),
            }
        }
        let groups = groups.into_iter().map(|(_, items)| match builtin {
            Builtin::GroupBy => V::array(items).ok_or(Halt::Bail),
            _ => items.into_iter().next().ok_or(Halt::Bail),
        });
        V::array(groups.collect::<Result<_, _>>()?).ok_or(Halt::Bail)
    }

    fn order(&self, a: &V<'e>, b: &V<'e>) -> Result<Ordering, Halt> {
        a.order(b, self.account).map_err(Halt::Stop)?.ok_or(Halt::Bail)
    }

    fn sort(&self, keyed: &mut [(V<'e>, V<'e>)]) -> Result<(), Halt> {
        let mut problem = None;
        keyed.sort_by(|(a, _), (b, _)| {
            self.order(a, b).unwrap_or_else(|halt| {
                problem.get_or_insert(halt);
                Ordering::Equal
            })
        });
        problem.map_or(Ok(()), Err)
    }

    fn written(&self, value: &V<'e>) -> Result<V<'e>, Halt> {
        let mut out = Vec::new();
        value.write(&mut out, self.account).map_err(Halt::Stop)?;
        self.fits(out.len())?;
        self.made(out)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map")]
fn negated(value: V<'_>) -> V<'_> {
    V::Bool(!value.truthy())
}

fn to_number<'e>(input: &V<'e>) -> Result<V<'e>, Halt> {
    match input {
        V::Number(_) => Ok(input.clone()),
        V::Text(Text::Borrowed(text)) => {
            let text: &'e str = text.trim_matches([' ', '\t', '\n', '\r']);
            let long = text.len() > 200;
            if long || !crate::convert::is_json_number(text) {
                Err(Halt::Bail)
            } else {
                Ok(V::Number(Number::Written(text)))
            }
        }
        V::Text(text) => {
            let text = text.as_str();
            let plain = crate::convert::is_json_number(text) && text != "-0";
            text.parse().ok().filter(|_| plain).map(V::whole).ok_or(Halt::Bail)
        }
        _ => Err(Halt::Bail),
    }
}

/// Kept small: what one step of a plan costs is one tick.
const _: () = assert!(GRAINS_PER_STEP > GRAINS_PER_VALUE);
