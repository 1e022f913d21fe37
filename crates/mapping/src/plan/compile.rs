//! From a syntax tree to a plan, or the reason why there is none.

use std::rc::Rc;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::{Opt, Part, Path};

use super::builtins::Builtin;
use super::{Constant, Global, Key, Kind, Node, Plan, Unplanned};
use crate::diagnostic::Place;
use crate::functions;

/// The most nodes a plan may have; definitions are copied to where they are called.
const MAX_NODES: usize = 20_000;
/// How deep a plan may be, definitions copied in; running it recurses as deep.
const MAX_DEPTH: usize = 300;

type T<'s> = Term<&'s str>;
type Planned<T> = Result<T, Unplanned>;

/// What names mean at a place.
#[derive(Clone)]
struct Scope<'t, 's>(Option<Rc<(Binding<'t, 's>, Scope<'t, 's>)>>);

#[derive(Clone)]
enum Binding<'t, 's> {
    Variable(&'s str, usize),
    /// A definition; it sees what was in scope where it stands.
    Definition(&'t Def<&'s str>),
    /// An argument of a definition: the term given for it and the scope of the call.
    Argument(&'s str, &'t T<'s>, Scope<'t, 's>),
}

impl<'t, 's> Scope<'t, 's> {
    fn with(&self, binding: Binding<'t, 's>) -> Self {
        Self(Some(Rc::new((binding, self.clone()))))
    }

    fn find<R>(&self, mut wanted: impl FnMut(&Binding<'t, 's>, &Self) -> Option<R>) -> Option<R> {
        let mut scope = self;
        while let Some(entry) = &scope.0 {
            if let Some(found) = wanted(&entry.0, &entry.1) {
                return Some(found);
            }
            scope = &entry.1;
        }
        None
    }
}

struct Compiler<'t, 's> {
    source: &'s str,
    slots: usize,
    nodes: usize,
    depth: usize,
    /// Definitions being copied in, to notice recursion.
    open: Vec<&'t Def<&'s str>>,
}

/// Compiles a plan.
pub(crate) fn compile<'s>(source: &'s str, term: &T<'s>) -> Planned<Plan> {
    let mut compiler = Compiler { source, slots: 0, nodes: 0, depth: 0, open: Vec::new() };
    let root = compiler.term(term, &Scope(None))?;
    Ok(Plan { root, slots: compiler.slots })
}

fn node(kind: Kind, single: bool) -> Node {
    Node { kind, single }
}

fn constant(constant: Constant) -> Node {
    node(Kind::Constant(constant), true)
}

fn unplanned<T>(why: impl Into<String>) -> Planned<T> {
    Err(Unplanned { why: why.into(), line: None })
}

fn constant_text(term: &T<'_>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    parts.iter().try_fold(String::new(), |mut text, part| {
        match part {
            StrPart::Str(s) => text.push_str(s),
            StrPart::Char(c) => text.push(*c),
            StrPart::Term(_) => return None,
        }
        Some(text)
    })
}

/// A whole number, with its sign.
fn constant_whole(term: &T<'_>) -> Option<i64> {
    match term {
        Term::Num(text) => text.parse().ok(),
        Term::Neg(inner) => constant_whole(inner)?.checked_neg(),
        _ => None,
    }
}

