//! Plans against the interpreter: the same bytes out, always.

#![allow(
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test says which program failed; its grammar is long"
)]

use proptest::prelude::*;

use crate::query::Query;
use crate::{Budget, CodeList, Environment, How, Input, Vars};

fn environment() -> Environment {
    let list = CodeList::parse("colour", b"#policy: quarantine\nfrom,to\nr,red\ng,green\n").unwrap();
    Environment::new([list], crate::Units::default())
}

const VARS: Vars<'_> = Vars {
    system: "erp",
    source: "orders",
    tenant: "t",
    site: None,
    file: Some("a.csv"),
    line: Some(3),
    now: "2026-11-23T10:00:00Z",
    headers: &[],
    references: &crate::NoReferences,
};

type Outcome = Result<Vec<String>, String>;

/// Outputs, or the code of the failure.
fn outcome(query: &Query, input: &Input<'_>, budget: &Budget) -> Outcome {
    let outputs = query.run(input, &VARS, budget, |output, account| {
        let mut out = Vec::new();
        output.write(&mut out, account, budget)?;
        Ok(String::from_utf8(out).unwrap())
    });
    outputs.map_err(|failure| failure.reason.code)
}

fn both(source: &str, input: &str) -> Option<(How, Outcome, Outcome)> {
    let (planned, interpreted) =
        (Query::compile(source, &environment()).ok()?, Query::interpreted(source, &environment()).unwrap());
    let input = Input::parse(input.as_bytes()).unwrap();
    let budget = Budget::default();
    Some((planned.how(), outcome(&planned, &input, &budget), outcome(&interpreted, &input, &budget)))
}

const SAMPLE: &str = r#"{"type":"a","n":null,"b":false,"data":{"key":"0047","q":"12.50","num":1.50,"int":7,"big":12345678901234567890,"neg":-3,"zero":-0,"lines":[{"item":"A","qty":"2","c":"r"},{"item":"B","qty":"10","c":"g"},{"item":null,"qty":"3","c":"x"}],"date":"/Date(1492041600000)/"},"list":[3,1,2],"nested":[[1,[2]],[],{}],"words":["b","a","b"],"text":"Grüße, \"Welt\"\n","empty":{},"same":{"x":1,"y":[2]},"other":{"y":[2],"x":1.0}}"#;

