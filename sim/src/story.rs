//! The observed story of a cycle count: what each system noticed, and when.

use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use crate::amount::Amount;
use crate::plan::Scene;

/// Something a system noticed that a story may wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// WMS: a shelf was counted.
    Counted { sheet: String, item: String, location: String, book: Amount, counted: Amount },
    /// Any: the hub acknowledged a document.
    Acknowledged { document: String },
    /// ERP: an inventory difference was posted.
    DifferencePosted { item: String, location: String, difference: Amount },
    /// APS: a stock position was taken over.
    PositionTaken { item: String, location: String, quantity: Amount },
    /// APS: an order can no longer be built.
    Held { order: String },
    /// ERP or WMS: an order was stopped.
    Stopped { system: &'static str, order: String },
    /// ERP: an order's start has come; `held` when it was not started.
    StartDue { order: String, held: bool },
}

/// One observed milestone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Milestone {
    /// `counted`, `acknowledged`, `posted`, `positioned`, `held`, `stopped`, `kept-back`, `started`.
    pub name: &'static str,
    pub system: &'static str,
    /// Since the count, in microseconds.
    pub after_us: u64,
    /// The order or quantity it is about.
    pub about: String,
}

/// The story of one cycle count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    pub sheet: String,
    pub item: String,
    pub location: String,
    pub book: String,
    pub counted: String,
    /// The orders of the next shift that need the item.
    pub orders: Vec<String>,
    pub milestones: Vec<Milestone>,
}

impl Story {
    fn of(scene: &Scene) -> Self {
        Self {
            sheet: scene.sheet.clone(),
            item: scene.item.clone(),
            location: scene.location.clone(),
            book: scene.book.to_string(),
            counted: scene.counted.to_string(),
            orders: scene.orders.clone(),
            milestones: Vec::new(),
        }
    }

    /// The first milestone of a name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&Milestone> {
        self.milestones.iter().find(|milestone| milestone.name == name)
    }

    /// Whether everybody who must know of the count does: ERP posted the difference, the scheduler has the position, and
    /// an order was held and stopped in ERP and warehouse.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let stopped = |system| self.milestones.iter().any(|m| m.name == "stopped" && m.system == system);
        ["acknowledged", "posted", "positioned", "held"].iter().all(|name| self.first(name).is_some())
            && stopped("erp")
            && stopped("wms")
    }

    /// Orders that were started although the scheduler had held them. Must be empty.
    #[must_use]
    pub fn issued_in_vain(&self) -> Vec<&str> {
        let held_before = |started: &&Milestone| {
            let before = self.milestones.iter().take_while(|m| !std::ptr::eq(*m, *started));
            before.filter(|m| m.name == "held").any(|m| m.about == started.about)
        };
        self.milestones
            .iter()
            .filter(|m| m.name == "started")
            .filter(held_before)
            .map(|m| m.about.as_str())
            .collect()
    }

    /// Orders that were held before they were started, each once. The scheduler may learn of the parts an order took before
    /// it learns that the order runs, and then holds it in vain; that is no part of the story.
    #[must_use]
    pub fn held_in_time(&self) -> Vec<&str> {
        let mut held: Vec<&str> = Vec::new();
        let mut started: Vec<&str> = Vec::new();
        for milestone in &self.milestones {
            let order = milestone.about.as_str();
            match milestone.name {
                "started" => started.push(order),
                "held" if !started.contains(&order) && !held.contains(&order) => held.push(order),
                _ => {}
            }
        }
        held
    }

    /// The story in one line.
    #[must_use]
    pub fn tell(&self) -> String {
        let mut line =
            format!("count {} instead of {} of {} at {}", self.counted, self.book, self.item, self.location);
        let mut add = |text: &str, milestone: Option<&Milestone>| match milestone {
            Some(milestone) => {
                let ms = milestone.after_us / 1000;
                line.push_str(&format!(" -> {text} after {ms} ms"));
            }
            None => line.push_str(&format!(" -> not yet: {text}")),
        };
        add("ERP posted the difference", self.first("posted"));
        add("scheduler knew", self.first("positioned"));
        let held = self.held_in_time();
        let whom = if held.is_empty() { "nothing".to_owned() } else { held.join(" and ") };
        add(&format!("scheduler held {whom}"), self.first("held"));
        let kept: Vec<&str> =
            self.milestones.iter().filter(|m| m.name == "kept-back").map(|m| m.about.as_str()).collect();
        if !kept.is_empty() {
            line.push_str(&format!(" -> {} kept back at issue", kept.join(" and ")));
        }
        line
    }
}

