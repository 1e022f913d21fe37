//! Sessions of people who logged in with a name or through an identity provider. Kept in memory: they end with the process.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lineshaft_access::Principal;
use lineshaft_model::Millis;
use parking_lot::Mutex;
use rand::RngCore;
use sha2::{Digest, Sha256};

use super::Scope;

/// What the cookie of a session starts with.
pub(super) const PREFIX: &str = "lss_";

/// A session ends so long after its login, whatever is done in it.
pub(super) const LONGEST_MS: i64 = 12 * 3_600_000;
/// And so long after it was last used.
const IDLE_MS: i64 = 2 * 3_600_000;

/// Sessions at once at most; the one that was used longest ago ends for the next.
const MOST: usize = 10_000;

/// Whose session it is.
#[derive(Clone, Debug)]
pub(super) enum Holder {
    /// A person of the file, looked up at each request; with the time their password was set when they logged in.
    User { name: String, changed: Millis },
    /// Somebody whom an identity provider knows.
    Foreign { principal: Principal, scopes: Vec<Scope> },
}

#[derive(Debug)]
struct Session {
    holder: Holder,
    begun: Millis,
    used: Millis,
}

/// The sessions, by the hash of what their cookie holds.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<[u8; 32], Session>>,
}

impl Sessions {
    /// Begins a session; gives what its cookie holds.
    pub(super) fn begin(&self, holder: Holder, now: Millis) -> String {
        let id = format!("{PREFIX}{}", secret());
        let mut open = self.open.lock();
        if open.len() >= MOST {
            open.retain(|_, session| !session.is_over(now));
        }
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key)
        {
            open.remove(&oldest);
        }
        open.insert(hash(&id), Session { holder, begun: now, used: now });
        id
    }

    /// Whose session this is, while it lasts.
    pub(super) fn find(&self, id: &str, now: Millis) -> Option<Holder> {
        if id.len() > 128 {
            return None;
        }
        let mut open = self.open.lock();
        let key = hash(id);
        let session = open.get_mut(&key)?;
        if session.is_over(now) {
            open.remove(&key);
            return None;
        }
        session.used = session.used.max(now);
        Some(session.holder.clone())
    }

    /// Ends a session.
    pub(super) fn end(&self, id: &str) {
        self.open.lock().remove(&hash(id));
    }
}

impl Session {
    const fn is_over(&self, now: Millis) -> bool {
        now.0 - self.begun.0 >= LONGEST_MS || now.0 - self.used.0 >= IDLE_MS
    }
}

/// 256 bits that nobody can guess.
pub(super) fn secret() -> String {
    let mut secret = [0u8; 32];
    rand::rng().fill_bytes(&mut secret);
    URL_SAFE_NO_PAD.encode(secret)
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Holder {
        Holder::User { name: "anna".to_owned(), changed: Millis(0) }
    }

    #[test]
    fn a_session_ends_when_it_is_idle_old_or_logged_out() {
        let sessions = Sessions::default();
        let id = sessions.begin(anna(), Millis(0));
        assert!(sessions.find(&id, Millis(IDLE_MS - 1)).is_some());
        assert!(sessions.find("lss_other", Millis(1)).is_none());
        let mut now = IDLE_MS - 1;
        while now + IDLE_MS - 1 < LONGEST_MS {
            now += IDLE_MS - 1;
            assert!(sessions.find(&id, Millis(now)).is_some(), "{now}");
        }
        assert!(sessions.find(&id, Millis(LONGEST_MS)).is_none(), "however busy it was");
        let id = sessions.begin(anna(), Millis(0));
        assert!(sessions.find(&id, Millis(IDLE_MS)).is_none());
        let id = sessions.begin(anna(), Millis(0));
        sessions.end(&id);
        assert!(sessions.find(&id, Millis(1)).is_none());
    }

    #[test]
    fn there_is_a_bound_and_the_one_least_used_goes() {
        let sessions = Sessions::default();
        let ids: Vec<String> = (0..=MOST as i64).map(|n| sessions.begin(anna(), Millis(n))).collect();
        let last = Millis(MOST as i64 + 1);
        assert!(sessions.find(&ids[0], last).is_none());
        assert!(sessions.find(&ids[1], last).is_some() && sessions.find(&ids[MOST], last).is_some());
    }
}
