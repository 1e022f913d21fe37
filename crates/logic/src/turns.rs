//! Whose turn it is when a system has a slot free: among classes by weight, among the system's lanes in turn.
//!
//! Classes share the slots of a system by a wheel: of twenty turns critical has ten, high five, normal three and bulk two, so
//! that bulk keeps a tenth whatever comes. A turn whose class has nothing goes to what has grown old, the least urgent
//! first, and otherwise to the most urgent that waits. Lanes that want the same class take it in turn.

use lineshaft_model::Priority;

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// Puts a class in.
    pub const fn add(&mut self, class: Priority) {
        self.0 |= 1 << class as u8;
    }

    /// Whether a class is in it.
    #[must_use]
    pub const fn has(self, class: Priority) -> bool {
        self.0 & (1 << class as u8) != 0
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One bit for each, the most urgent lowest.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// How many are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn also_in(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// What a lane could send now, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// First attempts.
    pub fresh: Classes,
    /// Repeated attempts that are due.
    pub again: Classes,
    /// Of the first attempts, classes that have grown old.
    pub old: Classes,
}

impl Wants {
    /// Whether it wants nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.fresh.is_empty() && self.again.is_empty()
    }

    /// The classes that may go when repeated attempts may, or may not.
    const fn usable(self, repeats: bool) -> Classes {
        if repeats { self.fresh.with(self.again) } else { self.fresh }
    }
}

/// A lane's place among those of its system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat(pub usize);

/// Who goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which lane.
    pub seat: Seat,
    /// Which class of it.
    pub class: Priority,
    /// Whether a repeated attempt, instead of a first one.
    pub again: bool,
}

/// One turn of the wheel: critical 10, high 5, normal 3, bulk 2 of 20.
const WHEEL: [Priority; 20] = {
    use Priority::{Bulk, Critical, High, Normal};
    [
        Critical, High, Critical, Normal, Critical, High, Critical, Bulk, Critical, High, Critical, Normal,
        Critical, High, Critical, Bulk, Critical, Normal, Critical, High,
    ]
};

/// The turns of one system.
#[derive(Debug, Default)]
pub struct Turns {
    seats: Vec<Wants>,
    wheel: usize,
    /// For each class the lane that had it last.
    last: [usize; 4],
    /// For each class whether its last attempt was a repeated one: the two kinds alternate.
    repeated: [bool; 4],
}

impl Turns {
    /// A place for one more lane.
    pub fn sit(&mut self) -> Seat {
        self.seats.push(Wants::default());
        Seat(self.seats.len() - 1)
    }

    /// Says what a lane wants now; nothing for one that cannot go.
    pub fn want(&mut self, seat: Seat, wants: Wants) {
        if let Some(held) = self.seats.get_mut(seat.0) {
            *held = wants;
        }
    }

    /// How many lanes beside this one want something.
    #[must_use]
    pub fn others(&self, seat: Seat) -> usize {
        self.seats.iter().enumerate().filter(|(at, wants)| *at != seat.0 && !wants.is_empty()).count()
    }

    /// Who is next among all lanes. Stays the same until that lane goes or the lanes want something else.
    #[must_use]
    pub fn next(&self, repeats: bool) -> Option<Turn> {
        self.choose(repeats, None)
    }

    /// What is next for one lane, whatever the others want.
    #[must_use]
    pub fn next_of(&self, seat: Seat, repeats: bool) -> Option<Turn> {
        self.choose(repeats, Some(seat))
    }

    /// A lane has gone.
    pub fn gone(&mut self, turn: Turn) {
        self.wheel = (self.wheel + 1) % WHEEL.len();
        self.last[turn.class as usize] = turn.seat.0;
        self.repeated[turn.class as usize] = turn.again;
    }

