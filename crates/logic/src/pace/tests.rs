//! The pace of a system: limits, breaker, ramp, budget, and whose turn it is.

use lineshaft_model::Priority;
use proptest::prelude::*;

use super::*;
use crate::turns::Classes;

const RULE: BreakerRule = BreakerRule { failures: 3, window_ms: 1000, cool_down_ms: 500, ramp_ms: 0 };

fn pace(per_1000_s: u64, burst: u32, concurrency: u32) -> Pace {
    let mut pace = Pace::new(Limits { per_1000_s, burst, concurrency }, RULE);
    pace.sit();
    pace
}

const SEAT: Seat = Seat(0);

fn wants(class: Priority) -> Wants {
    let mut wants = Wants::default();
    wants.fresh.add(class);
    wants
}

fn again(class: Priority) -> Wants {
    let mut wants = Wants::default();
    wants.again.add(class);
    wants
}

/// What one lane with ordinary work may do.
fn ask(pace: &mut Pace, now: i64) -> Permit {
    match pace.start(SEAT, wants(Priority::Normal), Millis(now), None) {
        Permit::Go(_) => GO,
        other => other,
    }
}

const GO: Permit = Permit::Go(Turn { seat: SEAT, class: Priority::Normal, again: false });

fn end(pace: &mut Pace, now: i64, ending: Ending) {
    pace.ended(Millis(now), ending, false, None);
}

#[test]
fn concurrency_is_kept() {
    let mut pace = pace(0, 1, 2);
    assert_eq!([ask(&mut pace, 0), ask(&mut pace, 0)], [GO; 2]);
    assert_eq!(ask(&mut pace, 0), Permit::WhenOneEnds);
    end(&mut pace, 1, Ending::Done);
    assert_eq!(ask(&mut pace, 1), GO);
}

#[test]
fn the_breaker_opens_probes_and_closes() {
    let mut pace = pace(0, 1, 10);
    for t in 0..3 {
        assert_eq!(ask(&mut pace, t), GO);
        end(&mut pace, t, Ending::Failed);
    }
    assert_eq!(ask(&mut pace, 3), Permit::At(Millis(502)));
    assert_eq!(ask(&mut pace, 502), GO);
    assert_eq!(
        (pace.standing(Millis(502)).breaker, ask(&mut pace, 502)),
        (Breaker::HalfOpen, Permit::WhenOneEnds)
    );
    end(&mut pace, 510, Ending::Failed);
    assert_eq!(ask(&mut pace, 511), Permit::At(Millis(1010)));
    assert_eq!(ask(&mut pace, 1010), GO);
    end(&mut pace, 1011, Ending::Done);
    assert_eq!(pace.standing(Millis(1011)).breaker, Breaker::Closed);
}

#[test]
fn failures_spread_over_time_do_not_open_it() {
    let mut pace = pace(0, 1, 10);
    for t in [0, 900, 1800, 2700] {
        assert_eq!(ask(&mut pace, t), GO);
        end(&mut pace, t, Ending::Failed);
    }
    assert_eq!(pace.standing(Millis(2700)).breaker, Breaker::Closed);
}

#[test]
fn a_system_that_fails_every_second_time_is_left_alone_too() {
    let mut pace = pace(0, 1, 10);
    let mut opened = None;
    for t in 0..100 {
        if ask(&mut pace, t) != GO {
            opened = Some(t);
            break;
        }
        end(&mut pace, t, if t % 2 == 0 { Ending::Done } else { Ending::Failed });
    }
    assert_eq!(opened, Some(24), "twelve failures among twelve others");
}

#[test]
fn some_poison_among_much_that_works_does_not_open_it() {
    let mut pace = pace(0, 1, 10);
    for t in 0..2_000 {
        assert_eq!(ask(&mut pace, t), GO, "at {t}");
        end(&mut pace, t, if t % 3 == 0 { Ending::Failed } else { Ending::Done });
    }
}

#[test]
fn a_late_answer_does_not_close_it() {
    let mut pace = pace(0, 1, 10);
    (0..5).for_each(|_| assert_eq!(ask(&mut pace, 0), GO));
    (0..3).for_each(|_| end(&mut pace, 1, Ending::Failed));
    end(&mut pace, 2, Ending::Done);
    assert_eq!(ask(&mut pace, 3), Permit::At(Millis(501)));
}

