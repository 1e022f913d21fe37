//! What a reader sees who is bound to a partner: by the events that name it, through objects that gain and change partners.

use lineshaft_model::Position;
use lineshaft_model::sight::{About, Act, Mask, Sight};

use super::*;

/// Sees what names this partner and nobody else.
#[derive(Debug)]
struct Only(&'static str);

impl Sight for Only {
    fn may(&self, _act: Act, about: &About<'_>) -> bool {
        about.partners == [self.0]
    }

    fn may_some(&self, _act: Act, _tenant: &str, _object_type: &str) -> bool {
        true
    }

    fn mask(&self, _about: &About<'_>) -> Option<Arc<Mask>> {
        None
    }

    fn is_unbound(&self) -> bool {
        false
    }

    fn only_partner(&self, _tenant: &str, _object_type: &str) -> Option<String> {
        Some(self.0.to_owned())
    }
}

/// The keys of the orders that a partner lists, and the subjects of the events.
fn seen(story: &Story, partner: &'static str) -> (Vec<String>, Vec<String>) {
    let reading = story.reading.seen_by(Arc::new(Only(partner)));
    let filter = ObjectFilter { tenant: "main".into(), object_type: ORDER.into(), ..ObjectFilter::default() };
    let keys = reading.objects(&filter, None, 10).unwrap().items.into_iter().map(|row| row.object.key);
    let filter = EventFilter { since: Some(Position(11)), ..EventFilter::default() };
    let events = reading.events(&filter, None, 10).unwrap().items;
    (keys.collect(), events.into_iter().map(|row| row.envelope.subject).collect())
}

fn tell(story: &mut Story, event_type: &str, subject: &str, partners: &[&str], previous: u64, at: i64) {
    let mut event = event(event_type, subject, "erp", "{\"note\":\"x\"}", at);
    event.keys = partners.iter().map(|partner| ("supplier".to_owned(), (*partner).to_owned())).collect();
    story.held.event(chained(previous), &event, &[owed("wms.expect", subject)]);
    let held = story.held.clone();
    story.projector.catch_up(&held, &mut |_| {}).unwrap();
}

#[test]
fn partners_follow_the_object_and_no_event_takes_one_away() {
    let mut story = story();
    tell(&mut story, "purchase-order.released", "A", &["S1"], 0, 9_000);
    tell(&mut story, "purchase-order.released", "B", &["S2"], 0, 9_001);
    // It names nobody: it is about an order of the first.
    tell(&mut story, "purchase-order.confirmed", "A/10/1", &[], 11, 9_002);
    assert_eq!(seen(&story, "S1"), (vec!["A".to_owned()], vec!["A/10/1".to_owned(), "A".to_owned()]));
    assert_eq!(seen(&story, "S2"), (vec!["B".to_owned()], vec!["B".to_owned()]));
    assert_eq!(seen(&story, "S3"), (vec![], vec![]));
    let one = story.reading.seen_by(Arc::new(Only("S1")));
    assert!(one.object("main", ORDER, "A", None).unwrap().is_some());
    assert!(one.object("main", ORDER, "B", None).unwrap().is_none());
    assert!(one.event(Position(12)).unwrap().is_none());
    assert_eq!(one.allows_delivery(Act::Mend, "11.0".parse().unwrap()).unwrap(), Some(true));
    assert_eq!(one.allows_delivery(Act::Mend, "12.0".parse().unwrap()).unwrap(), None);
    assert_eq!(one.search("main", "B", 10).unwrap().len(), 0);

    // A part of the order names another: from then on it is nobody's alone, and neither are its events.
    tell(&mut story, "purchase-order.changed", "A", &["S2"], 13, 9_003);
    assert_eq!(seen(&story, "S1"), (vec![], vec![]));
    assert_eq!(seen(&story, "S2").0, ["B"]);
    // The whole order, for another: it is theirs alone.
    tell(&mut story, "purchase-order.released", "A", &["S2"], 14, 9_004);
    assert_eq!(seen(&story, "S2").0, ["A", "B"]);
    assert_eq!(seen(&story, "S1").0, Vec::<String>::new());
}

#[test]
fn an_object_with_more_partners_than_are_kept_is_for_none_of_them() {
    let mut story = story();
    let names: Vec<String> = (10..40).map(|n| format!("S{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    tell(&mut story, "purchase-order.released", "A", &names, 0, 9_000);
    let bound = story.reading.views.object_bound("main", ORDER, "A").unwrap().unwrap();
    assert_eq!((bound.partners.len(), bound.partners.first().map(String::as_str)), (17, Some("*")));
    assert_eq!(seen(&story, "*").0, Vec::<String>::new());
    // A name that would read as two is nobody's either.
    tell(&mut story, "purchase-order.released", "B", &["S1\nS2"], 0, 9_001);
    let bound = story.reading.views.object_bound("main", ORDER, "B").unwrap().unwrap();
    assert_eq!(bound.partners, ["*"]);
}
