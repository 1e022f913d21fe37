//! What others may ask of the conductor.

use lineshaft_model::{Fingerprint, Position, Reason};
use lineshaft_process::{Answer, Definition, Doc, Occurrence, Phase, ProcessName, Start, State, Want};
use lineshaft_store::reading::Reading;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::desk::{By, Desk};
use crate::handle::Asked;

/// The way to the conductor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Conductor {
    asks: mpsc::Sender<Ask>,
    reading: Reading,
}

/// An instance that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Started {
    /// The instance.
    pub id: String,
    /// Whether it was begun now; if not, the same was asked before.
    pub new: bool,
}

/// An instance after a person acted on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Acted {
    /// The instance.
    pub id: String,
    /// Its phase now.
    pub phase: &'static str,
}

/// A question to a person that an instance waits for.
#[derive(Clone, Debug, Serialize)]
pub struct Wanted {
    /// The key under which it is answered.
    pub key: String,
    /// `case` for a question of the process, `held` or `undo` for one about the instance itself.
    pub kind: &'static str,
    /// The place of the task.
    pub task: String,
    /// What is asked, as JSON.
    pub about: Box<serde_json::value::RawValue>,
}

/// What a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The answer to a question of the process, as JSON.
    Answer {
        /// The key of the question.
        key: String,
        /// The answer.
        output: Doc,
    },
    /// Try again what failed.
    Retry,
    /// Count a live task as done.
    Skip {
        /// Its key; empty for the one that failed.
        key: String,
        /// What it is to have given; `null` for its input.
        output: Doc,
    },
    /// End it, and undo what can be undone.
    Cancel,
    /// Let the rest of an undo be.
    Abandon,
}

pub(crate) enum Ask {
    Start {
        process: ProcessName,
        input: Doc,
        key: String,
        by: By,
        reply: oneshot::Sender<Result<Started, Reason>>,
    },
    Decide {
        id: String,
        decision: Decision,
        by: By,
        reply: oneshot::Sender<Result<Acted, Reason>>,
    },
}

/// An answer that is told once everything is durable.
pub(crate) enum Wait {
    Started(oneshot::Sender<Result<Started, Reason>>, Result<Started, Reason>),
    Acted(oneshot::Sender<Result<Acted, Reason>>, Result<Acted, Reason>),
}

impl Wait {
    pub(crate) fn tell(self) {
        // Whoever asked may have gone away; what they asked for is done all the same.
        match self {
            Self::Started(reply, started) => drop(reply.send(started)),
            Self::Acted(reply, acted) => drop(reply.send(acted)),
        }
    }
}

impl Conductor {
    pub(crate) const fn new(asks: mpsc::Sender<Ask>, reading: Reading) -> Self {
        Self { asks, reading }
    }

    /// Starts an instance. Asked again with the same idempotency key it is the same instance; an empty key is none. Durable when
    /// it returns.
    pub async fn start(
        &self,
        process: ProcessName,
        input: Doc,
        key: &str,
        asked: Asked,
    ) -> Result<Started, Reason> {
        let (reply, answer) = oneshot::channel();
        let by = By { actor: asked.actor, reason: asked.reason };
        let ask = Ask::Start { process, input, key: key.to_owned(), by, reply };
        self.asks.send(ask).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }

    /// Decides something about an instance. Durable when it returns.
    pub async fn decide(&self, id: &str, decision: Decision, asked: Asked) -> Result<Acted, Reason> {
        if asked.reason.trim().is_empty() && !matches!(decision, Decision::Retry) {
            return Err(Reason::new("reason-missing", "this is decided with a reason").at("/reason"));
        }
        let (reply, answer) = oneshot::channel();
        let by = By { actor: asked.actor, reason: asked.reason };
        let ask = Ask::Decide { id: id.to_owned(), decision, by, reply };
        self.asks.send(ask).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }

    /// Where an instance stands, as far as the views know it: its state, and the definition it runs by. Blocks.
    pub fn show(&self, id: &str) -> Result<Option<(State, Definition, Position)>, Reason> {
        let Some(row) = self.reading.process(id).map_err(|error| error.reason())? else { return Ok(None) };
        let Some((head, state)) = self.reading.step(row.position).map_err(|error| error.reason())? else {
            return Ok(None);
        };
        let state = serde_json::from_slice(&state).map_err(|error| unreadable(&error.to_string()))?;
        let source = self.reading.definition(&head.digest).map_err(|error| error.reason())?;
        let source = source.ok_or_else(|| unreadable("its definition is not in the journal"))?;
        let environment = lineshaft_process::Environment::default();
        // For showing, what its expressions would see is not needed; one that names a code list is shown without it.
        let definition = Definition::written(&source, &environment).map_err(|error| unreadable(&error))?;
        Ok(Some((state, definition, row.position)))
    }

    pub(super) fn row(&self, id: &str) -> Result<Option<lineshaft_store::reading::ProcessRow>, Reason> {
        self.reading.process(id).map_err(|error| error.reason())
    }

