//! How far an instance is: all of it, as data. Written down and read back, it goes on where it was.

use std::collections::{BTreeMap, VecDeque};

use lineshaft_model::Millis;
use serde::{Deserialize, Serialize};

use crate::definition::{Definition, Kind, ProcessName};
use crate::doc::Doc;
use crate::effect::{Effect, Stuck, Want};
use crate::fault::Fault;

/// The version of the form of a state that is written; older ones are read.
pub const STATE_VERSION: u16 = 1;

/// An instance of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) v: u16,
    pub(crate) id: String,
    pub(crate) process: ProcessName,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) business_key: String,
    /// The instance that waits for this one, and the key it waits under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<(String, String)>,
    pub(crate) started: Millis,
    /// The latest time it has seen: time never runs backwards for an instance.
    pub(crate) now: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Millis>,
    pub(crate) phase: Phase,
    /// As it was given, before `input.from`.
    pub(crate) input: Doc,
    pub(crate) context: Doc,
    pub(crate) output: Doc,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<Fault>,
    /// The latest event it has been shown.
    #[serde(default)]
    pub(crate) seen: u64,
    /// Steps taken.
    pub(crate) steps: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) root: Option<Root>,
    /// What was done and names its undo, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) undo: Vec<Undoable>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undoing: Option<Undoing>,
    /// How it ends once everything is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ending: Option<Ending>,
    /// What happened at each task.
    #[serde(default)]
    pub(crate) trail: BTreeMap<String, Trace>,
}

/// The phases of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Under way.
    Running,
    /// What was done is being undone.
    Compensating,
    /// An error that nothing caught is in a person's hands.
    Held,
    /// Done.
    Completed,
    /// Ended by an error; what could be undone is.
    Faulted,
    /// Ended by a person; what could be undone is.
    Cancelled,
}

impl Phase {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Held => "held",
            Self::Completed => "completed",
            Self::Faulted => "faulted",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Faulted | Self::Cancelled)
    }
}

/// How an instance ends once everything is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    Faulted,
    Cancelled,
}

/// The tasks of the process itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Root {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Millis>,
    pub(crate) tasks: Sequence,
}

/// A list of tasks, one of which is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sequence {
    /// Its number in the list.
    pub(crate) at: usize,
    /// How often a task of the list was entered before; only those entered more than once count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) visits: BTreeMap<String, u32>,
    pub(crate) child: Box<Frame>,
}

/// A live task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// Its place in the definition.
    pub(crate) task: String,
    /// Its name in this instance: the same for every attempt, another one for every turn of a loop.
    pub(crate) key: String,
    pub(crate) started: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Millis>,
    pub(crate) raw: Doc,
    pub(crate) input: Doc,
    pub(crate) body: Body,
}

/// What a live task is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Body {
    Tasks(Sequence),
    Loop { items: Vec<Doc>, index: usize, tasks: Sequence },
    Fork(Vec<Branch>),
    Trying { attempt: u32, since: Millis, until: Option<Millis>, tasks: Sequence },
    Pausing { attempt: u32, since: Millis, until: Millis },
    Catching { fault: Fault, tasks: Sequence },
    Wait { until: Millis },
    Effect(Effect),
    Listen(Box<Listening>),
    Function(Box<Frame>),
    Failed(Fault),
}

/// A branch of a fork.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Branch {
    Live(Box<Frame>),
    Done(Doc),
}

/// What was heard so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// Which filters of `all` have their event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) met: Vec<bool>,
    /// The same for the events that end it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) until_met: Vec<bool>,
    /// What correlations must be: given, or set by the first event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) keys: BTreeMap<String, Doc>,
    pub(crate) consumed: Vec<Doc>,
    /// What the tasks of `foreach` made of the events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) made: Vec<Doc>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(crate) queue: VecDeque<Doc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) turn: Option<Turn>,
    /// Whether nothing more is listened to.
    #[serde(default)]
    pub(crate) ended: bool,
}