#[test]
fn a_person_opens_and_closes_the_breaker() {
    let mut pace = pace(0, 1, 10);
    pace.force(Some(Forced::Open), Millis(0));
    assert_eq!(ask(&mut pace, 1_000_000), Permit::Held);
    pace.force(Some(Forced::Closed), Millis(1_000_000));
    for t in 1_000_000..1_000_020 {
        assert_eq!(ask(&mut pace, t), GO, "whatever the system does");
        end(&mut pace, t, Ending::Failed);
    }
    pace.force(None, Millis(1_000_020));
    for t in 1_000_020..1_000_023 {
        assert_eq!(ask(&mut pace, t), GO);
        end(&mut pace, t, Ending::Failed);
    }
    assert!(matches!(ask(&mut pace, 1_000_023), Permit::At(_)), "by itself again");
}

#[test]
fn a_system_that_is_back_gets_its_work_by_and_by() {
    let mut pace = Pace::new(
        Limits { per_1000_s: 0, burst: 1, concurrency: 16 },
        BreakerRule { ramp_ms: 16_000, ..RULE },
    );
    pace.sit();
    for t in 0..3 {
        assert_eq!(ask(&mut pace, t), GO);
        end(&mut pace, t, Ending::Failed);
    }
    assert_eq!(ask(&mut pace, 1_000), GO);
    end(&mut pace, 1_000, Ending::Done);
    let mut at_once = |now| {
        let mut made = 0;
        while ask(&mut pace, now) == GO {
            made += 1;
        }
        (0..made).for_each(|_| end(&mut pace, now, Ending::Done));
        made
    };
    assert_eq!([1_000, 5_000, 9_000, 17_000].map(&mut at_once), [1, 4, 8, 16]);
}

#[test]
fn the_rate_of_a_system_that_is_back_grows_too() {
    let mut pace = Pace::new(
        Limits { per_1000_s: 100_000, burst: 1, concurrency: 64 },
        BreakerRule { ramp_ms: 10_000, ..RULE },
    );
    pace.sit();
    pace.back(Millis(0));
    let made = |pace: &mut Pace, from: i64| {
        (from..from + 1_000)
            .filter(|now| {
                let goes = ask(pace, *now) == GO;
                if goes {
                    end(pace, *now, Ending::Done);
                }
                goes
            })
            .count()
    };
    let (first, later) = (made(&mut pace, 0), made(&mut pace, 10_000));
    assert!(
        first < 20 && (99..=101).contains(&later),
        "{first} in the first second, {later} when all is well"
    );
}

#[test]
fn a_paused_system_is_not_called_until_resumed() {
    let mut pace = pace(0, 1, 1);
    pace.pause(true, Millis(0));
    assert_eq!(ask(&mut pace, 0), Permit::Held);
    pace.pause(false, Millis(0));
    assert_eq!(ask(&mut pace, 0), GO);
}

#[test]
fn a_retry_after_of_the_system_holds_every_call() {
    let mut pace = pace(0, 1, 4);
    assert_eq!(ask(&mut pace, 0), GO);
    pace.ended(Millis(10), Ending::Deferred, false, Some(2000));
    assert_eq!(ask(&mut pace, 11), Permit::At(Millis(2010)));
}

#[test]
fn nothing_goes_while_a_window_is_open() {
    let mut pace = pace(0, 1, 4);
    let closed = Some(Millis(900));
    assert_eq!(pace.start(SEAT, wants(Priority::Critical), Millis(5), closed), Permit::At(Millis(900)));
    assert_eq!(ask(&mut pace, 900), GO);
}

#[test]
fn a_free_slot_goes_to_the_more_urgent_lane() {
    let mut pace = pace(0, 1, 1);
    let other = pace.sit();
    assert!(matches!(pace.start(SEAT, wants(Priority::Bulk), Millis(0), None), Permit::Go(_)));
    assert_eq!(pace.start(other, wants(Priority::Critical), Millis(0), None), Permit::WhenOneEnds);
    end(&mut pace, 5, Ending::Done);
    assert_eq!(pace.start(SEAT, wants(Priority::Bulk), Millis(5), None), Permit::After(other, None));
    assert!(matches!(pace.start(other, wants(Priority::Critical), Millis(5), None), Permit::Go(_)));
    end(&mut pace, 6, Ending::Done);
    assert_eq!(pace.start(other, Wants::default(), Millis(6), None), Permit::After(SEAT, None));
}

