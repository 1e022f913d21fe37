//! The only clock: everything else is told the time.

use std::time::Duration;

use futures::future::BoxFuture;
use lineshaft_model::Millis;

/// Time as the engine sees it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time of day.
    fn now(&self) -> Millis;

    /// Microseconds since some fixed point, never going back: for measuring how long things took.
    fn ticks_us(&self) -> u64;

    /// The time of day beside the time of a clock that is never set.
    fn both(&self) -> Now {
        Now { wall: self.now(), steady: Millis(i64::try_from(self.ticks_us() / 1000).unwrap_or(i64::MAX)) }
    }

    /// Resolves after so many milliseconds.
    fn pause(&self, delay_ms: u64) -> BoxFuture<'static, ()>;
}

/// A point in time by both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The time of day, which may be set.
    pub wall: Millis,
    /// Milliseconds since some fixed point, never going back.
    pub steady: Millis,
}

impl Now {
    /// How long it is until a time of day.
    #[must_use]
    pub const fn until(self, wall: Millis) -> i64 {
        wall.since(self.wall)
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
impl SystemClock {
    /// The machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }

    fn wall() -> Millis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Self::wall()
    }

    fn ticks_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn pause(&self, delay_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(delay_ms)))
    }
}
