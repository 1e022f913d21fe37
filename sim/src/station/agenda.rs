//! What a system has promised itself to do later: a supplier's answer, a truck's arrival, the end of an operation.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Debug)]
struct Entry<T> {
    due: Instant,
    sequence: u64,
    todo: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest, because the heap gives the greatest.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.sequence).cmp(&(self.due, self.sequence))
    }
}

#[derive(Debug)]
struct Entries<T> {
    heap: BinaryHeap<Entry<T>>,
    sequence: u64,
    closed: bool,
}

#[derive(Debug)]
pub(crate) struct Agenda<T> {
    entries: Mutex<Entries<T>>,
    earlier: Notify,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            entries: Mutex::new(Entries { heap: BinaryHeap::new(), sequence: 0, closed: false }),
            earlier: Notify::new(),
        }
    }
}

impl<T> Agenda<T> {
    pub(crate) fn put(&self, due: Instant, todo: T) {
        let mut entries = self.entries.lock();
        if entries.closed {
            return;
        }
        entries.sequence += 1;
        let sequence = entries.sequence;
        entries.heap.push(Entry { due, sequence, todo });
        drop(entries);
        self.earlier.notify_one();
    }

    /// Forgets everything and takes nothing more: the factory comes to rest.
    pub(crate) fn close(&self) {
        let mut entries = self.entries.lock();
        entries.closed = true;
        entries.heap.clear();
    }

    /// Waits for the next thing that is due. One caller only.
    pub(crate) async fn next(&self) -> T {
        loop {
            let earliest = {
                let mut entries = self.entries.lock();
                match entries.heap.peek().map(|entry| entry.due) {
                    Some(due) if due <= Instant::now() => {
                        if let Some(entry) = entries.heap.pop() {
                            return entry.todo;
                        }
                        None
                    }
                    due => due,
                }
            };
            match earliest {
                Some(due) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        () = self.earlier.notified() => {}
                    }
                }
                None => self.earlier.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn gives_things_in_the_order_they_are_due() {
        let agenda = Agenda::default();
        let now = Instant::now();
        for (after_s, name) in [(3, "c"), (1, "a"), (2, "b"), (1, "a2")] {
            agenda.put(now + Duration::from_secs(after_s), name);
        }
        let mut given = Vec::new();
        for _ in 0..4 {
            given.push(agenda.next().await);
        }
        assert_eq!(given, ["a", "a2", "b", "c"]);
        agenda.close();
        agenda.put(now, "late");
        assert!(tokio::time::timeout(Duration::from_secs(9), agenda.next()).await.is_err());
    }
}
