//! What the conductor has before it: the instances that are under way, who waits for what, and the steps that were taken and
//! are not written yet. It waits for nothing; reads block.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use lineshaft_model::record::{Defined, DefinedHead, Step, StepHead};
use lineshaft_model::{DeliveryId, Fingerprint, Millis, Position, Reason};
use lineshaft_process::{
    Answer, Command, Definition, Effect, Fault, Occurrence, Outcome, ProcessName, Standard, Start, State,
    Trigger, Want, start, step,
};

use super::PROCESSES;
use crate::hub::Shared;
use crate::setup::Setup;

/// The steps of one batch, in number and bytes, and what one record brings more.
const MOST_STEPS: usize = 1_000;
const MOST_BYTES: usize = 16 << 20;

/// Processes that begin one another within one step, at most: each takes a part of the stack.
const DEEPEST: usize = 32;

/// States kept at hand.
const MOST_STATES: usize = 8192;
/// Rows read at a time when the hub starts.
const PAGE: usize = 1000;

/// Who did something, and why; empty for the hub itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct By {
    pub(crate) actor: String,
    pub(crate) reason: String,
}

/// An instance that is under way.
#[derive(Debug, Default)]
struct Live {
    due: Option<Millis>,
    /// The types of events it waits for; `None` for any.
    hears: Option<Vec<String>>,
}

/// A state at hand.
#[derive(Debug)]
struct Held {
    state: State,
    digest: String,
    /// Its record; zero until it is written.
    position: Position,
}

/// Something to be done once the steps are durable.
#[derive(Debug)]
pub(crate) enum Todo {
    Send { id: String, key: String, effect: Box<Effect> },
    Withdraw { key: String },
}

/// See the module.
#[derive(Default)]
pub(crate) struct Desk {
    shared: Option<Arc<Shared>>,
    setup: Option<Arc<Setup>>,
    /// By namespace and name: what new instances run by.
    pub(super) current: BTreeMap<(String, String), Arc<Definition>>,
    definitions: HashMap<String, Arc<Definition>>,
    /// Definitions that were written lately, and where; the views may not know them yet.
    recorded: HashMap<String, Position>,
    live: HashMap<String, Live>,
    dues: BTreeSet<(Millis, String)>,
    by_type: HashMap<String, BTreeSet<String>>,
    by_any: BTreeSet<String>,
    pub(super) triggers: HashMap<String, Trigger>,
    states: HashMap<String, Held>,
    /// Deliveries that are waited for: the instance, and the key.
    pub(super) deliveries: HashMap<DeliveryId, (String, String)>,
    pub(super) asked: HashMap<String, DeliveryId>,
    pub(super) queue: VecDeque<(String, Occurrence, By)>,
    defined: Vec<Defined>,
    steps: Vec<Step>,
    todo: Vec<Todo>,
    /// The last record that was looked at.
    pub(crate) followed: Position,
    /// How far that is written down.
    pub(crate) token_at: Position,
    /// Whether nothing was asked for yet since the hub started.
    pub(crate) opening: bool,
    /// When a schedule next starts an instance.
    pub(super) starts: BTreeMap<(String, String), Millis>,
    /// How deep processes are beginning one another just now.
    depth: usize,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("live", &self.live.len())
            .field("followed", &self.followed)
            .finish_non_exhaustive()
    }
}

