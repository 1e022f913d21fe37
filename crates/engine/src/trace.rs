//! W3C trace context: one trace for each event, a child for each attempt.
//!
//! <https://www.w3.org/TR/trace-context/>

use lineshaft_model::{DeliveryId, Envelope, Fingerprint};

/// A trace context taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace.
    pub trace: u128,
    /// The span that speaks.
    pub span: u64,
    /// Whether its spans are wanted.
    pub is_sampled: bool,
}

/// Takes a `traceparent` apart.
#[must_use]
pub fn read(traceparent: &str) -> Option<Context> {
    if !is_valid(traceparent) {
        return None;
    }
    let mut parts = traceparent.split('-').skip(1);
    let trace = u128::from_str_radix(parts.next()?, 16).ok()?;
    let span = u64::from_str_radix(parts.next()?, 16).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    Some(Context { trace, span, is_sampled: flags & 1 == 1 })
}

/// The span of an event's receipt and its parent's id, 0 for none. It is found again from the event alone, so that an
/// attempt after a restart belongs to it as one before does.
#[must_use]
pub fn received(envelope: &Envelope) -> Option<(Context, u64)> {
    let given = read(&envelope.traceparent)?;
    let identity = envelope.identity();
    if (given.trace, given.span) == ids(identity) {
        return Some((given, 0));
    }
    let span = Fingerprint::of(&[&envelope.traceparent, &envelope.source, &envelope.id]).short() | 1;
    Some((Context { span, ..given }, given.span))
}

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
    let (trace, span) = ids(identity);
    format!("00-{trace:032x}-{span:016x}-01")
}

/// A span of another's trace that is told from its sisters by a word.
#[must_use]
pub fn derived(of: Context, word: &str) -> Context {
    let text = format!("{:032x}-{:016x}", of.trace, of.span);
    Context { span: Fingerprint::of(&[&text, word]).short() | 1, ..of }
}

const fn ids(identity: Fingerprint) -> (u128, u64) {
    (identity.0 | 1, identity.short() | 1)
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
    fn the_span_of_a_receipt_is_found_again_from_the_event() {
        let mut envelope = Envelope { id: "1".to_owned(), source: "urn:a".to_owned(), ..Envelope::default() };
        assert_eq!(received(&envelope), None);
        envelope.traceparent = begin(envelope.identity());
        let (own, parent) = received(&envelope).unwrap();
        assert_eq!((parent, own.is_sampled), (0, true), "the first of its trace");
        assert!(envelope.traceparent.contains(&format!("{:016x}", own.span)));
        envelope.traceparent = GIVEN.to_owned();
        let (own, parent) = received(&envelope).unwrap();
        assert_eq!(parent, 0xb7ad_6b71_6920_3331);
        assert!(own.span != parent && own.trace == 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        envelope.id = "2".to_owned();
        assert_ne!(received(&envelope).unwrap().0.span, own.span, "two events of one request are two spans");
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
