//! The segments of a transaction set as a tree of loops, and that tree as JSON text.

use std::collections::HashMap;

use super::delimiters::Delimiters;
use super::loops::{Definition, Place};
use super::segment::{Segment, Tag, Text, write_segment};

/// Levels of HL inside each other; what is deeper stands beside the deepest.
const HIERARCHY: usize = 12;

const HL: Tag = Tag::new(b"HL");

/// No node.
const NONE: u32 = u32::MAX;

/// A segment or a loop within a loop.
#[derive(Debug, Clone, Copy)]
struct Node {
    tag: Tag,
    is_loop: bool,
    /// The segment, or the loop.
    index: u32,
    /// The next node in the same loop.
    next: u32,
    /// The next node in the same loop with the same key.
    same: u32,
}

/// The nodes of a loop.
#[derive(Debug, Clone, Copy)]
struct Loop {
    first: u32,
    last: u32,
}

/// An open loop while the tree grows.
struct Open<'a> {
    /// Which loop of the definition.
    defined: usize,
    /// Which loop of the tree.
    at: usize,
    /// HL01 of a level of a hierarchy.
    level: &'a [u8],
}

/// The nodes of a key within a loop that is being written.
#[derive(Clone, Copy)]
struct Slot {
    tag: Tag,
    is_loop: bool,
    first: u32,
    last: u32,
}

/// A tree and the memory it is made in, which is used again for the next one.
#[derive(Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    loops: Vec<Loop>,
    slots: Vec<Slot>,
}

/// What a tree is written from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The bytes that the places of segments count in.
    pub(crate) bytes: &'a [u8],
    pub(crate) segments: &'a [(u32, u32)],
    pub(crate) marks: &'a Delimiters,
    pub(crate) text: Text,
    pub(crate) always_composite: bool,
}

impl<'a> Source<'a> {
    fn segment(&self, index: usize) -> Segment<'a> {
        let (start, end) = self.segments.get(index).copied().unwrap_or_default();
        let bytes = self.bytes.get(start as usize..end as usize).unwrap_or_default();
        Segment { bytes, marks: self.marks }
    }
}

