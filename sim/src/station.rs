//! What all four systems share: the server, the faults, the effect ledger, the outbox and the agenda.

pub(crate) mod agenda;
pub(crate) mod answer;
pub(crate) mod control;
pub(crate) mod delivery;
pub(crate) mod fault;
pub(crate) mod gate;
pub(crate) mod ledger;
pub(crate) mod outbox;
pub(crate) mod route;
pub(crate) mod server;
pub(crate) mod system;

use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use crate::clock::ScenarioClock;
use crate::story::StoryBoard;
use fault::Faults;
use ledger::{Ledger, LedgerTotals};
use outbox::{Outbox, OutboxTotals};

/// The parts of a system that do not depend on what kind of system it is.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) name: &'static str,
    pub(crate) clock: ScenarioClock,
    pub(crate) faults: Faults,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) outbox: Outbox,
    pub(crate) story: Arc<StoryBoard>,
    /// The bearer token the hub must show, if any.
    pub(crate) token: Option<String>,
}

/// `GET /sim/stats`: everything a system has counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    pub system: String,
    /// What came in.
    #[serde(flatten)]
    pub ledger: LedgerTotals,
    /// What went out to the hub.
    pub outbox: OutboxTotals,
    /// How often each fault really struck: the proof that it was injected.
    pub faults_struck: std::collections::BTreeMap<String, u64>,
}

impl Station {
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            system: self.name.to_owned(),
            ledger: self.ledger.lock().totals(),
            outbox: self.outbox.totals(),
            faults_struck: self.faults.struck(),
        }
    }
}
