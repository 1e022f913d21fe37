//! What answers say, and what is read in those of others.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use super::*;
use crate::edi::received;
use crate::edi::tests::{edifact, isa, x12};

const NOW: Circumstances<'_> =
    Circumstances { control: "42", at: "2026-02-01T08:00:00Z", is_duplicate: false };

fn answered(dialect: Dialect, input: &str, agreement: &Agreement, now: Circumstances<'_>) -> Acknowledgement {
    let interchanges = received(dialect, input.as_bytes());
    acknowledge(input.as_bytes(), &interchanges[0], agreement, now).expect("an answer")
}

/// The segments of an answer without its envelope.
fn rows(answer: &Acknowledgement) -> Vec<String> {
    let text = String::from_utf8(answer.text.clone()).expect("text");
    let is_row = |row: &&str| ["AK", "IK", "TA1", "UC"].iter().any(|tag| row.starts_with(tag));
    text.split(['~', '\'']).filter(is_row).map(str::to_owned).collect()
}

const GOOD: &str = "BEG*00*SA*4500001234**20260131~PO1*1*100*EA*0.09~CTT*1~";
const BAD: &str = "BEG*00*SA***20260231~XYZ*1~W05*N~CTT*a~PO1*1*1x*EA~";

#[test]
fn a_group_is_answered_by_a_997() {
    let input = x12(&[("850", GOOD), ("850", BAD)]);
    let answer = answered(Dialect::X12, &input, &Agreement::default(), NOW);
    let text = String::from_utf8(answer.text.clone()).expect("text");
    assert!(
        text.starts_with("ISA*00*          *00*          *ZZ*BOLTS          *ZZ*ACME           *260201*0800*U*00401*000000042*0*P*>~"),
        "{text}"
    );
    assert!(text.contains("~GS*FA*BOLTS*ACME*20260201*0800*42*X*004010~ST*997*0001~"), "{text}");
    assert!(text.ends_with("~SE*17*0001~GE*1*42~IEA*1*000000042~"), "{text}");
    assert_eq!(
        rows(&answer),
        [
            "AK1*PO*7",
            "AK2*850*0001",
            "AK5*A",
            "AK2*850*0002",
            "AK3*BEG*2**8",
            "AK4*3**1",
            "AK4*5**8*20260231",
            "AK3*XYZ*3**1",
            "AK3*W05*4**6",
            "AK3*CTT*5**8",
            "AK4*1**6*a",
            "AK3*PO1*6**8",
            "AK4*2**6*1x",
            "AK5*E*5",
            "AK9*E*2*2*2",
        ]
    );
    let outcomes: Vec<Outcome> = answer.verdicts.iter().map(|verdict| verdict.outcome).collect();
    use Outcome::{Accepted, AcceptedWithErrors};
    assert_eq!(outcomes, [Accepted, AcceptedWithErrors, Accepted, AcceptedWithErrors]);
    assert_eq!(answer.verdicts[3].reasons()[0], "segment 2, BEG03: it is missing");
    // Where errors reject, the second is rejected; where only envelopes count, nothing is.
    let strict = Agreement { rejects_errors: true, functional: Functional::F999, ..Agreement::default() };
    let answer = answered(Dialect::X12, &input, &strict, NOW);
    let rows_of = rows(&answer);
    assert_eq!(rows_of[0], "AK1*PO*7*004010");
    assert_eq!(rows_of[4], "IK3*BEG*2**8");
    assert_eq!(rows_of[rows_of.len() - 2..], ["IK5*R*5", "AK9*P*2*2*1"]);
    let shallow = Agreement { depth: Depth::Envelope, ..Agreement::default() };
    assert_eq!(
        rows(&answered(Dialect::X12, &input, &shallow, NOW)).last().map(String::as_str),
        Some("AK9*A*2*2*2")
    );
}

#[test]
fn faults_of_an_envelope_reject_the_set() {
    let input = x12(&[("850", GOOD), ("850", GOOD)])
        .replace("SE*5*0001", "SE*6*0009")
        .replace("GE*2*7", "GE*3*8")
        .replace("IEA*1*000000007", "IEA*1*000000008");
    let faulty = Agreement { ta1: Ta1::Faults, ..Agreement::default() };
    let answer = answered(Dialect::X12, &input, &faulty, NOW);
    assert_eq!(
        rows(&answer),
        [
            "TA1*000000007*260131*0915*E*001",
            "AK1*PO*7",
            "AK2*850*0001",
            "AK5*R*4*3",
            "AK2*850*0002",
            "AK5*A",
            "AK9*P*3*2*1*5*4",
        ]
    );
}

