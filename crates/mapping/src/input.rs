//! One parsed document, read once and used by contracts, mappings, conditions and templates alike.

use std::cell::OnceCell;

use jaq_json::Val;
use lineshaft_model::Reason;
use lineshaft_model::json::{Limits, Value};

use crate::convert::val_from_tree;

/// A document as a tree that borrows from its text. Made and used on one thread, within one step of work.
pub struct Input<'a> {
    tree: Value<'a>,
    /// The interpreter's form, made when something first needs the interpreter.
    interpreted: OnceCell<Val>,
}

impl<'a> Input<'a> {
    /// Reads strict JSON within the usual limits.
    ///
    /// # Errors
    /// The reason, with line, column and JSON pointer, when the text is not acceptable JSON.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Reason> {
        Self::parse_within(bytes, &Limits::DEFAULT)
    }

    /// Reads strict JSON within other limits.
    ///
    /// # Errors
    /// As [`Input::parse`].
    pub fn parse_within(bytes: &'a [u8], limits: &Limits) -> Result<Self, Reason> {
        Ok(Self::from_tree(Value::parse(bytes, limits).map_err(Reason::from)?))
    }

    /// Takes a tree that was built otherwise.
    #[must_use]
    pub const fn from_tree(tree: Value<'a>) -> Self {
        Self { tree, interpreted: OnceCell::new() }
    }

    /// The tree.
    #[must_use]
    pub const fn tree(&self) -> &Value<'a> {
        &self.tree
    }

    /// Gives the tree back, to be made part of another.
    #[must_use]
    pub fn into_tree(self) -> Value<'a> {
        self.tree
    }

    pub(crate) fn interpreted(&self) -> Val {
        self.interpreted.get_or_init(|| val_from_tree(&self.tree)).clone()
    }
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The document may hold what must not be shown.
        write!(f, "Input({})", self.tree.kind())
    }
}