impl<'t, 's: 't> Compiler<'t, 's> {
    fn line(&self, part: &str) -> Option<u32> {
        Place::of_slice(self.source, part).map(|place| place.line)
    }

    fn boxed(&mut self, term: &'t T<'s>, scope: &Scope<'t, 's>) -> Planned<Box<Node>> {
        self.term(term, scope).map(Box::new)
    }

    fn term(&mut self, term: &'t T<'s>, scope: &Scope<'t, 's>) -> Planned<Node> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || self.depth > MAX_DEPTH {
            return unplanned("its size once its definitions are copied in");
        }
        self.depth += 1;
        let node = self.node_of(term, scope);
        self.depth -= 1;
        node
    }

    fn node_of(&mut self, term: &'t T<'s>, scope: &Scope<'t, 's>) -> Planned<Node> {
        match term {
            Term::Id => Ok(node(Kind::Identity, true)),
            Term::Num(text) => Ok(constant(match text.parse() {
                Ok(whole) => Constant::Whole(whole),
                Err(_) if !crate::convert::is_json_number(text) => {
                    return unplanned(format!("the number {text}"));
                }
                Err(_) => Constant::Number((*text).into()),
            })),
            Term::Neg(_) => match constant_whole(term) {
                Some(whole) => Ok(constant(Constant::Whole(whole))),
                None => unplanned("negation"),
            },
            Term::Str(format, parts) => self.text(format.as_deref(), parts, scope),
            Term::Arr(inner) => {
                let inner = inner.as_deref().map(|inner| self.boxed(inner, scope)).transpose()?;
                Ok(node(Kind::Array(inner), true))
            }
            Term::Obj(entries) => self.object(entries, scope),
            Term::BinOp(left, op, right) => self.operation(left, op, right, scope),
            Term::IfThenElse(cases, other) => self.conditional(cases, other.as_deref(), scope),
            Term::Fold(name, items, pattern, args) => self.fold(name, items, pattern, args, scope),
            Term::TryCatch(body, catch) => {
                let body = self.boxed(body, scope)?;
                let catch = catch.as_deref().map(|catch| self.boxed(catch, scope)).transpose()?;
                Ok(node(Kind::Try(body, catch), false))
            }
            Term::Def(defs, rest) => {
                let scope =
                    defs.iter().fold(scope.clone(), |scope, def| scope.with(Binding::Definition(def)));
                self.term(rest, &scope)
            }
            Term::Call(name, args) => self.call(name, args, scope),
            Term::Var(name) => self.variable(name, scope),
            Term::Path(head, path) => self.path(head, path, scope),
            Term::Recurse => unplanned("`..`"),
            Term::Label(..) | Term::Break(_) => unplanned("`label` and `break`"),
        }
    }

    fn text(
        &mut self,
        format: Option<&str>,
        parts: &'t [StrPart<&'s str, T<'s>>],
        scope: &Scope<'t, 's>,
    ) -> Planned<Node> {
        if let Some(format) = format {
            return unplanned(format!("the format {format}"));
        }
        let mut nodes: Vec<Node> = Vec::new();
        let mut literal = String::new();
        for part in parts {
            match part {
                StrPart::Str(s) => literal.push_str(s),
                StrPart::Char(c) => literal.push(*c),
                StrPart::Term(term) => {
                    if !literal.is_empty() {
                        nodes.push(constant(Constant::Text(std::mem::take(&mut literal).into())));
                    }
                    nodes.push(self.term(term, scope)?);
                }
            }
        }
        if nodes.is_empty() {
            return Ok(constant(Constant::Text(literal.into())));
        }
        if !literal.is_empty() {
            nodes.push(constant(Constant::Text(literal.into())));
        }
        if nodes.iter().any(|part| !part.single) {
            return unplanned("an interpolation with several values");
        }
        Ok(node(Kind::Text(nodes), true))
    }

    fn object(&mut self, entries: &'t [(T<'s>, Option<T<'s>>)], scope: &Scope<'t, 's>) -> Planned<Node> {
        let mut members: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let (key, implied) = match (key, value) {
                (Term::Var(name), None) => {
                    (Key::Constant(name.trim_start_matches('$').into()), Some(self.variable(name, scope)?))
                }
                (key, _) => match constant_text(key) {
                    Some(text) => (Key::Constant(text.into()), None),
                    None => (Key::Computed(self.term(key, scope)?), None),
                },
            };
            let value = match (value, implied, &key) {
                (Some(value), ..) => self.term(value, scope)?,
                (None, Some(implied), _) => implied,
                (None, None, Key::Constant(name)) => node(Kind::Fields([name.clone()].into()), true),
                (None, None, Key::Computed(_)) => return unplanned("an object key without a value"),
            };
            if matches!(&key, Key::Computed(key) if !key.single) {
                return unplanned("an object key with several values");
            }
            if let Key::Constant(name) = &key
                && members.iter().any(|(other, _)| matches!(other, Key::Constant(other) if other == name))
            {
                return unplanned(format!("an object with the key {name} twice"));
            }
            members.push((key, value));
        }
        let single = members.iter().all(|(_, value)| value.single);
        Ok(node(Kind::Object(members), single))
    }

    fn operation(
        &mut self,
        left: &'t T<'s>,
        op: &'t BinaryOp<&'s str>,
        right: &'t T<'s>,
        scope: &Scope<'t, 's>,
    ) -> Planned<Node> {
        if let BinaryOp::Pipe(Some(pattern)) = op {
            return self.bind(left, pattern, right, scope);
        }
        let (left, right) = (self.boxed(left, scope)?, self.boxed(right, scope)?);
        let single = left.single && right.single;
        let both_single =
            |kind| if single { Ok(node(kind, true)) } else { unplanned("an operator on several values") };
        match op {
            BinaryOp::Pipe(_) => Ok(node(Kind::Pipe(left, right), single)),
            BinaryOp::Comma => Ok(node(Kind::Comma(left, right), false)),
            BinaryOp::Alt => Ok(node(Kind::Alternative(left, right), single)),
            BinaryOp::And => both_single(Kind::And(left, right)),
            BinaryOp::Or => both_single(Kind::Or(left, right)),
            BinaryOp::Cmp(cmp) => both_single(Kind::Compare(*cmp, left, right)),
            BinaryOp::Math(math @ (Math::Add | Math::Sub | Math::Mul)) => {
                both_single(Kind::Math(*math, left, right))
            }
            BinaryOp::Math(_) => unplanned("division"),
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                unplanned("assignment")
            }
        }
    }

    fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    /// `left as pattern | right`; a pattern is a variable, or takes members and elements apart.
    fn bind(
        &mut self,
        left: &'t T<'s>,
        pattern: &'t Pattern<&'s str>,
        right: &'t T<'s>,
        scope: &Scope<'t, 's>,
    ) -> Planned<Node> {
        let value = self.boxed(left, scope)?;
        let slot = self.slot();
        let mut parts = Vec::new();
        let scope = self.pattern(pattern, slot, scope, &mut parts)?;
        let mut body = self.term(right, &scope)?;
        for (slot, part) in parts.into_iter().rev() {
            let single = body.single;
            body = node(Kind::Bind(Box::new(part), slot, Box::new(body)), single);
        }
        let single = value.single && body.single;
        Ok(node(Kind::Bind(value, slot, Box::new(body)), single))
    }

    fn pattern(
        &mut self,
        pattern: &'t Pattern<&'s str>,
        slot: usize,
        scope: &Scope<'t, 's>,
        parts: &mut Vec<(usize, Node)>,
    ) -> Planned<Scope<'t, 's>> {
        let inner =
            |compiler: &mut Self, part, pattern, scope: &Scope<'t, 's>, parts: &mut Vec<(usize, Node)>| {
                let slot = compiler.slot();
                parts.push((slot, part));
                compiler.pattern(pattern, slot, scope, parts)
            };
        let whole = || Box::new(node(Kind::Slot(slot), true));
        match pattern {
            Pattern::Var(name) => Ok(scope.with(Binding::Variable(name, slot))),
            Pattern::Arr(items) => items.iter().zip(0..).try_fold(scope.clone(), |scope, (item, index)| {
                let index = Box::new(constant(Constant::Whole(index)));
                inner(self, node(Kind::Index(whole(), index, false), true), item, &scope, parts)
            }),
            Pattern::Obj(items) => items.iter().try_fold(scope.clone(), |scope, (key, item)| {
                let Some(key) = constant_text(key) else { return unplanned("a pattern with a computed key") };
                inner(self, node(Kind::Field(whole(), key.into(), false), true), item, &scope, parts)
            }),
        }
    }

    fn conditional(
        &mut self,
        cases: &'t [(T<'s>, T<'s>)],
        other: Option<&'t T<'s>>,
        scope: &Scope<'t, 's>,
    ) -> Planned<Node> {
        let mut rest = match other {
            Some(other) => self.term(other, scope)?,
            None => node(Kind::Identity, true),
        };
        for (condition, then) in cases.iter().rev() {
            let (condition, then) = (self.boxed(condition, scope)?, self.boxed(then, scope)?);
            let single = condition.single && then.single && rest.single;
            rest = node(Kind::If(condition, then, Box::new(rest)), single);
        }
        Ok(rest)
    }

    fn fold(
        &mut self,
        name: &str,
        items: &'t T<'s>,
        pattern: &'t Pattern<&'s str>,
        args: &'t [T<'s>],
        scope: &Scope<'t, 's>,
    ) -> Planned<Node> {
        let ("reduce", Pattern::Var(variable), [start, update]) = (name, pattern, args) else {
            return unplanned(format!("`{name}`"));
        };
        let (items, start) = (self.boxed(items, scope)?, self.boxed(start, scope)?);
        let slot = self.slot();
        let update = self.boxed(update, &scope.with(Binding::Variable(variable, slot)))?;
        if !start.single || !update.single {
            return unplanned("`reduce` with several values");
        }
        Ok(node(Kind::Reduce { items, slot, start, update }, true))
    }

    fn variable(&mut self, name: &str, scope: &Scope<'t, 's>) -> Planned<Node> {
        let slot = scope.find(|binding, _| match binding {
            Binding::Variable(bound, slot) if *bound == name => Some(*slot),
            _ => None,
        });
        let kind = match (slot, name) {
            (Some(slot), _) => Kind::Slot(slot),
            (None, "$source") => Kind::Global(Global::Source),
            (None, "$now") => Kind::Global(Global::Now),
            (None, "$headers") => Kind::Global(Global::Headers),
            _ => return unplanned(format!("the variable {name}")),
        };
        Ok(node(kind, true))
    }

    fn call(&mut self, name: &'s str, args: &'t [T<'s>], scope: &Scope<'t, 's>) -> Planned<Node> {
        enum Found<'t, 's> {
            Argument(&'t Term<&'s str>, Scope<'t, 's>),
            Definition(&'t Def<&'s str>, Scope<'t, 's>),
        }
        let found = scope.find(|binding, outer| match binding {
            Binding::Argument(bound, term, theirs) if *bound == name && args.is_empty() => {
                Some(Found::Argument(term, theirs.clone()))
            }
            Binding::Definition(def) if def.name == name && def.args.len() == args.len() => {
                Some(Found::Definition(def, outer.clone()))
            }
            _ => None,
        });
        match found {
            Some(Found::Argument(term, theirs)) => self.term(term, &theirs),
            Some(Found::Definition(def, outer)) => self.inline(def, args, scope, &outer),
            None => self.filter(name, args, scope).map_err(|unplanned| Unplanned {
                line: unplanned.line.or_else(|| self.line(name)),
                ..unplanned
            }),
        }
    }

    /// Copies a definition to where it is called.
    fn inline(
        &mut self,
        def: &'t Def<&'s str>,
        args: &'t [T<'s>],
        caller: &Scope<'t, 's>,
        outer: &Scope<'t, 's>,
    ) -> Planned<Node> {
        if self.open.iter().any(|open| std::ptr::eq(*open, def)) || self.open.len() > 40 {
            return Err(Unplanned {
                why: format!("the recursive definition {}", def.name),
                line: self.line(def.name),
            });
        }
        let mut inner = outer.with(Binding::Definition(def));
        let mut bound = Vec::new();
        for (param, arg) in def.args.iter().zip(args) {
            if param.starts_with('$') {
                let slot = self.slot();
                bound.push((slot, self.term(arg, caller)?));
                inner = inner.with(Binding::Variable(param, slot));
            } else {
                inner = inner.with(Binding::Argument(param, arg, caller.clone()));
            }
        }
        self.open.push(def);
        let body = self.term(&def.body, &inner);
        self.open.pop();
        let mut body = body?;
        for (slot, value) in bound.into_iter().rev() {
            let single = value.single && body.single;
            body = node(Kind::Bind(Box::new(value), slot, Box::new(body)), single);
        }
        Ok(body)
    }

    fn filter(&mut self, name: &'s str, args: &'t [T<'s>], scope: &Scope<'t, 's>) -> Planned<Node> {
        match (name, args) {
            ("null", []) => return Ok(constant(Constant::Null)),
            ("true", []) => return Ok(constant(Constant::Bool(true))),
            ("false", []) => return Ok(constant(Constant::Bool(false))),
            _ => {}
        }
        let nodes: Vec<Node> = args.iter().map(|arg| self.term(arg, scope)).collect::<Planned<_>>()?;
        if let Some(function) = functions::find(name, args.len()) {
            if nodes.iter().any(|arg| !arg.single) {
                return unplanned(format!("`{name}` of several values"));
            }
            let line = self.line(name).unwrap_or(0);
            return Ok(node(Kind::Ours { function, arguments: nodes, line }, true));
        }
        let Some((builtin, values, single)) = Builtin::find(name, args.len()) else {
            return unplanned(format!("the filter {name}/{}", args.len()));
        };
        if values && nodes.iter().any(|arg| !arg.single) {
            return unplanned(format!("`{name}` of several values"));
        }
        Ok(node(Kind::Builtin(builtin, nodes), single))
    }

    fn path(&mut self, head: &'t T<'s>, path: &'t Path<T<'s>>, scope: &Scope<'t, 's>) -> Planned<Node> {
        if let (Term::Id, Some(keys)) = (head, plain_keys(path)) {
            return Ok(node(Kind::Fields(keys.into()), true));
        }
        let mut result = self.term(head, scope)?;
        // Computed indices see the input of the whole path: with a head that is not `.` they need it kept.
        for (part, opt) in &path.0 {
            let optional = matches!(opt, Opt::Optional);
            let single = result.single && !optional;
            let before = Box::new(result);
            result = match part {
                Part::Index(index) => match constant_text(index) {
                    Some(key) => node(Kind::Field(before, key.into(), optional), single),
                    None => {
                        let index = self.boxed(index, scope)?;
                        if !index.single {
                            return unplanned("an index with several values");
                        }
                        node(Kind::Index(before, index, optional), single)
                    }
                },
                Part::Range(None, None) => node(Kind::Iterate(before, optional), false),
                Part::Range(from, to) => {
                    let bound = |bound: &Option<T<'s>>| match bound {
                        None => Ok(None),
                        Some(term) => constant_whole(term).map(Some).ok_or(()),
                    };
                    match (bound(from), bound(to), optional) {
                        (Ok(from), Ok(to), false) => node(Kind::Slice(before, from, to), single),
                        _ => return unplanned("a computed slice"),
                    }
                }
            };
        }
        Ok(result)
    }
}

/// The keys of a path that is nothing but constant keys.
fn plain_keys(path: &Path<T<'_>>) -> Option<Vec<Box<str>>> {
    let key = |(part, opt): &(Part<T<'_>>, Opt)| match (part, opt) {
        (Part::Index(index), Opt::Essential) => constant_text(index).map(Into::into),
        _ => None,
    };
    path.0.iter().map(key).collect()
}

/// How a comparison reads an order.
pub(super) fn holds(cmp: Cmp, order: std::cmp::Ordering) -> bool {
    match cmp {
        Cmp::Lt => order.is_lt(),
        Cmp::Le => order.is_le(),
        Cmp::Gt => order.is_gt(),
        Cmp::Ge => order.is_ge(),
        Cmp::Eq => order.is_eq(),
        Cmp::Ne => order.is_ne(),
    }
}
