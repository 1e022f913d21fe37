//! Several hundred seeded ways of breaking a good workspace. Each must be noticed, at a file and a line that exist.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::{load_texts, texts};
use crate::workspace::{Style, render};

type Files = Vec<(String, String)>;

/// One way of breaking a file; `None` when it does not apply to it.
type Mutation = fn(&mut StdRng, &str, &str) -> Option<String>;

const MUTATIONS: &[(&str, Mutation)] = &[
    ("unknown key", unknown_key),
    ("misspelt key", misspelt_key),
    ("required key deleted", required_deleted),
    ("wrong type", wrong_type),
    ("bad reference", bad_reference),
    ("broken YAML", broken_yaml),
    ("duplicate key", duplicate_key),
    ("missing variable", missing_variable),
    ("bad jq", bad_jq),
    ("bad code list", bad_codes),
    ("not UTF-8 or not text", control_characters),
    ("cut off", cut_off),
];

#[test]
fn every_mutant_is_noticed_at_a_line_that_exists() {
    const SEEDS: u64 = 360;
    let good = texts();
    let mut made = vec![0_u32; MUTATIONS.len()];
    for seed in 0..SEEDS {
        let mut dice = StdRng::seed_from_u64(seed);
        let which = usize::try_from(seed).unwrap() % MUTATIONS.len();
        let Some((file, mutant)) = mutate(&mut dice, MUTATIONS[which].1, &good) else { continue };
        made[which] += 1;
        let loaded = load_texts(&mutant);
        let said = render(&loaded.problems, &loaded.files, Style::Lines);
        let shown = render(&loaded.problems, &loaded.files, Style::Snippets { colour: true });
        let about = format!(
            "seed {seed}, {} in {file}:\n{}\n---\n{said}",
            MUTATIONS[which].0,
            text_of(&mutant, &file)
        );
        assert!(!shown.is_empty());
        assert!(!loaded.problems.is_empty(), "not noticed: {about}");
        assert_eq!(loaded.workspace.is_none(), loaded.problems.errors() > 0, "{about}");
        for problem in loaded.problems.as_slice() {
            let Some((_, text)) = mutant.iter().find(|(name, _)| *name == problem.file) else {
                panic!("no such file {}: {about}", problem.file);
            };
            let lines = u32::try_from(text.lines().count().max(1)).unwrap();
            assert!((1..=lines).contains(&problem.mark.line), "no such line {}: {about}", problem.mark.line);
            assert!(
                problem.mark.column >= 1 && !problem.message.is_empty() && !problem.hint.is_empty(),
                "{about}"
            );
        }
    }
    for ((name, _), made) in MUTATIONS.iter().zip(made) {
        assert!(made >= 25, "{name} was made only {made} times");
    }
}

fn text_of<'f>(files: &'f Files, file: &str) -> &'f str {
    files.iter().find(|(name, _)| name == file).map_or("", |(_, text)| text)
}

fn mutate(dice: &mut StdRng, mutation: Mutation, good: &Files) -> Option<(String, Files)> {
    let mut files = good.clone();
    for _ in 0..100 {
        let at = dice.random_range(0..files.len());
        let (name, text) = &files[at];
        if let Some(mutant) = mutation(dice, name, text).filter(|mutant| mutant != text) {
            let name = name.clone();
            files[at].1 = mutant;
            return Some((name, files));
        }
    }
    None
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yaml")
}

/// Lines `key: ...` in block style: (line number, indentation, key, rest).
fn keys(text: &str) -> Vec<(usize, String, String, String)> {
    let parts = text.lines().enumerate().filter_map(|(n, line)| {
        let (key, rest) = line.split_once(':')?;
        let name = key.trim_start_matches(['-', ' ']);
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        plain.then(|| (n, key[..key.len() - name.len()].to_owned(), name.to_owned(), rest.to_owned()))
    });
    parts.collect()
}

fn with_line(text: &str, at: usize, mut line: Option<String>) -> String {
    let lines = text.lines().enumerate();
    let kept = lines.filter_map(|(n, old)| if n == at { line.take() } else { Some(old.to_owned()) });
    kept.map(|line| line + "\n").collect()
}

/// Below `schema` of a contract and under free names anything may stand.
fn closed(name: &str, text: &str) -> Vec<(usize, String, String, String)> {
    let schema = text.lines().position(|line| line.starts_with("schema:")).unwrap_or(usize::MAX);
    let free = ["sites", "sources", "operations"];
    let mut parent = String::new();
    keys(text)
        .into_iter()
        .filter(|(n, indent, key, _)| {
            let inside = indent.len() == 2 && free.contains(&parent.as_str());
            if indent.is_empty() {
                parent.clone_from(key);
            }
            *n <= schema && !inside && (name != "ownership.yaml" || key == "owner" || key == "fields")
        })
        .collect()
}

fn unknown_key(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let keys = if is_yaml(name) { closed(name, text) } else { return None };
    let (n, indent, ..) = keys.choose(dice)?;
    let indent = indent.replace('-', " ");
    let line = text.lines().nth(*n)?;
    // Behind a block the new key would end it: only behind whole values.
    let whole = line.split_once(':').is_some_and(|(_, rest)| !rest.trim().is_empty());
    whole.then(|| with_line(text, *n, Some(format!("{line}\n{indent}zz_unknown: 1"))))
}

