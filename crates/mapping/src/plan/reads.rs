//! What a plan reads of its input, found without running it.
//!
//! The plan is run over shapes instead of values: a shape says which paths of the input a value came from and what was built
//! of them. A path counts as read where its value gets out, is compared, or goes into a function; as passed where only
//! something below it was looked for. Where the shapes cannot tell, more is counted as read than is, never less.

use std::collections::{BTreeMap, BTreeSet};

use jaq_core::ops::Math;

use super::builtins::Builtin;
use super::{Constant, Key, Kind, Node, Plan};
use crate::functions::FUNCTIONS;

/// Any element of an array, or any member of an object.
pub(crate) const ANY: &str = "*";

/// Paths kept for one plan; beyond that it counts as reading everything.
const MOST_PATHS: usize = 4_000;
/// Runs of a `reduce` over shapes; each can only add.
const ROUNDS: usize = 4;

/// A path of the input: names of members, [`ANY`] for elements.
pub(crate) type Path = Vec<Box<str>>;

#[derive(Clone, Debug, Default)]
struct Shape {
    /// It may be what stands at these paths of the input.
    paths: BTreeSet<Path>,
    /// Or an object with these members.
    members: BTreeMap<Box<str>, Shape>,
    /// Or an array of these elements, or an object whose keys are not known.
    elements: Option<Box<Shape>>,
}

impl Shape {
    fn input() -> Self {
        Self { paths: BTreeSet::from([Path::new()]), ..Self::default() }
    }

    fn with(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        for (name, shape) in other.members {
            let known = self.members.remove(&name).unwrap_or_default();
            self.members.insert(name, known.with(shape));
        }
        self.elements = match (self.elements.take(), other.elements) {
            (Some(a), Some(b)) => Some(Box::new(a.with(*b))),
            (a, b) => a.or(b),
        };
        self
    }

    fn array(element: Self) -> Self {
        Self { elements: Some(Box::new(element)), ..Self::default() }
    }

    fn child(&self, key: &str) -> Self {
        let below = |path: &Path| {
            let mut path = path.clone();
            path.push(key.into());
            path
        };
        let mut child = Self { paths: self.paths.iter().map(below).collect(), ..Self::default() };
        for (name, member) in &self.members {
            if key == ANY || **name == *key {
                child = child.with(member.clone());
            }
        }
        match &self.elements {
            Some(elements) => child.with((**elements).clone()),
            None => child,
        }
    }
}

/// The paths of the input that a plan uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paths {
    /// With all that is below them.
    pub(crate) read: BTreeSet<Path>,
    /// Only whether there is anything, and what kind of thing.
    pub(crate) passed: BTreeSet<Path>,
}

/// The paths that a plan uses; `None` when there are too many to tell apart.
pub(crate) fn reads(plan: &Plan) -> Option<Paths> {
    let mut reading = Reading { slots: vec![Shape::default(); plan.slots], paths: Paths::default() };
    let out = reading.shape(&plan.root, &Shape::input());
    reading.take(&out);
    (reading.paths.read.len() + reading.paths.passed.len() <= MOST_PATHS).then_some(reading.paths)
}

struct Reading {
    slots: Vec<Shape>,
    paths: Paths,
}

impl Reading {
    /// All of a value is used.
    fn take(&mut self, shape: &Shape) {
        if self.paths.read.len() <= MOST_PATHS {
            self.paths.read.extend(shape.paths.iter().cloned());
        }
        shape.members.values().for_each(|member| self.take(member));
        if let Some(elements) = &shape.elements {
            self.take(elements);
        }
    }

    /// What is below a value; the value itself is passed.
    fn child(&mut self, shape: &Shape, key: &str) -> Shape {
        if self.paths.passed.len() <= MOST_PATHS {
            self.paths.passed.extend(shape.paths.iter().cloned());
        }
        shape.child(key)
    }

    /// Runs a step and uses all that it gives.
    fn used(&mut self, node: &Node, input: &Shape) {
        let shape = self.shape(node, input);
        self.take(&shape);
    }

