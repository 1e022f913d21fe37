//! The guard against runaway programs, and against changing what well-behaved ones mean.

#![allow(clippy::panic, clippy::too_many_lines, reason = "a test says which program failed")]

use std::time::{Duration, Instant};

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars as Bound, data::JustLut};
use proptest::prelude::*;

use super::*;
use crate::convert::{val_from_json, write_val};
use crate::{Budget, Environment, Input, Mapping, NoReferences, Vars};

fn guarded(source: &str, input: &str, budget: &Budget) -> Result<Vec<String>, String> {
    let mapping = Mapping::compile("test", source, &Environment::default())
        .map_err(|d| format!("compile: {}", d[0]))?;
    let input = Input::parse(input.as_bytes()).unwrap();
    let outputs = mapping.run(&input, &Vars::default(), budget).map_err(|e| e.reason.code)?;
    Ok(outputs.into_iter().map(|o| String::from_utf8(o.to_vec()).unwrap()).collect())
}

/// Every one of these would hang, fill the memory or overflow the stack.
const RUNAWAY: &[&str] = &[
    "def f: f; f",
    "def f: 1 + f; f",
    "def f: f | .; f",
    "def f: [f]; f",
    "def f: f, f; f",
    "def f(g): f(g | g); f(.)",
    "def f(g): f(g | .); f(.)",
    "def f(g): def h: f(g | .); h; f(.)",
    "def f: def g: f; g; f",
    "repeat(1)",
    "[repeat(.)]",
    "[limit(1e9; repeat(1))]",
    "last(repeat(1))",
    "[range(0; 1e12)]",
    "[range(0; 1; 0)]",
    "range(infinite) | empty",
    "reduce range(1e9) as $i (0; . + $i)",
    "[foreach range(1e9) as $i (0; . + $i; empty)]",
    "reduce range(60) as $i (\"x\"; . + .)",
    "reduce range(60) as $i (\"x\"; \"\\(.)\\(.)\")",
    "reduce range(60) as $i ([1]; . + .)",
    "reduce range(60) as $i (1; [., .])",
    "reduce range(60) as $i (1; {a: ., b: .})",
    "reduce range(60) as $i ({}; . as $x | .a = $x | .b = $x)",
    "reduce range(1e9) as $i (0; [.])",
    "reduce range(1e9) as $i (0; {a: .})",
    "reduce range(1e9) as $i ({}; . as $x | {} | .a = $x)",
    "reduce range(1e9) as $i ([0]; [key_values])",
    "reduce range(200) as $i (3; . * .)",
    "\"x\" * 1000000000",
    "\"\" * 1000000000000",
    "\"abcdefgh\" * 100000 | [., ., ., .] | join(\"abcdefgh\" * 1000000) | length",
    "[range(100)] | combinations(100)",
    "[range(1000)] | [.[] as $a | .[] as $b | .[] as $c | 1] | length",
    "[range(1000)] as $x | reduce range(100000) as $i (0; $x | sort | length)",
    "(\"x\" * 1000000) as $x | reduce range(1e6) as $i (0; $x | length)",
    "(\"x\" * 1000000) as $x | reduce range(1e6) as $i (0; $x == ($x + \"\"))",
    "[range(3000)] as $x | reduce range(100000) as $i (0; $x[1:] | length)",
    "[range(3000)] as $x | reduce range(100000) as $i (0; $x | first(.[]))",
    "[range(20000) | 0] as $x | ($x | contains($x))",
    "[range(20000) | 0] as $x | ($x | indices($x[1:]))",
    "[range(3000) | 0] as $x | [$x[$x]]",
    "path(def f: .a | f; f)",
    "[paths] | length, (def f: .a | f; path(f))",
    "null | [path(getpath([range(100000) | \"a\"]))]",
    "def f: (.a |= f); {} | f",
    "until(false; . + 1)",
    "[while(true; . + 1)] | length",
    "[recurse(. + 1)]",
    "\"a\" * 1000 | test(\"(a*)*(a*)*(a*)*b{1,100}\") | recurse(not)",
    "\"aaaaaaaaaaaaaaaaaaaaaa\" | test(\"(a{100}){100}b\")",
    "[range(20000)] | [.[] | tostring] | [combinations?] | def f: f; f",
    "label $out | def f: (f, break $out); f",
    "def f: try f catch f; f",
    "def f: (f // f); f",
    "def f: f?; f",
    "[.[]?, (def f: [f?]; f)]",
    "{} | .a = (def f: f; f)",
    "{} | .a |= (def f: f; f)",
    "{} | .a += (def f: f; f)",
    "@json \"\\(def f: f; f)\"",
    "if (def f: f; f) then 1 else 2 end",
    "[2, 1] | sort_by(def f: f; f)",
    "[1] | group_by(def f: f; f)",
    "[1, 2] | map(def f: f; f)",
    "[1] | .[def f: f; f]",
    "{a: 1} | with_entries(def f: f; f)",
    "[1] | walk(def f: f; f)",
    "[limit(3; def f: f; f)]",
    "isempty(def f: f; f)",
    "[splits(\"a\"; def f: f; f)]",
];

