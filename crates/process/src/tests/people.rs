//! What a person may do with an instance.

use super::world::{World, doc, read, refused};
use crate::{Doc, Occurrence, Phase, Want};

fn held() -> World {
    let yaml = r#"
document: { dsl: '1.0.3', namespace: t, name: it, version: '1.0.0', metadata: { onFault: hold } }
do:
  - a: { call: erp.a, metadata: { compensate: [{ un: { call: erp.un } }] } }
  - b: { call: erp.b }
  - c: { set: { after: '${ . }' } }
"#;
    let mut world = World::new(read(yaml).unwrap(), "{}");
    world.done("i1/a", "{a: 1}").answer("i1/b", refused("no"));
    assert_eq!((world.phase(), world.open()), (Phase::Held, vec!["i1!held".to_owned()]));
    world
}

#[test]
fn a_held_instance_asks_for_a_decision() {
    let world = held();
    let Some(Want::Decision { task, fault, .. }) = world.state().wants().remove("i1!held") else { panic!() };
    assert_eq!((task.as_str(), fault.detail.as_deref()), ("/do/1/b", Some("no")));
}

#[test]
fn it_is_tried_again_where_it_stopped() {
    let mut world = held();
    world.tell(&Occurrence::Retry);
    assert_eq!((world.phase(), world.open()), (Phase::Running, vec!["i1/b".to_owned()]));
    world.done("i1/b", "{b: 2}");
    assert_eq!(world.output(), r#"{"after":{"b":2}}"#);
}

#[test]
fn a_skipped_task_gives_what_the_person_says_or_its_input() {
    let mut world = held();
    world.tell(&Occurrence::Skip { key: String::new(), output: doc("{by: hand}") });
    assert_eq!(world.output(), r#"{"after":{"by":"hand"}}"#);
    let mut world = held();
    world.tell(&Occurrence::Skip { key: String::new(), output: Doc::null() });
    assert_eq!(world.output(), r#"{"after":{"a":1}}"#);
}

#[test]
fn a_held_instance_is_cancelled_and_undone() {
    let mut world = held();
    world.tell(&Occurrence::Cancel);
    world.done("i1/a!undo/un", "{}");
    assert_eq!(world.phase(), Phase::Cancelled);
}

#[test]
fn a_live_task_is_skipped_by_its_key() {
    let mut world = World::new(
        super::world::define("do: [{ l: { listen: { to: { any: [] } } } }, { s: { set: { x: '${ . }' } } }]"),
        "{}",
    );
    assert!(!world.tell(&Occurrence::Skip { key: "i1/other".into(), output: Doc::null() }));
    assert!(world.tell(&Occurrence::Skip { key: "i1/l".into(), output: doc("[1]") }));
    assert_eq!(world.output(), r#"{"x":[1]}"#);
}

#[test]
fn an_error_with_nothing_to_undo_may_be_tried_again() {
    let mut world = World::new(super::world::define("do: [{ a: { call: erp.a } }]"), "{}");
    world.answer("i1/a", refused("no"));
    assert_eq!(world.phase(), Phase::Faulted);
    assert!(world.tell(&Occurrence::Retry));
    world.done("i1/a", "{}");
    assert_eq!(world.phase(), Phase::Completed);
    assert!(!world.tell(&Occurrence::Cancel), "what is done is done");
    assert!(!world.tell(&Occurrence::Retry));
}

#[test]
fn a_case_is_answered_by_a_person() {
    let tasks = "do: [{ ask: { call: case.open, with: { title: '${ \"Order \\(.n)\" }', options: [wait, expedite] } } }, { s: { set: { did: '${ .choice }' } } }]";
    let mut world = World::new(super::world::define(tasks), "{n: 1}");
    assert_eq!(
        world.effect("i1/ask"),
        crate::Effect::Case(doc("{title: Order 1, options: [wait, expedite]}"))
    );
    world.done("i1/ask", "{choice: expedite}");
    assert_eq!(world.output(), r#"{"did":"expedite"}"#);
}

#[test]
fn another_version_takes_an_instance_over_when_it_has_its_tasks() {
    let mut world =
        World::new(super::world::define("do: [{ a: { set: { a: 1 } } }, { b: { call: erp.b } }]"), "{}");
    let live = world.state().live().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let other = super::world::define(
        "do: [{ a: { set: { a: 1 } } }, { b: { call: erp.b } }, { c: { set: { c: '${ . }' } } }]",
    );
    assert!(live.iter().all(|place| other.has_task(place)));
    world.definition = other;
    world.done("i1/b", "2");
    assert_eq!(world.output(), r#"{"c":2}"#);
    let mut world = World::new(super::world::define("do: [{ b: { call: erp.b } }]"), "{}");
    world.definition = super::world::define("do: [{ c: { set: { c: 1 } } }]");
    world.tell(&Occurrence::Answered { key: "i1/b".into(), answer: crate::Answer::Done(Doc::null()) });
    assert_eq!(world.fault().title.as_deref(), Some("Task Gone"));
}