impl Desk {
    /// Everything as the journal has it; the views have applied all of it up to `end`. What instances want is to be asked for
    /// again.
    pub(crate) fn open(shared: &Arc<Shared>, end: Position) -> Result<Self, Reason> {
        let token = shared.views.tokens(PROCESSES).map_err(|error| error.reason())?;
        let followed = token.first().and_then(|(_, token)| token.parse().ok()).unwrap_or(end);
        // What retention has dropped since cannot be followed any more.
        let followed = followed.max(Position(shared.records.first().0.saturating_sub(1)));
        let hub = Some(Arc::clone(shared));
        let mut desk = Self { shared: hub, followed, token_at: followed, opening: true, ..Self::default() };
        desk.configured()?;
        let mut after = String::new();
        loop {
            let rows = shared.views.live_processes(&after, PAGE).map_err(|error| error.reason())?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            for row in &rows {
                let Some(state) = desk.state(&row.id)? else { continue };
                let Some(definition) = desk.definition(&row.digest)? else { continue };
                desk.note(&state, &definition);
            }
        }
        // What came before the end is known to the views: what is still wanted then is asked for, and nothing twice.
        desk.follow(end)?;
        desk.todo.clear();
        let live: Vec<String> = desk.live.keys().cloned().collect();
        for id in live {
            let Some(state) = desk.state(&id)? else { continue };
            for (key, want) in state.wants() {
                desk.want(&id, key, want)?;
            }
        }
        desk.run()?;
        Ok(desk)
    }

    pub(super) fn shared(&self) -> Result<&Arc<Shared>, Reason> {
        self.shared.as_ref().ok_or_else(|| Reason::new("internal-fault", "the conductor has no hub"))
    }

    /// Takes over the processes of the configuration, if it is another one.
    pub(crate) fn configured(&mut self) -> Result<(), Reason> {
        let setup = self.shared()?.setup.load();
        if self.setup.as_ref().is_some_and(|known| Arc::ptr_eq(known, &setup)) {
            return Ok(());
        }
        self.current = BTreeMap::new();
        for definition in &setup.processes {
            let name = definition.name();
            self.definitions.insert(definition.digest().to_owned(), Arc::clone(definition));
            self.current.insert((name.namespace.clone(), name.name.clone()), Arc::clone(definition));
        }
        self.triggers.retain(|digest, _| setup.processes.iter().any(|d| d.digest() == digest));
        self.setup = Some(setup);
        self.plan_starts()
    }

    pub(super) fn setup(&self) -> Option<&Arc<Setup>> {
        self.setup.as_ref()
    }

    /// The current definition with this name, of this version when one is asked for.
    pub(super) fn current(&self, name: &ProcessName) -> Option<Arc<Definition>> {
        let found = self.current.get(&(name.namespace.clone(), name.name.clone()))?;
        let fits = matches!(name.version.as_str(), "latest" | "") || found.name().version == name.version;
        fits.then(|| Arc::clone(found))
    }

    /// A definition by its fingerprint: of this configuration, or of an earlier one from the journal.
    pub(super) fn definition(&mut self, digest: &str) -> Result<Option<Arc<Definition>>, Reason> {
        if let Some(known) = self.definitions.get(digest) {
            return Ok(Some(Arc::clone(known)));
        }
        let source = self.shared()?.reading.definition(digest).map_err(|error| error.reason())?;
        let Some(source) = source else { return Ok(None) };
        let read = match self.current.values().next() {
            Some(other) => other.sibling(&source),
            None => Definition::written(&source, &lineshaft_process::Environment::default()),
        };
        match read {
            Ok(definition) => {
                let definition = Arc::new(definition);
                self.definitions.insert(digest.to_owned(), Arc::clone(&definition));
                Ok(Some(definition))
            }
            Err(problem) => {
                tracing::error!(
                    digest,
                    problem,
                    code = "process-definition-unreadable",
                    "an instance waits: its definition cannot be read any more"
                );
                Ok(None)
            }
        }
    }

    /// Where an instance stands.
    pub(super) fn state(&mut self, id: &str) -> Result<Option<State>, Reason> {
        if let Some(held) = self.states.get(id) {
            return Ok(Some(held.state.clone()));
        }
        let reading = self.shared()?.reading.clone();
        let row = reading.process(id).map_err(|error| error.reason())?;
        let Some(row) = row else { return Ok(None) };
        let Some((head, state)) = reading.step(row.position).map_err(|error| error.reason())? else {
            return Ok(None);
        };
        let state: State = serde_json::from_slice(&state).map_err(|error| {
            Reason::new("record-unreadable", format!("the state of {id} at {}: {error}", row.position))
                .hint("a later version may have written it: run the version that did")
        })?;
        let held = Held { state: state.clone(), digest: head.digest, position: row.position };
        self.states.insert(id.to_owned(), held);
        Ok(Some(state))
    }

