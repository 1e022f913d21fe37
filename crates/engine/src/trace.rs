//! W3C trace context: one trace for each event, a child for each attempt.
//!
//! <https://www.w3.org/TR/trace-context/>

use lineshaft_model::{DeliveryId, Fingerprint};

/// Whether a `traceparent` is one: version, trace id, parent id and flags, ids not all zero.
#[must_use]
pub fn is_valid(traceparent: &str) -> bool {
    let mut parts = traceparent.split('-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let rest_fits = version != "00" || parts.next().is_none();
    hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && hex(parent, 16)
        && hex(flags, 2)
        && rest_fits
        && trace.bytes().any(|b| b != b'0')
        && parent.bytes().any(|b| b != b'0')
}

/// A trace of its own for an event that came without one. The same event gives the same trace.
#[must_use]
pub fn begin(identity: Fingerprint) -> String {
    format!("00-{:032x}-{:016x}-01", identity.0 | 1, identity.short() | 1)
}

/// The context sent with an attempt: the event's trace, and a span of this attempt's own. Empty when the event has none.
#[must_use]
pub fn child(traceparent: &str, delivery: DeliveryId, attempts: u16) -> String {
    let Some((head, flags)) = traceparent.rsplit_once('-') else { return String::new() };
    let Some((head, _parent)) = head.rsplit_once('-') else { return String::new() };
    let text = format!("{delivery}/{attempts}");
    format!("{head}-{:016x}-{flags}", Fingerprint::of(&[head, &text]).short() | 1)
}

#[cfg(test)]
mod tests {
    use lineshaft_model::Position;

    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_child_keeps_the_trace_and_has_a_span_of_its_own() {
        let id = DeliveryId { event: Position(5), n: 1 };
        let first = child(GIVEN, id, 0);
        assert!(is_valid(&first) && first.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{first}");
        assert_ne!(first, GIVEN);
        assert_ne!(first, child(GIVEN, id, 1));
        assert_eq!(child("", id, 0), "");
    }

    #[test]
    fn what_is_no_trace_context_is_seen() {
        assert!(is_valid(GIVEN) && is_valid(&begin(Fingerprint::of(&["a"]))));
        for bad in [
            "",
            "00",
            "00-0-0-0",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
