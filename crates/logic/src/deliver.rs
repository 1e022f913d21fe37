//! What becomes of a delivery after an attempt: done, again, given up, or unknown.

use lineshaft_model::{Answer, Millis, Outcome, OutcomeKind, Position, Reason};
use serde::{Deserialize, Serialize};

use crate::lane::Entry;
use crate::pace::Ending;

/// How a route retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRule {
    /// Wait before the second attempt.
    pub first_ms: i64,
    /// Each wait is so many times the one before, in hundredths (200 doubles).
    pub factor_x100: u32,
    /// Longest wait.
    pub ceiling_ms: i64,
    /// No attempt later than this after the event was taken.
    pub give_up_after_ms: i64,
}

impl Default for RetryRule {
    fn default() -> Self {
        Self { first_ms: 1_000, factor_x100: 200, ceiling_ms: 300_000, give_up_after_ms: 86_400_000 }
    }
}

/// What the target can do about a lost answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetCan {
    /// It keeps our idempotency key: the same call again is harmless.
    pub keep_key: bool,
    /// It can be asked what happened.
    pub verify: bool,
}

/// The longest `Retry-After` that is believed: a day.
const LONGEST_HOLD_MS: i64 = 86_400_000;

/// Decides what a delivery's attempt, or the verification of an earlier one, came to. `jitter` is uniform in 0..=u32::MAX.
#[must_use]
pub fn decide(
    answer: Answer,
    entry: &Entry,
    rule: RetryRule,
    can: TargetCan,
    now: Millis,
    jitter: u32,
) -> Outcome {
    let attempt = entry.attempts.saturating_add(1);
    let base = Outcome {
        delivery: entry.id,
        kind: OutcomeKind::Delivered,
        attempt,
        at: now,
        due: Millis(0),
        status: 0,
        reason: None,
        foreign_key: None,
        actor: None,
        amendment: Position::ZERO,
    };
    match answer {
        Answer::Delivered { status, foreign_key } => Outcome { status, foreign_key, ..base },
        Answer::Refused { status, reason } => {
            Outcome { kind: OutcomeKind::Dead, status, reason: Some(reason), ..base }
        }
        Answer::Again { status, after_ms, reason } => {
            let asked_ms =
                after_ms.map_or(0, |ms| i64::try_from(ms).unwrap_or(i64::MAX).min(LONGEST_HOLD_MS));
            let due = now.plus(backoff_ms(rule, attempt, jitter).max(asked_ms));
            // "Not now" says nothing of an attempt before, whose answer was lost: only asking about that one does.
            let unsettled = entry.unknown && !can.verify;
            let kind = if unsettled { OutcomeKind::Unknown } else { OutcomeKind::Again };
            later(Outcome { kind, status, due, reason: Some(reason), ..base }, entry, rule)
        }
        Answer::Unknown { reason } if can.keep_key || can.verify => {
            let due = now.plus(backoff_ms(rule, attempt, jitter));
            later(Outcome { kind: OutcomeKind::Unknown, due, reason: Some(reason), ..base }, entry, rule)
        }
        Answer::Unknown { reason } => {
            let hint = "the target neither keeps our idempotency key nor can be asked: look there, then retry or discard";
            Outcome { kind: OutcomeKind::Dead, reason: Some(unknown(&reason).hint(hint)), ..base }
        }
    }
}

/// An attempt whose next one would come too late is given up.
fn later(outcome: Outcome, entry: &Entry, rule: RetryRule) -> Outcome {
    if outcome.due.since(entry.since) <= rule.give_up_after_ms {
        return outcome;
    }
    let cause =
        outcome.reason.clone().unwrap_or_else(|| Reason::new("delivery-failed", "the attempt failed"));
    let reason = if outcome.kind == OutcomeKind::Unknown {
        unknown(&cause)
            .hint("the outcome could not be settled in time: look at the target, then retry or discard")
    } else {
        Reason::new(
            "retries-exhausted",
            format!("given up after {} attempts: {}", outcome.attempt, cause.message),
        )
        .hint("mend the cause and retry the dead letter, or discard it with a reason")
    };
    Outcome { kind: OutcomeKind::Dead, due: Millis(0), reason: Some(reason), ..outcome }
}

fn unknown(cause: &Reason) -> Reason {
    Reason::new(
        "outcome-unknown",
        format!("the answer was lost after the request had gone out: {}", cause.message),
    )
}

/// Full jitter over an exponential wait, never less than half the first wait, so that a burst of failures spreads out.
fn backoff_ms(rule: RetryRule, attempt: u16, jitter: u32) -> i64 {
    let ceiling = i128::from(rule.ceiling_ms.max(1));
    let mut wait = i128::from(rule.first_ms.max(1));
    for _ in 1..attempt {
        wait = wait * i128::from(rule.factor_x100.max(100)) / 100;
        if wait >= ceiling {
            break;
        }
    }
    let wait = wait.min(ceiling);
    let floor = (i128::from(rule.first_ms.max(1)) / 2).min(wait);
    let spread = (wait - floor) * i128::from(jitter) / i128::from(u32::MAX);
    i64::try_from(floor + spread).unwrap_or(rule.ceiling_ms)
}

/// How long a system is left alone that says "too many requests" without saying for how long.
const UNTOLD_HOLD_MS: i64 = 1_000;