    /// The latest instance of a process among those at hand, which may not be in the views yet.
    pub(super) fn latest_at_hand(&self, process: &ProcessName) -> Option<&State> {
        let ours = self.states.values().map(|held| &held.state).filter(|state| state.process() == process);
        ours.max_by_key(|state| state.started())
    }

    /// Whether the steps taken are as much as one batch of the journal should hold.
    pub(super) fn is_full(&self) -> bool {
        let bytes: usize = self.steps.iter().map(|step| step.state.len()).sum();
        self.steps.len() >= MOST_STEPS || bytes > MOST_BYTES
    }

    /// Begins an instance, unless there is one with this id already.
    pub(super) fn begin(
        &mut self,
        definition: &Arc<Definition>,
        new: Start,
        by: &By,
    ) -> Result<bool, Reason> {
        if self.state(&new.id)?.is_some() {
            return Ok(false);
        }
        let digest = definition.digest();
        let views = &self.shared()?.views;
        let is_new = self.recorded.get(digest).is_none_or(|at| *at <= views.applied());
        // A definition that no instance has may go with its segment at any time: it is written again.
        if is_new && !views.is_defined_for(digest).map_err(|error| error.reason())? {
            let (name, at) = (definition.name().clone(), self.shared()?.clock.now());
            let ProcessName { namespace, name, version } = name;
            let head = DefinedHead { digest: digest.to_owned(), namespace, name, version, at };
            let source = Bytes::copy_from_slice(definition.source().as_str().as_bytes());
            self.defined.push(Defined { head, source });
            self.recorded.insert(digest.to_owned(), Position(u64::MAX));
        }
        let now = self.shared()?.clock.now();
        let outcome = start(definition, new, now);
        self.keep(definition, outcome, ("started", String::new()), by)?;
        Ok(true)
    }

