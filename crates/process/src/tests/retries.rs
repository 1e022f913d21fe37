//! Errors: caught, tried again, raised, and left alone.

use super::world::{World, define, http, lost, refused, run};
use crate::{Phase, TaskPhase};

const TRY: &str = r#"
do:
  - attempt:
      try: [{ get: { call: http, with: { method: get, endpoint: 'http://a.test/' } } }]
      catch:
        errors: { with: { type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication', status: 503 } }
        as: gone
        retry: { delay: { seconds: 3 }, backoff: { exponential: {} }, limit: { attempt: { count: 2 } } }
        do: [{ tell: { set: { status: '${ $gone.status }', at: '${ $gone.instance }' } } }]
"#;

#[test]
fn a_retry_waits_as_its_policy_says_and_asks_under_the_same_key() {
    let mut world = World::new(define(TRY), "{}");
    for pause_ms in [3000, 6000] {
        world.answer("i1/attempt/get", http(503, "null"));
        assert_eq!(world.state().due(), Some(world.now.plus(pause_ms)));
        world.pass(pause_ms - 1);
        assert!(world.open().is_empty());
        world.pass(1);
        assert_eq!(world.open(), ["i1/attempt/get"]);
    }
    world.answer("i1/attempt/get", http(503, "null"));
    assert_eq!(world.output(), r#"{"status":503,"at":"/do/0/attempt/try/0/get"}"#);
}

#[test]
fn what_is_not_caught_ends_the_process() {
    let mut world = World::new(define(TRY), "{}");
    world.answer("i1/attempt/get", http(404, "null"));
    assert_eq!((world.phase(), world.fault().status), (Phase::Faulted, 404));
}

#[test]
fn a_success_after_a_failure_is_a_success() {
    let mut world = World::new(define(TRY), "{}");
    world.answer("i1/attempt/get", http(503, "null")).pass(3000).answer("i1/attempt/get", http(200, "[1]"));
    assert_eq!(world.output(), "[1]");
}

#[test]
fn conditions_decide_what_is_caught() {
    let tasks = |catch: &str| {
        let raise = "raise: { error: { type: 'https://a.test/wrong', status: 418, title: '${ .t }' } }";
        format!("do: [{{ t: {{ try: [{{ r: {{ {raise} }} }}], catch: {{ {catch} }} }} }}]")
    };
    let caught = |catch: &str| World::new(define(&tasks(catch)), "{t: tea}").phase() == Phase::Completed;
    assert!(caught(""));
    assert!(caught("when: '$error.status == 418'"));
    assert!(!caught("when: '$error.status == 500'"));
    assert!(!caught("exceptWhen: '$error.title == \"tea\"'"));
    assert!(caught("errors: { with: { title: tea } }"));
    assert!(!caught("errors: { with: { title: coffee } }"));
    assert!(!caught("errors: { with: { instance: /do/9/other } }"));
    assert!(caught("errors: { with: { instance: /do/0/t/try/0/r } }"));
}

#[test]
fn a_retry_without_handler_gives_the_error_on() {
    let tasks = "do: [{ t: { try: [{ a: { call: erp.a } }], catch: { retry: { limit: { attempt: { count: 1 } } } } } }]";
    let mut world = World::new(define(tasks), "{}");
    world.answer("i1/t/a", refused("no")).pass(1000).answer("i1/t/a", refused("no"));
    assert_eq!(world.phase(), Phase::Faulted);
}

#[test]
fn an_attempt_and_all_attempts_together_are_limited_in_time() {
    let tasks = r#"
do:
  - t:
      try: [{ a: { call: erp.a } }]
      catch: { retry: { delay: PT10S, limit: { attempt: { duration: PT5S }, duration: PT30S } } }
"#;
    let mut world = World::new(define(tasks), "{}");
    let mut attempts = 1;
    while world.phase() == Phase::Running {
        world.pass(5000);
        if world.phase() == Phase::Running && world.open().is_empty() {
            world.pass(10_000);
            attempts += 1;
        }
    }
    assert_eq!((attempts, world.fault().status), (3, 408), "first failure at 5 s, 30 s are over at 35 s");
}

#[test]
fn a_timeout_withdraws_what_was_asked_for() {
    let tasks = "do: [{ t: { timeout: { after: { seconds: 5 } }, do: [{ a: { call: erp.a } }] } }]";
    let mut world = World::new(define(tasks), "{}");
    world.pass(4999);
    assert_eq!(world.phase(), Phase::Running);
    world.pass(1);
    let fault = world.fault();
    assert!(fault.is("https://serverlessworkflow.io/spec/1.0.0/errors/timeout"));
    assert_eq!((fault.status, fault.instance.as_str()), (408, "/do/0/t"));
    assert_eq!(world.withdrawn, ["i1/t/a"]);
}

#[test]
fn the_process_itself_has_a_time() {
    let tasks =
        "timeout: { after: PT1H }\ndo: [{ a: { listen: { to: { one: { with: { type: a.b.v1 } } } } } }]";
    let mut world = World::new(define(tasks), "{}");
    world.pass(3_600_000);
    assert_eq!((world.phase(), world.fault().instance.as_str()), (Phase::Faulted, "/timeout"));
}

#[test]
fn a_named_error_is_raised_with_its_expressions() {
    let tasks = r#"
use: { errors: { short: { type: 'https://a.test/short', status: 409, detail: '${ "only \(.left) left" }' } } }
do: [{ r: { raise: { error: short } } }]
"#;
    let fault = World::new(define(tasks), "{left: 3}").fault();
    assert_eq!(
        fault.doc().as_str(),
        r#"{"type":"https://a.test/short","status":409,"detail":"only 3 left","instance":"/do/0/r"}"#
    );
}

#[test]
fn an_error_in_the_handler_is_a_new_error() {
    let tasks = r#"
do:
  - t:
      try: [{ a: { raise: { error: { type: 'https://a.test/a', status: 400 } } } }]
      catch: { do: [{ b: { raise: { error: { type: 'https://a.test/b', status: 500 } } } }] }
"#;
    assert_eq!(World::new(define(tasks), "{}").fault().instance, "/do/0/t/catch/do/0/b");
}

#[test]
fn inner_and_outer_try_share_the_work() {
    let tasks = r#"
do:
  - outer:
      try:
        - inner:
            try: [{ a: { raise: { error: { type: 'https://a.test/a', status: 400 } } } }]
            catch: { errors: { with: { status: 500 } } }
      catch: { do: [{ ok: { set: { caught: outer } } }] }
"#;
    assert_eq!(run(tasks, "{}"), r#"{"caught":"outer"}"#);
}

#[test]
fn an_answer_that_is_late_or_comes_twice_changes_nothing() {
    let tasks = "do: [{ a: { call: erp.a } }, { b: { call: erp.b } }]";
    let mut world = World::new(define(tasks), "{}");
    world.done("i1/a", "{}");
    let before = world.state();
    let late = crate::Occurrence::Answered { key: "i1/a".into(), answer: lost() };
    assert!(!world.tell(&late));
    assert_eq!(world.state(), before);
}

#[test]
fn waiting_goes_by_the_clock_and_not_back_with_it() {
    let mut world = World::new(define("do: [{ w: { wait: PT30S } }]"), "{a: 1}");
    world.now = world.now.plus(-3_600_000);
    assert!(!world.tell(&crate::Occurrence::Time), "an hour back is not 30 seconds on");
    world.now = world.now.plus(3_600_000 + 30_000);
    assert!(world.tell(&crate::Occurrence::Time));
    assert_eq!(world.output(), r#"{"a":1}"#);
    assert_eq!(world.state().trail()["/do/0/w"].phase, TaskPhase::Completed);
}

#[test]
fn a_wait_may_be_computed() {
    let mut world = World::new(define("do: [{ w: { wait: '${ .for }' } }]"), "{for: PT2S}");
    assert_eq!(world.state().due(), Some(world.now.plus(2000)));
    world.pass(2000);
    assert_eq!(world.phase(), Phase::Completed);
    assert_eq!(
        World::new(define("do: [{ w: { wait: '${ .for }' } }]"), "{for: soon}").phase(),
        Phase::Faulted
    );
}
