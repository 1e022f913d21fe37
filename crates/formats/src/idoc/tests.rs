//! IDocs: both forms give the same, what is refused, and the way back.

use proptest::prelude::*;

use super::layout::type_of;
use crate::tests::{check, decoded, format};
use crate::{Format, decode, encode};

/// The layout of the tests: a header, parties with identifiers, lines with schedule lines.
const LAYOUT: &str = "layout: { E2EDK01005: { fields: { ACTION: 3, CURCY: 3, BELNR: 10 } }, E2EDKA1003: { fields: { PARVW: 3, PARTN: 10 } }, \
E2EDKA3: { under: E1EDKA1, fields: { QUALP: 3, STDPN: 8 } }, E2EDP01008: { fields: { POSEX: 6, MENGE: 15, MENEE: 3 } }, \
E2EDP20001: { under: E1EDP01, fields: { WMENG: 15, EDATU: 8 } }, Z2NOTE000: { segment: Z1NOTE, under: E1EDP20, fields: { TEXT: 20 } } }";

fn idoc(more: &str) -> Format {
    format(&format!("idoc: {{ {more}{LAYOUT} }}"))
}

fn control(number: u32) -> String {
    format!("EDI_DC40  800{number:016}758 3012  {:30}{:30}{:30}", "ORDERS05", "", "ORDERS")
}

fn record(name: &str, number: &str, above: &str, level: &str, data: &str) -> String {
    format!("{name:30}800{:016}{number:6}{above:6}{level:2}{data}", 7)
}

fn sample(separator: &str, numbers: impl Fn(u32) -> String) -> String {
    let above = |number: u32| numbers(number);
    [
        control(7),
        record("E2EDK01005", "000001", &above(0), "01", "000EUR4500000001"),
        record("E2EDKA1003", "000002", &above(0), "02", "WE 1460      "),
        record("E2EDKA3", "000003", &above(2), "03", "001LS_D44  "),
        record("E2EDKA1003", "000004", &above(0), "02", "AG Ä1460"),
        record("E2EDP01008", "000005", &above(0), "02", "000010         12.500KGM   "),
        record("E2EDP20001", "000006", &above(5), "03", "         12.00020261201"),
        record("Z2NOTE000", "000007", &above(6), "04", " so far"),
        record("E2EDP20001", "000008", &above(5), "03", ""),
        record("E2EDP01009", "000009", &above(0), "02", "000020"),
    ]
    .join(separator)
}

const SAMPLE_JSON: &str = r#"{"EDI_DC40":{"TABNAM":"EDI_DC40","MANDT":"800","DOCNUM":"0000000000000007","DOCREL":"758","STATUS":"30","DIRECT":"1","OUTMOD":"2","IDOCTYP":"ORDERS05","MESTYP":"ORDERS"},"E1EDK01":[{"ACTION":"000","CURCY":"EUR","BELNR":"4500000001"}],"E1EDKA1":[{"PARVW":"WE","PARTN":"1460","E1EDKA3":[{"QUALP":"001","STDPN":"LS_D44"}]},{"PARVW":"AG","PARTN":"Ä1460"}],"E1EDP01":[{"POSEX":"000010","MENGE":"         12.500","MENEE":"KGM","E1EDP20":[{"WMENG":"         12.000","EDATU":"20261201","Z1NOTE":[{"TEXT":" so far"}]},{}]},{"POSEX":"000020"}]}"#;