/// Ways in which a program might try to go on after it was stopped.
const CATCHES: &[&str] = &[
    "P",
    "try (P) catch 1",
    "(P)?",
    "[(P)?] // 1",
    "(P) // 1",
    "first((P), 1)",
    "[limit(1; (P))]",
    "isempty(P)",
    "label $l | (P), 1",
    "reduce (P) as $x (0; 1)",
    "[.[]? // (P)]",
];

fn is_stop(code: &str) -> bool {
    matches!(
        code,
        "mapping-too-long" | "mapping-too-recursive" | "mapping-value-too-deep" | "mapping-value-too-large"
    )
}

#[test]
fn runaway_programs_are_stopped_and_cannot_catch_it() {
    // Time only bounds the test itself: it fails when a stop takes seconds instead of fractions of one.
    #![allow(clippy::disallowed_methods, reason = "the test watches how long a stop takes")]
    let mut stopped = 0;
    for program in RUNAWAY {
        for frame in CATCHES {
            let source = frame.replace('P', program);
            let start = Instant::now();
            // Only the plain form gets the whole budget, to see what that costs.
            let steps = if *frame == "P" { Budget::DEFAULT.steps } else { 5_000 };
            let result = guarded(&source, "null", &Budget { steps, ..Budget::DEFAULT });
            let took = start.elapsed();
            assert!(took < Duration::from_secs(20), "{source} took {took:?}");
            if *frame == "P" {
                let error = result.expect_err(program);
                // Two of them meet an ordinary error before they can run away.
                assert!(is_stop(&error) || error == "mapping-failed", "{source}: {error}");
                stopped += usize::from(is_stop(&error));
            } else if let Err(error) = &result {
                assert!(!error.starts_with("compile"), "{source}: {error}");
            }
        }
    }
    assert!(stopped >= 55, "{stopped}");
}

#[test]
fn a_stop_cannot_be_caught() {
    for catch in [
        "try (def f: f; f) catch 1",
        "(def f: f; f)?",
        "[(def f: f; f)?] // 1",
        "(def f: 1 + f; f) // 1",
        "first((def f: f; f), 1)",
        "[.[]? // (def f: f; f)]",
        "label $l | (def f: f; f), 1",
        "isempty(repeat(1) | empty)",
        "any(repeat(false); .)",
        "try (\"x\" * 1000000000) catch 1",
        "try error(repeat(1) | empty) catch 2",
    ] {
        let error = guarded(catch, "null", &Budget::default()).expect_err(catch);
        assert!(is_stop(&error), "{catch}: {error}");
    }
}