fn misspelt_key(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let keys = if is_yaml(name) { closed(name, text) } else { return None };
    let (n, indent, key, rest) = keys.choose(dice)?;
    let mut letters: Vec<char> = key.chars().collect();
    let at = dice.random_range(0..letters.len());
    letters.insert(at, 'q');
    Some(with_line(text, *n, Some(format!("{indent}{}:{rest}", letters.iter().collect::<String>()))))
}

fn required_deleted(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let required = ["system", "connector", "route", "on", "to", "contract", "owner", "schema", "base_url"];
    let keys: Vec<_> = keys(text)
        .into_iter()
        .filter(|(_, indent, key, rest)| {
            // A contract's owner may be missing, and a source need not have a contract.
            let optional =
                name.starts_with("contracts/") && key == "owner" || key == "contract" && !indent.is_empty();
            required.contains(&key.as_str()) && !rest.trim().is_empty() && !indent.contains('-') && !optional
        })
        .collect();
    let (n, ..) = keys.choose(dice)?;
    is_yaml(name).then(|| with_line(text, *n, None))
}

fn wrong_type(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let keys: Vec<_> =
        closed(name, text).into_iter().filter(|(_, _, _, rest)| !rest.trim().is_empty()).collect();
    let (n, indent, key, rest) = keys.choose(dice)?;
    let wrong = if rest.trim().starts_with(['{', '[']) { "17" } else { "[{ deep: [1] }]" };
    is_yaml(name).then(|| with_line(text, *n, Some(format!("{indent}{key}: {wrong}"))))
}

fn bad_reference(dice: &mut StdRng, _: &str, text: &str) -> Option<String> {
    let known = [
        "erp.post-inventory-difference",
        "wms-count.jq",
        "count-to-erp.jq",
        "owner: erp",
        "contract: wms-count",
        "receipts: wms",
        "owner: wms",
    ];
    let present: Vec<&&str> = known.iter().filter(|word| text.contains(**word)).collect();
    let word = present.choose(dice)?;
    Some(text.replacen(**word, &format!("{word}x"), 1))
}

fn broken_yaml(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let broken = ["a: [1, 2", "\tb: 1", "c: 'open", "d: e: f", "&x *x", "g: {h: 1", "? [", "- odd\nk: 1"];
    let n = dice.random_range(0..=text.lines().count());
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(n, broken.choose(dice)?);
    is_yaml(name).then(|| lines.join("\n") + "\n")
}

fn duplicate_key(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let keys: Vec<_> = keys(text).into_iter().filter(|(_, _, _, rest)| !rest.trim().is_empty()).collect();
    let (n, indent, key, rest) = keys.choose(dice)?;
    let again = format!("{}{key}:{rest}", indent.replace('-', " "));
    is_yaml(name).then(|| with_line(text, *n, Some(format!("{indent}{key}:{rest}\n{again}"))))
}

fn missing_variable(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let keys: Vec<_> = keys(text).into_iter().filter(|(_, _, _, rest)| !rest.trim().is_empty()).collect();
    let (n, indent, key, _) = keys.choose(dice)?;
    let value = ["${NOT_SET}", "\"${unclosed\"", "a${}b", "${secret:}"].choose(dice)?;
    is_yaml(name).then(|| with_line(text, *n, Some(format!("{indent}{key}: {value}"))))
}

fn bad_jq(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    if !name.ends_with(".jq") {
        return None;
    }
    let broken =
        ["{ a: ", "| |", "no_such_function", "\"open", "reduce", "$nothing", ")", "input", "def f: f; f("];
    let at = (0..text.len()).filter(|at| text.is_char_boundary(*at)).collect::<Vec<_>>();
    match dice.random_range(0..3) {
        0 => Some(format!("{text}\n| {}", broken.choose(dice)?)),
        1 => Some(format!("{}\n{text}", broken.choose(dice)?)),
        // The middle of a text or a comment may take anything: only brackets are sure to be missed.
        _ => {
            let brackets: Vec<_> = at.iter().filter(|at| b"{}()".contains(&text.as_bytes()[**at])).collect();
            let at = **brackets.choose(dice)?;
            Some(format!("{}{}", &text[..at], &text[at + 1..]))
        }
    }
}

fn bad_codes(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    if !name.ends_with(".csv") {
        return None;
    }
    let broken = ["form,ot", "", "\"from,to"];
    match dice.random_range(0..2) {
        0 => Some(with_line(text, 0, Some((*broken.choose(dice)?).to_owned()))),
        _ => Some(format!("{text}#policy: sometimes\n")),
    }
}

fn control_characters(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    let n = dice.random_range(0..text.lines().count());
    let line = text.lines().nth(n)?;
    is_yaml(name).then(|| with_line(text, n, Some(format!("{line} \u{7}\u{0}: [\u{202e}"))))
}

fn cut_off(dice: &mut StdRng, name: &str, text: &str) -> Option<String> {
    // In the middle of a line with brackets, so that they stay open.
    let open: Vec<_> = text.match_indices(['{', '[']).map(|(at, _)| at + 1).collect();
    let at = *open.choose(dice)?;
    (is_yaml(name) || name.ends_with(".jq")).then(|| text[..at].to_owned())
}
