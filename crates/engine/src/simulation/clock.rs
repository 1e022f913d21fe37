//! A clock that stands still until it is moved.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use lineshaft_model::Millis;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::clock::Clock;

/// When the simulated day begins: 2026-11-23T00:00:00Z.
const DAWN: i64 = 1_795_392_000_000;

#[derive(Debug, Default)]
struct Pauses {
    now_ms: i64,
    next: u64,
    /// How far the time of day has been set ahead of the steady one.
    set_ms: i64,
    waiting: BTreeMap<(i64, u64), oneshot::Sender<()>>,
}

/// The simulated clock.
#[derive(Debug, Default)]
pub(crate) struct SimClock(Mutex<Pauses>);

impl SimClock {
    /// Moves on by so many milliseconds, waking whoever waited for that.
    pub(crate) fn advance(&self, by_ms: i64) {
        let due = {
            let mut pauses = self.0.lock();
            pauses.now_ms += by_ms;
            let from = pauses.now_ms + 1;
            let later = pauses.waiting.split_off(&(from, 0));
            std::mem::replace(&mut pauses.waiting, later)
        };
        for (_, wake) in due {
            // Whoever waited may have been dropped.
            let _gone = wake.send(());
        }
    }
}

impl SimClock {
    /// Sets the time of day, as somebody with the rights for it may.
    pub(crate) fn set_by(&self, by_ms: i64) {
        self.0.lock().set_ms += by_ms;
    }
}

impl Clock for SimClock {
    fn now(&self) -> Millis {
        let pauses = self.0.lock();
        Millis(DAWN + pauses.now_ms + pauses.set_ms)
    }

    fn ticks_us(&self) -> u64 {
        u64::try_from(self.0.lock().now_ms).unwrap_or(0) * 1000
    }

    fn pause(&self, delay_ms: u64) -> BoxFuture<'static, ()> {
        let (wake, woken) = oneshot::channel();
        let mut pauses = self.0.lock();
        let until = pauses.now_ms + i64::try_from(delay_ms).unwrap_or(i64::MAX / 2);
        let n = pauses.next;
        pauses.next += 1;
        pauses.waiting.insert((until, n), wake);
        Box::pin(async move {
            if woken.await.is_err() {
                // The clock is gone: the world has ended.
                futures::future::pending::<()>().await;
            }
        })
    }
}
