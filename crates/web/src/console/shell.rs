//! The frame of every page: where one is, who one is, what needs somebody, and the hub's time.

use lineshaft_model::Millis;

use super::assets::{ICON, SCRIPT, STYLE};
use super::query::link;
use super::session::Viewer;
use super::words::{self, Stamp};
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
    Systems,
    Processes,
    Planning,
    Books,
    /// None of them, such as the results of a search.
    Other,
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
}

impl Shell {
    /// The frame of a page now.
    pub(super) fn new(state: &State, viewer: Viewer, section: Section, title: impl Into<String>) -> Self {
        let (dead, quarantined) = state.hub.waiting();
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
        }
    }

    /// Has the script keep the page up to date.
    pub(super) const fn live(mut self, every_ms: u32) -> Self {
        self.every_ms = every_ms;
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

    /// The navigation, most urgent first.
    pub(super) fn navigation(&self) -> [Entry; 10] {
        let entry =
            |section, path, name, waiting| Entry { path, name, here: self.section == section, waiting };
        [
            entry(Section::Overview, "/", "Overview", 0),
            entry(Section::DeadLetters, "/dead-letters", "Dead letters", self.dead),
            entry(Section::Quarantine, "/quarantine", "Quarantine", self.quarantined),
            entry(Section::Deliveries, "/deliveries", "Deliveries", 0),
            entry(Section::Events, "/events", "Events", 0),
            entry(Section::Objects, "/objects", "Objects", 0),
            entry(Section::Systems, "/systems", "Systems", 0),
            entry(Section::Processes, "/processes", "Processes", 0),
            entry(Section::Planning, "/planning", "Planning", 0),
            entry(Section::Books, "/books", "Books", 0),
        ]
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