#[test]
fn what_is_not_agreed_is_rejected() {
    let input = x12(&[("850", GOOD)]);
    let other = Agreement { takes: vec!["855".to_owned()], ..Agreement::default() };
    assert_eq!(
        rows(&answered(Dialect::X12, &input, &other, NOW)),
        ["AK1*PO*7", "AK2*850*0001", "AK5*R*1", "AK9*R*1*1*0"]
    );
    let stranger = Agreement { us: vec!["NUTS".to_owned()], ..Agreement::default() };
    assert_eq!(rows(&answered(Dialect::X12, &input, &stranger, NOW)), ["TA1*000000007*260131*0915*R*008"]);
    let again = Circumstances { is_duplicate: true, ..NOW };
    assert_eq!(
        rows(&answered(Dialect::X12, &input, &Agreement::default(), again)),
        ["TA1*000000007*260131*0915*R*025"]
    );
    let order = edifact(&[("ORDERS", "BGM+220+1'UNS+S'")]);
    assert_eq!(
        rows(&answered(Dialect::Edifact, &order, &other, NOW)),
        ["UCI+7+ACME:14+BOLTS:14+7", "UCM+1+ORDERS:D:96A:UN+4+17+UNH"]
    );
    assert_eq!(rows(&answered(Dialect::Edifact, &order, &stranger, NOW)), ["UCI+7+ACME:14+BOLTS:14+4+7+UNB"]);
    assert_eq!(
        rows(&answered(Dialect::Edifact, &order, &Agreement::default(), again)),
        ["UCI+7+ACME:14+BOLTS:14+4+26+UNB"]
    );
}

#[test]
fn an_answer_is_not_answered() {
    let input = x12(&[("850", GOOD)]);
    let answer = answered(Dialect::X12, &input, &Agreement::default(), NOW);
    let text = String::from_utf8(answer.text).expect("text");
    assert!(answered(Dialect::X12, &text, &Agreement::default(), NOW).text.is_empty());
    let contrl =
        answered(Dialect::Edifact, &edifact(&[("ORDERS", "BGM+220+1'UNS+S'")]), &Agreement::default(), NOW);
    let text = String::from_utf8(contrl.text).expect("text");
    assert!(answered(Dialect::Edifact, &text, &Agreement::default(), NOW).text.is_empty());
    let ta1 = format!("{}TA1*000000012*260130*1000*A*000~IEA*0*000000007~", isa("7", "00401", 'U', '>', '~'));
    let always = Agreement { ta1: Ta1::Always, ..Agreement::default() };
    assert!(answered(Dialect::X12, &ta1, &always, NOW).text.is_empty());
}

#[test]
fn messages_are_answered_by_a_contrl() {
    let good = "BGM+220+4500001234+9'DTM+137:20260131:102'LIN+1'QTY+21:48:PCE'UNS+S'CNT+2:1'";
    let bad = "BGM+220+4500001235+9'DTM'XYZ+1'LIN+1'QTY+21'CNT+2:x'";
    let input = edifact(&[("ORDERS", good), ("ORDERS", bad)]);
    let lenient = answered(Dialect::Edifact, &input, &Agreement::default(), NOW);
    let text = String::from_utf8(lenient.text.clone()).expect("text");
    assert_eq!(
        text,
        "UNB+UNOC:3+BOLTS:14+ACME:14+260201:0800+42'UNH+1+CONTRL:D:3:UN'UCI+7+ACME:14+BOLTS:14+7'\
         UCM+1+ORDERS:D:96A:UN+7'UCM+2+ORDERS:D:96A:UN+7'UNT+5+1'UNZ+1+42'"
    );
    assert_eq!(lenient.verdicts[2].outcome, Outcome::AcceptedWithErrors);
    let strict = Agreement { rejects_errors: true, ..Agreement::default() };
    let answer = answered(Dialect::Edifact, &input, &strict, NOW);
    assert_eq!(
        rows(&answer),
        [
            "UCI+7+ACME:14+BOLTS:14+7",
            "UCM+1+ORDERS:D:96A:UN+7",
            "UCM+2+ORDERS:D:96A:UN+4",
            "UCS+3",
            "UCD+13+2:1",
            "UCS+4+15",
            "UCS+6",
            "UCD+13+2:2",
            "UCS+7",
            "UCD+37+2:2",
            "UCS+8+13",
        ]
    );
    let counted = input.replace("UNT+8+1", "UNT+9+1").replace("UNZ+2", "UNZ+3");
    let answer = answered(Dialect::Edifact, &counted, &Agreement::default(), NOW);
    assert_eq!(rows(&answer)[1], "UCM+1+ORDERS:D:96A:UN+4+29+UNT");
    let answer = answered(Dialect::Edifact, &counted, &strict, NOW);
    assert_eq!(rows(&answer), ["UCI+7+ACME:14+BOLTS:14+4+29+UNZ"]);
}

fn sent(group: Option<&str>, kind: &str, control: &str) -> Sent {
    let text = str::to_owned;
    Sent { interchange: text("000000007"), group: group.map(text), kind: text(kind), control: text(control) }
}

