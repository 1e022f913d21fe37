//! What documents look like, which faults are told, what is written.

use super::*;

const ORDER: &str = "BEG*00*SA*4500001234**20260131~CUR*BY*EUR~REF*DP*038~N1*ST*Plant 1*92*P100~N3*Mill Lane 1~\
    N4*Linz**4020*AT~PO1*1*100*EA*0.09**BP*BOLT-M8~PID*F****Bolt M8~SCH*60*EA***002*20260301~\
    SCH*40*EA***002*20260315~PO1*2*3.5*KG*2.10**BP*STEEL~CTT*2~AMT*TT*16.35~";

#[test]
fn an_order_is_a_tree_of_its_loops() {
    let document = one("x12", x12(&[("850", ORDER)]));
    assert_eq!(at(&document, "/type"), r#""850""#);
    assert_eq!(at(&document, "/control"), r#""0001""#);
    assert_eq!(at(&document, "/interchange/sender"), r#"{"qualifier":"ZZ","id":"ACME"}"#);
    assert_eq!(at(&document, "/interchange/control"), r#""000000007""#);
    assert_eq!(
        at(&document, "/interchange/delimiters"),
        r#"{"element":"*","component":">","segment":"~","line_end":"\n"}"#
    );
    assert_eq!(at(&document, "/group/version"), r#""004010""#);
    assert_eq!(at(&document, "/body/BEG"), r#"[["BEG","00","SA","4500001234","","20260131"]]"#);
    assert_eq!(at(&document, "/body/N1_loop/0/N4"), r#"[["N4","Linz","","4020","AT"]]"#);
    assert_eq!(
        at(&document, "/body/PO1_loop/0"),
        r#"{"PO1":[["PO1","1","100","EA","0.09","","BP","BOLT-M8"]],"PID_loop":[{"PID":[["PID","F","","","","Bolt M8"]]}],"SCH_loop":[{"SCH":[["SCH","60","EA","","","002","20260301"]]},{"SCH":[["SCH","40","EA","","","002","20260315"]]}]}"#
    );
    assert_eq!(at(&document, "/body/CTT_loop/0/AMT"), r#"[["AMT","TT","16.35"]]"#);
    assert!(document.get("faults").is_none());
}

#[test]
fn a_message_is_a_tree_of_its_groups() {
    let body = "BGM+220+4500001234+9'DTM+137:20260131:102'NAD+BY+5412345000013::9'CTA+OC+:M. Weber'COM+4312345:TE'\
        LIN+1++4000862141404:SRV'QTY+21:48:PCE'PRI+AAA:12.50'RFF+PD:1'LIN+2++BOLT?+NUT?::VP'QTY+21:3'UNS+S'CNT+2:2'";
    let document = one("edifact", edifact(&[("ORDERS", body)]));
    assert_eq!(at(&document, "/type"), r#""ORDERS""#);
    assert_eq!(at(&document, "/release"), r#""96A""#);
    assert_eq!(at(&document, "/interchange/character_set"), r#""UNOC""#);
    assert_eq!(at(&document, "/body/BGM"), r#"[["BGM",["220"],["4500001234"],["9"]]]"#);
    assert_eq!(at(&document, "/body/NAD_loop/0/CTA_loop/0/COM"), r#"[["COM",["4312345","TE"]]]"#);
    assert_eq!(at(&document, "/body/LIN_loop/0/QTY/0/1"), r#"["21","48","PCE"]"#);
    assert_eq!(at(&document, "/body/LIN_loop/0/PRI_loop/0/PRI"), r#"[["PRI",["AAA","12.50"]]]"#);
    assert_eq!(at(&document, "/body/LIN_loop/1/LIN/0/3"), r#"["BOLT+NUT:","VP"]"#);
    assert_eq!(at(&document, "/body/CNT"), r#"[["CNT",["2","2"]]]"#);
}

#[test]
fn levels_of_a_hierarchy_stand_in_their_parents() {
    let body = "BSN*00*S1*20260131*0915~HL*1**S~TD1*CTN*2~HL*2*1*O~PRF*4500001234~HL*3*2*I~LIN**BP*BOLT-M8~SN1**100*EA~\
        HL*4*2*I~LIN**BP*STEEL~HL*5*1*O~PRF*4500001235~HL*6*9*I~CTT*6~";
    let document = one("x12", x12(&[("856", body)]));
    assert_eq!(at(&document, "/body/HL_loop/0/HL_loop/0/PRF"), r#"[["PRF","4500001234"]]"#);
    assert_eq!(at(&document, "/body/HL_loop/0/HL_loop/0/HL_loop/1/LIN"), r#"[["LIN","","BP","STEEL"]]"#);
    assert_eq!(at(&document, "/body/HL_loop/0/HL_loop/1/PRF"), r#"[["PRF","4500001235"]]"#);
    // A level whose parent is nowhere stands at the top.
    assert_eq!(at(&document, "/body/HL_loop/1/HL"), r#"[["HL","6","9","I"]]"#);
}

#[test]
fn a_hierarchy_without_end_does_not_nest_without_end() {
    let levels: String = (1..500).map(|level| format!("HL*{level}*{}*I~", level - 1)).collect();
    let body = format!("BSN*00*S1*20260131*0915~{levels}");
    let document = one("x12", x12(&[("856", &body)]));
    assert_eq!(document.to_vec().windows(4).filter(|four| four == b"\"HL\"").count(), 499 * 2);
}

#[test]
fn composites_and_repetitions_are_told_apart() {
    let text = format!(
        "{}GS*PO*A*B*20260131*0915*7*X*005010~ST*850*0001~SLN*1**I*1*PC>11.1>2*x^y*a>b^c~SE*3*0001~GE*1*7~IEA*1*000000007~",
        isa("7", "00501", '^', '>', '~')
    );
    let document = one("x12", &text);
    assert_eq!(
        at(&document, "/body/SLN/0"),
        r#"["SLN","1","","I","1",["PC","11.1","2"],[["x"],["y"]],[["a","b"],["c"]]]"#
    );
    // Before 00402 the eleventh element names a standard, whatever stands there.
    let old = text.replace("00501", "00401");
    assert_eq!(at(&one("x12", old), "/body/SLN/0/6"), r#""x^y""#);
    let four = "UNB+UNOC:4+A+B+20260131:0915+7'UNH+1+ORDERS:D:01B:UN'BGM+220+1'IMD+F++a:b*c'UNT+4+1'UNZ+1+7'";
    assert_eq!(at(&one("edifact", four), "/body/IMD/0/3"), r#"[["a","b"],["c"]]"#);
    assert_eq!(at(&one("edifact", four.replace(":4+", ":3+")), "/body/IMD/0/3"), r#"["a","b*c"]"#);
}

#[test]
fn delimiters_are_measured() {
    let plain = x12(&[("850", "BEG*00*SA*1**20260131~CTT*0~")]);
    let with = |element: &str, segment: &str| plain.replace("~\n", segment).replace('*', element);
    for text in [
        with("*", "~"),
        with("*", "\n"),
        with("*", "\r\n"),
        with("*", "\r"),
        with("|", "\x1e"),
        with("\x1d", "\u{85}"),
        with("\t", "~"),
        with("*", "…\r\n"),
        with("¦", "~\n"),
        with("*", "~\r\n   "),
        with("*", " \r\n"),
        format!("\u{feff}\r\n{plain}\0\0\x1a"),
    ] {
        let document = one("x12", &text);
        assert_eq!(at(&document, "/body/BEG/0/3"), r#""1""#, "{text:?}");
        assert_eq!(at(&document, "/body/CTT_loop/0/CTT/0/1").trim_matches('"').trim(), "0", "{text:?}");
        assert!(document.get("faults").is_none(), "{text:?}");
    }
    // One byte that is no character of UTF-8.
    let latin = with("*", "~").into_bytes();
    let latin: Vec<u8> = latin.iter().map(|byte| if *byte == b'~' { 0x85 } else { *byte }).collect();
    assert_eq!(at(&one("x12", latin), "/body/BEG/0/3"), r#""1""#);
}

#[test]
fn una_comes_in_variants() {
    let rest = "UNH+1+ORDERS:D:96A:UN'BGM+220+a?'b+9'UNT+3+1'UNZ+1+7'";
    let unb = "UNB+UNOC:3+A+B+260131:0915+7'";
    let expected = r#"[["BGM",["220"],["a'b"],["9"]]]"#;
    for text in [
        format!("{unb}{rest}"),
        format!("UNA:+.? '{unb}{rest}"),
        format!("UNA:+,? '\r\n{unb}\r\n{rest}"),
        format!("UNA:+.?'\n{unb}{rest}"),
        format!("UNA:+.?'{unb}{rest}"),
        format!("UNA:+.?*'{unb}{rest}"),
        format!("UNA|^.! ~{unb}{rest}")
            .replace("?'", "!~")
            .replace('\'', "~")
            .replace('+', "^")
            .replace(':', "|")
            .replace("a!~b", "a'b"),
        format!("UNA:+.? \n{unb}{rest}").replace('\'', "\n").replace("?\n", "'"),
    ] {
        assert_eq!(at(&one("edifact", &text), "/body/BGM"), expected, "{text:?}");
    }
    // What looks like UNA within a message is a segment of it.
    let inside = edifact(&[("ORDERS", "BGM+220+1'FTX+AAI+++UNA:+.? ?''UNA+1'")]);
    assert_eq!(at(&one("edifact", inside), "/body/UNA"), r#"[["UNA",["1"]]]"#);
    // Level B has no printable delimiters.
    let b = format!("{unb}{rest}").replace("a?'b", "a'b").replace(":3", ":1").replace("7'UNH", "7\x1cUNH");
    let b = b
        .replace("9'", "9\x1c")
        .replace("UN'B", "UN\x1cB")
        .replace("1'UNZ", "1\x1cUNZ")
        .replace("+7'", "+7\x1c");
    let b = b.replace('+', "\x1d").replace(':', "\x1f");
    assert_eq!(at(&one("edifact", b), "/body/BGM"), expected);
}

#[test]
fn release_characters_count_in_pairs() {
    let body = "FTX+a??'FTX+b???''FTX+c?????+d??+e'FTX+??'";
    let document = one("edifact", edifact(&[("ORDERS", body)]));
    assert_eq!(
        at(&document, "/body/FTX"),
        r#"[["FTX",["a?"]],["FTX",["b?'"]],["FTX",["c??+d?"],["e"]],["FTX",["?"]]]"#
    );
}

#[test]
fn faults_of_an_envelope_are_told_and_all_is_shown() {
    let good = x12(&[("850", "BEG*00*SA*1**20260131~"), ("850", "BEG*00*SA*2**20260131~")]);
    let bad = good
        .replace("SE*3*0001", "SE*4*0009")
        .replace("GE*2*7", "GE*3*8")
        .replace("IEA*1*000000007", "IEA*x*7");
    let items = read("x12", &bad);
    assert_eq!(
        errors(&items),
        [
            "x12-envelope: GE counts \"3\" transaction sets, there are 2; GE has the reference \"8\", GS has \"7\" (line 9)",
            "x12-envelope: IEA counts \"x\" functional groups, there are 1; IEA has the reference \"7\", ISA has \"000000007\" (line 10)",
        ]
    );
    let first = parsed(&items[0].as_ref().expect("a document").json);
    assert_eq!(at(&first, "/body/BEG/0/3"), r#""1""#);
    assert_eq!(
        at(&first, "/faults/0"),
        r#"{"level":"transaction","fault":"count","declared":"4","actual":"3","message":"SE counts \"4\" segments, there are 3"}"#
    );
    assert_eq!(at(&first, "/faults/1/fault"), r#""control""#);
    // A source may want nothing of such a set.
    let refused = errors(&read("x12: { on_fault: refuse }", &bad));
    assert_eq!(refused.len(), 3);
    assert!(
        refused[0].starts_with("x12-envelope: SE counts \"4\" segments, there are 3; SE has"),
        "{refused:?}"
    );
}

#[test]
fn trailers_that_are_missing_are_told() {
    let good = x12(&[("850", "BEG*00*SA*1**20260131~")]);
    let cut = &good[..good.find("SE*").expect("a trailer")];
    let items = read("x12", cut);
    assert_eq!(
        errors(&items),
        [
            "x12-envelope: the functional group \"7\" has no GE (line 5)",
            "x12-envelope: the interchange \"000000007\" has no IEA (line 5)",
        ]
    );
    let document = parsed(&items[0].as_ref().expect("a document").json);
    assert_eq!(at(&document, "/faults/0/fault"), r#""no-trailer""#);
    // Another interchange follows one that is not closed.
    let items = read("x12", format!("{cut}{good}"));
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 2);
    assert_eq!(errors(&items).len(), 2);
    // A terminator that is missing at the very end is no reason to lose a segment.
    let items = read("edifact", edifact(&[("ORDERS", "BGM+220+1'")]).trim_end().trim_end_matches('\''));
    assert_eq!((items.len(), errors(&items).len()), (1, 0));
}

#[test]
fn segments_outside_are_shown() {
    let text = x12(&[("850", "BEG*00*SA*1**20260131~")]).replace("GE*1", "ZZZ*1~\nYY*2~\nGE*1");
    let items = read("x12", text);
    let document = parsed(&items[1].as_ref().expect("a document").json);
    assert_eq!(at(&document, "/type"), "null");
    assert_eq!(at(&document, "/body"), r#"{"ZZZ":[["ZZZ","1"]],"YY":[["YY","2"]]}"#);
    assert_eq!(at(&document, "/faults/0/fault"), r#""outside""#);
    let alone = one("edifact", "UNH+1+ORDERS:D:96A:UN'BGM+220+1'UNT+3+1'");
    assert_eq!(at(&alone, "/faults/0/message"), r#""there is no UNB""#);
    assert!(alone.get("interchange").is_none());
}

#[test]
fn a_ta1_and_an_empty_interchange() {
    let text =
        format!("{}\nTA1*000000012*260130*1000*A*000~\nIEA*0*000000007~\n", isa("7", "00401", 'U', '>', '~'));
    let document = one("x12", &text);
    assert_eq!(at(&document, "/body/TA1"), r#"[["TA1","000000012","260130","1000","A","000"]]"#);
    let empty = text.replace("TA1*000000012*260130*1000*A*000~\n", "");
    assert_eq!(
        errors(&read("x12", empty)),
        ["x12-empty: the interchange 000000007 holds no transaction set (line 2)"]
    );
}

#[test]
fn what_is_no_interchange_is_refused_with_its_bytes() {
    let good = x12(&[("850", "BEG*00*SA*1**20260131~")]);
    let items = read("x12", format!("Dear ISA,\nsee below\n{good}-- \nregards"));
    let refused: Vec<_> =
        items.iter().filter_map(|item| item.as_ref().err()).map(|error| error.raw.clone()).collect();
    assert_eq!(refused, [b"Dear ISA,\nsee below\n".to_vec(), b"-- \nregards".to_vec()]);
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 1);
    assert_eq!(read("x12", "").len() + read("edifact", " \r\n").len(), 0);
}

#[test]
fn a_set_that_is_too_long_is_refused_in_parts() {
    let lines: String = (0..40).map(|line| format!("PO1*{line}*100*EA~")).collect();
    let text = x12(&[("850", "BEG*00*SA*1~"), ("850", &lines), ("850", "BEG*00*SA*3~")]);
    let items = read("x12: { bytes: 200 }", &text);
    let refused: Vec<u8> =
        items.iter().filter_map(|item| item.as_ref().err()).flat_map(|error| error.raw.clone()).collect();
    let whole = &text[text.find("ST*850*0002").expect("it")..text.find("ST*850*0003").expect("it")];
    assert_eq!(String::from_utf8_lossy(&refused), whole.trim_end());
    let told = errors(&items);
    let is_limit =
        |error: &String| error.starts_with("x12-limit: the transaction set 850 is longer than 200 bytes");
    assert!(told.iter().all(is_limit), "{told:?}");
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 2);
    // A segment without an end.
    let endless = format!("{}{}", text.split("PO1").next().expect("a start"), "9".repeat(1000));
    let items = read("x12: { bytes: 200 }", endless);
    let refused: usize =
        items.iter().filter_map(|item| item.as_ref().err()).map(|error| error.raw.len()).sum();
    assert!(refused >= 1000, "{refused}");
}

#[test]
fn bytes_beyond_ascii_are_text() {
    let text = x12(&[("850", "N1*BY*Müller~")]);
    assert_eq!(at(&one("x12", &text), "/body/N1_loop/0/N1/0/2"), r#""Müller""#);
    let latin: Vec<u8> = text.chars().map(|character| character as u8).collect();
    let document = one("x12", &latin);
    assert_eq!(at(&document, "/body/N1_loop/0/N1/0/2"), r#""Müller""#);
    assert_eq!(at(&document, "/encoding"), r#""windows-1252""#);
    let again = encode(&format("x12"), [document.to_vec().as_slice()]).expect("written");
    assert_eq!(again, latin);
    let refused = errors(&read("x12: { encoding: utf-8 }", &latin));
    assert_eq!(refused, ["x12-encoding: these bytes are not UTF-8 (line 3)"]);
    let other = b"UNB+UNOX:3+A+B+260131:0915+7'UNH+1+ORDERS:D:96A:UN'FTX+\xC1'UNT+3+1'UNZ+1+7'";
    assert_eq!(at(&one("edifact", other), "/faults/0/fault"), r#""charset""#);
}

#[test]
fn an_order_is_written_from_what_a_mapping_makes() {
    let document = r#"{"type":"850","interchange":{"control":"42","at":"2026-01-31T09:15:00+01:00","receiver":{"id":"BOLTS"}},
        "body":{"BEG":["BEG","00","SA","4500001234",null,"20260131"],
        "PO1_loop":[{"PO1":["PO1",1,100,"EA","0.09",null,"BP","BOLT-M8",null,""],"SCH_loop":{"SCH":["SCH","60","EA"]}},{"PO1":[["PO1","2"]]}],
        "CTT":[["CTT","2"]]}}"#;
    let yaml = "x12: { sender: { id: ACME, qualifier: '01', application: ACME-PUR }, version: '00501', group_version: '005010', line_end: lf, usage: T }";
    assert_eq!(
        written(yaml, &[document]).as_deref(),
        Ok(
            "ISA*00*          *00*          *01*ACME           *ZZ*BOLTS          *260131*0915*^*00501*000000042*0*T*>~\n\
            GS*PO*ACME-PUR*BOLTS*20260131*0915*42*X*005010~\n\
            ST*850*0001~\nBEG*00*SA*4500001234**20260131~\nPO1*1*100*EA*0.09**BP*BOLT-M8~\nSCH*60*EA~\nPO1*2~\nCTT*2~\nSE*7*0001~\n\
            GE*1*42~\nIEA*1*000000042~\n"
        )
    );
    // The next document of the same interchange shares its envelope, another one opens its own.
    let other = document.replace("42", "43");
    let text = written(yaml, &[document, document, &other]).expect("written");
    assert_eq!(text.matches("ISA*").count(), 2);
    assert!(
        text.contains("ST*850*0002~") && text.contains("GE*2*42~") && text.contains("IEA*1*000000043~"),
        "{text}"
    );
}

#[test]
fn an_interchange_that_was_sent_twice_is_written_twice() {
    let one = x12(&[("850", ORDER), ("850", ORDER)]);
    let twice = format!("{one}{one}");
    let documents: Vec<_> =
        read("x12", &twice).into_iter().map(|item| item.expect("a document").json).collect();
    let again = encode(&format("x12"), documents.iter().map(|json| &**json)).expect("written");
    assert_eq!(String::from_utf8(again).expect("text"), twice);
}

#[test]
fn a_message_is_written_from_what_a_mapping_makes() {
    let document = r#"{"type":"ORDERS","association":"EAN008","interchange":{"control":"42","at":"2026-01-31T09:15:00Z"},
        "body":{"BGM":["BGM","220","45'00",["9"]],"DTM":["DTM",["137","20260131","102"]],
        "LIN_loop":[{"LIN":["LIN","1",null,["BOLT:M8",null,""]],"QTY":["QTY",["21",48,null]]}],"UNS":["UNS","S"]}}"#;
    let yaml =
        "edifact: { sender: { id: '5412345000013', qualifier: '14' }, receiver: { id: BOLTS }, test: true }";
    assert_eq!(
        written(yaml, &[document]).as_deref(),
        Ok("UNB+UNOC:3+5412345000013:14+BOLTS+260131:0915+42++++++1'UNH+1+ORDERS:D:96A:UN:EAN008'\
            BGM+220+45?'00+9'DTM+137:20260131:102'LIN+1++BOLT?:M8'QTY+21:48'UNS+S'UNT+7+1'UNZ+1+42'")
    );
    let marked =
        written(&yaml.replace("test: true", "element: '^', line_end: crlf"), &[document]).expect("written");
    assert!(marked.starts_with("UNA:^.? '\r\nUNB^UNOC:3^"), "{marked}");
}

#[test]
fn what_cannot_be_written_is_told() {
    let envelope = r#""type":"850","interchange":{"control":"1","at":"2026-01-31T09:15:00Z"}"#;
    let yaml = "x12: { sender: { id: A }, receiver: { id: B } }";
    let refused = |yaml: &str, document: &str| written(yaml, &[document]).expect_err(document);
    for (document, expected) in [
        ("[]".to_owned(), "x12-encode: a document is an object"),
        (format!("{{{envelope}}}"), "x12-encode: the document has no `body`"),
        (
            r#"{"type":"850","interchange":{"at":"2026-01-31T09:15:00Z"},"body":[]}"#.to_owned(),
            "x12-encode: the interchange has no control number",
        ),
        (
            r#"{"type":"850","interchange":{"control":"1"},"body":[]}"#.to_owned(),
            "x12-encode: the interchange has no date and time",
        ),
        (
            r#"{"type":"999x","interchange":{"control":"1","at":"2026-01-31T09:15:00Z"},"body":[]}"#
                .to_owned(),
            "x12-encode: the functional group of a \"999x\" is not known",
        ),
        (
            format!(r#"{{{envelope},"body":{{"N1":["N1","A*B"]}}}}"#),
            "x12-encode: N101 holds \"A*B\", which has a delimiter in it",
        ),
        (
            format!(r#"{{{envelope},"body":{{"N1":["N1",[["a"],["b"]]]}}}}"#),
            "x12-encode: an element of N1 has repetitions, and the interchange has no delimiter for them",
        ),
        (format!(r#"{{{envelope},"body":{{"N1":[["",1]]}}}}"#), "x12-encode: a segment has no identifier"),
        (
            format!(r#"{{{envelope},"body":{{"N1":["N1",{{}}]}}}}"#),
            "x12-encode: element 1 of a segment in `N1` holds object",
        ),
        (format!(r#"{{{envelope},"body":{{"N1":7}}}}"#), "x12-encode: `N1` holds a number, not a segment"),
    ] {
        assert_eq!(refused(yaml, &document), expected);
    }
    assert_eq!(
        refused("x12", &format!("{{{envelope},\"body\":[]}}")),
        "x12-encode: the interchange has no sender"
    );
    let marked = envelope.replace("\"at\"", "\"delimiters\":{\"element\":\">\",\"component\":\">\"},\"at\"");
    assert_eq!(
        refused(yaml, &format!("{{{marked},\"body\":[]}}")),
        "x12-encode: the delimiter \">\" stands for two things"
    );
    // A document that is refused leaves no trace, and others follow.
    let mut encoder = crate::Encoder::new(&format(yaml));
    let mut out = Vec::new();
    let good = format!(r#"{{{envelope},"body":{{"BEG":["BEG","00"]}}}}"#);
    let bad = format!(r#"{{{envelope},"body":{{"BEG":["BEG","*"]}}}}"#);
    for (document, is_good) in [(&good, true), (&bad, false), (&good, true)] {
        assert_eq!(encoder.document(document.as_bytes(), &mut out).is_ok(), is_good);
    }
    encoder.finish(&mut out).expect("finished");
    let text = String::from_utf8(out).expect("text");
    assert!(text.ends_with("ST*850*0002~BEG*00~SE*3*0002~GE*2*1~IEA*1*000000001~"), "{text}");
}

#[test]
fn options_that_cannot_be_are_refused() {
    for (yaml, expected) in [
        ("x12: { element: '>' }", "`element` and `component` are the same character"),
        ("x12: { segment: ab }", "`ab` is not one ASCII character that is neither letter nor digit"),
        ("x12: { sender: { id: 0123456789abcdef } }", "`sender` is longer than ISA can hold"),
        ("x12: { release: '?' }", "unknown field `release`"),
        ("edifact: { segment: '+' }", "`element` and `segment` are the same character"),
        ("edifact: { on_fault: hide }", "unknown variant `hide`"),
    ] {
        let error = serde_saphyr::from_str::<crate::Format>(yaml).expect_err(yaml).to_string();
        assert!(error.contains(expected), "{yaml}: {error}");
    }
}

/// The fenced blocks of a kind on the page.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

#[test]
fn the_reference_is_right() {
    #[derive(serde::Deserialize)]
    struct Example {
        format: crate::Format,
    }
    let page = include_str!("../../../../../docs/reference/formats-edi.md");
    let json = blocks(page, "json");
    assert_eq!(one("x12", &blocks(page, "x12")[0]), parsed(json[0].as_bytes()));
    let yaml = "x12: { sender: { id: ACME }, receiver: { id: BOLTS } }";
    let text = written(yaml, &[&json[1]]).expect("written");
    assert!(
        text.contains("PO1*1*100*EA*0.09**BP*BOLT-M8~PID*F****Bolt M8~CTT*1~SE*6*0001~GE*1*42~"),
        "{text}"
    );
    let examples = blocks(page, "yaml");
    for example in &examples {
        let parsed: Example =
            serde_saphyr::from_str(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        assert!(example.contains(parsed.format.name()));
    }
    for option in [
        "loops",
        "on_fault",
        "bytes",
        "encoding",
        "sender",
        "receiver",
        "version",
        "group_version",
        "usage",
        "test",
        "character_set",
        "acknowledge",
        "element",
        "component",
        "segment",
        "repetition",
        "release",
        "una",
        "line_end",
        "trailing",
    ] {
        assert!(page.contains(&format!("`{option}`")), "{option} is not told of");
        assert!(
            examples.iter().any(|example| example.contains(&format!("{option}: "))),
            "{option} has no example"
        );
    }
    for dialect in [crate::edi::Dialect::X12, crate::edi::Dialect::Edifact] {
        for set in crate::edi::loops::defined(dialect) {
            assert!(page.contains(set), "{set} is not told of");
        }
    }
}