    /// Tells an instance what occurred. False when it changed nothing.
    pub(super) fn tell(&mut self, id: &str, occurrence: &Occurrence, by: &By) -> Result<bool, Reason> {
        let Some(state) = self.state(id)? else { return Ok(false) };
        let Some(digest) = self.states.get(id).map(|held| held.digest.clone()) else { return Ok(false) };
        let Some(definition) = self.definition(&digest)? else { return Ok(false) };
        let outcome = step(&definition, &state, occurrence, self.shared()?.clock.now());
        if outcome.changed {
            self.keep(&definition, outcome, cause_of(occurrence), by)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Everything that was told and not yet heard.
    pub(crate) fn run(&mut self) -> Result<(), Reason> {
        while let Some((id, occurrence, by)) = self.queue.pop_front() {
            self.tell(&id, &occurrence, &by)?;
        }
        Ok(())
    }

    /// Answers to effects that were asked for.
    pub(crate) fn answers(&mut self, answers: Vec<(String, String, Answer)>) -> Result<(), Reason> {
        for (id, key, answer) in answers {
            self.queue.push_back((id, Occurrence::Answered { key, answer }, By::default()));
        }
        self.run()
    }

    fn keep(
        &mut self,
        definition: &Arc<Definition>,
        outcome: Outcome,
        (cause, key): (&str, String),
        by: &By,
    ) -> Result<(), Reason> {
        let Outcome { state, commands, .. } = outcome;
        let wants = state.wants();
        let asks = |want: &&Want| matches!(want, Want::Decision { .. } | Want::Effect(Effect::Case(_)));
        let name = definition.name();
        let head = StepHead {
            instance: state.id().to_owned(),
            namespace: name.namespace.clone(),
            name: name.name.clone(),
            version: name.version.clone(),
            digest: definition.digest().to_owned(),
            business_key: state.business_key().to_owned(),
            phase: state.phase().as_str().to_owned(),
            ended: state.phase().is_final(),
            cases: u32::try_from(wants.values().filter(asks).count()).unwrap_or(u32::MAX),
            started: state.started(),
            updated: state.updated(),
            parent: state.parent().map(|(id, _)| id.clone()).unwrap_or_default(),
            cause: cause.to_owned(),
            key,
            actor: by.actor.clone(),
            reason: by.reason.clone(),
        };
        let bytes = serde_json::to_vec(&state)
            .map_err(|error| Reason::new("internal-fault", format!("a state cannot be written: {error}")))?;
        self.steps.push(Step { head, state: Bytes::from(bytes) });
        self.note(&state, definition);
        if state.phase().is_final()
            && let Some((parent, key)) = state.parent()
        {
            let occurrence = Occurrence::Answered { key: key.clone(), answer: answer_of(&state) };
            self.queue.push_back((parent.clone(), occurrence, By::default()));
        }
        let id = state.id().to_owned();
        let digest = definition.digest().to_owned();
        self.states.insert(id.clone(), Held { state, digest, position: Position::ZERO });
        for command in commands {
            match command {
                Command::Do { key, want } => self.want(&id, key, want)?,
                Command::Withdraw { key } => self.todo.push(Todo::Withdraw { key }),
            }
        }
        Ok(())
    }

    /// Sees to it that something is asked for. Other processes are begun at once, in the same batch.
    fn want(&mut self, id: &str, key: String, want: Want) -> Result<(), Reason> {
        match want {
            Want::Decision { .. } | Want::Effect(Effect::Case(_)) => {}
            Want::Effect(Effect::Start { process, input, awaited }) => {
                let child = format!("{}-{:016x}", process.name, Fingerprint::of(&[&key]).short());
                let answer = self.child(id, &key, &child, (&process, input), awaited)?;
                if let Some(answer) = answer {
                    self.queue.push_back((
                        id.to_owned(),
                        Occurrence::Answered { key, answer },
                        By::default(),
                    ));
                }
            }
            Want::Effect(effect) => {
                self.todo.push(Todo::Send { id: id.to_owned(), key, effect: Box::new(effect) });
            }
        }
        Ok(())
    }

    fn child(
        &mut self,
        id: &str,
        key: &str,
        child: &str,
        (process, input): (&ProcessName, lineshaft_process::Doc),
        awaited: bool,
    ) -> Result<Option<Answer>, Reason> {
        let told = || {
            Some(Answer::Done(lineshaft_process::Doc::object([(
                "id",
                &lineshaft_process::Doc::string(child),
            )])))
        };
        if let Some(state) = self.state(child)? {
            if !awaited {
                return Ok(told());
            }
            // Asked for again: what failed is tried again, what is done is done.
            let again = state.phase() == lineshaft_process::Phase::Faulted;
            let moved = again && self.tell(child, &Occurrence::Retry, &By::default())?;
            return Ok((state.phase().is_final() && !moved).then(|| answer_of(&state)));
        }
        let Some(definition) = self.current(process) else {
            let detail = format!("there is no process {process}");
            return Ok(Some(Answer::Fault(Fault::standard(
                Standard::Configuration,
                "No Such Process",
                detail,
            ))));
        };
        // A process that runs itself would go on within this one call for ever.
        if self.depth >= DEEPEST {
            let detail = format!("processes that run one another more than {DEEPEST} deep at once");
            return Ok(Some(Answer::Fault(Fault::standard(Standard::Runtime, "Runaway", detail))));
        }
        let parent = awaited.then(|| (id.to_owned(), key.to_owned()));
        let new = Start { id: child.to_owned(), input, parent, seen: self.followed.0 };
        self.depth += 1;
        let begun = self.begin(&definition, new, &By::default());
        self.depth -= 1;
        begun?;
        Ok(if awaited { None } else { told() })
    }

    /// Remembers what an instance waits for.
    fn note(&mut self, state: &State, definition: &Definition) {
        let id = state.id();
        if let Some(before) = self.live.remove(id) {
            if let Some(due) = before.due {
                self.dues.remove(&(due, id.to_owned()));
            }
            for heard in before.hears.iter().flatten() {
                if let Some(ids) = self.by_type.get_mut(heard) {
                    ids.remove(id);
                    if ids.is_empty() {
                        self.by_type.remove(heard);
                    }
                }
            }
            self.by_any.remove(id);
        }
        if state.phase().is_final() {
            return;
        }
        let live = Live { due: state.due(), hears: state.hears(definition) };
        if let Some(due) = live.due {
            self.dues.insert((due, id.to_owned()));
        }
        match &live.hears {
            Some(types) => {
                for heard in types {
                    self.by_type.entry(heard.clone()).or_default().insert(id.to_owned());
                }
            }
            None => {
                self.by_any.insert(id.to_owned());
            }
        }
        self.live.insert(id.to_owned(), live);
    }

    /// The instances that may wait for an event of this type.
    pub(super) fn hearing(&self, event_type: &str) -> Vec<String> {
        self.by_type.get(event_type).into_iter().flatten().chain(&self.by_any).cloned().collect()
    }

    /// Whether any record of the journal may matter.
    pub(super) fn is_idle(&self) -> bool {
        self.by_type.is_empty()
            && self.by_any.is_empty()
            && self.deliveries.is_empty()
            && !self.current.values().any(|definition| definition.schedule().on_events())
    }

    /// When an instance, or a schedule, next wants to be told the time.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        let starts = self.starts.values().min().copied();
        self.dues.first().map(|(due, _)| *due).into_iter().chain(starts).min()
    }

    /// Tells the time to whom it is due.
    pub(crate) fn time(&mut self) -> Result<(), Reason> {
        let now = self.shared()?.clock.now();
        let due: Vec<String> =
            self.dues.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| id.clone()).collect();
        for id in due {
            self.queue.push_back((id, Occurrence::Time, By::default()));
        }
        self.run()?;
        self.start_due(now)
    }

