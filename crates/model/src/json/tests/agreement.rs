//! The reader agrees with serde_json on every document, except where it is stricter on purpose.

use proptest::prelude::*;

use super::super::*;

/// Documents as text, with odd spacing, escapes and numbers, and keys that repeat now and then.
fn document() -> impl Strategy<Value = String> {
    let space = || prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r\n  ")];
    let string = || {
        let piece = prop_oneof![
            8 => "[a-z0-9 ]{0,12}".prop_map(String::from),
            2 => any::<char>().prop_map(|c| serde_json::to_string(&c).expect("text").trim_matches('"').replace('\\', "\\u005c")),
            2 => prop::sample::select(vec!["\\n", "\\u00e9", "\\ud83d\\ude00", "\\\"", "\\\\", "\\/", "é", "漢", "😀", "\\u0000"])
                .prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
    };
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?";
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number.prop_map(String::from),
        string(),
    ];
    scalar.prop_recursive(6, 60, 12, move |inner| {
        let spaced =
            (space(), inner, space()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        let member =
            (string(), space(), spaced.clone()).prop_map(|(key, gap, value)| format!("{key}{gap}:{value}"));
        prop_oneof![
            prop::collection::vec(spaced, 0..6).prop_map(|parts| format!("[{}]", parts.join(","))),
            prop::collection::vec(member, 0..40).prop_map(|parts| format!("{{{}}}", parts.join(","))),
        ]
    })
}

/// The same value as serde_json reads it, numbers compared as it understands them.
fn as_serde(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(text) => serde_json::from_str(text).expect("a number"),
        Value::String(text) => text.as_ref().into(),
        Value::Array(elements) => elements.iter().map(as_serde).collect(),
        Value::Object(members) => serde_json::Value::Object(
            members.iter().map(|(key, value)| (key.to_string(), as_serde(value))).collect(),
        ),
    }
}

/// Both readers on one text: equal values or two refusals, unless ours is of the documented kind.
fn compare(bytes: &[u8]) -> Result<(), TestCaseError> {
    let theirs: Result<serde_json::Value, _> = serde_json::from_slice(bytes);
    let ours = Value::parse(bytes, &Limits::DEFAULT);
    prop_assert_eq!(
        check(bytes, &Limits::DEFAULT).map(|_| ()),
        ours.as_ref().map(|_| ()).map_err(Clone::clone)
    );
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            prop_assert_eq!(as_serde(&ours), theirs);
            let written = ours.to_vec();
            prop_assert_eq!(Value::parse(&written, &Limits::DEFAULT).expect("what we write"), ours);
        }
        (Err(_), Err(_)) => {}
        (Err(ours), Ok(_)) => {
            let stricter = matches!(ours.kind, JsonErrorKind::DuplicateKey(_) | JsonErrorKind::TooDeep(_));
            prop_assert!(stricter, "refused: {}", ours);
        }
        (Ok(_), Err(theirs)) => {
            // serde_json turns numbers into floats, so it refuses those beyond their range.
            prop_assert!(theirs.to_string().contains("number out of range"), "accepted: {}", theirs);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn on_good_documents(text in document()) {
        compare(text.as_bytes())?;
    }

    #[test]
    fn on_damaged_documents(
        text in document(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), damage()), 1..3),
    ) {
        let mut bytes = text.into_bytes();
        for (at, damage) in damage {
            damage.apply(&mut bytes, at);
        }
        compare(&bytes)?;
    }

    #[test]
    fn on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        compare(&bytes)?;
    }

    #[test]
    fn on_any_mix_of_tokens(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        compare(tokens.concat().as_bytes())?;
    }

    #[test]
    fn any_string_survives(text in any::<String>()) {
        let mut written = Vec::new();
        write_string(&mut written, &text);
        prop_assert_eq!(Value::parse(&written, &Limits::DEFAULT).expect("a string"), Value::from(text.as_str()));
    }

    #[test]
    fn cutting_everything_gives_what_the_tree_has(text in document()) {
        let Ok(value) = Value::parse(text.as_bytes(), &Limits::DEFAULT) else { return Ok(()) };
        let pieces = cut(text.as_bytes(), &Path::parse("/*/*").expect("a path"), &Limits::DEFAULT).expect("good");
        for piece in &pieces {
            let cut = Value::parse(piece.text.as_bytes(), &Limits::DEFAULT).expect("a value");
            prop_assert_eq!(value.pointer(&piece.pointer), Some(&cut));
            prop_assert_eq!(&text[piece.offset..][..piece.text.len()], piece.text);
        }
    }
}

const TOKENS: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"", "1", "-", "0", ".", "e", "+", "true", "null", " ",
    "\n", "\\", "\\u", "d800", "é",
];

#[derive(Debug, Clone)]
enum Damage {
    Remove,
    Insert(u8),
    Replace(u8),
    Cut,
    Double,
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![3 => prop::sample::select(b"{}[],:\"\\ 01-+.eEtfnu/\n\x00\xFF\xC3".to_vec()), 1 => any::<u8>()];
    prop_oneof![
        Just(Damage::Remove),
        byte().prop_map(Damage::Insert),
        byte().prop_map(Damage::Replace),
        Just(Damage::Cut),
        Just(Damage::Double),
    ]
}

impl Damage {
    fn apply(self, bytes: &mut Vec<u8>, at: prop::sample::Index) {
        let at = at.index(bytes.len() + 1);
        match self {
            Self::Insert(byte) => bytes.insert(at, byte),
            Self::Cut => bytes.truncate(at),
            _ if at == bytes.len() => {}
            Self::Remove => drop(bytes.remove(at)),
            Self::Replace(byte) => bytes[at] = byte,
            Self::Double => bytes.insert(at, bytes[at]),
        }
    }
}
