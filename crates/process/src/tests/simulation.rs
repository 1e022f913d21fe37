//! Many instances under seeds: answers lost, late and twice; events twice and out of season; clocks set back and forth; a crash
//! between every two steps. The end is always one of three: done, undone, or before a person.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::compensation::SAGA;
use super::world::{World, define, doc, lost, refused};
use crate::{Answer, Effect, Occurrence, Phase, Want};

/// What the other systems hold: an effect under a key counts once, however often it is asked for.
#[derive(Debug, Default)]
struct Others {
    done: BTreeMap<String, u32>,
    names: BTreeMap<String, String>,
}

impl Others {
    fn carry_out(&mut self, key: &str, effect: &Effect) {
        let name = match effect {
            Effect::Operation { name, .. } => name.clone(),
            other => other.word().to_owned(),
        };
        self.names.insert(key.to_owned(), name);
        *self.done.entry(key.to_owned()).or_insert(0) += 1;
    }

    fn holds(&self, key: &str) -> bool {
        self.done.contains_key(key)
    }
}

/// Answers everything that is open, with faults, until nothing moves; then a person decides what is stuck.
fn live(world: &mut World, dice: &mut StdRng, others: &mut Others, trouble: u32) -> Phase {
    let mut late: Vec<Occurrence> = Vec::new();
    for _ in 0..4000 {
        let state = world.state();
        if state.phase().is_final() {
            break;
        }
        if dice.random_range(0..10) == 0 {
            // A clock that is set, forth or back.
            world.now = world.now.plus(dice.random_range(-600_000..600_000));
            world.tell(&Occurrence::Time);
        }
        if dice.random_range(0..8) == 0
            && let Some(old) = late.get(dice.random_range(0..late.len().max(1)))
        {
            // Only an effect that is asked for again takes an answer, and then any of its answers.
            let old = old.clone();
            let Occurrence::Answered { key, .. } = &old else { panic!("only answers come late") };
            let open = world.state().wants().contains_key(key);
            assert_eq!(world.tell(&old), open);
        }
        let wants = world.state().wants();
        let Some((key, want)) = wants.iter().nth(dice.random_range(0..wants.len().max(1))) else {
            let due = world.state().due();
            let listening = world.state().listens();
            if listening && dice.random_range(0..3) > 0 {
                world.event("{type: go.v1, subject: PO-1, data: {ok: true}}");
            } else if let Some(due) = due {
                world.now = world.now.max(due);
                world.tell(&Occurrence::Time);
            }
            continue;
        };
        match want {
            Want::Decision { .. } => {
                let decision = match dice.random_range(0..3) {
                    0 => Occurrence::Retry,
                    1 => Occurrence::Skip { key: String::new(), output: doc("{skipped: true}") },
                    _ if world.phase() == Phase::Held => Occurrence::Cancel,
                    _ => Occurrence::Abandon,
                };
                world.tell(&decision);
            }
            Want::Effect(effect) => {
                let answer = match dice.random_range(0..100) {
                    n if n < trouble => refused("not now"),
                    n if n < trouble * 2 => {
                        // Done, and nobody heard.
                        others.carry_out(key, effect);
                        lost()
                    }
                    n if n < trouble * 3 => lost(),
                    _ => {
                        others.carry_out(key, effect);
                        Answer::Done(doc("{id: X1, ok: true}"))
                    }
                };
                let occurrence = Occurrence::Answered { key: key.clone(), answer };
                world.tell(&occurrence);
                late.push(occurrence);
            }
        }
    }
    world.phase()
}

const BUSY: &str = r#"
use: { functions: { unbook: { call: erp.unbook, with: { of: '${ .output.id }' } } } }
timeout: { after: P30D }
do:
  - reserve:
      for: { each: line, in: .lines }
      do: [{ take: { call: wms.reserve, with: { line: '${ $line }' }, metadata: { compensate: [{ free: { call: wms.free } }] } } }]
  - both:
      fork:
        branches:
          - book:
              try: [{ write: { call: erp.book, metadata: { compensate: unbook } } }]
              catch: { retry: { delay: PT2S, backoff: { linear: {} }, limit: { attempt: { count: 3 } } } }
          - tell: { emit: { event: { with: { source: 'https://me.test', type: told.v1 } } } }
  - heard:
      timeout: { after: P1D }
      listen: { to: { one: { with: { type: go.v1 }, correlate: { po: { from: .subject, expect: PO-1 } } } } }
  - race: { fork: { compete: true, branches: [{ slow: { wait: PT1H } }, { fast: { call: aps.plan } }] } }
  - ship: { call: wms.ship, metadata: { compensate: [{ un: { call: wms.unship } }] } }