fn only(format: &Format, input: &[u8]) -> String {
    match &decoded(format, input)[..] {
        [Ok(document)] => String::from_utf8_lossy(&document.json).into_owned(),
        [Err(error)] => format!("{} {error}", error.code),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_flat_idoc_becomes_a_tree() {
    for separator in ["\r\n", "\n", "\r"] {
        assert_eq!(only(&idoc(""), sample(separator, |above| format!("{above:06}")).as_bytes()), SAMPLE_JSON);
    }
    // Without numbers the layout tells, in another order than the levels.
    assert_eq!(only(&idoc(""), sample("\n", |_| String::new()).as_bytes()), SAMPLE_JSON);
    assert_eq!(only(&idoc(""), sample("\n", |_| "000000".to_owned()).as_bytes()), SAMPLE_JSON);
    // Without both the levels do.
    let raw = only(&format("idoc"), sample("\n", |_| String::new()).as_bytes());
    assert!(raw.contains(r#""E1EDP20":[{"@SEGNAM":"E2EDP20001","SDATA":"         12.00020261201","Z1NOTE":[{"@SEGNAM":"Z2NOTE000","SDATA":" so far"}]},"#), "{raw}");
    let latin = crate::Encoding::named("latin-1").expect("known");
    let mut bytes = Vec::new();
    latin.encode(&sample("\r\n", |above| format!("{above:06}")), &mut bytes).expect("latin");
    assert_eq!(only(&idoc("encoding: latin-1, "), &bytes), SAMPLE_JSON);
    let ebcdic = crate::Encoding::named("cp500").expect("known");
    let mut bytes = Vec::new();
    ebcdic.encode(&sample("\u{85}", |above| format!("{above:06}")), &mut bytes).expect("EBCDIC");
    assert_eq!(only(&idoc("encoding: cp500, "), &bytes), SAMPLE_JSON);
}

#[test]
fn xml_gives_the_same() {
    let xml = "<?xml version='1.0'?>\n<ORDERS05><IDOC BEGIN='1'>\n<EDI_DC40 SEGMENT='1'><TABNAM>EDI_DC40</TABNAM><MANDT>800</MANDT>\
<DOCNUM>0000000000000007</DOCNUM><DOCREL>758</DOCREL><STATUS>30</STATUS><DIRECT>1</DIRECT><OUTMOD>2</OUTMOD><EXPRSS></EXPRSS><IDOCTYP>ORDERS05</IDOCTYP>\
<CIMTYP/><MESTYP>ORDERS  </MESTYP></EDI_DC40>\n<E1EDK01 SEGMENT='1'><ACTION>000</ACTION><CURCY>EUR</CURCY><BELNR>4500000001</BELNR></E1EDK01>\
<E1EDKA1 SEGMENT='1'><PARVW>WE</PARVW><PARTN>1460</PARTN><E1EDKA3 SEGMENT='1'><QUALP>001</QUALP><STDPN>LS_D44</STDPN></E1EDKA3></E1EDKA1>\
<E1EDKA1 SEGMENT='1'><PARVW>AG</PARVW><PARTN>Ä1460</PARTN></E1EDKA1>\
<E1EDP01 SEGMENT='1'><POSEX>000010</POSEX><MENGE>         12.500</MENGE><MENEE>KGM</MENEE><E1EDP20 SEGMENT='1'><WMENG>         12.000</WMENG>\
<EDATU>20261201</EDATU><Z1NOTE SEGMENT='1'><TEXT> so far</TEXT></Z1NOTE></E1EDP20><E1EDP20 SEGMENT='1'/></E1EDP01>\
<E1EDP01 SEGMENT='1'><POSEX>000020</POSEX></E1EDP01>\n</IDOC></ORDERS05>";
    assert_eq!(only(&format("idoc"), xml.as_bytes()), SAMPLE_JSON);
    let two = xml.replace("</IDOC>", "</IDOC><IDOC><E1X/><E1Y>t</E1Y></IDOC>");
    let items = decoded(&format("idoc"), two.as_bytes());
    assert_eq!(items.len(), 2);
    assert_eq!(items[1].as_ref().expect("good").json, br#"{"E1X":[{}],"E1Y":[{"SDATA":"t"}]}"#.as_slice());
    let refused = only(&format("idoc"), b"<html>Service Unavailable</html>");
    assert_eq!(refused, "idoc-missing there is no IDOC element in the document (line 1)");
    // A whole XML document or nothing.
    assert!(only(&format("idoc"), &xml.as_bytes()[..600]).starts_with("xml-syntax"));
}

#[test]
fn what_is_no_idoc_is_refused_whole() {
    let head = control(1);
    let line = |number: &str, above: &str| record("E2EDKA1003", number, above, "02", "WE 1460");
    check(
        &format!("idoc: {{ {LAYOUT} }}"),
        format!("{}\n{head}\n{}\n", line("000001", "000000"), line("000001", "000000")),
        &[
            "error idoc-record the IDoc does not begin with its control record EDI_DC40 (line 1) \"E2EDKA1003                    8000000000\"",
            r#"line 2: {"EDI_DC40":{"TABNAM":"EDI_DC40","MANDT":"800","DOCNUM":"0000000000000001","DOCREL":"758","STATUS":"30","DIRECT":"1","OUTMOD":"2","IDOCTYP":"ORDERS05","MESTYP":"ORDERS"},"E1EDKA1":[{"PARVW":"WE","PARTN":"1460"}]}"#,
        ],
    );
    for (rest, expected) in [
        (
            format!("{}\n", line("000002", "000009")),
            "idoc-hierarchy the segment 000002 says that 000009 is above it, which is not before it (line 2)",
        ),
        (
            "E2EDKA1003\n".to_owned(),
            "idoc-record the record is shorter than the 63 characters in front of a segment's data (line 2)",
        ),
        (
            format!("{}{}\n", line("000001", ""), "x".repeat(1100)),
            "idoc-record the record has more than the 1000 characters of a segment (line 2)",
        ),
        (
            format!("{}{}\n", line("000001", ""), "x".repeat(9000)),
            "idoc-limit the record is longer than 8192 bytes (line 2)",
        ),
    ] {
        let items = decoded(&idoc(""), format!("{head}\n{rest}").as_bytes());
        let [Err(error)] = &items[..] else { panic!("{items:?}") };
        assert_eq!(format!("{} {error}", error.code), expected);
        assert!(error.raw.starts_with(head.as_bytes()), "the whole IDoc");
    }
    // A bad byte refuses its IDoc, and the next is read.
    let mut bytes = format!("{head}\n{}", line("000001", "")).into_bytes();
    bytes.push(0xE9);
    bytes.extend(format!("\n{}\n{head}\n", line("000002", "")).bytes());
    let items = decoded(&idoc(""), &bytes);
    assert!(
        matches!(&items[..], [Err(error), Ok(_)] if error.code == "idoc-encoding" && error.at.column == 71),
        "{items:?}"
    );
    assert!(only(&idoc(""), b"EDI_DC    8000000").contains("not EDI_DC40"));
    // Segments that are each under the one before.
    let deep: String = (1..100)
        .map(|number| format!("{}\n", line(&format!("{number:06}"), &format!("{:06}", number - 1))))
        .collect();
    assert!(
        only(&idoc(""), format!("{head}\n{deep}").as_bytes())
            .starts_with("idoc-hierarchy segments are nested more than 50 deep (line 52)")
    );
    let small = idoc("bytes: 250, ");
    let items = decoded(
        &small,
        format!("{head}\n{}\n{}\n{}\n{head}", line("1", ""), line("2", ""), line("3", "")).as_bytes(),
    );
    assert!(
        matches!(&items[..], [Err(first), Err(second), Ok(_)] if first.code == "idoc-limit" && second.code == "idoc-limit"),
        "{items:?}"
    );
}

#[test]
fn later_and_unknown_segments_lose_nothing() {
    let input = format!(
        "{}\n{}\n{}\n",
        control(7),
        record("E2EDK01006", "000001", "", "01", "000EUR4500000001NEW"),
        record("E2TXTP1", "000002", "", "02", "free text")
    );
    let read = only(&idoc(""), input.as_bytes());
    assert!(read.ends_with(r#""E1EDK01":[{"ACTION":"000","CURCY":"EUR","BELNR":"4500000001","@REST":"NEW"}],"E1TXTP1":[{"@SEGNAM":"E2TXTP1","SDATA":"free text"}]}"#), "{read}");
    let written = encode(&idoc("form: flat, "), [read.as_bytes()]).expect("written");
    assert_eq!(only(&idoc(""), &written), read);
    let error = encode(&idoc(""), [read.as_bytes()]).expect_err("XML has no place for it");
    assert_eq!(error.message, "the segment `E1EDK01` is as it stood in a flat file");
}

#[test]
fn a_status_record_is_a_document() {
    let status = format!(
        "EDI_DS40  800{:016}20261127093000{:2}{:3}{:20}{:3}{:1}{:50}",
        7, "53", "SAP", "VG", "311", "S", "Sales order"
    );
    check(
        "idoc",
        format!("{status}\n{}", control(7)),
        &[
            r#"line 1: {"EDI_DS40":{"TABNAM":"EDI_DS40","MANDT":"800","DOCNUM":"0000000000000007","LOGDAT":"20261127","LOGTIM":"093000","STATUS":"53","STAMQU":"SAP","STAMID":"VG","STAMNO":"311","STATYP":"S","STAPA1":"Sales order"}}"#,
            r#"line 2: {"EDI_DC40":{"TABNAM":"EDI_DC40","MANDT":"800","DOCNUM":"0000000000000007","DOCREL":"758","STATUS":"30","DIRECT":"1","OUTMOD":"2","IDOCTYP":"ORDERS05","MESTYP":"ORDERS"}}"#,
        ],
    );
    let read = only(&format("idoc"), status.as_bytes());
    let written = encode(&format("idoc: { form: flat }"), [read.as_bytes()]).expect("written");
    assert_eq!(written.len(), 562 + 2);
    assert_eq!(only(&format("idoc"), &written), read);
}

#[test]
fn documents_become_idocs() {
    let flat = encode(&idoc("form: flat, line_end: lf, "), [SAMPLE_JSON.as_bytes()]).expect("written");
    let text = String::from_utf8(flat.clone()).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0].len(), 524);
    assert_eq!(&lines[3][..74], "E2EDKA3                       800000000000000000700000300000203001LS_D44  ");
    assert!(
        lines[9].starts_with("E2EDP01008                    8000000000000000007000009000000020"),
        "{}",
        lines[9]
    );
    assert_eq!(only(&idoc(""), &flat), SAMPLE_JSON);
    let xml = encode(&format("idoc"), [SAMPLE_JSON.as_bytes(), SAMPLE_JSON.as_bytes()]).expect("written");
    let texts: Vec<_> =
        decode(&format("idoc"), &xml).map(|item| item.expect("good").json.into_owned()).collect();
    assert_eq!(texts, [SAMPLE_JSON.as_bytes(), SAMPLE_JSON.as_bytes()]);
    assert!(
        String::from_utf8_lossy(&xml)
            .contains("<ORDERS05>\n<IDOC BEGIN=\"1\"><EDI_DC40 SEGMENT=\"1\"><TABNAM>")
    );
    // Members in another order are put into that of the layout.
    let mixed = r#"{"E1EDP01":[{"E1EDP20":{"EDATU":"20261201"},"POSEX":"1"}],"E1EDK01":[{"CURCY":"EUR"}],"EDI_DC40":{"IDOCTYP":"ORDERS05"}}"#;
    let text = String::from_utf8(encode(&idoc("form: flat, "), [mixed.as_bytes()]).expect("written"))
        .expect("UTF-8");
    let names: Vec<&str> = text.lines().map(|line| line[..10].trim()).collect();
    assert_eq!(names, ["EDI_DC40", "E2EDK01005", "E2EDP01008", "E2EDP20001"]);
}

#[test]
fn what_no_idoc_can_hold_is_refused() {
    let refused =
        |form: &str, document: &str| encode(&idoc(form), [document.as_bytes()]).expect_err(document).message;
    let flat = "form: flat, ";
    for (form, document, expected) in [
        ("", "[]", "an IDoc is an object"),
        ("", "{}", "the document has no control record `EDI_DC40`"),
        ("", r#"{"EDI_DC40":{}}"#, "`EDI_DC40` has no IDOCTYP, which is the root of the XML"),
        ("", r#"{"EDI_DC40":{"IDOCTYP":"A B"}}"#, "\"A B\" is not a name for an element or attribute"),
        (
            "",
            r#"{"EDI_DC40":{"IDOCTYP":"A"},"E1X":["t"]}"#,
            "the segment `E1X` is an object, and this is string",
        ),
        (flat, r#"{"EDI_DC40":{"IDOCTYPE":"A"}}"#, "`EDI_DC40` has no field `IDOCTYPE`"),
        (flat, r#"{"EDI_DC40":{},"E1X":[{}]}"#, "the layout has no segment `E1X`"),
        (
            flat,
            r#"{"EDI_DC40":{},"E1EDK01":[{"CURCY":"EURO"}]}"#,
            "`CURCY` of `E1EDK01` has 3 characters, and \"EURO\" does not fit",
        ),
        (
            flat,
            r#"{"EDI_DC40":{},"E1EDK01":[{"CURRENCY":"EUR"}]}"#,
            "the segment `E1EDK01` has no field `CURRENCY` in the layout",
        ),
        (
            flat,
            r#"{"EDI_DC40":{},"E1EDK01":[{"CURCY":"E\nR"}]}"#,
            "`CURCY` of `E1EDK01` has a line end in it",
        ),
        (
            "form: flat, encoding: latin-1, ",
            r#"{"EDI_DC40":{},"E1EDK01":[{"CURCY":"€"}]}"#,
            "latin-1 has no '€'",
        ),
    ] {
        assert_eq!(refused(form, document), expected);
    }
    let two = [r#"{"EDI_DC40":{"IDOCTYP":"A"}}"#.as_bytes(), r#"{"EDI_DC40":{"IDOCTYP":"B"}}"#.as_bytes()];
    assert_eq!(
        encode(&format("idoc"), two).expect_err("two types").message,
        "the file has IDocs of type A, and this is B"
    );
}

#[test]
fn a_definition_names_its_type() {
    for (definition, expected) in [
        ("E2EDK01005", "E1EDK01"),
        ("E2EDK01", "E1EDK01"),
        ("E2EDK14", "E1EDK14"),
        ("E2EDKA1003", "E1EDKA1"),
        ("E2MARAM009", "E1MARAM"),
        ("E2TXTP1", "E1TXTP1"),
        ("E2STATS001", "E1STATS"),
        ("E2AFKOL005", "E1AFKOL"),
        ("E2BP2017_GM_HEAD_01", "E1BP2017_GM_HEAD_01"),
        ("E2BP2017_GM_ITEM_CREATE002", "E1BP2017_GM_ITEM_CREATE"),
        ("Z2NOTE000", "Z1NOTE"),
        ("E1EDK01", "E1EDK01"),
        ("2", "2"),
        ("", ""),
    ] {
        assert_eq!(type_of(definition), expected);
    }
}

/// The form of transaction WE60, written anew for the segments of the sample.
const PARSER_TEXT: &str = "
BEGIN_RECORD_SECTION
  BEGIN_CONTROL_RECORD
    BEGIN_FIELDS
      NAME TABNAM
        TEXT Name of Table Structure
        LENGTH 000010
    END_FIELDS
  END_CONTROL_RECORD
END_RECORD_SECTION
BEGIN_SEGMENT_SECTION
  BEGIN_IDOC ORDERS05
    BEGIN_SEGMENT E2EDP01008
      SEGMENTTYPE E1EDP01
      LEVEL 02
      LOOPMAX 9999999999
      BEGIN_FIELDS
        NAME POSEX
          TEXT Item Number
          TYPE CHARACTER
          LENGTH 000006
          FIELD_POS 0001
          CHARACTER_FIRST 000064
          CHARACTER_LAST 000069
        NAME MENGE
          LENGTH 000015
      END_FIELDS
    END_SEGMENT
    BEGIN_SEGMENT E2EDP20001
      SEGMENTTYPE E1EDP20
      LEVEL 03
      BEGIN_FIELDS
        NAME WMENG
          LENGTH 000015
      END_FIELDS
    END_SEGMENT
    BEGIN_SEGMENT Z2NOTE000
      SEGMENTTYPE Z1NOTE
      LEVEL 02
      BEGIN_FIELDS
        NAME TEXT
          LENGTH 000020
      END_FIELDS
    END_SEGMENT
  END_IDOC
END_SEGMENT_SECTION
";

#[test]
fn a_layout_is_what_sap_writes_for_parsers() {
    let format: Format =
        serde_json::from_value(serde_json::json!({ "idoc": { "layout": PARSER_TEXT } })).expect("a layout");
    let input = format!(
        "{}\n{}\n{}\n{}",
        control(7),
        record("E2EDP01008", "", "", "", "000010 5"),
        record("E2EDP20001", "", "", "", "7"),
        record("Z2NOTE000", "", "", "", "x")
    );
    let read = only(&format, input.as_bytes());
    assert!(read.ends_with(r#""E1EDP01":[{"POSEX":"000010","MENGE":" 5","E1EDP20":[{"WMENG":"7"}]}],"Z1NOTE":[{"TEXT":"x"}]}"#), "{read}");
    let list = serde_json::json!({ "idoc": { "layout": [PARSER_TEXT, { "E2EDK14": { "fields": { "QUALF": 3 } } }] } });
    assert!(serde_json::from_value::<Format>(list).is_ok());
    let wrong = |yaml: &str| serde_saphyr::from_str::<Format>(yaml).expect_err(yaml).to_string();
    for (yaml, expected) in [
        ("idoc: { layout: x.yaml }", "the text has no BEGIN_SEGMENT"),
        ("idoc: { layout: { E2X: {} } }", "missing field `fields`"),
        ("idoc: { layout: { E2X: { fields: {} } } }", "the segment `E2X` needs fields with lengths"),
        ("idoc: { layout: { E2X: { fields: { A: 1001 } } } }", "together 1000 characters at most"),
        (
            "idoc: { layout: [{ E2X: { fields: { A: 1 } } }, { E2X: { fields: { A: 2 } } }] }",
            "is there twice, with other fields",
        ),
        ("idoc: { form: sheet }", "unknown variant `sheet`"),
    ] {
        let error = wrong(yaml);
        assert!(error.contains(expected), "{yaml}: {error}");
    }
}

fn field() -> impl Strategy<Value = String> {
    proptest::string::string_regex("([ -~äß]{0,5}[a-z0-9])?").expect("a pattern")
}

prop_compose! {
    fn document()(
        head in field(),
        parties in prop::collection::vec((field(), prop::collection::vec(field(), 0..3)), 0..3),
        lines in prop::collection::vec((field(), prop::collection::vec((field(), prop::collection::vec(field(), 0..2)), 0..3)), 0..4),
    ) -> serde_json::Value {
        use serde_json::{Value, json};
        let with = |mut segment: Value, name: &str, below: Vec<Value>| {
            segment.as_object_mut().expect("an object").retain(|_, value| value != "");
            if !below.is_empty() {
                segment[name] = below.into();
            }
            segment
        };
        let leaf = |segment| with(segment, "", vec![]);
        let control = json!({ "EDI_DC40": { "TABNAM": "EDI_DC40", "IDOCTYP": "ORDERS05" }, "E1EDK01": [leaf(json!({ "BELNR": head }))] });
        let parties = parties.into_iter().map(|(partner, ids)| {
            with(json!({ "PARTN": partner }), "E1EDKA3", ids.into_iter().map(|id| leaf(json!({ "STDPN": id }))).collect())
        });
        let lines = lines.into_iter().map(|(quantity, schedule)| {
            let below = schedule.into_iter().map(|(quantity, notes)| {
                with(json!({ "WMENG": quantity }), "Z1NOTE", notes.into_iter().map(|note| leaf(json!({ "TEXT": note }))).collect())
            });
            with(json!({ "MENGE": quantity }), "E1EDP20", below.collect())
        });
        let document = with(control, "E1EDKA1", parties.collect());
        with(document, "E1EDP01", lines.collect())
    }
}

proptest! {
    // Each case is decoded in many ways.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What both forms hold is the same, and is what was written.
    #[test]
    fn what_is_written_is_read_back(documents in prop::collection::vec(document(), 1..3)) {
        let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
        for form in ["form: flat, ", "form: flat, encoding: cp273, ", "form: flat, encoding: latin-1, line_end: lf, ", ""] {
            let format = idoc(form);
            let written = encode(&format, texts.iter().map(String::as_bytes)).expect("written");
            let read: Vec<serde_json::Value> = decoded(&format, &written)
                .into_iter()
                .map(|item| serde_json::from_slice(&item.expect("good").json).expect("JSON"))
                .collect();
            prop_assert_eq!(&read, &documents, "{}", form);
        }
    }

    /// Any records at all: nothing is lost, whatever they are cut into.
    #[test]
    fn no_record_is_lost(kinds in prop::collection::vec((0usize..7, 0u32..6, 0u32..6), 0..20)) {
        let lines: Vec<String> = kinds
            .iter()
            .map(|(kind, number, above)| match kind {
                0 | 1 => control(*number),
                2 => "E2EDKA1003".to_owned(),
                kind => {
                    let name = ["E2EDP01008", "E2EDP20001", "E2XYZ", "EDI_DC"][kind - 3];
                    record(name, &format!("{number:06}"), &format!("{above:06}"), "02", "some data")
                }
            })
            .collect();
        let input = lines.join("\n");
        let items = decoded(&idoc("bytes: 2KiB, "), input.as_bytes());
        let mut covered = vec![false; input.len()];
        for item in &items {
            let range = match item {
                Ok(document) => document.range(),
                Err(error) => error.range(),
            };
            covered[range.start as usize..range.end as usize].fill(true);
        }
        prop_assert!(covered.iter().all(|covered| *covered));
    }
}