#[test]
fn what_reaches_outside_is_refused_with_a_hint() {
    for program in [
        "halt",
        "halt_error",
        "env",
        "$ENV",
        "$ENV.PATH",
        "now",
        "input",
        "[inputs]",
        "debug",
        "stderr",
        "input_filename",
        "localtime",
        "strflocaltime(\"%Y\")",
        "tobytes",
        "debug(1)",
        "halt(3)",
    ] {
        let problems = Mapping::compile("test", program, &Environment::default()).expect_err(program);
        assert_eq!(problems[0].code, "mapping-filter-refused", "{program}");
        assert!(!problems[0].hint.is_empty(), "{program}");
    }
    for program in ["__tick", "def __x: 1; __x", "$__operand", "def true: 1; true", "__call1(1; 2)"] {
        let problems = Mapping::compile("test", program, &Environment::default()).expect_err(program);
        assert_eq!(problems[0].code, "mapping-name-reserved", "{program}");
    }
}

#[test]
fn programs_too_big_to_compile_are_refused() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    for program in [
        deep("[", "]", 5000),
        deep("(", ")", 5000),
        deep("-", "", 5000),
        deep("1+", "", 5000),
        deep("try ", "", 5000),
        deep("if . then ", " end", 5000),
        deep(". as $x | ", "", 5000),
        deep("def f: ", "; f", 5000),
        deep("\"\\(", ")\"", 5000),
        "1,".repeat(5000) + "1",
        " ".repeat(300_000),
        deep("{a:", "}", 5000),
        deep("reduce . as $x (0; ", ")", 3000),
        deep("label $x | ", "", 3000),
    ] {
        let problems = Mapping::compile("test", &program, &Environment::default()).expect_err(&program[..20]);
        assert!(!problems.is_empty());
    }
}

#[test]
fn the_deepest_programs_allowed_do_not_overflow() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    for program in [
        deep("[", "]", 90),
        deep("1+", "", 150),
        deep("try ", "", 150),
        deep(". as $x | ", "", 75),
        deep("-", "", 150),
        "1,".repeat(150) + "1",
        deep("if . then ", " end", 90),
        deep("{a:", "}", 90),
    ] {
        guarded(&program, "null", &Budget::default()).unwrap_or_else(|e| panic!("{e}: {}", &program[..20]));
    }
}

/// What the interpreter gives without a guard; none when it fails.
fn stock(source: &str, input: &str) -> Option<Vec<String>> {
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, File { code: source, path: () }).ok()?;
    let filter = Compiler::default().with_funs(funs).compile(modules).ok()?;
    let ctx = Ctx::<JustLut<Val>>::new(&filter.lut, Bound::new([]));
    let mut outputs = Vec::new();
    for output in filter.id.run((ctx, val_from_json(input.as_bytes()).unwrap())).take(200) {
        let mut out = Vec::new();
        write_val(&output.ok()?, &mut out).ok()?;
        outputs.push(String::from_utf8(out).unwrap());
    }
    Some(outputs)
}

const SAMPLE: &str = r#"{"type":"a","data":{"key":"4711","n":0.10,"big":12345678901234567890,"lines":[{"item":"A","qty":"2","ok":true},{"item":"B","qty":"10","ok":false},{"item":null,"qty":"3"}]},"list":[3,1,2,[4,[5]]],"s":"a,b;c d","e":{},"z":null}"#;

