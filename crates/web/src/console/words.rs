//! How numbers, times and states are written.

use lineshaft_engine::conductor::TaskPhase;
use std::borrow::Borrow;
use std::fmt;

use askama::filters::HtmlSafe;
use lineshaft_model::record::JobState;
use lineshaft_model::{DeliveryState, Millis};

/// A time: how long ago in words, exactly in its title. Holds numbers only, so it needs no escaping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    at: Millis,
    now: Millis,
}

impl Stamp {
    /// A time as seen at another.
    pub(super) const fn new(at: Millis, now: Millis) -> Self {
        Self { at, now }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, words) = (self.at, ago(self.at, self.now));
        write!(f, "<time datetime=\"{at}\" title=\"{at}\" data-at=\"{}\">{words}</time>", at.0)
    }
}

impl HtmlSafe for Stamp {}

/// How long ago, or how soon.
pub(super) fn ago(at: Millis, now: Millis) -> String {
    if at > now {
        return match at.since(now) {
            0..=999 => String::from("now"),
            ms => format!("in {}", span(ms)),
        };
    }
    match now.since(at) {
        0..=1_999 => String::from("just now"),
        ms => format!("{} ago", span(ms)),
    }
}

/// A stretch of time in its largest whole unit.
pub(super) fn span(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

/// A short stretch of time given in microseconds, with three figures.
pub(super) fn micros(us: u64) -> String {
    match us {
        0 => String::from("–"),
        1..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
        10_000..100_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        100_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// A rate given in hundredths: one decimal below ten.
pub(super) fn rate(x100: u64) -> String {
    match x100 {
        0 => String::from("0"),
        1..1_000 => format!("{}.{}", x100 / 100, x100 % 100 / 10),
        _ => count(x100 / 100),
    }
}

/// A count with a thin space between thousands.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A size in bytes.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{}.{} KiB", bytes / 1_024, bytes % 1_024 * 10 / 1_024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// A state as a shape, a colour and a word: each alone is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Badge {
    /// The colour's class: `ok`, `busy`, `warn`, `bad`, `off`, `none`.
    pub(super) tone: &'static str,
    /// The shape, as a path in a box of 12.
    pub(super) mark: &'static str,
    /// The word.
    pub(super) word: &'static str,
}

/// The shapes.
pub(super) mod mark {
    pub(in crate::console) const DISC: &str = "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10z";
    pub(in crate::console) const RING: &str =
        "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10zM6 3a3 3 0 1 1 0 6a3 3 0 1 1 0-6z";
    pub(in crate::console) const TICK: &str = "M1.2 6.6L2.8 5l2 2L9.4 2l1.6 1.5L4.9 10z";
    pub(in crate::console) const TRIANGLE: &str = "M6 .8L11.6 11H.4z";
    pub(in crate::console) const CROSS: &str =
        "M1.4 2.8L2.8 1.4 6 4.6l3.2-3.2 1.4 1.4L7.4 6l3.2 3.2-1.4 1.4L6 7.4l-3.2 3.2-1.4-1.4L4.6 6z";
    pub(in crate::console) const BARS: &str = "M2 1h3v10H2zM7 1h3v10H7z";
    pub(in crate::console) const DIAMOND: &str = "M6 .4L11.6 6 6 11.6.4 6z";
    pub(in crate::console) const HALF: &str =
        "M6 1a5 5 0 0 1 0 10zM6 1a5 5 0 0 0 0 10V9.4a3.4 3.4 0 0 1 0-6.8z";
    pub(in crate::console) const DASH: &str = "M1 4.6h10v2.8H1z";
}

impl Badge {
    const fn new(tone: &'static str, mark: &'static str, word: &'static str) -> Self {
        Self { tone, mark, word }
    }

    /// How a system is.
    pub(super) fn of_health(health: &str) -> Self {
        match health {
            "healthy" => Self::new("ok", mark::DISC, "healthy"),
            "retrying" => Self::new("warn", mark::TRIANGLE, "retrying"),
            "dead-letters" => Self::new("bad", mark::CROSS, "dead letters"),
            "open" => Self::new("bad", mark::DIAMOND, "breaker open"),
            "paused" => Self::new("off", mark::BARS, "paused"),
            "maintenance" => Self::new("off", mark::DASH, "maintenance"),
            "idle" => Self::new("none", mark::RING, "idle"),
            _ => Self::new("none", mark::RING, "not known"),
        }
    }

    /// Where a delivery stands.
    pub(super) fn of_delivery(state: impl Borrow<DeliveryState>) -> Self {
        match state.borrow() {
            DeliveryState::Pending => Self::new("busy", mark::HALF, "pending"),
            DeliveryState::Retrying => Self::new("warn", mark::TRIANGLE, "retrying"),
            DeliveryState::Parked => Self::new("off", mark::BARS, "parked"),
            DeliveryState::Dead => Self::new("bad", mark::CROSS, "dead"),
            DeliveryState::Unknown => Self::new("warn", mark::DIAMOND, "outcome unknown"),
            DeliveryState::Delivered => Self::new("ok", mark::TICK, "delivered"),
            DeliveryState::Discarded => Self::new("none", mark::DASH, "discarded"),
        }
    }

    /// The phase of an instance of a process.
    pub(super) fn of_process(phase: &str) -> Self {
        match phase {
            "running" => Self::new("busy", mark::HALF, "running"),
            "compensating" => Self::new("warn", mark::TRIANGLE, "being undone"),
            "held" => Self::new("bad", mark::DIAMOND, "held"),
            "completed" => Self::new("ok", mark::TICK, "completed"),
            "faulted" => Self::new("bad", mark::CROSS, "faulted"),
            "cancelled" => Self::new("none", mark::DASH, "cancelled"),
            _ => Self::new("none", mark::RING, "not known"),
        }
    }

    /// The phase of a task; none when it was not entered.
    pub(super) fn of_task(phase: Option<TaskPhase>) -> Self {
        match phase {
            None => Self::new("none", mark::RING, "not yet"),
            Some(TaskPhase::Running) => Self::new("busy", mark::HALF, "here now"),
            Some(TaskPhase::Completed) => Self::new("ok", mark::TICK, "done"),
            Some(TaskPhase::Passed) => Self::new("none", mark::DASH, "passed"),
            Some(TaskPhase::Faulted) => Self::new("bad", mark::CROSS, "failed"),
            Some(TaskPhase::Cancelled) => Self::new("none", mark::DASH, "cut short"),
            Some(TaskPhase::Skipped) => Self::new("off", mark::BARS, "skipped"),
            Some(TaskPhase::Compensated) => Self::new("warn", mark::TRIANGLE, "undone"),
        }
    }

    /// A dead letter: given up, or not known to be there.
    pub(super) fn of_letter(unknown: &bool) -> Self {
        if *unknown {
            Self::new("warn", mark::DIAMOND, "outcome unknown")
        } else {
            Self::of_delivery(DeliveryState::Dead)
        }
    }

    /// Long work.
    pub(super) fn of_job(state: &JobState) -> Self {
        match state {
            JobState::Running => Self::new("busy", mark::HALF, "running"),
            JobState::Done => Self::new("ok", mark::TICK, "done"),
            JobState::Cancelled => Self::new("none", mark::DASH, "cancelled"),
            JobState::Failed => Self::new("bad", mark::CROSS, "failed"),
        }
    }

    /// What happened, in a timeline or a list of attempts.
    pub(super) fn of_happening(what: &str) -> Self {
        match what {
            "event" => Self::new("busy", mark::DISC, "event"),
            "delivered" => Self::new("ok", mark::TICK, "delivered"),
            "again" => Self::new("warn", mark::TRIANGLE, "failed, again later"),
            "dead" => Self::new("bad", mark::CROSS, "given up: dead letter"),
            "unknown" => Self::new("warn", mark::DIAMOND, "answer lost"),
            "discarded" => Self::new("none", mark::DASH, "discarded"),
            "begun" => Self::new("busy", mark::HALF, "attempt begun"),
            "retried" => Self::new("busy", mark::HALF, "sent again by a person"),
            "quarantined" => Self::new("bad", mark::CROSS, "quarantined"),
            _ => Self::new("none", mark::RING, "noted"),
        }
    }

    /// What was decided about an event.
    pub(super) fn of_disposition(status: &str) -> Self {
        match status {
            "accepted" => Self::new("ok", mark::TICK, "accepted"),
            "stale" => Self::new("none", mark::DASH, "stale"),
            "echo" => Self::new("none", mark::RING, "echo"),
            _ => Self::new("none", mark::RING, "noted"),
        }
    }

    /// How a breaker stands.
    pub(super) fn of_breaker(breaker: &str) -> Self {
        match breaker {
            "closed" => Self::new("ok", mark::DISC, "closed"),
            "half-open" => Self::new("warn", mark::HALF, "half open"),
            _ => Self::new("bad", mark::DIAMOND, "open"),
        }
    }
}

/// Words and shapes of our own only, so it needs no escaping.
impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tone, mark, word } = self;
        write!(
            f,
            "<span class=\"badge {tone}\"><svg class=\"mark\" viewBox=\"0 0 12 12\" aria-hidden=\"true\">\
             <path fill-rule=\"evenodd\" d=\"{mark}\"/></svg>{word}</span>"
        )
    }
}