impl Tree {
    /// Appends the segments as an object: a member for each identifier with an array of its segments, a member
    /// `…_loop` for each loop with an array of such objects.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, source: Source<'_>, definition: Option<&Definition>) {
        self.nodes.clear();
        self.loops.clear();
        self.slots.clear();
        self.grow(source, definition);
        self.write_loop(out, source, 0);
    }

    fn grow(&mut self, source: Source<'_>, definition: Option<&Definition>) {
        self.loops.push(Loop { first: NONE, last: NONE });
        let mut open = vec![Open { defined: 0, at: 0, level: &[] }];
        for index in 0..source.segments.len() {
            let segment = source.segment(index);
            let tag = segment.tag();
            let Some(definition) = definition.filter(|_| tag != Tag::NONE) else {
                let within = open.last().map_or(0, |each| each.at);
                self.add(within, tag, false, index);
                continue;
            };
            let found = open
                .iter()
                .enumerate()
                .rev()
                .find_map(|(depth, each)| definition.find(each.defined, tag).map(|place| (depth, place)));
            match found {
                // What the definition does not know stays where it stands.
                None => self.add(open.last().map_or(0, |each| each.at), tag, false, index),
                Some((depth, Place::Stands)) => {
                    open.truncate(depth + 1);
                    self.add(open[depth].at, tag, false, index);
                }
                Some((depth, Place::Opens(defined))) => {
                    let mut depth = depth;
                    let mut level: &[u8] = &[];
                    if tag == HL {
                        level = segment.element(1);
                        depth = parent(&open, segment.element(2)).unwrap_or(depth);
                    }
                    open.truncate(depth + 1);
                    let at = self.loops.len();
                    self.loops.push(Loop { first: NONE, last: NONE });
                    self.add(open[depth].at, tag, true, at);
                    self.add(at, tag, false, index);
                    open.push(Open { defined, at, level });
                }
            }
        }
    }

    fn add(&mut self, within: usize, tag: Tag, is_loop: bool, index: usize) {
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { tag, is_loop, index: index as u32, next: NONE, same: NONE });
        let each = &mut self.loops[within];
        match self.nodes.get_mut(each.last as usize) {
            Some(last) => last.next = at,
            None => each.first = at,
        }
        each.last = at;
    }

    fn write_loop(&mut self, out: &mut Vec<u8>, source: Source<'_>, at: usize) {
        let first = self.loops[at].first;
        let base = self.slots.len();
        let is_mixed = self.sort(first, base);
        out.push(b'{');
        for slot in base..self.slots.len() {
            let Slot { tag, is_loop, first, .. } = self.slots[slot];
            out.extend_from_slice(if slot == base { b"\"" } else { b",\"" });
            write_key(out, tag, is_loop);
            out.extend_from_slice(b"\":[");
            let mut at = first;
            while let Some(node) = self.nodes.get(at as usize).copied() {
                if at != first {
                    out.push(b',');
                }
                match is_loop {
                    true => self.write_loop(out, source, node.index as usize),
                    false => {
                        write_segment(
                            out,
                            source.segment(node.index as usize),
                            source.text,
                            source.always_composite,
                        );
                    }
                }
                at = node.same;
            }
            out.push(b']');
        }
        if is_mixed {
            self.write_order(out, first);
        }
        out.push(b'}');
        self.slots.truncate(base);
    }

    /// Gathers the nodes of a loop by key. True when the order of the keys does not tell the order of the nodes.
    fn sort(&mut self, first: u32, base: usize) -> bool {
        // So many keys only in what is no transaction set; then a look at each of them takes too long.
        const FEW: usize = 40;
        let mut many: HashMap<(Tag, bool), usize> = HashMap::new();
        let mut is_mixed = false;
        let mut current = usize::MAX;
        let mut at = first;
        while let Some(Node { tag, is_loop, next, .. }) = self.nodes.get(at as usize).copied() {
            let is_current =
                self.slots.get(current).is_some_and(|slot| slot.tag == tag && slot.is_loop == is_loop);
            if !is_current {
                let known = if self.slots.len() - base < FEW {
                    let found =
                        self.slots[base..].iter().position(|slot| slot.tag == tag && slot.is_loop == is_loop);
                    found.map(|found| base + found)
                } else {
                    if many.is_empty() {
                        many.extend(
                            (base..self.slots.len())
                                .map(|at| ((self.slots[at].tag, self.slots[at].is_loop), at)),
                        );
                    }
                    many.get(&(tag, is_loop)).copied()
                };
                is_mixed |= known.is_some();
                current = known.unwrap_or(self.slots.len());
                if known.is_none() {
                    self.slots.push(Slot { tag, is_loop, first: at, last: NONE });
                    if !many.is_empty() {
                        many.insert((tag, is_loop), current);
                    }
                }
            }
            let last = std::mem::replace(&mut self.slots[current].last, at);
            if let Some(last) = self.nodes.get_mut(last as usize) {
                last.same = at;
            }
            at = next;
        }
        is_mixed
    }

    fn write_order(&self, out: &mut Vec<u8>, first: u32) {
        out.extend_from_slice(b",\"order\":[");
        let mut at = first;
        while let Some(node) = self.nodes.get(at as usize) {
            out.extend_from_slice(if at == first { b"\"" } else { b",\"" });
            write_key(out, node.tag, node.is_loop);
            out.push(b'"');
            at = node.next;
        }
        out.push(b']');
    }
}

/// The open level of a hierarchy that HL02 names, or the deepest one that may hold another.
fn parent(open: &[Open<'_>], named: &[u8]) -> Option<usize> {
    let found = open.iter().rposition(|each| !each.level.is_empty() && each.level == named)?;
    let levels = open[..=found].iter().filter(|each| !each.level.is_empty()).count();
    if levels < HIERARCHY { Some(found) } else { found.checked_sub(1) }
}

fn write_key(out: &mut Vec<u8>, tag: Tag, is_loop: bool) {
    match tag {
        Tag::NONE => out.extend_from_slice(b"unknown"),
        tag => tag.write(out),
    }
    if is_loop {
        out.extend_from_slice(b"_loop");
    }
}
