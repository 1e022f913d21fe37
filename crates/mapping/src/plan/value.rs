//! Values of a compiled plan: borrowed from the input or the plan where possible, shared where made.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use lineshaft_model::json::{Value, write_string};

use crate::budget::{Account, GRAINS_PER_VALUE, Stop};
use crate::datum::Datum;

/// Text borrowed from the input or the plan, or made by the run.
#[derive(Clone, Debug)]
pub(crate) enum Text<'e> {
    Borrowed(&'e str),
    Made(Rc<str>),
}

impl Text<'_> {
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Made(text.into())
    }
}

/// A number: its text as it was written, or a whole number a run has made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number<'e> {
    Written(&'e str),
    Whole(i64),
}

/// What the interpreter would make of a number when it compares or calculates.
pub(crate) enum Meaning {
    Whole(i64),
    Float(f64),
    /// A whole number that needs more than 64 bits.
    Big,
}

impl Number<'_> {
    pub(crate) fn meaning(&self) -> Meaning {
        let text = match self {
            Self::Whole(n) => return Meaning::Whole(*n),
            Self::Written(text) => *text,
        };
        let plain = text != "-0" && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if plain {
            return text.parse().map_or(Meaning::Big, Meaning::Whole);
        }
        text.parse().map_or(Meaning::Big, Meaning::Float)
    }

    pub(crate) fn whole(&self) -> Option<i64> {
        match self.meaning() {
            Meaning::Whole(n) => Some(n),
            _ => None,
        }
    }
}

/// An array a run has made, with how deep it is.
#[derive(Debug)]
pub(crate) struct Items<'e> {
    pub(crate) depth: u16,
    pub(crate) items: Vec<V<'e>>,
}