/// Programs as people write them.
const ORDINARY: &[&str] = &[
    ".",
    ".data.lines[] | {item, qty}",
    "[.data.lines[] | select(.ok) | .item]",
    ".data.lines | map(.qty | tonumber) | add",
    ".data.lines | map({(.item // \"none\"): .qty}) | add",
    ".s | split(\",\")",
    ".s | test(\"b;c\")",
    "[.s | match(\"[a-z]\"; \"g\") | .string]",
    ".s | gsub(\"[,;]\"; \"-\")",
    ".list | flatten",
    "[.. | numbers]",
    "[paths]",
    "to_entries",
    "with_entries(.value |= tostring)",
    ".data.lines |= map(.x = 1)",
    ".data.n",
    "\"\\(.type)-\\(.data.key)-\\(.data.n)-\\(.list)\"",
    "@base64 \"x\\(.s)\"",
    "@json",
    "[.data.lines[].qty] | join(\"+\")",
    ".list[1:3]",
    "first(.list[])",
    "[limit(2; .list[])]",
    "[.list[:3][] as $a | .list[:3][] as $b | [$a, $b]]",
    "{a: (1, 2), b: (3, 4)}",
    "\"\\(1, 2)-\\(3, 4)\"",
    "[.data.lines | group_by(.ok)[] | length]",
    ".data.lines | sort_by(.item) | map(.item)",
    "reduce .list[:3][] as $x (0; . + $x)",
    "[foreach .list[:3][] as $x (0; . + $x; [$x, .])]",
    "try error(\"x\") catch .",
    "try error({a: 1}) catch .a",
    "(.z | .a) // \"d\"",
    "if .z then 1 elif .type == \"a\" then 2 else 3 end",
    "[range(5)]",
    "[range(0; 10; 3)]",
    "[range(5; 0; -2)]",
    ".e | length",
    "del(.data.lines[0])",
    "del(.data, .list)",
    "[.data.lines[] | .qty |= tonumber]",
    ".list | index(1)",
    "[.list[] | type]",
    "keys",
    "has(\"z\")",
    ".data | has(\"nope\")",
    "[splits(\"a\")]",
    ".s | ascii_upcase | ltrimstr(\"A\")",
    "[.list | .. ] | length",
    "getpath([\"data\", \"key\"])",
    "[getpath([\"data\", \"lines\", 1, \"item\"])]",
    "paths(type == \"number\")",
    "setpath([\"data\", \"key\"]; 1) | .data.key",
    "to_entries | from_entries",
    "tojson | fromjson",
    "[.list[] | numbers] | min, max",
    "[.list[:3][] | . * 2, . - 1, . % 2]",
    ".data.lines | any(.ok), all(.ok)",
    "[.data.lines[] | .item | values]",
    ".data.lines[1:] | length",
    "walk(if type == \"string\" then ascii_upcase else . end)",
    "[.data.lines[] | to_entries | map(.key) | join(\",\")]",
    "input_missing? // 1",
    "def f($x; g): $x + g; f(1; 2)",
    "def f: if . < 5 then . + 1 | f else . end; 0 | f",
    "[recurse(if . < 3 then . + 1 else empty end)]",
    "isempty(empty)",
    ".list | transpose? // \"no\"",
    "[[1, 2], [3, 4]] | transpose",
    "{a: 1} * {b: {c: 2}}",
    "[1, 2, 3] - [2]",
    "\"a-b\" / \"-\"",
    "\"ab\" * 3",
    "[.list | .[0], .[-1], .[9]]",
    "ltrimstr(1)",
    "splits(1)?",
    ".[\"type\"]",
    ".data[\"key\", \"n\"]",
    ".data.lines[0, 1].item",
    "[.data.lines[(0, 1)][\"item\", \"qty\"]]",
    "limit(3; repeat(1))",
    "[.list[:3][] | until(. > 10; . * 2)]",
    "[while(. == null; 1)]",
    "\"2026-11-23T00:00:00Z\" | fromdate",
    "0 | todate",
    "@uri \"a=\\(.s)\"",
    "@html \"<\\(.s)>\"",
    "ascii?",
    "env_missing? // 2",
    "label $f | .list[] | if . == 2 then ., break $f else . end",
    "[.list[:3] | combinations? // 0]",
    "[[1, 2], [3]] | [combinations]",
    ". as {type: $t, data: {key: $k}} | [$t, $k]",
    ".data.lines as [$a, $b] | $b.item",
    "[.[]?]",
    "[.data.lines[] | .nope.deeper?]",
    "[1, null, \"a\"] | map(tostring)",
    "unique",
    "[3, 1, 3] | unique",
    "[.list[:3][] | . == 1, . != 2, . < 3]",
    ".data.lines[0] == .data.lines[0]",
    ".list < .data",
    "[1, [2]] | contains([1])",
    "\"foobar\" | contains(\"bar\")",
    "[1, 2, 1] | indices(1)",
    "\"a,b, cd\" | indices(\", \")",
    "[.data.lines[] | select(.qty == (\"2\", \"3\"))] | length",
    "path(..)",
    "[path(.data.lines[].item)]",
    "pick(.data.key)",
    "tostream? // 1",
    "$__loc__? // 1",
];

