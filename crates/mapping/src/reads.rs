//! What mappings and expressions read of their input, so that whoever changes a contract knows whom it concerns.

use crate::plan::reads::{ANY, Path, Paths};

/// The parts of the input that something reads. More may be counted than is read, never less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    paths: Paths,
    everything: bool,
}

impl Reads {
    /// Of something that cannot be looked into.
    #[must_use]
    pub fn everything() -> Self {
        Self { paths: Paths::default(), everything: true }
    }

    pub(crate) fn of(paths: Option<Paths>) -> Self {
        paths.map_or_else(Self::everything, |paths| Self { paths, everything: false })
    }

    /// What both read.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.paths.read.extend(other.paths.read);
        self.paths.passed.extend(other.paths.passed);
        self.everything |= other.everything;
        self
    }

    /// Whether nothing is known but that anything may be read.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.everything
    }

    /// What is read below a member of the input, as the member's own input.
    #[must_use]
    pub fn below(&self, member: &str) -> Self {
        let rest = |path: &Path| {
            let (first, rest) = path.split_first()?;
            (**first == *member || **first == *ANY).then(|| rest.to_vec())
        };
        let paths = Paths {
            read: self.paths.read.iter().filter_map(rest).collect(),
            passed: self.paths.passed.iter().filter_map(rest).collect(),
        };
        Self { paths, everything: self.everything || self.paths.read.contains(&Path::new()) }
    }

    /// Whether what stands at a path, or a part of it, is read. `*` stands for every element. A value that is passed on whole
    /// reads what is in it.
    #[must_use]
    pub fn touches(&self, path: &[&str]) -> bool {
        let one = |a: &str, b: &str| a == b || a == ANY || b == ANY;
        let same = |used: &Path| used.iter().zip(path).all(|(a, b)| one(a, b));
        self.everything
            || self.paths.read.iter().any(same)
            || self.paths.passed.iter().any(|passed| path.len() <= passed.len() && same(passed))
    }

    /// What is read with all that is below it, as JSON pointers, `*` for every element.
    pub fn pointers(&self) -> impl Iterator<Item = String> {
        self.paths.read.iter().map(|path| {
            let mut pointer = String::new();
            path.iter().for_each(|token| lineshaft_model::json::push_token(&mut pointer, token));
            pointer
        })
    }
}

#[cfg(test)]
mod tests {
    use lineshaft_model::json::{Limits, Value};

    use super::*;
    use crate::{Budget, Environment, Input, Mapping, Vars};

    fn reads(mapping: &str) -> Vec<String> {
        let reads = Mapping::compile("m.jq", mapping, &Environment::default()).unwrap().reads();
        assert!(!reads.is_everything(), "{mapping}");
        reads.pointers().collect()
    }

