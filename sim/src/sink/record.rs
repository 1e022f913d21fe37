//! What the sink reads from a request, and what it remembers of it.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::to_bytes;
use axum::extract::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sink::{Book, SinkConfig};

/// Largest body the sink reads.
const BODY_BYTES: usize = 16 << 20;

/// One effect on a business key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Counts every effect of the sink from 1.
    pub sequence: u64,
    pub operation: String,
    /// The event's id.
    pub id: String,
    /// 0 when the body had none.
    pub revision: u64,
}

/// A request as far as the sink cares.
#[derive(Debug)]
pub(super) struct Asked {
    operation: String,
    idempotency_key: Option<String>,
    fingerprint: u64,
    business_key: String,
    id: String,
    revision: u64,
}

impl Asked {
    pub(super) async fn read(request: Request, config: &SinkConfig) -> Result<Self, String> {
        let path = request.uri().path().to_owned();
        let mut segments = path.trim_matches('/').split('/');
        let operation = segments.next().unwrap_or_default().to_owned();
        let last_segment = segments.next_back().unwrap_or_default().to_owned();
        let header = request.headers().get("idempotency-key").and_then(|value| value.to_str().ok());
        let idempotency_key = header.map(|text| text.trim_matches('"').to_owned());
        let bytes = to_bytes(request.into_body(), BODY_BYTES).await.map_err(|error| error.to_string())?;
        let body: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let text = |pointer: &str| match body.pointer(pointer) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let id = text(&config.id_pointer).ok_or_else(|| format!("the body has no {}", config.id_pointer))?;
        let revision = text(&config.revision_pointer).and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut hasher = DefaultHasher::new();
        (&path, &bytes[..]).hash(&mut hasher);
        Ok(Self {
            operation,
            idempotency_key,
            fingerprint: hasher.finish(),
            business_key: text(&config.key_pointer).unwrap_or(last_segment),
            id,
            revision,
        })
    }
}

impl Book {
    /// `Some` when the request has an effect, `None` when its key was answered before.
    pub(super) fn admit(&mut self, asked: &Asked) -> Result<Option<Arrival>, String> {
        self.totals.requests += 1;
        match &asked.idempotency_key {
            None => self.totals.without_key += 1,
            Some(key) => match self.keys.get(key) {
                Some(fingerprint) if *fingerprint == asked.fingerprint => {
                    self.totals.replays += 1;
                    return Ok(None);
                }
                Some(_) => {
                    self.totals.key_conflicts += 1;
                    return Err(format!("the key {key} was used for another request"));
                }
                None => {
                    self.keys.insert(key.clone(), asked.fingerprint);
                }
            },
        }
        self.totals.effects += 1;
        self.sequence += 1;
        let count = self.effects.entry((asked.operation.clone(), asked.id.clone())).or_default();
        *count += 1;
        if *count > 1 {
            self.totals.doubles += 1;
        }
        if asked.revision > 0 {
            let latest =
                self.latest.entry((asked.operation.clone(), asked.business_key.clone())).or_default();
            if asked.revision < *latest {
                self.totals.out_of_order += 1;
            }
            *latest = asked.revision.max(*latest);
        }
        let arrival = Arrival {
            sequence: self.sequence,
            operation: asked.operation.clone(),
            id: asked.id.clone(),
            revision: asked.revision,
        };
        self.arrivals.entry(asked.business_key.clone()).or_default().push(arrival.clone());
        Ok(Some(arrival))
    }
}

/// The line of the external ledger: one JSON object.
pub(super) fn line(asked: &Asked, arrival: &Arrival) -> String {
    let mut line = json!({
        "sequence": arrival.sequence,
        "operation": arrival.operation,
        "idempotency_key": asked.idempotency_key,
        "key": asked.business_key,
        "id": arrival.id,
        "revision": arrival.revision,
    })
    .to_string();
    line.push('\n');
    line
}
