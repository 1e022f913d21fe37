//! A world for one instance: it answers effects by rule, keeps the time, and forgets everything but the bytes between steps.

use std::collections::BTreeMap;

use lineshaft_mapping::Environment;
use lineshaft_model::Millis;
use lineshaft_model::json::Value;

use crate::{
    Answer, Command, Definition, Doc, Effect, Fault, HttpAnswer, Mark, Occurrence, Outcome, Phase, Problem,
    Standard, Start, State, TaskPhase, Want, start, step,
};

pub(crate) const T0: Millis = Millis(1_795_000_000_000);

pub(crate) fn tree(yaml: &str) -> Value<'static> {
    // As the workspace reads YAML: `n` and `on` are texts.
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: serde_json::Value = serde_saphyr::from_str_with_options(yaml, options).unwrap();
    let text = serde_json::to_vec(&value).unwrap();
    Value::parse(&text, &Default::default()).unwrap().into_owned()
}

pub(crate) fn read(yaml: &str) -> Result<Definition, Vec<Problem>> {
    Definition::read(&tree(yaml), &Environment::default())
}

/// A definition with these tasks (and whatever else stands at the top), without its head.
pub(crate) fn define(rest: &str) -> Definition {
    let head = "document: { dsl: '1.0.3', namespace: test, name: it, version: '1.0.0' }\n";
    read(&format!("{head}{rest}")).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub(crate) fn doc(yaml: &str) -> Doc {
    Doc::of(&tree(yaml))
}

/// An answer with a status and a JSON body.
pub(crate) fn http(status: u16, content: &str) -> Answer {
    Answer::Http(HttpAnswer {
        status,
        headers: BTreeMap::new(),
        content: Doc::parse(content).unwrap(),
        raw: String::new(),
        method: "get".to_owned(),
        uri: "http://made-up.test/".to_owned(),
    })
}

pub(crate) fn refused(detail: &str) -> Answer {
    Answer::Fault(Fault::standard(Standard::Communication, "Refused", detail).status(409))
}

pub(crate) fn lost() -> Answer {
    Answer::Fault(Fault::standard(Standard::Communication, "No Answer", "").unknown())
}

/// One instance and what it asked for.
pub(crate) struct World {
    pub(crate) definition: Definition,
    bytes: Vec<u8>,
    pub(crate) now: Millis,
    /// Everything that was ever asked for, in order.
    pub(crate) asked: Vec<(String, Want)>,
    pub(crate) withdrawn: Vec<String>,
    pub(crate) marks: Vec<Mark>,
    position: u64,
}

impl World {
    pub(crate) fn new(definition: Definition, input: &str) -> Self {
        let begun =
            start(&definition, Start { id: "i1".into(), input: doc(input), parent: None, seen: 0 }, T0);
        let mut world = Self {
            definition,
            bytes: Vec::new(),
            now: T0,
            asked: Vec::new(),
            withdrawn: Vec::new(),
            marks: Vec::new(),
            position: 0,
        };
        world.keep(begun);
        world
    }

    fn keep(&mut self, outcome: Outcome) -> bool {
        for command in outcome.commands {
            match command {
                Command::Do { key, want } => self.asked.push((key, want)),
                Command::Withdraw { key } => self.withdrawn.push(key),
            }
        }
        self.marks.extend(outcome.marks);
        self.bytes = serde_json::to_vec(&outcome.state).unwrap();
        assert_eq!(self.state(), outcome.state, "a state reads back as it was written");
        outcome.changed
    }

    /// The state, read back from its bytes: every step is after a crash.
    pub(crate) fn state(&self) -> State {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub(crate) fn tell(&mut self, occurrence: &Occurrence) -> bool {
        let state = self.state();
        let outcome = step(&self.definition, &state, occurrence, self.now);
        let again = step(&self.definition, &state, occurrence, self.now);
        assert_eq!(outcome.state, again.state, "a step is a function");
        assert_eq!(outcome.commands, again.commands);
        if !outcome.changed {
            assert!(outcome.commands.is_empty(), "what changes nothing asks for nothing");
        }
        self.keep(outcome)
    }

    /// Moves the clock and tells the time when it is due.
    pub(crate) fn pass(&mut self, ms: i64) -> &mut Self {
        let end = self.now.plus(ms);
        while let Some(due) = self.state().due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            if !self.tell(&Occurrence::Time) {
                break;
            }
        }
        self.now = end;
        self
    }

    pub(crate) fn event(&mut self, yaml: &str) -> bool {
        self.position += 1;
        self.tell(&Occurrence::Event { position: self.position, event: doc(yaml) })
    }

    /// What is waited for, by key.
    pub(crate) fn open(&self) -> Vec<String> {
        self.state().wants().into_keys().collect()
    }

    pub(crate) fn answer(&mut self, key: &str, answer: Answer) -> &mut Self {
        let known = self.state().wants().contains_key(key);
        assert!(known, "nothing waits for {key}: {:?}", self.open());
        self.tell(&Occurrence::Answered { key: key.to_owned(), answer });
        self
    }

    pub(crate) fn done(&mut self, key: &str, output: &str) -> &mut Self {
        self.answer(key, Answer::Done(doc(output)))
    }

    pub(crate) fn effect(&self, key: &str) -> Effect {
        match self.state().wants().remove(key) {
            Some(Want::Effect(effect)) => effect,
            other => panic!("{key} is {other:?}; open are {:?}", self.open()),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state().phase()
    }

    pub(crate) fn output(&self) -> String {
        let state = self.state();
        assert_eq!(state.phase(), Phase::Completed, "{:?}", state.fault());
        state.output().as_str().to_owned()
    }

    pub(crate) fn fault(&self) -> Fault {
        self.state().fault().cloned().expect("an error")
    }

    /// The names of the tasks that were entered, in order.
    pub(crate) fn entered(&self) -> Vec<String> {
        let entered = self.marks.iter().filter(|mark| mark.phase == TaskPhase::Running);
        entered.map(|mark| mark.task.rsplit('/').next().unwrap_or_default().to_owned()).collect()
    }
}

/// The output of a process that asks for nothing.
pub(crate) fn run(rest: &str, input: &str) -> String {
    World::new(define(rest), input).output()
}
