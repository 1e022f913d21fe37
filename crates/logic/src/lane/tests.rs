//! The lane against a reference: order per key, completeness, bounded memory, under random histories.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use lineshaft_model::{DeliveryId, Millis, OutcomeKind, Position, Priority};
use proptest::prelude::*;

use super::{Change, Entry, Lane, Refill, Wanted, Window};
use crate::turns::{Seat, Turns};

fn entry(position: u64, order: u64, class: Priority) -> Entry {
    Entry {
        id: DeliveryId { event: Position(position), n: 0 },
        order,
        share: (order % 3) as u32,
        class,
        attempts: 0,
        due: Millis(0),
        since: Millis(0),
        parks: true,
        unknown: false,
        amended: Position::ZERO,
    }
}

fn change(entry: &Entry, kind: OutcomeKind, due: i64) -> Change {
    Change {
        id: entry.id,
        order: entry.order,
        kind,
        attempt: entry.attempts + 1,
        due: Millis(due),
        parks: entry.parks,
    }
}

/// The views as the lane may meet them: they know every record up to `applied` and nothing later.
#[derive(Default)]
struct World {
    records: Vec<Record>,
    unfinished: BTreeMap<DeliveryId, Entry>,
    by_order: HashMap<u64, BTreeSet<DeliveryId>>,
    dead: HashMap<u64, Vec<DeliveryId>>,
    applied: usize,
}

#[derive(Clone, Copy)]
enum Record {
    Owed(Entry),
    Outcome(Change),
}

impl World {
    fn end(&self) -> Position {
        Position(self.records.len() as u64)
    }

    fn apply_to(&mut self, position: Position) {
        while (self.applied as u64) < position.0 {
            match self.records[self.applied] {
                Record::Owed(entry) => {
                    self.unfinished.insert(entry.id, entry);
                    self.by_order.entry(entry.order).or_default().insert(entry.id);
                }
                Record::Outcome(change) => self.apply_outcome(change),
            }
            self.applied += 1;
        }
    }

    fn apply_outcome(&mut self, change: Change) {
        let remove_dead = |dead: &mut HashMap<u64, Vec<DeliveryId>>| {
            if let Some(ids) = dead.get_mut(&change.order) {
                ids.retain(|id| *id != change.id);
                if ids.is_empty() {
                    dead.remove(&change.order);
                }
            }
        };
        match change.kind {
            OutcomeKind::Delivered | OutcomeKind::Discarded => {
                self.unfinished.remove(&change.id);
                self.by_order.get_mut(&change.order).unwrap().remove(&change.id);
                remove_dead(&mut self.dead);
            }
            OutcomeKind::Again | OutcomeKind::Unknown | OutcomeKind::Begun => {
                let entry = self.unfinished.get_mut(&change.id).unwrap();
                entry.due = change.due;
                entry.attempts = change.attempt;
            }
            OutcomeKind::Dead => self.dead.entry(change.order).or_default().push(change.id),
            OutcomeKind::Retried => {
                remove_dead(&mut self.dead);
                self.unfinished.get_mut(&change.id).unwrap().due = Millis(0);
            }
        }
    }

    fn answer(&mut self, refill: Refill) -> Vec<Entry> {
        self.apply_to(refill.need);
        let runs = |entry: &&Entry| !self.dead.contains_key(&entry.order);
        match refill.what {
            Wanted::Class(class) => {
                let later =
                    self.unfinished.range((Excluded(refill.after), Unbounded)).map(|(_, entry)| entry);
                later.filter(|entry| entry.class == class).filter(runs).take(refill.limit).copied().collect()
            }
            Wanted::Key(key) => {
                let ids = self.by_order.get(&key).into_iter().flatten().filter(|id| **id > refill.after);
                ids.map(|id| &self.unfinished[id]).filter(runs).take(refill.limit).copied().collect()
            }
        }
    }
}

/// Drives a lane over a script and checks each attempt against the reference.
struct Bench {
    lane: Lane,
    turns: Turns,
    seat: Seat,
    world: World,
    now: i64,
    flying: Vec<Entry>,
    done: HashMap<u64, Vec<DeliveryId>>,
    all: HashMap<u64, Vec<DeliveryId>>,
}

