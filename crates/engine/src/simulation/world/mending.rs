//! A person at the dead letters: confirms, sends again, edits, proposes and approves, while anything may crash between.

use bytes::Bytes;
use lineshaft_model::shown::DeadLetter;

use super::{Process, World, asked, first_dead};
use crate::handle::{Asked, Edit, Mend};
use crate::lanes::Lanes;
use rand::Rng;

impl World {
    /// A person looks at a dead letter: what is there is confirmed when nobody knew; what was refused may be edited, by one
    /// person or by two; the rest is sent again.
    pub(super) async fn mend(&mut self) {
        self.commit();
        self.apply();
        let Some(process) = &self.process else { return };
        let Some(letter) = first_dead(process.handle.reading()) else { return };
        let id = letter.delivery.id;
        let target = &self.targets[&*letter.delivery.destination];
        let is_there = target.shows(id);
        // Where the key is kept, sending again is harmless and needs no knowledge; everywhere else nobody may be led to it.
        assert!(
            target.keeps_key() || letter.unknown || !is_there,
            "{id} is given up and its effect is there"
        );
        if letter.proposal.is_some() && self.rng.random_bool(0.8) {
            return self.decide_about(&letter).await;
        }
        if self.rng.random_bool(0.5) && self.edit(&letter, is_there).await {
            return;
        }
        let Some(process) = &self.process else { return };
        let mend = if letter.unknown && is_there { Mend::Confirm } else { Mend::Retry };
        let handle = process.handle.clone();
        self.done(async move { handle.mend(id, mend, asked()).await }).await;
    }

    /// Edits a dead letter, where that may be done; says whether it may.
    async fn edit(&mut self, letter: &DeadLetter, is_there: bool) -> bool {
        let Some(process) = &self.process else { return false };
        let id = letter.delivery.id;
        let data =
            Bytes::from(format!("{{\"n\":\"{id}\",\"edit\":\"{}\"}}", self.rng.random_range(0..1_000_000)));
        let edit = Edit { data, roles: vec!["admin".into()], asked: asked() };
        if process.handle.preview_edit(id, &edit).is_err() {
            return false;
        }
        assert!(!is_there, "{id} may be edited and its effect is there");
        if self.second_person {
            self.happened.proposed += 1;
        } else {
            self.happened.edited += 1;
        }
        let handle = process.handle.clone();
        self.done(async move { handle.edit(id, edit).await }).await;
        true
    }

    /// A second person approves a proposal, or rejects it.
    async fn decide_about(&mut self, letter: &DeadLetter) {
        let Some(process) = &self.process else { return };
        let (id, approves) = (letter.delivery.id, self.rng.random_bool(0.8));
        let handle = process.handle.clone();
        let proposer = letter.proposal.as_ref().map(|of| of.head.actor.clone()).unwrap_or_default();
        self.happened.approved += u64::from(approves);
        self.done(async move {
            let same = Asked { actor: proposer, reason: "my own".into() };
            assert!(handle.approve(id, true, same).await.is_err(), "one person is not two");
            let other = Asked { actor: "second".into(), reason: "looked at it".into() };
            handle.approve(id, approves, other).await
        })
        .await;
    }

    /// What was delivered is what was last put in the place of the event's data, or the event's data.
    pub(super) fn judge_content(&self) {
        let process = self.process.as_ref().unwrap();
        let reading = process.handle.reading();
        for (name, target) in &self.targets {
            for effect in target.effects() {
                let Some(delivery) = reading.delivery(effect.delivery).unwrap() else { continue };
                let amended = delivery.outcomes.iter().rev().find_map(|outcome| outcome.amendment);
                let expected = match amended {
                    Some(position) => reading.amended(position).unwrap().unwrap().1,
                    None => {
                        reading.event(effect.delivery.event).unwrap().unwrap().data.get().to_owned().into()
                    }
                };
                assert_eq!(effect.data, expected, "what {name} got of {}", effect.delivery);
            }
        }
    }
}

/// Edited deliveries that are not finished.
pub(super) fn edited_under_way(process: &Process) -> u64 {
    let lanes: &Lanes = &process.shared.lanes;
    let mut edited = 0;
    for door in lanes.all() {
        let rows = process.shared.views.deliveries(
            &lineshaft_store::views::DeliveryFilter {
                state: None,
                destination: Some(door.destination().as_str().to_owned()),
            },
            None,
            1_000,
        );
        edited += rows.unwrap().iter().filter(|row| !row.amended.is_zero()).count() as u64;
    }
    edited
}
