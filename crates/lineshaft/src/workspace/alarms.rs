//! `alarms` of `lineshaft.yaml`: what the hub tells of by events of its own, and how seldom.

use lineshaft_engine::watchman::Watch;
use lineshaft_logic::alarm::Damping;
use lineshaft_logic::spec::Span;
use serde::Deserialize;

/// Alarms are told when this is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmSettings {
    /// What is owed should not wait for longer. Default 15m.
    pub lane_older_than: Option<Span>,
    /// Nothing about the same thing is told twice within this time. Default 5m.
    pub quiet: Option<Span>,
    /// What lasts is told again after this time. Default 4h.
    pub remind: Option<Span>,
}

impl AlarmSettings {
    /// What the watchman reads of it.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let usual = Watch::default();
        Watch {
            lane_older_ms: self.lane_older_than.map_or(usual.lane_older_ms, |span| span.0),
            damping: Damping {
                quiet_ms: self.quiet.map_or(usual.damping.quiet_ms, |span| span.0),
                remind_ms: self.remind.map_or(usual.damping.remind_ms, |span| span.0),
                ..usual.damping
            },
        }
    }
}
