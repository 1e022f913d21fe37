//! What was done is undone in reverse; what cannot be is put before a person.

use super::world::{World, define, lost, refused};
use crate::{Effect, Occurrence, Phase, TaskPhase, Want};

pub(crate) const SAGA: &str = r#"
use:
  functions:
    unship: { call: wms.unship, with: { id: '${ .output.id }', was: '${ .input.n }' } }
do:
  - order: { call: erp.order, metadata: { compensate: [{ cancel: { call: erp.cancel, with: { id: '${ .output.id }' } } }] } }
  - ship: { call: wms.ship, with: { n: 1 }, metadata: { compensate: unship } }
  - pay: { call: erp.pay }
"#;

fn half_done() -> World {
    let mut world = World::new(define(SAGA), "{n: 7}");
    world.done("i1/order", "{id: O1}").done("i1/ship", "{id: S1}");
    world
}

#[test]
fn an_error_undoes_in_reverse() {
    let mut world = half_done();
    world.answer("i1/pay", refused("no money"));
    assert_eq!(world.phase(), Phase::Compensating);
    let Effect::Operation { data, .. } = world.effect("i1/ship!undo/unship") else { panic!() };
    assert_eq!(data.as_str(), r#"{"id":"S1","was":null}"#, "the input of ship is what order gave");
    world.done("i1/ship!undo/unship", "{}");
    assert_eq!(world.open(), ["i1/order!undo/cancel"]);
    world.done("i1/order!undo/cancel", "{}");
    assert_eq!((world.phase(), world.fault().instance.as_str()), (Phase::Faulted, "/do/2/pay"));
    assert_eq!(world.state().trail()["/do/0/order"].phase, TaskPhase::Compensated);
}

#[test]
fn a_cancel_undoes_what_was_done_and_what_may_have_been() {
    let mut world = World::new(define(SAGA), "{}");
    world.done("i1/order", "{id: O1}");
    assert!(world.tell(&Occurrence::Cancel));
    let state = world.state();
    assert!(!state.undoing().unwrap().of.certain, "ship was asked for and has not answered");
    world.done("i1/ship!undo/unship", "{}").done("i1/order!undo/cancel", "{}");
    assert_eq!(world.phase(), Phase::Cancelled);
}

#[test]
fn an_answer_that_was_lost_is_undone_too() {
    let mut world = World::new(define(SAGA), "{}");
    world.answer("i1/order", lost());
    assert_eq!(world.open(), ["i1/order!undo/cancel"]);
    world.done("i1/order!undo/cancel", "{}");
    assert_eq!(world.phase(), Phase::Faulted);
}

#[test]
fn with_nothing_done_there_is_nothing_to_undo() {
    let mut world = World::new(define(SAGA), "{}");
    world.answer("i1/order", refused("no"));
    assert_eq!((world.phase(), world.open().len()), (Phase::Faulted, 0));
}

#[test]
fn an_undo_is_tried_again_and_then_put_before_a_person() {
    for (decision, after) in [
        (Occurrence::Retry, Phase::Compensating),
        (Occurrence::Skip { key: String::new(), output: crate::Doc::null() }, Phase::Compensating),
        (Occurrence::Abandon, Phase::Faulted),
    ] {
        let mut world = half_done();
        world.answer("i1/pay", refused("no money"));
        for pause_ms in [1000, 4000, 16_000, 64_000] {
            world.answer("i1/ship!undo/unship", refused("gone"));
            assert_eq!(world.state().due(), Some(world.now.plus(pause_ms)));
            world.pass(pause_ms);
        }
        world.answer("i1/ship!undo/unship", refused("gone"));
        assert_eq!(world.open(), ["i1/ship!undo!case"]);
        let Some(Want::Decision { task, .. }) = world.state().wants().remove("i1/ship!undo!case") else {
            panic!()
        };
        assert_eq!(task, "/do/1/ship");
        world.tell(&decision);
        assert_eq!(world.phase(), after, "{decision:?}");
        match decision {
            Occurrence::Retry => assert_eq!(world.open(), ["i1/ship!undo/unship"]),
            Occurrence::Skip { .. } => assert_eq!(world.open(), ["i1/order!undo/cancel"]),
            _ => assert!(world.open().is_empty()),
        }
    }
}

#[test]
fn the_undo_of_a_whole_stands_for_its_parts() {
    let tasks = r#"
do:
  - both:
      metadata: { compensate: [{ all: { call: erp.undo-all } }] }
      do:
        - one: { call: erp.one, metadata: { compensate: [{ un: { call: erp.un-one } }] } }
        - two: { call: erp.two, metadata: { compensate: [{ un: { call: erp.un-two } }] } }
  - then: { call: erp.more }
"#;
    let mut world = World::new(define(tasks), "{}");
    world.done("i1/both/one", "{}").answer("i1/both/two", refused("no"));
    assert_eq!(world.open(), ["i1/both/one!undo/un"], "the whole was not done: its parts are undone");
    let mut world = World::new(define(tasks), "{}");
    world.done("i1/both/one", "{}").done("i1/both/two", "{}").answer("i1/then", refused("no"));
    assert_eq!(world.open(), ["i1/both!undo/all"]);
    world.done("i1/both!undo/all", "{}");
    assert_eq!(world.phase(), Phase::Faulted);
}

#[test]
fn every_turn_of_a_loop_is_undone() {
    let tasks = r#"
do:
  - every: { for: { in: '[1, 2]' }, do: [{ a: { call: erp.a, metadata: { compensate: [{ un: { call: erp.un } }] } } }] }
  - fail: { raise: { error: { type: 'https://a.test/', status: 400 } } }
"#;
    let mut world = World::new(define(tasks), "{}");
    world.done("i1/every[0]/a", "{}").done("i1/every[1]/a", "{}");
    world.done("i1/every[1]/a!undo/un", "{}").done("i1/every[0]/a!undo/un", "{}");
    assert_eq!(world.phase(), Phase::Faulted);
}

#[test]
fn what_was_done_before_a_second_attempt_is_one_thing_to_undo() {
    let tasks = r#"
do:
  - t:
      try:
        - a: { call: erp.a, metadata: { compensate: [{ un: { call: erp.un } }] } }
        - b: { call: erp.b }
      catch: { retry: { delay: PT1S, limit: { attempt: { count: 1 } } } }
"#;
    let mut world = World::new(define(tasks), "{}");
    world.done("i1/t/a", "{}").answer("i1/t/b", refused("no")).pass(1000);
    world.done("i1/t/a", "{}").answer("i1/t/b", refused("no"));
    world.done("i1/t/a!undo/un", "{}");
    assert_eq!(world.phase(), Phase::Faulted);
}
