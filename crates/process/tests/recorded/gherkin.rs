//! Scenarios of the conformance kit: the few steps they are written in, and nothing more of Gherkin.

use lineshaft_model::Millis;
use lineshaft_process::{
    Command, Doc, Mark, Occurrence, Outcome, Phase, Start, TaskPhase, Want, start, step,
};

use super::stand_in;

/// One scenario.
#[derive(Debug, Default)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// Each step, without its first word, with its text.
    steps: Vec<(String, String)>,
}

/// Cuts a feature into its scenarios.
pub(crate) fn scenarios(feature: &str) -> Vec<Scenario> {
    let mut all: Vec<Scenario> = Vec::new();
    let mut text: Option<Vec<&str>> = None;
    for line in feature.lines() {
        let trimmed = line.trim();
        if let Some(lines) = &mut text {
            if trimmed == "\"\"\"" {
                let step = all.last_mut().unwrap().steps.last_mut().unwrap();
                step.1 = dedented(lines);
                text = None;
            } else {
                lines.push(line);
            }
        } else if trimmed.starts_with("\"\"\"") {
            text = Some(Vec::new());
        } else if let Some(name) = trimmed.strip_prefix("Scenario:") {
            all.push(Scenario { name: name.trim().to_owned(), steps: Vec::new() });
        } else if let Some((word, rest)) = trimmed.split_once(' ')
            && matches!(word, "Given" | "When" | "Then" | "And")
            && let Some(scenario) = all.last_mut()
        {
            scenario.steps.push((rest.to_owned(), String::new()));
        }
    }
    // The last text of a file may end with the file.
    if let (Some(lines), Some(step)) = (text, all.last_mut().and_then(|scenario| scenario.steps.last_mut())) {
        step.1 = dedented(&lines).trim_end_matches('"').to_owned();
    }
    all
}

fn dedented(lines: &[&str]) -> String {
    let indent = |line: &&&str| line.len() - line.trim_start().len();
    let least =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min().unwrap_or(0);
    lines.iter().map(|line| line.get(least..).unwrap_or("")).collect::<Vec<_>>().join("\n")
}

struct Ran {
    outcome: Outcome,
    marks: Vec<Mark>,
}

/// Runs a scenario and checks what it says.
pub(crate) fn run(scenario: &Scenario) -> Result<(), String> {
    let (mut definition, mut input, mut ran) = (None, Doc::empty(), None);
    for (step, text) in &scenario.steps {
        match step.as_str() {
            "a workflow with definition:" => {
                let read = super::read(&super::tree(text));
                definition = Some(read.map_err(|problems| format!("refused: {}", problems[0]))?);
            }
            "given the workflow input is:" => input = Doc::of(&super::tree(text)),
            "the workflow is executed" => {
                let definition = definition.as_ref().ok_or("no definition")?;
                ran = Some(execute(definition, input.clone()));
            }
            step => check(step, text, ran.as_ref().ok_or("it was not executed")?)?,
        }
    }
    Ok(())
}

fn execute(definition: &lineshaft_process::Definition, input: Doc) -> Ran {
    let now = Millis(1_795_000_000_000);
    let mut outcome = start(definition, Start { id: "scenario".into(), input, parent: None, seen: 0 }, now);
    let mut marks = std::mem::take(&mut outcome.marks);
    while !outcome.state.phase().is_final() {
        let wanted = outcome.commands.iter().find_map(|command| match command {
            Command::Do { key, want: Want::Effect(effect) } => Some((key.clone(), effect.clone())),
            _ => None,
        });
        let Some((key, effect)) = wanted else { break };
        let answer = stand_in::answer(&effect);
        // The state goes through its bytes, as it does in a journal.
        let bytes = serde_json::to_vec(&outcome.state).unwrap();
        let state = serde_json::from_slice(&bytes).unwrap();
        outcome = step(definition, &state, &Occurrence::Answered { key, answer }, now);
        marks.append(&mut outcome.marks);
    }
    Ran { outcome, marks }
}

fn check(step: &str, text: &str, ran: &Ran) -> Result<(), String> {
    let state = &ran.outcome.state;
    let same = |found: &Doc, wanted: &str| {
        let wanted = Doc::of(&super::tree(wanted));
        if json(found) == json(&wanted) { Ok(()) } else { Err(format!("{found:?}, not {wanted:?}")) }
    };
    let be = |phase: Phase| match state.phase() == phase {
        true => Ok(()),
        false => Err(format!("it is {:?}: {:?}", state.phase(), state.fault())),
    };
    let quoted: Vec<&str> = step.split('\'').skip(1).step_by(2).collect();
    match step {
        "the workflow should complete" => be(Phase::Completed),
        "the workflow should cancel" => be(Phase::Cancelled),
        "the workflow should fault" => be(Phase::Faulted),
        "the workflow should complete with output:" => {
            be(Phase::Completed)?;
            same(state.output(), text)
        }
        "the workflow should fault with error:" => {
            be(Phase::Faulted)?;
            same(&state.fault().ok_or("no error")?.doc(), text)
        }
        _ if step.starts_with("the workflow output should have properties") => {
            let missing = quoted.iter().find(|path| at(state.output(), path).is_none());
            missing.map_or(Ok(()), |path| Err(format!("{:?} has no {path}", state.output())))
        }
        _ if step.ends_with("property with value:") => {
            let path = quoted.first().ok_or("no property")?;
            same(&at(state.output(), path).ok_or(format!("no {path}"))?, text)
        }
        _ if step.ends_with(" items") => {
            let path = quoted.first().ok_or("no property")?;
            let found = at(state.output(), path).ok_or(format!("no {path}"))?;
            let count = step.split(' ').rev().nth(1).and_then(|count| count.parse().ok());
            let items = found.value().as_array().map(<[_]>::len);
            if items == count { Ok(()) } else { Err(format!("{items:?} items, not {count:?}")) }
        }
        _ => order(step, &ran.marks),
    }
}

/// `A should run first`, `last`, `before B` and `after B`.
fn order(step: &str, marks: &[Mark]) -> Result<(), String> {
    let entered = marks.iter().filter(|mark| mark.phase == TaskPhase::Running);
    let names: Vec<&str> = entered.map(|mark| mark.task.rsplit('/').next().unwrap()).collect();
    let place =
        |name: &str| names.iter().position(|other| *other == name).ok_or(format!("{name} did not run"));
    let words: Vec<&str> = step.split(' ').collect();
    let good = match words.as_slice() {
        [name, "should", "run", "first"] => place(name)? == 0,
        [name, "should", "run", "last"] => place(name)? + 1 == names.len(),
        [name, "should", "run", "before", other] => place(name)? < place(other)?,
        [name, "should", "run", "after", other] => place(name)? > place(other)?,
        _ => return Err(format!("the step `{step}` is not known")),
    };
    if good { Ok(()) } else { Err(format!("{names:?}")) }
}

fn json(doc: &Doc) -> serde_json::Value {
    serde_json::from_str(doc.as_str()).unwrap()
}

fn at(doc: &Doc, path: &str) -> Option<Doc> {
    path.split('.').try_fold(doc.clone(), |doc, name| doc.member(name))
}