/// An object a run has made, with how deep it is; each key once, in order.
#[derive(Debug)]
pub(crate) struct Members<'e> {
    pub(crate) depth: u16,
    pub(crate) members: Vec<(Text<'e>, V<'e>)>,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum V<'e> {
    Null,
    Bool(bool),
    Number(Number<'e>),
    Text(Text<'e>),
    /// An array or object of the input.
    Tree(&'e Value<'e>),
    Array(Rc<Items<'e>>),
    Object(Rc<Members<'e>>),
}

/// Trees of the input count as this deep.
const TREE_DEPTH: u16 = 128;
/// How deep a value of a plan may be.
pub(crate) const DEEPEST: u16 = 250;

impl<'e> V<'e> {
    #[inline]
    pub(crate) fn of(value: &'e Value<'e>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(text) => Self::Number(Number::Written(text)),
            Value::String(text) => Self::Text(Text::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Self::Tree(value),
        }
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::from(text.into()))
    }

    pub(crate) const fn whole(n: i64) -> Self {
        Self::Number(Number::Whole(n))
    }

    #[inline]
    pub(crate) const fn truthy(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    pub(crate) fn depth(&self) -> u16 {
        match self {
            Self::Tree(_) => TREE_DEPTH,
            Self::Array(array) => array.depth,
            Self::Object(object) => object.depth,
            _ => 0,
        }
    }

    /// An array; none when it would be too deep.
    pub(crate) fn array(items: Vec<Self>) -> Option<Self> {
        let depth = 1 + items.iter().map(Self::depth).max().unwrap_or(0);
        (depth <= DEEPEST).then(|| Self::Array(Rc::new(Items { depth, items })))
    }

    /// An object of distinct keys; none when it would be too deep.
    pub(crate) fn object(members: Vec<(Text<'e>, Self)>) -> Option<Self> {
        let depth = 1 + members.iter().map(|(_, v)| v.depth()).max().unwrap_or(0);
        (depth <= DEEPEST).then(|| Self::Object(Rc::new(Members { depth, members })))
    }

    /// How many elements an array has.
    pub(crate) fn array_len(&self) -> Option<usize> {
        match self {
            Self::Tree(Value::Array(items)) => Some(items.len()),
            Self::Array(array) => Some(array.items.len()),
            _ => None,
        }
    }

    /// How many members an object has.
    pub(crate) fn object_len(&self) -> Option<usize> {
        match self {
            Self::Tree(Value::Object(members)) => Some(members.len()),
            Self::Object(object) => Some(object.members.len()),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn element(&self, index: usize) -> Option<Self> {
        match self {
            Self::Tree(Value::Array(items)) => items.get(index).map(Self::of),
            Self::Array(array) => array.items.get(index).cloned(),
            _ => None,
        }
    }

    /// The member at a place, in order.
    pub(crate) fn member_at(&self, index: usize) -> Option<(Text<'e>, Self)> {
        match self {
            Self::Tree(Value::Object(members)) => {
                members.get(index).map(|(k, v)| (Text::Borrowed(k), Self::of(v)))
            }
            Self::Object(object) => object.members.get(index).cloned(),
            _ => None,
        }
    }

    /// The member of an object; none when this is no object or has no such key.
    #[inline]
    pub(crate) fn member(&self, key: &str) -> Option<Self> {
        match self {
            Self::Tree(Value::Object(members)) => {
                members.iter().find(|(k, _)| k == key).map(|(_, v)| Self::of(v))
            }
            Self::Object(object) => {
                object.members.iter().find(|(k, _)| k.as_str() == key).map(|(_, v)| v.clone())
            }
            _ => None,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::Tree(Value::Array(_)) | Self::Array(_) => 4,
            Self::Tree(_) | Self::Object(_) => 5,
        }
    }

    pub(crate) const fn type_name(&self) -> &'static str {
        match self.rank() {
            0 => "null",
            1 => "boolean",
            2 => "number",
            3 => "string",
            4 => "array",
            _ => "object",
        }
    }

    /// The order the interpreter puts values in; none where only the interpreter knows.
    pub(crate) fn order(&self, other: &Self, account: &Account) -> Result<Option<Ordering>, Stop> {
        account.pay(GRAINS_PER_VALUE)?;
        Ok(match (self, other) {
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => number_order(a, b),
            (Self::Text(a), Self::Text(b)) => {
                account.pay(a.as_str().len().min(b.as_str().len()) as u64)?;
                Some(a.as_str().cmp(b.as_str()))
            }
            _ if self.rank() != other.rank() => Some(self.rank().cmp(&other.rank())),
            _ if self.rank() == 4 => return self.array_order(other, account),
            _ => return self.object_equality(other, account),
        })
    }

    fn array_order(&self, other: &Self, account: &Account) -> Result<Option<Ordering>, Stop> {
        let (len, other_len) = (self.array_len().unwrap_or(0), other.array_len().unwrap_or(0));
        for index in 0..len.min(other_len) {
            let (Some(a), Some(b)) = (self.element(index), other.element(index)) else { return Ok(None) };
            match a.order(&b, account)? {
                Some(Ordering::Equal) => {}
                unequal => return Ok(unequal),
            }
        }
        Ok(Some(len.cmp(&other_len)))
    }

    /// Only equality of objects is decided here; their order is the interpreter's business.
    fn object_equality(&self, other: &Self, account: &Account) -> Result<Option<Ordering>, Stop> {
        if self.object_len() != other.object_len() {
            return Ok(None);
        }
        for index in 0..self.object_len().unwrap_or(0) {
            let Some((key, value)) = self.member_at(index) else { return Ok(None) };
            let Some(theirs) = other.member(key.as_str()) else { return Ok(None) };
            if value.order(&theirs, account)? != Some(Ordering::Equal) {
                return Ok(None);
            }
        }
        Ok(Some(Ordering::Equal))
    }

    /// Whether two values are the same; none where only the interpreter knows.
    pub(crate) fn same(&self, other: &Self, account: &Account) -> Result<Option<bool>, Stop> {
        Ok(match self.order(other, account)? {
            Some(order) => Some(order == Ordering::Equal),
            // Objects that are not equal have an order, but it does not matter here. Big numbers stay undecided.
            None if self.object_len().is_some() && other.object_len() != self.object_len() => Some(false),
            None => None,
        })
    }

    /// Appends compact JSON text.
    pub(crate) fn write(&self, out: &mut Vec<u8>, account: &Account) -> Result<(), Stop> {
        account.pay(GRAINS_PER_VALUE)?;
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(Number::Written(text)) => out.extend_from_slice(text.as_bytes()),
            Self::Number(Number::Whole(n)) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Text(text) => write_string(out, text.as_str()),
            Self::Tree(value) => {
                let before = out.len();
                value.write_to(out);
                account.pay((out.len() - before) as u64)?;
            }
            Self::Array(array) => {
                out.push(b'[');
                for (index, item) in array.items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out, account)?;
                }
                out.push(b']');
            }
            Self::Object(object) => {
                out.push(b'{');
                for (index, (key, value)) in object.members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(out, key.as_str());
                    out.push(b':');
                    value.write(out, account)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }

    /// Appends the text that interpolation shows.
    pub(crate) fn show(&self, out: &mut Vec<u8>, account: &Account) -> Result<(), Stop> {
        match self {
            Self::Text(text) => {
                account.pay(text.as_str().len() as u64)?;
                out.extend_from_slice(text.as_str().as_bytes());
                Ok(())
            }
            other => other.write(out, account),
        }
    }

    /// The value as an argument of one of our functions.
    pub(crate) fn datum(&self) -> Datum<'_> {
        match self {
            Self::Null => Datum::Null,
            Self::Bool(b) => Datum::Bool(*b),
            Self::Number(Number::Written(text)) => Datum::Number(Cow::Borrowed(text)),
            Self::Number(Number::Whole(n)) => Datum::Number(Cow::Owned(n.to_string())),
            Self::Text(text) => Datum::Text(Cow::Borrowed(text.as_str())),
            Self::Tree(value) => tree_datum(value),
            Self::Array(array) => Datum::List(array.items.iter().map(Self::datum).collect()),
            Self::Object(object) => Datum::Fields(
                object.members.iter().map(|(k, v)| (Cow::Borrowed(k.as_str()), v.datum())).collect(),
            ),
        }
    }

    /// What one of our functions gave; none for a number that is not whole, which none of them gives.
    pub(crate) fn from_datum(datum: Datum<'static>) -> Option<Self> {
        Some(match datum {
            Datum::Null => Self::Null,
            Datum::Bool(b) => Self::Bool(b),
            Datum::Number(text) => Self::whole(text.parse().ok()?),
            Datum::Text(text) => Self::text(text.into_owned()),
            Datum::List(items) => {
                Self::array(items.into_iter().map(Self::from_datum).collect::<Option<_>>()?)?
            }
            Datum::Fields(fields) => Self::object(
                fields
                    .into_iter()
                    .map(|(k, v)| {
                        let key = match k {
                            Cow::Borrowed(key) => Text::Borrowed(key),
                            Cow::Owned(key) => Text::from(key),
                        };
                        Some((key, Self::from_datum(v)?))
                    })
                    .collect::<Option<_>>()?,
            )?,
        })
    }
}

fn tree_datum<'a>(value: &'a Value<'_>) -> Datum<'a> {
    match value {
        Value::Null => Datum::Null,
        Value::Bool(b) => Datum::Bool(*b),
        Value::Number(text) => Datum::Number(Cow::Borrowed(text)),
        Value::String(text) => Datum::Text(Cow::Borrowed(text)),
        Value::Array(items) => Datum::List(items.iter().map(tree_datum).collect()),
        Value::Object(members) => {
            Datum::Fields(members.iter().map(|(k, v)| (Cow::Borrowed(&**k), tree_datum(v))).collect())
        }
    }
}

fn number_order(a: &Number<'_>, b: &Number<'_>) -> Option<Ordering> {
    match (a.meaning(), b.meaning()) {
        (Meaning::Whole(a), Meaning::Whole(b)) => Some(a.cmp(&b)),
        (Meaning::Big, _) | (_, Meaning::Big) => None,
        (a, b) => {
            let float = |m: &Meaning| match m {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "the interpreter compares so, and both must agree"
                )]
                Meaning::Whole(n) => *n as f64,
                Meaning::Float(x) => *x,
                Meaning::Big => 0.0,
            };
            let (a, b) = (float(&a), float(&b));
            if a == 0.0 && b == 0.0 { Some(Ordering::Equal) } else { Some(a.total_cmp(&b)) }
        }
    }
}
