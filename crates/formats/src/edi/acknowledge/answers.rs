//! Reads what partners answer: TA1, 997, 999, CONTRL; and finds what was sent in it.

use super::Outcome;
use crate::edi::dialect::{Dialect, Level};
use crate::edi::received::{Interchange, Transaction, received};
use crate::edi::segment::Segment;

/// What a partner says of something we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// X12 or EDIFACT.
    pub dialect: Dialect,
    /// Of what level.
    pub level: Level,
    /// The number of our interchange, where the answer names it: TA1, CONTRL.
    pub interchange: Option<String>,
    /// The number of our group, where the answer names it: 997, 999, CONTRL with groups.
    pub group: Option<String>,
    /// Of which set or message: `850`, `ORDERS`; for a group of X12 its functional identifier.
    pub kind: String,
    /// Its number; empty at the levels above.
    pub control: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
}

/// Reads the answers in an input. Whatever else there is in it is passed over.
pub fn answers(dialect: Dialect, input: &[u8]) -> Vec<Answer> {
    let mut found = Vec::new();
    for interchange in received(dialect, input) {
        for place in &interchange.service {
            found.push(ta1(interchange.segment(input, place)));
        }
        for transaction in interchange.transactions() {
            match (dialect, transaction.kind.as_str()) {
                (Dialect::X12, "997" | "999") => functional(&interchange, input, transaction, &mut found),
                (Dialect::Edifact, "CONTRL") => contrl(&interchange, input, transaction, &mut found),
                _ => {}
            }
        }
    }
    found
}

fn outcome(code: &str) -> Outcome {
    match code.trim() {
        "A" => Outcome::Accepted,
        "E" => Outcome::AcceptedWithErrors,
        "P" => Outcome::PartlyAccepted,
        // M, R, W and X reject, each for a reason of its own; so does what is not known.
        _ => Outcome::Rejected,
    }
}

fn ta1(segment: Segment<'_>) -> Answer {
    let note = segment.text(5);
    // An interchange that arrived says nothing yet of what is in it.
    let outcome = match outcome(&segment.text(4)) {
        Outcome::Accepted | Outcome::AcceptedWithErrors => Outcome::Received,
        other => other,
    };
    let is_well = note.is_empty() || note == "000";
    Answer {
        dialect: Dialect::X12,
        level: Level::Interchange,
        interchange: Some(segment.text(1)),
        group: None,
        kind: String::new(),
        control: String::new(),
        outcome,
        reasons: if is_well { Vec::new() } else { vec![format!("TA1 note {note}: {}", note_text(&note))] },
    }
}

fn functional(interchange: &Interchange, input: &[u8], transaction: &Transaction, found: &mut Vec<Answer>) {
    let mut group = String::new();
    let mut function = String::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut set = (String::new(), String::new());
    for place in &transaction.segments {
        let segment = interchange.segment(input, place);
        let answer = |level, kind, control, outcome, reasons| Answer {
            dialect: Dialect::X12,
            level,
            interchange: None,
            group: Some(group.clone()),
            kind,
            control,
            outcome,
            reasons,
        };
        match segment.id() {
            b"AK1" => (function, group) = (segment.text(1), segment.text(2)),
            b"AK2" => {
                set = (segment.text(1), segment.text(2));
                reasons.clear();
            }
            b"AK3" | b"IK3" => {
                let code = segment.text(4);
                let what = segment_text(&code);
                reasons.push(format!("segment {}, {}: {what} ({code})", segment.text(2), segment.text(1)));
            }
            b"AK4" | b"IK4" => {
                let (code, value) = (segment.text(3), segment.text(4));
                let component = segment.component(1, 1);
                let place = if component.is_empty() {
                    segment.text(1)
                } else {
                    format!("{}-{component}", segment.text(1))
                };
                reasons.push(format!("element {place} {value:?}: {} ({code})", element_text(&code)));
            }
            b"AK5" | b"IK5" => {
                let codes = segment.elements().skip(1).count();
                for number in 2..2 + codes {
                    let code = segment.text(number);
                    if !code.is_empty() {
                        reasons.push(format!("{} ({code})", set_text(&code)));
                    }
                }
                let (kind, control) = std::mem::take(&mut set);
                let outcome = outcome(&segment.text(1));
                found.push(answer(Level::Transaction, kind, control, outcome, std::mem::take(&mut reasons)));
            }
            b"AK9" => {
                let codes = segment.elements().skip(4).count();
                let codes = (5..5 + codes).map(|number| segment.text(number)).filter(|code| !code.is_empty());
                let told = codes.map(|code| format!("{} ({code})", group_text(&code))).collect();
                found.push(answer(
                    Level::Group,
                    function.clone(),
                    String::new(),
                    outcome(&segment.text(1)),
                    told,
                ));
            }
            _ => {}
        }
    }
}