impl Bench {
    fn new(window: Window) -> Self {
        let mut turns = Turns::default();
        Self {
            lane: Lane::new(window, Position::ZERO, []),
            seat: turns.sit(),
            turns,
            world: World::default(),
            now: 1,
            flying: Vec::new(),
            done: HashMap::new(),
            all: HashMap::new(),
        }
    }

    fn owe(&mut self, order: u64, class: Priority) {
        let entry = entry(self.world.records.len() as u64 + 1, order, class);
        self.world.records.push(Record::Owed(entry));
        self.all.entry(order).or_default().push(entry.id);
        self.lane.owe(entry);
    }

    /// Owes some deliveries that the lane is only told were left out.
    fn leave_out(&mut self, orders: &[(u64, Priority)]) {
        let mut first = None;
        for (order, class) in orders {
            let entry = entry(self.world.records.len() as u64 + 1, *order, *class);
            self.world.records.push(Record::Owed(entry));
            self.all.entry(*order).or_default().push(entry.id);
            first.get_or_insert(entry);
        }
        if let Some(first) = first {
            self.lane.leave_out(first, self.world.end());
        }
    }

    fn record(&mut self, change: Change) {
        self.world.records.push(Record::Outcome(change));
        self.lane.settle(change, self.world.end());
    }

    fn refill(&mut self) {
        while let Some(refill) = self.lane.refill() {
            let entries = self.world.answer(refill);
            self.lane.refilled(refill, &entries);
            self.lane.applied(Position(self.world.applied as u64));
        }
    }

    /// What the wheel and the lane give next.
    fn next(&mut self) -> Option<Entry> {
        let wants = self.lane.wants(Millis(self.now));
        self.turns.want(self.seat, wants);
        let turn = self.turns.next(true)?;
        let entry = self.lane.take(turn.class, turn.again).expect("what a lane wants, it has");
        self.turns.gone(turn);
        Some(entry)
    }

    /// Makes one attempt if there is one, and checks that its key's turn has come.
    fn attempt(&mut self) -> bool {
        let Some(entry) = self.next() else { return false };
        assert!(entry.due.0 <= self.now, "attempted before it was due");
        assert!(!self.flying.iter().any(|f| f.order == entry.order), "two of one key in flight");
        let done = self.done.entry(entry.order).or_default();
        assert_eq!(self.all[&entry.order].get(done.len()), Some(&entry.id), "out of order");
        self.flying.push(entry);
        true
    }

    fn land(&mut self, pick: usize, kind: OutcomeKind, delay: i64) {
        if self.flying.is_empty() {
            return;
        }
        let entry = self.flying.swap_remove(pick % self.flying.len());
        self.record(change(&entry, kind, self.now + delay));
        if kind == OutcomeKind::Delivered {
            self.done.entry(entry.order).or_default().push(entry.id);
        }
    }

    fn mend(&mut self, discard: bool) {
        self.world.apply_to(self.world.end());
        let Some((order, id)) = self.world.dead.iter().map(|(k, ids)| (*k, ids[0])).min() else { return };
        let kind = if discard { OutcomeKind::Discarded } else { OutcomeKind::Retried };
        let entry = Entry { id, ..entry(id.event.0, order, Priority::Normal) };
        self.record(change(&entry, kind, 0));
        if discard {
            self.done.entry(order).or_default().push(id);
        }
    }

    fn restart(&mut self) {
        self.flying.clear();
        self.world.apply_to(self.world.end());
        let parked: Vec<(u64, u32)> = self.world.dead.iter().map(|(k, ids)| (*k, ids.len() as u32)).collect();
        self.lane = Lane::new(self.lane.window, self.world.end(), parked);
    }