/// What an answer says of the system as a whole: whether it works, and how long it asked to be left alone.
#[must_use]
pub fn health(answer: &Answer) -> (Ending, Option<i64>) {
    let hold_ms = |after_ms: &Option<u64>| {
        after_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX).min(LONGEST_HOLD_MS))
    };
    match answer {
        Answer::Delivered { .. } | Answer::Refused { .. } => (Ending::Done, None),
        Answer::Again { status: 429, after_ms, .. } => {
            (Ending::Deferred, hold_ms(after_ms).or(Some(UNTOLD_HOLD_MS)))
        }
        Answer::Again { status: 503, after_ms, .. } => (Ending::Failed, hold_ms(after_ms)),
        Answer::Again { status: 408 | 409 | 423 | 425, .. } => (Ending::Deferred, None),
        Answer::Again { .. } | Answer::Unknown { .. } => (Ending::Failed, None),
    }
}

#[cfg(test)]
mod tests {
    use lineshaft_model::{DeliveryId, Priority};
    use proptest::prelude::*;

    use super::*;

    const RULE: RetryRule =
        RetryRule { first_ms: 1000, factor_x100: 200, ceiling_ms: 60_000, give_up_after_ms: 3_600_000 };
    const CAN: TargetCan = TargetCan { keep_key: true, verify: false };

    fn entry(attempts: u16) -> Entry {
        Entry {
            id: DeliveryId { event: Position(1), n: 0 },
            order: 1,
            share: 0,
            class: Priority::Normal,
            attempts,
            due: Millis(0),
            since: Millis(0),
            parks: true,
            unknown: false,
            amended: Position::ZERO,
        }
    }

    fn again(after_ms: Option<u64>) -> Answer {
        Answer::Again { status: 503, after_ms, reason: Reason::new("http-status", "503") }
    }

    #[test]
    fn a_refusal_is_a_dead_letter_at_once() {
        let answer = Answer::Refused { status: 422, reason: Reason::new("http-status", "422: no such item") };
        let outcome = decide(answer, &entry(0), RULE, CAN, Millis(5), 0);
        assert_eq!((outcome.kind, outcome.status, outcome.attempt), (OutcomeKind::Dead, 422, 1));
    }

    #[test]
    fn the_target_is_not_called_earlier_than_it_asked() {
        let outcome = decide(again(Some(30_000)), &entry(0), RULE, CAN, Millis(5), 0);
        assert_eq!((outcome.kind, outcome.due), (OutcomeKind::Again, Millis(30_005)));
    }

    #[test]
    fn too_late_is_given_up_with_the_cause() {
        let outcome = decide(again(None), &entry(9), RULE, CAN, Millis(3_600_000), u32::MAX);
        assert_eq!(outcome.kind, OutcomeKind::Dead);
        assert_eq!(outcome.reason.unwrap().message, "given up after 10 attempts: 503");
    }

    #[test]
    fn an_unknown_outcome_stays_unknown_until_it_is_settled() {
        let lost = Entry { unknown: true, ..entry(1) };
        let kind = |can| decide(again(None), &lost, RULE, can, Millis(0), 0).kind;
        assert_eq!(kind(CAN), OutcomeKind::Unknown, "the target was only too busy to say");
        assert_eq!(
            kind(TargetCan { keep_key: false, verify: true }),
            OutcomeKind::Again,
            "it was asked first"
        );
        let given_up = decide(again(None), &lost, RULE, CAN, Millis(3_600_000), u32::MAX);
        assert_eq!(given_up.reason.unwrap().code, "outcome-unknown");
    }

    #[test]
    fn a_lost_answer_is_tried_again_only_where_that_is_harmless() {
        let lost = || Answer::Unknown { reason: Reason::new("answer-lost", "reset") };
        let kind = |can| decide(lost(), &entry(0), RULE, can, Millis(0), 0).kind;
        assert_eq!(kind(CAN), OutcomeKind::Unknown);
        assert_eq!(kind(TargetCan { keep_key: false, verify: true }), OutcomeKind::Unknown);
        assert_eq!(kind(TargetCan { keep_key: false, verify: false }), OutcomeKind::Dead);
    }

    #[test]
    fn a_system_that_is_asked_too_much_is_left_alone_and_not_ill() {
        let said = |status, after_ms| {
            health(&Answer::Again { status, after_ms, reason: Reason::new("http-status", "") })
        };
        assert_eq!(said(429, Some(30_000)), (Ending::Deferred, Some(30_000)));
        assert_eq!(said(429, None), (Ending::Deferred, Some(1_000)), "nonsense in Retry-After is none");
        assert_eq!(said(503, Some(u64::MAX)), (Ending::Failed, Some(86_400_000)));
        assert_eq!(said(500, Some(30_000)), (Ending::Failed, None), "of this request only");
        assert_eq!(said(425, None), (Ending::Deferred, None));
    }

    proptest! {
        #[test]
        fn no_attempt_is_earlier_than_the_target_asked(after_ms: u64, jitter: u32, attempts in 0u16..100, now in 0i64..4_000_000_000_000) {
            let outcome = decide(again(Some(after_ms)), &Entry { since: Millis(now), ..entry(attempts) }, RULE, CAN, Millis(now), jitter);
            if outcome.kind == OutcomeKind::Again {
                prop_assert!(outcome.due.since(Millis(now)) as u64 >= after_ms.min(86_400_000));
            }
        }

        #[test]
        fn waits_stay_between_their_bounds(attempts in 0u16..u16::MAX, jitter: u32, first in 1i64..10_000, factor in 0u32..1000) {
            let rule = RetryRule { first_ms: first, factor_x100: factor, ..RULE };
            let wait = backoff_ms(rule, attempts.saturating_add(1), jitter);
            prop_assert!(wait >= (first / 2).min(rule.ceiling_ms / 2) && wait <= rule.ceiling_ms, "{}", wait);
        }
    }
}
