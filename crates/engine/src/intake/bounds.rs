//! What one input may come to. All of it is one batch of the journal, so more than a batch holds must not get that far.

use bytes::Bytes;
use lineshaft_logic::prepare::{self, Around, Prepared};
use lineshaft_model::record::Quarantine;
use lineshaft_model::{Event, Raw, Reason};
use lineshaft_ports::Refusal;

/// The records of one input, in bytes: a group commit that has begun has room for as much.
const MOST_BYTES: usize = 128 << 20;

/// One record of it, in bytes, well below what the journal allows.
const LONGEST_BYTES: usize = 56 << 20;

/// An input as it came, in bytes: it must fit into a quarantine record.
const MOST_INPUT_BYTES: usize = 48 << 20;

/// What an event takes beside its texts, and each delivery it owes, generously.
const AROUND_BYTES: usize = 256;
const OWED_BYTES: usize = 256;

/// Refuses what could not even be kept in quarantine.
pub(super) const fn check(bytes: usize) -> Result<(), Refusal> {
    if bytes > MOST_INPUT_BYTES {
        return Err(Refusal::TooLarge { bytes, most: MOST_INPUT_BYTES });
    }
    Ok(())
}

/// What was prepared of an input; when that is more than can be written at once, the whole input as refused, with its bytes.
pub(crate) fn keep(around: &Around<'_>, prepared: Vec<Prepared>, raw: &Bytes, origin: &str) -> Vec<Prepared> {
    let Some(bytes) = excess(&prepared) else { return prepared };
    let message = format!("the records of this input would take more than {} MiB", bytes >> 20);
    let reason = Reason::new("input-too-large", message).hint(
        "send less at once, or have the mapping make less of it: the records of one input take 128 MiB at most, each of them 56",
    );
    vec![prepare::broken(around, raw.clone(), origin.to_owned(), vec![reason])]
}

/// The bound that what was prepared goes beyond, if there is one.
fn excess(prepared: &[Prepared]) -> Option<usize> {
    let mut total = 0;
    let mut before: Option<&Bytes> = None;
    for item in prepared {
        let bytes = match item {
            Prepared::Event { event, owes } => {
                let orders = owes.iter().filter_map(|owes| owes.order_key.as_ref()).map(String::len);
                let owed = owes.len() * OWED_BYTES + orders.sum::<usize>();
                event_bytes(event, &mut before) + owed
            }
            Prepared::Quarantine(quarantine) => quarantine_bytes(quarantine),
        };
        total += bytes;
        if bytes > LONGEST_BYTES {
            return Some(LONGEST_BYTES);
        }
        if total > MOST_BYTES {
            return Some(MOST_BYTES);
        }
    }
    None
}

/// Raw input that an event shares with the one before it is not written again.
fn event_bytes<'a>(event: &'a Event, before: &mut Option<&'a Bytes>) -> usize {
    let raw = match &event.raw {
        Raw::Inline { bytes, .. } => {
            let is_shared = before
                .replace(bytes)
                .is_some_and(|before| (before.as_ptr(), before.len()) == (bytes.as_ptr(), bytes.len()));
            if is_shared { 0 } else { bytes.len() }
        }
        Raw::Same | Raw::Before(_) => 0,
    };
    let of = &event.envelope;
    let texts = [&of.id, &of.source, &of.event_type, &of.subject, &of.time, &of.dataschema, &of.site];
    let further = [&of.partitionkey, &of.traceparent, &of.correlationid, &of.causationid];
    let texts: usize = texts.into_iter().chain(further).map(String::len).sum();
    let keys: usize = event.keys.iter().map(|(of_type, key)| of_type.len() + key.len() + 8).sum();
    event.data.len() + raw + texts + keys + AROUND_BYTES
}

fn quarantine_bytes(quarantine: &Quarantine) -> usize {
    let texts =
        |reason: &Reason| reason.code.len() + reason.message.len() + reason.at.len() + reason.hint.len();
    // Texts are written as JSON: at worst each byte takes six.
    let reasons: usize = quarantine.head.reasons.iter().map(|reason| texts(reason) * 6 + 64).sum();
    quarantine.raw.len() + reasons + quarantine.head.origin.len() * 6 + AROUND_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &Bytes, raw: Raw) -> Prepared {
        let event = Event {
            envelope: lineshaft_model::Envelope::default(),
            data: data.clone(),
            raw,
            intake: "events".into(),
            keys: Vec::new(),
            received: lineshaft_model::Millis(0),
        };
        Prepared::Event { event: Box::new(event), owes: Vec::new() }
    }

    #[test]
    fn the_records_of_an_input_are_bounded_alone_and_together() {
        // Each is the same memory.
        let large = Bytes::from(vec![b' '; 50 << 20]);
        let half = large.slice(..25 << 20);
        let same = |data: &Bytes| event(data, Raw::Same);
        assert_eq!(excess(&[same(&large), same(&large)]), None);
        assert_eq!(excess(&[same(&large), same(&large), same(&large)]), Some(MOST_BYTES));
        let inline = |bytes: &Bytes| Raw::Inline { content_type: "text/csv".into(), bytes: bytes.clone() };
        assert_eq!(excess(&[event(&half, inline(&half))]), None);
        assert_eq!(excess(&[event(&large, inline(&half))]), Some(LONGEST_BYTES));
        // Written once for all that share it.
        let small = Bytes::from_static(b"{}");
        assert_eq!(excess(&(0..9).map(|_| event(&small, inline(&large))).collect::<Vec<_>>()), None);
    }

    #[test]
    fn an_input_that_quarantine_cannot_hold_is_refused() {
        assert!(check(MOST_INPUT_BYTES).is_ok());
        assert!(matches!(check(MOST_INPUT_BYTES + 1), Err(Refusal::TooLarge { .. })));
    }
}