    /// Lets everything finish and checks that nothing was left behind.
    fn finish(&mut self) {
        for round in 0.. {
            assert!(round < 100_000, "stuck: {:?}", self.lane);
            self.refill();
            self.now += 100;
            while self.attempt() {}
            if self.flying.is_empty() && self.lane.due().is_none() {
                self.refill();
                self.world.apply_to(self.world.end());
                if !self.world.dead.is_empty() {
                    self.mend(round % 2 == 0);
                } else if self.world.unfinished.is_empty() {
                    break;
                }
            }
            while !self.flying.is_empty() {
                self.land(0, OutcomeKind::Delivered, 0);
            }
        }
        assert_eq!(self.done, self.all);
        assert_eq!((self.lane.in_flight(), self.lane.in_memory(), self.lane.parked_keys()), (0, 0, 0));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Owe(u64, u8),
    LeaveOut(Vec<(u64, u8)>),
    Attempt,
    Land(usize, u8),
    Refill,
    Apply,
    Mend(bool),
    Tick(i64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u64..6, 0u8..4).prop_map(|(key, class)| Step::Owe(key, class)),
        1 => proptest::collection::vec((0u64..6, 0u8..4), 1..4).prop_map(Step::LeaveOut),
        5 => Just(Step::Attempt),
        4 => (any::<usize>(), 0u8..8).prop_map(|(pick, kind)| Step::Land(pick, kind)),
        2 => Just(Step::Refill),
        2 => Just(Step::Apply),
        1 => any::<bool>().prop_map(Step::Mend),
        2 => (1i64..40).prop_map(Step::Tick),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_delivery_goes_out_once_and_in_the_order_of_its_key(
        steps in proptest::collection::vec(step(), 1..160), entries in 1usize..12, per_key in 1usize..4,
    ) {
        let mut bench = Bench::new(Window { entries, per_key });
        for step in steps {
            match step {
                Step::Owe(order, class) => bench.owe(order, Priority::from_byte(class)),
                Step::LeaveOut(owed) => {
                    let owed: Vec<_> = owed.into_iter().map(|(k, c)| (k, Priority::from_byte(c))).collect();
                    bench.leave_out(&owed);
                }
                Step::Attempt => { bench.attempt(); }
                Step::Land(pick, kind) => bench.land(pick, match kind {
                    0 | 1 => OutcomeKind::Again,
                    2 => OutcomeKind::Dead,
                    3 => OutcomeKind::Unknown,
                    _ => OutcomeKind::Delivered,
                }, 30),
                Step::Refill => bench.refill(),
                Step::Apply => {
                    bench.world.apply_to(bench.world.end());
                    bench.lane.applied(bench.world.end());
                }
                Step::Mend(discard) => bench.mend(discard),
                Step::Tick(by) => bench.now += by,
                Step::Restart => bench.restart(),
            }
            // One refill may bring a whole key beside a full window, never more.
            prop_assert!(bench.lane.in_memory() <= entries + per_key, "{} in memory", bench.lane.in_memory());
        }
        bench.finish();
    }
}

#[test]
fn bulk_keeps_a_tenth_while_critical_work_is_plenty() {
    let mut bench = Bench::new(Window::default());
    bench.refill();
    for n in 0..400 {
        bench.owe(n, if n % 2 == 0 { Priority::Critical } else { Priority::Bulk });
    }
    let bulk =
        (0..200).filter(|_| bench.attempt() && bench.flying.last().unwrap().class == Priority::Bulk).count();
    assert!((20..=60).contains(&bulk), "{bulk} of 200 attempts were bulk");
}

#[test]
fn an_urgent_delivery_lends_its_class_to_the_one_before_it() {
    let mut bench = Bench::new(Window::default());
    bench.refill();
    for n in 0..50 {
        bench.owe(100 + n, Priority::Normal);
    }
    bench.owe(7, Priority::Bulk);
    bench.owe(7, Priority::Critical);
    assert!(bench.attempt());
    assert_eq!(
        bench.flying[0].order, 7,
        "the bulk delivery goes first because a critical one waits behind it"
    );
}

#[test]
fn an_urgent_delivery_behind_a_long_key_lends_its_class_from_the_views() {
    let mut bench = Bench::new(Window { entries: 1_000, per_key: 4 });
    bench.refill();
    (0..400).for_each(|n| bench.owe(100 + n, Priority::Normal));
    (0..50).for_each(|_| bench.owe(7, Priority::Bulk));
    bench.owe(7, Priority::Critical);
    for turn in 0..120 {
        bench.refill();
        assert!(bench.attempt());
        bench.land(0, OutcomeKind::Delivered, 0);
        if bench.done.get(&7).is_some_and(|done| done.len() == 51) {
            assert!(turn < 110, "{turn}");
            return;
        }
    }
    panic!("{} of 51", bench.done[&7].len());
}

/// 100,000 bulk deliveries are queued, far more than the window holds; then critical ones come.
#[test]
fn one_critical_delivery_overtakes_a_hundred_thousand_of_bulk() {
    for restarted in [false, true] {
        let mut bench = Bench::new(Window::default());
        bench.refill();
        (0..100_000).for_each(|n| bench.owe(n, Priority::Bulk));
        if restarted {
            bench.restart();
            bench.refill();
        }
        assert!(bench.lane.in_memory() <= 32_768);
        let (mut bulk, mut critical) = (0, 0);
        for n in 0..1_000 {
            bench.owe(1_000_000 + n, Priority::Critical);
            bench.refill();
            // It goes within two turns of the wheel: critical has every other one.
            let mut turns = 0;
            loop {
                turns += 1;
                assert!(bench.attempt() && turns <= 2, "the critical delivery {n} waits for {turns} turns");
                let class = bench.flying[0].class;
                bench.land(0, OutcomeKind::Delivered, 0);
                if class == Priority::Critical {
                    critical += 1;
                    break;
                }
                bulk += 1;
            }
        }
        assert!(bulk >= (bulk + critical) / 10, "{bulk} of bulk beside {critical} critical ones");
    }
}

/// The lane never asks for more than a slot's worth of turns, however the classes are mixed and however small the window.
#[test]
fn bulk_keeps_a_tenth_beyond_the_window() {
    let mut bench = Bench::new(Window { entries: 64, per_key: 4 });
    bench.refill();
    (0..2_000).for_each(|n| bench.owe(n, Priority::Bulk));
    (0..2_000).for_each(|n| bench.owe(10_000 + n, Priority::Critical));
    let mut bulk = 0;
    for _ in 0..1_000 {
        bench.refill();
        assert!(bench.attempt());
        bulk += usize::from(bench.flying[0].class == Priority::Bulk);
        bench.land(0, OutcomeKind::Delivered, 0);
    }
    assert!(bulk >= 100, "{bulk} of 1000");
}

fn sent_by(share: u32, position: u64, order: u64) -> Entry {
    Entry { share, ..entry(position, order, Priority::Normal) }
}

#[test]
fn senders_take_turns_even_beyond_the_window() {
    let mut bench = Bench::new(Window { entries: 256, per_key: 4 });
    bench.refill();
    let owe = |bench: &mut Bench, share, order| {
        let entry = sent_by(share, bench.world.records.len() as u64 + 1, order);
        bench.world.records.push(Record::Owed(entry));
        bench.all.entry(order).or_default().push(entry.id);
        bench.lane.owe(entry);
    };
    (0..20_000).for_each(|n| owe(&mut bench, 1, n));
    (0..20).for_each(|n| owe(&mut bench, 2, 100_000 + n));
    let mut turns = 0;
    while bench.done.keys().filter(|order| **order >= 100_000).count() < 20 {
        turns += 1;
        assert!(turns <= 60, "the second sender waits behind all of the first");
        bench.refill();
        assert!(bench.attempt());
        bench.land(0, OutcomeKind::Delivered, 0);
    }
}

#[test]
fn a_clock_that_goes_back_holds_nothing_up() {
    let mut bench = Bench::new(Window::default());
    bench.now = 90 * 86_400_000;
    bench.refill();
    bench.owe(1, Priority::Normal);
    assert!(bench.attempt());
    bench.land(0, OutcomeKind::Again, 60_000);
    bench.now -= 80 * 86_400_000;
    bench.lane.clock_went_back(80 * 86_400_000);
    assert!(bench.next().is_none(), "not earlier than it was to be");
    bench.now += 60_000;
    assert!(bench.next().is_some());
}
