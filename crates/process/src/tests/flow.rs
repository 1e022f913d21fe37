//! Lists, conditions, loops, branches and data on its way.

use super::world::{World, define, http, run};
use crate::{Effect, Phase, Text};

#[test]
fn a_list_hands_its_data_on() {
    let tasks = r#"
do:
  - red: { set: { colours: '${ .colours + ["red"] }' } }
  - deeper:
      do:
        - green: { set: { colours: '${ .colours + ["green"] }' } }
        - blue: { set: { colours: '${ .colours + ["blue"] }' } }
"#;
    assert_eq!(run(tasks, "{}"), r#"{"colours":["red","green","blue"]}"#);
}

#[test]
fn numbers_keep_their_digits() {
    let tasks = "do: [{ keep: { set: { price: '${ .price }', fixed: 0.10 } } }]";
    let mut world = World::new(
        define("do: [{ a: { call: erp.ask } }, { keep: { set: { price: '${ .price }' } } }]"),
        "{}",
    );
    let answer = crate::Answer::Done(crate::Doc::parse(r#"{"price":12345678901234567890.10}"#).unwrap());
    world.answer("i1/a", answer);
    assert_eq!(world.output(), r#"{"price":12345678901234567890.10}"#);
    assert!(run(tasks, "{price: 1}").contains("\"fixed\":0.1"));
}

#[test]
fn the_flow_jumps_exits_and_ends() {
    let tasks = r#"
do:
  - first: { set: { seen: [first] }, then: third }
  - second: { set: { seen: '${ .seen + ["second"] }' }, then: end }
  - third: { set: { seen: '${ .seen + ["third"] }' }, then: inner }
  - inner:
      do:
        - left: { set: { seen: '${ .seen + ["left"] }' }, then: exit }
        - never: { set: { seen: never } }
      then: second
"#;
    let world = World::new(define(tasks), "{}");
    assert_eq!(world.output(), r#"{"seen":["first","third","left","second"]}"#);
    assert_eq!(world.entered(), ["first", "third", "inner", "left", "second"]);
}

#[test]
fn a_switch_takes_the_first_case_that_holds() {
    let tasks = r#"
do:
  - choose:
      switch:
        - large: { when: '.amount >= 1000', then: approve }
        - small: { when: .amount < 10, then: end }
        - other: { then: book }
  - approve: { set: { way: approve }, then: end }
  - book: { set: { way: book } }
"#;
    assert_eq!(run(tasks, "{amount: 1000}"), r#"{"way":"approve"}"#);
    assert_eq!(run(tasks, "{amount: 5}"), r#"{"amount":5}"#);
    assert_eq!(run(tasks, "{amount: 50}"), r#"{"way":"book"}"#);
}

#[test]
fn a_task_whose_condition_fails_is_passed_and_its_then_with_it() {
    let tasks = "do: [{ stop: { if: .stop, set: { a: 1 }, then: end } }, { on: { set: { b: '${ .x }' } } }]";
    assert_eq!(run(tasks, "{x: 3}"), r#"{"b":3}"#);
    assert_eq!(run(tasks, "{x: 3, stop: true}"), r#"{"a":1}"#);
}

#[test]
fn a_loop_knows_its_item_and_its_index() {
    let tasks = r#"
do:
  - every:
      for: { each: line, in: .lines, at: n }
      while: '$n < 3'
      do:
        - add: { set: { sum: '${ [.sum[]?, "\($n):\($line.item)"] }', lines: '${ .lines }' } }
      output: { as: .sum }
"#;
    let input = "lines: [{item: A}, {item: B}, {item: C}, {item: D}]";
    assert_eq!(run(tasks, input), r#"["0:A","1:B","2:C"]"#);
    assert_eq!(
        run("do: [{ none: { for: { in: .gone }, do: [{ a: { set: { a: 1 } } }] } }]", "{x: 1}"),
        r#"{"x":1}"#
    );
}

#[test]
fn every_turn_of_a_loop_has_a_key_of_its_own() {
    let tasks = "do: [{ every: { for: { in: '.' }, do: [{ send: { call: wms.move, with: { item: '${ $item }' } } }] } }]";
    let mut world = World::new(define(tasks), "[A, B]");
    assert_eq!(world.open(), ["i1/every[0]/send"]);
    world.done("i1/every[0]/send", "{}");
    assert_eq!(world.open(), ["i1/every[1]/send"]);
    world.done("i1/every[1]/send", "{last: true}");
    assert_eq!(world.output(), r#"{"last":true}"#);
}

#[test]
fn a_task_that_is_come_back_to_is_another_effect() {
    let tasks = r#"
do:
  - ask: { call: erp.poll }
  - enough: { switch: [{ no: { when: '.done | not', then: ask } }] }
"#;
    let mut world = World::new(define(tasks), "{}");
    world.done("i1/ask", "{done: false}").done("i1/ask~1", "{done: false}").done("i1/ask~2", "{done: true}");
    assert_eq!(world.phase(), Phase::Completed);
}

#[test]
fn a_fork_waits_for_all_and_keeps_their_order() {
    let tasks = "do: [{ both: { fork: { branches: [{ a: { call: erp.a } }, { b: { call: wms.b } }] } } }]";
    let mut world = World::new(define(tasks), "{}");
    assert_eq!(world.open(), ["i1/both/a", "i1/both/b"]);
    world.done("i1/both/b", "2").done("i1/both/a", "1");
    assert_eq!(world.output(), "[1,2]");
}

#[test]
fn the_first_of_competing_branches_wins_and_the_others_are_withdrawn() {
    let tasks = "do: [{ race: { fork: { compete: true, branches: [{ a: { call: erp.a } }, { b: { wait: PT1S } }] } } }]";
    let mut world = World::new(define(tasks), "{x: 1}");
    world.pass(1000);
    assert_eq!(world.output(), r#"{"x":1}"#);
    assert_eq!(world.withdrawn, ["i1/race/a"]);
}

#[test]
fn data_flows_through_input_output_and_context() {
    let tasks = r#"
input: { from: .order }
do:
  - take:
      input: { from: .id }
      set: { id: '${ . }', raw: '${ $task.input.id }', name: '${ $task.name }' }
      output: { as: '{ kept: .id, in: $input, raw: .raw, name: .name }' }
      export: { as: '$context + { seen: .kept, of: $output.name }' }
  - show: { set: { all: '${ . }', context: '${ $context }', workflow: '${ $workflow.input.order.id }' } }
output: { as: { result: '${ .all }', context: '${ .context }', workflow: '${ .workflow }' } }
"#;
    assert_eq!(
        run(tasks, "order: { id: 7 }"),
        r#"{"result":{"kept":7,"in":7,"raw":7,"name":"take"},"context":{"seen":7,"of":"take"},"workflow":7}"#
    );
}

#[test]
fn schemas_are_kept_at_every_gate() {
    let schema = "schema: { document: { type: object, required: [id] } }";
    let fault = |rest: &str, input: &str| {
        let fault = World::new(define(rest), input).fault();
        assert!(fault.is("https://serverlessworkflow.io/spec/1.0.0/errors/validation"), "{fault:?}");
        fault.instance
    };
    assert_eq!(
        fault(&format!("input: {{ {schema} }}\ndo: [{{ a: {{ set: {{ b: 1 }} }} }}]"), "{}"),
        "/input"
    );
    assert_eq!(
        fault(&format!("do: [{{ a: {{ input: {{ {schema} }}, set: {{ b: 1 }} }} }}]"), "{}"),
        "/do/0/a"
    );
    assert_eq!(
        fault(&format!("do: [{{ a: {{ output: {{ {schema} }}, set: {{ b: 1 }} }} }}]"), "{}"),
        "/do/0/a"
    );
    assert_eq!(
        fault(&format!("do: [{{ a: {{ export: {{ as: '.', {schema} }}, set: {{ b: 1 }} }} }}]"), "{}"),
        "/do/0/a"
    );
    assert_eq!(
        fault(&format!("output: {{ {schema} }}\ndo: [{{ a: {{ set: {{ b: 1 }} }} }}]"), "{}"),
        "/output"
    );
}

#[test]
fn an_http_call_is_asked_for_whole() {
    let tasks = r#"
use: { secrets: [key] }
do:
  - get:
      call: http
      with:
        method: POST
        endpoint:
          uri: https://erp.test/orders/{id}?site={site}
          authentication: { basic: { username: '${ .user }', password: '${ $secrets.key.password }' } }
        headers: { X-Trace: '${ .id }' }
        query: { deep: '${ .deep }', none: '${ null }' }
        body: { order: '${ .id }', note: fixed }
        output: response
"#;
    let mut world = World::new(define(tasks), "{id: 'A/1 ü', user: u, deep: true}");
    let Effect::Http(request) = world.effect("i1/get") else { panic!() };
    assert_eq!(request.uri, "https://erp.test/orders/A%2F1%20%C3%BC?site=");
    assert_eq!(request.method, "post");
    assert_eq!(request.query.into_iter().collect::<Vec<_>>(), [("deep".to_owned(), "true".to_owned())]);
    assert_eq!(request.body.as_str(), r#"{"order":"A/1 ü","note":"fixed"}"#);
    let auth = request.auth.unwrap();
    let secret = Text::Secret { name: "key".into(), path: vec!["password".into()] };
    assert_eq!((auth.scheme.as_str(), &auth.values["password"]), ("basic", &secret));
    world.answer("i1/get", http(201, r#"{"ok":true}"#));
    assert!(world.output().contains(r#""statusCode":201"#), "{}", world.output());
}

#[test]
fn a_status_that_is_not_good_is_a_communication_error() {
    let tasks = "do: [{ get: { call: http, with: { method: get, endpoint: 'http://a.test/' } } }]";
    for status in [302, 404, 503] {
        let mut world = World::new(define(tasks), "{}");
        world.answer("i1/get", http(status, "null"));
        let fault = world.fault();
        assert_eq!((fault.status, fault.instance.as_str()), (i64::from(status), "/do/0/get"));
        assert!(fault.is("https://serverlessworkflow.io/spec/1.0.0/errors/communication"));
    }
}

#[test]
fn a_value_cannot_lead_an_address_elsewhere() {
    let tasks = "do: [{ get: { call: http, with: { method: get, endpoint: 'http://a.test/{x}/y' } } }]";
    assert!(World::new(define(tasks), "{x: '..'}").fault().detail.unwrap().contains("elsewhere"));
    assert!(World::new(define(tasks), "{x: [1]}").fault().detail.unwrap().contains("array"));
    let tasks = "do: [{ get: { call: http, with: { method: get, endpoint: '${ .x }' } } }]";
    assert!(World::new(define(tasks), "{x: 'file:///etc'}").fault().detail.unwrap().contains("no address"));
}

#[test]
fn functions_are_given_their_arguments_and_nothing_else() {
    let tasks = r#"
use:
  functions:
    ask:
      input: { schema: { document: { required: [id] } } }
      call: erp.get
      with: { key: '${ .id }' }
do: [{ a: { call: ask, with: { id: '${ .order }' } } }, { b: { call: ask } }]
"#;
    let mut world = World::new(define(tasks), "{order: 7}");
    assert_eq!(
        world.effect("i1/a/ask"),
        Effect::Operation { name: "erp.get".into(), data: super::world::doc("{key: 7}") }
    );
    world.done("i1/a/ask", "{}");
    assert_eq!(world.fault().instance, "/use/functions/ask");
}

#[test]
fn what_never_waits_is_stopped() {
    let fault = World::new(define("do: [{ a: { set: { b: 1 }, then: a } }]"), "{}").fault();
    assert!(fault.detail.unwrap().contains("20000 tasks in one step"));
    let recursive = "use: { functions: { f: { do: [{ again: { call: f } }] } } }\ndo: [{ a: { call: f } }]";
    let fault = World::new(define(recursive), "{}").fault();
    assert!(fault.detail.unwrap().contains("calls itself"));
    let hungry = "do: [{ a: { set: { b: '${ [range(1000000000)] | length }' } } }]";
    assert!(
        World::new(define(hungry), "{}")
            .fault()
            .is("https://serverlessworkflow.io/spec/1.0.0/errors/expression")
    );
}

#[test]
fn an_emit_gives_the_event_and_the_same_one_however_often() {
    let tasks = "do: [{ tell: { emit: { event: { with: { source: 'https://me.test', type: a.b.v1, data: { n: '${ .n }' } } } } } }]";
    let mut world = World::new(define(tasks), "{n: 1}");
    let Effect::Emit(event) = world.effect("i1/tell") else { panic!() };
    assert_eq!(
        event.as_str(),
        r#"{"id":"i1/tell","specversion":"1.0","time":"2026-11-18T11:06:40.000Z","source":"https://me.test","type":"a.b.v1","data":{"n":1}}"#
    );
    world.done("i1/tell", "{}");
    assert_eq!(world.output(), event.as_str());
}

#[test]
fn another_process_is_run() {
    let tasks = "do: [{ sub: { run: { workflow: { namespace: n, name: p, version: '1.0.0', input: { a: '${ .a }' } } } } }]";
    let mut world = World::new(define(tasks), "{a: 1}");
    assert!(matches!(world.effect("i1/sub"), Effect::Start { awaited: true, .. }));
    world.done("i1/sub", "{b: 2}");
    assert_eq!(world.output(), r#"{"b":2}"#);
}

#[test]
fn the_business_key_is_computed_from_the_input() {
    let yaml = "document: { dsl: '1.0.3', namespace: t, name: it, version: '1.0.0', metadata: { businessKey: .order.number } }\ndo: [{ w: { wait: PT1H } }]";
    let world = World::new(super::world::read(yaml).unwrap(), "{order: {number: PO-7}}");
    assert_eq!(world.state().business_key(), "PO-7");
}
