//! Runs plans.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use jaq_core::ops::{Cmp, Math};
use lineshaft_model::Reason;
use lineshaft_model::json::Value;

use super::compile::holds;
use super::value::{Items, Members, Number, Text, V};
use super::{Constant, Global, Key, Kind, Node, Plan};
use crate::budget::{Account, GRAINS_PER_VALUE, MAX_TEXT, Stop};
use crate::environment::Vars;
use crate::functions::{Context, FUNCTIONS};

/// Why a plan ended before its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Only the interpreter knows what happens here.
    Bail,
    /// The budget is used up.
    Stop(Stop),
    /// A refusal that the mapping may catch.
    Fault(Box<Fault>),
    /// Whoever asked has seen enough.
    Enough,
}

/// A refusal with where it happened.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) line: Option<u32>,
}

type Sink<'s, 'e> = &'s mut dyn FnMut(V<'e>) -> Result<(), Halt>;
type Done = Result<(), Halt>;

/// One run of a plan.
pub(crate) struct Runner<'e> {
    input: &'e Value<'e>,
    vars: &'e Vars<'e>,
    context: Context<'e>,
    pub(super) account: &'e Account,
    slots: RefCell<Vec<V<'e>>>,
}

impl<'e> Runner<'e> {
    pub(crate) fn new(
        plan: &Plan,
        input: &'e Value<'e>,
        vars: &'e Vars<'e>,
        context: Context<'e>,
        account: &'e Account,
    ) -> Self {
        Self { input, vars, context, account, slots: RefCell::new(vec![V::Null; plan.slots]) }
    }

    /// Runs the plan and hands over each output.
    pub(crate) fn run(&self, plan: &'e Plan, sink: Sink<'_, 'e>) -> Done {
        self.each(&plan.root, &V::of(self.input), sink)
    }

    #[inline]
    pub(super) fn tick(&self) -> Done {
        self.account.tick().map_err(Halt::Stop)
    }

    #[inline]
    pub(super) fn pay(&self, grains: u64) -> Done {
        self.account.pay(grains).map_err(Halt::Stop)
    }

    pub(super) fn show(&self, value: &V<'e>, out: &mut Vec<u8>) -> Done {
        value.show(out, self.account).map_err(Halt::Stop)
    }

    /// Refuses text that has grown too long.
    pub(super) fn fits(&self, len: usize) -> Done {
        if len > MAX_TEXT { Err(Halt::Stop(self.account.stop(Stop::Size))) } else { Ok(()) }
    }

