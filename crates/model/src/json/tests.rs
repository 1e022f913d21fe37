//! What the reader takes, what it refuses and with which words.

mod agreement;
mod speed;

use super::*;

fn refusal(bytes: &[u8], limits: &Limits) -> JsonError {
    let error = check(bytes, limits).expect_err("refused");
    assert_eq!(Value::parse(bytes, limits).expect_err("refused"), error, "check and parse agree");
    error
}

fn check_refused(text: &str, expected: &str) {
    assert_eq!(refusal(text.as_bytes(), &Limits::DEFAULT).to_string(), expected, "{text}");
}

/// Reads `text`, writes it back.
fn check_accepted(text: &str, expected: &str) {
    assert_eq!(check(text.as_bytes(), &Limits::DEFAULT), Ok(text));
    let value = Value::parse(text.as_bytes(), &Limits::DEFAULT).expect(text);
    assert_eq!(value.to_string(), expected, "{text}");
}

#[test]
fn takes_what_the_standard_allows() {
    check_accepted(" null ", "null");
    check_accepted("[true,false , []\t,{}\r\n]", "[true,false,[],{}]");
    check_accepted(
        r#"{"b":1,"a":{"":[0,-0,1.50,1e5,1E+05,-12.5e-7]}}"#,
        r#"{"b":1,"a":{"":[0,-0,1.50,1e5,1E+05,-12.5e-7]}}"#,
    );
    check_accepted("123456789012345678901234567890.000", "123456789012345678901234567890.000");
    check_accepted(r#""\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\\u0000""#, r#""é😀/\b\f\n\r\t\"\\\u0000""#);
    check_accepted("\"\u{7f}\u{2028}é漢😀\"", "\"\u{7f}\u{2028}é漢😀\"");
}

#[test]
fn refuses_with_words_and_a_place() {
    check_refused("", "there is no JSON here, only white space (line 1, column 1)");
    check_refused(" \n ", "there is no JSON here, only white space (line 2, column 2)");
    check_refused("\u{feff}{}", "the document starts with a byte order mark (line 1, column 1)");
    check_refused(
        "{\"a\":[1,2",
        "the document ends where a comma or ']' was expected (line 1, column 10, at /a)",
    );
    check_refused("[1,]", "nothing follows this comma (line 1, column 3)");
    check_refused("{\"a\":1,}", "nothing follows this comma (line 1, column 7)");
    check_refused("[1 2]", "expected a comma or ']', found '2' (line 1, column 4)");
    check_refused("[,1]", "expected a value, found ',' (line 1, column 2, at /0)");
    check_refused("{a:1}", "expected a key in double quotes, found 'a' (line 1, column 2)");
    check_refused("{\"a\" 1}", "expected a colon after the key, found '1' (line 1, column 6)");
    check_refused("[\n  0,\n  'x'\n]", "expected a value, found '\\'' (line 3, column 3, at /1)");
    check_refused("{} {}", "the document is complete, but '{' follows (line 1, column 4)");
    check_refused("{\"é\": // no\n1}", "expected a value, found '/' (line 1, column 7, at /é)");
    check_refused("[NaN]", "expected a value, found 'N' (line 1, column 2, at /0)");
    check_refused("[nul]", "expected true, false or null, found 'n' (line 1, column 2, at /0)");
    check_refused("[trueish]", "expected a comma or ']', found 'i' (line 1, column 6)");
}

#[test]
fn refuses_numbers_that_are_none() {
    check_refused("012", "a number must not start with a zero followed by digits (line 1, column 1)");
    check_refused("-01", "a number must not start with a zero followed by digits (line 1, column 1)");
    for text in ["-", "1.", "1e", "1e+"] {
        check_refused(
            text,
            &format!("the document ends where a digit was expected (line 1, column {})", text.len() + 1),
        );
    }
    check_refused("[-]", "this is not a JSON number (line 1, column 3, at /0)");
    check_refused("[1.x]", "this is not a JSON number (line 1, column 4, at /0)");
    check_refused("+1", "this is not a JSON number (line 1, column 1)");
    check_refused(".5", "this is not a JSON number (line 1, column 1)");
    check_refused("0x10", "the document is complete, but 'x' follows (line 1, column 2)");
}

#[test]
fn refuses_strings_that_are_none() {
    check_refused(
        "\"abc",
        "the document ends where the closing quote of a string was expected (line 1, column 5)",
    );
    check_refused("\"a\nb\"", "the control character U+000A stands unescaped in a string (line 1, column 3)");
    check_refused(
        "\"123456789\u{1}\"",
        "the control character U+0001 stands unescaped in a string (line 1, column 11)",
    );
    let bad_escape = r#"this escape is not one of \" \\ \/ \b \f \n \r \t \uXXXX (line 1, column 2)"#;
    for text in [r#""\x41""#, r#""\u12g4""#, r#""\u12""#, r#""\u+123""#, "\"\\", "\"\\é\""] {
        check_refused(text, bad_escape);
    }
    let lone = "this \\u escape is half of a surrogate pair (line 1, column 2)";
    for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800x""#, r#""\ud83d\u12""#] {
        check_refused(text, lone);
    }
}

