//! Slows down whoever guesses passwords: each name, and each address, waits longer after each failure.

use std::collections::HashMap;
use std::net::IpAddr;

use lineshaft_model::Millis;
use parking_lot::Mutex;

/// Failures that cost nothing: people mistype.
const FREE: u32 = 4;
/// The longest wait.
const LONGEST_MS: i64 = 5 * 60_000;
/// After so long without a failure all is forgotten.
const FORGOTTEN_MS: i64 = 15 * 60_000;
/// Names and addresses remembered at most.
const MOST: usize = 20_000;

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last: Millis,
}

impl Failures {
    /// 1, 2, 4, ... seconds after the free ones.
    fn waits_until(self) -> Millis {
        let over = self.count.saturating_sub(FREE);
        if over == 0 {
            return Millis(0);
        }
        let wait = 1_000_i64.checked_shl(over.min(20) - 1).unwrap_or(LONGEST_MS).min(LONGEST_MS);
        self.last.plus(wait)
    }
}

/// Who is guessing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Name(String),
    Address(IpAddr),
}

/// Failed logins of late.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: Mutex<HashMap<Who, Failures>>,
}

fn both(name: &str, address: Option<IpAddr>) -> impl Iterator<Item = Who> {
    let name: String = name.chars().take(128).collect();
    std::iter::once(Who::Name(name)).chain(address.map(Who::Address))
}

impl Attempts {
    /// How many seconds must pass before this name, or this address, may try again; `None` when it may now.
    pub(crate) fn wait_s(&self, name: &str, address: Option<IpAddr>, now: Millis) -> Option<u64> {
        let failed = self.failed.lock();
        let until =
            both(name, address).filter_map(|who| failed.get(&who)).map(|failures| failures.waits_until());
        let until = until.max()?;
        let wait = until.0 - now.0;
        (wait > 0).then(|| wait.unsigned_abs().div_ceil(1_000))
    }

    /// Remembers a failure.
    pub(crate) fn fail(&self, name: &str, address: Option<IpAddr>, now: Millis) {
        let mut failed = self.failed.lock();
        if failed.len() >= MOST {
            failed.retain(|_, failures| now.0 - failures.last.0 < FORGOTTEN_MS);
        }
        if failed.len() >= MOST {
            failed.clear();
        }
        for who in both(name, address) {
            let failures = failed.entry(who).or_default();
            if now.0 - failures.last.0 >= FORGOTTEN_MS {
                failures.count = 0;
            }
            *failures = Failures { count: failures.count.saturating_add(1), last: now };
        }
    }

    /// Forgets the failures of a name that got in. Those of the address stay: it may have other names to guess.
    pub(crate) fn succeed(&self, name: &str) {
        self.failed.lock().remove(&Who::Name(name.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_forgotten() {
        let attempts = Attempts::default();
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let mut now = Millis(1_000_000);
        let mut waits = Vec::new();
        for _ in 0..16 {
            attempts.fail("anna", address, now);
            waits.push(attempts.wait_s("anna", None, now).unwrap_or(0));
            now = now.plus(1_000);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        // Another name from there waits, the name from elsewhere too; others do not.
        assert!(attempts.wait_s("bert", address, now).is_some());
        assert!(attempts.wait_s("anna", Some(IpAddr::from([192, 0, 2, 2])), now).is_some());
        assert_eq!(attempts.wait_s("bert", None, now), None);
        attempts.succeed("anna");
        assert_eq!(attempts.wait_s("anna", None, now), None);
        assert!(attempts.wait_s("anna", address, now).is_some());
        let later = now.plus(FORGOTTEN_MS);
        attempts.fail("bert", address, later);
        assert_eq!(attempts.wait_s("bert", address, later), None);
    }
}
