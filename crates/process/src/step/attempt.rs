//! Trying, catching, and trying again.

use std::sync::Arc;

use lineshaft_model::{Fingerprint, Millis};

use crate::definition::{Backoff, Catch, Retry, Task};
use crate::expression::clip;
use crate::fault::{Fault, Standard};
use crate::occurrence::Occurrence;
use crate::state::{Body, Frame, Sequence};

use super::scope::Names;
use super::tasks::plain;
use super::walk::{Inside, Listed, Walk};

/// Attempts when a retry has no limit of its own.
const MOST_ATTEMPTS: u32 = 100;
/// The longest pause between two attempts, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 86_400_000;
/// The pause when a retry names none, in milliseconds.
const PAUSE_MS: i64 = 1000;

/// What is done about an error.
enum Caught {
    /// Nothing: it goes on to whoever is around.
    No,
    Again(Millis),
    Handled,
}

impl Walk<'_> {
    /// Runs the tasks; `tried` is how often they were run before, and since when they fail.
    pub(crate) fn attempt(
        &mut self,
        body: &[Arc<Task>],
        catch: &Catch,
        tried: (u32, Millis),
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        let limit_ms = catch.retry.as_ref().and_then(|retry| retry.attempt_ms);
        let until = limit_ms.map(|limit_ms| self.now.plus(limit_ms));
        let listed = self.run(body, frame.input.clone(), &frame.key, names);
        self.tried(listed, catch, (tried.0, tried.1, until), task, frame, names)
    }

    #[expect(clippy::too_many_arguments, reason = "a try has that much to remember")]
    pub(crate) fn attempt_on(
        &mut self,
        body: &[Arc<Task>],
        catch: &Catch,
        state: Body,
        occurrence: &Occurrence,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        match state {
            Body::Trying { attempt, since, until, tasks } => {
                let over =
                    until.is_some_and(|until| until <= self.now) && matches!(occurrence, Occurrence::Time);
                if over {
                    self.cut(&tasks.child);
                    let fault =
                        Fault::standard(Standard::Timeout, "Timeout", "the attempt took longer than it may");
                    let listed = Listed::Failed(tasks, fault.of(&task.path));
                    return self.tried(listed, catch, (attempt, since, None), task, frame, names);
                }
                let listed = self.resume_list(body, tasks, occurrence, &frame.key, names);
                self.tried(listed, catch, (attempt, since, until), task, frame, names)
            }
            Body::Pausing { attempt, since, until } => {
                if matches!(occurrence, Occurrence::Time) && until <= self.now {
                    self.changed = true;
                    return self.attempt(body, catch, (attempt, since), task, frame, names);
                }
                Ok(Inside::Live(Body::Pausing { attempt, since, until }))
            }
            Body::Catching { fault, tasks } => {
                let handler = catch.body.as_deref().unwrap_or_default();
                let inner = names.with(vec![(catch.name.as_str(), fault.doc())]);
                let key = format!("{}!catch", frame.key);
                let listed = self.resume_list(handler, tasks, occurrence, &key, &inner);
                Ok(plain(listed, |tasks| Body::Catching { fault, tasks }))
            }
            other => Ok(Inside::Live(other)),
        }
    }

    fn tried(
        &mut self,
        listed: Listed,
        catch: &Catch,
        (attempt, since, until): (u32, Millis, Option<Millis>),
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        let (tasks, fault) = match listed {
            Listed::Failed(tasks, fault) => (tasks, fault),
            other => return Ok(plain(other, |tasks| Body::Trying { attempt, since, until, tasks })),
        };
        let inner = names.with(vec![(catch.name.as_str(), fault.doc())]);
        let caught = self.caught(&fault, catch, (attempt, since), task, frame, &inner);
        match caught {
            // The condition itself failed: then that is the error, and nothing is lost of where the tasks were.
            Err(wrong) => Ok(Inside::Failed(self.trying((attempt, since), tasks), wrong)),
            Ok(Caught::No) => Ok(Inside::Failed(self.trying((attempt, since), tasks), fault)),
            Ok(Caught::Again(until)) => {
                self.cut(&tasks.child);
                let since = if attempt == 0 { self.now } else { since };
                Ok(Inside::Live(Body::Pausing { attempt: attempt + 1, since, until }))
            }
            Ok(Caught::Handled) => {
                self.cut(&tasks.child);
                let Some(handler) = &catch.body else { return Ok(Inside::Done(frame.input.clone(), None)) };
                let key = format!("{}!catch", frame.key);
                let listed = self.run(handler, frame.input.clone(), &key, &inner);
                Ok(plain(listed, |tasks| Body::Catching { fault, tasks }))
            }
        }
    }

    /// Somebody may try again by hand: then no limit of an attempt is running.
    const fn trying(&self, (attempt, since): (u32, Millis), tasks: Sequence) -> Body {
        Body::Trying { attempt, since, until: None, tasks }
    }

    fn caught(
        &self,
        fault: &Fault,
        catch: &Catch,
        (attempt, since): (u32, Millis),
        task: &Task,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Caught, Fault> {
        let texts = [
            (catch.instance.as_ref(), Some(&fault.instance)),
            (catch.title.as_ref(), fault.title.as_ref()),
            (catch.detail.as_ref(), fault.detail.as_ref()),
        ];
        let fits = catch.kind.as_ref().is_none_or(|kind| fault.is(kind))
            && catch.status.is_none_or(|status| status == fault.status)
            && texts.iter().all(|(wanted, found)| wanted.is_none() || wanted == found);
        let holds = |condition| self.holds(condition, &frame.input, task, frame, names);
        if !fits
            || !catch.when.as_ref().map_or(Ok(true), holds)?
            || catch.except_when.as_ref().map_or(Ok(false), holds)?
        {
            return Ok(Caught::No);
        }
        let Some(retry) = &catch.retry else { return Ok(Caught::Handled) };
        let wanted = retry.when.as_ref().map_or(Ok(true), holds)?
            && !retry.except_when.as_ref().map_or(Ok(false), holds)?;
        let pause_ms = pause(retry, attempt + 1, &frame.key);
        let first = if attempt == 0 { self.now } else { since };
        let in_time = retry.total_ms.is_none_or(|total_ms| self.now.plus(pause_ms).since(first) <= total_ms);
        if wanted && in_time && attempt < retry.count.unwrap_or(MOST_ATTEMPTS) {
            return Ok(Caught::Again(self.now.plus(pause_ms)));
        }
        Ok(if catch.body.is_some() { Caught::Handled } else { Caught::No })
    }
}