    /// A text from bytes that were written as UTF-8.
    pub(super) fn made(&self, bytes: Vec<u8>) -> Result<V<'e>, Halt> {
        String::from_utf8(bytes).map(V::text).map_err(|_| Halt::Bail)
    }

    /// The refusal that `error` raises.
    pub(super) fn raised(&self, value: &V<'e>) -> Halt {
        let field = |name: &str| match value.member(name) {
            Some(V::Text(text)) => Some(text.as_str().to_owned()),
            _ => None,
        };
        let reason = match (field("code"), field("message")) {
            (Some(code), Some(message)) if crate::convert::is_code(&code) => {
                Reason::new(code, message).hint(field("hint").unwrap_or_default())
            }
            // How other values look in a message is the interpreter's business.
            _ => return Halt::Bail,
        };
        Halt::Fault(Box::new(Fault { reason, line: None }))
    }

    /// The one output of a node that always has one.
    pub(super) fn one(&self, node: &'e Node, input: &V<'e>) -> Result<V<'e>, Halt> {
        match &node.kind {
            Kind::Identity => Ok(input.clone()),
            Kind::Constant(constant) => Ok(literal(constant)),
            Kind::Global(global) => self.global(*global),
            Kind::Slot(slot) => Ok(self.slots.borrow().get(*slot).cloned().unwrap_or(V::Null)),
            Kind::Fields(keys) => fields(input, keys),
            Kind::Field(head, key, _) => field(&self.one(head, input)?, key),
            Kind::Index(head, index, _) => {
                let head = self.one(head, input)?;
                self.index(&head, &self.one(index, input)?)
            }
            Kind::Slice(head, from, to) => self.slice(&self.one(head, input)?, *from, *to),
            Kind::Array(None) => V::array(Vec::new()).ok_or(Halt::Bail),
            Kind::Array(Some(items)) => self.collect(|sink| self.each(items, input, sink)),
            Kind::Object(members) => self.object(members, input),
            Kind::Pipe(left, right) => self.one(right, &self.one(left, input)?),
            Kind::Bind(value, slot, body) => {
                let value = self.one(value, input)?;
                self.set(*slot, value);
                self.one(body, input)
            }
            Kind::Alternative(left, right) => {
                let left = self.one(left, input)?;
                if left.truthy() { Ok(left) } else { self.one(right, input) }
            }
            Kind::And(left, right) => {
                Ok(V::Bool(self.one(left, input)?.truthy() && self.one(right, input)?.truthy()))
            }
            Kind::Or(left, right) => {
                Ok(V::Bool(self.one(left, input)?.truthy() || self.one(right, input)?.truthy()))
            }
            Kind::Compare(cmp, left, right) => {
                let (left, right) = (self.one(left, input)?, self.one(right, input)?);
                self.compare(*cmp, &left, &right).map(V::Bool)
            }
            Kind::Math(math, left, right) => {
                let (left, right) = (self.one(left, input)?, self.one(right, input)?);
                self.math(*math, left, right)
            }
            Kind::Text(parts) => self.text(parts, input),
            Kind::If(condition, then, other) => {
                let branch = if self.one(condition, input)?.truthy() { then } else { other };
                self.one(branch, input)
            }
            Kind::Reduce { items, slot, start, update } => {
                let mut state = self.one(start, input)?;
                self.each(items, input, &mut |item| {
                    self.tick()?;
                    self.set(*slot, item);
                    let before = std::mem::replace(&mut state, V::Null);
                    state = self.one(update, &before)?;
                    Ok(())
                })?;
                Ok(state)
            }
            Kind::Builtin(builtin, args) => self.builtin(*builtin, args, input),
            Kind::Ours { function, arguments, line } => self.ours(*function, arguments, *line, input),
            Kind::Iterate(..) | Kind::Comma(..) | Kind::Try(..) => Err(Halt::Bail),
        }
    }

    /// Hands over every output of a node.
    pub(super) fn each(&self, node: &'e Node, input: &V<'e>, sink: Sink<'_, 'e>) -> Done {
        if node.single {
            return sink(self.one(node, input)?);
        }
        match &node.kind {
            Kind::Field(head, key, optional) => self.each(head, input, &mut |head| match field(&head, key) {
                Ok(value) => sink(value),
                Err(Halt::Bail) if *optional => Ok(()),
                Err(halt) => Err(halt),
            }),
            Kind::Index(head, index, optional) => {
                let index = self.one(index, input)?;
                self.each(head, input, &mut |head| match self.index(&head, &index) {
                    Ok(value) => sink(value),
                    Err(Halt::Bail) if *optional && head.rank_is_scalar() => Ok(()),
                    Err(halt) => Err(halt),
                })
            }
            Kind::Iterate(head, optional) => self.each(head, input, &mut |head| {
                if head.array_len().is_none() && head.object_len().is_none() {
                    return if *optional { Ok(()) } else { Err(Halt::Bail) };
                }
                self.elements(&head, sink)
            }),
            Kind::Slice(head, from, to) => {
                self.each(head, input, &mut |head| sink(self.slice(&head, *from, *to)?))
            }
            Kind::Object(members) => self.objects(members, input, &[], sink),
            Kind::Pipe(left, right) => self.each(left, input, &mut |value| self.each(right, &value, sink)),
            Kind::Bind(value, slot, body) => self.each(value, input, &mut |value| {
                self.set(*slot, value);
                self.each(body, input, sink)
            }),
            Kind::Comma(left, right) => {
                self.tick()?;
                self.each(left, input, sink)?;
                self.each(right, input, sink)
            }
            Kind::Alternative(left, right) => {
                let mut any = false;
                self.each(left, input, &mut |value| {
                    if !value.truthy() {
                        return Ok(());
                    }
                    any = true;
                    sink(value)
                })?;
                if any { Ok(()) } else { self.each(right, input, sink) }
            }
            Kind::If(condition, then, other) => self.each(condition, input, &mut |truth| {
                self.each(if truth.truthy() { then } else { other }, input, sink)
            }),
            Kind::Try(body, catch) => self.attempt(body, catch.as_deref(), input, sink),
            Kind::Builtin(builtin, args) => self.several(*builtin, args, input, sink),
            _ => Err(Halt::Bail),
        }
    }

    /// Runs a body whose refusals are caught; what comes after it is not part of it.
    fn attempt(&self, body: &'e Node, catch: Option<&'e Node>, input: &V<'e>, sink: Sink<'_, 'e>) -> Done {
        let mut outputs = Vec::new();
        let result = self.each(body, input, &mut |value| {
            self.tick()?;
            outputs.push(value);
            Ok(())
        });
        // Gathered first, so that a refusal further on is not taken for one of the body.
        outputs.into_iter().try_for_each(&mut *sink)?;
        match (result, catch) {
            (Err(Halt::Fault(_)), None) => Ok(()),
            (Err(Halt::Fault(fault)), Some(catch)) => {
                let mut members = vec![
                    (Text::Borrowed("code"), V::text(fault.reason.code)),
                    (Text::Borrowed("message"), V::text(fault.reason.message)),
                ];
                if !fault.reason.hint.is_empty() {
                    members.push((Text::Borrowed("hint"), V::text(fault.reason.hint)));
                }
                self.each(catch, &V::object(members).ok_or(Halt::Bail)?, sink)
            }
            (result, _) => result,
        }
    }

    fn set(&self, slot: usize, value: V<'e>) {
        if let Some(place) = self.slots.borrow_mut().get_mut(slot) {
            *place = value;
        }
    }

    /// The elements of an array or the values of an object.
    pub(super) fn elements(&self, value: &V<'e>, sink: Sink<'_, 'e>) -> Done {
        match value {
            V::Tree(Value::Array(items)) => items.iter().try_for_each(|item| {
                self.tick()?;
                sink(V::of(item))
            }),
            V::Tree(Value::Object(members)) => members.iter().try_for_each(|(_, member)| {
                self.tick()?;
                sink(V::of(member))
            }),
            V::Array(array) => array.items.iter().try_for_each(|item| {
                self.tick()?;
                sink(item.clone())
            }),
            V::Object(object) => object.members.iter().try_for_each(|(_, member)| {
                self.tick()?;
                sink(member.clone())
            }),
            _ => Err(Halt::Bail),
        }
    }

    pub(super) fn collect(&self, stream: impl FnOnce(Sink<'_, 'e>) -> Done) -> Result<V<'e>, Halt> {
        let mut items = Vec::new();
        stream(&mut |value| {
            self.pay(GRAINS_PER_VALUE)?;
            items.push(value);
            Ok(())
        })?;
        V::array(items).ok_or(Halt::Bail)
    }

    fn global(&self, global: Global) -> Result<V<'e>, Halt> {
        let vars = self.vars;
        let word = |text: &'e str| if text.is_empty() { V::Null } else { V::Text(Text::Borrowed(text)) };
        let members = match global {
            Global::Now => return Ok(word(vars.now)),
            Global::Headers => {
                let mut members = Vec::with_capacity(vars.headers.len());
                for (name, value) in vars.headers {
                    // A header that is there twice counts as it was last.
                    self.insert(&mut members, Text::Borrowed(name), V::Text(Text::Borrowed(value)))?;
                }
                members
            }
            Global::Source => {
                let optional = |text: Option<&'e str>| text.map_or(V::Null, |t| V::Text(Text::Borrowed(t)));
                let line = vars.line.and_then(|line| i64::try_from(line).ok());
                vec![
                    (Text::Borrowed("system"), word(vars.system)),
                    (Text::Borrowed("source"), word(vars.source)),
                    (Text::Borrowed("tenant"), word(vars.tenant)),
                    (Text::Borrowed("site"), optional(vars.site)),
                    (Text::Borrowed("file"), optional(vars.file)),
                    (Text::Borrowed("line"), line.map_or(V::Null, V::whole)),
                ]
            }
        };
        V::object(members).ok_or(Halt::Bail)
    }

    fn index(&self, head: &V<'e>, index: &V<'e>) -> Result<V<'e>, Halt> {
        match (head, index) {
            (V::Null, V::Text(_) | V::Number(_) | V::Null | V::Bool(_)) => Ok(V::Null),
            (_, V::Text(key)) => field(head, key.as_str()),
            (_, V::Number(number)) if head.array_len().is_some() => {
                self.element_of(head, number.whole().ok_or(Halt::Bail)?)
            }
            _ => Err(Halt::Bail),
        }
    }

    /// The element at a place; counted from the end when negative, null when there is none.
    pub(super) fn element_of(&self, head: &V<'e>, index: i64) -> Result<V<'e>, Halt> {
        if matches!(head, V::Null) {
            return Ok(V::Null);
        }
        let len = head.array_len().ok_or(Halt::Bail)?;
        let place = match usize::try_from(index) {
            Ok(place) => Some(place),
            Err(_) => usize::try_from(index.unsigned_abs()).ok().and_then(|back| len.checked_sub(back)),
        };
        Ok(place.and_then(|place| head.element(place)).unwrap_or(V::Null))
    }

    fn slice(&self, head: &V<'e>, from: Option<i64>, to: Option<i64>) -> Result<V<'e>, Halt> {
        let clip = |bound: Option<i64>, len: usize, default: usize| {
            let Some(bound) = bound else { return default };
            match usize::try_from(bound) {
                Ok(place) => place.min(len),
                Err(_) => len.saturating_sub(usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX)),
            }
        };
        if let V::Text(text) = head {
            let text = text.as_str();
            if !text.is_ascii() {
                return Err(Halt::Bail);
            }
            self.pay(text.len() as u64)?;
            let (from, to) = (clip(from, text.len(), 0), clip(to, text.len(), text.len()));
            return Ok(V::text(text.get(from..to.max(from)).unwrap_or_default()));
        }
        let len = head.array_len().ok_or(Halt::Bail)?;
        let (from, to) = (clip(from, len, 0), clip(to, len, len));
        self.pay(GRAINS_PER_VALUE * to.saturating_sub(from) as u64)?;
        V::array((from..to).filter_map(|place| head.element(place)).collect()).ok_or(Halt::Bail)
    }

    fn object(&self, members: &'e [(Key, Node)], input: &V<'e>) -> Result<V<'e>, Halt> {
        self.tick()?;
        let mut made = Vec::with_capacity(members.len());
        let constant = members.iter().all(|(key, _)| matches!(key, Key::Constant(_)));
        for (key, value) in members {
            let key = self.key(key, input)?;
            let value = self.one(value, input)?;
            if constant {
                // The compiler has seen to it that no key is there twice.
                made.push((key, value));
            } else {
                self.insert(&mut made, key, value)?;
            }
        }
        V::object(made).ok_or(Halt::Bail)
    }

    fn key(&self, key: &'e Key, input: &V<'e>) -> Result<Text<'e>, Halt> {
        match key {
            Key::Constant(key) => Ok(Text::Borrowed(key)),
            Key::Computed(node) => match self.one(node, input)? {
                V::Text(text) => Ok(text),
                _ => Err(Halt::Bail),
            },
        }
    }

    /// Every combination of the members' values, the first member changing slowest.
    fn objects(
        &self,
        members: &'e [(Key, Node)],
        input: &V<'e>,
        so_far: &[(Text<'e>, V<'e>)],
        sink: Sink<'_, 'e>,
    ) -> Done {
        let Some(((key, value), rest)) = members.split_first() else {
            self.tick()?;
            return sink(V::object(so_far.to_vec()).ok_or(Halt::Bail)?);
        };
        let key = self.key(key, input)?;
        self.each(value, input, &mut |value| {
            let mut next = so_far.to_vec();
            self.insert(&mut next, key.clone(), value)?;
            self.objects(rest, input, &next, sink)
        })
    }

    fn compare(&self, cmp: Cmp, left: &V<'e>, right: &V<'e>) -> Result<bool, Halt> {
        let equality = match cmp {
            Cmp::Eq => Some(true),
            Cmp::Ne => Some(false),
            _ => None,
        };
        if let Some(wanted) = equality {
            let same = left.same(right, self.account).map_err(Halt::Stop)?;
            return same.map(|same| same == wanted).ok_or(Halt::Bail);
        }
        let order = left.order(right, self.account).map_err(Halt::Stop)?;
        order.map(|order| holds(cmp, order)).ok_or(Halt::Bail)
    }

    fn math(&self, math: Math, left: V<'e>, right: V<'e>) -> Result<V<'e>, Halt> {
        if math == Math::Add {
            return self.add(left, right);
        }
        let (V::Number(a), V::Number(b)) = (&left, &right) else { return Err(Halt::Bail) };
        let (Some(a), Some(b)) = (a.whole(), b.whole()) else { return Err(Halt::Bail) };
        let result = match math {
            Math::Sub => a.checked_sub(b),
            Math::Mul => a.checked_mul(b),
            _ => None,
        };
        result.map(V::whole).ok_or(Halt::Bail)
    }

    pub(super) fn add(&self, left: V<'e>, right: V<'e>) -> Result<V<'e>, Halt> {
        match (left, right) {
            (V::Null, value) | (value, V::Null) => Ok(value),
            (V::Number(a), V::Number(b)) => {
                let sum = a.whole().zip(b.whole()).and_then(|(a, b)| a.checked_add(b));
                sum.map(V::whole).ok_or(Halt::Bail)
            }
            (V::Text(a), V::Text(b)) => {
                let (a, b) = (a.as_str(), b.as_str());
                self.fits(a.len() + b.len())?;
                self.pay((a.len() + b.len()) as u64)?;
                Ok(V::text([a, b].concat()))
            }
            (left, right) if left.array_len().is_some() && right.array_len().is_some() => {
                let more = right.array_len().unwrap_or(0);
                let depth = left.depth().max(right.depth());
                let mut items = match left {
                    // Alone, it grows in place; shared, it is copied and paid for.
                    V::Array(array) => match Rc::try_unwrap(array) {
                        Ok(Items { items, .. }) => items,
                        Err(shared) => {
                            self.pay(GRAINS_PER_VALUE * shared.items.len() as u64)?;
                            shared.items.clone()
                        }
                    },
                    other => self.gathered(&other)?,
                };
                self.pay(GRAINS_PER_VALUE * more as u64)?;
                items.extend((0..more).filter_map(|place| right.element(place)));
                Ok(V::Array(Rc::new(Items { depth, items })))
            }
            (left, right) if left.object_len().is_some() && right.object_len().is_some() => {
                let mut members = match left {
                    V::Object(object) => match Rc::try_unwrap(object) {
                        Ok(Members { members, .. }) => members,
                        Err(shared) => {
                            self.pay(GRAINS_PER_VALUE * shared.members.len() as u64)?;
                            shared.members.clone()
                        }
                    },
                    other => {
                        let count = other.object_len().unwrap_or(0);
                        self.pay(GRAINS_PER_VALUE * count as u64)?;
                        (0..count).filter_map(|place| other.member_at(place)).collect()
                    }
                };
                for place in 0..right.object_len().unwrap_or(0) {
                    let (key, value) = right.member_at(place).ok_or(Halt::Bail)?;
                    self.insert(&mut members, key, value)?;
                }
                V::object(members).ok_or(Halt::Bail)
            }
            _ => Err(Halt::Bail),
        }
    }

    fn gathered(&self, array: &V<'e>) -> Result<Vec<V<'e>>, Halt> {
        let len = array.array_len().unwrap_or(0);
        self.pay(GRAINS_PER_VALUE * len as u64)?;
        Ok((0..len).filter_map(|place| array.element(place)).collect())
    }

    fn text(&self, parts: &'e [Node], input: &V<'e>) -> Result<V<'e>, Halt> {
        let mut out = Vec::with_capacity(32);
        for part in parts {
            let value = self.one(part, input)?;
            self.show(&value, &mut out)?;
        }
        self.fits(out.len())?;
        self.made(out)
    }

    fn ours(&self, function: usize, arguments: &'e [Node], line: u32, input: &V<'e>) -> Result<V<'e>, Halt> {
        self.tick()?;
        let function = FUNCTIONS.get(function).ok_or(Halt::Bail)?;
        let mut values: smallvec::SmallVec<[V<'e>; 4]> = smallvec::SmallVec::new();
        if function.uses_input {
            values.push(input.clone());
        }
        for argument in arguments {
            values.push(self.one(argument, input)?);
        }
        for value in &values {
            if let V::Tree(_) | V::Array(_) | V::Object(_) = value {
                self.weigh(value)?;
            }
        }
        let data: smallvec::SmallVec<[_; 4]> = values.iter().map(V::datum).collect();
        match (function.run)(&data, self.context) {
            Ok(datum) => V::from_datum(datum).ok_or(Halt::Bail),
            Err(reason) => {
                drop(data);
                let at = values.iter().find_map(|value| self.pointer_to(value)).unwrap_or_default();
                Err(Halt::Fault(Box::new(Fault { reason: reason.at(at), line: Some(line) })))
            }
        }
    }

    fn weigh(&self, value: &V<'e>) -> Done {
        self.pay(4 * GRAINS_PER_VALUE)?;
        match value {
            V::Text(text) => self.pay(text.as_str().len() as u64),
            V::Tree(Value::Array(_) | Value::Object(_)) | V::Array(_) | V::Object(_) => {
                let count = value.array_len().or_else(|| value.object_len()).unwrap_or(0);
                (0..count).try_for_each(|place| {
                    let part = value.element(place).or_else(|| value.member_at(place).map(|(_, v)| v));
                    part.map_or(Ok(()), |part| self.weigh(&part))
                })
            }
            _ => Ok(()),
        }
    }

    /// Where in the input a value came from, when it still is that very piece of it. The empty pointer says nothing.
    fn pointer_to(&self, value: &V<'e>) -> Option<String> {
        let address = match value {
            V::Text(Text::Borrowed(text)) | V::Number(Number::Written(text)) => text.as_ptr() as usize,
            V::Tree(tree) => std::ptr::from_ref::<Value<'_>>(tree) as usize,
            _ => return None,
        };
        let mut pointer = String::new();
        find_address(self.input, address, &mut pointer).then_some(pointer).filter(|p| !p.is_empty())
    }
}

