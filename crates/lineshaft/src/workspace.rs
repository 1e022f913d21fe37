//! A folder of files to a checked configuration: everything that is wrong is reported, and nothing half checked runs.
//!
//! ```text
//! files -> YAML with marks -> variables -> typed parts -> compiled parts -> what must fit together -> Workspace
//! ```
//!
//! The loader knows nothing of the engine, of the journal or of sockets: it reads files and the environment it is given,
//! and starts nothing. It is the only place that reads the environment.

pub mod alarms;
mod checks;
pub mod contracts;
pub mod decode;
mod expressions;
pub mod files;
mod identity;
pub mod interpolate;
mod kinds;
mod layouts;
mod load;
pub mod marked;
pub mod mending;
pub mod parts;
mod policies;
pub mod problem;
pub mod processes;
pub mod render;
pub mod routes;
pub mod secrets;
pub mod settings;
pub mod size;
pub mod spelling;
pub mod systems;
pub mod yaml;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use lineshaft_access::Policies;
use lineshaft_logic::own::Ownership;
use lineshaft_logic::plan::{OperationPlan, Plan, SourcePlan};
use lineshaft_logic::spec::{OperationLimitsSpec, SourceSpec};
use lineshaft_mapping::{Environment, Expression, Mapping};

pub use contracts::ContractFile;
pub use files::Files;
pub use interpolate::Variables;
pub use load::{load, load_files, settings_of};
pub use problem::{Problem, Problems, Severity};
pub use processes::ProcessFile;
pub use render::{Style, render};
pub use routes::RouteFile;
pub use secrets::Secrets;
pub use settings::Settings;
pub use systems::System;

/// What reading a folder gave.
#[derive(Debug)]
pub struct Loaded {
    /// The workspace, when there was no error.
    pub workspace: Option<Workspace>,
    /// Every error and warning, sorted.
    pub problems: Problems,
    /// The texts that were read, for showing problems.
    pub files: Files,
}

/// A checked workspace: pure data, nothing of it runs.
#[derive(Debug)]
pub struct Workspace {
    /// The folder it was read from; relative paths start here.
    pub folder: PathBuf,
    /// SHA-256 over its files, in hexadecimal: what the journal remembers of a configuration.
    pub digest: String,
    /// `lineshaft.yaml`.
    pub settings: Settings,
    /// Where secrets come from when connectors are built.
    pub secrets: Secrets,
    /// Which addresses connectors may call.
    pub outbound: Arc<lineshaft_connectors::Outbound>,
    /// Code lists and units.
    pub environment: Environment,
    /// Mappings by file name.
    pub mappings: BTreeMap<String, Arc<Mapping>>,
    /// Contracts by name.
    pub contracts: BTreeMap<String, ContractFile>,
    /// Connected systems.
    pub systems: Vec<System>,
    /// Routes in the order of their files.
    pub routes: Vec<RouteFile>,
    /// Processes in the order of their files.
    pub processes: Vec<ProcessFile>,
    /// The system of record of each object type.
    pub ownership: Ownership,
    /// Who may see and do what.
    pub policies: Arc<Policies>,
}

impl Workspace {
    /// The data folder.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        self.folder.join(&self.settings.data)
    }

    /// What intake and delivery decide by. The slots of the operations are empty: they are known once sinks are built.
    /// The routes move into the plan.
    #[must_use]
    pub fn take_plan(&mut self) -> Plan {
        let contracts = self.contracts.iter().filter_map(|(name, contract)| {
            let compiled =
                contract.compiled.as_ref().filter(|_| !lineshaft_model::event_type::is_word(name))?;
            Some((name.clone(), Arc::clone(compiled)))
        });
        let contracts = contracts.collect();
        let retries = self.routes.iter().map(|route| (route.spec.route.clone(), route.retry)).collect();
        Plan {
            tenant: self.settings.tenant.clone(),
            sources: self.source_plans(),
            ownership: self.ownership.clone(),
            contracts,
            operations: self.operation_plans(),
            retries,
            batch_events: usize::try_from(self.settings.limits.batch).unwrap_or(usize::MAX),
            document_bytes: usize::try_from(self.settings.limits.body.bytes).unwrap_or(usize::MAX),
            mending: self.settings.mending.rules(),
            environment: self.environment.clone(),
            routes: std::mem::take(&mut self.routes).into_iter().map(|route| route.route).collect(),
        }
    }

    fn source_plans(&self) -> HashMap<String, Arc<SourcePlan>> {
        let mut plans = HashMap::new();
        for system in &self.systems {
            for ((name, source), format) in system.spec.sources.iter().zip(&system.formats) {
                let plan = SourcePlan {
                    system: system.name.clone(),
                    source: name.clone(),
                    tenant: source.tenant.clone().unwrap_or_else(|| self.settings.tenant.clone()),
                    site: source.site.clone().unwrap_or_default(),
                    format: format.clone(),
                    contract: source.contract.as_ref().and_then(|c| self.contracts.get(c)?.compiled.clone()),
                    mapping: source.mapping.as_ref().and_then(|mapping| self.mappings.get(mapping).cloned()),
                    emits: source.emits.clone(),
                    priority: source.priority,
                    sequence: self.sequence(source),
                };
                plans.insert(format!("{}/{name}", system.name), Arc::new(plan));
            }
        }
        plans
    }

    /// The checked expression of a source's sequence.
    fn sequence(&self, source: &SourceSpec) -> Option<Expression> {
        let text = source.expect.as_ref()?.sequence.as_ref()?;
        Expression::compile(text, &self.environment).ok()
    }

    fn operation_plans(&self) -> HashMap<String, OperationPlan> {
        let mut plans = HashMap::new();
        for system in &self.systems {
            for (name, operation) in &system.spec.operations {
                let mapping =
                    operation.mapping.as_ref().and_then(|mapping| self.mappings.get(mapping).cloned());
                let limits = operation.limits.as_ref().map(OperationLimitsSpec::limits);
                let plan = OperationPlan { mapping, slots: Vec::new(), limits };
                plans.insert(format!("{}.{name}", system.name), plan);
            }
        }
        plans
    }
}

#[cfg(test)]
mod tests;