"#;

#[test]
fn whatever_happens_it_ends_done_or_undone_or_before_a_person() {
    let mut ends: BTreeMap<Phase, u32> = BTreeMap::new();
    for seed in 0..300 {
        let dice = &mut StdRng::seed_from_u64(seed);
        let yaml = if seed % 2 == 0 { BUSY.to_owned() } else { BUSY.replace("timeout: { after: P30D }", "") };
        let mut world = World::new(define(&yaml), "{lines: [A, B, C]}");
        let mut others = Others::default();
        let phase = live(&mut world, dice, &mut others, 6);
        assert!(phase.is_final(), "seed {seed}: {phase:?}, {:?}", world.open());
        *ends.entry(phase).or_insert(0) += 1;
        for (key, wants) in asked_twice(&world) {
            assert!(wants.len() == 1, "seed {seed}: {key} was asked for as {wants:?}");
        }
        if phase == Phase::Completed {
            assert!(world.state().undoing().is_none());
        }
    }
    assert!(ends.len() >= 2, "a simulation that always ends alike shows nothing: {ends:?}");
}

/// The kinds of effect that were asked for under one key.
fn asked_twice(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, want) in &world.asked {
        let word = match want {
            Want::Effect(effect) => format!("{effect:?}"),
            Want::Decision { stuck, .. } => format!("{stuck:?}"),
        };
        all.entry(key.clone()).or_default().insert(word);
    }
    all
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = |seed| {
        let mut world = World::new(define(BUSY), "{lines: [A, B]}");
        live(&mut world, &mut StdRng::seed_from_u64(seed), &mut Others::default(), 8);
        let trail = serde_json::to_string(&world.state().trail()).unwrap();
        (world.asked, world.marks, world.withdrawn, trail)
    };
    for seed in [1, 7, 23] {
        assert_eq!(history(seed), history(seed));
    }
}

/// Two thousand sagas that fail at their last step, with an undo that fails at every attempt a seed says. Every effect of a
/// forward step is undone, or a person has decided about it.
#[test]
fn two_thousand_compensations_leave_nothing_half_done() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..2000 {
        let dice = &mut StdRng::seed_from_u64(seed);
        let mut world = World::new(define(SAGA), "{n: 7}");
        let mut others = Others::default();
        let mut decided: BTreeSet<String> = BTreeSet::new();
        let mut abandoned = false;
        while !world.phase().is_final() {
            let wants = world.state().wants();
            let Some((key, want)) = wants.iter().next() else {
                let due = world.state().due().expect("it waits for the time");
                world.now = world.now.max(due);
                world.tell(&Occurrence::Time);
                continue;
            };
            match want {
                Want::Effect(effect) => {
                    let fails = key.ends_with("/pay") || dice.random_range(0..100) < 45;
                    let answer = match (fails, dice.random_range(0..2)) {
                        (false, _) => {
                            others.carry_out(key, effect);
                            Answer::Done(doc("{id: X}"))
                        }
                        (true, 0) => refused("no"),
                        (true, _) => {
                            if dice.random_range(0..2) == 0 {
                                others.carry_out(key, effect);
                            }
                            lost()
                        }
                    };
                    world.tell(&Occurrence::Answered { key: key.clone(), answer });
                }
                Want::Decision { .. } => {
                    let of = key.trim_end_matches("!undo!case").to_owned();
                    let decision = match dice.random_range(0..4) {
                        0 | 1 => Occurrence::Retry,
                        2 => {
                            decided.insert(of);
                            Occurrence::Skip { key: String::new(), output: crate::Doc::null() }
                        }
                        _ => {
                            abandoned = true;
                            Occurrence::Abandon
                        }
                    };
                    world.tell(&decision);
                    *counts.entry("case").or_insert(0) += 1;
                }
            }
        }
        assert_ne!(world.phase(), Phase::Completed, "pay always fails");
        for (step, undo) in [("i1/order", "i1/order!undo/cancel"), ("i1/ship", "i1/ship!undo/unship")] {
            let undone = others.holds(undo) || decided.contains(step) || abandoned;
            assert!(!others.holds(step) || undone, "seed {seed}: {step} is half done");
            if others.holds(step) && others.holds(undo) {
                *counts.entry("undone").or_insert(0) += 1;
            }
        }
    }
    assert!(counts["undone"] > 1000 && counts["case"] > 50, "{counts:?}");
}