    fn choose(&self, repeats: bool, only: Option<Seat>) -> Option<Turn> {
        let asked = |at: usize| only.is_none_or(|seat| seat.0 == at);
        let seats = || self.seats.iter().enumerate().filter(|(at, _)| asked(*at)).map(|(_, wants)| wants);
        let usable = seats().fold(Classes::default(), |all, wants| all.with(wants.usable(repeats)));
        let old = seats().fold(Classes::default(), |all, wants| all.with(wants.old));
        let turn = WHEEL[self.wheel];
        let class = if usable.has(turn) {
            turn
        } else {
            let aged = old.also_in(usable);
            let aged = Priority::ALL.into_iter().rev().find(|class| aged.has(*class));
            aged.or_else(|| Priority::ALL.into_iter().find(|class| usable.has(*class)))?
        };
        let (count, last) = (self.seats.len(), self.last[class as usize]);
        let seat = (1..=count).map(|step| (last + step) % count).find(|at| {
            asked(*at) && self.seats.get(*at).is_some_and(|wants| wants.usable(repeats).has(class))
        })?;
        let wants = self.seats.get(seat)?;
        let both = wants.fresh.has(class) && wants.again.has(class) && repeats;
        let again = if both { !self.repeated[class as usize] } else { !wants.fresh.has(class) };
        Some(Turn { seat: Seat(seat), class, again })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(bits: u8) -> Classes {
        Classes(bits & 15)
    }

    /// Lets turns go by while lanes want the same all along, and counts them by class and lane.
    fn played(wants: &[Wants], turns: usize) -> ([usize; 4], Vec<usize>) {
        let mut table = Turns::default();
        let (mut classes, mut lanes) = ([0; 4], vec![0; wants.len()]);
        for wants in wants {
            let seat = table.sit();
            table.want(seat, *wants);
        }
        for _ in 0..turns {
            let Some(turn) = table.next(true) else { break };
            classes[turn.class as usize] += 1;
            lanes[turn.seat.0] += 1;
            table.gone(turn);
        }
        (classes, lanes)
    }

    proptest! {
        #[test]
        fn every_class_keeps_its_share_whatever_comes(fresh in 1u8..16, again in 0u8..16, old in 0u8..16) {
            let wants = Wants { fresh: set(fresh), again: set(again), old: set(old & fresh) };
            let (classes, _) = played(&[wants], 2_000);
            let shares = [1_000, 500, 300, 200];
            for class in Priority::ALL {
                let wanted = wants.fresh.has(class) || wants.again.has(class);
                let got = classes[class as usize];
                prop_assert!(if wanted { got >= shares[class as usize] } else { got == 0 }, "{class}: {got}");
            }
        }

        #[test]
        fn lanes_that_want_the_same_get_the_same(lanes in 1usize..6, bits in 1u8..16) {
            let wants = vec![Wants { fresh: set(bits), ..Wants::default() }; lanes];
            let (_, got) = played(&wants, 600 * lanes);
            // Each class goes round by itself.
            prop_assert!(got.iter().all(|n| n.abs_diff(600) <= 4), "{got:?}");
        }

        #[test]
        fn a_turn_stays_whose_it_is_until_it_is_taken(all in proptest::collection::vec((0u8..16, 0u8..16), 1..5), gone in 0usize..40) {
            let mut table = Turns::default();
            for (fresh, again) in &all {
                let seat = table.sit();
                table.want(seat, Wants { fresh: set(*fresh), again: set(*again), ..Wants::default() });
            }
            for _ in 0..gone {
                let Some(turn) = table.next(true) else { break };
                prop_assert_eq!(table.next(true), Some(turn));
                table.gone(turn);
            }
            let wanted = all.iter().any(|(fresh, again)| fresh | again != 0);
            prop_assert_eq!(table.next(true).is_some(), wanted);
        }
    }

    #[test]
    fn what_others_leave_goes_to_what_has_grown_old() {
        let both = Wants { fresh: set(0b1001), ..Wants::default() };
        assert_eq!(played(&[both], 2_000).0, [1_800, 0, 0, 200], "to the urgent while nothing is old");
        let old = Wants { old: set(0b1000), ..both };
        assert_eq!(played(&[old], 2_000).0, [1_000, 0, 0, 1_000], "to bulk once it is");
    }

    #[test]
    fn first_and_repeated_attempts_of_a_class_alternate() {
        let mut table = Turns::default();
        let seat = table.sit();
        table.want(seat, Wants { fresh: set(4), again: set(4), ..Wants::default() });
        let mut again = || {
            let turn = table.next(true).unwrap();
            table.gone(turn);
            turn.again
        };
        assert_eq!([again(), again(), again(), again()], [true, false, true, false]);
        assert_eq!(table.next(false).map(|turn| turn.again), Some(false), "without credit first ones only");
    }
}
