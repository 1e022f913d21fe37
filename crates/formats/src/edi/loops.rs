//! Which loops a transaction set or message has: the segment that opens each, and what may stand in it.
//!
//! A definition is the union of what the versions of a set have, so that a document has one shape in all of them.
//! Order is not asked for: a segment belongs to the innermost open loop that may hold it.

mod edifact;
mod x12;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::dialect::Dialect;
use super::segment::Tag;

/// A loop, or a whole set: the root, which no segment opens.
#[derive(Debug, Default)]
pub(crate) struct Loop {
    /// The segment that opens it, after which it is named.
    pub(crate) trigger: Tag,
    /// What may stand directly in it, besides the trigger.
    pub(crate) segments: Vec<Tag>,
    /// The loops in it, as places in [`Definition::loops`].
    pub(crate) loops: Vec<usize>,
}

/// The loops of a set; the first is the root.
#[derive(Debug, Default)]
pub(crate) struct Definition {
    pub(crate) loops: Vec<Loop>,
    /// Segments that a set must have.
    pub(crate) mandatory: Vec<Tag>,
}

impl Definition {
    /// Where `tag` may stand in the loop: as a segment, or as the opening of a loop.
    pub(crate) fn find(&self, within: usize, tag: Tag) -> Option<Place> {
        let within = self.loops.get(within)?;
        let opened = within
            .loops
            .iter()
            .find(|inner| self.loops.get(**inner).is_some_and(|inner| inner.trigger == tag));
        match opened {
            Some(inner) => Some(Place::Opens(*inner)),
            None => within.segments.contains(&tag).then_some(Place::Stands),
        }
    }

    /// Whether the set knows the segment at all.
    pub(crate) fn knows(&self, tag: Tag) -> bool {
        self.loops.iter().any(|each| each.trigger == tag || each.segments.contains(&tag))
    }
}

/// What a segment is to a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It stands in it.
    Stands,
    /// It opens a loop in it.
    Opens(usize),
}

static X12: LazyLock<HashMap<&'static str, Definition>> = LazyLock::new(|| all(x12::SETS, x12::FRAGMENTS));
static EDIFACT: LazyLock<HashMap<&'static str, Definition>> =
    LazyLock::new(|| all(edifact::MESSAGES, edifact::FRAGMENTS));

/// The definition of a set, where there is one.
pub(crate) fn definition(dialect: Dialect, set: &str) -> Option<&'static Definition> {
    match dialect {
        Dialect::X12 => X12.get(set),
        Dialect::Edifact => EDIFACT.get(set),
    }
}

/// The sets that have a definition.
pub(crate) fn defined(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    let sets = match dialect {
        Dialect::X12 => x12::SETS,
        Dialect::Edifact => edifact::MESSAGES,
    };
    sets.iter().map(|(name, _)| *name)
}

type Named = [(&'static str, &'static str)];

fn all(sets: &'static Named, fragments: &'static Named) -> HashMap<&'static str, Definition> {
    sets.iter().map(|(name, text)| (*name, read(text, fragments))).collect()
}

/// Reads `BEG! REF (N1 N2 @address) (PO1 (SCH))`: segments, loops in parentheses behind what opens them, fragments by
/// name; what must be there has an exclamation mark.
fn read(text: &'static str, fragments: &'static Named) -> Definition {
    let mut made = Definition { loops: vec![Loop::default()], mandatory: Vec::new() };
    let mut open = vec![0];
    let mut opening = false;
    read_into(text, fragments, &mut made, &mut open, &mut opening, 8);
    made
}

fn read_into(
    text: &'static str,
    fragments: &'static Named,
    made: &mut Definition,
    open: &mut Vec<usize>,
    opening: &mut bool,
    depth: usize,
) {
    for word in text.split_whitespace() {
        let mut word = word;
        while let Some(rest) = word.strip_prefix('(') {
            *opening = true;
            word = rest;
        }
        let name = word.trim_end_matches(')');
        let closing = word.len() - name.len();
        if let Some(fragment) = name.strip_prefix('@') {
            let found = fragments.iter().find(|(known, _)| *known == fragment);
            if let Some((_, text)) = found.filter(|_| depth > 0) {
                read_into(text, fragments, made, open, opening, depth - 1);
            }
        } else {
            let tag = Tag::new(name.trim_end_matches('!').as_bytes());
            if name.ends_with('!') {
                made.mandatory.push(tag);
            }
            let within = open.last().copied().unwrap_or_default();
            if std::mem::take(opening) {
                made.loops.push(Loop { trigger: tag, ..Loop::default() });
                let inner = made.loops.len() - 1;
                made.loops[within].loops.push(inner);
                open.push(inner);
            } else {
                made.loops[within].segments.push(tag);
            }
        }
        open.truncate((open.len() - closing.min(open.len() - 1)).max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_read() {
        let made = read("BEG! REF (N1 @address (PER)) (PO1! (SCH QTY)) CTT", &[("address", "N3 N4")]);
        let show = |at: usize| {
            let each = &made.loops[at];
            let names = |tags: &[Tag]| tags.iter().map(|tag| tag.text()).collect::<Vec<_>>().join(" ");
            format!("{}: {} {:?}", each.trigger.text(), names(&each.segments), each.loops)
        };
        let shown: Vec<_> = (0..made.loops.len()).map(show).collect();
        assert_eq!(shown, [": BEG REF CTT [1, 3]", "N1: N3 N4 [2]", "PER:  []", "PO1:  [4]", "SCH: QTY []"]);
        assert_eq!(made.mandatory, [Tag::new(b"BEG"), Tag::new(b"PO1")]);
    }

    #[test]
    fn every_definition_is_whole() {
        for (dialect, fragments) in [(Dialect::X12, x12::FRAGMENTS), (Dialect::Edifact, edifact::FRAGMENTS)] {
            let texts = match dialect {
                Dialect::X12 => x12::SETS,
                Dialect::Edifact => edifact::MESSAGES,
            };
            for (name, text) in texts.iter().chain(fragments) {
                assert_eq!(text.matches('(').count(), text.matches(')').count(), "{name}");
                for fragment in text.split(['(', ')', ' ', '\n']).filter_map(|word| word.strip_prefix('@')) {
                    assert!(fragments.iter().any(|(known, _)| *known == fragment), "{name}: @{fragment}");
                }
            }
            for name in defined(dialect) {
                let made = definition(dialect, name).expect(name);
                assert!(made.loops.iter().skip(1).all(|each| each.trigger != Tag::NONE), "{name}");
                assert!(made.loops.iter().all(|each| !each.segments.contains(&Tag::NONE)), "{name}");
            }
        }
    }
}