#[test]
fn a_lane_that_leaves_wakes_another() {
    let mut pace = pace(0, 1, 1);
    let other = pace.sit();
    assert!(matches!(pace.start(SEAT, wants(Priority::Bulk), Millis(0), None), Permit::Go(_)));
    assert_eq!(pace.start(other, wants(Priority::Bulk), Millis(0), None), Permit::WhenOneEnds);
    end(&mut pace, 5, Ending::Unused);
    assert_eq!(pace.leave(SEAT), Some(other));
}

#[test]
fn without_credit_repeats_trickle_and_first_attempts_go_on() {
    let mut pace =
        Pace::new(Limits { concurrency: 1, ..Limits::default() }, BreakerRule { failures: 1_000, ..RULE });
    pace.sit();
    for t in 0..10 {
        assert_eq!(ask(&mut pace, t), GO);
        end(&mut pace, t, Ending::Failed);
    }
    let mut repeat = |now| {
        let permit = pace.start(SEAT, again(Priority::Normal), Millis(now), None);
        if let Permit::Go(turn) = permit {
            pace.ended(Millis(now), Ending::Failed, turn.again, None);
        }
        permit
    };
    assert!(matches!(repeat(10), Permit::Go(_)), "one at once");
    assert_eq!(repeat(11), Permit::At(Millis(1_010)));
    assert!(matches!(repeat(1_010), Permit::Go(_)));
    assert_eq!(repeat(1_500), Permit::At(Millis(2_010)));
    assert_eq!(ask(&mut pace, 1_500), GO);
}

