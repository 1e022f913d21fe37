//! What a workspace says about sources, operations, routes and limits, as plain data. The loader reads these from YAML; doc
//! comments here are the reference.

use std::collections::BTreeMap;

use lineshaft_model::Priority;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::deliver::RetryRule;
use crate::pace::{BreakerRule, Limits};

/// A span of time such as `250ms`, `10s`, `5m`, `24h` or `400d`, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub i64);

impl Span {
    /// Reads a number and a unit.
    pub fn parse(text: &str) -> Result<Self, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let unit_ms = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => 0,
        };
        let ms = number.parse::<i64>().ok().and_then(|n| n.checked_mul(unit_ms)).filter(|_| unit_ms > 0);
        ms.map(Self).ok_or_else(|| {
            format!(
                "`{text}` is not a span of time: write a whole number and ms, s, m, h or d, for instance 30s"
            )
        })
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A rate such as `50/s`, `600/m` or `10000/h`, in calls in a thousand seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u64);

impl Rate {
    /// Reads a number, a slash and a unit of time.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(number, unit)| {
            let n: u64 = number.trim().parse().ok()?;
            let seconds = match unit.trim() {
                "s" => 1,
                "m" | "min" => 60,
                "h" => 3600,
                _ => return None,
            };
            n.checked_mul(1000)?.checked_div(seconds).filter(|rate| *rate > 0)
        });
        parsed
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a rate: write calls per s, m or h, for instance 50/s"))
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// `limits` of a system, shared by all its operations. Connector-specific limits (`timeout`, `body`) are the connector's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct LimitsSpec {
    /// Most calls, for instance `50/s`. No limit when absent.
    pub rate: Option<Rate>,
    /// Calls that may go at once after a rest. Default 1.
    pub burst: Option<u32>,
    /// Most calls under way. Default 8.
    pub concurrency: Option<u32>,
}

impl LimitsSpec {
    /// The limits it means.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            per_1000_s: self.rate.map_or(0, |rate| rate.0),
            burst: self.burst.unwrap_or(usual.burst).max(1),
            concurrency: self.concurrency.unwrap_or(usual.concurrency).max(1),
        }
    }
}

/// `limits` of an operation, besides those of its system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationLimitsSpec {
    /// Most calls, for instance `50/s`. No limit of its own when absent.
    pub rate: Option<Rate>,
    /// Calls that may go at once after a rest. Default 1.
    pub burst: Option<u32>,
    /// Most calls under way. No limit of its own when absent.
    pub concurrency: Option<u32>,
}

impl OperationLimitsSpec {
    /// The limits it means.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            per_1000_s: self.rate.map_or(0, |rate| rate.0),
            burst: self.burst.unwrap_or(1).max(1),
            concurrency: self.concurrency.unwrap_or(u32::MAX).max(1),
        }
    }
}

/// One of `maintenance` of a system: a time in which it is not there on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceSpec {
    /// When it begins: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// How long it lasts, at most 31 days.
    pub lasts: Span,
    /// By whose clock it begins, an IANA time zone. UTC when absent.
    pub timezone: Option<String>,
}

/// `breaker` of a system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerSpec {
    /// So many failures open it. Default 5.
    pub failures: Option<u32>,
    /// Within this time. Default 30s.
    pub window: Option<Span>,
    /// How long it stays open before a probe. Default 15s.
    pub cool_down: Option<Span>,
    /// How long a system that is back takes to get all its limits again; 0s for at once. Default 10s.
    pub ramp: Option<Span>,
}

impl BreakerSpec {
    /// The rule it means.
    #[must_use]
    pub fn rule(&self) -> BreakerRule {
        let usual = BreakerRule::default();
        BreakerRule {
            failures: self.failures.unwrap_or(usual.failures).max(1),
            window_ms: self.window.map_or(usual.window_ms, |span| span.0),
            cool_down_ms: self.cool_down.map_or(usual.cool_down_ms, |span| span.0),
            ramp_ms: self.ramp.map_or(usual.ramp_ms, |span| span.0),
        }
    }
}

/// `retry` of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySpec {
    /// Wait before the second attempt. Default 1s.
    pub first: Option<Span>,
    /// Each wait is so many times the one before; a decimal text or a number such as 2 or 1.5. Default 2.
    pub factor: Option<serde_json::Number>,
    /// Longest wait. Default 5m.
    pub ceiling: Option<Span>,
    /// No attempt later than this after the event was taken. Default 24h.
    pub give_up_after: Option<Span>,
}

impl RetrySpec {
    /// The rule it means.
    pub fn rule(&self) -> Result<RetryRule, String> {
        let usual = RetryRule::default();
        let factor_x100 = match &self.factor {
            None => usual.factor_x100,
            Some(number) => {
                hundredths(&number.to_string()).filter(|f| (100..=10_000).contains(f)).ok_or_else(|| {
                    format!("`factor: {number}` is not between 1 and 100 with at most two decimals")
                })?
            }
        };
        Ok(RetryRule {
            first_ms: self.first.map_or(usual.first_ms, |span| span.0),
            factor_x100,
            ceiling_ms: self.ceiling.map_or(usual.ceiling_ms, |span| span.0),
            give_up_after_ms: self.give_up_after.map_or(usual.give_up_after_ms, |span| span.0),
        })
    }
}

fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part: u32 = format!("{part:0<2}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

/// What happens to later deliveries of a key behind a dead letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDeadLetter {
    /// They wait, so that order is kept.
    #[default]
    ParkKey,
    /// They go on.
    Continue,
}

/// A route: `routes/*.yaml`, one or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// Its name; deliveries carry it.
    pub route: String,
    /// Event type; parts may be `*`.
    pub on: String,
    /// Only when this jq condition over the CloudEvent holds.
    pub when: Option<String>,
    /// `system.operation`.
    pub to: String,
    /// Class, or a jq expression over the CloudEvent that gives one; the event's own when absent, else `normal`.
    pub priority: Option<String>,
    /// jq expression over the CloudEvent for what keeps order; `.subject` when absent.
    pub order_by: Option<String>,
    /// How failed attempts are repeated.
    #[serde(default)]
    pub retry: RetrySpec,
    /// What happens to later deliveries of the key behind a dead letter.
    #[serde(default)]
    pub on_dead_letter: OnDeadLetter,
    /// For people.
    pub description: Option<String>,
}

/// The generic part of a source: `sources.<name>` of a system. What brings the bytes (`webhook`, `files`) is the connector's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SourceSpec {
    /// Format of the bytes: `json`, `ndjson`, `csv`, `xml`, or one of these with options. Default json. See the formats reference.
    pub format: Option<serde_json::Value>,
    /// Mapping from a document to canonical events, a file in `mappings/`. Without one the document must itself be
    /// `{type, subject, data, ...}`.
    pub mapping: Option<String>,
    /// Contract the document must meet before it is mapped, a name in `contracts/`.
    pub contract: Option<String>,
    /// Event types it may produce. Others are refused. Any when absent.
    #[serde(default)]
    pub emits: Vec<String>,
    /// Site of its events, when the mapping does not say.
    pub site: Option<String>,
    /// Tenant of its events; the workspace's when absent.
    pub tenant: Option<String>,
    /// Class of its events, when neither mapping nor route says.
    pub priority: Option<Priority>,
    /// When it should send, and how its numbers go on.
    pub expect: Option<ExpectSpec>,
    /// For people.
    pub description: Option<String>,
}

/// What is expected of a source; otherwise an alarm is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpectSpec {
    /// Something at least so often.
    pub every: Option<Span>,
    /// Only within these times; always when there are none.
    pub during: Vec<MaintenanceSpec>,
    /// A jq expression that gives each event its number in the source's own sequence, from 1 up without gaps.
    pub sequence: Option<String>,
}

/// The generic part of an operation: `operations.<name>` of a system. How the call is made is the connector's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OperationSpec {
    /// Mapping from the CloudEvent to the request's body, a file in `mappings/`. Without one the canonical data is sent.
    pub mapping: Option<String>,
    /// Limits of its own, besides those of its system.
    pub limits: Option<OperationLimitsSpec>,
    /// For people.
    pub description: Option<String>,
}

/// The generic part of a system: `systems/*.yaml`.
#[derive(Clone, Debug, Deserialize)]
pub struct SystemSpec {
    /// Its name, a lower case word; the file's name.
    pub system: String,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// Kind of connector.
    pub connector: String,
    /// Limits shared by its operations.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// When it is left alone.
    #[serde(default)]
    pub breaker: BreakerSpec,
    /// When it is not there on purpose.
    #[serde(default)]
    pub maintenance: Vec<MaintenanceSpec>,
    /// Who to ask: `business` and `it`.
    #[serde(default)]
    pub owners: BTreeMap<String, String>,
    /// What comes from it.
    #[serde(default)]
    pub sources: BTreeMap<String, SourceSpec>,
    /// What can be done there.
    #[serde(default)]
    pub operations: BTreeMap<String, OperationSpec>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_rates_have_units() {
        assert_eq!(
            ["250ms", "10s", "5m", "24h", "400d"].map(|t| Span::parse(t).unwrap().0),
            [250, 10_000, 300_000, 86_400_000, 34_560_000_000]
        );
        for bad in ["", "10", "s", "-1s", "1.5s", "1w", "99999999999999999d"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            ["50/s", "600/m", "1/h"].map(|t| Rate::parse(t).map(|r| r.0)),
            [Ok(50_000), Ok(10_000), Rate::parse("1/h").map(|r| r.0)]
        );
        assert!(Rate::parse("50").is_err() && Rate::parse("0/s").is_err());
    }

    #[test]
    fn a_factor_is_exact() {
        let rule = |text: &str| serde_json::from_str::<RetrySpec>(text).unwrap().rule();
        assert_eq!(rule(r#"{"factor":1.5}"#).unwrap().factor_x100, 150);
        assert_eq!(rule(r#"{"factor":2}"#).unwrap().factor_x100, 200);
        assert!(rule(r#"{"factor":0.5}"#).is_err());
        assert!(rule(r#"{"factor":1.333}"#).is_err());
    }
}