#[test]
fn the_guard_does_not_change_what_programs_mean() {
    for program in ORDINARY {
        let Some(expected) = stock(program, SAMPLE) else { continue };
        if program.contains("_missing") || program.contains("$__loc__") {
            continue;
        }
        let got = guarded(program, SAMPLE, &Budget::default()).unwrap_or_else(|e| panic!("{program}: {e}"));
        assert_eq!(got, expected, "{program}");
    }
}

/// Small programs from a grammar, most of them well typed by luck.
fn program() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(".".to_owned()),
        Just(".a".to_owned()),
        Just(".list".to_owned()),
        Just(".data.lines[]".to_owned()),
        Just(".[]?".to_owned()),
        Just("..".to_owned()),
        Just("1".to_owned()),
        Just("\"x\"".to_owned()),
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("empty".to_owned()),
        Just("f".to_owned()),
        Just("$v".to_owned()),
        Just("length?".to_owned()),
        Just("keys?".to_owned()),
        Just("tostring".to_owned()),
        Just("reverse?".to_owned()),
        Just("to_entries?".to_owned()),
        Just("paths".to_owned()),
        Just("tojson".to_owned()),
        Just("explode?".to_owned()),
        Just("sort?".to_owned()),
        Just("flatten?".to_owned()),
        Just("repeat(.)".to_owned()),
        Just("error".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("({a} | {b})")),
            two.clone().prop_map(|(a, b)| format!("({a}, {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} + {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} * {b})?")),
            two.clone().prop_map(|(a, b)| format!("({a} - {b})?")),
            two.clone().prop_map(|(a, b)| format!("({a} // {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} == {b})")),
            two.clone().prop_map(|(a, b)| format!("(try {a} catch {b})")),
            two.clone().prop_map(|(a, b)| format!("{{a: {a}, b: {b}}}")),
            two.clone().prop_map(|(a, b)| format!("\"\\({a})\\({b})\"")),
            two.clone().prop_map(|(a, b)| format!("(def f: {a}; {b})")),
            two.clone().prop_map(|(a, b)| format!("(def f(g): {a} | g; f({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a} as $v | {b})")),
            two.clone().prop_map(|(a, b)| format!("(.a |= {a} | {b})?")),
            two.clone().prop_map(|(a, b)| format!("reduce {a} as $v (.; {b})")),
            two.clone().prop_map(|(a, b)| format!("foreach {a} as $v (.; {b})")),
            two.clone().prop_map(|(a, b)| format!("(if {a} then {b} else . end)")),
            two.clone().prop_map(|(a, b)| format!("limit({a}; {b})")),
            two.clone().prop_map(|(a, b)| format!("[range({a}; {b})]")),
            two.prop_map(|(a, b)| format!("(.[{a}]? | map({b})?)")),
            inner.clone().prop_map(|a| format!("[{a}]")),
            inner.clone().prop_map(|a| format!("({a})?")),
            inner.clone().prop_map(|a| format!("[recurse({a})]")),
            inner.clone().prop_map(|a| format!("walk({a})")),
            inner.clone().prop_map(|a| format!("path({a})")),
            inner.clone().prop_map(|a| format!("[until({a}; .)]")),
            inner.clone().prop_map(|a| format!("({a} | test(\"x\"))?")),
            inner.prop_map(|a| format!("first({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    /// Any small program ends within its budget, with outputs or a reason, and never panics or overflows.
    #[test]
    fn small_programs_always_end(source in program()) {
        let source = format!("def f: 1; null as $v | {source}");
        let budget = Budget { steps: 20_000, output_bytes: 1 << 20, ..Budget::DEFAULT };
        if let Err(error) = guarded(&source, SAMPLE, &budget) {
            prop_assert!(!error.is_empty());
        }
    }
}

#[test]
fn our_data_stays_small() {
    assert!(size_of::<Kind>() == 0);
    let _ = NoReferences;
}