    #[test]
    fn what_gets_out_is_read_and_what_is_passed_by_is_not() {
        assert_eq!(reads("{ a: .data.x, b: .subject }"), ["/data/x", "/subject"]);
        assert_eq!(
            reads(".data | { lines: [.lines[] | { item, n: .quantity.value }] }"),
            ["/data/lines/*/item", "/data/lines/*/quantity/value"]
        );
        assert_eq!(
            reads(".data as $d | $d.lines | map(select(.open) | .item)"),
            ["/data/lines/*/item", "/data/lines/*/open"]
        );
        assert_eq!(reads("{ whole: .data, unused: .x } | .whole.a"), ["/data/a"]);
        assert_eq!(reads("def f($v): { u: $v.unit, w: .w }; f(.q)"), ["/q/unit", "/w"]);
        assert_eq!(reads(r#""\(.a)-\(.b[0].c)""#), ["/a", "/b/*/c"]);
        assert_eq!(reads("if .flag then .yes else .no end"), ["/flag", "/no", "/yes"]);
        let assigns = Mapping::compile("m.jq", ".a = 1", &Environment::default()).unwrap();
        assert!(assigns.reads().is_everything(), "what has no plan cannot be looked into");
    }

    #[test]
    fn what_cannot_be_told_counts_as_read() {
        assert_eq!(reads(".data"), ["/data"]);
        assert_eq!(reads("{ (.key): .value }"), ["/key", "/value"]);
        assert_eq!(reads(".data | to_entries | map(.key)"), ["/data"]);
        assert_eq!(reads("qty(.n; .u)"), ["/n", "/u"]);
        assert_eq!(reads(".n | strip_zeros"), ["/n"]);
    }

    #[test]
    fn a_path_is_touched_from_above_and_below() {
        let reads = Reads {
            paths: Paths {
                read: [vec!["lines".into(), ANY.into(), "item".into()], vec!["price".into()]].into(),
                passed: [vec!["head".into(), "note".into()]].into(),
            },
            everything: false,
        };
        assert!(reads.touches(&["lines", "*", "item"]));
        assert!(reads.touches(&["lines"]) && reads.touches(&["price", "amount"]));
        assert!(!reads.touches(&["lines", "*", "quantity"]) && !reads.touches(&["currency"]));
        assert!(
            reads.touches(&["head"])
                && reads.touches(&["head", "note"])
                && !reads.touches(&["head", "note", "x"])
        );
        assert!(Reads::everything().touches(&["anything"]));
    }

    const PROGRAMS: &[&str] = &[
        "{ a: .data.order, b: .subject }",
        ".data | { l: [.lines[] | { item, n: .quantity.value }] }",
        ".data.lines | map(select(.open) | { item, date: .dates[0] })",
        ".data as { order: $o, lines: [$first] } | { $o, i: $first.item }",
        "{ w: .data, x: .subject } | { o: .w.order, c: (.w.lines | length) }",
        ".data.lines | sort_by(.item) | map(.quantity)",
        "[.data.lines[] | select(.open) | .item] | join(\",\")",
        "def q($l): { u: $l.quantity.unit }; .data.lines | map(q(.)) | first",
        "if .data.lines[0].open then .data.order else .subject // \"none\" end",
        "(.data.none // .data.order) + \"x\"",
        ".data.lines | any(.open)",
        "[.data.lines[].dates | last]",
        "reduce .data.lines[] as $l (\"\"; . + $l.item)",
        "try (.data.lines[0].item | tonumber) catch \"none\"",
        ".data | to_entries | map(.key)",
        ".data.lines | group_by(.item) | map({ i: .[0].item, n: length })",
        "{ (.subject): .data.lines[-1:] }",
    ];
    const INPUT: &str = r#"{"subject":"S","other":7,"data":{"order":"O","note":"n","price":{"amount":"1"},"lines":[
        {"item":"B","open":true,"quantity":{"value":"3","unit":"C62"},"dates":["d1","d2"],"text":"t"},
        {"item":"A","open":false,"quantity":{"value":"4","unit":"KGM"},"dates":[],"text":"u"}]}}"#;

    fn leaves(value: &Value<'_>, at: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        let below: Vec<(String, &Value<'_>)> = match value {
            Value::Object(members) => members.iter().map(|(k, v)| (k.to_string(), v)).collect(),
            Value::Array(elements) => elements.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
            _ => Vec::new(),
        };
        if !at.is_empty() {
            found.push(at.clone());
        }
        for (token, value) in below {
            at.push(token);
            leaves(value, at, found);
            at.pop();
        }
    }
    fn changed(value: &Value<'_>, path: &[String]) -> Value<'static> {
        let Some((first, rest)) = path.split_first() else { return Value::String("changed".into()) };
        match value.clone().into_owned() {
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(k, v)| if *k == **first { (k, changed(&v, rest)) } else { (k, v) })
                    .collect(),
            ),
            Value::Array(elements) => Value::Array(
                elements
                    .into_iter()
                    .enumerate()
                    .map(|(n, v)| if n.to_string() == *first { changed(&v, rest) } else { v })
                    .collect(),
            ),
            other => other,
        }
    }

    /// Whoever reads nothing of a part does not notice when it is something else.
    #[test]
    fn what_is_not_read_does_not_matter() {
        let input = Value::parse(INPUT.as_bytes(), &Limits::DEFAULT).unwrap();
        let mut paths = Vec::new();
        leaves(&input, &mut Vec::new(), &mut paths);
        let (mut untouched, mut noticed) = (0, 0);
        for program in PROGRAMS {
            let mapping = Mapping::compile("m.jq", program, &Environment::default()).unwrap();
            let run = |input: &Value<'_>| {
                mapping
                    .run(&Input::from_tree(input.clone().into_owned()), &Vars::default(), &Budget::DEFAULT)
                    .ok()
            };
            let (reads, before) = (mapping.reads(), run(&input));
            assert!(before.is_some(), "{program}");
            for path in &paths {
                let is_index = |token: &String| token.bytes().all(|b| b.is_ascii_digit());
                let pattern: Vec<&str> = path.iter().map(|t| if is_index(t) { ANY } else { t }).collect();
                let same = run(&changed(&input, path)) == before;
                if reads.touches(&pattern) {
                    noticed += usize::from(!same);
                } else {
                    untouched += 1;
                    assert!(same, "{program} reads {path:?}");
                }
            }
        }
        assert!(untouched > 150 && noticed > 60, "{untouched} {noticed}");
    }
}
