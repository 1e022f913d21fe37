//! YAML text to a marked tree, strictly and within a budget.
//!
//! One document a file, core schema of YAML 1.2, keys are texts and come once. Anchors and aliases are understood, but a
//! budget counts what they unfold to; merge keys (`<<`), tags of our own and directives are refused.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::marked::{Entry, Kind, Mark, Node};

/// What one file may hold.
const MOST_NODES: usize = 200_000;
/// How deep it may nest; the tree is walked recursively.
const DEEPEST: usize = 64;
/// How long a key may be, in bytes.
const LONGEST_KEY: usize = 512;

/// Why a text is no acceptable YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Where.
    pub mark: Mark,
}

/// Reads a whole file. The tree is there unless the text cannot be read on from some point; duplicate keys and the like
/// leave a tree beside the faults, so that the rest can be checked as well.
#[must_use]
pub fn read(text: &str) -> (Option<Node>, Vec<Fault>) {
    let mut options = granit_parser::options! {
        strict_indentation: true,
        disallow_directives: true,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { text, parser, anchors: HashMap::new(), nodes: 0, faults: Vec::new() };
    match reader.document() {
        Ok(node) => (Some(node), reader.faults),
        Err(fault) => {
            reader.faults.push(*fault);
            (None, reader.faults)
        }
    }
}

type Read<T> = Result<T, Box<Fault>>;

struct Reader<'t> {
    text: &'t str,
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    /// Anchored nodes and how many nodes each stands for.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Read<(Event<'t>, Span)> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(Box::new(self.malformed(&error))),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn malformed(&self, error: &ScanError) -> Fault {
        let marker = error.marker();
        let start = marker.byte_offset().unwrap_or(0).min(self.text.len());
        let mark = Mark { line: at(marker.line()), column: at(marker.col() + 1), start, end: start };
        let mut message = error.info();
        if let Some(first) = message.get(..1) {
            message = format!("the YAML cannot be read: {}{}", first.to_lowercase(), &message[1..]);
        }
        Fault {
            code: "yaml-malformed",
            message,
            hint: "look at the indentation, quotes, colons and brackets here and on the line before"
                .to_owned(),
            mark: mark.within(self.text),
        }
    }

    fn mark(&self, span: &Span) -> Mark {
        let range = span.byte_range().unwrap_or(0..0);
        let start = range.start.min(self.text.len());
        // A block's span runs up to the next token: an annotation should end with its own text.
        let end = range.end.clamp(start, self.text.len());
        let end = start + self.text.get(start..end).map_or(0, |part| part.trim_end().len());
        Mark { line: at(span.start.line()), column: at(span.start.col() + 1), start, end }
    }

    fn document(&mut self) -> Read<Node> {
        let mut node = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(node.unwrap_or_else(Node::empty)),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if node.is_some() => {
                    let mark = self.mark(&span);
                    return Err(fault("yaml-malformed", "a second document in one file", mark)
                        .hinted("keep one document a file; take the `---` out"));
                }
                Event::DocumentStart(..) => {}
                event => node = Some(self.node(event, &span, 0)?),
            }
        }
    }

    fn count(&mut self, nodes: usize, mark: Mark) -> Read<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            let message = format!("more than {MOST_NODES} values in one file, aliases unfolded");
            return Err(fault("yaml-too-large", message, mark).hinted("split the file"));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Read<Node> {
        let mark = self.mark(span);
        if depth > DEEPEST {
            return Err(fault("yaml-too-large", format!("nested more than {DEEPEST} levels deep"), mark)
                .hinted("flatten it"));
        }
        self.count(1, mark)?;
        if let Some(tag) = event.tag().filter(|tag| !tag.is_yaml_core_schema()) {
            let message = format!("`{}` is a tag, and tags have no meaning here", tag.original());
            self.faults.push(*fault("yaml-malformed", message, mark).hinted("take the tag out"));
        }
        let anchor = event.anchor_id().filter(|id| *id != 0);
        let counted = self.nodes;
        let kind = match event {
            Event::Scalar(value, style, _, tag) => {
                let text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                scalar(&value, style == ScalarStyle::Plain && !text)
            }
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            Event::Alias(id) => return self.alias(id, mark),
            other => {
                let message = format!("the YAML cannot be read: {other:?} was not expected here");
                return Err(fault("yaml-malformed", message, mark));
            }
        };
        let node = Node { mark, kind };
        if let Some(id) = anchor {
            self.anchors.insert(id, (node.clone(), self.nodes - counted + 1));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, mark: Mark) -> Read<Node> {
        // The nodes are counted before they are copied, so a bomb of aliases never unfolds.
        let Some(nodes) = self.anchors.get(&id).map(|(_, nodes)| *nodes) else {
            return Err(fault("yaml-malformed", "the alias stands inside its own anchor", mark)
                .hinted("write the value out instead"));
        };
        self.count(nodes, mark)?;
        let copy = self.anchors.get(&id).map_or_else(Node::empty, |(node, _)| node.clone());
        Ok(Node { mark, ..copy })
    }

    fn list(&mut self, depth: usize) -> Read<Kind> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Kind::List(items));
            }
            items.push(self.node(event, &span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Read<Kind> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, Mark> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Kind::Map(entries));
            }
            let key = self.node(event, &span, depth + 1)?;
            let mark = key.mark;
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            let Some(key) = self.key(key) else { continue };
            if let Some(first) = seen.get(&key) {
                let message =
                    format!("the key `{key}` stands here a second time, first on line {}", first.line);
                self.faults.push(*fault("yaml-duplicate-key", message, mark).hinted("keep one of the two"));
                continue;
            }
            seen.insert(key.clone(), mark);
            entries.push(Entry { key, mark, value });
        }
    }

    /// The key as text; nothing, and a fault, when it cannot be one.
    fn key(&mut self, node: Node) -> Option<String> {
        let mark = node.mark;
        let (message, hint) = match node.kind {
            Kind::Text(text) if text == "<<" => (
                "merge keys are not part of YAML 1.2",
                "write the values out, or use an alias for a whole value",
            ),
            Kind::Text(text) if text.len() <= LONGEST_KEY => return Some(text),
            Kind::Number(text) => return Some(text),
            Kind::Bool(truth) => return Some(truth.to_string()),
            Kind::Null => ("a value without a key", "write the key before the colon"),
            Kind::Text(_) => {
                ("the key is too long", "a colon may stand where none was meant: quote the text")
            }
            Kind::List(_) | Kind::Map(_) => {
                ("a list or mapping cannot be a key", "quote it when text with brackets or braces is meant")
            }
        };
        self.faults.push(*fault("yaml-malformed", message, mark).hinted(hint));
        None
    }
}

fn fault(code: &'static str, message: impl Into<String>, mark: Mark) -> Box<Fault> {
    Box::new(Fault { code, message: message.into(), hint: String::new(), mark })
}

trait Hinted {
    fn hinted(self, hint: &str) -> Self;
}

impl Hinted for Box<Fault> {
    fn hinted(mut self, hint: &str) -> Self {
        self.hint = hint.to_owned();
        self
    }
}

fn at(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX).max(1)
}

/// A plain scalar by the core schema; anything quoted is text.
fn scalar(text: &str, plain: bool) -> Kind {
    if !plain {
        return Kind::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if is_json_number(text) => Kind::Number(text.to_owned()),
        _ => Kind::Text(text.to_owned()),
    }
}

/// Numbers are what JSON calls numbers: `007`, `0x1f`, `1_000` and `.5` stay texts, as business keys would want.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|part| digits(part.strip_prefix(['+', '-']).unwrap_or(part)))
}

#[cfg(test)]
mod tests;
