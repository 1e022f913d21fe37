//! CONTRL.

use super::{
    Acknowledgement, Agreement, Circumstances, Outcome, Row, Verdict, is_for_us, is_taken, judge, party, row,
    write,
};
use crate::edi::check::Finding;
use crate::edi::dialect::{Fault, FaultKind, Level};
use crate::edi::options::EdifactOptions;
use crate::edi::received::{Interchange, Transaction};
use crate::edi::segment::Segment;
use crate::edi::write::EdiWriter;
use crate::error::FormatError;

/// Action codes, data element 0083.
const REJECTED: &str = "4";
const ACKNOWLEDGED: &str = "7";

/// A CONTRL is not answered itself.
const ANSWER: &str = "CONTRL";

pub(super) fn answer(
    input: &[u8],
    interchange: &Interchange,
    unb: Segment<'_>,
    agreement: &Agreement,
    circumstances: Circumstances<'_>,
) -> Result<Acknowledgement, FormatError> {
    let (of_interchange, error) = judge_interchange(interchange, unb, agreement, circumstances);
    let is_rejected = of_interchange.outcome == Outcome::Rejected;
    let mut verdicts = vec![of_interchange];
    let mut messages = interchange.transactions().peekable();
    let is_answer = messages.peek().is_some() && messages.all(|message| message.kind == ANSWER);
    if is_answer {
        return Ok(Acknowledgement { text: Vec::new(), verdicts });
    }
    let mut first: Row = row(["UCI", &unb.text(5)]);
    first.extend([parties(unb, 2), parties(unb, 3)]);
    first.push(vec![if is_rejected { REJECTED } else { ACKNOWLEDGED }.to_owned()]);
    if let Some((code, tag)) = error.filter(|_| is_rejected) {
        first.push(vec![code.to_owned()]);
        if !tag.is_empty() {
            first.push(vec![tag.to_owned()]);
        }
    }
    let mut rows = vec![first];
    // What is rejected as a whole needs no word on its parts.
    for group in interchange.groups.iter().filter(|_| !is_rejected) {
        if let Some(header) = &group.header {
            group_row(interchange.segment(input, header), &group.faults, agreement, &mut rows, &mut verdicts);
        }
        for message in &group.transactions {
            let verdict = judge(input, interchange, agreement, message);
            let header = interchange.segment(input, &message.header);
            message_rows(message, header, &verdict, agreement, &mut rows);
            verdicts.push(verdict);
        }
    }
    let version = unb.component(1, 1);
    let options = EdifactOptions {
        character_set: unb.component(1, 0),
        version: version.clone(),
        ..agreement.edifact.clone()
    };
    let mut writer = EdiWriter::edifact(&options);
    let head = [
        ("control", circumstances.control.to_owned()),
        ("at", circumstances.at.to_owned()),
        ("sender", party(&unb.component(3, 1), &unb.component(3, 0))),
        ("receiver", party(&unb.component(2, 1), &unb.component(2, 0))),
        ("test", unb.text(11)),
    ];
    let mut members = vec![("type", ANSWER), ("control", "1")];
    members.extend(match version.as_str() {
        "4" => [("version", "4"), ("release", "1"), ("agency", "UN")],
        _ => [("version", "D"), ("release", "3"), ("agency", "UN")],
    });
    let mut out = Vec::new();
    write(&mut writer, &members, &head, None, &rows, &mut out)?;
    writer.finish(&mut out)?;
    Ok(Acknowledgement { text: out, verdicts })
}

/// S002 or S003 as it came.
fn parties(unb: Segment<'_>, number: usize) -> Vec<String> {
    let mut all: Vec<String> = (0..3).map(|component| unb.component(number, component)).collect();
    while all.len() > 1 && all.last().is_some_and(String::is_empty) {
        all.pop();
    }
    all
}

