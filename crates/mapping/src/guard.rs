//! jq under guard: programs rewritten so that every run ends within its budget.
//!
//! The interpreter has no fuel and no interrupt. So the syntax tree of a program, and of the standard definitions it
//! builds on, is rewritten before it is compiled: definitions, iterations and branches pay for each step, and whatever
//! can make or walk a large value in one go pays for its size first. A run that is out of budget fails with an
//! exception that nothing in jq can catch, and stays failed.

mod limits;
mod natives;
mod program;
mod regex;
mod rewrite;

#[cfg(test)]
mod tests;

pub(crate) use program::{Program, Syntax, run};

use jaq_core::data::{DataT, HasLut};
use jaq_core::{Exn, Lut};
use jaq_json::Val;

use crate::budget::{Account, MAX_DEPTH, Stop};
use crate::functions::Context;

/// Says which values and which per-run data the interpreter works with.
#[derive(Debug)]
pub(crate) struct Kind;

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = &'a Run<'a>;
}

/// What belongs to one run: its account and what our functions may see.
pub(crate) struct Run<'a> {
    lut: &'a Lut<Kind>,
    /// Keys of the object constructions that were fused, by number.
    shapes: &'a [Vec<bytes::Bytes>],
    account: &'a Account,
    context: Context<'a>,
}

impl<'a> HasLut<'a, Kind> for &'a Run<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

/// The exception that ends a run; unlike an error it passes through `try`, `?` and `//`.
fn uncatchable<'a>(_: Stop) -> Exn<'a, Val> {
    Exn::halt(0)
}

impl Run<'_> {
    fn tick<'e>(&self) -> Result<(), Exn<'e, Val>> {
        self.account.tick().map_err(uncatchable)
    }

    fn pay<'e>(&self, grains: u64) -> Result<(), Exn<'e, Val>> {
        self.account.pay(grains).map_err(uncatchable)
    }

    fn stop<'e>(&self, why: Stop) -> Exn<'e, Val> {
        uncatchable(self.account.stop(why))
    }

    /// Pays for walking a whole value and refuses one that is too deep. Shared parts count as often as they are seen,
    /// which is what walking them costs.
    fn weigh<'e>(&self, value: &Val, factor: u64) -> Result<(), Exn<'e, Val>> {
        let before = self.account.left();
        self.walk(value, factor, MAX_DEPTH)?;
        self.account.saw((before - self.account.left()) / factor);
        Ok(())
    }

    fn walk<'e>(&self, value: &Val, factor: u64, depth: usize) -> Result<(), Exn<'e, Val>> {
        let node = crate::budget::GRAINS_PER_VALUE;
        match value {
            Val::TStr(text) | Val::BStr(text) => self.pay(factor * (1 + text.len() as u64)),
            Val::Arr(items) => {
                let depth = depth.checked_sub(1).ok_or_else(|| self.stop(Stop::Depth))?;
                self.pay(factor * node)?;
                items.iter().try_for_each(|item| self.walk(item, factor, depth))
            }
            Val::Obj(members) => {
                let depth = depth.checked_sub(1).ok_or_else(|| self.stop(Stop::Depth))?;
                self.pay(factor * node)?;
                members.iter().try_for_each(|(key, item)| {
                    self.walk(key, factor, depth)?;
                    self.walk(item, factor, depth)
                })
            }
            Val::Num(jaq_json::Num::BigInt(number)) => self.pay(factor * (node + number.bits())),
            Val::Num(jaq_json::Num::Dec(text)) => self.pay(factor * (1 + text.len() as u64)),
            _ => self.pay(factor * 4),
        }
    }

    /// Pays for the elements of the outermost level only.
    fn wide<'e>(&self, value: &Val) -> Result<(), Exn<'e, Val>> {
        let size = match value {
            Val::TStr(text) | Val::BStr(text) => text.len() as u64,
            Val::Arr(items) => 4 * items.len() as u64,
            Val::Obj(members) => 8 * members.len() as u64,
            _ => 1,
        };
        self.pay(1 + size)
    }
}
