//! What must hold for any interchange, and for any bytes.

use proptest::prelude::*;

use super::*;
use crate::decode;
use crate::edi::{Dialect, received};

/// Settings with small limits, so that random input meets them.
const SETTINGS: &[&str] = &[
    "x12",
    "x12: { bytes: 40 }",
    "x12: { loops: false, on_fault: refuse, encoding: utf-8 }",
    "edifact",
    "edifact: { bytes: 40 }",
    "edifact: { loops: false, on_fault: refuse, encoding: latin-1 }",
];

/// Parts of interchanges in any order. Those of `tame` end each segment in one way, so that a test can tell them apart.
fn parts(tame: bool) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut heads = vec![
        isa("7", "00401", 'U', '>', '~'),
        "ISA*00**00**ZZ*A*ZZ*B*260131*0915*U*00401*7*0*P*>~".to_owned(),
        "UNB+UNOC:3+A+B+260131:0915+7'".to_owned(),
        "UNA:+.? 'UNB+UNOA:1+A+B+260131:0915+7'".to_owned(),
    ];
    let mut tokens = vec![
        &b"GS*PO*A*B*20260131*0915*7*X*004010~"[..],
        b"ST*850*0001~",
        b"ST*856*1~",
        b"HL*1**S~",
        b"HL*2*1*O~",
        b"N1*ST~",
        b"PO1*1~",
        b"SE*2*0001~",
        b"GE*1*7~",
        b"IEA*1*000000007~",
        b"TA1*1~",
        b"UNG+ORDERS+A+B+260131:0915+7+UN+D:96A'",
        b"UNH+1+ORDERS:D:96A:UN'",
        b"BGM+220'",
        b"LIN+1'",
        b"UNT+2+1'",
        b"UNE+1+7'",
        b"UNZ+1+7'",
        b"~",
        b"'",
        b"*",
        b"+",
        b":",
        b">",
        b"^",
        b"\n",
        b" ",
        b"\xC3\xA9",
        b"\xE9",
        b"zz9",
    ];
    if !tame {
        heads.extend([
            isa("8", "00501", '^', ':', '\n'),
            isa("9", "00401", '~', '~', '\r'),
            "UNB+UNOC:4+A+B+20260131:0915+7'".to_owned(),
            "UNA:+.?*~UNB+UNOA:4+A+B+260131:0915+7~".to_owned(),
            "UNB+UNOA:1+A+B+260131:0915+7\n".to_owned(),
        ]);
        tokens.extend([
            &b"ISA"[..],
            b"UNA",
            b"UNB",
            b"UNA:+.? '",
            b"?",
            b"??",
            b"?'",
            b"\r",
            b"\t",
            b"\0",
            b"\x1a",
            b"\"",
            b"\\",
            b"\xEF\xBB\xBF",
            b"\xE2\x80\xA6",
            b"A",
        ]);
    }
    let heads = heads.into_iter().map(String::into_bytes).collect();
    (heads, tokens.iter().map(|token| token.to_vec()).collect())
}

pub(crate) fn interchanges(tame: bool) -> impl Strategy<Value = Vec<u8>> {
    let (heads, tokens) = parts(tame);
    let token = prop_oneof![1 => prop::sample::select(heads), 5 => prop::sample::select(tokens)];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => interchanges(false),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}

/// Segments of an envelope are in no document's bytes.
fn is_envelope(segment: &[u8]) -> bool {
    const TAGS: [&[u8]; 9] = [b"ISA", b"GS", b"GE", b"IEA", b"UNA", b"UNB", b"UNG", b"UNE", b"UNZ"];
    let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1A | 0xEF | 0xBB | 0xBF);
    let start = segment.iter().take_while(|byte| blank(byte)).count();
    let rest = &segment[start..];
    rest.is_empty() || TAGS.iter().any(|tag| rest.starts_with(tag))
}