fn judge_interchange(
    interchange: &Interchange,
    unb: Segment<'_>,
    agreement: &Agreement,
    circumstances: Circumstances<'_>,
) -> (Verdict, Option<(&'static str, &'static str)>) {
    let faults = interchange.faults.clone();
    let (outcome, error) = if circumstances.is_duplicate {
        (Outcome::Rejected, Some(("26", "UNB")))
    } else if !is_for_us(agreement, &unb.component(3, 0)) {
        (Outcome::Rejected, Some(("7", "UNB")))
    } else {
        match faults.first() {
            None => (Outcome::Accepted, None),
            Some(fault) => {
                let outcome =
                    if agreement.rejects_errors { Outcome::Rejected } else { Outcome::AcceptedWithErrors };
                (outcome, Some((fault.kind.edifact(), tag(fault, "UNZ"))))
            }
        }
    };
    let verdict = Verdict {
        level: Level::Interchange,
        kind: String::new(),
        control: unb.text(5),
        outcome,
        faults,
        findings: Vec::new(),
    };
    (verdict, error)
}

/// The service segment that a fault is in.
fn tag(fault: &Fault, trailer: &'static str) -> &'static str {
    match fault.kind {
        FaultKind::Count | FaultKind::Control | FaultKind::NoTrailer => trailer,
        _ => "",
    }
}

fn group_row(
    ung: Segment<'_>,
    faults: &[Fault],
    agreement: &Agreement,
    rows: &mut Vec<Row>,
    verdicts: &mut Vec<Verdict>,
) {
    let fault = faults.first();
    let outcome = match fault {
        None => Outcome::Accepted,
        Some(_) if agreement.rejects_errors => Outcome::Rejected,
        Some(_) => Outcome::AcceptedWithErrors,
    };
    let is_rejected = outcome == Outcome::Rejected;
    let mut first = row([
        "UCF",
        &ung.text(5),
        &ung.text(2),
        &ung.text(3),
        if is_rejected { REJECTED } else { ACKNOWLEDGED },
    ]);
    if let Some(fault) = fault.filter(|_| is_rejected) {
        first.extend([vec![fault.kind.edifact().to_owned()], vec![tag(fault, "UNE").to_owned()]]);
    }
    rows.push(first);
    verdicts.push(Verdict {
        level: Level::Group,
        kind: ung.text(1),
        control: ung.text(5),
        outcome,
        faults: faults.to_vec(),
        findings: Vec::new(),
    });
}

/// UCM, and below it a row for each segment and each element with errors.
fn message_rows(
    message: &Transaction,
    unh: Segment<'_>,
    verdict: &Verdict,
    agreement: &Agreement,
    rows: &mut Vec<Row>,
) {
    let is_rejected = verdict.outcome == Outcome::Rejected;
    let mut identifier: Vec<String> = (0..5).map(|component| unh.component(2, component)).collect();
    while identifier.len() > 1 && identifier.last().is_some_and(String::is_empty) {
        identifier.pop();
    }
    let mut first = row(["UCM", &message.control]);
    first.push(identifier);
    first.push(vec![if is_rejected { REJECTED } else { ACKNOWLEDGED }.to_owned()]);
    let error = match message.faults.first() {
        Some(fault) => Some((fault.kind.edifact(), tag(fault, "UNT"))),
        None if !is_taken(agreement, &message.kind) => Some(("17", "UNH")),
        None => None,
    };
    if let Some((code, tag)) = error.filter(|_| is_rejected) {
        first.extend([vec![code.to_owned()], vec![tag.to_owned()]]);
    }
    rows.push(first);
    // What is accepted has no errors to be told of in this message.
    if is_rejected {
        segment_rows(&verdict.findings, rows);
    }
}

fn segment_rows(findings: &[Finding], rows: &mut Vec<Row>) {
    let mut position = 0;
    for finding in findings {
        if finding.element == 0 {
            rows.push(row(["UCS", &finding.position.to_string(), finding.kind.edifact()]));
            position = 0;
            continue;
        }
        if finding.position != position {
            rows.push(row(["UCS", &finding.position.to_string()]));
            position = finding.position;
        }
        // The identifier of the segment counts as the first element.
        let mut place = vec![(finding.element + 1).to_string()];
        if finding.component > 0 {
            place.push(finding.component.to_string());
        }
        rows.push(vec![vec!["UCD".to_owned()], vec![finding.kind.edifact().to_owned()], place]);
    }
}
