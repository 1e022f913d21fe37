//! Runs every example of the reference page.

#![allow(clippy::panic, reason = "a test says which example failed")]

use crate::functions::FUNCTIONS;
use crate::{Budget, CodeList, Environment, How, Input, Mapping, References, Units, Vars};

const PAGE: &str = include_str!("../../../docs/reference/mapping-functions.md");

struct Known;

impl References for Known {
    fn canonical(&self, system: &str, object_type: &str, key: &str) -> Option<String> {
        (system == "erp" && object_type == "item" && key == "M-1").then(|| "item-1".to_owned())
    }

    fn foreign(&self, system: &str, object_type: &str, canonical: &str) -> Option<String> {
        (system == "erp" && object_type == "item" && canonical == "item-1").then(|| "M-1".to_owned())
    }
}

fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    let mut rest = PAGE;
    std::iter::from_fn(move || {
        let start = rest.find(&fence)? + fence.len();
        let end = start + rest[start..].find("```")?;
        let block = &rest[start..end];
        rest = &rest[end + 3..];
        Some(block)
    })
}

#[test]
fn every_example_gives_what_the_page_says() {
    let list = |name: &str, text: &str| CodeList::parse(name, text.as_bytes()).unwrap();
    let environment = Environment::new(
        [list("status", "from,to\nAC,confirmed\nRJ,rejected\n"), list("units-erp", "from,to\nST,C62\n")],
        Units::parse(b"item,from,to,factor\n4711,BX,EA,24\n").unwrap(),
    );
    let input = Input::parse(blocks("json").next().unwrap().as_bytes()).unwrap();
    let vars = Vars { now: "2026-11-23T10:00:00Z", references: &Known, ..Vars::default() };
    let mut examples = 0;
    for line in blocks("jq").flat_map(str::lines) {
        let (program, expected) = line.split_once(" # => ").unwrap_or_else(|| panic!("no result: {line}"));
        let mapping = Mapping::compile("example", program, &environment)
            .unwrap_or_else(|d| panic!("{program}: {}", d[0]));
        let outputs =
            mapping.run(&input, &vars, &Budget::default()).unwrap_or_else(|e| panic!("{program}: {e}"));
        assert_eq!(outputs, [expected], "{program}");
        assert_eq!(mapping.how(), How::Compiled, "{program}");
        examples += 1;
    }
    assert!(examples >= 30, "{examples} examples");
}

#[test]
fn every_function_is_on_the_page() {
    for function in FUNCTIONS {
        assert!(blocks("jq").any(|block| block.contains(function.name)), "{}", function.name);
        assert!(PAGE.contains(&format!("`{}", function.name)), "{}", function.name);
    }
}