#[test]
fn what_we_sent_is_found_in_a_997() {
    let input = x12(&[("850", GOOD), ("850", BAD), ("850", GOOD)]).replace("SE*5*0003", "SE*6*0003");
    let answer = answered(Dialect::X12, &input, &Agreement { ta1: Ta1::Always, ..Agreement::default() }, NOW);
    let read = answers(Dialect::X12, &answer.text);
    let ours = [
        sent(Some("7"), "850", "0001"),
        sent(Some("7"), "850", "0002"),
        sent(Some("0007"), "850", "0003"),
        sent(Some("8"), "850", "0001"),
    ];
    let standings = reconcile(&ours, &read);
    let outcomes: Vec<_> = standings.iter().map(|standing| standing.outcome).collect();
    // Of the other group only the interchange is known to have arrived.
    let expected = [Outcome::Accepted, Outcome::AcceptedWithErrors, Outcome::Rejected, Outcome::Received];
    assert_eq!(outcomes, expected.map(Some));
    assert_eq!(
        standings[1].reasons[..2],
        ["segment 2, BEG: elements are in error (8)", "element 3 \"\": a mandatory element is missing (1)"]
    );
    assert_eq!(standings[2].reasons, ["the number of segments differs from the count (4)"]);
    assert_eq!(reconcile(&ours, &[])[0].outcome, None);
}

#[test]
fn what_we_sent_is_found_in_answers_of_others() {
    // Accepted as a whole, with no word of single sets.
    let whole = x12(&[("997", "AK1*PO*7~AK9*A*2*2*2~")]);
    let standing = reconcile(&[sent(Some("7"), "850", "0002")], &answers(Dialect::X12, whole.as_bytes()));
    assert_eq!(standing[0].outcome, Some(Outcome::Accepted));
    let other = x12(&[(
        "999",
        "AK1*PO*7*005010~AK2*850*0001~IK3*N1*4**8~CTX*PO1~IK4*4>1*67*7*XX~IK5*R*5~AK9*R*1*1*0~",
    )]);
    let standing = reconcile(&[sent(Some("7"), "850", "0001")], &answers(Dialect::X12, other.as_bytes()));
    assert_eq!(standing[0].outcome, Some(Outcome::Rejected));
    assert_eq!(
        standing[0].reasons,
        [
            "segment 4, N1: elements are in error (8)",
            "element 4-1 \"XX\": the code is wrong (7)",
            "segments are in error (5)"
        ]
    );
    let contrl = |action: &str, more: &str| {
        let body = format!("UCI+7+A+B+{action}'{more}");
        let read = answers(Dialect::Edifact, edifact(&[("CONTRL", &body)]).as_bytes());
        let mut standing = reconcile(&[sent(None, "ORDERS", "1")], &read);
        standing.remove(0)
    };
    assert_eq!(contrl("8", "").outcome, Some(Outcome::Received));
    assert_eq!(contrl("7", "").outcome, Some(Outcome::Accepted));
    let rejected = contrl("4+28+UNZ", "");
    assert_eq!(rejected.outcome, Some(Outcome::Rejected));
    assert_eq!(rejected.reasons, ["UNZ the references of header and trailer differ (28)"]);
    let one = contrl("7", "UCM+1+ORDERS:D:96A:UN+4'UCS+3+13'UCS+4'UCD+39+3:1'UCM+2+ORDERS:D:96A:UN+7'");
    assert_eq!(one.outcome, Some(Outcome::Rejected));
    assert_eq!(
        one.reasons,
        ["segment 3: something is missing (13)", "element 3-1: a value is too long (39)"]
    );
}

mod generated {
    use proptest::prelude::*;

    use super::*;
    use crate::edi::tests::interchanges;

    proptest! {
        /// Whatever arrives, the answer is well formed and says of each set what the verdict is.
        #[test]
        fn an_answer_says_what_the_verdict_is(input in interchanges(false), rejects_errors: bool) {
            let agreement = Agreement { rejects_errors, ta1: Ta1::Always, ..Agreement::default() };
            for dialect in [Dialect::X12, Dialect::Edifact] {
                for interchange in received(dialect, &input) {
                    let Ok(answer) = acknowledge(&input, &interchange, &agreement, NOW) else { continue };
                    if answer.text.is_empty() {
                        continue;
                    }
                    let again = received(dialect, &answer.text);
                    let text = String::from_utf8_lossy(&answer.text);
                    prop_assert_eq!(again.len(), 1, "{}", text);
                    prop_assert_eq!(again[0].all_faults().count(), 0, "{}", text);
                    let is_set = |level: Level| level == Level::Transaction;
                    let said: Vec<bool> = answers(dialect, &answer.text).iter()
                        .filter(|answer| is_set(answer.level)).map(|answer| answer.outcome == Outcome::Rejected).collect();
                    let meant: Vec<bool> = answer.verdicts.iter()
                        .filter(|verdict| is_set(verdict.level)).map(|verdict| verdict.outcome == Outcome::Rejected).collect();
                    if answer.verdicts[0].outcome != Outcome::Rejected {
                        prop_assert_eq!(said, meant, "{}", text);
                    }
                }
            }
        }
    }
}
