//! The map of the hub: a shaft in the middle, a box for each system, and the belts between them.
//!
//! Laid out twice, for wide and for narrow screens; the style sheet shows the one that fits. All lengths are whole units of
//! the drawing.

use lineshaft_model::shown::SystemRow;

use super::words::{self, Badge};

const BOX_HEIGHT: usize = 92;
const GAP: usize = 18;

/// A drawing.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) shaft: Shaft,
    pub(super) nodes: Vec<Node>,
}

/// The hub itself.
#[derive(Debug)]
pub(super) struct Shaft {
    pub(super) x: usize,
    pub(super) width: usize,
    /// Whether there is room for words on it.
    pub(super) wordy: bool,
}

/// A system.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) badge: Badge,
    /// Why it is as it is: the reason of a pause, or the latest failure.
    pub(super) because: String,
    /// What waits in its lanes.
    pub(super) lanes: String,
    /// All of it in words, for those who hear the page.
    pub(super) label: String,
    pub(super) belts: Vec<Belt>,
}

/// A flow between a system and the hub.
#[derive(Debug)]
pub(super) struct Belt {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) y: usize,
    pub(super) middle: usize,
    pub(super) label: String,
    /// `moving`, `still` or `held`.
    pub(super) pace: &'static str,
}

impl Belt {
    /// The arrow at its end.
    pub(super) fn tip(&self) -> String {
        let back = if self.to > self.from { self.to - 8 } else { self.to + 8 };
        format!("M{back} {}L{} {}L{back} {}z", self.y - 5, self.to, self.y, self.y + 5)
    }
}

/// Where boxes and belts go.
#[derive(Clone, Copy)]
struct Plan {
    width: usize,
    shaft: (usize, usize),
    columns: usize,
    box_width: usize,
    letters: usize,
}

const WIDE: Plan = Plan { width: 1160, shaft: (520, 120), columns: 2, box_width: 330, letters: 44 };
const NARROW: Plan = Plan { width: 358, shaft: (0, 10), columns: 1, box_width: 274, letters: 36 };

impl Map {
    /// For screens with room.
    pub(super) fn wide(systems: &[SystemRow]) -> Self {
        Self::lay_out(WIDE, systems)
    }

    /// For a telephone.
    pub(super) fn narrow(systems: &[SystemRow]) -> Self {
        Self::lay_out(NARROW, systems)
    }

    fn lay_out(plan: Plan, systems: &[SystemRow]) -> Self {
        let rows = systems.len().div_ceil(plan.columns).max(1);
        let nodes = systems.iter().enumerate().map(|(at, system)| {
            let left = plan.columns == 2 && at % 2 == 0;
            let x = if left { 0 } else { plan.width - plan.box_width };
            let y = 2 + at / plan.columns * (BOX_HEIGHT + GAP);
            let ends = if left {
                (plan.box_width, plan.shaft.0)
            } else {
                (plan.width - plan.box_width, plan.shaft.0 + plan.shaft.1)
            };
            node(plan, system, (x, y), ends)
        });
        Self {
            width: plan.width,
            height: rows * (BOX_HEIGHT + GAP) - GAP + 4,
            shaft: Shaft { x: plan.shaft.0, width: plan.shaft.1, wordy: plan.columns == 2 },
            nodes: nodes.collect(),
        }
    }
}

fn node(plan: Plan, system: &SystemRow, at: (usize, usize), ends: (usize, usize)) -> Node {
    let badge = Badge::of_health(&system.health);
    let (x, y) = at;
    let title = if system.title.is_empty() { &system.name } else { &system.title };
    let failure = system.lanes.iter().find_map(|lane| lane.last_failure.as_deref());
    let troubled = !matches!(system.health.as_str(), "healthy" | "idle");
    let because = system.paused.as_deref().or(failure.filter(|_| troubled)).unwrap_or_default();
    let lanes = lanes(system);
    let mut label = format!("{title}: {}", badge.word);
    if !because.is_empty() {
        label.push_str(&format!(", {because}"));
    }
    label.push_str(&format!("; {lanes}"));
    Node {
        name: system.name.clone(),
        title: clipped(title, plan.letters - 14),
        x,
        y,
        width: plan.box_width,
        badge,
        because: clipped(because, plan.letters),
        lanes: clipped(&lanes, plan.letters),
        label,
        belts: belts(system, y, ends),
    }
}

