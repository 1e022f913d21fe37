//! Listening, correlation, and starting by events.

use super::world::{World, define, doc};
use crate::{Phase, Trigger};

fn listen(to: &str) -> World {
    World::new(define(&format!("do: [{{ l: {{ listen: {{ to: {to} }} }} }}]")), "{order: PO-1}")
}

#[test]
fn one_event_is_enough() {
    let mut world = listen("{ one: { with: { type: a.v1, source: 'https://s.test' } } }");
    assert!(!world.event("{type: b.v1, source: 'https://s.test', data: 1}"));
    assert!(!world.event("{type: a.v1, source: 'https://other.test', data: 1}"));
    assert!(world.event("{type: a.v1, source: 'https://s.test', data: {n: 1}}"));
    assert_eq!(world.output(), r#"[{"n":1}]"#);
}

#[test]
fn an_event_is_shown_once() {
    let mut world = listen("{ any: [{ with: { type: a.v1 } }], until: '(. | length) > 1' }");
    let event = crate::Occurrence::Event { position: 5, event: doc("{type: a.v1, data: 1}") };
    assert!(world.tell(&event));
    assert!(!world.tell(&event), "the same position again");
    assert_eq!(world.phase(), Phase::Running);
    assert!(world.tell(&crate::Occurrence::Event { position: 6, event: doc("{type: a.v1, data: 2}") }));
    assert_eq!(world.output(), "[1,2]");
}

#[test]
fn conditions_look_at_attributes() {
    let to = "{ any: [{ with: { type: t.v1, data: '${ .value > 38 }' } }, { with: { type: '${ startswith(\"b.\") }' } }] }";
    for (event, taken) in [
        ("{type: t.v1, data: {value: 38}}", false),
        ("{type: t.v1, data: {value: 39}}", true),
        ("{type: t.v1}", false),
        ("{type: b.x.v1, data: 1}", true),
        ("{type: c.v1, data: 1}", false),
    ] {
        assert_eq!(listen(to).event(event), taken, "{event}");
    }
}

#[test]
fn all_events_are_needed_in_any_order() {
    let mut world = listen("{ all: [{ with: { type: a.v1 } }, { with: { type: b.v1 } }] }");
    world.event("{type: b.v1, data: b}");
    assert!(!world.event("{type: b.v1, data: again}"));
    world.event("{type: a.v1, data: a}");
    assert_eq!(world.output(), r#"["b","a"]"#);
}

#[test]
fn the_first_event_sets_what_the_others_must_be() {
    let of =
        |kind: &str| format!("{{ with: {{ type: {kind} }}, correlate: {{ room: {{ from: .data.room }} }} }}");
    let mut world = listen(&format!("{{ all: [{}, {}] }}", of("a.v1"), of("b.v1")));
    world.event("{type: a.v1, data: {room: 1}}");
    assert!(!world.event("{type: b.v1, data: {room: 2}}"));
    assert!(!world.event("{type: b.v1, data: {}}"), "without the value there is no correlation");
    assert!(world.event("{type: b.v1, data: {room: 1}}"));
    assert_eq!(world.phase(), Phase::Completed);
}

#[test]
fn a_correlation_may_expect_what_the_process_knows() {
    let mut world = listen(
        "{ one: { with: { type: a.v1 }, correlate: { order: { from: .subject, expect: '${ .order }' } } } }",
    );
    assert!(!world.event("{type: a.v1, subject: PO-2}"));
    assert!(world.event("{type: a.v1, subject: PO-1}"));
}

#[test]
fn until_is_a_condition_or_an_event_that_does_not_count() {
    let mut world = listen("{ any: [], until: { one: { with: { type: stop.v1 } } } }");
    world.event("{type: a.v1, data: 1}");
    world.event("{type: stop.v1, data: 2}");
    assert_eq!(world.output(), "[1]");
}

#[test]
fn every_event_is_worked_on_before_the_next() {
    let tasks = r#"
do:
  - l:
      listen: { to: { any: [{ with: { type: a.v1 } }], until: '(. | length) >= 3' }, read: envelope }
      foreach:
        item: event
        at: n
        do: [{ book: { call: erp.book, with: { n: '${ $n }', data: '${ $event.data }' } } }]
        output: { as: '{ booked: .id, of: $event.data }' }
        export: { as: '{ last: .booked }' }
  - show: { set: { all: '${ . }', last: '${ $context.last }' } }
"#;
    let mut world = World::new(define(tasks), "{}");
    world.event("{type: a.v1, data: x}");
    world.event("{type: a.v1, data: y}");
    world.event("{type: a.v1, data: z}");
    assert!(!world.event("{type: a.v1, data: late}"), "three are enough");
    assert_eq!(world.open(), ["i1/l[0]/book"]);
    world.done("i1/l[0]/book", "{id: 1}").done("i1/l[1]/book", "{id: 2}").done("i1/l[2]/book", "{id: 3}");
    assert_eq!(
        world.output(),
        r#"{"all":[{"booked":1,"of":"x"},{"booked":2,"of":"y"},{"booked":3,"of":"z"}],"last":3}"#
    );
}

#[test]
fn a_listen_may_time_out() {
    let tasks = r#"
do:
  - t:
      try: [{ l: { timeout: { after: P1D }, listen: { to: { one: { with: { type: a.v1 } } } } } }]
      catch: { do: [{ late: { set: { late: true } } }] }
"#;
    let mut world = World::new(define(tasks), "{}");
    world.pass(86_400_000);
    assert_eq!(world.output(), r#"{"late":true}"#);
}

#[test]
fn an_event_starts_an_instance() {
    let definition = define(
        "schedule: { on: { one: { with: { type: a.v1 } } } }\ndo: [{ s: { set: { n: '${ $workflow.input[0].data.n }' } } }]",
    );
    let mut trigger = Trigger::default();
    assert_eq!(trigger.hear(&definition, &doc("{type: b.v1}"), super::world::T0), None);
    let input = trigger.hear(&definition, &doc("{type: a.v1, data: {n: 1}}"), super::world::T0).unwrap();
    assert_eq!(input.as_str(), r#"[{"type":"a.v1","data":{"n":1}}]"#);
    assert_eq!(definition.started_by(), Some(vec!["a.v1".to_owned()]));
}

#[test]
fn events_that_belong_together_start_one_instance() {
    let of = |kind: &str| format!("{{ with: {{ type: {kind} }}, correlate: {{ k: {{ from: .subject }} }} }}");
    let definition = define(&format!(
        "schedule: {{ on: {{ all: [{}, {}] }} }}\ndo: [{{ s: {{ set: {{ a: 1 }} }} }}]",
        of("a.v1"),
        of("b.v1")
    ));
    let mut trigger = Trigger::default();
    let mut hear = |event: &str| {
        // Between two events the hub may have been restarted.
        trigger = serde_json::from_slice(&serde_json::to_vec(&trigger).unwrap()).unwrap();
        trigger.hear(&definition, &doc(event), super::world::T0)
    };
    assert_eq!(hear("{type: a.v1, subject: early}"), None);
    assert_eq!(hear("{type: b.v1, subject: late}"), None);
    let input = hear("{type: a.v1, subject: late}").unwrap();
    assert_eq!(input.as_str(), r#"[{"type":"b.v1","subject":"late"},{"type":"a.v1","subject":"late"}]"#);
    assert!(hear("{type: b.v1, subject: early}").is_some());
    assert!(trigger.is_empty());
}