    /// Takes out what is to be done once the steps are durable.
    pub(crate) fn todo(&mut self) -> Vec<Todo> {
        std::mem::take(&mut self.todo)
    }

    /// Takes out what is to be written.
    pub(crate) fn taken(&mut self) -> (Vec<Defined>, Vec<Step>) {
        for step in &self.steps {
            if let Some(held) = self.states.get_mut(&step.head.instance) {
                held.position = Position::ZERO;
            }
        }
        (std::mem::take(&mut self.defined), std::mem::take(&mut self.steps))
    }

    /// Learns that everything that was taken out is durable; the last record is a token, the steps stand before it.
    pub(crate) fn written(&mut self, last: Position) {
        for at in self.recorded.values_mut().filter(|at| **at == Position(u64::MAX)) {
            *at = last;
        }
        for held in self.states.values_mut().filter(|held| held.position == Position::ZERO) {
            held.position = last;
        }
        if self.states.len() > MOST_STATES
            && let Ok(shared) = self.shared()
        {
            // What the views know can be read again.
            let applied = shared.views.applied();
            self.states.retain(|_, held| held.position > applied);
        }
    }

    /// How many instances are under way.
    pub(super) fn count(&self) -> usize {
        self.live.len()
    }
}

/// What the end of an instance is to whoever waits for it.
fn answer_of(state: &State) -> Answer {
    match state.fault() {
        None if state.phase() == lineshaft_process::Phase::Completed => Answer::Done(state.output().clone()),
        Some(fault) => Answer::Fault(Fault { instance: String::new(), ..fault.clone() }),
        None => {
            let detail = format!("{} was cancelled", state.id());
            Answer::Fault(Fault::standard(Standard::Runtime, "Cancelled", detail))
        }
    }
}

fn cause_of(occurrence: &Occurrence) -> (&'static str, String) {
    match occurrence {
        Occurrence::Answered { key, .. } => ("answered", key.clone()),
        Occurrence::Time => ("time", String::new()),
        Occurrence::Event { position, .. } => ("event", position.to_string()),
        Occurrence::Retry => ("retry", String::new()),
        Occurrence::Skip { key, .. } => ("skip", key.clone()),
        Occurrence::Cancel => ("cancel", String::new()),
        Occurrence::Abandon => ("abandon", String::new()),
    }
}
