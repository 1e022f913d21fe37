//! How a supplier behaves: decided from the seed and the order alone, so that it does not depend on when the order came.

use jiff::civil::Date;

use crate::amount::Amount;
use crate::clock::{HOUR_MS, days_after};
use crate::dice::Dice;
use crate::procurement::NetworkLine;

/// A part of a line with its own day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) quantity: Amount,
    pub(super) day: Option<Date>,
    pub(super) status: &'static str,
}

/// What a supplier says of a line. The code is X12's ACK01.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineReply {
    pub(super) code: &'static str,
    pub(super) splits: Vec<Split>,
    pub(super) reason: Option<&'static str>,
}

impl LineReply {
    /// What is on the first truck; `None` when nothing is.
    pub(super) fn shipped(&self) -> Option<Amount> {
        let split = self.splits.first().filter(|split| split.status == "confirmed")?;
        Some(split.quantity).filter(|quantity| *quantity > Amount::ZERO)
    }
}

/// The temper of a supplier towards one order revision.
#[derive(Clone, Debug)]
pub(super) struct Behaviour {
    seed: u64,
    name: String,
    pub(super) confirms_after_ms: u64,
    pub(super) ships_after_ms: u64,
    pub(super) travels_ms: u64,
}

impl Behaviour {
    pub(super) fn of(seed: u64, number: &str, revision: u64) -> Self {
        let name = format!("supplier of {number}@{revision}");
        let mut dice = Dice::for_name(seed, &name);
        Self {
            seed,
            confirms_after_ms: dice.between(HOUR_MS / 2, 4 * HOUR_MS),
            ships_after_ms: dice.between(2 * HOUR_MS, 8 * HOUR_MS),
            travels_ms: dice.between(HOUR_MS, 5 * HOUR_MS),
            name,
        }
    }

    /// 70 % as ordered, 12 % in two parts, 13 % later, 2 % backordered, 3 % refused.
    pub(super) fn reply(&self, line: &NetworkLine) -> LineReply {
        let mut dice = Dice::for_name(self.seed, &format!("{} line {}", self.name, line.line));
        let split =
            |quantity, days, status| Split { quantity, day: Some(days_after(line.due, days)), status };
        match dice.between(0, 99) {
            0..70 => {
                LineReply { code: "IA", splits: vec![split(line.quantity, 0, "confirmed")], reason: None }
            }
            70..82 => {
                let part = Amount::whole(line.quantity.as_thousandths() * 3 / 5000);
                let late = dice.between(3, 14);
                LineReply {
                    code: "BP",
                    splits: vec![
                        split(part, 0, "confirmed"),
                        split(line.quantity - part, late, "backordered"),
                    ],
                    reason: Some("capacity"),
                }
            }
            82..95 => {
                let late = dice.between(1, 12);
                LineReply {
                    code: "DR",
                    splits: vec![split(line.quantity, late, "confirmed")],
                    reason: Some("material late"),
                }
            }
            95..97 => {
                let late = dice.between(10, 30);
                LineReply {
                    code: "IB",
                    splits: vec![split(line.quantity, late, "backordered")],
                    reason: Some("out of stock"),
                }
            }
            _ => LineReply {
                code: "IR",
                splits: vec![Split { quantity: line.quantity, day: None, status: "rejected" }],
                reason: Some("item discontinued"),
            },
        }
    }

    /// A serial shipping container code: 18 digits with the GS1 check digit.
    pub(super) fn sscc(&self, line: u64) -> String {
        let mut dice = Dice::for_name(self.seed, &format!("{} container {line}", self.name));
        let body = format!("34012345{:09}", dice.between(0, 999_999_999));
        let sum: u32 = body
            .bytes()
            .zip([3, 1].into_iter().cycle())
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        format!("{body}{}", (10 - sum % 10) % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn line(quantity: i64) -> NetworkLine {
        NetworkLine {
            line: 10,
            item: "RM-1001".to_owned(),
            quantity: Amount::whole(quantity),
            unit: "EA".to_owned(),
            price: Amount::whole(1),
            due: jiff::civil::date(2026, 1, 12),
        }
    }

    #[test]
    fn splits_add_up_and_every_outcome_comes_up() {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for n in 0..2000 {
            let reply = Behaviour::of(1, &n.to_string(), 1).reply(&line(200));
            assert_eq!(reply.splits.iter().map(|split| split.quantity).sum::<Amount>(), Amount::whole(200));
            *seen.entry(reply.code).or_default() += 1;
        }
        assert!((1300..1500).contains(&seen["IA"]), "{seen:?}");
        assert!(["BP", "DR", "IB", "IR"].iter().all(|code| seen[code] > 10), "{seen:?}");
    }

    #[test]
    fn a_refused_line_is_not_shipped() {
        for n in 0..500 {
            let reply = Behaviour::of(1, &n.to_string(), 1).reply(&line(200));
            assert_eq!(reply.shipped().is_none(), matches!(reply.code, "IB" | "IR"), "{reply:?}");
        }
    }

    #[test]
    fn container_codes_have_their_check_digit() {
        let code = Behaviour::of(1, "4500000001", 1).sscc(10);
        let sum: u32 = code
            .bytes()
            .zip([3, 1].into_iter().cycle())
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        assert_eq!((code.len(), sum % 10), (18, 0));
    }
}