/// Programs a plan must cover, with what the interpreter makes of them.
const COVERED: &[&str] = &[
    ".",
    ".type",
    ".data.key",
    ".nope",
    ".nope.deeper",
    ".n.x",
    ".data.lines[0].item",
    ".data.lines[-1].qty",
    ".data.lines[9]",
    ".list[1:]",
    ".list[:-1]",
    ".list[-2:]",
    ".data.key[1:3]",
    ".\"type\"",
    ".[\"type\"]",
    ".data[\"key\"]",
    ".data.lines[]",
    "[.data.lines[].item]",
    ".data.lines | map(.qty)",
    ".data.lines | map(select(.item)) | length",
    "[.data.lines[] | select(.qty == \"2\") | .item]",
    "[.data.lines[] | select(.item == null)]",
    "{a: .type, b: .list, \"c d\": .data.key}",
    "{type, n}",
    "{a: {b: {c: .list}}}",
    "{(.type): 1, b: 2}",
    "{a: .list[]}",
    "{a: .list[], b: .words[]}",
    ".type as $t | {$t, u: $t}",
    ". as {data: {key: $k}, list: [$a, $b]} | [$k, $a, $b]",
    "\"x\\(.type)y\\(.data.num)z\\(.list)\\(.n)\\(.b)\"",
    "\"\\(.text)\"",
    ".n // \"d\"",
    ".type // \"d\"",
    "(.b, .n) // 3",
    "(.list[] | select(. > 5)) // \"none\"",
    "if .b then 1 else 2 end",
    "if .type == \"a\" then \"A\" elif .n then 1 end",
    "[if .list[] > 1 then 1 else 0 end]",
    ".type == \"a\" and .b",
    ".n or .type",
    ".b | not",
    ".list | length",
    ".text | length",
    ".n | length",
    ".data | keys",
    ".data | has(\"key\")",
    ".list | has(1)",
    ".list | has(7)",
    ".data | has(\"no\")",
    ".same == .other",
    ".same != .empty",
    ".list == [3, 1, 2]",
    ".data.num == 1.5 | not | not? // 1",
    ".data.int < 8",
    ".type < \"b\"",
    ".n < 1",
    "[.list[] < .list[]]? // 1",
    ".data.neg - 3",
    ".data.int * 6",
    ".list | add",
    ".words | add",
    "[.list, .words] | add",
    "[.same, .other] | add",
    "{} + .same",
    ".n + 1",
    "add(.list[])",
    ".words | join(\"-\")",
    ".list | join(\"-\")",
    "[] | join(\",\")",
    "[1] | join(\",\")",
    ".data.int | tostring",
    ".list | tostring",
    ".data.big | tostring",
    ".data.zero",
    ".data.q | tonumber",
    ".data.int | tonumber",
    "\" 42 \" | tonumber",
    ".data.num | tojson",
    ".same | tojson",
    ".type | type",
    ".list | type",
    ".n | type",
    ".text | ascii_upcase",
    ".text | ascii_downcase",
    ".text | split(\",\")",
    "\"\" | split(\",\")",
    "\"a,b,\" | split(\",\")",
    ".text | startswith(\"Gr\")",
    ".text | endswith(\"x\")",
    ".text | ltrimstr(\"Gr\")",
    ".text | rtrimstr(\"\\n\")",
    ".text | trim",
    "\"  a \" | trim",
    ".list | first",
    ".list | last",
    "[] | first",
    "first(.list[])",
    "[first(empty)]",
    ".list | any",
    ".list | all",
    ".list | any(. > 2)",
    ".list | all(. > 2)",
    "[.n, 1, .b] | map(values)",
    "isempty(.list[])",
    "isempty(empty)",
    ".list | reverse",
    ".list | sort",
    ".words | sort",
    ".data.lines | sort_by(.item)",
    ".data.lines | group_by(.item)",
    ".words | unique",
    ".data.lines | unique_by(.c)",
    "[range(4)]",
    "[range(2; 5)]",
    ".same | to_entries",
    ".same | with_entries(.value |= 1)? // 1",
    ".same | with_entries({key: .key, value: 1})",
    "[{key: \"a\", value: 1}, {key: \"a\"}] | from_entries",
    "reduce .list[] as $x (0; . + $x)",
    "reduce .list[] as $x ([]; . + [$x])",
    "reduce .data.lines[] as $l ({}; . + {($l.c): $l.qty})",
    "[.list[] as $x | .words[] as $y | \"\\($x)\\($y)\"]",
    "def f: .type; f",
    "def f(g): [g, g]; f(.list[0])",
    "def f($x; g): {x: $x, g: g}; f(.type; .n)",
    "def a: .list; def b: a | length; b",
    "[.data.lines[]?.item]",
    ".type[]?",
    "[.type?.x?]",
    "[.nested[][]?]",
    ".data.lines[0][\"qty\"]",
    ".list[.list[1]]",
    ".data[.type + \"x\"]",
    "$source.system",
    "$source",
    "$now",
    "$headers",
    "null, true, false",
    "[1, -2, \"x\"]",
    "[]",
    "{}",
    "empty",
    "[empty]",
    ".list[0], .list[1]",
    "dec_add(.data.q; \"0.05\")",
    "dec_mul(.data.num; 2)",
    "[.data.lines[] | dec_add(.qty; 1)]",
    "[.data.lines[].qty] | dec_sum",
    "dec_cmp(.data.q; 12)",
    "qty(.data.q; \"KGM\") | convert(.; \"GRM\")",
    ".data.key | strip_zeros",
    ".data.date | odata_date",
    "code(\"colour\"; .data.lines[0].c)",
    "[.data.lines[] | (try code(\"colour\"; .c) catch .code)]",
    "[.data.lines[] | code(\"colour\"; .c)?]",
    "pad_left(8; \"0\")? // (.data.key | pad_left(8; \"0\"))",
    "hash_id([.type, .data.key])",
    "unit(\"KGM\"; \"erp\")",
    "xref(\"erp\"; \"item\"; .data.key)",
    "add_days(\"2026-02-27\"; 2)",
    "date_only(\"20261123\"; \"%Y%m%d\")",
    "datetime(\"2026-07-01\"; \"%Y-%m-%d\"; \"UTC\")",
    ".data.key | blank_to_null",
    // Failures, told by the interpreter or by the function.
    ".type.x",
    ".list.x",
    ".type[]",
    ".type + 1",
    ".type * 2",
    "code(\"colour\"; \"zz\")",
    "code(\"nolist\"; \"zz\")",
    "error(\"no\")",
    "error({code: \"my-code\", message: \"no\"})",
    ".type | error",
    "dec_add(\"x\"; 1)",
    "1 + .data.num",
    ".data.num + .data.num",
    "{(.list): 1}",
    ".text | tonumber",
    ".b | length",
    ".data.big + 1",
    ".data.big == .data.big",
];

#[test]
fn plans_give_what_the_interpreter_gives() {
    let mut interpreted = Vec::new();
    for program in COVERED {
        let (how, planned, expected) =
            both(program, SAMPLE).unwrap_or_else(|| panic!("{program} does not compile"));
        assert_eq!(planned, expected, "{program}");
        if how != How::Compiled {
            interpreted.push(program);
        }
    }
    // A few stand here for what the language has besides.
    assert!(interpreted.len() <= 4, "{interpreted:?}");
}

#[test]
fn a_refusal_says_where_in_the_input_and_in_the_mapping() {
    let mapping = crate::Mapping::compile(
        "m.jq",
        "{\n  a: [.data.lines[]\n    | code(\"colour\"; .c)]\n}",
        &environment(),
    )
    .unwrap();
    let error = mapping.run_bytes(SAMPLE.as_bytes(), &VARS, &Budget::default()).unwrap_err();
    assert_eq!(
        (error.reason.code.as_str(), error.reason.at.as_str(), error.line),
        ("unknown-code", "/data/lines/2/c", Some(3))
    );
    let reason = lineshaft_model::Reason::from(error);
    assert!(reason.at.contains("mappings/m.jq:3"), "{}", reason.at);
}

