//! What the handle shows of the running hub: systems, lanes, books, the overview and the metrics.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use lineshaft_logic::pace::Breaker;
use lineshaft_model::shown::{Balance, ClassRow, LaneRow, Overview, PaceRow, SystemRow};
use lineshaft_model::{Millis, Priority, Reason};
use lineshaft_store::views::DestinationCounts;

use super::{Handle, unreadable};
use crate::setup::SystemSetup;
use crate::systems::System;
use crate::telemetry::{DepthLabels, LaneLabels, SystemLabels};

impl Handle {
    /// The connected systems with their lanes.
    pub fn systems(&self) -> Result<Vec<SystemRow>, Reason> {
        let (setup, now) = (self.shared.setup.load(), self.now());
        let counts: BTreeMap<String, DestinationCounts> =
            self.shared.views.counts().into_iter().map(|c| (c.destination.clone(), c)).collect();
        let mut rows = Vec::with_capacity(setup.systems.len());
        for (name, system) in &setup.systems {
            let running = self.shared.systems.get(name);
            let (received, last_received) = running.intake();
            let (received_per_second_x100, delivered_per_second_x100) = running.per_second_x100(now);
            let pace = self.pace_row(&running, system);
            let mut lanes = Vec::new();
            for door in self.shared.lanes.all() {
                if door.destination().system() == name {
                    lanes.push(self.lane_row(
                        &door,
                        counts.get(door.destination().as_str()),
                        &pace.breaker,
                    )?);
                }
            }
            let prefix = format!("{name}/");
            let mut sources: Vec<String> = setup
                .plan
                .sources
                .keys()
                .filter_map(|key| key.strip_prefix(&prefix))
                .map(str::to_owned)
                .collect();
            sources.sort();
            rows.push(SystemRow {
                name: name.clone(),
                title: system.title.clone(),
                connector: system.connector.clone(),
                health: health(running.paused().is_some(), &pace, &lanes, received).to_owned(),
                paused: running.paused(),
                pace,
                received,
                last_received,
                received_per_second_x100,
                delivered_per_second_x100,
                sources,
                lanes,
            });
        }
        Ok(rows)
    }

    fn pace_row(&self, running: &System, setup: &SystemSetup) -> PaceRow {
        let now = self.shared.clock.both();
        let (standing, hold) = (running.standing(now), running.maintenance(now));
        let wall = |steady: Millis| now.wall.plus(steady.since(now.steady));
        let probe = match standing.breaker {
            Breaker::Open { until } if standing.forced.is_none() => Some(wall(until)),
            _ => None,
        };
        PaceRow {
            breaker: standing.breaker.as_str().to_owned(),
            probe,
            forced: running.forced(),
            held_until: standing.held_until.map(wall),
            maintenance_until: hold.until,
            maintenance_next: hold.next,
            ramp_percent: standing.ramp_percent,
            under_way: standing.under_way,
            concurrency: setup.limits.concurrency,
            per_1000_s: setup.limits.per_1000_s,
            repeats: standing.repeats,
        }
    }

    fn lane_row(
        &self,
        door: &crate::lanes::Door,
        counts: Option<&DestinationCounts>,
        breaker: &str,
    ) -> Result<LaneRow, Reason> {
        let destination = door.destination().as_str();
        let pending = counts.map_or(0, |c| c.pending + c.retrying + c.unknown);
        let oldest = if pending > 0 { self.oldest(destination)? } else { None };
        let gauges = &door.gauges;
        let beyond = gauges.beyond.load(Ordering::Relaxed);
        let class = |class: Priority| ClassRow {
            class: class.as_str().to_owned(),
            ready: gauges.ready[class as usize].load(Ordering::Relaxed),
            beyond: beyond & (1 << class as u8) != 0,
        };
        Ok(LaneRow {
            destination: destination.to_owned(),
            breaker: breaker.to_owned(),
            unknown: counts.map_or(0, |c| c.unknown),
            delayed: gauges.delayed.load(Ordering::Relaxed),
            classes: Priority::ALL.map(class).into(),
            in_flight: gauges.in_flight.load(Ordering::Relaxed),
            pending,
            retrying: counts.map_or(0, |c| c.retrying + c.unknown),
            parked: counts.map_or(0, |c| c.parked),
            dead: counts.map_or(0, |c| c.dead),
            delivered: gauges.delivered.load(Ordering::Relaxed),
            failed_attempts: gauges.failed_attempts.load(Ordering::Relaxed),
            oldest,
            last_failure: gauges.last_failure.lock().clone(),
        })
    }

    fn oldest(&self, destination: &str) -> Result<Option<Millis>, Reason> {
        self.shared.views.oldest_of(destination).map_err(|e| unreadable(&e))
    }

    /// The books.
    pub fn balance(&self) -> Result<Balance, Reason> {
        let end = self.shared.records.end();
        self.shared.views.balance(end).map_err(|e| unreadable(&e))
    }

