//! The outcome record: how one attempt, or one person's action, changed a delivery.

use super::wire::{Cursor, WireError, put_int, put_signed, put_str};
use crate::{DeliveryId, Millis, Outcome, OutcomeKind, Position, Reason};

/// An outcome record, borrowed from its payload. A plain `Delivered` takes about twenty bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Outcome, where they are described")]
pub struct OutcomeRecord<'a> {
    pub delivery: DeliveryId,
    pub kind: OutcomeKind,
    pub attempt: u16,
    pub at: Millis,
    pub due: Millis,
    pub status: u16,
    pub code: &'a str,
    pub message: &'a str,
    pub hint: &'a str,
    pub foreign_key: &'a str,
    pub actor: &'a str,
    pub amendment: Position,
}

const DUE: u8 = 1;
const REASON: u8 = 2;
const FOREIGN_KEY: u8 = 4;
const ACTOR: u8 = 8;
const AMENDMENT: u8 = 16;

/// The version of an outcome that names an amendment: a reader that knows nothing of amendments would deliver the original.
const WITH_AMENDMENT: u8 = 2;

/// Longest text of a reason kept in the journal; the rest is cut with an ellipsis by whoever words the reason.
const TEXT_BYTES: usize = 2048;

impl<'a> OutcomeRecord<'a> {
    /// Appends the payload of an outcome record to `buf`.
    pub fn encode(buf: &mut Vec<u8>, outcome: &Outcome) {
        let flags = u8::from(outcome.due.0 != 0) * DUE
            + u8::from(outcome.reason.is_some()) * REASON
            + u8::from(outcome.foreign_key.is_some()) * FOREIGN_KEY
            + u8::from(outcome.actor.is_some()) * ACTOR
            + u8::from(!outcome.amendment.is_zero()) * AMENDMENT;
        buf.push(outcome.kind as u8);
        buf.push(flags);
        put_int(buf, outcome.delivery.event.0);
        buf.push(outcome.delivery.n);
        put_int(buf, u64::from(outcome.attempt));
        put_signed(buf, outcome.at.0);
        put_int(buf, u64::from(outcome.status));
        if flags & DUE != 0 {
            put_signed(buf, outcome.due.0);
        }
        if let Some(reason) = &outcome.reason {
            put_str(buf, crate::moment::clip(&reason.code, TEXT_BYTES));
            put_str(buf, crate::moment::clip(&reason.message, TEXT_BYTES));
            put_str(buf, crate::moment::clip(&reason.hint, TEXT_BYTES));
        }
        for text in [&outcome.foreign_key, &outcome.actor].into_iter().flatten() {
            put_str(buf, crate::moment::clip(text, TEXT_BYTES));
        }
        if flags & AMENDMENT != 0 {
            put_int(buf, outcome.amendment.0);
        }
    }

    /// The version of the form in which an outcome is written.
    #[must_use]
    pub const fn version(outcome: &Outcome) -> u8 {
        if outcome.amendment.is_zero() { super::VERSION } else { WITH_AMENDMENT }
    }

    /// Reads the payload of an outcome record.
    pub fn decode(payload: &'a [u8]) -> Result<Self, WireError> {
        let mut c = Cursor::new(payload);
        let kind = c.byte()?;
        let kind = OutcomeKind::from_byte(kind).ok_or_else(|| c.error("a kind of outcome"))?;
        let flags = c.byte()?;
        let delivery = DeliveryId { event: Position(c.int()?), n: c.byte()? };
        let attempt = u16::try_from(c.int()?).map_err(|_| c.error("an attempt"))?;
        let at = Millis(c.signed()?);
        let status = u16::try_from(c.int()?).map_err(|_| c.error("a status"))?;
        let due = Millis(if flags & DUE == 0 { 0 } else { c.signed()? });
        let (code, message, hint) =
            if flags & REASON == 0 { ("", "", "") } else { (c.str()?, c.str()?, c.str()?) };
        let foreign_key = if flags & FOREIGN_KEY == 0 { "" } else { c.str()? };
        let actor = if flags & ACTOR == 0 { "" } else { c.str()? };
        let amendment = Position(if flags & AMENDMENT == 0 { 0 } else { c.int()? });
        Ok(Self {
            delivery,
            kind,
            attempt,
            at,
            due,
            status,
            code,
            message,
            hint,
            foreign_key,
            actor,
            amendment,
        })
    }

    /// The cause, when one was recorded.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        (!self.code.is_empty() || !self.message.is_empty())
            .then(|| Reason::new(self.code, self.message).hint(self.hint))
    }

    /// The owned outcome.
    #[must_use]
    pub fn to_outcome(&self) -> Outcome {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Outcome {
            delivery: self.delivery,
            kind: self.kind,
            attempt: self.attempt,
            at: self.at,
            due: self.due,
            status: self.status,
            reason: self.reason(),
            foreign_key: some(self.foreign_key),
            actor: some(self.actor),
            amendment: self.amendment,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_delivery_is_small() {
        let outcome = Outcome {
            delivery: DeliveryId { event: Position(10_000_000), n: 2 },
            kind: OutcomeKind::Delivered,
            attempt: 1,
            at: Millis(1_795_411_800_250),
            due: Millis(0),
            status: 200,
            reason: None,
            foreign_key: None,
            actor: None,
            amendment: Position::ZERO,
        };
        let mut buf = Vec::new();
        OutcomeRecord::encode(&mut buf, &outcome);
        assert!(buf.len() <= 20, "{} bytes", buf.len());
        assert_eq!(OutcomeRecord::decode(&buf).unwrap().to_outcome(), outcome);
    }

    proptest! {
        #[test]
        fn an_outcome_reads_back(event: u64, n: u8, attempt: u16, at: i64, due: i64, status: u16,
                                 texts in proptest::option::of(("[a-z]{1,9}", ".{0,30}", ".{0,9}")),
                                 key in proptest::option::of(".{1,9}"), actor in proptest::option::of(".{1,9}"),
                                 amendment in 0u64..3) {
            let outcome = Outcome {
                delivery: DeliveryId { event: Position(event), n },
                kind: OutcomeKind::Again,
                attempt, at: Millis(at), due: Millis(due), status,
                reason: texts.map(|(c, m, h)| Reason::new(c, m).hint(h)),
                foreign_key: key,
                actor,
                amendment: Position(amendment),
            };
            let mut buf = Vec::new();
            OutcomeRecord::encode(&mut buf, &outcome);
            prop_assert_eq!(OutcomeRecord::decode(&buf).unwrap().to_outcome(), outcome);
        }

        #[test]
        fn any_payload_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = OutcomeRecord::decode(&bytes).map(|o| o.to_outcome());
        }
    }
}
