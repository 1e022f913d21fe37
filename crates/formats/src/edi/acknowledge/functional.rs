//! TA1, 997 and 999.

use super::{
    Acknowledgement, Agreement, Circumstances, Functional, Outcome, Row, Ta1, Verdict, is_for_us, judge,
    party, row, together, write,
};
use crate::edi::dialect::Level;
use crate::edi::options::X12Options;
use crate::edi::received::{Group, Interchange};
use crate::edi::segment::Segment;
use crate::edi::write::EdiWriter;
use crate::error::FormatError;

/// A functional acknowledgement is not acknowledged itself, or two partners would never end.
const ANSWERS: [&str; 2] = ["997", "999"];

pub(super) fn answer(
    input: &[u8],
    interchange: &Interchange,
    isa: Segment<'_>,
    agreement: &Agreement,
    circumstances: Circumstances<'_>,
) -> Result<Acknowledgement, FormatError> {
    let (of_interchange, note) = judge_interchange(interchange, isa, agreement, circumstances);
    let mut verdicts = vec![of_interchange];
    let mut groups = Vec::new();
    if verdicts[0].outcome != Outcome::Rejected {
        for group in interchange.groups.iter().filter(|group| group.header.is_some() && !is_answer(group)) {
            groups.push(judge_group(input, interchange, group, agreement, &mut verdicts));
        }
    }
    let options = X12Options {
        version: isa.text(12),
        usage: isa.text(15),
        acknowledge: false,
        repetition: agreement.x12.repetition,
        ..agreement.x12.clone()
    };
    let mut writer = EdiWriter::x12(&options);
    let head = [
        ("control", circumstances.control.to_owned()),
        ("at", circumstances.at.to_owned()),
        ("sender", party(&isa.text(7), &isa.text(8))),
        ("receiver", party(&isa.text(5), &isa.text(6))),
    ];
    let mut out = Vec::new();
    let asked = isa.text(14).trim() == "1";
    let is_due = match agreement.ta1 {
        Ta1::Never => verdicts[0].outcome == Outcome::Rejected,
        Ta1::Asked => asked || verdicts[0].outcome == Outcome::Rejected,
        Ta1::Faults => asked || verdicts[0].outcome != Outcome::Accepted,
        Ta1::Always => true,
    };
    // An interchange with a TA1 in it is an answer; one that holds nothing else is not answered in turn.
    if is_due && (interchange.service.is_empty() || !groups.is_empty()) {
        let code = code(verdicts[0].outcome);
        let rows = [row(["TA1", isa.text(13).trim(), isa.text(9).trim(), isa.text(10).trim(), code, note])];
        write(&mut writer, &[("type", "TA1")], &head, None, &rows, &mut out)?;
    }
    for (number, group) in groups.iter().enumerate() {
        let (kind, implementation) = match agreement.functional {
            Functional::F997 => ("997", ""),
            Functional::F999 => ("999", "005010X231A1"),
        };
        let control = format!("{:04}", number + 1);
        let members = [("type", kind), ("control", control.as_str()), ("implementation", implementation)];
        // All answers are of one group.
        let first = &groups[0];
        let around = [
            ("function", "FA".to_owned()),
            ("sender", first.receiver.clone()),
            ("receiver", first.sender.clone()),
            ("version", if kind == "999" { implementation.to_owned() } else { first.version.clone() }),
        ];
        write(&mut writer, &members, &head, Some(&around), &group.rows, &mut out)?;
    }
    writer.finish(&mut out)?;
    Ok(Acknowledgement { text: out, verdicts })
}

fn is_answer(group: &Group) -> bool {
    !group.transactions.is_empty()
        && group.transactions.iter().all(|transaction| ANSWERS.contains(&transaction.kind.as_str()))
}

fn judge_interchange(
    interchange: &Interchange,
    isa: Segment<'_>,
    agreement: &Agreement,
    circumstances: Circumstances<'_>,
) -> (Verdict, &'static str) {
    let faults = interchange.faults.clone();
    let (outcome, note) = if circumstances.is_duplicate {
        (Outcome::Rejected, "025")
    } else if !is_for_us(agreement, &isa.text(8)) {
        (Outcome::Rejected, "008")
    } else {
        match faults.first() {
            None => (Outcome::Accepted, "000"),
            // What is in it was read all the same.
            Some(fault) => (Outcome::AcceptedWithErrors, fault.kind.interchange_code()),
        }
    };
    let control = isa.text(13).trim().to_owned();
    let verdict = Verdict {
        level: Level::Interchange,
        kind: String::new(),
        control,
        outcome,
        faults,
        findings: Vec::new(),
    };
    (verdict, note)
}

