//! A case: what had happened before, what happens now, and what is expected of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use lineshaft_model::json::Value;
use lineshaft_model::{Millis, Moment, Reason};
use serde::Deserialize;

use crate::workspace::decode::decode;
use crate::workspace::files::Files;
use crate::workspace::marked::{Kind, Mark, Node};
use crate::workspace::problem::{Problem, Problems};
use crate::workspace::{spelling, yaml};

/// When a case plays that does not say: 2026-01-05T08:00:00Z, a Monday.
const USUAL_TIME: Millis = Millis(1_767_600_000_000);

/// The largest file that a step sends, in bytes.
const MOST_INPUT_BYTES: u64 = 16 << 20;

/// One case.
#[derive(Debug)]
pub struct Case {
    /// Its file.
    pub file: String,
    /// What it says of itself.
    pub name: String,
    /// Where it begins.
    pub mark: Mark,
    /// The hub's time at its beginning.
    pub at: Millis,
    /// Cross references that are known.
    pub references: Vec<Reference>,
    /// What systems answer instead of taking everything, by `system.operation`.
    pub answers: BTreeMap<String, Answer>,
    /// What had happened before.
    pub given: Vec<Step>,
    /// What happens.
    pub when: Vec<Step>,
    /// The lists of `expect`, by their name.
    pub(super) expected: Vec<(String, Node)>,
    /// Where `expect` stands.
    pub(super) expect_mark: Mark,
    /// Whether everything that comes of it is kept in a file and compared.
    pub snapshot: bool,
}

/// What a system calls an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The object's type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Its canonical key.
    pub key: String,
    /// The system.
    pub system: String,
    /// What the system calls it.
    pub foreign_key: String,
}

/// What a system answers to an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// It refuses, and says why.
    pub refused: Option<String>,
    /// It takes what it is given and says what it calls the object.
    pub foreign_key: Option<String>,
}

/// Something that reaches the hub.
#[derive(Debug)]
pub struct Step {
    /// Where it stands.
    pub mark: Mark,
    /// When, if it says.
    pub at: Option<Millis>,
    /// What.
    pub what: What,
}

/// What reaches the hub.
#[derive(Debug)]
pub enum What {
    /// A system's own bytes.
    Input(Sent),
    /// An event of the CloudEvents API.
    Event {
        /// As the test has it; `specversion`, `id` and `source` may be left out.
        event: Value<'static>,
        /// The system the sender speaks for; empty for any.
        from: String,
    },
}

/// Bytes at a source.
#[derive(Debug)]
pub struct Sent {
    /// `system/source`.
    pub intake: String,
    /// As sent.
    pub bytes: Bytes,
    /// Media type.
    pub content_type: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The name of the file, when it comes as one.
    pub file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseSpec {
    test: String,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    at: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    answers: BTreeMap<String, Answer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepSpec {
    #[serde(rename = "in")]
    intake: Option<String>,
    from: Option<String>,
    at: Option<String>,
    file: Option<String>,
    body: Option<String>,
    content_type: Option<String>,
    file_name: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// The keys of `expect` that hold lists.
pub(super) const LISTS: [&str; 4] = ["events", "deliveries", "dropped", "quarantined"];

/// Reads the cases of all files.
pub(super) fn read(files: &Files, problems: &mut Problems) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    for (_, file, text) in files.of("tests") {
        let (tree, faults) = yaml::read(text);
        for fault in faults {
            problems.push(Problem::error(file, fault.mark, fault.code, fault.message).hint(fault.hint));
        }
        let Some(tree) = tree else { continue };
        let mut reader = Reader { file, root: files.root(), problems };
        let nodes = match tree.kind {
            Kind::List(items) => items,
            Kind::Map(ref entries) if entries.is_empty() => Vec::new(),
            _ => vec![tree],
        };
        for node in nodes {
            let Some(case) = reader.case(node) else { continue };
            if !names.insert((file.to_owned(), case.name.clone())) {
                let message = format!("this file has two tests `{}`", spelling::clip(&case.name));
                reader.error(case.mark, "duplicate-name", message, "say what makes them different");
            }
            cases.push(case);
        }
    }
    cases
}

struct Reader<'r> {
    file: &'r str,
    root: &'r Path,
    problems: &'r mut Problems,
}

impl Reader<'_> {
    fn error(&mut self, mark: Mark, code: &str, message: impl Into<String>, hint: &str) {
        self.problems.push(Problem::error(self.file, mark, code, message).hint(hint));
    }

    fn case(&mut self, mut node: Node) -> Option<Case> {
        let errors = self.problems.errors();
        let mark = node.mark;
        let steps = ["given", "when"].map(|key| node.take(key).map(|entry| entry.value));
        let expect = node.take("expect");
        let spec = decode::<CaseSpec>(&node, self.file, self.problems);
        let [given, when] = steps.map(|list| self.steps(list));
        if when.is_empty() && self.problems.errors() == errors {
            let hint = "write `when:` with a list of inputs (`in`) and events (`event`)";
            self.error(mark, "test-malformed", "nothing happens in this test", hint);
        }
        let Some(expect) = expect else {
            let hint =
                "write `expect:` with `events`, `deliveries`, `dropped`, `quarantined` or `snapshot: true`";
            self.error(mark, "test-malformed", "this test expects nothing", hint);
            return None;
        };
        let (expected, snapshot) = self.expected(&expect.value);
        let spec = spec?;
        let at = match &spec.at {
            Some(text) => self.time(node.place("/at"), text),
            None => USUAL_TIME,
        };
        let well = self.problems.errors() == errors;
        well.then_some(Case {
            file: self.file.to_owned(),
            name: spec.test,
            mark,
            at,
            references: spec.references,
            answers: spec.answers,
            given,
            when,
            expected,
            expect_mark: expect.mark,
            snapshot,
        })
    }

