//! What a status means: delivered, refused, again or unknown.

use lineshaft_model::Reason;
use serde_json::Value;

use crate::settings::{Section, short};

/// What one status says of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    Refused,
    Again,
    Unknown,
}

/// The verdict of every status from 100 to 599: the operation's own words, and defaults for the rest.
#[derive(Clone)]
pub(super) struct Answers {
    own: Box<[Option<Verdict>; 500]>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { own: Box::new([None; 500]) }
    }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let own = (100..600_u16).zip(self.own.iter()).filter_map(|(status, own)| own.map(|v| (status, v)));
        f.debug_map().entries(own).finish()
    }
}

impl Answers {
    /// Reads `answers` of an operation. A number counts before a class such as `5xx`.
    pub(super) fn parse(operation: &mut Section<'_>) -> Self {
        let mut answers = Self::default();
        let Some(mut section) = operation.section("answers") else { return answers };
        let mut written = Vec::new();
        let lists = [
            ("delivered", Verdict::Delivered),
            ("refused", Verdict::Refused),
            ("again", Verdict::Again),
            ("unknown", Verdict::Unknown),
        ];
        for (key, verdict) in lists {
            written.extend(
                statuses(&mut section, key).into_iter().map(|(statuses, at)| (statuses, at, verdict)),
            );
        }
        // Classes first, so that numbers are written over them.
        written.sort_by_key(|(statuses, ..)| *statuses.start() == *statuses.end());
        let mut origin = [None::<usize>; 500];
        for (n, (statuses, at, verdict)) in written.iter().enumerate() {
            for status in statuses.clone() {
                let slot = usize::from(status - 100);
                let earlier = origin[slot].filter(|earlier| written[*earlier].0 == *statuses);
                if earlier.is_some() {
                    let reason = Reason::new("answers-ambiguous", format!("{status} is listed twice"));
                    section.note(reason.at(at.clone()).hint("leave it in one of the lists"));
                    break;
                }
                origin[slot] = Some(n);
                answers.own[slot] = Some(*verdict);
            }
        }
        section.finish();
        answers
    }

    /// What a status says. `repeated` is whether the target may still be at work on an earlier attempt under the same key.
    pub(super) fn verdict(&self, status: u16, keeps_key: bool, repeated: bool) -> Verdict {
        let slot = usize::from(status).checked_sub(100);
        if let Some(own) = slot.and_then(|slot| self.own.get(slot).copied().flatten()) {
            return own;
        }
        match status {
            200..=299 => Verdict::Delivered,
            // 303 says that the work is done and what came of it is elsewhere; any other redirect that it was not begun.
            303 => Verdict::Unknown,
            408 | 425 | 429 => Verdict::Again,
            // An earlier attempt under the same key is still at work (draft-ietf-httpapi-idempotency-key-header).
            409 if keeps_key && repeated => Verdict::Again,
            // A gateway lost its own answer: the system behind it may have done the work.
            502 | 504 if !keeps_key => Verdict::Unknown,
            500..=599 => Verdict::Again,
            300..=499 => Verdict::Refused,
            _ => Verdict::Unknown,
        }
    }
}

/// The statuses of a list of numbers and classes, with their pointers.
pub(super) fn statuses(
    section: &mut Section<'_>,
    key: &'static str,
) -> Vec<(std::ops::RangeInclusive<u16>, String)> {
    let Some(list) = section.list(key) else { return Vec::new() };
    let mut found = Vec::new();
    for (value, at) in list {
        match read_status(value) {
            Some(statuses) => found.push((statuses, at)),
            None => {
                let shown = short(&value.to_string());
                let reason = Reason::new("status-malformed", format!("{shown} is not a status"));
                section.note(reason.at(at).hint("write a number from 100 to 599, or a class such as 5xx"));
            }
        }
    }
    found
}

fn read_status(value: &Value) -> Option<std::ops::RangeInclusive<u16>> {
    let status = match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Value::String(text) => match text.as_bytes() {
            [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => {
                let first = u16::from(class - b'0') * 100;
                return Some(first..=first + 99);
            }
            _ => text.parse().ok()?,
        },
        _ => return None,
    };
    (100..600).contains(&status).then_some(status..=status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Problems;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn parse(value: Value) -> Result<Answers, Vec<String>> {
        let value = json!({ "answers": value });
        let problems = Problems::default();
        let mut section = Section::open(&value, String::new(), &problems).unwrap();
        let answers = Answers::parse(&mut section);
        problems
            .into_result(Some(answers))
            .map_err(|r| r.into_iter().map(|r| format!("{} {}", r.at, r.code)).collect())
    }

    #[test]
    fn the_defaults() {
        let answers = Answers::default();
        let said = |status, key, repeated| answers.verdict(status, key, repeated);
        assert_eq!(said(204, false, false), Verdict::Delivered);
        assert_eq!([301, 307, 304].map(|s| said(s, true, false)), [Verdict::Refused; 3]);
        assert_eq!([303, 101, 999, 0].map(|s| said(s, true, false)), [Verdict::Unknown; 4]);
        assert_eq!([400, 401, 404, 409, 422].map(|s| said(s, true, false)), [Verdict::Refused; 5]);
        assert_eq!([408, 425, 429, 500, 503].map(|s| said(s, false, false)), [Verdict::Again; 5]);
        assert_eq!([502, 504].map(|s| said(s, false, false)), [Verdict::Unknown; 2]);
        assert_eq!([502, 504].map(|s| said(s, true, false)), [Verdict::Again; 2]);
        assert_eq!(said(409, true, true), Verdict::Again);
        assert_eq!(said(409, false, true), Verdict::Refused);
    }

    #[test]
    fn a_number_counts_before_a_class_wherever_it_stands() {
        let answers = parse(json!({ "refused": [501, "4xx"], "again": ["5xx", 404] })).unwrap();
        let said = |status| answers.verdict(status, true, true);
        assert_eq!([501, 400, 409].map(said), [Verdict::Refused; 3]);
        assert_eq!([500, 404].map(said), [Verdict::Again; 2]);
    }

    #[test]
    fn every_bad_status_is_reported() {
        let problems = parse(json!({
            "delivered": [200, 99, "6xx", 2.5, true], "again": [200], "refusd": [400], "refused": ["4xx"], "unknown": "4xx"
        }));
        assert_eq!(
            problems.unwrap_err(),
            [
                "/answers/delivered/1 status-malformed",
                "/answers/delivered/2 status-malformed",
                "/answers/delivered/3 status-malformed",
                "/answers/delivered/4 status-malformed",
                "/answers/unknown answers-ambiguous",
                "/answers/again/0 answers-ambiguous",
                "/answers/refusd setting-unknown",
            ]
        );
    }
}
