//! What the engine runs on: the plan, the sinks and the systems of one configuration. A reload swaps the whole at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lineshaft_logic::calendar::Maintenance;
use lineshaft_logic::pace::{BreakerRule, Limits};
use lineshaft_logic::plan::Plan;
use lineshaft_logic::retain::Retention;
use lineshaft_ports::{Gate, Sink, Source};

use crate::planner::PlanningSetup;
use crate::watchman::{Cadence, Watch};

/// One configuration, compiled and built.
#[derive(Debug, Default)]
pub struct Setup {
    /// What intake and delivery decide by.
    pub plan: Plan,
    /// By `system.operation`.
    pub sinks: HashMap<String, Arc<dyn Sink>>,
    /// Checks of webhooks' signatures, by `system/source`.
    pub gates: HashMap<String, Arc<dyn Gate>>,
    /// By name.
    pub systems: BTreeMap<String, SystemSetup>,
    /// How the planner works; none: there is none. It is as it was at the hub's start.
    pub planning: Option<PlanningSetup>,
    /// What alarms are told of; none are told without it.
    pub watch: Option<Watch>,
    /// When sources should send, by `system/source`.
    pub cadences: BTreeMap<String, Cadence>,
    /// SHA-256 of the workspace, hexadecimal.
    pub digest: String,
    /// The processes of this configuration; of each name the version that new instances run by.
    pub processes: Vec<Arc<lineshaft_process::Definition>>,
    /// How long the journal keeps what is finished.
    pub retention: Retention,
}

/// One connected system.
#[derive(Clone, Debug, Default)]
pub struct SystemSetup {
    /// For people.
    pub title: String,
    /// The kind of connector.
    pub connector: String,
    /// Limits shared by its operations.
    pub limits: Limits,
    /// When it is left alone.
    pub breaker: BreakerRule,
    /// When it is not there on purpose.
    pub maintenance: Maintenance,
    /// Who to ask.
    pub owners: BTreeMap<String, String>,
}

/// Sources that run by themselves, by `system/source`. Handed over beside the setup because each is run by one task.
pub type Sources = Vec<(String, Box<dyn Source>)>;
