//! Which files have stopped changing, and which of them is next. Pure: it is told what was seen and how much time went by.

use std::collections::HashMap;
use std::time::SystemTime;

use super::config::Order;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    pub(super) inode: u64,
}

/// A file as a look into the folder found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) stamp: Stamp,
}

/// What is known of the folder's files.
#[derive(Debug)]
pub(super) struct Watch {
    order: Order,
    settle_ms: u64,
    seen: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// When this stamp was first seen, and when the file was.
    since_ms: u64,
    first_ms: u64,
    /// It could not be taken: until then others go before it.
    aside_until_ms: u64,
    /// Whether that has been said.
    reported: bool,
}

/// A file that never stops changing holds the later ones back for this many times `settle`.
const PATIENCE: u64 = 10;
/// A file that could not be taken is tried again after this, for instance when somebody has mended its permissions.
const ASIDE_MS: u64 = 60_000;

impl Watch {
    pub(super) fn new(order: Order, settle_ms: u64) -> Self {
        Self { order, settle_ms, seen: HashMap::new() }
    }

    /// Takes in a look at the folder at `now_ms` and gives the files to take now, in order. A file that is still changing
    /// holds back those after it, so that a large one is not overtaken while it is written.
    pub(super) fn look(&mut self, mut found: Vec<Found>, now_ms: u64) -> Vec<Found> {
        match self.order {
            Order::Name => found.sort_by(|a, b| a.name.cmp(&b.name)),
            Order::Modified => {
                found.sort_by(|a, b| (a.stamp.modified, &a.name).cmp(&(b.stamp.modified, &b.name)));
            }
        }
        let mut before = std::mem::take(&mut self.seen);
        for one in &found {
            let fresh = Seen {
                stamp: one.stamp,
                since_ms: now_ms,
                first_ms: now_ms,
                aside_until_ms: 0,
                reported: false,
            };
            let seen = match before.remove(&one.name) {
                Some(seen) if seen.stamp == one.stamp => seen,
                Some(seen) => Seen { first_ms: seen.first_ms, ..fresh },
                None => fresh,
            };
            self.seen.insert(one.name.clone(), seen);
        }
        let mut ready = Vec::new();
        for one in found {
            let Some(seen) = self.seen.get(&one.name) else { continue };
            if now_ms < seen.aside_until_ms {
                continue;
            }
            if now_ms.saturating_sub(seen.since_ms) >= self.settle_ms {
                ready.push(one);
            } else if now_ms.saturating_sub(seen.first_ms) <= self.settle_ms.saturating_mul(PATIENCE) {
                break;
            }
        }
        ready
    }

    /// The file cannot be taken at `now_ms`: it is left alone for a while, or until it changes. Says whether that is news.
    pub(super) fn set_aside(&mut self, name: &str, now_ms: u64) -> bool {
        let Some(seen) = self.seen.get_mut(name) else { return true };
        seen.aside_until_ms = now_ms.saturating_add(ASIDE_MS);
        !std::mem::replace(&mut seen.reported, true)
    }

    /// The file changed while it was read: it has to settle again.
    pub(super) fn forget(&mut self, name: &str) {
        self.seen.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn file(name: &str, size: u64, modified_s: u64) -> Found {
        let stamp = Stamp { size, modified: UNIX_EPOCH + Duration::from_secs(modified_s), inode: 1 };
        Found { name: name.to_owned(), stamp }
    }

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn a_file_is_taken_once_it_has_not_changed_for_long_enough() {
        let mut watch = Watch::new(Order::Name, 2_000);
        assert!(watch.look(vec![file("a", 1, 1)], 0).is_empty());
        assert!(watch.look(vec![file("a", 2, 1)], 1_500).is_empty(), "it grew");
        assert!(watch.look(vec![file("a", 2, 2)], 3_000).is_empty(), "it was touched");
        assert!(watch.look(vec![file("a", 2, 2)], 4_999).is_empty());
        assert_eq!(names(&watch.look(vec![file("a", 2, 2)], 5_000)), ["a"]);
    }

    #[test]
    fn files_come_in_order_and_wait_for_one_that_is_being_written() {
        let both = |size| vec![file("b", 1, 1), file("a", size, 2)];
        let mut watch = Watch::new(Order::Name, 1_000);
        watch.look(both(1), 0);
        assert!(watch.look(both(2), 1_000).is_empty(), "b waits for a");
        assert_eq!(names(&watch.look(both(2), 2_000)), ["a", "b"]);
        let mut watch = Watch::new(Order::Modified, 0);
        assert_eq!(names(&watch.look(both(1), 0)), ["b", "a"]);
    }

    #[test]
    fn a_file_that_never_settles_is_overtaken_at_last() {
        let mut watch = Watch::new(Order::Name, 1_000);
        for tick in 0..=10 {
            assert!(watch.look(vec![file("a", tick, 1), file("b", 1, 1)], tick * 1_000).is_empty(), "{tick}");
        }
        assert_eq!(names(&watch.look(vec![file("a", 11, 1), file("b", 1, 1)], 11_000)), ["b"]);
    }

    #[test]
    fn a_file_that_cannot_be_taken_stops_nobody_and_is_tried_again_when_it_changes() {
        let mut watch = Watch::new(Order::Name, 0);
        watch.look(vec![file("a", 1, 1), file("b", 1, 1)], 0);
        assert!(watch.set_aside("a", 0));
        assert!(!watch.set_aside("a", 1), "reported once");
        assert_eq!(names(&watch.look(vec![file("a", 1, 1), file("b", 1, 1)], 2)), ["b"]);
        assert_eq!(names(&watch.look(vec![file("a", 1, 1)], ASIDE_MS + 1)), ["a"], "tried again later");
        assert!(!watch.set_aside("a", ASIDE_MS + 1));
        assert_eq!(names(&watch.look(vec![file("a", 1, 2)], ASIDE_MS + 2)), ["a"], "or when it changes");
    }
}
