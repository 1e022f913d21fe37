//! Slows down failed logins.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many logins are looked at at once.
const AT_ONCE: usize = 8;

/// How long a failed login keeps its place, in milliseconds.
pub(super) const FAILED_MS: u64 = 1_000;

/// Places for logins: a failed one keeps its place for a second, so that no more than eight can be tried in one. A token has
/// 256 bits, so this is not what keeps it from being guessed; it keeps guessing from being work for the hub.
#[derive(Debug)]
pub(super) struct Throttle {
    places: Arc<Semaphore>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Throttle {
    /// A place, unless all are taken.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ninth_login_has_no_place_until_one_is_free() {
        let throttle = Throttle::default();
        let mut held: Vec<_> = (0..AT_ONCE).map(|_| throttle.place()).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(throttle.place().is_none());
        held.pop();
        assert!(throttle.place().is_some());
    }
}
