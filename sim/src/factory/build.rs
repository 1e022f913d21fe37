//! Putting a factory together: every task that runs is started here.

use std::io;
use std::sync::Arc;

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::aps::{self, Aps};
use crate::clock::{HOUR_MS, ScenarioClock};
use crate::config::{Config, HubAddress};
use crate::erp::{self, Erp};
use crate::factory::{Factory, Floor, SystemHandle, Systems, pulse, scenes};
use crate::plan::{Plan, Rhythm};
use crate::procurement::{self, Procurement};
use crate::station::Station;
use crate::station::fault::Faults;
use crate::station::outbox::Outbox;
use crate::station::system::{Simulated, System};
use crate::station::{control, gate, server};
use crate::story::StoryBoard;
use crate::wms::{self, Wms};

/// When the first cycle count begins to be prepared; the count itself is four hours later.
const SCENE_AT_MS: u64 = 6 * HOUR_MS;

/// What every system is built from.
struct Ground {
    config: Config,
    clock: ScenarioClock,
    story: Arc<StoryBoard>,
    hub: watch::Receiver<Option<HubAddress>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Ground {
    fn station(&self, name: &'static str) -> Arc<Station> {
        let config = &self.config;
        let drop_folder = if name == "wms" { config.count_drop.clone() } else { None };
        let to_hub = config.tokens.to_hub.get(name).cloned();
        Arc::new(Station {
            name,
            clock: self.clock.clone(),
            faults: Faults::new(config.seed, name),
            ledger: parking_lot::Mutex::default(),
            outbox: Outbox::new(name, self.hub.clone(), to_hub, drop_folder, config.seed),
            story: Arc::clone(&self.story),
            token: config.tokens.from_hub.get(name).cloned(),
        })
    }

    fn system<S: Simulated>(&self, name: &'static str, state: S) -> Arc<System<S>> {
        System::new(self.station(name), state)
    }

    /// Opens the system's door and sets it to work.
    fn open<S: Simulated>(
        &self,
        system: &Arc<System<S>>,
        listener: TcpListener,
        business: Router,
    ) -> io::Result<SystemHandle> {
        let station = &system.station;
        let address = listener.local_addr()?;
        let gated = business.layer(middleware::from_fn_with_state(Arc::clone(station), gate::gate));
        let router = gated.nest("/sim", control::pages(system));
        let serve =
            server::serve(Some(Arc::clone(station)), listener, router, self.stop.clone(), self.tasks.clone());
        self.tasks.spawn(serve);
        self.tasks.spawn(Arc::clone(system).work(self.stop.clone()));
        for lane in 0..Outbox::lanes() {
            self.tasks.spawn(Outbox::work(Arc::clone(station), lane, self.stop.clone()));
        }
        Ok(SystemHandle { station: Arc::clone(station), address })
    }
}

pub(super) async fn start(config: Config) -> io::Result<Factory> {
    let ports = config.ports;
    let mut doors = Vec::new();
    for port in [ports.erp, ports.procurement, ports.wms, ports.aps, ports.control] {
        doors.push(server::open(port).await?.0);
    }
    let [Some(control_door), Some(aps_door), Some(wms_door), Some(procurement_door), Some(erp_door)] =
        std::array::from_fn(|_| doors.pop())
    else {
        return Err(io::Error::other("a port was not opened"));
    };

    let clock = ScenarioClock::start(config.begins, config.speed);
    let rhythm = Rhythm {
        seed: config.seed,
        rate_per_s: config.rate_per_s,
        speed: config.speed,
        begins: config.begins,
        scene_at_ms: config.scene.then_some(SCENE_AT_MS),
    };
    let plan = Plan::new(rhythm);
    let catalogue = Arc::new(plan.catalogue().clone());
    let (hub, hub_known) = watch::channel(config.hub.clone());
    let story = Arc::new(StoryBoard::default());
    let stop = CancellationToken::new();
    let seed = config.seed;
    let scene = config.scene;
    let ground = Ground {
        config,
        clock: clock.clone(),
        story: Arc::clone(&story),
        hub: hub_known,
        stop,
        tasks: TaskTracker::new(),
    };

    let systems = Systems {
        erp: ground.system("erp", Erp::new(Arc::clone(&catalogue))),
        procurement: ground.system("procurement", Procurement::new(seed)),
        wms: ground.system("wms", Wms::new(seed, Arc::clone(&catalogue))),
        aps: ground.system("aps", Aps::default()),
    };
    let handles = vec![
        ground.open(&systems.erp, erp_door, erp::routes(&systems.erp))?,
        ground.open(&systems.procurement, procurement_door, procurement::routes(&systems.procurement))?,
        ground.open(&systems.wms, wms_door, wms::routes(&systems.wms))?,
        ground.open(&systems.aps, aps_door, aps::routes(&systems.aps))?,
    ];
    let floor = Arc::new(Floor {
        systems,
        clock,
        catalogue,
        story,
        scenes_played: parking_lot::Mutex::new(0),
        asked: parking_lot::Mutex::default(),
        asked_more: Notify::new(),
    });
    if scene {
        floor.expect_first_scene(SCENE_AT_MS);
    }
    let control = control_door.local_addr()?;
    let pages = scenes::pages(&floor)
        .nest("/sim/erp", control::pages(&floor.systems.erp))
        .nest("/sim/procurement", control::pages(&floor.systems.procurement))
        .nest("/sim/wms", control::pages(&floor.systems.wms))
        .nest("/sim/aps", control::pages(&floor.systems.aps));
    ground.tasks.spawn(server::serve(None, control_door, pages, ground.stop.clone(), ground.tasks.clone()));

    let pulse = ground.stop.child_token();
    ground.tasks.spawn(pulse::run(Arc::clone(&floor), plan, pulse.clone()));
    Ok(Factory { floor, handles, control, hub, pulse, stop: ground.stop, tasks: ground.tasks })
}
