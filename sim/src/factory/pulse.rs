//! The pulse: plays the plan in scenario time, and pauses while the systems have too much to send.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::factory::Floor;
use crate::plan::{Action, Plan, Step};

/// Documents a system may have waiting before the pulse pauses, so that a hub that is away for hours costs no memory.
const WAITING_AT_MOST: u64 = 20_000;

pub(super) async fn run(floor: Arc<Floor>, plan: Plan, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = play(&floor, plan) => {}
    }
}

async fn play(floor: &Floor, mut plan: Plan) {
    floor.systems.erp.perform(|erp, desk| erp.publish_master_data(desk));
    floor.systems.wms.perform(|wms, desk| wms.publish_positions(desk));
    let mut ahead = plan.next();
    loop {
        // Whichever comes first: the plan's next step, or a step of a scene that was asked for.
        let asked = floor.earliest_asked();
        let due = match (ahead.as_ref().map(|step| step.at_ms), asked) {
            (None, None) => {
                floor.asked_more.notified().await;
                continue;
            }
            (planned, asked) => planned.unwrap_or(u64::MAX).min(asked.unwrap_or(u64::MAX)),
        };
        tokio::select! {
            () = tokio::time::sleep_until(due_at(floor, due)) => {}
            () = floor.asked_more.notified() => continue,
        }
        while floor.waiting() > WAITING_AT_MOST {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        match floor.take_asked(due) {
            Some(step) => act(floor, step),
            None => {
                if let Some(step) = ahead.take() {
                    act(floor, step);
                }
                ahead = plan.next();
            }
        }
    }
}

fn due_at(floor: &Floor, at_ms: u64) -> Instant {
    floor.clock.wall_at(at_ms)
}

fn act(floor: &Floor, step: Step) {
    match step.action {
        Action::MoveStock(_) | Action::Count { .. } => {
            floor.systems.wms.perform(|wms, desk| wms.act(step.action, desk));
        }
        _ => floor.systems.erp.perform(|erp, desk| erp.act(step.action, desk)),
    }
}

impl Floor {
    fn waiting(&self) -> u64 {
        let systems = &self.systems;
        [&systems.erp.station, &systems.procurement.station, &systems.wms.station, &systems.aps.station]
            .iter()
            .map(|station| station.outbox.totals().waiting)
            .max()
            .unwrap_or(0)
    }

    fn earliest_asked(&self) -> Option<u64> {
        self.asked.lock().iter().map(|step| step.at_ms).min()
    }

    fn take_asked(&self, due: u64) -> Option<Step> {
        let mut asked = self.asked.lock();
        let index = asked.iter().position(|step| step.at_ms <= due)?;
        Some(asked.remove(index))
    }
}