/// How long to wait before an attempt, from 1. The jitter is drawn from the key, so that a replay draws the same.
pub(crate) fn pause(retry: &Retry, attempt: u32, key: &str) -> i64 {
    let delay_ms = retry.delay_ms.unwrap_or(PAUSE_MS);
    let times = match retry.backoff {
        Backoff::Constant => 1,
        Backoff::Linear => i64::from(attempt),
        Backoff::Exponential => {
            1_i64.checked_shl(attempt.saturating_sub(1)).filter(|n| *n > 0).unwrap_or(i64::MAX)
        }
    };
    let jitter_ms = retry.jitter_ms.map_or(0, |(from, to)| {
        let drawn =
            (Fingerprint::of(&[clip(key).as_str(), key, &attempt.to_string()]).0 & 0x7fff_ffff) as i64;
        from.saturating_add(drawn % to.saturating_sub(from).saturating_add(1).max(1))
    });
    delay_ms.saturating_mul(times).saturating_add(jitter_ms).clamp(0, LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_as_the_policy_says() {
        let retry = |backoff| Retry { delay_ms: Some(3000), backoff, ..Retry::default() };
        let pauses = |backoff| [1, 2, 3, 4].map(|attempt| pause(&retry(backoff), attempt, "k"));
        assert_eq!(pauses(Backoff::Constant), [3000; 4]);
        assert_eq!(pauses(Backoff::Linear), [3000, 6000, 9000, 12_000]);
        assert_eq!(pauses(Backoff::Exponential), [3000, 6000, 12_000, 24_000]);
        assert_eq!(pause(&retry(Backoff::Exponential), 90, "k"), LONGEST_PAUSE_MS);
    }

    #[test]
    fn the_jitter_is_within_its_range_and_the_same_every_time() {
        let retry = Retry { delay_ms: Some(0), jitter_ms: Some((100, 200)), ..Retry::default() };
        let drawn: Vec<i64> = (1..50).map(|attempt| pause(&retry, attempt, "key")).collect();
        assert!(drawn.iter().all(|drawn| (100..=200).contains(drawn)));
        assert!(drawn.iter().any(|one| *one != drawn[0]));
        assert_eq!(drawn, (1..50).map(|attempt| pause(&retry, attempt, "key")).collect::<Vec<_>>());
    }
}