impl V<'_> {
    /// Neither an array nor an object.
    fn rank_is_scalar(&self) -> bool {
        self.array_len().is_none() && self.object_len().is_none()
    }
}

fn literal<'e>(constant: &'e Constant) -> V<'e> {
    match constant {
        Constant::Null => V::Null,
        Constant::Bool(b) => V::Bool(*b),
        Constant::Whole(n) => V::whole(*n),
        Constant::Number(text) => V::Number(Number::Written(text)),
        Constant::Text(text) => V::Text(Text::Borrowed(text)),
    }
}

#[inline]
fn field<'e>(head: &V<'e>, key: &str) -> Result<V<'e>, Halt> {
    match head {
        V::Null => Ok(V::Null),
        V::Tree(Value::Object(_)) | V::Object(_) => Ok(head.member(key).unwrap_or(V::Null)),
        _ => Err(Halt::Bail),
    }
}

fn fields<'e>(input: &V<'e>, keys: &[Box<str>]) -> Result<V<'e>, Halt> {
    if let V::Tree(tree) = input {
        let mut tree: &'e Value<'e> = tree;
        for key in keys {
            match tree {
                Value::Object(members) => match members.iter().find(|(k, _)| *k == **key) {
                    Some((_, member)) => tree = member,
                    None => return Ok(V::Null),
                },
                Value::Null => return Ok(V::Null),
                _ => return Err(Halt::Bail),
            }
        }
        return Ok(V::of(tree));
    }
    keys.iter().try_fold(input.clone(), |value, key| field(&value, key))
}

fn find_address(value: &Value<'_>, address: usize, pointer: &mut String) -> bool {
    let here = match value {
        Value::String(text) | Value::Number(text) => match text {
            Cow::Borrowed(text) => text.as_ptr() as usize == address,
            Cow::Owned(text) => text.as_ptr() as usize == address,
        },
        _ => std::ptr::from_ref(value) as usize == address,
    };
    if here {
        return true;
    }
    let before = pointer.len();
    let mut inside = |token: &str, value: &Value<'_>| {
        lineshaft_model::json::push_token(pointer, token);
        let found = find_address(value, address, pointer);
        if !found {
            pointer.truncate(before);
        }
        found
    };
    match value {
        Value::Array(items) => items.iter().enumerate().any(|(index, item)| inside(&index.to_string(), item)),
        Value::Object(members) => members.iter().any(|(key, member)| inside(key, member)),
        _ => false,
    }
}