/// The answer to a group.
struct Answered {
    sender: String,
    receiver: String,
    version: String,
    rows: Vec<Row>,
}

fn judge_group(
    input: &[u8],
    interchange: &Interchange,
    group: &Group,
    agreement: &Agreement,
    verdicts: &mut Vec<Verdict>,
) -> Answered {
    let header = group.header.clone().unwrap_or_default();
    let gs = interchange.segment(input, &header);
    let [segment, element, set] = match agreement.functional {
        Functional::F997 => ["AK3", "AK4", "AK5"],
        Functional::F999 => ["IK3", "IK4", "IK5"],
    };
    let version = gs.text(8);
    let mut rows = vec![match agreement.functional {
        Functional::F997 => row(["AK1", &gs.text(1), &gs.text(6)]),
        Functional::F999 => row(["AK1", &gs.text(1), &gs.text(6), &version]),
    }];
    let mut outcomes = Vec::new();
    let place = verdicts.len();
    for transaction in &group.transactions {
        let verdict = judge(input, interchange, agreement, transaction);
        rows.push(row(["AK2", &transaction.kind, &transaction.control]));
        segment_rows(&verdict, segment, element, &mut rows);
        let mut codes: Vec<&str> = verdict.faults.iter().map(|fault| fault.kind.set_code()).collect();
        if verdict.outcome == Outcome::Rejected && verdict.faults.is_empty() && verdict.findings.is_empty() {
            codes.push("1");
        }
        if !verdict.findings.is_empty() {
            codes.push("5");
        }
        let mut last = row([set, code(verdict.outcome)]);
        last.extend(codes.into_iter().take(5).map(|code| vec![code.to_owned()]));
        rows.push(last);
        outcomes.push(verdict.outcome);
        verdicts.push(verdict);
    }
    let accepted = outcomes.iter().filter(|outcome| **outcome != Outcome::Rejected).count();
    let outcome = match together(&outcomes) {
        Outcome::Accepted if !group.faults.is_empty() => Outcome::AcceptedWithErrors,
        outcome => outcome,
    };
    let received = outcomes.len().to_string();
    let declared = if group.declared.trim().is_empty() { &received } else { &group.declared };
    let mut last = row(["AK9", code(outcome), declared.trim(), &received, &accepted.to_string()]);
    last.extend(group.faults.iter().map(|fault| vec![fault.kind.group_code().to_owned()]).take(5));
    rows.push(last);
    let (kind, control, faults) = (gs.text(1), gs.text(6), group.faults.clone());
    verdicts
        .insert(place, Verdict { level: Level::Group, kind, control, outcome, faults, findings: Vec::new() });
    // A suffix names the guide of what is answered, not of the answer.
    let version = version.chars().take_while(char::is_ascii_digit).take(6).collect();
    Answered { sender: gs.text(2), receiver: gs.text(3), version, rows }
}

/// A row for each segment with errors, and below it one for each of its elements.
fn segment_rows(verdict: &Verdict, segment: &str, element: &str, rows: &mut Vec<Row>) {
    let mut position = 0;
    for finding in &verdict.findings {
        let is_of_segment = finding.element == 0;
        if is_of_segment || finding.position != position {
            let code = if is_of_segment { finding.kind.x12() } else { "8" };
            // An identifier of three characters at most is what the element can hold.
            let id: String = finding.segment.chars().filter(char::is_ascii_alphanumeric).take(3).collect();
            rows.push(row([
                segment,
                if id.is_empty() { "ZZZ" } else { &id },
                &finding.position.to_string(),
                "",
                code,
            ]));
            position = if is_of_segment { 0 } else { finding.position };
        }
        if !is_of_segment {
            let mut place = vec![finding.element.to_string()];
            if finding.component > 0 {
                place.push(finding.component.to_string());
            }
            let value: String = finding.value.chars().filter(|character| is_sayable(*character)).collect();
            rows.push(vec![
                vec![element.to_owned()],
                place,
                vec![String::new()],
                vec![finding.kind.x12().to_owned()],
                vec![value],
            ]);
        }
    }
}

/// What an answer can repeat whatever its delimiters are.
fn is_sayable(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, ' ' | '.' | ',' | '-' | '/' | '(' | ')')
}

fn code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted | Outcome::Received => "A",
        Outcome::AcceptedWithErrors => "E",
        Outcome::PartlyAccepted => "P",
        Outcome::Rejected => "R",
    }
}