impl HtmlSafe for Badge {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let now = Millis(1_800_000_000_000);
        let told = |ms: i64| ago(now.plus(-ms), now);
        assert_eq!(told(0), "just now");
        assert_eq!(told(1_999), "just now");
        assert_eq!(told(2_000), "2 s ago");
        assert_eq!(told(59_999), "59 s ago");
        assert_eq!(told(60_000), "1 min ago");
        assert_eq!(told(3_600_000), "1 h ago");
        assert_eq!(told(47 * 3_600_000), "47 h ago");
        assert_eq!(told(48 * 3_600_000), "2 d ago");
        assert_eq!(told(-30_000), "in 30 s");
        assert_eq!(told(-10), "now");
    }

    #[test]
    fn a_time_carries_the_exact_one() {
        let text = Stamp::new(Millis(0), Millis(90_000)).to_string();
        assert_eq!(
            text,
            "<time datetime=\"1970-01-01T00:00:00.000Z\" title=\"1970-01-01T00:00:00.000Z\" data-at=\"0\">1 min ago</time>"
        );
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
        assert_eq!([0, 5, 50, 1_234, 123_456].map(rate), ["0", "0.0", "0.5", "12", "1\u{202f}234"]);
        assert_eq!(
            [0, 940, 3_125, 15_250, 250_000, 1_700_000].map(micros),
            ["–", "940 µs", "3.12 ms", "15.2 ms", "250 ms", "1.7 s"]
        );
        assert_eq!([12, 1_536, 3_145_728].map(size), ["12 B", "1.5 KiB", "3.0 MiB"]);
    }

    #[test]
    fn every_state_has_its_own_shape_and_word() {
        let badges = DeliveryState::ALL.map(Badge::of_delivery);
        for (at, one) in badges.iter().enumerate() {
            for other in &badges[at + 1..] {
                assert_ne!((one.mark, one.tone), (other.mark, other.tone), "{} and {}", one.word, other.word);
                assert_ne!(one.word, other.word);
            }
        }
    }
}