    fn expected(&mut self, expect: &Node) -> (Vec<(String, Node)>, bool) {
        let (mut lists, mut snapshot) = (Vec::new(), false);
        for entry in expect.entries() {
            match (entry.key.as_str(), &entry.value.kind) {
                ("snapshot", Kind::Bool(wanted)) => snapshot = *wanted,
                (key, Kind::List(items)) if LISTS.contains(&key) => {
                    for item in items.iter().filter(|item| !matches!(item.kind, Kind::Map(_))) {
                        let message = format!("here should be a mapping, not {}", item.describe());
                        let hint = "name what has to be there, for instance `- { to: erp.post-receipt }`";
                        self.error(item.mark, "test-malformed", message, hint);
                    }
                    lists.push((entry.key.clone(), entry.value.clone()));
                }
                (key, _) if key == "snapshot" || LISTS.contains(&key) => {
                    let message = format!("`{key}` is {}", entry.value.describe());
                    let hint = "the lists are lists, `[]` for none; `snapshot` is true or false";
                    self.error(entry.value.mark, "test-malformed", message, hint);
                }
                (key, _) => {
                    let known = LISTS.into_iter().chain(["snapshot"]);
                    let hint = spelling::meant(key, known);
                    let message = format!("`expect` has no `{}`", spelling::clip(key));
                    self.error(entry.mark, "test-malformed", message, &hint);
                }
            }
        }
        if expect.entries().is_empty() {
            let hint = "write `events`, `deliveries`, `dropped`, `quarantined` or `snapshot: true` below it";
            self.error(expect.mark, "test-malformed", "this test expects nothing", hint);
        }
        (lists, snapshot)
    }

    fn steps(&mut self, list: Option<Node>) -> Vec<Step> {
        let Some(list) = list else { return Vec::new() };
        let Kind::List(items) = list.kind else {
            let message = format!("here should be a list, not {}", list.describe());
            self.error(list.mark, "test-malformed", message, "begin every step with `-`");
            return Vec::new();
        };
        items.into_iter().filter_map(|item| self.step(item)).collect()
    }

    fn step(&mut self, mut node: Node) -> Option<Step> {
        let mark = node.mark;
        let event = node.take("event").map(|entry| entry.value);
        let json = node.take("json").map(|entry| entry.value);
        let spec = decode::<StepSpec>(&node, self.file, self.problems)?;
        let at = spec.at.as_ref().map(|text| self.time(node.place("/at"), text));
        let what = match (spec.intake.clone(), event) {
            (Some(intake), None) => {
                let bytes = self.bytes(&node, &spec, json)?;
                let name = spec.file.as_deref().map(|file| file.rsplit('/').next().unwrap_or(file));
                What::Input(Sent {
                    intake,
                    bytes,
                    content_type: spec.content_type.unwrap_or_default(),
                    headers: spec.headers.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v)).collect(),
                    file: spec.file_name.or(name.map(str::to_owned)).unwrap_or_default(),
                })
            }
            (None, Some(event)) => {
                What::Event { event: event.to_value(), from: spec.from.unwrap_or_default() }
            }
            _ => {
                let message = "a step is either an input (`in`) or an event (`event`)";
                let hint =
                    "write `in: system/source` with `file`, `body` or `json`; or `event: { type: ..., ... }`";
                self.error(mark, "test-malformed", message, hint);
                return None;
            }
        };
        Some(Step { mark, at, what })
    }

    fn bytes(&mut self, node: &Node, spec: &StepSpec, json: Option<Node>) -> Option<Bytes> {
        match (&spec.file, &spec.body, json) {
            (Some(file), None, None) => match self.file(file) {
                Ok(bytes) => Some(bytes),
                Err(reason) => {
                    self.problems.push(Problem::of_reason(self.file, node.place("/file"), reason));
                    None
                }
            },
            (None, Some(body), None) => Some(Bytes::from(body.clone())),
            (None, None, Some(json)) => Some(Bytes::from(json.to_value().to_vec())),
            _ => {
                let message = "an input has one of `file`, `body` and `json`";
                let hint =
                    "`file` is beside the test, `body` is text as it is sent, `json` is written as JSON";
                self.error(node.mark, "test-malformed", message, hint);
                None
            }
        }
    }

    /// The bytes of a file beside the test, which may not leave the workspace.
    fn file(&self, name: &str) -> Result<Bytes, Reason> {
        let beside = self.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let unreadable = |error: std::io::Error| {
            let message = format!("{} cannot be read: {error}", spelling::clip(name));
            Reason::new("file-unreadable", message).hint("paths start at the folder of the test")
        };
        let root = self.root.canonicalize().map_err(unreadable)?;
        let real = self.root.join(beside).join(name).canonicalize().map_err(unreadable)?;
        if !real.starts_with(&root) {
            return Err(Reason::new("file-outside", "the path leads out of the workspace")
                .hint("put the file beside the test"));
        }
        let size = std::fs::metadata(&real).map_err(unreadable)?.len();
        if size > MOST_INPUT_BYTES {
            let message = format!("{size} bytes are more than the {MOST_INPUT_BYTES} of a test's input");
            return Err(
                Reason::new("file-too-large", message).hint("a test needs no more than a few records")
            );
        }
        std::fs::read(&real).map(Bytes::from).map_err(unreadable)
    }

    fn time(&mut self, mark: Mark, text: &str) -> Millis {
        match text.parse::<Moment>() {
            Ok(moment) => moment.millis(),
            Err(reason) => {
                self.problems.push(Problem::of_reason(self.file, mark, reason));
                USUAL_TIME
            }
        }
    }
}
