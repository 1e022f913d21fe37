//! Cases that pass, and every way in which one can fail.

use std::path::{Path, PathBuf};

use super::*;
use crate::workspace::{Variables, load};

const SYSTEM: &str = r#"
system: shop
connector: http
base_url: ${SHOP_URL}
sources:
  counts:
    format: csv
    mapping: count.jq
    emits: [lineshaft.inventory.counted.v1]
operations:
  post:
    request: { method: POST, path: "/counts/{{ .subject }}", idempotency_header: Idempotency-Key }
    mapping: to-shop.jq
"#;

const COUNT: &str = r#"select(.item != "") | { type: "lineshaft.inventory.counted.v1", subject: "\(.item)/\(.bin)", id: .id,
    revision: (.n | tonumber), keys: { "ref:shop": .sku }, data: { item, delta: .delta } }"#;

const TO_SHOP: &str = r#"if .data.delta == "0" then error("nothing differs") else
    { Item: (xref_back("shop"; "inventory-position"; .subject) // .data.item), Delta: .data.delta } end"#;

const ROUTES: &str = r"
- route: counts-to-shop
  on: lineshaft.inventory.counted.v1
  when: '.data.delta != null'
  to: shop.post
  order_by: .data.item
";

struct Shop(tempfile::TempDir);

impl Shop {
    fn with(tests: &str) -> Self {
        let shop = Self(tempfile::tempdir().unwrap());
        for (file, text) in [
            ("lineshaft.yaml", ""),
            ("systems/shop.yaml", SYSTEM),
            ("mappings/count.jq", COUNT),
            ("mappings/to-shop.jq", TO_SHOP),
            ("routes/counts.yaml", ROUTES),
            ("tests/counts.yaml", tests),
        ] {
            shop.write(file, text);
        }
        shop
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn play(&self, decision: Decision) -> (Vec<Played>, Vec<coverage::Covered>) {
        let loaded = load(self.0.path(), &Variables::default().with_stand_ins());
        let stage = stage(loaded.workspace.unwrap_or_else(|| panic!("{:?}", loaded.problems))).unwrap();
        let cases = read(self.0.path());
        assert_eq!(cases.problems.as_slice(), [], "the cases are well formed");
        let mut coverage = Coverage::default();
        let played =
            cases.cases.iter().map(|case| play(&stage, case, &mut coverage, &mut |_| decision)).collect();
        (played, coverage.of(stage.parts()))
    }

    /// What is told of the only case: each problem's line and message.
    fn told(&self) -> Vec<String> {
        let (played, _) = self.play(Decision::Refuse);
        assert_eq!(played.len(), 1);
        played[0].problems.iter().map(|p| format!("{}: {}", p.mark.line, p.message)).collect()
    }
}

fn case(steps_and_expectations: &str) -> Shop {
    Shop::with(&format!("test: it\n{steps_and_expectations}"))
}

/// What the form of a case's file is said to be wrong with.
fn malformed(text: &str) -> Vec<String> {
    let shop = Shop::with(text);
    read(Path::new(shop.0.path()))
        .problems
        .iter()
        .map(|p| format!("{}: {}", p.mark.line, p.message))
        .collect()
}

const ONE: &str =
    "when:\n  - in: shop/counts\n    body: \"id,item,bin,sku,n,delta\\nC1,BOLT,A1,77,5,-3\\n\"\n";

#[test]
fn what_is_as_expected_passes() {
    let shop = case(&format!(
        "{ONE}expect:
  events: [{{ type: lineshaft.inventory.counted.v1, subject: BOLT/A1, sequence: '5', data: {{ delta: '-3' }} }}]
  deliveries:
    - {{ to: shop.post, route: counts-to-shop, priority: normal, order_key: BOLT, request: {{ path: /counts/BOLT%2FA1 }}, body: {{ Delta: '-3' }} }}
"
    ));
    assert_eq!(shop.told(), Vec::<String>::new());
    let (_, covered) = shop.play(Decision::Refuse);
    assert_eq!(coverage::percent(&covered), 100, "{covered:?}");
}

#[test]
fn a_wrong_value_is_told_with_its_place_in_the_test() {
    let shop = case(&format!(
        "{ONE}expect:
  deliveries:
    - to: shop.post
      priority: high
      body: {{ Delta: '3', Itme: BOLT }}
"
    ));
    insta::assert_debug_snapshot!(shop.told(), @r#"
    [
        "8: deliveries/0/priority: expected the text `high`, got the text `normal`",
        "9: deliveries/0/body/Delta: expected the text `3`, got the text `-3`",
        "9: deliveries/0/body/Itme: expected the text `BOLT`, got nothing; did you mean `Item`?",
    ]
    "#);
}

#[test]
fn more_or_less_than_expected_is_told() {
    let shop = case(&format!(
        "{ONE}expect:\n  events: []\n  deliveries: [{{ to: shop.post }}, {{ to: shop.gone }}]\n"
    ));
    insta::assert_debug_snapshot!(shop.told(), @r#"
    [
        "7: a delivery is expected here, and there is none",
        "6: an event is not expected: lineshaft.inventory.counted.v1 BOLT/A1",
    ]
    "#);
    let shop = case(&format!(
        "{ONE}expect:\n  deliveries: [{{ to: shop.post, exactly: true, body: {{ Item: BOLT }} }}]\n"
    ));
    insta::assert_debug_snapshot!(shop.told(), @r#"
    [
        "6: deliveries/0/body/Item: expected the text `BOLT`, got the text `77`",
        "6: deliveries/0/body/Delta: there is the text `-3` that is not expected",
    ]
    "#);
}

#[test]
fn nothing_is_lost_without_a_word() {
    let rows = |rows: &str| {
        case(&format!(
            "when:\n  - {{ in: shop/counts, body: \"id,item,bin,sku,n,delta\\n{rows}\" }}\nexpect: {{ events: [] }}\n"
        ))
        .told()
    };
    // A row that the mapping makes nothing of, one that it cannot read, and one whose delivery cannot be made.
    assert_eq!(
        rows("C1,,A1,77,5,-3\\n"),
        ["4: something dropped is not expected: no-event shop/counts line 2"]
    );
    assert!(rows("C1,BOLT,A1,77,five,-3\\n")[0].contains("something quarantined is not expected: "));
    let shop = case(
        "when:\n  - { in: shop/counts, body: \"id,item,bin,sku,n,delta\\nC1,BOLT,A1,77,5,0\\n\" }\nexpect: { events: [{}] }\n",
    );
    let told = shop.told();
    assert!(told[0].contains("a delivery is not expected: shop.post BOLT/A1 dead-lettered"), "{told:?}");
    assert!(told[0].contains("nothing differs"), "{told:?}");
}

#[test]
fn what_was_before_is_remembered() {
    let rows = "id,item,bin,sku,n,delta\\nC1,BOLT,A1,77,5,-3\\n";
    let shop = case(&format!(
        "given:
  - {{ in: shop/counts, body: \"{rows}\" }}
when:
  - {{ in: shop/counts, body: \"{rows}\" }}
  - event: {{ id: E1, type: lineshaft.inventory.counted.v1, subject: BOLT/A1, sequence: '4', data: {{ item: BOLT, delta: '9' }} }}
    from: shop
  - event: {{ type: lineshaft.inventory.counted.v1, subject: BOLT/A1, sequence: '6', data: {{ item: BOLT, delta: '1' }} }}
    from: shop
expect:
  events: [{{ sequence: '6' }}]
  dropped: [{{ why: duplicate, id: C1 }}, {{ why: stale, id: E1 }}]
  deliveries: [{{ body: {{ Item: '77', Delta: '1' }} }}]
"
    ));
    assert_eq!(shop.told(), Vec::<String>::new());
}

#[test]
fn an_echo_of_what_was_sent_stops() {
    let shop = case(
        "when:
  - event: { id: A, type: lineshaft.inventory.counted.v1, subject: BOLT/A1, data: { item: BOLT, delta: '1' } }
    from: erp
  - event: { id: B, type: lineshaft.inventory.counted.v1, subject: BOLT/A1, data: { item: BOLT, delta: '1' } }
    from: shop
expect:
  deliveries: [{ to: shop.post }]
  dropped: [{ why: echo, id: B }]
",
    );
    assert_eq!(shop.told(), Vec::<String>::new());
}

#[test]
fn answers_park_keys_and_name_objects() {
    let body = |n: u8| {
        format!(
            "event: {{ type: lineshaft.inventory.counted.v1, subject: BOLT/A{n}, data: {{ item: BOLT, delta: '{n}' }} }}"
        )
    };
    let shop = case(&format!(
        "answers: {{ shop.post: {{ refused: locked }} }}
when: [{{ {}, from: erp }}, {{ {}, from: erp }}]
expect:
  deliveries:
    - {{ outcome: dead-lettered, reason: {{ code: target-refused, message: locked }} }}
    - {{ outcome: parked, body: null }}
",
        body(1),
        body(2)
    ));
    assert_eq!(shop.told(), Vec::<String>::new());
    let shop = case(&format!(
        "answers: {{ shop.post: {{ foreign_key: '4711' }} }}
given: [{{ {}, from: erp }}]
when: [{{ event: {{ type: lineshaft.inventory.counted.v1, subject: BOLT/A1, data: {{ item: BOLT, delta: '2' }} }}, from: erp }}]
expect: {{ deliveries: [{{ body: {{ Item: '4711' }} }}] }}
",
        body(1)
    ));
    assert_eq!(shop.told(), Vec::<String>::new());
}

#[test]
fn a_snapshot_is_kept_and_compared() {
    let shop = case(&format!("{ONE}expect: {{ snapshot: true }}\n"));
    let file = shop.path("tests/snapshots/counts--it.json");
    assert_eq!(shop.told(), ["5: there is no snapshot tests/snapshots/counts--it.json yet"]);
    assert!(!file.exists(), "nothing is written unless asked for");
    shop.play(Decision::Keep);
    assert_eq!(shop.told(), Vec::<String>::new());
    let kept = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, kept.replace("\"-3\"", "\"-4\"")).unwrap();
    let (played, _) = shop.play(Decision::Refuse);
    let problem = &played[0].problems[0];
    assert!(problem.message.contains("is not as"), "{problem}");
    assert!(problem.hint.contains(r#"was `"delta": "-4"`, is `"delta": "-3"`"#), "{problem}");
}

#[test]
fn what_is_malformed_is_told() {
    let told = malformed(
        "- test: a\n  when: []\n  expect: { events: [] }
- test: b\n  when: [{ in: x/y, body: a, json: 1 }]\n  expect: { evnets: [] }
- test: c\n  when: [{ body: a }]\n  expect: { events: no, deliveries: [1] }
- test: d\n  when: [{ in: x/y, file: ../../outside }]\n
- test: e\n  at: yesterday\n  when: [{ in: x/y, body: '' }]\n  expect: { events: [] }
",
    );
    insta::assert_debug_snapshot!(told);
}

#[test]
fn a_result_that_build_servers_read() {
    let shop = case(&format!("{ONE}expect: {{ events: [{{ subject: \"a<b>&'\\a\" }}] }}\n"));
    let (played, _) = shop.play(Decision::Refuse);
    let text = junit::document(&played);
    insta::assert_snapshot!(text);
    let mut reader = quick_xml::Reader::from_str(&text);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            event => drop(event),
        }
    }
}
