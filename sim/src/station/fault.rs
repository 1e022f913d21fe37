//! Faults on demand: what is broken, how often it strikes, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::amount::Amount;
use crate::dice::Dice;

/// A way for a system to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The listener is closed: connections are refused, open ones end. Its `share` is always the whole.
    Down,
    /// The connection ends before the request has any effect.
    Reset,
    /// Answers come `delay_ms` late.
    Slow,
    /// 503 before any effect.
    #[serde(rename = "5xx")]
    Errors,
    /// 429 before any effect, with a Retry-After in seconds, as a date, as nonsense, or without one, in turn.
    #[serde(rename = "429")]
    TooMany,
    /// The effect happens, then the connection ends without an answer.
    LostAnswer,
    /// The effect happens, and the answer is not what the contract says. Sent documents: broken bytes go first.
    Garbage,
    /// Documents are sent to the hub twice.
    Duplicate,
    /// Documents are sent to the hub after the ones that follow them.
    OutOfOrder,
    /// Every write is refused with 422.
    Refuse,
}

impl Mode {
    /// As it is written in a fault.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Reset => "reset",
            Self::Slow => "slow",
            Self::Errors => "5xx",
            Self::TooMany => "429",
            Self::LostAnswer => "lost-answer",
            Self::Garbage => "garbage",
            Self::Duplicate => "duplicate",
            Self::OutOfOrder => "out-of-order",
            Self::Refuse => "refuse",
        }
    }
}

/// One fault as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub mode: Mode,
    /// In how many of a thousand cases it strikes.
    pub share_permille: u16,
    /// Until it heals by itself; `None` until it is cleared.
    pub lasts: Option<Duration>,
    /// For `slow` and `out-of-order`.
    pub delay_ms: u64,
    /// For `429`: the seconds it asks to wait.
    pub retry_after_s: u64,
}

impl Fault {
    /// Strikes always, until it is cleared; one second late where it delays.
    #[must_use]
    pub const fn always(mode: Mode) -> Self {
        Self { mode, share_permille: 1000, lasts: None, delay_ms: 1000, retry_after_s: 1 }
    }

    #[must_use]
    pub const fn share_permille(mut self, permille: u16) -> Self {
        self.share_permille = permille;
        self
    }

    #[must_use]
    pub const fn lasting(mut self, span: Duration) -> Self {
        self.lasts = Some(span);
        self
    }

    #[must_use]
    pub const fn delay_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }
}

/// The JSON of `PUT /sim/faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    mode: Mode,
    share: Option<serde_json::Number>,
    #[serde(rename = "for")]
    lasts: Option<String>,
    delay_ms: Option<u64>,
    retry_after_s: Option<u64>,
}

impl Fault {
    /// Reads `{"mode": "slow", "share": 0.2, "for": "30s", "delay_ms": 500}`; the error says what is wrong with it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let asked: Asked = serde_json::from_slice(bytes).map_err(|error| {
            format!("{error}; write for instance {{\"mode\": \"down\", \"for\": \"30s\"}} or {{\"mode\": \"5xx\", \"share\": 0.2}}")
        })?;
        let always = Self::always(asked.mode);
        let share_permille = match asked.share {
            None => 1000,
            Some(number) => Amount::parse(&number.to_string())
                .and_then(|share| u16::try_from(share.as_thousandths()).ok())
                .filter(|permille| *permille <= 1000)
                .ok_or_else(|| {
                    format!("share {number} is not between 0 and 1 with at most three decimals")
                })?,
        };
        let lasts = asked.lasts.as_deref().map(read_span).transpose()?;
        Ok(Self {
            mode: asked.mode,
            share_permille,
            lasts,
            delay_ms: asked.delay_ms.unwrap_or(always.delay_ms),
            retry_after_s: asked.retry_after_s.unwrap_or(always.retry_after_s),
        })
    }
}

fn read_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a span; write for instance 500ms, 30s, 5m or 1h");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(split);
    let count: u64 = count.parse().map_err(|_| wrong())?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_millis(count.saturating_mul(unit_ms)))
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    until: Option<Instant>,
}

/// A fault as `GET /sim/faults` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultView {
    pub mode: Mode,
    pub share_permille: u16,
    pub delay_ms: u64,
    pub left_ms: Option<u64>,
}

/// What a request is in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Serve,
    Reset,
    Error,
    TooMany { after_s: u64, turn: u64 },
    Refuse,
    LoseAnswer,
    Garble,
}

#[derive(Debug)]
struct Board {
    active: BTreeMap<Mode, Active>,
    struck: BTreeMap<Mode, u64>,
    dice: Dice,
}

impl Board {
    /// Rolls for a fault; counts it when it strikes.
    fn strikes(&mut self, mode: Mode, now: Instant) -> Option<Fault> {
        let active = self.active.get(&mode).filter(|active| active.until.is_none_or(|until| now < until))?;
        let fault = active.fault.clone();
        if !self.dice.chance(u64::from(fault.share_permille)) {
            return None;
        }
        *self.struck.entry(mode).or_default() += 1;
        Some(fault)
    }
}