    /// Resolves once an instance has ended, or after `timeout_ms`; says whether it has.
    pub async fn ended(&self, id: &str, timeout_ms: u64, hub: &crate::Handle) -> Result<bool, Reason> {
        let mut applied = hub.applied();
        let deadline = hub.pause(timeout_ms);
        tokio::pin!(deadline);
        loop {
            applied.borrow_and_update();
            if self.row(id)?.is_some_and(|row| row.ended) {
                return Ok(true);
            }
            tokio::select! {
                () = &mut deadline => return Ok(false),
                changed = applied.changed() => if changed.is_err() { return Ok(false) },
                () = hub.stopping() => return Ok(false),
            }
        }
    }

    /// The questions to persons that a state asks.
    #[must_use]
    pub fn questions(state: &State) -> Vec<Wanted> {
        let places: std::collections::BTreeMap<&str, &str> = state.live_keys().into_iter().collect();
        let wanted = state.wants().into_iter().filter_map(|(key, want)| {
            let (kind, task, about) = match want {
                Want::Effect(lineshaft_process::Effect::Case(about)) => {
                    ("case", places.get(key.as_str()).copied().unwrap_or_default().to_owned(), about)
                }
                Want::Decision { stuck: lineshaft_process::Stuck::Faulted, task, fault } => {
                    ("held", task, fault.doc())
                }
                Want::Decision { task, fault, .. } => ("undo", task, fault.doc()),
                Want::Effect(_) => return None,
            };
            let about = serde_json::value::RawValue::from_string(about.as_str().to_owned()).ok()?;
            Some(Wanted { key, kind, task, about })
        });
        wanted.collect()
    }
}

impl Desk {
    pub(crate) fn ask(&mut self, ask: Ask) -> Result<Option<Wait>, Reason> {
        Ok(Some(match ask {
            Ask::Start { process, input, key, by, reply } => {
                let started = self.asked_to_start(&process, input, &key, &by)?;
                Wait::Started(reply, started)
            }
            Ask::Decide { id, decision, by, reply } => {
                let acted = self.asked_to_act(&id, decision, &by)?;
                Wait::Acted(reply, acted)
            }
        }))
    }

    fn asked_to_start(
        &mut self,
        process: &ProcessName,
        input: Doc,
        key: &str,
        by: &By,
    ) -> Result<Result<Started, Reason>, Reason> {
        // A name alone is enough where it is the only one.
        let same = |definition: &&std::sync::Arc<Definition>| definition.name().name == process.name;
        let only = self.current.values().filter(same).count() == 1 && process.namespace.is_empty();
        let by_name = if only { self.current.values().find(same).cloned() } else { None };
        let Some(definition) = by_name.or_else(|| self.current(process)) else {
            let names: Vec<String> =
                self.current.values().map(|definition| definition.name().to_string()).collect();
            let message = format!("there is no process {process}");
            let hint = if names.is_empty() { "the workspace has none".to_owned() } else { names.join(", ") };
            return Ok(Err(Reason::new("process-unknown", message).hint(hint)));
        };
        let identity = match key {
            "" => {
                let shared = self.shared()?;
                Fingerprint::of(&[
                    &shared.clock.ticks_us().to_string(),
                    &shared.jitter().to_string(),
                    &self.count().to_string(),
                ])
            }
            key => Fingerprint::of(&["start", &process.namespace, &process.name, key]),
        };
        let id = format!("{}-{:016x}", process.name, identity.short());
        let new = Start { id: id.clone(), input, parent: None, seen: self.followed.0 };
        let new = self.begin(&definition, new, by)?;
        self.run()?;
        Ok(Ok(Started { id, new }))
    }

    fn asked_to_act(
        &mut self,
        id: &str,
        decision: Decision,
        by: &By,
    ) -> Result<Result<Acted, Reason>, Reason> {
        let occurrence = match decision {
            Decision::Answer { key, output } => Occurrence::Answered { key, answer: Answer::Done(output) },
            Decision::Retry => Occurrence::Retry,
            Decision::Skip { key, output } => Occurrence::Skip { key, output },
            Decision::Cancel => Occurrence::Cancel,
            Decision::Abandon => Occurrence::Abandon,
        };
        let Some(state) = self.state(id)? else {
            return Ok(Err(Reason::new("process-instance-unknown", format!("there is no instance `{id}`"))));
        };
        // Only questions to persons are answered by persons.
        if let Occurrence::Answered { key, .. } = &occurrence
            && !Conductor::questions(&state).iter().any(|wanted| wanted.kind == "case" && wanted.key == *key)
        {
            let message = format!("{id} asks nothing under `{key}`");
            return Ok(Err(
                Reason::new("process-not-waiting", message).hint("it may have been answered meanwhile")
            ));
        }
        if !self.tell(id, &occurrence, by)? {
            let message = format!("{id} is {}: that changes nothing", state.phase().as_str());
            let hint = "look at where it stands now; retry and skip are for what failed or is live";
            return Ok(Err(Reason::new("process-not-waiting", message).hint(hint)));
        }
        self.run()?;
        let phase = self.state(id)?.map_or(Phase::Running, |state| state.phase());
        Ok(Ok(Acted { id: id.to_owned(), phase: phase.as_str() }))
    }
}

fn stopping() -> Reason {
    Reason::new("hub-stopping", "the hub is stopping")
}

fn unreadable(why: &str) -> Reason {
    Reason::new("record-unreadable", why.to_owned())
        .hint("a later version may have written it: run the version that did")
}