proptest! {
    #[test]
    fn the_rate_is_never_exceeded(per_s in 1u64..200, burst in 1u32..20, gaps in proptest::collection::vec(0i64..50, 1..300)) {
        let mut pace = pace(per_s * 1000, burst, u32::MAX);
        let mut now = 0;
        let mut made = Vec::new();
        for gap in gaps {
            now += gap;
            if ask(&mut pace, now) == GO {
                made.push(now);
            }
        }
        for (i, from) in made.iter().enumerate() {
            for (j, to) in made.iter().enumerate().skip(i) {
                // In any span: the burst, and one more for each gap that fits, with a millisecond's rounding.
                let fits = (to - from + 1) * per_s as i64 / 1000 + i64::from(burst) + 1;
                prop_assert!(((j - i) as i64) < fits, "{} calls in {} ms", j - i + 1, to - from);
            }
        }
    }

    #[test]
    fn a_refused_call_may_be_made_when_promised(per_s in 1u64..2000, burst in 1u32..5, tries in 1usize..50) {
        let mut pace = pace(per_s * 1000, burst, u32::MAX);
        let mut now = 0;
        for _ in 0..tries {
            match ask(&mut pace, now) {
                Permit::At(then) => {
                    prop_assert!(then.0 > now);
                    prop_assert_eq!(ask(&mut pace, then.0), GO);
                    now = then.0;
                }
                other => prop_assert_eq!(other, GO),
            }
        }
    }

    /// Whatever lanes want and however calls end, somebody is always told to look again: nothing stands still.
    #[test]
    fn some_lane_always_knows_when_to_look_again(
        steps in proptest::collection::vec((0usize..3, 0u8..16, 0u8..16, any::<bool>(), 0i64..400), 1..200),
    ) {
        let mut pace = Pace::new(Limits { per_1000_s: 20_000, burst: 2, concurrency: 2 }, BreakerRule { ramp_ms: 300, ..RULE });
        (0..3).for_each(|_| { pace.sit(); });
        let mut held = [Wants::default(); 3];
        let mut timers: [Option<Millis>; 3] = [None; 3];
        let mut flying: Vec<(Seat, bool)> = Vec::new();
        let mut now = 0;
        for (lane, fresh, repeats, fails, pass) in steps {
            now += pass;
            let mut look: Vec<usize> = (0..3).filter(|i| timers[*i].is_some_and(|t| t.0 <= now)).collect();
            if !flying.is_empty() {
                let (seat, again) = flying.swap_remove(pass as usize % flying.len());
                pace.ended(Millis(now), if fails { Ending::Failed } else { Ending::Done }, again, None);
                look.push(seat.0);
            }
            let mut wants = Wants::default();
            for class in Priority::ALL {
                if fresh & (1 << class as u8) != 0 { wants.fresh.add(class); }
                if repeats & (1 << class as u8) != 0 { wants.again.add(class); }
            }
            held[lane] = wants;
            look.push(lane);
            let mut rounds = 0;
            while let Some(i) = look.pop() {
                rounds += 1;
                prop_assert!(rounds < 200, "lanes wake one another for ever");
                timers[i] = None;
                loop {
                    match pace.start(Seat(i), held[i], Millis(now), None) {
                        Permit::Go(turn) => {
                            prop_assert_eq!(turn.seat, Seat(i));
                            flying.push((turn.seat, turn.again));
                            // What went is wanted no more, so that the others get their chance.
                            held[i] = Wants::default();
                        }
                        Permit::At(then) => {
                            prop_assert!(then.0 > now);
                            timers[i] = Some(then);
                            break;
                        }
                        Permit::After(other, then) => {
                            prop_assert_ne!(other, Seat(i));
                            look.push(other.0);
                            timers[i] = then;
                            break;
                        }
                        Permit::WhenOneEnds => {
                            prop_assert!(!flying.is_empty(), "waits for an end that does not come");
                            break;
                        }
                        Permit::Nothing => {
                            prop_assert!(held[i].is_empty());
                            break;
                        }
                        Permit::Held => prop_assert!(false, "nobody held it"),
                    }
                }
            }
            let somebody_wants = held.iter().any(|wants| !wants.is_empty());
            let somebody_looks = timers.iter().any(Option::is_some) || !flying.is_empty();
            prop_assert!(!somebody_wants || somebody_looks, "{held:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// With failures at any rate, repeats add at most a fifth to the attempts that would be made without them, apart from
    /// the credit to begin with and one a second.
    #[test]
    fn repeats_add_at_most_a_fifth(failing in 0u32..=100, seconds in 1i64..30, seed in any::<u64>()) {
        let limits = Limits { per_1000_s: 0, burst: 1, concurrency: 8 };
        let mut pace = Pace::new(limits, BreakerRule { failures: u32::MAX, ..RULE });
        pace.sit();
        let mut dice = seed | 1;
        let mut fails = || {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % 100 < u64::from(failing)
        };
        let (mut waiting, mut first, mut repeated, mut wasted) = (0u64, 0u64, 0u64, 0u64);
        for now in 0..seconds * 1_000 {
            let fresh = now % 5 == 0;
            // As many repeats as are let through, and one first attempt every five milliseconds.
            loop {
                let mut wants = Wants { fresh: Classes::default(), ..Wants::default() };
                if waiting > 0 {
                    wants.again.add(Priority::Normal);
                }
                let Permit::Go(turn) = pace.start(SEAT, wants, Millis(now), None) else { break };
                prop_assert!(turn.again);
                repeated += 1;
                let failed = fails();
                waiting -= u64::from(!failed);
                wasted += u64::from(failed);
                pace.ended(Millis(now), if failed { Ending::Failed } else { Ending::Done }, true, None);
            }
            if fresh {
                first += 1;
                let goes = matches!(pace.start(SEAT, wants(Priority::Normal), Millis(now), None), Permit::Go(_));
                prop_assert!(goes, "first attempts go on");
                let failed = fails();
                waiting += u64::from(failed);
                pace.ended(Millis(now), if failed { Ending::Failed } else { Ending::Done }, false, None);
            }
        }
        let done = first - waiting;
        prop_assert!(wasted <= 15 + done / 5 + seconds as u64 + 1, "{wasted} repeated for nothing, {done} done");
        // What fails is drawn by lot: where one in six does, luck decides, so a fortieth is left to it.
        let most = first + first / 5 + first / 40 + 20 + seconds as u64;
        prop_assert!(first + repeated <= most, "{first} first, {repeated} repeated, {waiting} waiting, at {failing} %");
    }
}
