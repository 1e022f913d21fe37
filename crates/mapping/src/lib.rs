//! Guarded jq mappings, our functions, code lists, units and contracts.
//!
//! A mapping turns one JSON document into others. It is written in jq, extended with functions for decimals, units,
//! code lists, dates and cross references, and cannot loop for ever, fill the memory, read the environment or tell
//! the time. This crate knows nothing of files, HTTP or the clock: texts come in, values go out.

mod budget;
mod codes;
mod contract;
mod convert;
mod datum;
mod decimal;
mod diagnostic;
mod environment;
mod expression;
mod functions;
mod guard;
mod input;
mod mapping;
mod plan;
mod query;
mod reads;
#[cfg(test)]
mod reference_page;
mod template;
mod units;

pub use budget::Budget;
pub use codes::{CodeList, Policy};
pub use contract::compatibility::{Change, Version, changes, fields};
pub use contract::{Contract, Schemas, Violation};
pub use diagnostic::{Diagnostic, Place};
pub use environment::{Environment, NoReferences, References, Vars};
pub use expression::{Condition, Expression};
pub use input::Input;
pub use mapping::{Mapping, MappingError};
pub use query::How;
pub use reads::Reads;
pub use template::{Escape, Template};
pub use units::Units;