    /// What waits for a person: open dead letters, and open quarantined inputs. Known without asking the views' file.
    #[must_use]
    pub fn waiting(&self) -> (u64, u64) {
        let dead = self.shared.views.counts().iter().map(|counts| counts.dead).sum();
        (dead, self.shared.views.quarantined())
    }

    /// The hub at a glance.
    pub fn overview(&self) -> Result<Overview, Reason> {
        let now = self.now();
        let telemetry = &self.shared.telemetry;
        let (events_per_second_x100, deliveries_per_second_x100) = telemetry.rates.per_second_x100(now);
        let systems = self.systems()?;
        let lanes = || systems.iter().flat_map(|system| &system.lanes);
        let mut flows: BTreeMap<(String, String), u64> = BTreeMap::new();
        for system in &systems {
            for lane in &system.lanes {
                *flows.entry((String::from("hub"), lane.destination.clone())).or_default() += lane.delivered;
            }
            if !system.sources.is_empty() {
                flows.insert((system.name.clone(), String::from("hub")), system.received);
            }
        }
        Ok(Overview {
            now,
            position: self.shared.records.end(),
            applied: self.shared.views.applied(),
            events_per_second_x100,
            deliveries_per_second_x100,
            acknowledged_p50_us: telemetry.acknowledged_recent.quantile_us(500),
            acknowledged_p99_us: telemetry.acknowledged_recent.quantile_us(990),
            delivered_p50_us: telemetry.delivered_recent.quantile_us(500),
            delivered_p99_us: telemetry.delivered_recent.quantile_us(990),
            dead: lanes().map(|lane| lane.dead).sum(),
            parked: lanes().map(|lane| lane.parked).sum(),
            pending: lanes().map(|lane| lane.pending).sum(),
            quarantined: self.shared.views.quarantined(),
            stopped: self.not_ready(),
            flows: flows.into_iter().map(|((from, to), count)| (from, to, count)).collect(),
            history: telemetry.rates.history(now),
            systems,
        })
    }

    /// Why the hub takes no input now; `None` when it does.
    #[must_use]
    pub fn not_ready(&self) -> Option<String> {
        if self.shared.supervisor.stopping().is_cancelled() {
            return Some("the hub is stopping".to_owned());
        }
        let has_room = self.shared.disk_has_room.load(Ordering::Relaxed);
        (!has_room).then(|| "the disk is filling up and the reserve is kept for deliveries".to_owned())
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> Result<String, Reason> {
        let telemetry = &self.shared.telemetry;
        let now = self.now();
        let (end, applied) = (self.shared.records.end(), self.shared.views.applied());
        telemetry.journal_end.set(signed(end.0));
        telemetry.views_lag.set(signed(end.0.saturating_sub(applied.0)));
        telemetry.quarantined.set(signed(self.shared.views.quarantined()));
        let held = *self.shared.retention_held.lock();
        telemetry.retention_held.set(held.map_or(0, |(_, _, since)| now.since(since) / 1_000));
        telemetry.intake_open.set(i64::from(self.not_ready().is_none()));
        for system in self.systems()? {
            let maintenance = system.pace.maintenance_until.is_some();
            let open = system.pace.breaker != "closed" && !maintenance;
            let labels = SystemLabels { system: system.name.clone() };
            telemetry.maintenance.get_or_create(&labels).set(i64::from(maintenance));
            telemetry.breaker_open.get_or_create(&SystemLabels { system: system.name }).set(i64::from(open));
            for lane in system.lanes {
                for (state, count) in
                    [("pending", lane.pending), ("parked", lane.parked), ("dead", lane.dead)]
                {
                    let labels =
                        DepthLabels { destination: lane.destination.clone(), state: state.to_owned() };
                    telemetry.depth.get_or_create(&labels).set(signed(count));
                }
                let labels = LaneLabels { destination: lane.destination };
                let age_s = lane.oldest.map_or(0, |oldest| now.since(oldest) / 1000);
                telemetry.oldest_seconds.get_or_create(&labels).set(age_s);
                telemetry.in_flight.get_or_create(&labels).set(signed(lane.in_flight));
            }
        }
        Ok(telemetry.encode())
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn health(paused: bool, pace: &PaceRow, lanes: &[LaneRow], received: u64) -> &'static str {
    let moved = received > 0 || lanes.iter().any(|lane| lane.delivered > 0);
    match pace.breaker.as_str() {
        _ if paused => "paused",
        // What a window holds is no cause for alarm, whatever the breaker says.
        _ if pace.maintenance_until.is_some() => "maintenance",
        "open" | "half-open" => "open",
        _ if lanes.iter().any(|lane| lane.dead > 0) => "dead-letters",
        _ if lanes.iter().any(|lane| lane.retrying > 0) => "retrying",
        _ if moved => "healthy",
        _ => "idle",
    }
}
