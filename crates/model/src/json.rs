//! The strict reader of JSON text that every room uses, and the small tree it can build.
//!
//! RFC 8259 to the letter: no comments, no `NaN`, no trailing commas, no leading zeros, no byte order mark,
//! valid UTF-8 and paired surrogates only. Beyond the letter, a document is refused when
//!
//! - an object has the same key twice (readers disagree about which one counts, so neither does),
//! - it is deeper, longer or has more values than [`Limits`] allow,
//! - a number has more characters than [`Limits::number`].
//!
//! Numbers stay text from end to end: nothing here turns a quantity into a float.
//!
//! | need | call |
//! |---|---|
//! | is it well formed? | [`check`] |
//! | a tree that borrows from the text | [`Value::parse`] |
//! | another kind of value, built directly | [`parse`] with a [`Build`] |
//! | the members of an object as exact slices | [`members`] |
//! | the parts a path names as exact slices | [`cut()`] |
//! | one tree written over another (RFC 7386) | [`merge()`] |
//! | JSON text from pieces | [`write_string`], [`Value::write_to`] |

mod cut;
mod error;
mod keys;
mod merge;
mod parser;
mod pointer;
mod text;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use cut::{Member, Path, Piece, cut, members};
pub use error::{JsonError, JsonErrorKind};
pub use merge::merge;
pub use parser::{Build, Scalar, check, parse};
pub use pointer::{Pointer, push_token};
pub use text::Text;
pub use value::Value;
pub use write::write_string;

/// How large a document may be. All limits are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Arrays and objects inside each other. More than [`Limits::DEEPEST`] counts as that.
    pub depth: usize,
    /// Length of the text, in bytes; never more than 4 GiB.
    pub bytes: usize,
    /// Values of any kind, which bounds the memory that a tree takes.
    pub values: usize,
    /// Characters of one number, so that nobody downstream has to convert a megabyte of digits.
    pub number: usize,
}

impl Limits {
    /// The depth no setting can exceed, because the reader and the trees are recursive.
    pub const DEEPEST: usize = 256;

    /// What everything uses unless its configuration says otherwise.
    pub const DEFAULT: Self = Self { depth: 128, bytes: 16 * 1024 * 1024, values: 1_000_000, number: 256 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
