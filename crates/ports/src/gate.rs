//! The gate contract: who may hand something in at a source's own address, decided from the raw bytes.

use std::fmt;

use lineshaft_model::{Millis, Reason};

/// Checks that a pushed input comes from who it says, before anything else looks at it.
///
/// - It sees the body exactly as it was received, because signatures are made over bytes.
/// - It compares secrets in constant time and never repeats one, nor the expected signature, in a reason.
/// - It is pure: the time comes in, nothing is remembered. That the same message comes twice is for the hub's duplicate
///   check, which is why a gate returns the sender's identity of the message.
pub trait Gate: Send + Sync + fmt::Debug {
    /// Whether this request may come in. A refusal is answered with 401.
    fn check(&self, headers: &http::HeaderMap, body: &[u8], now: Millis) -> Result<GateResult, Reason>;
}

/// What a gate found out while it checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateResult {
    /// The sender's identity of the message, covered by the signature: the same when it is sent again.
    pub identity: Option<String>,
}
