//! The frame of every page: where one is, who one is, what needs somebody, and the hub's time.

use lineshaft_model::Millis;
use lineshaft_model::sight::Act;

use super::assets::{ICON, SCRIPT, STYLE};
use super::query::link;
use super::session::Viewer;
use super::words::{self, Stamp};
use crate::access::Caller;
use crate::state::State;

/// A part of the console, as the navigation names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    DeadLetters,
    Quarantine,
    Deliveries,
    Events,
    Objects,
    Jobs,
    Systems,
    Processes,
    Planning,
    Books,
    /// None of them, such as the results of a search.
    Other,
}

/// The sections with where they are and what one must be allowed to see.
const SECTIONS: &[(Section, &str, &str, Act)] = &[
    (Section::Overview, "/", "Overview", Act::SeeHub),
    (Section::DeadLetters, "/dead-letters", "Dead letters", Act::SeeDeliveries),
    (Section::Quarantine, "/quarantine", "Quarantine", Act::SeeDeliveries),
    (Section::Deliveries, "/deliveries", "Deliveries", Act::SeeDeliveries),
    (Section::Events, "/events", "Events", Act::See),
    (Section::Objects, "/objects", "Objects", Act::See),
    (Section::Jobs, "/jobs", "Replays", Act::SeeHub),
    (Section::Systems, "/systems", "Systems", Act::SeeHub),
    (Section::Processes, "/processes", "Processes", Act::SeeHub),
    (Section::Planning, "/planning", "Planning", Act::SeePlan),
    (Section::Books, "/books", "Books", Act::SeeHub),
];

/// Where somebody begins who does not see the hub itself: the plan, or the objects.
pub(super) fn landing(caller: &Caller) -> Option<&'static str> {
    [("/planning", Act::SeePlan), ("/objects", Act::See)]
        .into_iter()
        .find_map(|(path, act)| caller.may(act).then_some(path))
}

/// One entry of the navigation.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) here: bool,
    /// How many things wait there for a person; 0 shows nothing.
    pub(super) waiting: u64,
}

/// What the frame needs.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) title: String,
    pub(super) section: Section,
    pub(super) viewer: Viewer,
    pub(super) now: Millis,
    pub(super) dead: u64,
    pub(super) quarantined: u64,
    /// Why the hub takes no input.
    pub(super) stopped: Option<String>,
    /// What was searched for.
    pub(super) query: String,
    /// How often the script fetches the content again, in milliseconds; 0 for never.
    pub(super) every_ms: u32,
    /// Where the script hears that there is something new; empty when it only looks now and then.
    pub(super) pulse: &'static str,
}

impl Shell {
    /// The frame of a page now.
    pub(super) fn new(state: &State, viewer: Viewer, section: Section, title: impl Into<String>) -> Self {
        let sees_all = viewer.caller.may(Act::SeeHub);
        let (dead, quarantined) = if sees_all { state.hub.waiting() } else { (0, 0) };
        Self {
            title: title.into(),
            section,
            viewer,
            now: state.hub.now(),
            dead,
            quarantined,
            stopped: state.hub.not_ready(),
            query: String::new(),
            every_ms: 0,
            pulse: "",
        }
    }

    /// Has the script keep the page up to date.
    pub(super) const fn live(mut self, every_ms: u32) -> Self {
        self.every_ms = every_ms;
        self
    }

    /// Has the script fetch the page again as soon as something happens, as this address tells it.
    pub(super) const fn beating(mut self, pulse: &'static str) -> Self {
        self.pulse = pulse;
        self
    }

    pub(super) fn style(&self) -> String {
        STYLE.path()
    }

    pub(super) fn script(&self) -> String {
        SCRIPT.path()
    }

    pub(super) fn icon(&self) -> String {
        ICON.path()
    }

    /// The navigation, most urgent first: what the viewer may see.
    pub(super) fn navigation(&self) -> Vec<Entry> {
        let waiting = |section| match section {
            Section::DeadLetters => self.dead,
            Section::Quarantine => self.quarantined,
            _ => 0,
        };
        let seen = SECTIONS.iter().filter(|(.., act)| self.viewer.caller.may(*act));
        seen.map(|(section, path, name, _)| Entry {
            path,
            name,
            here: self.section == *section,
            waiting: waiting(*section),
        })
        .collect()
    }

    /// A time as seen from now.
    pub(super) const fn time(&self, at: &Millis) -> Stamp {
        Stamp::new(*at, self.now)
    }

    /// A count, easy to read.
    pub(super) fn count(&self, n: &u64) -> String {
        words::count(*n)
    }

    /// A rate given in hundredths.
    pub(super) fn rate(&self, x100: &u64) -> String {
        words::rate(*x100)
    }

    /// A short time given in microseconds.
    pub(super) fn micros(&self, us: &u64) -> String {
        words::micros(*us)
    }

    /// The unfinished deliveries of a destination.
    pub(super) fn deliveries_of(&self, destination: &str) -> String {
        link("/deliveries", &[("destination", Some(destination))])
    }
}