/// The tasks of `foreach` at work on one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) item: Doc,
    pub(crate) tasks: Sequence,
}

/// Something that was done, or may have been, and names its undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoable {
    /// The place of the task.
    pub task: String,
    /// Its name in the instance.
    pub key: String,
    /// What it was given.
    pub input: Doc,
    /// What came of it; `null` when nobody knows.
    pub output: Doc,
    /// Whether it is known to have been done.
    pub certain: bool,
}

/// An undo that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undoing {
    pub(crate) of: Undoable,
    /// Attempts that failed.
    pub(crate) failed: u32,
    pub(crate) at: UndoAt,
}

/// Where an undo is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UndoAt {
    Tasks(Sequence),
    Pausing { until: Millis },
    Stuck(Fault),
}

/// What happened at a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// How often it was entered.
    pub runs: u32,
    /// When it was last entered.
    pub started: Millis,
    /// When it last ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Millis>,
    /// What it is now.
    pub phase: TaskPhase,
}

/// The phases of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// Under way.
    Running,
    /// Done.
    Completed,
    /// Its condition did not hold.
    Passed,
    /// An error ended it.
    Faulted,
    /// It was cut short.
    Cancelled,
    /// A person skipped it.
    Skipped,
    /// Done, and undone.
    Compensated,
}

/// An undo, and where it stands; for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoShown<'s> {
    /// What is undone.
    pub of: &'s Undoable,
    /// How often it failed.
    pub failed: u32,
    /// Why a person is asked.
    pub stuck: Option<&'s Fault>,
}

impl State {
    /// The instance.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its definition.
    #[must_use]
    pub const fn process(&self) -> &ProcessName {
        &self.process
    }

    /// What it is known by in business; empty for nothing.
    #[must_use]
    pub fn business_key(&self) -> &str {
        &self.business_key
    }

    /// The instance that waits for it, and the key it waits under.
    #[must_use]
    pub const fn parent(&self) -> Option<&(String, String)> {
        self.parent.as_ref()
    }

    /// When it started.
    #[must_use]
    pub const fn started(&self) -> Millis {
        self.started
    }

    /// When it last took a step.
    #[must_use]
    pub const fn updated(&self) -> Millis {
        self.now
    }

    /// When it ended.
    #[must_use]
    pub const fn ended(&self) -> Option<Millis> {
        self.ended
    }

    /// Its phase.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What it was given.
    #[must_use]
    pub const fn input(&self) -> &Doc {
        &self.input
    }

    /// Its context.
    #[must_use]
    pub const fn context(&self) -> &Doc {
        &self.context
    }

    /// Its output; `null` until it is completed.
    #[must_use]
    pub const fn output(&self) -> &Doc {
        &self.output
    }

    /// The error that ended or holds it.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// What happened at each task, by its place.
    #[must_use]
    pub const fn trail(&self) -> &BTreeMap<String, Trace> {
        &self.trail
    }

    /// What could be undone, oldest first.
    #[must_use]
    pub fn undoable(&self) -> &[Undoable] {
        &self.undo
    }

