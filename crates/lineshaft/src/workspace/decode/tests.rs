//! Every problem of a tree is found, each at its place.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::decode;
use crate::workspace::problem::Problems;
use crate::workspace::yaml;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plant {
    name: String,
    #[serde(default)]
    lines: Vec<Line>,
    #[serde(default)]
    shifts: BTreeMap<String, u8>,
    mode: Option<Mode>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    speed: u16,
    title: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Auto,
    Manual { by: String },
}

fn check(text: &str, expected: &[&str]) -> Option<Plant> {
    let (node, faults) = yaml::read(text);
    assert_eq!(faults, []);
    let mut problems = Problems::default();
    let plant = decode(&node.unwrap(), "plant.yaml", &mut problems);
    problems.sort();
    let said: Vec<String> = problems
        .as_slice()
        .iter()
        .map(|p| format!("{}:{} {}: {} / {}", p.mark.line, p.mark.column, p.code, p.message, p.hint))
        .collect();
    assert_eq!(said, expected);
    plant
}

#[test]
fn a_good_tree_becomes_a_value() {
    let plant = check(
        "name: P100\nlines: [{speed: 3, title: a}]\nshifts: {early: 8}\nmode: {manual: {by: hand}}\n",
        &[],
    )
    .unwrap();
    assert_eq!((plant.name.as_str(), plant.lines[0].speed, plant.shifts["early"]), ("P100", 3, 8));
    assert_eq!(
        (plant.mode, plant.lines[0].title.as_str()),
        (Some(Mode::Manual { by: "hand".to_owned() }), "a")
    );
    assert_eq!(check("name: x\nmode: auto\n", &[]).unwrap().mode, Some(Mode::Auto));
}

#[test]
fn all_problems_are_found_in_one_reading() {
    let text = "\
nmae: P100
lines:
  - speed: fast
    title: a
  - speed: 70000
    title: 7
  - speed: 1
shifts: {early: 8, late: -1}
mode: auot
";
    check(
        text,
        &[
            "1:1 missing-key: the key `name` is missing here / add `name:`; `docs/reference/workspace.md` describes it",
            "1:1 unknown-key: the key `nmae` has no meaning here / did you mean `name`?",
            "3:12 wrong-value: the text `fast` does not fit here: expected u16 / `lineshaft explain wrong-value` says more",
            "5:12 wrong-value: the number 70000 does not fit here: expected u16 / `lineshaft explain wrong-value` says more",
            "6:12 wrong-value: the number 7 does not fit here: expected a string / write it as text, in quotes, with its unit if it is an amount",
            "7:5 missing-key: the key `title` is missing here / add `title:`; `docs/reference/workspace.md` describes it",
            "8:26 wrong-value: the number -1 does not fit here: expected u8 / `lineshaft explain wrong-value` says more",
            "9:7 wrong-value: `auot` is not known here / did you mean `auto`?",
        ],
    );
}

#[test]
fn a_root_of_the_wrong_kind_is_one_problem() {
    check(
        "- a\n",
        &[
            "1:1 wrong-value: a list does not fit here: expected a mapping / `lineshaft explain wrong-value` says more",
        ],
    );
}