proptest! {
    /// `decoded` compares all ways of decoding with each other: whole, byte by byte, in pieces, from a reader.
    #[test]
    fn no_bytes_make_a_decoder_panic(input in hostile()) {
        for yaml in SETTINGS {
            decoded(&format(yaml), &input);
        }
        received(Dialect::X12, &input);
        received(Dialect::Edifact, &input);
    }

    /// Every byte is in a document, in an error, or of an envelope.
    #[test]
    fn no_segment_is_lost(input in interchanges(true)) {
        for yaml in SETTINGS {
            let mut covered = vec![false; input.len()];
            for item in decode(&format(yaml), &input) {
                let range = match &item {
                    Ok(document) => document.range(),
                    Err(error) => error.range(),
                };
                covered[range.start as usize..range.end as usize].fill(true);
            }
            let end = if yaml.starts_with("x12") { b'~' } else { b'\'' };
            // What is covered parts what is not.
            let lost: Vec<u8> =
                input.iter().zip(&covered).map(|(byte, covered)| if *covered { end } else { *byte }).collect();
            let pieces = lost.split(|byte| *byte == end);
            for piece in pieces {
                prop_assert!(is_envelope(piece), "{}: lost {:?}", yaml, String::from_utf8_lossy(piece));
            }
        }
    }

    /// What was read is written and read again as the same.
    #[test]
    fn documents_survive_being_written(input in interchanges(true)) {
        for yaml in ["x12: { trailing: keep }", "edifact: { trailing: keep }"] {
            let bare = |json: &[u8]| {
                let Value::Object(mut members) = parsed(json) else { panic!("an object") };
                members.retain(|(key, _)| key == "type" || key == "body");
                Value::Object(members)
            };
            for item in decode(&format(yaml), &input).filter_map(Result::ok) {
                let document = parsed(&item.json);
                // An identifier with a release character in it is one again once that is gone.
                let released = document.pointer("/body/unknown").and_then(Value::as_array).unwrap_or_default();
                let is_tag = |segment: &Value<'_>| {
                    let id = segment.pointer("/0").and_then(Value::as_str).unwrap_or_default();
                    crate::edi::segment::Tag::new(id.as_bytes()) != crate::edi::segment::Tag::NONE
                };
                if document.get("interchange").is_none() || released.iter().any(is_tag) {
                    continue;
                }
                let Ok(text) = encode(&format(yaml), [&*item.json]) else { continue };
                let again: Vec<_> = decode(&format(yaml), &text).filter_map(Result::ok).collect();
                prop_assert_eq!(again.len(), 1, "{}", String::from_utf8_lossy(&text));
                prop_assert_eq!(bare(&again[0].json), bare(&item.json), "{:?}", String::from_utf8_lossy(&text));
            }
        }
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Z0-9 .,-]{0,8}",
        1 => "[a-zäé€'+:?*~^\"\\\\<>\t]{0,6}",
    ]
}

/// A segment as JSON text: elements with components and repetitions, none of them empty at an end.
fn segment() -> impl Strategy<Value = String> {
    let component = value().prop_map(|text| serde_json::to_string(&text).expect("text"));
    let components =
        prop::collection::vec(component, 1..4).prop_map(|all| format!("[{}]", all.join(","))).boxed();
    let element = prop_oneof![
        4 => components.clone(),
        1 => prop::collection::vec(components, 2..4).prop_map(|all| format!("[{}]", all.join(","))),
    ];
    ("[A-Z][A-Z0-9]{1,2}", prop::collection::vec(element, 0..6)).prop_map(|(tag, elements)| {
        let elements: String = elements.iter().map(|element| format!(",{element}")).collect();
        format!("[\"{tag}\"{elements}]")
    })
}

proptest! {
    /// Any values at all can be written in EDIFACT, which has a release character, and are read as they were.
    #[test]
    fn any_message_is_read_as_it_was_written(segments in prop::collection::vec(segment(), 0..8)) {
        let envelope = ["UNA", "UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"];
        let segments: Vec<_> = segments.into_iter().filter(|text| !envelope.iter().any(|tag| text.contains(tag))).collect();
        let text = format!(
            r#"{{"type":"TEST","interchange":{{"control":"1","at":"2026-01-31T09:15:00Z","version":"4"}},"body":[{}]}}"#,
            segments.join(",")
        );
        let yaml = "edifact: { sender: { id: A }, receiver: { id: B }, trailing: keep, line_end: lf }";
        let out = encode(&format(yaml), [text.as_bytes()]).expect("written");
        let again = one(yaml, &out);
        let mut found: Vec<Vec<u8>> = Vec::new();
        // A body that is not of a known message has one level.
        let body = again.get("body").expect("a body");
        let order = body.get("order").and_then(Value::as_array);
        let mut next: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
        match order {
            Some(order) => for key in order {
                let key = key.as_str().expect("a key");
                let place = next.entry(key).or_default();
                found.push(body.get(key).and_then(Value::as_array).expect("segments")[*place].to_vec());
                *place += 1;
            },
            None => for (_, segments) in body.as_object().expect("an object") {
                found.extend(segments.as_array().expect("segments").iter().map(Value::to_vec));
            },
        }
        let expected: Vec<Vec<u8>> = segments.iter().map(|text| parsed(text.as_bytes()).to_vec()).collect();
        prop_assert_eq!(found, expected);
    }
}
