//! The keys of a provider: fetched when one is missing or they are old, by one caller for all, and not again at once.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use lineshaft_model::{Millis, Reason};
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::Value;

use super::{Algorithm, Provider, refused, unusable};

/// Keys are asked for again after so long: one that was withdrawn ends.
const FRESH_MS: i64 = 3_600_000;
/// While the provider does not answer they are good for so long.
const STALE_MS: i64 = 24 * 3_600_000;
/// A key that is not known is not asked for more often.
const BETWEEN_MS: i64 = 10_000;
/// Keys of one provider that are kept.
const MOST: usize = 64;

#[derive(Debug, Default)]
struct Kept {
    keys: Vec<Jwk>,
    fetched: Option<Millis>,
    asked: Option<Millis>,
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    kept: RwLock<Kept>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    fn find(&self, kid: Option<&str>) -> Option<Jwk> {
        let kept = self.kept.read();
        match kid {
            Some(kid) => kept.keys.iter().find(|key| key.common.key_id.as_deref() == Some(kid)).cloned(),
            // Without a name it can only be the one there is.
            None => match &kept.keys[..] {
                [only] => Some(only.clone()),
                _ => None,
            },
        }
    }

    fn age(&self, now: Millis) -> i64 {
        self.kept.read().fetched.map_or(i64::MAX, |fetched| now.0.saturating_sub(fetched.0))
    }
}

impl Provider {
    /// The key of this name, for this algorithm.
    pub(super) async fn key(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Millis,
    ) -> Result<DecodingKey, Reason> {
        let mut found = self.keys.find(kid);
        if found.is_none() || self.keys.age(now) >= FRESH_MS {
            match self.refresh(kid, now).await {
                Ok(()) => found = self.keys.find(kid),
                // What was good an hour ago is good while nobody can be asked.
                Err(reason) if found.is_none() || self.keys.age(now) >= STALE_MS => return Err(reason),
                Err(reason) => {
                    tracing::warn!(code = reason.code, "keys could not be fetched: {}", reason.message);
                }
            }
        }
        let key = found.ok_or_else(|| refused("it is signed with a key that the provider does not have"))?;
        let for_signing = key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let named = key.common.key_algorithm.map(|named| named.to_string());
        if !for_signing || named.is_some_and(|named| named != format!("{algorithm:?}")) {
            return Err(refused("its key is for something else"));
        }
        DecodingKey::from_jwk(&key).map_err(|error| refused(&format!("its key cannot be used: {error}")))
    }

    async fn refresh(&self, kid: Option<&str>, now: Millis) -> Result<(), Reason> {
        let _asking = self.keys.asking.lock().await;
        // Somebody else may have asked while this one waited.
        if self.keys.age(now) < FRESH_MS && self.keys.find(kid).is_some() {
            return Ok(());
        }
        let asked = self.keys.kept.read().asked;
        if asked.is_some_and(|asked| now.0.saturating_sub(asked.0) < BETWEEN_MS) {
            return Ok(());
        }
        self.keys.kept.write().asked = Some(now);
        let address = self.keys_at(now).await?;
        let body = self.fetch.get(&address).await?;
        let set: Set = serde_json::from_slice(&body)
            .map_err(|error| unusable(&address, &format!("has no keys: {error}")))?;
        // A key of a kind that is not known must not hide the others.
        let keys =
            set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).take(MOST).collect();
        *self.keys.kept.write() = Kept { keys, fetched: Some(now), asked: Some(now) };
        Ok(())
    }
}
