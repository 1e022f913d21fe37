//! The conformance scenarios as Gherkin, the examples against the page that says what each does, and the schema.

#[path = "gherkin.rs"]
mod gherkin;
#[path = "stand_in.rs"]
mod stand_in;

use std::collections::BTreeMap;
use std::path::PathBuf;

use lineshaft_mapping::{Contract, Environment, Input, Schemas};
use lineshaft_model::json::{Limits, Value};
use lineshaft_process::{Definition, Doc, MALFORMED, Problem};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn recorded() -> PathBuf {
    let folder = std::env::var_os("LINESHAFT_RECORDED").expect("run it with: cargo xtask corpus FOLDER");
    PathBuf::from(folder).join("corpus/serverless-workflow")
}

/// Recorded files whose name begins so, by the rest of the name; with a whole copy of the specification, the rest of its files.
fn files(kind: &str, folder: &str, extension: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut read = |path: PathBuf, prefix: &str| {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let name = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(extension));
            if let Some(name) = name {
                let name = name.replace(' ', "_");
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    };
    read(recorded(), kind);
    if let Some(whole) = std::env::var_os("LINESHAFT_SPECIFICATION") {
        read(PathBuf::from(whole).join(folder), "");
    }
    files
}

/// YAML as the workspace reads it, numbers as they are written.
pub(crate) fn tree(yaml: &str) -> Value<'static> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: serde_json::Value = serde_saphyr::from_str_with_options(yaml, options).unwrap();
    of(&value)
}

fn of(value: &serde_json::Value) -> Value<'static> {
    Value::parse(&serde_json::to_vec(value).unwrap(), &Limits::DEFAULT).unwrap().into_owned()
}

pub(crate) fn read(tree: &Value<'_>) -> Result<Definition, Vec<Problem>> {
    Definition::read(tree, &Environment::default())
}

#[test]
fn the_conformance_scenarios_hold() {
    let mut scenarios = 0;
    let mut failed = Vec::new();
    for (name, text) in files("ctk__", "ctk/features", ".feature") {
        for scenario in gherkin::scenarios(&text) {
            scenarios += 1;
            let result = gherkin::run(&scenario);
            println!("{name}: {}: {}", scenario.name, if result.is_ok() { "holds" } else { "FAILS" });
            failed.extend(result.err().map(|why| format!("{name}: {}: {why}", scenario.name)));
        }
    }
    assert!(scenarios >= 11, "only {scenarios} scenarios were found");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What the page says of each example.
fn told() -> BTreeMap<String, String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/processes.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.trim_end_matches('`').to_owned();
        let said = cells.next()?;
        (said.starts_with("read") || said.starts_with("refused")).then(|| (name, said.to_owned()))
    });
    rows.collect()
}

#[test]
fn every_example_does_what_the_page_says() {
    let told = told();
    let mut wrong = Vec::new();
    let examples = files("examples__", "examples", ".yaml");
    assert!(examples.len() >= 40, "only {} examples were found", examples.len());
    for (name, text) in examples {
        let done = match read(&tree(&text)) {
            Ok(definition) if definition.calls_by_address().next().is_some() => {
                "read, calls by address".to_owned()
            }
            Ok(_) => "read".to_owned(),
            Err(problems) => {
                for problem in &problems {
                    assert_ne!(problem.code, MALFORMED, "{name}: {problem}");
                }
                let first = problems.first().unwrap();
                format!("refused at `{}`", first.pointer)
            }
        };
        println!("| `{name}` | {done} |");
        if told.get(&name) != Some(&done) {
            wrong.push(format!("{name} {done}, and the page says {:?}", told.get(&name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The schema of the DSL. Its pattern of durations looks ahead, which this engine of regular expressions does not.
fn schema() -> Contract {
    let text = std::fs::read_to_string(recorded().join("schema__workflow.yaml")).unwrap();
    let schema: serde_json::Value =
        serde_saphyr::from_str(&text.replace("(?!$)", "").replace(r"(?=\d)", "")).unwrap();
    Contract::compile("workflow", "1.0.3", &schema, &Schemas::default()).unwrap()
}

fn valid(schema: &Contract, tree: &Value<'_>) -> bool {
    let bytes = tree.to_vec();
    schema.validate(&Input::parse(&bytes).unwrap(), 1).is_ok()
}

/// One change somewhere in a tree: a key gone, a key misspelt, a value of another kind.
fn mutate(value: &mut serde_json::Value, dice: &mut StdRng) {
    match value {
        serde_json::Value::Object(members) if !members.is_empty() => {
            let at = dice.random_range(0..members.len());
            let key = members.keys().nth(at).unwrap().clone();
            match dice.random_range(0..6) {
                0 => {
                    members.remove(&key);
                }
                1 => {
                    let member = members.remove(&key).unwrap();
                    members.insert(format!("{key}x"), member);
                }
                2 => {
                    members.insert(key, serde_json::json!([true]));
                }
                _ => mutate(members.get_mut(&key).unwrap(), dice),
            }
        }
        serde_json::Value::Array(items) if !items.is_empty() => {
            let at = dice.random_range(0..items.len());
            mutate(&mut items[at], dice);
        }
        other => *other = serde_json::json!({ "nothing": 1 }),
    }
}

#[test]
fn what_the_schema_refuses_is_refused() {
    let schema = schema();
    let (mut refused, mut wrong) = (0, Vec::new());
    for (number, (name, text)) in files("examples__", "examples", ".yaml").into_iter().enumerate() {
        let options = serde_saphyr::options! { strict_booleans: true };
        let good: serde_json::Value = serde_saphyr::from_str_with_options(&text, options).unwrap();
        let dice = &mut StdRng::seed_from_u64(number as u64);
        for _ in 0..60 {
            let mut mutant = good.clone();
            mutate(&mut mutant, dice);
            let mutant = of(&mutant);
            if !valid(&schema, &mutant) {
                refused += 1;
                if read(&mutant).is_ok() {
                    wrong.push(format!("{name}: {}", Doc::of(&mutant).as_str()));
                }
            }
        }
    }
    assert!(refused > 500, "only {refused} mutants are refused by the schema");
    assert!(wrong.is_empty(), "{} of {refused}:\n{}", wrong.len(), wrong.join("\n"));
}