/// What waits, in words; only what there is.
fn lanes(system: &SystemRow) -> String {
    let sum = |of: fn(&lineshaft_model::shown::LaneRow) -> u64| system.lanes.iter().map(of).sum::<u64>();
    let counts = [
        (sum(|lane| lane.dead), "dead"),
        (sum(|lane| lane.parked), "parked"),
        (sum(|lane| lane.pending), "pending"),
        (sum(|lane| lane.in_flight), "in flight"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", words::count(*count)))
        .collect();
    match (told.is_empty(), system.lanes.is_empty()) {
        (false, _) => told.join(" · "),
        (true, false) => String::from("nothing waits"),
        (true, true) => String::from("sends only"),
    }
}

/// A belt into the hub for what it sends and one out of it for what it is sent.
fn belts(system: &SystemRow, y: usize, ends: (usize, usize)) -> Vec<Belt> {
    let (edge, shaft) = ends;
    let held = matches!(system.health.as_str(), "paused" | "open");
    let belt = |from, to, y, rate_x100: u64, held| {
        let pace = match rate_x100 {
            _ if held => "held",
            0 => "still",
            _ => "moving",
        };
        let label = format!("{}/s", words::rate(rate_x100));
        Belt { from, to, y, middle: usize::midpoint(edge, shaft), label, pace }
    };
    let mut belts = Vec::new();
    if !system.sources.is_empty() || system.received > 0 {
        belts.push(belt(edge, shaft, y + 34, system.received_per_second_x100, false));
    }
    if !system.lanes.is_empty() {
        belts.push(belt(shaft, edge, y + 72, system.delivered_per_second_x100, held));
    }
    belts
}

/// At most so many letters, with an ellipsis when there were more: a drawing cannot wrap its text.
fn clipped(text: &str, letters: usize) -> String {
    let mut clipped: String = text.chars().take(letters).collect();
    if text.chars().nth(letters).is_some() {
        clipped.pop();
        clipped.push('…');
    }
    clipped
}

/// The last minute as a line: points in a box of `width` by `height`, oldest first.
pub(super) fn sparkline(values: &[u64], width: usize, height: usize) -> String {
    let most = values.iter().copied().max().unwrap_or_default().max(1);
    let steps = values.len().saturating_sub(1).max(1);
    let point = |(at, value): (usize, &u64)| {
        let up = usize::try_from(u128::from(*value) * height as u128 / u128::from(most)).unwrap_or_default();
        format!("{},{}", at * width / steps, height - up.min(height))
    };
    values.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use lineshaft_model::shown::LaneRow;

    use super::*;

    fn system(name: &str) -> SystemRow {
        SystemRow {
            name: name.to_owned(),
            health: String::from("healthy"),
            sources: vec![String::from("orders")],
            lanes: vec![LaneRow::default()],
            ..SystemRow::default()
        }
    }

    #[test]
    fn nothing_is_drawn_outside_or_over_another() {
        for many in 0..9 {
            let systems: Vec<_> = (0..many).map(|n| system(&format!("s{n}"))).collect();
            for map in [Map::wide(&systems), Map::narrow(&systems)] {
                let mut places = std::collections::BTreeSet::new();
                for node in &map.nodes {
                    assert!(
                        node.x + node.width <= map.width && node.y + BOX_HEIGHT <= map.height,
                        "{node:?}"
                    );
                    assert!(places.insert((node.x, node.y)), "{node:?} lies over another");
                    assert!(node.belts.iter().all(|belt| belt.from.max(belt.to) <= map.width), "{node:?}");
                }
            }
        }
    }

    #[test]
    fn a_paused_system_says_why_and_its_belt_is_held() {
        let mut paused = system("wms");
        paused.health = String::from("paused");
        paused.paused = Some(String::from("stocktaking"));
        paused.lanes[0].pending = 1_200;
        let map = Map::wide(&[paused]);
        let node = &map.nodes[0];
        assert_eq!(node.label, "wms: paused, stocktaking; 1\u{202f}200 pending");
        assert_eq!(node.belts[1].pace, "held");
    }

    #[test]
    fn a_line_stays_in_its_box() {
        assert_eq!(sparkline(&[0, 5, 10], 100, 20), "0,20 50,10 100,0");
        assert_eq!(sparkline(&[0, 0], 100, 20), "0,20 100,20");
        assert_eq!(sparkline(&[], 100, 20), "");
        assert_eq!(sparkline(&[u64::MAX], 100, 20), "0,0");
    }

    #[test]
    fn long_names_are_clipped_at_letters() {
        assert_eq!(clipped("Ærøskøbing", 5), "Ærøs…");
        assert_eq!(clipped("short", 5), "short");
    }
}