    /// What is being undone.
    #[must_use]
    pub fn undoing(&self) -> Option<UndoShown<'_>> {
        self.undoing.as_ref().map(|undoing| UndoShown {
            of: &undoing.of,
            failed: undoing.failed,
            stuck: match &undoing.at {
                UndoAt::Stuck(fault) => Some(fault),
                _ => None,
            },
        })
    }

    /// The latest event it has been shown.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// Steps taken.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether it waits for events.
    #[must_use]
    pub fn listens(&self) -> bool {
        let mut listens = false;
        self.each_frame(&mut |frame| {
            listens |= matches!(&frame.body, Body::Listen(listening) if !listening.ended);
        });
        listens
    }

    /// The types of events it waits for; none when events of any type may count.
    #[must_use]
    pub fn hears(&self, definition: &Definition) -> Option<Vec<String>> {
        let mut types = Some(Vec::new());
        self.each_frame(&mut |frame| {
            let Body::Listen(listening) = &frame.body else { return };
            let kind = definition.task(&frame.task).map(|task| &task.kind);
            if let (Some(Kind::Listen(listen)), false) = (kind, listening.ended) {
                let more = listen.to.event_types();
                types = types.take().zip(more).map(|(all, more): (Vec<String>, _)| [all, more].concat());
            }
        });
        types
    }

    /// The places of its live tasks, outermost first.
    #[must_use]
    pub fn live(&self) -> Vec<&str> {
        let mut live = Vec::new();
        self.each_frame(&mut |frame| live.push(frame.task.as_str()));
        live
    }

    /// The keys of its live tasks and their places, outermost first.
    #[must_use]
    pub fn live_keys(&self) -> Vec<(&str, &str)> {
        let mut live = Vec::new();
        self.each_frame(&mut |frame| live.push((frame.key.as_str(), frame.task.as_str())));
        live
    }

    /// When it next wants to be told the time.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        if !matches!(self.phase, Phase::Running | Phase::Compensating) {
            return None;
        }
        let mut due: Option<Millis> = self.root.as_ref().and_then(|root| root.deadline);
        let mut sooner = |at: Option<Millis>| due = [due, at].into_iter().flatten().min();
        if let Some(Undoing { at: UndoAt::Pausing { until }, .. }) = &self.undoing {
            sooner(Some(*until));
        }
        self.each_frame(&mut |frame| {
            if matches!(frame.body, Body::Failed(_)) {
                return;
            }
            sooner(frame.deadline);
            match &frame.body {
                Body::Wait { until } | Body::Pausing { until, .. } => sooner(Some(*until)),
                Body::Trying { until, .. } => sooner(*until),
                _ => {}
            }
        });
        due
    }

    /// What it waits for, each under its key.
    #[must_use]
    pub fn wants(&self) -> BTreeMap<String, Want> {
        let mut wants = BTreeMap::new();
        if self.phase == Phase::Held
            && let Some(fault) = &self.fault
        {
            let (stuck, task) = (Stuck::Faulted, fault.instance.clone());
            wants.insert(format!("{}!held", self.id), Want::Decision { stuck, task, fault: fault.clone() });
        }
        if let Some(Undoing { of, at: UndoAt::Stuck(fault), .. }) = &self.undoing {
            let (stuck, task) = (Stuck::Undo, of.task.clone());
            wants.insert(
                format!("{}!undo!case", of.key),
                Want::Decision { stuck, task, fault: fault.clone() },
            );
        }
        if matches!(self.phase, Phase::Running | Phase::Compensating | Phase::Held) {
            self.each_frame(&mut |frame| {
                if let Body::Effect(effect) = &frame.body {
                    wants.insert(frame.key.clone(), Want::Effect(effect.clone()));
                }
            });
        }
        wants
    }

    /// Shows every live frame, outermost first.
    fn each_frame<'s>(&'s self, see: &mut dyn FnMut(&'s Frame)) {
        if let Some(root) = &self.root {
            root.tasks.child.each(see);
        }
        if let Some(Undoing { at: UndoAt::Tasks(tasks), .. }) = &self.undoing {
            tasks.child.each(see);
        }
    }
}

impl Frame {
    fn each<'s>(&'s self, see: &mut dyn FnMut(&'s Self)) {
        see(self);
        match &self.body {
            Body::Tasks(tasks)
            | Body::Loop { tasks, .. }
            | Body::Trying { tasks, .. }
            | Body::Catching { tasks, .. } => tasks.child.each(see),
            Body::Fork(branches) => {
                for branch in branches {
                    if let Branch::Live(frame) = branch {
                        frame.each(see);
                    }
                }
            }
            Body::Listen(listening) => {
                if let Some(turn) = &listening.turn {
                    turn.tasks.child.each(see);
                }
            }
            Body::Function(frame) => frame.each(see),
            Body::Pausing { .. } | Body::Wait { .. } | Body::Effect(_) | Body::Failed(_) => {}
        }
    }
}