fn contrl(interchange: &Interchange, input: &[u8], transaction: &Transaction, found: &mut Vec<Answer>) {
    let mut ours = None;
    let mut group = None;
    for place in &transaction.segments {
        let segment = interchange.segment(input, place);
        let answer = |level, group, kind, control, at: usize| {
            let (action, code, tag) = (segment.text(at), segment.text(at + 1), segment.text(at + 2));
            let outcome = match action.as_str() {
                "4" | "5" | "6" => Outcome::Rejected,
                "8" => Outcome::Received,
                _ => Outcome::Accepted,
            };
            let reason = (!code.is_empty())
                .then(|| format!("{tag} {} ({code})", syntax_text(&code)).trim_start().to_owned());
            Answer {
                dialect: Dialect::Edifact,
                level,
                interchange: Some(segment.text(1)),
                group,
                kind,
                control,
                outcome,
                reasons: reason.into_iter().collect(),
            }
        };
        match segment.id() {
            b"UCI" => {
                ours = Some(segment.text(1));
                found.push(answer(Level::Interchange, None, String::new(), String::new(), 4));
            }
            b"UCF" => {
                group = Some(segment.text(1));
                let made = answer(Level::Group, group.clone(), String::new(), String::new(), 4);
                found.push(Answer { interchange: ours.clone(), ..made });
            }
            b"UCM" => {
                let made = answer(Level::Transaction, group.clone(), segment.text(2), segment.text(1), 3);
                found.push(Answer { interchange: ours.clone(), ..made });
            }
            b"UCS" => {
                let (position, code) = (segment.text(1), segment.text(2));
                if let Some(last) = found.last_mut().filter(|_| !code.is_empty()) {
                    last.reasons.push(format!("segment {position}: {} ({code})", syntax_text(&code)));
                }
            }
            b"UCD" => {
                let (code, element, component) = (segment.text(1), segment.text(2), segment.component(2, 1));
                let place = if component.is_empty() { element } else { format!("{element}-{component}") };
                if let Some(last) = found.last_mut() {
                    last.reasons.push(format!("element {place}: {} ({code})", syntax_text(&code)));
                }
            }
            _ => {}
        }
    }
}

/// A set or message that we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The number of its interchange.
    pub interchange: String,
    /// The number of its group; none in EDIFACT without groups.
    pub group: Option<String>,
    /// `850`, `ORDERS`.
    pub kind: String,
    /// Its number.
    pub control: String,
}

/// What is known of something that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What became of it; `None` while nobody answered.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reasons: Vec<String>,
}

/// Finds for each set that was sent what the answers say of it. The innermost level that says something decides: a group that
/// is accepted as a whole accepts its sets, an interchange that arrived accepts none.
pub fn reconcile(sent: &[Sent], answers: &[Answer]) -> Vec<Standing> {
    sent.iter().map(|each| standing(each, answers)).collect()
}

fn standing(sent: &Sent, answers: &[Answer]) -> Standing {
    let of_it: Vec<&Answer> = answers.iter().filter(|answer| is_about(answer, sent)).collect();
    // The last word counts: an answer may be sent again.
    let last = |level| of_it.iter().rev().find(|answer| answer.level == level);
    let known = |answer: &Answer| Standing { outcome: Some(answer.outcome), reasons: answer.reasons.clone() };
    if let Some(answer) = last(Level::Transaction) {
        return known(answer);
    }
    match (last(Level::Group), last(Level::Interchange)) {
        // Some of the group was accepted, and it is not said whether this was.
        (Some(group), _) => known(group),
        (None, Some(interchange)) => known(interchange),
        (None, None) => Standing { outcome: None, reasons: Vec::new() },
    }
}

