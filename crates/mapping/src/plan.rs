//! Compiled plans: the shapes people write most, run straight over the borrowed input.
//!
//! A plan covers paths, construction, conditions, interpolation, our functions and the common filters. What it does not
//! cover is known when it is compiled, and the mapping is interpreted. Where it meets a case at run time whose outcome
//! only the interpreter defines (errors, floats, numbers beyond 64 bits), it gives up and the interpreter runs instead;
//! so a plan never means anything the interpreter does not.

mod builtins;
mod compile;
mod eval;
pub(crate) mod reads;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use compile::compile;
pub(crate) use eval::{Halt, Runner};
pub(crate) use value::V;

use builtins::Builtin;
use jaq_core::ops::{Cmp, Math};

/// A compiled plan.
#[derive(Debug)]
pub(crate) struct Plan {
    root: Node,
    /// How many variables it binds.
    slots: usize,
}

/// Why a program has no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unplanned {
    pub(crate) why: String,
    pub(crate) line: Option<u32>,
}

/// One step of a plan.
#[derive(Debug)]
struct Node {
    kind: Kind,
    /// Gives exactly one output whenever it succeeds.
    single: bool,
}

#[derive(Debug)]
enum Constant {
    Null,
    Bool(bool),
    Whole(i64),
    Number(Box<str>),
    Text(Box<str>),
}

#[derive(Clone, Copy, Debug)]
enum Global {
    Source,
    Now,
    Headers,
}

#[derive(Debug)]
enum Key {
    Constant(Box<str>),
    Computed(Node),
}

#[derive(Debug)]
enum Kind {
    Identity,
    Constant(Constant),
    Global(Global),
    Slot(usize),
    /// `head.key`; the flag is `?`.
    Field(Box<Node>, Box<str>, bool),
    /// Keys one after the other from the input, none optional: the commonest path.
    Fields(Box<[Box<str>]>),
    Index(Box<Node>, Box<Node>, bool),
    Iterate(Box<Node>, bool),
    Slice(Box<Node>, Option<i64>, Option<i64>),
    Array(Option<Box<Node>>),
    Object(Vec<(Key, Node)>),
    Pipe(Box<Node>, Box<Node>),
    /// Binds the outputs of the first to a slot while the second runs.
    Bind(Box<Node>, usize, Box<Node>),
    Comma(Box<Node>, Box<Node>),
    Alternative(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Cmp, Box<Node>, Box<Node>),
    Math(Math, Box<Node>, Box<Node>),
    Text(Vec<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Reduce {
        items: Box<Node>,
        slot: usize,
        start: Box<Node>,
        update: Box<Node>,
    },
    Try(Box<Node>, Option<Box<Node>>),
    Builtin(Builtin, Vec<Node>),
    Ours {
        function: usize,
        arguments: Vec<Node>,
        line: u32,
    },
}
