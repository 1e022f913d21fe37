//! Rewrites syntax trees so that every run pays as it goes.

use std::sync::LazyLock;

use bytes::Bytes;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::{Part, Path};

/// The most parts that one fused construction takes; longer ones are nested.
pub(super) const MAX_PARTS: usize = 64;
/// The most object constructions a program and the standard definitions may have together.
pub(super) const MAX_SHAPES: usize = 4096;

static OBJECT_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| names("__object"));
static TEXT_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| names("__text"));
static NUMBERS: LazyLock<Vec<String>> = LazyLock::new(|| (0..MAX_SHAPES).map(|n| n.to_string()).collect());

fn names(prefix: &str) -> Vec<String> {
    (0..=MAX_PARTS).map(|n| format!("{prefix}{n}")).collect()
}

/// The names of the natives that build an object from `n` values or a string from `n` parts.
pub(super) fn fused_names() -> impl Iterator<Item = (&'static str, &'static str, usize)> {
    (1..=MAX_PARTS).map(|n| (OBJECT_NAMES[n].as_str(), TEXT_NAMES[n].as_str(), n))
}

/// The state of one rewriting.
pub(super) struct Rewrite {
    /// The standard definitions are ours: they need to pay only where they loop.
    pub(super) trusted: bool,
    pub(super) shapes: Vec<Vec<Bytes>>,
}

type T<'s> = Term<&'s str>;

fn call<'s>(name: &'s str, args: Vec<T<'s>>) -> T<'s> {
    Term::Call(name, args)
}

fn pipe<'s>(left: T<'s>, right: T<'s>) -> T<'s> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}

fn ticked(term: T<'_>) -> T<'_> {
    pipe(call("__tick", Vec::new()), term)
}

/// The text of a string without interpolation.
fn constant_text(term: &T<'_>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(s) => text.push_str(s),
            StrPart::Char(c) => text.push(*c),
            StrPart::Term(_) => return None,
        }
    }
    Some(text)
}

/// Words that always mean a scalar; definitions of the same name are refused in programs.
pub(super) const SCALAR_WORDS: &[&str] = &["true", "false", "null", "nan", "infinite"];

/// A value whose size is known and small, so that comparing with it costs nothing worth counting.
fn is_small(term: &T<'_>) -> bool {
    match term {
        Term::Num(_) | Term::Arr(None) => true,
        Term::Obj(entries) => entries.is_empty(),
        Term::Call(name, args) => args.is_empty() && SCALAR_WORDS.contains(name),
        Term::Neg(inner) => is_small(inner),
        other => constant_text(other).is_some(),
    }
}

/// An argument that cannot loop, so that evaluating it needs no tick.
fn is_plain(term: &T<'_>) -> bool {
    match term {
        Term::Id | Term::Var(_) => true,
        Term::Path(head, path) => {
            is_plain(head) && path.0.iter().all(|(part, _)| matches!(part, Part::Index(i) if is_small(i)))
        }
        other => is_small(other),
    }
}

/// Whether a definition of this name and arity is called anywhere in a term.
fn calls(term: &T<'_>, name: &str, arity: usize) -> bool {
    let within = |t: &T<'_>| calls(t, name, arity);
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => false,
        Term::Str(_, parts) => parts.iter().any(|p| matches!(p, StrPart::Term(t) if within(t))),
        Term::Arr(Some(t)) | Term::Neg(t) | Term::Label(_, t) => within(t),
        Term::Obj(entries) => entries.iter().any(|(k, v)| within(k) || v.as_ref().is_some_and(within)),
        Term::BinOp(l, _, r) => within(l) || within(r),
        Term::Fold(_, xs, _, args) => within(xs) || args.iter().any(within),
        Term::TryCatch(t, c) => within(t) || c.as_deref().is_some_and(within),
        Term::IfThenElse(cases, other) => {
            cases.iter().any(|(i, t)| within(i) || within(t)) || other.as_deref().is_some_and(within)
        }
        Term::Def(defs, t) => defs.iter().any(|d| within(&d.body)) || within(t),
        Term::Call(called, args) => (*called == name && args.len() == arity) || args.iter().any(within),
        Term::Path(t, path) => within(t) || path.0.iter().any(|(part, _)| part_terms(part).any(within)),
    }
}