/// The faults of one system.
#[derive(Debug)]
pub(crate) struct Faults {
    board: Mutex<Board>,
    changed: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let dice = Dice::for_name(seed, &format!("faults of {name}"));
        Self {
            board: Mutex::new(Board { active: BTreeMap::new(), struck: BTreeMap::new(), dice }),
            changed: watch::Sender::new(0),
        }
    }

    pub(crate) fn set(&self, fault: Fault) {
        let until = fault.lasts.map(|span| Instant::now() + span);
        self.board.lock().active.insert(fault.mode, Active { fault, until });
        self.changed.send_modify(|version| *version += 1);
    }

    /// Heals one mode, or all.
    pub(crate) fn clear(&self, mode: Option<Mode>) {
        self.board.lock().active.retain(|key, _| mode.is_some_and(|mode| mode != *key));
        self.changed.send_modify(|version| *version += 1);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Counts a strike that is not rolled for, such as a connection refused.
    pub(crate) fn note_strike(&self, mode: Mode) {
        *self.board.lock().struck.entry(mode).or_default() += 1;
    }

    /// `Some` while the system is down: until when, or `None` for until it is cleared.
    pub(crate) fn down(&self) -> Option<Option<Instant>> {
        let board = self.board.lock();
        let down = board.active.get(&Mode::Down)?;
        match down.until {
            Some(until) if Instant::now() >= until => None,
            until => Some(until),
        }
    }

    /// How late the answer shall be, and what becomes of the request.
    pub(crate) fn judge(&self) -> (Duration, Verdict) {
        let now = Instant::now();
        let mut board = self.board.lock();
        let late = board.strikes(Mode::Slow, now).map_or(0, |fault| fault.delay_ms);
        let verdict = if board.strikes(Mode::Reset, now).is_some() {
            Verdict::Reset
        } else if let Some(fault) = board.strikes(Mode::TooMany, now) {
            let turn = board.struck.get(&Mode::TooMany).copied().unwrap_or(0);
            Verdict::TooMany { after_s: fault.retry_after_s, turn }
        } else if board.strikes(Mode::Errors, now).is_some() {
            Verdict::Error
        } else if board.strikes(Mode::Refuse, now).is_some() {
            Verdict::Refuse
        } else if board.strikes(Mode::LostAnswer, now).is_some() {
            Verdict::LoseAnswer
        } else if board.strikes(Mode::Garbage, now).is_some() {
            Verdict::Garble
        } else {
            Verdict::Serve
        };
        (Duration::from_millis(late), verdict)
    }

    /// Whether a fault of what is sent strikes now.
    pub(crate) fn strikes(&self, mode: Mode) -> Option<Fault> {
        self.board.lock().strikes(mode, Instant::now())
    }

    pub(crate) fn struck(&self) -> BTreeMap<String, u64> {
        self.board.lock().struck.iter().map(|(mode, count)| (mode.as_str().to_owned(), *count)).collect()
    }

    pub(crate) fn view(&self) -> Vec<FaultView> {
        let now = Instant::now();
        let board = self.board.lock();
        board
            .active
            .values()
            .filter(|active| active.until.is_none_or(|until| now < until))
            .map(|active| FaultView {
                mode: active.fault.mode,
                share_permille: active.fault.share_permille,
                delay_ms: active.fault.delay_ms,
                left_ms: active
                    .until
                    .map(|until| u64::try_from((until - now).as_millis()).unwrap_or(u64::MAX)),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_documentation_says() {
        let fault = Fault::from_json(br#"{"mode":"slow","share":0.2,"for":"30s","delay_ms":500}"#).unwrap();
        assert_eq!((fault.mode, fault.share_permille, fault.delay_ms), (Mode::Slow, 200, 500));
        assert_eq!(fault.lasts, Some(Duration::from_secs(30)));
        for mode in
            ["down", "reset", "5xx", "429", "lost-answer", "garbage", "duplicate", "out-of-order", "refuse"]
        {
            let fault = Fault::from_json(format!(r#"{{"mode":"{mode}"}}"#).as_bytes()).unwrap();
            assert_eq!((fault.mode.as_str(), fault.share_permille), (mode, 1000));
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_fault() {
        for (text, expected) in [
            (r#"{"mode":"sleepy"}"#, "unknown variant"),
            (r#"{"mode":"down","share":1.5}"#, "between 0 and 1"),
            (r#"{"mode":"down","for":"soon"}"#, "30s"),
            (r#"{"mode":"down","length":1}"#, "unknown field"),
        ] {
            let error = Fault::from_json(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn a_share_strikes_about_that_often_and_is_counted() {
        let faults = Faults::new(1, "wms");
        faults.set(Fault::always(Mode::Errors).share_permille(200));
        let struck = (0..1000).filter(|_| faults.judge().1 == Verdict::Error).count();
        assert!((150..250).contains(&struck), "{struck}");
        assert_eq!(faults.struck().get("5xx").copied(), u64::try_from(struck).ok());
        faults.clear(None);
        assert_eq!(faults.judge().1, Verdict::Serve);
        assert!(faults.view().is_empty());
    }
}