    fn shape(&mut self, node: &Node, input: &Shape) -> Shape {
        match &node.kind {
            Kind::Identity => input.clone(),
            Kind::Constant(_) | Kind::Global(_) => Shape::default(),
            Kind::Slot(slot) => self.slots.get(*slot).cloned().unwrap_or_default(),
            Kind::Field(..) | Kind::Fields(_) | Kind::Index(..) | Kind::Iterate(..) | Kind::Slice(..) => {
                self.below(node, input)
            }
            Kind::Array(None) => Shape::default(),
            Kind::Array(Some(inner)) => Shape::array(self.shape(inner, input)),
            Kind::Object(entries) => self.object(entries, input),
            Kind::Pipe(first, second) => {
                let between = self.shape(first, input);
                self.shape(second, &between)
            }
            Kind::Bind(value, slot, body) => {
                let bound = self.shape(value, input);
                if let Some(place) = self.slots.get_mut(*slot) {
                    *place = bound;
                }
                self.shape(body, input)
            }
            Kind::Comma(a, b) | Kind::Alternative(a, b) | Kind::Math(Math::Add, a, b) => {
                let a = self.shape(a, input);
                a.with(self.shape(b, input))
            }
            Kind::And(a, b) | Kind::Or(a, b) | Kind::Compare(_, a, b) | Kind::Math(_, a, b) => {
                self.used(a, input);
                self.used(b, input);
                Shape::default()
            }
            Kind::Text(parts) => {
                parts.iter().for_each(|part| self.used(part, input));
                Shape::default()
            }
            Kind::If(condition, then, otherwise) => {
                self.used(condition, input);
                let then = self.shape(then, input);
                then.with(self.shape(otherwise, input))
            }
            Kind::Reduce { items, slot, start, update } => {
                let items = self.shape(items, input);
                if let Some(place) = self.slots.get_mut(*slot) {
                    *place = items;
                }
                let mut state = self.shape(start, input);
                for _ in 0..ROUNDS {
                    let next = self.shape(update, &state);
                    state = state.with(next);
                }
                // What further rounds could reach lies below what these have.
                self.take(&state);
                state
            }
            Kind::Try(body, handler) => {
                let body = self.shape(body, input);
                match handler {
                    Some(handler) => body.with(self.shape(handler, &Shape::default())),
                    None => body,
                }
            }
            Kind::Builtin(builtin, arguments) => self.builtin(*builtin, arguments, input),
            Kind::Ours { function, arguments, .. } => {
                if FUNCTIONS.get(*function).is_none_or(|function| function.uses_input) {
                    self.take(input);
                }
                arguments.iter().for_each(|argument| self.used(argument, input));
                Shape::default()
            }
        }
    }

    /// What is reached inside a value.
    fn below(&mut self, node: &Node, input: &Shape) -> Shape {
        match &node.kind {
            Kind::Field(head, key, _) => {
                let head = self.shape(head, input);
                self.child(&head, key)
            }
            Kind::Fields(keys) => keys.iter().fold(input.clone(), |shape, key| self.child(&shape, key)),
            Kind::Index(head, index, _) => {
                let head = self.shape(head, input);
                match &index.kind {
                    Kind::Constant(Constant::Text(key)) => self.child(&head, key),
                    _ => {
                        self.used(index, input);
                        self.child(&head, ANY)
                    }
                }
            }
            Kind::Iterate(head, _) => {
                let head = self.shape(head, input);
                self.child(&head, ANY)
            }
            Kind::Slice(head, ..) => self.shape(head, input),
            _ => Shape::default(),
        }
    }

    fn object(&mut self, entries: &[(Key, Node)], input: &Shape) -> Shape {
        let mut object = Shape::default();
        for (key, value) in entries {
            let value = self.shape(value, input);
            match key {
                Key::Constant(key) => {
                    object.members.insert(key.clone(), value);
                }
                Key::Computed(key) => {
                    self.used(key, input);
                    object = object.with(Shape::array(value));
                }
            }
        }
        object
    }

    fn builtin(&mut self, builtin: Builtin, arguments: &[Node], input: &Shape) -> Shape {
        let element = self.child(input, ANY);
        match (builtin, arguments) {
            (Builtin::Empty, _) => Shape::default(),
            (Builtin::Select, [condition]) => {
                self.used(condition, input);
                input.clone()
            }
            (Builtin::Values | Builtin::Reverse, _) => input.clone(),
            (Builtin::Map, [each]) => Shape::array(self.shape(each, &element)),
            (Builtin::First | Builtin::Last, _) => element,
            (Builtin::FirstOf, [stream]) => self.shape(stream, input),
            (Builtin::AddOf, [stream]) => self.shape(stream, input),
            (Builtin::AnyOf | Builtin::AllOf, [condition]) => {
                self.used(condition, &element);
                Shape::default()
            }
            (Builtin::IsEmpty, [stream]) => {
                self.used(stream, input);
                Shape::default()
            }
            (Builtin::SortBy | Builtin::UniqueBy, [by]) => {
                self.used(by, &element);
                input.clone()
            }
            (Builtin::GroupBy, [by]) => {
                self.used(by, &element);
                Shape::array(input.clone())
            }
            _ => {
                self.take(input);
                for argument in arguments {
                    self.used(argument, input);
                    self.used(argument, &element);
                }
                Shape::default()
            }
        }
    }
}
