//! From a checked workspace to what the engine runs on: sinks, gates and sources are built here, and nothing is started.

use std::sync::Arc;

use lineshaft_connectors::{Connector, SourceKind, Surroundings};
use lineshaft_engine::planner::{Objective, Patience, PlanningSetup};
use lineshaft_engine::watchman::Cadence;
use lineshaft_engine::{Setup, Sources, SystemSetup};
use lineshaft_logic::retain::Retention;
use lineshaft_mapping::Template;
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::Sink;

use crate::workspace::alarms::AlarmSettings;
use crate::workspace::settings::Schedules;
use crate::workspace::{System, Workspace};

/// Builds everything a workspace names; every reason why something cannot be built, with the system it belongs to.
pub fn build(workspace: &mut Workspace) -> Result<(Setup, Sources), Reasons> {
    let kept = &workspace.settings.retention;
    let retention = Retention { age_ms: Some(kept.age.0), bytes: kept.size.map(|size| size.bytes) };
    let digest = workspace.digest.clone();
    let mut setup = Setup { plan: workspace.take_plan(), digest, retention, ..Setup::default() };
    setup.planning = planning(workspace);
    setup.watch = workspace.settings.alarms.as_ref().map(AlarmSettings::watch);
    setup.processes = workspace.processes.iter().map(|process| Arc::clone(&process.definition)).collect();
    let mut sources = Sources::new();
    let mut reasons = Reasons::new();
    for system in &workspace.systems {
        let built = System::build(system, workspace, &mut setup, &mut sources);
        reasons.extend(
            built.into_iter().map(|reason| Reason { at: format!("{}{}", system.file, reason.at), ..reason }),
        );
    }
    if reasons.is_empty() { Ok((setup, sources)) } else { Err(reasons) }
}

/// How the planner works; the workspace's check has seen that the site is one.
fn planning(workspace: &Workspace) -> Option<PlanningSetup> {
    let settings = &workspace.settings;
    let planning = settings.planning.as_ref()?;
    let only = settings.sites.keys().next().filter(|_| settings.sites.len() == 1);
    let zones = settings.sites.iter().map(|(name, site)| (name.clone(), site.timezone.clone()));
    Some(PlanningSetup {
        site: planning.site.as_ref().or(only).cloned().unwrap_or_default(),
        zones: zones.collect(),
        finite_capacity: planning.finite_capacity,
        issued_at_start: planning.issued_at_start,
        patience: Patience {
            settle_ms: planning.tell.settle.0,
            clear_ms: planning.tell.clear.0,
            again_ms: planning.tell.again.0,
            change_percent: planning.tell.change_percent,
        },
        takes_schedules: planning.schedules == Schedules::Take,
        objective: Objective { day_cost: planning.day_cost, ..Objective::default() },
    })
}

impl System {
    fn build(&self, workspace: &Workspace, setup: &mut Setup, sources: &mut Sources) -> Reasons {
        let described = SystemSetup {
            title: self.title.clone(),
            connector: self.kind.clone(),
            limits: self.limits,
            breaker: self.breaker,
            maintenance: self.maintenance.clone(),
            owners: self.spec.owners.clone(),
        };
        setup.systems.insert(self.name.clone(), described);
        for (source, spec) in &self.spec.sources {
            if let Some(every) = spec.expect.as_ref().and_then(|expect| expect.every) {
                let during = self.cadences.get(source).cloned().unwrap_or_default();
                let cadence = Cadence { every_ms: every.0, during };
                setup.cadences.insert(format!("{}/{source}", self.name), cadence);
            }
        }
        let Some(connector) = &self.connector else { return Reasons::new() };
        let with = Surroundings {
            secrets: &workspace.secrets,
            folder: &workspace.folder,
            outbound: &workspace.outbound,
        };
        let mut reasons = self.build_operations(&**connector, &with, workspace, setup);
        for source in connector.sources() {
            let intake = format!("{}/{}", self.name, source.name);
            let outcome = match source.kind {
                SourceKind::Pull => {
                    connector.build_source(&source.name, &with).map(|built| sources.push((intake, built)))
                }
                SourceKind::Push { .. } => connector.gate(&source.name, &with).map(|gate| {
                    setup.gates.extend(gate.map(|gate| (intake, gate)));
                }),
            };
            reasons.extend(outcome.err());
        }
        reasons
    }

    fn build_operations(
        &self,
        connector: &dyn Connector,
        with: &Surroundings<'_>,
        workspace: &Workspace,
        setup: &mut Setup,
    ) -> Reasons {
        let mut reasons = Reasons::new();
        for operation in connector.operations() {
            let destination = format!("{}.{}", self.name, operation.name);
            let outcome = connector.build_sink(&operation.name, with).and_then(|sink| {
                let slots = templates(&sink, workspace)?;
                setup.plan.operations.entry(destination.clone()).or_default().slots = slots;
                setup.sinks.insert(destination, sink);
                Ok(())
            });
            reasons.extend(outcome.err());
        }
        reasons
    }
}

/// The compiled texts of a sink. The loader has compiled them once already to report problems with their place.
fn templates(sink: &Arc<dyn Sink>, workspace: &Workspace) -> Result<Vec<Template>, Reason> {
    let compile = |slot: &lineshaft_ports::Slot| {
        Template::compile(&slot.template, &workspace.environment).map_err(|diagnostics| {
            let first = diagnostics.first().map_or_else(String::new, |d| d.message.clone());
            Reason::new("template-malformed", first).at(&slot.at)
        })
    };
    sink.slots().iter().map(compile).collect()
}