fn part_terms<'t, 's>(part: &'t Part<T<'s>>) -> impl Iterator<Item = &'t T<'s>> {
    let (a, b) = match part {
        Part::Index(i) => (Some(i), None),
        Part::Range(from, to) => (from.as_ref(), to.as_ref()),
    };
    a.into_iter().chain(b)
}

impl Rewrite {
    pub(super) fn def<'s>(&mut self, def: Def<&'s str>) -> Def<&'s str> {
        let recursive = calls(&def.body, def.name, def.args.len());
        // A closure holds the variables around it. Calling oneself with one in tail position would chain them without
        // end and without using the stack, so such a definition is kept from being a tail call.
        let chains = recursive && def.args.iter().any(|arg| !arg.starts_with('$'));
        let Def { name, args, body } = def;
        let mut body = self.term(body);
        if chains {
            body = pipe(body, call("__tick", Vec::new()));
        }
        if recursive || !self.trusted {
            body = ticked(body);
        }
        Def { name, args, body }
    }

    fn boxed<'s>(&mut self, term: T<'s>) -> Box<T<'s>> {
        Box::new(self.term(term))
    }

    fn branch<'s>(&mut self, term: T<'s>) -> T<'s> {
        if self.trusted || is_plain(&term) { self.term(term) } else { ticked(self.term(term)) }
    }

    pub(super) fn term<'s>(&mut self, term: T<'s>) -> T<'s> {
        match term {
            Term::Id | Term::Num(_) | Term::Break(_) | Term::Var(_) | Term::Arr(None) => term,
            Term::Recurse => {
                pipe(pipe(call("__wide", Vec::new()), Term::Recurse), call("__tick", Vec::new()))
            }
            Term::Str(format, parts) => self.text(format, parts),
            Term::Arr(Some(inner)) => {
                let inner = self.boxed(*inner);
                pipe(Term::Arr(Some(inner)), call("__deep", Vec::new()))
            }
            Term::Obj(entries) => self.object(entries),
            Term::Neg(inner) => Term::Neg(self.boxed(*inner)),
            Term::BinOp(left, op, right) => self.operation(*left, op, *right),
            Term::Label(name, inner) => Term::Label(name, self.boxed(*inner)),
            Term::Fold(name, xs, pattern, args) => {
                let xs = self.boxed(*xs);
                let pattern = self.pattern(pattern);
                let args = args.into_iter().enumerate();
                // The first is the start value; what runs again and again pays.
                let args =
                    args.map(|(i, a)| if i == 0 { self.term(a) } else { ticked(self.term(a)) }).collect();
                Term::Fold(name, xs, pattern, args)
            }
            Term::TryCatch(inner, catch) => {
                let inner = self.boxed(*inner);
                let catch = catch.map_or_else(|| call("!empty", Vec::new()), |c| self.term(*c));
                Term::TryCatch(inner, Some(Box::new(pipe(call("__caught", Vec::new()), catch))))
            }
            Term::IfThenElse(cases, other) => {
                let cases = cases.into_iter().map(|(i, t)| (self.term(i), self.term(t))).collect();
                Term::IfThenElse(cases, other.map(|o| self.boxed(*o)))
            }
            Term::Def(defs, inner) => {
                let defs = defs.into_iter().map(|d| self.def(d)).collect();
                Term::Def(defs, self.boxed(*inner))
            }
            Term::Call(name, args) => Term::Call(name, args.into_iter().map(|a| self.branch(a)).collect()),
            Term::Path(head, path) => self.path(*head, path),
        }
    }

    fn pattern<'s>(&mut self, pattern: Pattern<&'s str>) -> Pattern<&'s str> {
        match pattern {
            Pattern::Var(_) => pattern,
            Pattern::Arr(items) => Pattern::Arr(items.into_iter().map(|p| self.pattern(p)).collect()),
            Pattern::Obj(items) => {
                Pattern::Obj(items.into_iter().map(|(k, p)| (self.key(k), self.pattern(p))).collect())
            }
        }
    }

    /// A computed key pays for its size, because hashing and searching look at all of it.
    fn key<'s>(&mut self, key: T<'s>) -> T<'s> {
        if is_small(&key) { key } else { pipe(self.term(key), call("__key", Vec::new())) }
    }

    fn operation<'s>(&mut self, left: T<'s>, op: BinaryOp<&'s str>, right: T<'s>) -> T<'s> {
        let deep = |term| pipe(term, call("__deep", Vec::new()));
        let keep = |left, op, right| Term::BinOp(Box::new(left), op, Box::new(right));
        match op {
            BinaryOp::Pipe(pattern) => {
                let pattern = pattern.map(|p| self.pattern(p));
                keep(self.term(left), BinaryOp::Pipe(pattern), self.term(right))
            }
            BinaryOp::Comma => keep(self.branch(left), BinaryOp::Comma, self.branch(right)),
            BinaryOp::Alt | BinaryOp::Or | BinaryOp::And => keep(self.term(left), op, self.term(right)),
            BinaryOp::Math(math) => self.math(left, math, right),
            BinaryOp::Cmp(cmp) => {
                if is_small(&left) || is_small(&right) {
                    return keep(self.term(left), op, self.term(right));
                }
                call(compare_name(cmp), vec![self.term(left), self.term(right)])
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateAlt => {
                deep(keep(self.term(left), op, self.term(right)))
            }
            BinaryOp::UpdateMath(math) => {
                // `l += r` is `r as $x | l |= . + $x`; the name cannot stand in a program.
                let bind = BinaryOp::Pipe(Some(Pattern::Var("$__operand")));
                let update = self.math_of_terms(Term::Id, math, Term::Var("$__operand"));
                let body = keep(self.term(left), BinaryOp::Update, update);
                deep(keep(self.term(right), bind, body))
            }
        }
    }

    fn math<'s>(&mut self, left: T<'s>, math: Math, right: T<'s>) -> T<'s> {
        let number = |t: &T<'_>| matches!(t, Term::Num(_));
        let (left_number, right_number) = (number(&left), number(&right));
        let (left, right) = (self.term(left), self.term(right));
        // Adding, taking away or dividing by a number cannot grow anything; multiplying repeats strings.
        if math != Math::Mul && (left_number || right_number) {
            return Term::BinOp(Box::new(left), BinaryOp::Math(math), Box::new(right));
        }
        self.math_of_terms(left, math, right)
    }

    fn math_of_terms<'s>(&mut self, left: T<'s>, math: Math, right: T<'s>) -> T<'s> {
        let name = match math {
            Math::Add => "__add",
            Math::Sub => "__sub",
            Math::Mul => "__mul",
            Math::Div => "__div",
            Math::Rem => "__rem",
        };
        call(name, vec![left, right])
    }

    fn text<'s>(&mut self, format: Option<&'s str>, parts: Vec<StrPart<&'s str, T<'s>>>) -> T<'s> {
        if !parts.iter().any(|p| matches!(p, StrPart::Term(_))) {
            return Term::Str(format, parts);
        }
        let mut terms = Vec::with_capacity(parts.len());
        for part in parts {
            terms.push(match part {
                StrPart::Term(term) => {
                    let term = self.term(term);
                    match format {
                        Some(format) => pipe(term, call(format, Vec::new())),
                        None => term,
                    }
                }
                literal => Term::Str(None, vec![literal]),
            });
        }
        while terms.len() > MAX_PARTS {
            let tail = terms.split_off(terms.len() - MAX_PARTS);
            terms.push(fused_text(tail));
        }
        fused_text(terms)
    }

    fn object<'s>(&mut self, entries: Vec<(T<'s>, Option<T<'s>>)>) -> T<'s> {
        if entries.is_empty() {
            return Term::Obj(entries);
        }
        let keys: Option<Vec<Bytes>> =
            entries.iter().map(|(key, value)| constant_key(key, value.is_none())).collect();
        match keys {
            Some(keys) if keys.len() < MAX_PARTS && self.shapes.len() < MAX_SHAPES => {
                let number = NUMBERS[self.shapes.len()].as_str();
                let name: &'static str = &OBJECT_NAMES[keys.len()];
                self.shapes.push(keys);
                let mut args = Vec::with_capacity(entries.len() + 1);
                for (key, value) in entries {
                    let value = value.unwrap_or_else(|| implied_value(key));
                    args.push(self.term(value));
                }
                args.push(Term::Num(number));
                call(name, args)
            }
            _ => self.object_of_parts(entries),
        }
    }

    fn object_of_parts<'s>(&mut self, entries: Vec<(T<'s>, Option<T<'s>>)>) -> T<'s> {
        let mut parts = entries.into_iter().rev().map(|(key, value)| {
            let value = value.map(|v| self.term(v));
            let key = match key {
                Term::Var(_) => key,
                key => self.key(key),
            };
            Term::Obj(vec![(key, value)])
        });
        let last = parts.next().unwrap_or(Term::Id);
        let whole = parts.fold(last, |rest, part| call("__add", vec![part, rest]));
        pipe(whole, call("__deep", Vec::new()))
    }

    /// Ends the path after each `[]` with a tick, and pays for the width of what `[]` and slices copy.
    fn path<'s>(&mut self, head: T<'s>, path: Path<T<'s>>) -> T<'s> {
        let mut term = self.term(head);
        let computed = |part: &Part<T<'s>>| part_terms(part).any(|t| !is_small(t));
        // With computed indices, cutting the path would change the order of results: pay for the whole instead.
        let whole = path.0.iter().skip(1).any(|(part, _)| computed(part))
            && path.0.iter().filter(|(part, _)| matches!(part, Part::Range(..))).count() > 0;
        if whole {
            let parts = path.0.into_iter().map(|(part, opt)| (self.part(part), opt)).collect();
            term = pipe(term, call("__weigh", Vec::new()));
            return pipe(Term::Path(Box::new(term), Path(parts)), call("__tick", Vec::new()));
        }
        let mut run = Vec::new();
        for (part, opt) in path.0 {
            let iterates = matches!(part, Part::Range(..));
            let part = self.part(part);
            if iterates {
                if !run.is_empty() {
                    term = Term::Path(Box::new(term), Path(std::mem::take(&mut run)));
                }
                let wide = pipe(term, call("__wide", Vec::new()));
                term = pipe(Term::Path(Box::new(wide), Path(vec![(part, opt)])), call("__tick", Vec::new()));
            } else {
                run.push((part, opt));
            }
        }
        if run.is_empty() { term } else { Term::Path(Box::new(term), Path(run)) }
    }

    fn part<'s>(&mut self, part: Part<T<'s>>) -> Part<T<'s>> {
        match part {
            Part::Index(index) => Part::Index(self.key(index)),
            Part::Range(from, to) => Part::Range(from.map(|t| self.term(t)), to.map(|t| self.term(t))),
        }
    }
}

fn fused_text(mut parts: Vec<T<'_>>) -> T<'_> {
    let (name, number): (&'static str, &'static str) = (&TEXT_NAMES[parts.len()], &NUMBERS[parts.len()]);
    parts.push(Term::Num(number));
    call(name, parts)
}

fn constant_key(key: &T<'_>, implied: bool) -> Option<Bytes> {
    match key {
        Term::Var(name) if implied => Some(Bytes::copy_from_slice(name.trim_start_matches('$').as_bytes())),
        other => constant_text(other).map(Bytes::from),
    }
}

/// The value of `{$x}` is `$x`, that of `{a}` is `.a`.
fn implied_value(key: T<'_>) -> T<'_> {
    match key {
        Term::Var(_) => key,
        key => Term::Path(Box::new(Term::Id), Path(vec![(Part::Index(key), jaq_core::path::Opt::Essential)])),
    }
}

const fn compare_name(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Lt => "__lt",
        Cmp::Le => "__le",
        Cmp::Gt => "__gt",
        Cmp::Ge => "__ge",
        Cmp::Eq => "__eq",
        Cmp::Ne => "__ne",
    }
}