#[test]
fn plans_stay_within_the_budget() {
    for program in [
        "[range(100000000)]",
        "reduce range(1000000) as $i (\"x\"; . + .)",
        "reduce range(100) as $i ([1]; . + .)",
        "reduce range(1000000) as $i (0; [.])",
        "reduce range(70) as $i (1; [., .])",
        "reduce range(70) as $i (1; {a: ., b: .})",
        "[range(1000)] | map([range(1000)])",
        "reduce range(1000000) as $i (\"x\"; \"\\(.)\\(.)\")",
        "[range(2000)] as $x | [range(2000)] as $y | [range(100000) | select($x == $y)]",
        "[range(2000)] as $x | reduce range(100000) as $i (0; $x | sort | length)",
        "reduce range(100000) as $i ({}; . + {(\"\\($i)\"): 1})",
    ] {
        let query = Query::compile(program, &environment()).unwrap();
        assert_eq!(query.how(), How::Compiled, "{program}");
        let input = Input::parse(b"null").unwrap();
        let code = outcome(&query, &input, &Budget::default()).unwrap_err();
        assert!(code.starts_with("mapping-"), "{program}: {code}");
    }
}

/// Programs of the shapes that plans cover.
fn program() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        ".",
        ".type",
        ".n",
        ".b",
        ".data",
        ".data.key",
        ".data.q",
        ".data.num",
        ".data.int",
        ".data.lines",
        ".list",
        ".words",
        ".text",
        ".nested",
        ".same",
        ".other",
        ".empty",
        "$v",
        "$now",
        "$source",
        "1",
        "-2",
        "\"x\"",
        "\"\"",
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "empty",
        ".[]?",
        ".item",
        ".qty",
        ".c",
        ".[0]?",
        ".[-1]?",
        ".[1:]?",
        "length?",
        "keys?",
        "type",
        "tostring",
        "tojson",
        "not",
        "to_entries?",
        "add?",
        "first?",
        "last?",
        "reverse?",
        "sort?",
        "unique?",
        "any?",
        "all?",
        "values",
        "ascii_upcase?",
        "tonumber?",
        "trim?",
        "strip_zeros?",
        "dec_norm?",
        "blank_to_null?",
        "f",
        "error",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 32, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        let op = prop::sample::select(vec![
            "+", "-", "*", "==", "!=", "<", "<=", ">", ">=", "and", "or", "//", ",", "|",
        ]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            two.clone().prop_map(|(a, b)| format!("{{a: {a}, b: {b}}}")),
            two.clone().prop_map(|(a, b)| format!("{{({a}): {b}}}")),
            two.clone().prop_map(|(a, b)| format!("\"\\({a})-\\({b})\"")),
            two.clone().prop_map(|(a, b)| format!("(def f: {a}; {b})")),
            two.clone().prop_map(|(a, b)| format!("(def f(g): {a} | g; f({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a} as $v | {b})")),
            two.clone().prop_map(|(a, b)| format!("reduce {a} as $v (.; {b})")),
            two.clone().prop_map(|(a, b)| format!("(try {a} catch {b})")),
            two.clone().prop_map(|(a, b)| format!("({a} | map({b}))")),
            two.clone().prop_map(|(a, b)| format!("[{a} | select({b})]")),
            two.clone().prop_map(|(a, b)| format!("({a})[{b}]")),
            two.clone().prop_map(|(a, b)| format!("({a} | join({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a} | has({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a} | split({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a} | sort_by({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a} | group_by({b}))")),
            two.clone().prop_map(|(a, b)| format!("({a} | any({b}))")),
            two.prop_map(|(a, b)| format!("dec_add({a}; {b})")),
            three.prop_map(|(a, b, c)| format!("(if {a} then {b} else {c} end)")),
            inner.clone().prop_map(|a| format!("[{a}]")),
            inner.clone().prop_map(|a| format!("({a})?")),
            inner.clone().prop_map(|a| format!("first({a})")),
            inner.clone().prop_map(|a| format!("isempty({a})")),
            inner.clone().prop_map(|a| format!("({a} | .[]?)")),
            inner.clone().prop_map(|a| format!("with_entries({a})")),
            inner.prop_map(|a| format!("({a} | code(\"colour\"; .))")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    /// Whatever a plan gives, the interpreter gives the same; where it fails, both fail.
    #[test]
    fn plans_and_interpreter_agree(source in program()) {
        let source = format!("def f: 1; null as $v | {source}");
        let Some((how, planned, interpreted)) = both(&source, SAMPLE) else { return Ok(()) };
        if how == How::Compiled && !planned.as_ref().is_err_and(|code| code.starts_with("mapping-too")) {
            prop_assert_eq!(planned, interpreted, "{}", source);
        }
    }
}
