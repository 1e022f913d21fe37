//! The plan is pure, so its promises are checked on long stretches of it.

use std::collections::HashMap;

use super::*;
use crate::amount::Amount;

fn rhythm(seed: u64) -> Rhythm {
    Rhythm { seed, rate_per_s: 20, speed: 3600, begins: jiff::Timestamp::UNIX_EPOCH, scene_at_ms: Some(1000) }
}

#[test]
fn the_same_seed_makes_the_same_steps() {
    let steps = |seed| Plan::new(rhythm(seed)).take(3000).collect::<Vec<_>>();
    assert_eq!(steps(7), steps(7));
    assert_ne!(steps(7), steps(8));
}

#[test]
fn steps_come_in_the_order_of_their_time() {
    let times: Vec<u64> = Plan::new(rhythm(3)).take(5000).map(|step| step.at_ms).collect();
    assert!(times.is_sorted());
}

#[test]
fn an_order_is_released_before_it_is_changed_and_its_lines_add_up() {
    let mut revisions: HashMap<String, u64> = HashMap::new();
    for step in Plan::new(rhythm(5)).take(5000) {
        let (number, revision) = match &step.action {
            Action::PutPurchaseOrder(order) => {
                assert!(!order.lines.is_empty());
                for line in &order.lines {
                    let scheduled: Amount = line.schedule.iter().map(|(quantity, _)| *quantity).sum();
                    assert_eq!(scheduled, line.quantity, "{} line {}", order.number, line.line);
                }
                (order.number.clone(), order.revision)
            }
            Action::CancelPurchaseOrder { number, revision } => (number.clone(), *revision),
            _ => continue,
        };
        let before = revisions.insert(number.clone(), revision).unwrap_or(0);
        assert_eq!(revision, before + 1, "{number}");
    }
    assert!(revisions.len() > 500, "{}", revisions.len());
}

#[test]
fn an_order_is_created_then_released_then_started() {
    let mut stage: HashMap<String, u8> = HashMap::new();
    for step in Plan::new(rhythm(5)).take(5000) {
        let (number, reached) = match step.action {
            Action::CreateProduction(order) => (order.number, 1),
            Action::ReleaseProduction { number } => (number, 2),
            Action::StartProduction { number } => (number, 3),
            _ => continue,
        };
        assert_eq!(stage.insert(number.clone(), reached).unwrap_or(0) + 1, reached, "{number}");
    }
}

#[test]
fn the_rhythm_leaves_the_items_of_the_scene_alone() {
    let plan = Plan::new(rhythm(9));
    let scene = Scene::new(plan.catalogue(), 0, 1000).expect("a first scene");
    let mut counts = 0;
    for step in plan.take(5000) {
        match step.action {
            Action::MoveStock(moved) => assert_ne!(moved.item, scene.item),
            Action::Count { sheet, lines } if lines.iter().any(|line| line.item == scene.item) => {
                assert_eq!(sheet, scene.sheet);
                counts += 1;
            }
            _ => {}
        }
    }
    assert_eq!(counts, 1);
}

#[test]
fn the_scene_leaves_stock_for_one_order_of_three() {
    let catalogue = Catalogue::new(1);
    let scene = Scene::new(&catalogue, 1, 0).expect("a second scene");
    let opening: Amount =
        catalogue.stock.iter().filter(|stock| stock.item == scene.item).map(|stock| stock.quantity).sum();
    assert_eq!(opening, scene.book);
    assert_eq!(scene.orders.len(), 3);
    assert!(scene.counted >= Amount::whole(30) && scene.counted < Amount::whole(60));
    assert_eq!(Scene::new(&catalogue, 99, 0), None);
}

#[test]
fn a_still_plan_has_only_its_scene() {
    let still = Rhythm { rate_per_s: 0, ..rhythm(1) };
    assert_eq!(Plan::new(still.clone()).count(), 10);
    assert_eq!(Plan::new(Rhythm { scene_at_ms: None, ..still }).count(), 0);
}
