//! One object: its state, how each system stands to it, and everything that happened to it anywhere.

use askama::Template;
use axum::extract::{Path, Query, State as Extract};
use lineshaft_model::shown::{EventRow, ObjectDetail, ObjectRef, ObjectSystem, Page as Rows, TimelineEntry};
use lineshaft_model::sight::Act;
use lineshaft_model::{Millis, Moment, Reason};
use lineshaft_store::reading::ReadingError;
use serde::Deserialize;

use super::fault::Fault;
use super::pretty::pretty;
use super::query::{encoded, filled};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::{self, Badge};
use super::{Answer, show};
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

/// How much of a timeline and of a history is shown.
const LATEST: usize = 200;

#[derive(Template)]
#[template(path = "object.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) object: ObjectRef,
    pub(super) detail: Option<ObjectDetail>,
    data: String,
    pub(super) systems: Vec<ObjectSystem>,
    tracks: Vec<String>,
    happened: Vec<Happening>,
    pub(super) history: Rows<EventRow>,
    /// The time that was asked for.
    pub(super) at: String,
}

/// One line of the timeline.
struct Happening {
    entry: TimelineEntry,
    badge: Badge,
    /// What it is about, without what became of it: the badge says that.
    title: String,
    /// The operation that was called, for outcomes.
    operation: String,
    /// Which of the tracks it is on.
    track: usize,
    /// How long after the event, in words.
    after: String,
    /// Where more of it is.
    path: String,
}

/// What is known of an object.
pub(super) struct Known {
    pub(super) detail: Option<ObjectDetail>,
    pub(super) systems: Vec<ObjectSystem>,
    pub(super) timeline: Vec<TimelineEntry>,
    pub(super) history: Rows<EventRow>,
}

/// `?at=` shows the state as it was.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    at: Option<String>,
}

/// Where an object's page is.
pub(super) fn path(object: &ObjectRef) -> String {
    format!("/objects/{}/{}", encoded(&object.object_type), encoded(&object.key))
}

/// One object.
pub(super) async fn page(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path((object_type, key)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::See)?;
    let object = ObjectRef { object_type, key };
    let at_text = filled(asked.at);
    let at = at_text.as_deref().map(time).transpose()?;
    let (tenant, wanted) = (state.hub.tenant(), object.clone());
    let known = read(&state, &viewer.caller, move |reading| {
        let ObjectRef { object_type, key } = &wanted;
        Ok::<_, ReadingError>(Known {
            detail: reading.object(&tenant, object_type, key, at)?,
            systems: reading.object_systems(&tenant, object_type, key)?.unwrap_or_default(),
            timeline: reading.timeline(&tenant, object_type, key, LATEST)?.unwrap_or_default(),
            history: reading.history(&tenant, object_type, key, None, LATEST)?.unwrap_or_default(),
        })
    })
    .await?;
    if known.detail.is_none() && known.timeline.is_empty() {
        let missing = format!("the hub knows of no {} {}", object.object_type, object.key);
        return Err(Fault::from(Problem::not_found(missing)));
    }
    let title = format!("{} {}", object.object_type, object.key);
    let shell = Shell::new(&state, viewer, Section::Objects, title).live(2_000);
    show(&Page::new(shell, object, known, at_text.unwrap_or_default()))
}

fn time(text: &str) -> Result<Millis, Fault> {
    let read = |text: &str| text.parse::<Moment>().map(|moment| moment.millis());
    // A date and time field of a form has no offset: the hub's times are UTC.
    read(text)
        .or_else(|reason: Reason| {
            read(&format!("{text}Z")).or_else(|_| read(&format!("{text}:00Z"))).map_err(|_| reason)
        })
        .map_err(|reason| Fault::from(reason.at("?at")))
}

impl Page {
    pub(super) fn new(shell: Shell, object: ObjectRef, known: Known, at: String) -> Self {
        let mut tracks: Vec<String> = Vec::new();
        for entry in &known.timeline {
            if !tracks.contains(&entry.system) {
                tracks.push(entry.system.clone());
            }
        }
        let happening = |entry: TimelineEntry| {
            let path = match (entry.what.as_str(), &entry.delivery) {
                ("quarantined", _) => format!("/quarantine/{}", entry.position),
                (_, Some(delivery)) => format!("/events/{}#d{}", entry.event, delivery.n),
                (_, None) => format!("/events/{}", entry.event),
            };
            let (title, operation) = parts(&entry);
            Happening {
                title,
                operation,
                badge: Badge::of_happening(&entry.what),
                track: tracks.iter().position(|system| *system == entry.system).unwrap_or_default(),
                after: entry.after_ms.map(words::span).unwrap_or_default(),
                path,
                entry,
            }
        };
        // The newest first: what is wrong now is on top.
        let happened = known.timeline.into_iter().rev().map(happening).collect();
        let data = known.detail.as_ref().map(|detail| pretty(detail.data.get())).unwrap_or_default();
        Self {
            shell,
            object,
            detail: known.detail,
            data,
            systems: known.systems,
            tracks,
            happened,
            history: known.history,
            at,
        }
    }
}

/// `Goods received: delivered (post-receipt)` is the title, what became of it and the operation.
fn parts(entry: &TimelineEntry) -> (String, String) {
    let apart = entry.title.split_once(&format!(": {} (", entry.what));
    let apart = apart.and_then(|(title, rest)| Some((title, rest.strip_suffix(')')?)));
    match apart {
        Some((title, operation)) => (title.to_owned(), operation.to_owned()),
        None => (entry.title.clone(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_one_address_whatever_is_in_it() {
        let object = ObjectRef { object_type: String::from("item"), key: String::from("A/1 ?#ä") };
        assert_eq!(path(&object), "/objects/item/A/1%20%3F%23%C3%A4");
    }

    #[test]
    fn a_time_may_come_from_a_form() {
        for text in ["2026-11-23T06:30:00Z", "2026-11-23T06:30:00", "2026-11-23T06:30"] {
            assert_eq!(time(text).ok(), time("2026-11-23T07:30:00+01:00").ok(), "{text}");
        }
        assert!(time("yesterday").is_err());
    }
}