#[derive(Debug)]
struct Watched {
    story: Story,
    counted_at: Option<Duration>,
}

/// Collects the notes of all systems into the stories they belong to.
#[derive(Debug, Default)]
pub(crate) struct StoryBoard {
    watched: Mutex<Vec<Watched>>,
}

impl StoryBoard {
    pub(crate) fn expect(&self, scene: &Scene) {
        self.watched.lock().push(Watched { story: Story::of(scene), counted_at: None });
    }

    pub(crate) fn stories(&self) -> Vec<Story> {
        self.watched.lock().iter().map(|watched| watched.story.clone()).collect()
    }

    /// Takes a note at a wall time since the factory's start.
    pub(crate) fn note(&self, at: Duration, note: &Note) {
        for watched in self.watched.lock().iter_mut() {
            watched.take(at, note);
        }
    }
}

impl Watched {
    fn take(&mut self, at: Duration, note: &Note) {
        let story = &self.story;
        let same = |item: &str, location: &str| item == story.item && location == story.location;
        let ours = |order: &String| story.orders.contains(order);
        let (name, system, about) = match note {
            Note::Counted { sheet, item, location, book, counted }
                if *sheet == story.sheet && same(item, location) =>
            {
                self.counted_at = Some(at);
                ("counted", "wms", format!("{counted} instead of {book}"))
            }
            // Before the count nothing that happens to these orders belongs to it.
            _ if self.counted_at.is_none() => return,
            Note::Acknowledged { document } if *document == story.sheet => {
                ("acknowledged", "hub", story.sheet.clone())
            }
            Note::DifferencePosted { item, location, difference } if same(item, location) => {
                ("posted", "erp", difference.to_string())
            }
            Note::PositionTaken { item, location, quantity } if same(item, location) => {
                ("positioned", "aps", quantity.to_string())
            }
            Note::Held { order } if ours(order) => ("held", "aps", order.clone()),
            Note::Stopped { system, order } if ours(order) => ("stopped", *system, order.clone()),
            Note::StartDue { order, held: true } if ours(order) => ("kept-back", "erp", order.clone()),
            Note::StartDue { order, held: false } if ours(order) => ("started", "erp", order.clone()),
            _ => return,
        };
        let since = at.saturating_sub(self.counted_at.unwrap_or(at));
        let after_us = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.story.milestones.push(Milestone { name, system, after_us, about });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Catalogue;

    #[test]
    fn a_story_gathers_what_belongs_to_it() {
        let scene = Scene::new(&Catalogue::new(1), 0, 0).unwrap();
        let board = StoryBoard::default();
        board.expect(&scene);
        let (item, location) = (scene.item.clone(), scene.location.clone());
        let order = scene.orders[2].clone();
        let at = Duration::from_millis;
        let position =
            |quantity| Note::PositionTaken { item: item.clone(), location: location.clone(), quantity };
        board.note(at(900), &position(scene.book));
        board.note(
            at(1000),
            &Note::Counted {
                sheet: scene.sheet.clone(),
                item: item.clone(),
                location: location.clone(),
                book: scene.book,
                counted: scene.counted,
            },
        );
        board.note(at(1010), &Note::Acknowledged { document: scene.sheet.clone() });
        let difference = scene.counted - scene.book;
        board.note(
            at(1035),
            &Note::DifferencePosted { item: item.clone(), location: location.clone(), difference },
        );
        board.note(at(1036), &position(scene.counted));
        board.note(at(1036), &Note::Held { order: order.clone() });
        board.note(at(1037), &Note::Held { order: "PRO-1".to_owned() });
        let story = &board.stories()[0];
        assert!(!story.is_complete());
        board.note(at(1050), &Note::Stopped { system: "erp", order: order.clone() });
        board.note(at(1051), &Note::Stopped { system: "wms", order: order.clone() });
        board.note(at(6000), &Note::StartDue { order, held: true });
        let first = scene.orders[0].clone();
        board.note(at(5000), &Note::StartDue { order: first.clone(), held: false });
        board.note(at(5001), &Note::Held { order: first });
        let story = &board.stories()[0];
        assert!(story.is_complete() && story.issued_in_vain().is_empty());
        assert_eq!(story.held_in_time(), ["PRO-1007"]);
        assert_eq!(
            story.tell(),
            format!(
                "count 40 instead of 100 of {item} at {location} -> ERP posted the difference after 35 ms -> scheduler knew \
                 after 36 ms -> scheduler held PRO-1007 after 36 ms -> PRO-1007 kept back at issue"
            )
        );
    }
}
