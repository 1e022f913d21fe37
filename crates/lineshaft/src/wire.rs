//! The whole wiring on one page: a workspace becomes sinks, sources and decisions; these and a journal become a running hub;
//! the hub gets its windows.

mod setup;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineshaft_access::Policies;
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_engine::supervisor::OnFatal;
use lineshaft_engine::{Handle, Hub, HubOptions, Supervisor, TraceOptions};
use lineshaft_model::{Reason, Reasons};
use lineshaft_store::index::Span;
use lineshaft_store::journal::{Journal, Options};
use lineshaft_store::views::Views;
use lineshaft_web::access::Access;
use lineshaft_web::{Listening, Reload, ServeOptions, State};

use crate::data::DataFolder;
use crate::identity::{Network, providers};
use crate::otlp::Collector;
use crate::workspace::{Severity, Variables, Workspace, load};

pub use setup::build;

/// A hub that runs, with its windows.
pub struct Running {
    /// The hub.
    pub hub: Handle,
    /// Where its windows are.
    pub listening: Listening,
    /// Its tokens.
    pub access: Arc<Access>,
    /// Takes the workspace as it is on disk now.
    pub reload: Reload,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("listening", &self.listening).finish_non_exhaustive()
    }
}

/// Who is known to a workspace, and what they may.
fn access(workspace: &Workspace, data: &Path) -> Result<Access, Reasons> {
    let identity = &workspace.settings.access.identity;
    let access = Access::new(data, Arc::clone(&workspace.policies), &workspace.settings.tenant);
    if identity.is_empty() {
        return Ok(access);
    }
    let fetch = Network::reach().map_err(|reason| vec![reason])?;
    Ok(access.with_providers(providers(identity, &workspace.secrets)?, &fetch))
}

/// Opens the store of a workspace and starts the hub and its windows.
pub async fn start(
    workspace: Workspace,
    variables: &Variables,
    on_fatal: OnFatal,
) -> Result<Running, Reasons> {
    let folder = workspace.folder.clone();
    let listen = workspace.settings.listen;
    let body_bytes = usize::try_from(workspace.settings.limits.body.bytes).unwrap_or(usize::MAX);
    let connections = usize::try_from(workspace.settings.limits.connections).unwrap_or(1_024).max(1);
    let data = workspace.data_folder();
    let access = Arc::new(access(&workspace, &data)?);
    let otlp = workspace.settings.telemetry.otlp.clone();
    let collector = otlp.as_ref().map(|otlp| Collector::of(otlp, &workspace.secrets)).transpose()?;
    let supervisor = Supervisor::new(on_fatal);
    let opened = tokio::task::spawn_blocking(move || open(workspace, supervisor)).await;
    let (hub, sources) =
        opened.map_err(|_| vec![Reason::new("internal-fault", "the store could not be opened")])??;
    if let (Some(collector), Some(otlp)) = (collector, &otlp) {
        hub.trace_to(Arc::new(collector), TraceOptions { one_in: u64::from(otlp.one_in.get()) });
    }
    let hub = hub.start(sources).map_err(|reason| vec![reason])?;
    let reload = reload(hub.clone(), Arc::clone(&access), folder, variables.clone());
    let state = State {
        hub: hub.clone(),
        access: Arc::clone(&access),
        reload: Arc::clone(&reload),
        explain: crate::explain::page,
        body_bytes,
    };
    let console = lineshaft_web::console::routes();
    let served =
        lineshaft_web::serve(listen, state, console, ServeOptions { connections, ..ServeOptions::default() })
            .await;
    match served {
        Ok(listening) => Ok(Running { hub, listening, access, reload }),
        Err(reason) => {
            hub.stop().await;
            Err(vec![reason])
        }
    }
}

/// Opens journal, indexes and views. Blocks.
fn open(
    mut workspace: Workspace,
    supervisor: Supervisor,
) -> Result<(Hub, lineshaft_engine::Sources), Reasons> {
    let (setup, sources) = build(&mut workspace)?;
    let one = |reason: Reason| vec![reason];
    let data = DataFolder::new(workspace.data_folder());
    let clock = Arc::new(SystemClock::new());
    let options = Options {
        segment_bytes: workspace.settings.journal.file.segment.bytes,
        reserve_bytes: workspace.settings.journal.file.reserve.bytes,
        known_durable: Views::applied_in(&data.views()).unwrap_or_default(),
        ..Options::default()
    };
    let disk = lineshaft_store::journal::disk::RealDisk;
    let journal =
        Journal::open(disk, data.journal(), options, clock.now()).map_err(|error| one(error.reason()))?;
    let segments = journal.segments().iter().map(|s| Span { first: s.first, last: s.last }).collect();
    let options = HubOptions {
        journal_id: journal.id(),
        journal: Box::new(journal),
        segments,
        index_dir: data.index(),
        views_dir: data.views(),
        waiting_bytes: 256 << 20,
        clock,
        seed: rand::random(),
    };
    let hub = Hub::open(options, setup, supervisor, &mut |_| {}).map_err(one)?;
    Ok((hub, sources))
}

/// Loads and checks the workspace again; a good one is taken, a bad one leaves the running one in place.
fn reload(hub: Handle, access: Arc<Access>, folder: PathBuf, variables: Variables) -> Reload {
    Arc::new(move || {
        let (hub, access) = (hub.clone(), Arc::clone(&access));
        let (folder, variables) = (folder.clone(), variables.clone());
        Box::pin(async move {
            let built = tokio::task::spawn_blocking(move || checked(&folder, &variables)).await;
            let (setup, sources, policies) = built
                .map_err(|_| vec![Reason::new("internal-fault", "the workspace could not be read")])??;
            let (digest, tenant) = (setup.digest.clone(), setup.plan.tenant.clone());
            hub.reconfigure(setup, sources, "reload").await.map_err(|reason| vec![reason])?;
            access.configure(policies, &tenant);
            tracing::info!(digest, "took a new configuration");
            Ok(digest)
        })
    })
}

/// What a workspace comes to.
type Checked = (lineshaft_engine::Setup, lineshaft_engine::Sources, Arc<Policies>);

fn checked(folder: &Path, variables: &Variables) -> Result<Checked, Reasons> {
    let loaded = load(folder, variables);
    match loaded.workspace {
        Some(mut workspace) => {
            let (setup, sources) = build(&mut workspace)?;
            Ok((setup, sources, workspace.policies))
        }
        None => Err(loaded
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|p| p.to_reason())
            .collect()),
    }
}
