//! The first page: what needs somebody, and the hub at a glance.

use askama::Template;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Redirect};
use lineshaft_engine::Handle;
use lineshaft_model::Millis;
use lineshaft_model::shown::{LaneRow, Overview};
use lineshaft_model::sight::Act;

use super::map::{Map, sparkline};
use super::session::Viewer;
use super::shell::{Section, Shell, landing};
use super::words::{self, Badge};
use super::{Answer, ask, show};
use crate::api::read;
use crate::state::State;

/// How far views may be behind before somebody should know, in records.
const LAG: u64 = 50_000;

#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) overview: Overview,
    needs: Vec<Need>,
    maps: [(&'static str, Map); 2],
    spark: String,
    peak: u64,
    lag: u64,
}

/// Something that waits for a person.
#[derive(Debug)]
struct Need {
    badge: Badge,
    what: String,
    since: Option<Millis>,
    detail: String,
    path: String,
    action: &'static str,
}

/// The hub at a glance.
pub(super) async fn page(Extract(state): Extract<State>, viewer: Viewer) -> Answer {
    // Whoever may not see the hub begins with what is theirs.
    if !viewer.caller.may(Act::SeeHub)
        && let Some(path) = landing(&viewer.caller)
    {
        return Ok(Redirect::to(path).into_response());
    }
    viewer.caller.allow(Act::SeeHub)?;
    let caller = viewer.caller.clone();
    let overview = ask(&state, Handle::overview).await?;
    let shell = Shell::new(&state, viewer, Section::Overview, "Overview").live(1_000);
    let oldest = read(&state, &caller, |reading| reading.dead_letters(None, false, None, 1)).await?;
    let dead_since = oldest.items.first().map(|letter| letter.since);
    show(&Page::new(shell, overview, dead_since))
}

impl Page {
    pub(super) fn new(shell: Shell, overview: Overview, dead_since: Option<Millis>) -> Self {
        let lag = overview.position.0.saturating_sub(overview.applied.0);
        let maps =
            [("map-wide", Map::wide(&overview.systems)), ("map-narrow", Map::narrow(&overview.systems))];
        Self {
            needs: needs(&overview, dead_since, lag),
            maps,
            spark: sparkline(&overview.history, 240, 44),
            peak: overview.history.iter().copied().max().unwrap_or_default(),
            lag,
            shell,
            overview,
        }
    }

    fn lanes(&self) -> impl Iterator<Item = &LaneRow> {
        self.overview.systems.iter().flat_map(|system| &system.lanes)
    }
}

/// What waits for a person, most urgent first.
fn needs(overview: &Overview, dead_since: Option<Millis>, lag: u64) -> Vec<Need> {
    let mut needs = Vec::new();
    if overview.dead > 0 {
        let parked = match overview.parked {
            0 => String::from("Nothing waits behind them."),
            1 => String::from("1 later delivery waits behind them."),
            more => format!("{} later deliveries wait behind them.", words::count(more)),
        };
        needs.push(Need {
            badge: Badge::of_happening("dead"),
            what: plural(overview.dead, "dead letter", "dead letters"),
            since: dead_since,
            detail: parked,
            path: String::from("/dead-letters?order=oldest"),
            action: "Look, then retry or discard",
        });
    }
    for system in &overview.systems {
        let title = if system.title.is_empty() { &system.name } else { &system.title };
        let oldest = system.lanes.iter().filter_map(|lane| lane.oldest).min();
        let failure = system.lanes.iter().find_map(|lane| lane.last_failure.clone()).unwrap_or_default();
        let (what, detail, action) = match system.health.as_str() {
            "open" => (format!("{title} does not answer"), failure, "See the system"),
            "paused" => {
                let why = system.paused.clone().unwrap_or_default();
                (format!("{title} is paused"), why, "Resume when ready")
            }
            "retrying" => (format!("{title}: attempts fail and are repeated"), failure, "See the system"),
            _ => continue,
        };
        let path = format!("/systems#{}", system.name);
        needs.push(Need {
            badge: Badge::of_health(&system.health),
            what,
            since: oldest,
            detail,
            path,
            action,
        });
    }
    if overview.quarantined > 0 {
        needs.push(Need {
            badge: Badge { tone: "warn", ..Badge::of_happening("quarantined") },
            what: plural(overview.quarantined, "input in quarantine", "inputs in quarantine"),
            since: None,
            detail: String::from("Refused, and kept with its bytes and reasons."),
            path: String::from("/quarantine"),
            action: "Read the reasons",
        });
    }
    if lag > LAG {
        needs.push(Need {
            badge: Badge::of_health("retrying"),
            what: format!("Pages are {} records behind the journal", words::count(lag)),
            since: None,
            detail: String::from("Deliveries go on; what is shown is older."),
            path: String::from("/books"),
            action: "See the books",
        });
    }
    needs
}

fn plural(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {more}", words::count(count)) }
}