fn is_about(answer: &Answer, sent: &Sent) -> bool {
    let number = |text: &str| {
        let bare = text.trim().trim_start_matches('0');
        if bare.is_empty() { "0".to_owned() } else { bare.to_owned() }
    };
    let same = |one: &str, other: &str| number(one) == number(other);
    if answer.interchange.as_ref().is_some_and(|interchange| !same(interchange, &sent.interchange)) {
        return false;
    }
    let group = match (&answer.group, &sent.group) {
        (Some(answered), Some(sent)) => same(answered, sent),
        (Some(_), None) => false,
        (None, _) => true,
    };
    group
        && (answer.level != Level::Transaction
            || same(&answer.control, &sent.control) && (answer.kind.is_empty() || answer.kind == sent.kind))
}

fn set_text(code: &str) -> &'static str {
    match code {
        "1" => "the transaction set is not supported",
        "2" => "its trailer is missing",
        "3" => "the control numbers of header and trailer differ",
        "4" => "the number of segments differs from the count",
        "5" => "segments are in error",
        "6" => "its identifier is missing or wrong",
        "7" => "its control number is missing or wrong",
        "23" => "its control number is not unique in the group",
        _ => "another error of the set",
    }
}

fn group_text(code: &str) -> &'static str {
    match code {
        "1" => "the functional group is not supported",
        "2" => "its version is not supported",
        "3" => "its trailer is missing",
        "4" => "the control numbers of header and trailer differ",
        "5" => "the number of sets differs from the count",
        "6" => "its control number is wrong",
        _ => "another error of the group",
    }
}

fn segment_text(code: &str) -> &'static str {
    match code {
        "1" => "the segment is not known",
        "2" => "the segment is not expected",
        "3" => "a mandatory segment is missing",
        "4" => "the loop comes too often",
        "5" => "the segment comes too often",
        "6" => "the segment is not in the set",
        "7" => "the segment is out of sequence",
        "8" => "elements are in error",
        _ => "another error of the segment",
    }
}

fn element_text(code: &str) -> &'static str {
    match code {
        "1" => "a mandatory element is missing",
        "2" => "an element that another one asks for is missing",
        "3" => "there are too many elements",
        "4" => "the element is too short",
        "5" => "the element is too long",
        "6" => "the element has a wrong character",
        "7" => "the code is wrong",
        "8" => "the date is wrong",
        "9" => "the time is wrong",
        "10" => "elements exclude one another",
        "12" => "there are too many repetitions",
        "13" => "there are too many components",
        _ => "another error of the element",
    }
}

fn note_text(code: &str) -> &'static str {
    match code {
        "001" => "the control numbers of header and trailer differ",
        "002" | "003" => "the standard or its version is not supported",
        "004" => "the segment terminator is wrong",
        "005" | "006" => "the sender is wrong",
        "007" | "008" => "the receiver is wrong",
        "009" => "the receiver is not known",
        "010" | "011" | "012" | "013" => "the authorisation or security information is wrong",
        "014" | "015" => "the date or the time is wrong",
        "016" | "017" => "the standards identifier or the version is wrong",
        "018" => "the control number is wrong",
        "019" | "020" => "the request for an answer or the usage is wrong",
        "021" => "the number of groups differs from the count",
        "022" => "the control structure is wrong",
        "023" => "the file ends too early",
        "024" => "the content is wrong",
        "025" => "the control number was used before",
        "026" | "027" => "a delimiter is wrong",
        _ => "another error of the interchange",
    }
}

fn syntax_text(code: &str) -> &'static str {
    match code {
        "2" => "the syntax or its level is not supported",
        "7" => "the recipient is not the actual one",
        "12" => "a value is wrong",
        "13" => "something is missing",
        "14" | "15" => "not supported in this place",
        "16" => "there are too many parts",
        "17" => "there is no agreement for it",
        "19" => "the decimal notation is wrong",
        "20" | "21" | "22" => "a character is wrong",
        "23" => "the sender is not known",
        "24" => "it is too old",
        "25" => "tests are not supported",
        "26" => "it was sent before",
        "28" => "the references of header and trailer differ",
        "29" => "the number of parts differs from the count",
        "30" | "31" => "groups and messages are mixed",
        "32" => "nothing is inside",
        "33" => "it stands outside",
        "35" | "36" => "it comes too often",
        "37" => "a character is of the wrong type",
        "38" => "a digit before the decimal mark is missing",
        "39" => "a value is too long",
        "40" => "a value is too short",
        _ => "another error",
    }
}
