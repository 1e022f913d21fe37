//! The segments of IDoc types: declared in a workspace, or as SAP's transaction WE60 writes them for parsers.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::fixed_width::Named;

/// More segments than all types of a company have.
const MOST_SEGMENTS: usize = 20_000;

/// The segments that flat files are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdocLayout {
    segments: Vec<Segment>,
    by_definition: HashMap<String, usize>,
    /// The first definition of each type.
    by_type: HashMap<String, usize>,
}

/// A segment definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its type, `E1EDK01`.
    pub(super) name: String,
    /// Its definition with a version, `E2EDK01005`.
    pub(super) definition: String,
    /// The types it can be under.
    pub(super) under: Vec<String>,
    pub(super) fields: Vec<(String, usize)>,
}

/// The type of a definition by SAP's rule: `E2` becomes `E1`, and three digits of a version go.
pub(super) fn type_of(definition: &str) -> String {
    let kind = match definition.as_bytes() {
        [first, b'2', ..] => format!("{}1{}", char::from(*first), definition.get(2..).unwrap_or_default()),
        _ => return definition.to_owned(),
    };
    let digits = kind.bytes().rev().take_while(u8::is_ascii_digit).count();
    // E2EDK01005 and E2EDK14: the type's own digits come before those of the version.
    let is_versioned = digits >= 3 && kind.len() > 7;
    if is_versioned { kind[..kind.len() - 3].to_owned() } else { kind }
}

impl IdocLayout {
    /// The segment of a definition or, failing that, the type's first one: later versions only add fields at the end.
    pub(super) fn of_record(&self, name: &str) -> Option<&Segment> {
        let exact = self.by_definition.get(name).or_else(|| self.by_type.get(name));
        exact.or_else(|| self.by_type.get(&type_of(name))).map(|at| &self.segments[*at])
    }

    pub(super) fn of_type(&self, name: &str) -> Option<&Segment> {
        self.by_type.get(name).map(|at| &self.segments[*at])
    }

    /// Where a type stands in the sequence of segments.
    pub(super) fn order(&self, name: &str) -> Option<usize> {
        self.by_type.get(name).copied()
    }

    fn add(&mut self, segment: Segment) -> Result<(), String> {
        if self.segments.len() == MOST_SEGMENTS {
            return Err(format!("the layout has more than {MOST_SEGMENTS} segments"));
        }
        let length: usize = segment.fields.iter().map(|(_, length)| *length).fold(0, usize::saturating_add);
        let is_long = length > super::records::DATA_LENGTH;
        if is_long || segment.fields.is_empty() || segment.fields.iter().any(|(_, length)| *length == 0) {
            return Err(format!(
                "the segment `{}` needs fields with lengths, together 1000 characters at most",
                segment.definition
            ));
        }
        if let Some(known) = self.by_definition.get(&segment.definition) {
            let known = &mut self.segments[*known];
            if known.fields != segment.fields || known.name != segment.name {
                return Err(format!(
                    "the segment `{}` is there twice, with other fields",
                    segment.definition
                ));
            }
            known.under.extend(segment.under);
            return Ok(());
        }
        let at = self.segments.len();
        self.by_definition.insert(segment.definition.clone(), at);
        self.by_type.entry(segment.name.clone()).or_insert(at);
        self.segments.push(segment);
        Ok(())
    }

    /// Reads what transaction WE60 writes for parsers (Documentation, Parser).
    fn add_parser_text(&mut self, text: &str) -> Result<(), String> {
        let mut open: Option<(Segment, usize)> = None;
        let mut above: Vec<(String, usize)> = Vec::new();
        let mut count = 0;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(word), value) = (words.next(), words.next().unwrap_or_default()) else { continue };
            match (word, &mut open) {
                ("BEGIN_SEGMENT", _) => {
                    let name = type_of(value);
                    let segment =
                        Segment { name, definition: value.to_owned(), under: vec![], fields: vec![] };
                    open = Some((segment, 0));
                }
                ("SEGMENTTYPE", Some((segment, _))) => segment.name = value.to_owned(),
                ("LEVEL", Some((_, level))) => *level = value.parse().unwrap_or_default(),
                ("NAME", Some((segment, _))) => segment.fields.push((value.to_owned(), 0)),
                ("LENGTH", Some((segment, _))) => {
                    if let Some((_, length)) = segment.fields.last_mut() {
                        *length = value.parse().unwrap_or_default();
                    }
                }
                ("END_SEGMENT", Some(_)) => {
                    let Some((mut segment, level)) = open.take() else { continue };
                    above.retain(|(_, other)| *other < level);
                    segment.under.extend(above.last().map(|(name, _)| name.clone()));
                    above.push((segment.name.clone(), level));
                    count += 1;
                    self.add(segment)?;
                }
                _ => {}
            }
        }
        if count == 0 {
            return Err(
                "the text has no BEGIN_SEGMENT: it is what transaction WE60 writes for parsers".to_owned()
            );
        }
        Ok(())
    }
}

/// A segment as a workspace declares it, under the name of its definition.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    #[serde(default)]
    segment: Option<String>,
    #[serde(default)]
    under: Option<String>,
    fields: Named<usize>,
}

struct LayoutVisitor(IdocLayout);

impl<'de> Visitor<'de> for LayoutVisitor {
    type Value = IdocLayout;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("segments with their fields, the text that WE60 writes for parsers, or a list of these")
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<IdocLayout, E> {
        self.0.add_parser_text(text).map_err(E::custom)?;
        Ok(self.0)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<IdocLayout, A::Error> {
        while let Some(definition) = map.next_key::<String>()? {
            let Declared { segment, under, fields } = map.next_value()?;
            let name = segment.unwrap_or_else(|| type_of(&definition));
            let under = under.into_iter().collect();
            let segment = Segment { name, definition, under, fields: fields.0 };
            self.0.add(segment).map_err(de::Error::custom)?;
        }
        Ok(self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut parts: A) -> Result<IdocLayout, A::Error> {
        while let Some(part) = parts.next_element::<IdocLayout>()? {
            for segment in part.segments {
                self.0.add(segment).map_err(de::Error::custom)?;
            }
        }
        Ok(self.0)
    }
}

impl<'de> Deserialize<'de> for IdocLayout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LayoutVisitor(Self::default()))
    }
}