#[test]
fn refuses_bytes_that_are_not_utf8() {
    for bytes in
        [&b"\"a\xFF\""[..], b"\"\xC0\x80\"", b"\"\xED\xA0\x80\"", b"\"\xF5\x80\x80\x80\"", b"{\"\xE9\":1}"]
    {
        let error = refusal(bytes, &Limits::DEFAULT);
        assert_eq!(error.kind, JsonErrorKind::NotUtf8);
    }
    assert_eq!(refusal(b"[\"\xC3\xA9\xFF\"]", &Limits::DEFAULT).column, 4);
}

#[test]
fn refuses_a_key_that_is_there_twice() {
    check_refused(
        r#"{"lines":[{"qty":1,"qty":2}]}"#,
        "the key \"qty\" is there twice in one object (line 1, column 20, at /lines/0)",
    );
    check_refused(r#"{"a":1,"\u0061":2}"#, "the key \"a\" is there twice in one object (line 1, column 8)");
    check_refused(
        r#"{"a/b":{"":1,"":2}}"#,
        "the key \"\" is there twice in one object (line 1, column 14, at /a~1b)",
    );
    // The same key in other objects is no duplicate, before or after an inner object closes.
    check_accepted(r#"{"a":{"a":{"a":1},"b":2},"b":3}"#, r#"{"a":{"a":{"a":1},"b":2},"b":3}"#);
}

#[test]
fn finds_a_repeated_key_in_objects_of_every_size() {
    for size in [1, 2, 23, 24, 25, 26, 500, 5000] {
        let keys: Vec<String> = (0..size).map(|index| format!("\"key{index}\":{index}")).collect();
        check_accepted(&format!("{{{}}}", keys.join(",")), &format!("{{{}}}", keys.join(",")));
        for repeated in [0, size / 2, size - 1] {
            let text = format!("{{{},\"key{repeated}\":{{}}}}", keys.join(","));
            let error = refusal(text.as_bytes(), &Limits::DEFAULT);
            assert_eq!(error.kind, JsonErrorKind::DuplicateKey(format!("key{repeated}")));
            assert_eq!(error.offset, text.rfind("\"key").expect("a key"));
        }
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let at_limit = nested(128);
    assert!(check(at_limit.as_bytes(), &Limits::DEFAULT).is_ok());
    assert_eq!(refusal(nested(129).as_bytes(), &Limits::DEFAULT).kind, JsonErrorKind::TooDeep(128));
    let hostile = "[".repeat(100_000);
    assert_eq!(refusal(hostile.as_bytes(), &Limits::DEFAULT).kind, JsonErrorKind::TooDeep(128));
    let objects = "{\"a\":".repeat(100_000);
    assert_eq!(refusal(objects.as_bytes(), &Limits::DEFAULT).pointer, "/a".repeat(128));
    // No setting can overflow the stack.
    let deepest = Limits { depth: usize::MAX, ..Limits::DEFAULT };
    assert_eq!(refusal(hostile.as_bytes(), &deepest).kind, JsonErrorKind::TooDeep(Limits::DEEPEST));
}

#[test]
fn size_is_bounded() {
    let limits = Limits { bytes: 8, values: 4, number: 3, ..Limits::DEFAULT };
    assert!(check(b"[1, 2,3]", &limits).is_ok());
    assert_eq!(refusal(b"[1, 2, 3]", &limits).kind, JsonErrorKind::TooLong(8));
    assert_eq!(refusal(b"[1,2,34,5]", &Limits { bytes: 99, ..limits }).kind, JsonErrorKind::TooManyValues(4));
    assert_eq!(refusal(b"[1.23]", &limits).kind, JsonErrorKind::NumberTooLong(3));
}

#[test]
fn errors_stay_short_however_long_the_keys() {
    let key = "é".repeat(1000);
    let error = refusal(format!("{{\"{key}\":{{\"{key}\":1,\"{key}\":2}}}}").as_bytes(), &Limits::DEFAULT);
    let clipped = format!("{}…", "é".repeat(64));
    assert_eq!((error.pointer, error.kind), (format!("/{clipped}"), JsonErrorKind::DuplicateKey(clipped)));
    let many = format!("[{}1]", "1,".repeat(250_000));
    let path = Path::parse("/*").expect("a path");
    let error = cut(many.as_bytes(), &path, &Limits::DEFAULT).expect_err("too many");
    assert_eq!(error.kind, JsonErrorKind::TooManyParts(250_000));
}

#[test]
fn errors_have_a_code_and_a_hint() {
    let reason = crate::Reason::from(refusal(br#"{"a":{"b":1,"b":2}}"#, &Limits::DEFAULT));
    assert_eq!(reason.code, "json-duplicate-key");
    assert_eq!(reason.at, "line 1, column 13, at /a");
    assert_eq!(reason.hint, "keep one of the two members");
}

#[test]
fn values_are_found_by_key_and_pointer() {
    let text = br#"{"po":"4500","lines":[{"qty":"1"},{"qty":2.50}],"a/b":{"~":true},"none":null}"#;
    let value = Value::parse(text, &Limits::DEFAULT).expect("good");
    assert_eq!(value.get("po").and_then(Value::as_str), Some("4500"));
    assert_eq!(value.pointer("/lines/1/qty").and_then(Value::as_number), Some("2.50"));
    assert_eq!(value.pointer("/a~1b/~0").and_then(Value::as_bool), Some(true));
    assert_eq!(value.pointer(""), Some(&value));
    assert!(value.get("none").is_some_and(Value::is_null));
    for missing in ["/lines/2", "/lines/01", "/lines/-", "/lines/+1", "/po/x", "lines", "/a~2b", "/nothing"] {
        assert_eq!(value.pointer(missing), None, "{missing}");
    }
    assert_eq!(value.clone().into_owned(), value);
}

#[test]
fn members_are_exact_slices() {
    let text = r#" {"id" : "1", "data":{ "x" : [1, 2] } ,"d\u0061ta2":-1.0}"#;
    let members = members(text.as_bytes(), &Limits::DEFAULT).expect("good");
    let found: Vec<_> = members.iter().map(|member| (&*member.key, member.value)).collect();
    assert_eq!(found, [("id", "\"1\""), ("data", "{ \"x\" : [1, 2] }"), ("data2", "-1.0")]);
    for member in &members {
        assert_eq!(&text[member.offset..][..member.value.len()], member.value);
    }
    let error = super::members(b"[1]", &Limits::DEFAULT).expect_err("no object");
    assert_eq!(error.to_string(), "expected an object, found '[' (line 1, column 1)");
    let error = super::members(br#"{"a":1,"b":{"c":[1,]}}"#, &Limits::DEFAULT).expect_err("refused");
    assert_eq!(error.pointer, "/b/c");
    assert!(super::members(br#"{"a":1,"a":2}"#, &Limits::DEFAULT).is_err());
}

fn check_cut(text: &str, path: &str, expected: &[(&str, &str)]) {
    let path = Path::parse(path).expect("a path");
    let pieces = cut(text.as_bytes(), &path, &Limits::DEFAULT).expect("good");
    let found: Vec<_> = pieces.iter().map(|piece| (&*piece.pointer, piece.text)).collect();
    assert_eq!(found, expected);
    assert!(pieces.iter().all(|piece| text[piece.offset..].starts_with(piece.text)));
}

#[test]
fn a_path_cuts_pieces_out() {
    let odata = r#"{"d":{"results":[{"a":1}, {"a": 2}],"x":[3]}}"#;
    check_cut(odata, "/d/results/*", &[("/d/results/0", r#"{"a":1}"#), ("/d/results/1", r#"{"a": 2}"#)]);
    check_cut(odata, "", &[("", odata)]);
    check_cut(odata, "/d/*/0", &[("/d/results/0", r#"{"a":1}"#), ("/d/x/0", "3")]);
    check_cut(odata, "/d/missing/*", &[]);
    check_cut(odata, "/d/results/*/a", &[("/d/results/0/a", "1"), ("/d/results/1/a", "2")]);
    check_cut(r#"{"a/b":{"k":1}}"#, "/a~1b/*", &[("/a~1b/k", "1")]);
    check_cut("[1,2]", "/*", &[("/0", "1"), ("/1", "2")]);
    check_cut("[]", "/*", &[]);
    assert_eq!(Path::parse("d/results"), None);
    // What the path passes by is checked all the same.
    let path = Path::parse("/a").expect("a path");
    assert!(cut(br#"{"a":1,"b":[01]}"#, &path, &Limits::DEFAULT).is_err());
    let error = cut(br#"{"a":[1,{"b":tru}]}"#, &path, &Limits::DEFAULT).expect_err("refused");
    assert_eq!(error.pointer, "/a/1/b");
}

fn check_merged(target: &str, patch: &str, expected: &str) {
    let mut value = Value::parse(target.as_bytes(), &Limits::DEFAULT).expect(target);
    merge(&mut value, Value::parse(patch.as_bytes(), &Limits::DEFAULT).expect(patch));
    assert_eq!(value.to_string(), expected, "{target} with {patch}");
}

/// The cases of RFC 7386, appendix A.
#[test]
fn merges_as_the_standard_says() {
    check_merged(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
    check_merged(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
    check_merged(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
    check_merged(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
    check_merged(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
    check_merged(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
    check_merged(r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#);
    check_merged(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
    check_merged(r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#);
    check_merged(r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#);
    check_merged(r#"{"a":"foo"}"#, "null", "null");
    check_merged(r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#);
    check_merged(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#);
    check_merged("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#);
    check_merged("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
}

#[test]
fn merging_large_objects_gives_the_same_as_small_ones() {
    let object = |keys: std::ops::Range<u32>, step: usize, value: &str| {
        let members: Vec<String> = keys.step_by(step).map(|key| format!("\"k{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let mut expected: Vec<String> = (0..200)
        .filter(|key| key % 2 == 1 || *key < 100)
        .map(|key| format!("\"k{key}\":{}", u32::from(key % 3 == 0 && key % 2 == 1)))
        .collect();
    expected.extend((200..230).filter(|key| key % 3 == 0 && key % 2 == 1).map(|key| format!("\"k{key}\":1")));
    let mut value = Value::parse(b"{}", &Limits::DEFAULT).expect("good");
    for patch in [object(0..200, 1, "0"), object(3..230, 6, "1"), object(100..240, 2, "null")] {
        merge(&mut value, Value::parse(patch.as_bytes(), &Limits::DEFAULT).expect("good").into_owned());
    }
    assert_eq!(value.to_string(), format!("{{{}}}", expected.join(",")));
}
