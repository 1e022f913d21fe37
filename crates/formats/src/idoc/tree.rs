//! Segments with their numbers to a tree, and the tree to JSON.

use std::borrow::Cow;
use std::collections::HashMap;

use lineshaft_model::json::Value;

use super::DEEPEST;
use super::layout::IdocLayout;
use crate::members::Members;

/// Members of a JSON object.
pub(super) type Fields = Vec<(Cow<'static, str>, Value<'static>)>;

/// A segment as it was read from a flat file.
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) number: String,
    /// The number of the segment above; none and zeros mean none.
    pub(super) above: String,
    pub(super) level: usize,
    pub(super) fields: Fields,
    /// Where it stands in the input.
    pub(super) line: u64,
}

/// Why segments make no tree: what, and the line of the segment.
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) line: u64,
}

/// Finds the segment above each; `None` at the top.
fn parents(segments: &[Segment], layout: &IdocLayout) -> Result<Vec<Option<usize>>, Fault> {
    let has_number = |segment: &Segment| !segment.above.trim_matches(['0', ' ']).is_empty();
    if segments.iter().any(has_number) {
        return by_number(segments, has_number);
    }
    let has_place =
        |segment: &Segment| layout.of_type(&segment.name).is_some_and(|found| !found.under.is_empty());
    let mut parents = Vec::with_capacity(segments.len());
    let is_placed = segments.iter().any(has_place);
    let mut open: Vec<usize> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let is_above = |other: &usize| match is_placed {
            true => layout
                .of_type(&segment.name)
                .is_some_and(|found| found.under.contains(&segments[*other].name)),
            // Levels up to 2 are the top: the first segment of some types has 1, its siblings 2.
            false => segment.level > 2 && segments[*other].level < segment.level,
        };
        open.truncate(open.iter().rposition(is_above).map_or(0, |place| place + 1));
        parents.push(open.last().copied());
        open.push(at);
    }
    Ok(parents)
}

fn by_number(
    segments: &[Segment],
    has_number: impl Fn(&Segment) -> bool,
) -> Result<Vec<Option<usize>>, Fault> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(segments.len());
    let mut parents = Vec::with_capacity(segments.len());
    for (at, segment) in segments.iter().enumerate() {
        parents.push(if has_number(segment) {
            let Some(parent) = places.get(segment.above.as_str()) else {
                let message = format!(
                    "the segment {} says that {} is above it, which is not before it",
                    segment.number, segment.above
                );
                return Err(Fault { message, line: segment.line });
            };
            Some(*parent)
        } else {
            None
        });
        places.insert(segment.number.as_str(), at);
    }
    Ok(parents)
}

/// The members of a document: the control record and the segments at the top.
pub(super) fn build(
    control: Fields,
    segments: Vec<Segment>,
    layout: &IdocLayout,
) -> Result<Value<'static>, Fault> {
    let parents = parents(&segments, layout)?;
    let mut depths = Vec::with_capacity(segments.len());
    for (segment, parent) in segments.iter().zip(&parents) {
        let depth = parent.map_or(1, |parent: usize| depths.get(parent).copied().unwrap_or(DEEPEST) + 1);
        if depth > DEEPEST {
            let message = format!("segments are nested more than {DEEPEST} deep");
            return Err(Fault { message, line: segment.line });
        }
        depths.push(depth);
    }
    let mut below: Vec<Vec<usize>> = segments.iter().map(|_| Vec::new()).collect();
    let mut top = Vec::new();
    for (at, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => below[*parent].push(at),
            None => top.push(at),
        }
    }
    let mut segments: Vec<_> = segments.into_iter().map(|segment| (segment.name, segment.fields)).collect();
    let mut members = Members::default();
    members.add(super::records::CONTROL.to_owned(), Value::Object(control), false);
    add(&mut members, &top, &below, &mut segments);
    Ok(Value::Object(members.list))
}

/// Adds segments with all below them; no deeper than was checked.
fn add(members: &mut Members, places: &[usize], below: &[Vec<usize>], segments: &mut [(String, Fields)]) {
    for at in places {
        let (name, fields) = std::mem::take(&mut segments[*at]);
        let mut inside = Members::default();
        fields.into_iter().for_each(|(name, value)| inside.add(name.into_owned(), value, false));
        add(&mut inside, &below[*at], below, segments);
        members.add(name, Value::Object(inside.list), true);
    }
}
