//! Formats as a workspace names them, JSON and NDJSON, and what every decoder owes.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

/// A format as a workspace has it after `format:`.
pub(crate) fn format(yaml: &str) -> Format {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"))
}

/// One line a document or error: where, what, and which bytes.
pub(crate) fn show(item: &Result<Document<'_>, FormatError>) -> String {
    match item {
        Ok(document) => format!("{}: {}", document.at, String::from_utf8_lossy(&document.json)),
        Err(error) => {
            let fatal = if error.fatal { "fatal" } else { "error" };
            let raw: String = String::from_utf8_lossy(&error.raw).chars().take(40).collect();
            format!("{fatal} {} {error} {raw:?}", error.code)
        }
    }
}

/// Decodes in memory, and makes sure that the other ways of decoding agree and that bytes are where they should be.
pub(crate) fn decoded(format: &Format, input: &[u8]) -> Vec<Result<Document<'static>, FormatError>> {
    let items: Vec<_> = decode(format, input).map(|item| item.map(Document::into_owned)).collect();
    for item in &items {
        let (range, raw) = match item {
            Ok(document) => (document.range(), &*document.raw),
            Err(error) => (error.range(), &*error.raw),
        };
        assert_eq!(&input[range.start as usize..range.end as usize], raw, "raw bytes are where it says");
        if let Ok(document) = item {
            let checked =
                lineshaft_model::json::check(&document.json, &lineshaft_model::json::Limits::DEFAULT);
            assert!(checked.is_ok(), "{checked:?} in {}", String::from_utf8_lossy(&document.json));
        }
    }
    for size in [1, 7, 4096] {
        assert_eq!(pushed(format, input, size), without_rest(&items), "in pieces of {size}");
    }
    let read: Vec<_> = Reader::new(format, input).map(|item| item.expect("memory does not fail")).collect();
    assert_eq!(without_rest(&read), without_rest(&items), "from a reader");
    items
}

/// Only an input in memory gives the rest of its bytes to a fatal error.
fn without_rest(
    items: &[Result<Document<'static>, FormatError>],
) -> Vec<Result<Document<'static>, FormatError>> {
    let bare = |error: &FormatError| FormatError {
        raw: if error.fatal { vec![] } else { error.raw.clone() },
        ..error.clone()
    };
    items.iter().map(|item| item.clone().map_err(|error| bare(&error))).collect()
}

fn pushed(format: &Format, input: &[u8], size: usize) -> Vec<Result<Document<'static>, FormatError>> {
    let mut decoder = Decoder::new(format);
    let mut items = Vec::new();
    let mut drain = |decoder: &mut Decoder| {
        while let Some(item) = decoder.next() {
            items.push(item.map(Document::into_owned));
        }
    };
    // Byte by byte a long input is looked at too often.
    for piece in input.chunks(size.max(input.len() / 500)) {
        decoder.feed(piece);
        drain(&mut decoder);
    }
    decoder.end();
    drain(&mut decoder);
    without_rest(&items)
}

pub(crate) fn check(yaml: &str, input: impl AsRef<[u8]>, expected: &[&str]) {
    let shown: Vec<_> = decoded(&format(yaml), input.as_ref()).iter().map(show).collect();
    assert_eq!(shown, expected, "{yaml}");
}

fn check_config(yaml: &str, expected: &str) {
    let error = serde_saphyr::from_str::<Format>(yaml).expect_err(yaml).to_string();
    assert!(error.contains(expected), "{yaml}: {error}");
}

#[test]
fn a_format_is_a_name_or_a_name_with_options() {
    assert_eq!(format("csv"), Format::Csv(CsvOptions::default()));
    assert_eq!(format("{ xml: { split: Order, names: prefixed } }").name(), "xml");
    assert_eq!(
        format("json: { bytes: 64KiB }"),
        Format::Json(JsonOptions { bytes: Size::kib(64), ..JsonOptions::default() })
    );
    let Format::Csv(options) =
        format(r#"csv: { delimiter: "\t", quote: null, columns: [A, B], group_by: A, empty: omit }"#)
    else {
        panic!("csv");
    };
    assert_eq!((options.delimiter.0, options.quote, options.has_header()), (b'\t', None, false));
    for name in Format::names().iter().filter(|name| **name != "fixed-width") {
        assert_eq!(Format::named(name).map(|format| format.name()), Ok(*name));
    }
}

#[test]
fn a_wrong_format_says_what_would_be_right() {
    check_config(
        "jsonl",
        "there is no format `jsonl`; the formats are json, ndjson, csv, xml, fixed-width, x12, edifact, idoc, cxml, ubl, b2mml, odata. hint: use ndjson",
    );
    check_config("CSV", "hint: use csv");
    check_config("peppol", "hint: use ubl");
    check_config("ubl: { arrays: [a] }", "unknown field `arrays`");
    check_config("tsv: {}", "hint: use csv with delimiter: tab");
    check_config("edi", "hint: use x12 or edifact");
    check_config("csv: { delimeter: x }", "unknown field `delimeter`");
    check_config("{ csv: {}, xml: {} }", "one format only");
    check_config("csv: { delimiter: '||' }", "`||` is not one ASCII character, nor `tab`");
    check_config("csv: { delimiter: '\"' }", "`delimiter` and `quote` are the same");
    check_config("csv: { header: false }", "a file without a header needs `columns`");
    check_config("csv: { columns: [A, A] }", "`columns` has the name `A` twice");
    check_config("csv: { columns: [A], group_by: B }", "`group_by: B` is not one of `columns`");
    check_config("csv: { group_by: rows }", "takes the name of a member");
    check_config("csv: { row_bytes: 4 apples }", "a size such as");
    check_config("csv: { row_bytes: -4 }", "a size cannot be negative");
    check_config("json: { split: d/results }", "`d/results` is not a path. hint: write it like /d/results/*");
    check_config("json: { split: [/d, d] }", "`d` is not a path. hint: write it like /d/results/*");
    check_config("json: { split: [] }", "`split` is a path, or a list of 1 to 8");
    check_config("xml: { names: short }", "unknown variant `short`");
    check_config("[csv]", "the name of a format, alone or with its options");
}

#[test]
fn the_examples_of_the_reference_are_right() {
    #[derive(serde::Deserialize)]
    struct Example {
        format: Format,
    }
    let page = concat!(
        include_str!("../../../docs/reference/formats.md"),
        include_str!("../../../docs/reference/formats-fixed-width.md"),
        include_str!("../../../docs/reference/formats-idoc.md"),
        include_str!("../../../docs/reference/formats-business-xml.md"),
        include_str!("../../../docs/reference/formats-odata.md"),
    );
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 14);
    for example in &examples {
        let parsed: Example =
            serde_saphyr::from_str(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        assert!(example.contains(parsed.format.name()));
    }
    for option in OPTIONS {
        assert!(page.contains(&format!("| `{option}` |")), "{option} is not in a table");
        assert!(
            examples.iter().any(|example| example.contains(&format!("{option}:"))),
            "{option} has no example"
        );
    }
}

const OPTIONS: &[&str] = &[
    "split",
    "bytes",
    "depth",
    "line_bytes",
    "delimiter",
    "quote",
    "columns",
    "header",
    "encoding",
    "trim",
    "empty",
    "group_by",
    "field_bytes",
    "row_bytes",
    "group_bytes",
    "escape_formulas",
    "arrays",
    "names",
    "doctype",
    "attributes",
    "root",
    "record_bytes",
    "tag",
    "records",
    "fields",
    "line_end",
    "document_bytes",
    "under",
    "start",
    "length",
    "decimals",
    "number",
    "sign",
    "align",
    "pad",
    "layout",
    "form",
    "batch",
];

#[test]
fn json_is_one_document() {
    check("json", " \n {\"a\": [1]}\n", &["line 2: {\"a\": [1]}"]);
    check("json", "\u{feff}[1]", &["line 1: [1]"]);
    check(
        "json",
        "{\"a\":1,\n\"a\":2}",
        &[
            "fatal json-duplicate-key the key \"a\" is there twice in one object (line 2, column 1) \"{\\\"a\\\":1,\\n\\\"a\\\":2}\"",
        ],
    );
    check("json", "", &["fatal json-syntax there is no JSON here, only white space (line 1, column 1) \"\""]);
    check(
        "json: { bytes: 4 }",
        "[1,2]",
        &["fatal json-limit the document is longer than 4 bytes (line 1) \"[1,2]\""],
    );
}

#[test]
fn json_is_split_by_a_path() {
    let odata = "{\"d\":{\"results\":[\n{\"po\":\"1\"},\n{\"po\":\"2\"}]}}";
    check(
        "json: { split: /d/results/* }",
        odata,
        &["line 2, at /d/results/0: {\"po\":\"1\"}", "line 3, at /d/results/1: {\"po\":\"2\"}"],
    );
    check("json: { split: /* }", "\u{feff}[1,[2]]", &["line 1, at /0: 1", "line 1, at /1: [2]"]);
    check("json: { split: /d/results/* }", "{\"d\":{\"results\":[]}}", &[]);
    for (input, raw) in [
        ("{\"error\":1}", r#""{\"error\":1}""#),
        ("{\"d\":{\"results\":null}}", r#""{\"d\":{\"results\":null}}""#),
    ] {
        let expected = format!(
            "fatal json-split the document has nothing at /d/results/* (line 1, at /d/results/*) {raw}"
        );
        check("json: { split: /d/results/* }", input, &[&expected]);
    }
    // One record or a list of them, from the same address.
    let either = "json: { split: [/d/results/*, /d] }";
    check(
        either,
        odata,
        &["line 2, at /d/results/0: {\"po\":\"1\"}", "line 3, at /d/results/1: {\"po\":\"2\"}"],
    );
    check(either, "{\"d\":{\"po\":\"1\"}}", &["line 1, at /d: {\"po\":\"1\"}"]);
    check(either, "{\"d\":{\"results\":[]}}", &[]);
    check(
        either,
        "{\"error\":1}",
        &[
            "fatal json-split the document has nothing at /d/results/* or /d (line 1, at /d/results/* or /d) \"{\\\"error\\\":1}\"",
        ],
    );
    // Half an answer is no answer, even if its first results could be read.
    check(
        "json: { split: /* }",
        "[{\"a\":1},{\"a\"",
        &[
            "fatal json-syntax the document ends where a colon after the key was expected (line 1, column 14, at /1) \"[{\\\"a\\\":1},{\\\"a\\\"\"",
        ],
    );
}

#[test]
fn ndjson_goes_on_after_a_bad_line() {
    check(
        "ndjson",
        "\u{feff}{\"a\":1}\r\n\n  \t\n[1,]\n \"x\" \n{\"a\":\n2}\nnull",
        &[
            "line 1: {\"a\":1}",
            "error json-syntax nothing follows this comma (line 4, column 3) \"[1,]\"",
            "line 5: \"x\"",
            "error json-syntax the document ends where a value was expected (line 6, column 6, at /a) \"{\\\"a\\\":\"",
            "error json-syntax the document is complete, but '}' follows (line 7, column 2) \"2}\"",
            "line 8: null",
        ],
    );
    check("ndjson", "", &[]);
    check("ndjson", "\n\n", &[]);
}

#[test]
fn ndjson_refuses_a_long_line_and_goes_on() {
    let input = format!("[1]\n[{}]\n[2]\n{}", "1,".repeat(50_000), "9".repeat(20));
    check(
        "ndjson: { line_bytes: 12 }",
        input,
        &[
            "line 1: [1]",
            "error ndjson-limit the line is longer than 12 bytes (line 2) \"[1,1,1,1,1,1\"",
            "line 3: [2]",
            "error ndjson-limit the line is longer than 12 bytes (line 4) \"999999999999\"",
        ],
    );
}

#[test]
fn nothing_recurses_without_bound() {
    let deep = "[".repeat(100_000);
    for yaml in ["json", "ndjson", "json: { depth: 1000000 }", "json: { split: /*/* }"] {
        let items = decoded(&format(yaml), deep.as_bytes());
        assert!(matches!(&items[..], [Err(error)] if error.code == "json-limit"), "{yaml}: {items:?}");
    }
}

/// Records under others, with small limits.
const FIXED: &str = "fixed-width: { line_bytes: 12, document_bytes: 30, tag: { start: 1, length: 1 }, records: { a: { tag: a, fields: { x: 2 } }, b: { tag: b, under: a, fields: { y: { length: 3, decimals: 1 } } }, c: { tag: '1', under: b } } }";

/// Formats with small limits, so that random input meets them.
const FORMATS: &[&str] = &[
    "json",
    "json: { split: /*, bytes: 60 }",
    "json: { split: [/a/*, /b] }",
    "ndjson: { line_bytes: 12 }",
    "csv",
    "csv: { delimiter: ;, columns: [a, b], group_by: a, row_bytes: 24, field_bytes: 10, group_bytes: 80, trim: true }",
    "csv: { quote: null, encoding: windows-1252, empty: omit, group_by: a }",
    "csv: { columns: [a], header: true, encoding: latin-1, empty: null }",
    "csv: { encoding: cp037, columns: [a, b] }",
    FIXED,
    "idoc: { bytes: 80, layout: { E2a: { fields: { b: 2 } } } }",
    "fixed-width: { record_bytes: 7, encoding: cp273, fields: { a: 2, b: { length: 2, number: packed } } }",
    "xml",
    "odata: { depth: 4 }",
    "cxml",
    "ubl: { split: a }",
    "xml: { split: a, arrays: [b], names: prefixed, depth: 4, attributes: 2, trim: true }",
];

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        &b"a"[..],
        b"b",
        b"1",
        b"\"",
        b"\"\"",
        b",",
        b";",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"\t",
        b"\0",
        b"\xEF\xBB\xBF",
        b"\xE9",
        b"\xC3\xA9",
        b"\xFF\xFE",
        b"<",
        b">",
        b"</",
        b"/>",
        b"<a>",
        b"</a>",
        b"<b x='1'>",
        b"</b>",
        b"<a/>",
        b"&amp;",
        b"&#0;",
        b"&x;",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"<?xml version='1.0' encoding='windows-1252'?>",
        b"<!DOCTYPE a>",
        b"<?",
        b"?>",
        b"xmlns:p='u'",
        b"<p:a>",
        b"=",
        b"'",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\"a\":",
        b"null",
        b"a,b\n",
        b"a;b\n",
        b"1,2\n",
        b"1;2\n",
        b"1,3\n",
        b"EDI_DC40",
        b"{\"d\":{\"results\":[",
        b"/Date(1)/",
        b"--x\r\n",
        b"--x--",
        b"Content-Type: multipart/mixed\n\n",
        b"GET a HTTP/1.1\n\n",
        b"E2a                           800000000000000000100000100000002",
        b"<IDOC>",
        b"</IDOC>",
    ]);
    prop_oneof![
        4 => prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}

proptest! {
    /// `decoded` compares all ways of decoding with each other.
    #[test]
    fn no_bytes_make_a_decoder_panic(input in hostile()) {
        for yaml in FORMATS {
            decoded(&format(yaml), &input);
        }
    }

    /// Every byte of a table is in a document, in an error, or an empty line, a header or a byte order mark.
    #[test]
    fn no_row_of_a_table_is_lost(input in hostile()) {
        for yaml in ["csv: { columns: [a, b] }", "csv: { columns: [a, b], group_by: a, group_bytes: 60 }"] {
            let mut covered = vec![false; input.len()];
            for item in decode(&format(yaml), &input) {
                let range = match &item {
                    Ok(document) => document.range(),
                    Err(error) => error.range(),
                };
                covered[range.start as usize..range.end as usize].fill(true);
            }
            let lost: Vec<u8> = input.iter().zip(&covered).filter(|(_, covered)| !**covered).map(|(byte, _)| *byte).collect();
            let is_layout = lost.iter().all(|byte| b"\r\n\xEF\xBB\xBF".contains(byte));
            prop_assert!(is_layout, "{}: lost {:?}", yaml, lost);
        }
    }
}

#[test]
fn documents_are_written_in_every_format() {
    let documents = [&b"{ \"a\" : \"1\" }"[..], b"{\"a\":2.50}"];
    let written =
        |yaml: &str| encode(&format(yaml), documents).map(|out| String::from_utf8_lossy(&out).into_owned());
    assert_eq!(written("ndjson").as_deref(), Ok("{\"a\":\"1\"}\n{\"a\":2.50}\n"));
    assert_eq!(written("json: { split: /* }").as_deref(), Ok("[{\"a\":\"1\"},{\"a\":2.50}]"));
    assert_eq!(written("csv").as_deref(), Ok("a\r\n1\r\n2.50\r\n"));
    assert_eq!(
        written("xml: { root: all }").as_deref(),
        Ok("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<all>\n<a>1</a>\n<a>2.50</a>\n</all>\n")
    );
    for yaml in ["json", "xml"] {
        assert!(written(yaml).expect_err("two documents").hint.len() > 10, "{yaml}");
    }
    let empty = |yaml: &str| encode(&format(yaml), []);
    assert_eq!(empty("json: { split: /* }").as_deref(), Ok(&b"[]"[..]));
    assert_eq!(empty("csv").as_deref(), Ok(&b""[..]));
    assert!(empty("json").is_err() && empty("xml").is_err() && empty("xml: { root: r }").is_ok());
    let error = encode(&format("csv"), [&b"{\"a\":[}"[..]]).expect_err("no JSON");
    assert_eq!(error.to_string(), "expected a value, found '}' (line 1, column 7, at /a/0)");
}

/// Feeds so many copies of a record through a decoder and says how much it held at most.
fn held_at_most(format: &Format, record: &str, count: usize) -> usize {
    let mut decoder = Decoder::new(format);
    let (mut held, mut documents) = (0, 0);
    for _ in 0..count {
        decoder.feed(record.as_bytes());
        while let Some(item) = decoder.next() {
            assert!(item.is_ok(), "{item:?}");
            documents += 1;
        }
        held = held.max(decoder.buffered());
    }
    assert!(documents + 2 >= count, "{documents} of {count}");
    held
}

#[test]
fn memory_does_not_grow_with_the_input() {
    let idoc = format!("EDI_DC40  {:514}\r\n{:30}{:33}data\r\n", "", "E2EDK01005", "");
    for (yaml, record) in [
        ("fixed-width: { fields: { a: 4 } }", "abcd\n"),
        ("fixed-width: { record_bytes: 4, encoding: cp037, fields: { a: 4 } }", "abcd"),
        (FIXED, "abc\nb 12\nb 34\n"),
        ("idoc", &idoc),
        ("csv: { encoding: cp037, columns: [a] }", "abcd\u{15}"),
    ] {
        let [few, many] = [10, 5_000].map(|count| held_at_most(&format(yaml), record, count));
        assert!(many <= few && many <= 2 * record.len(), "{yaml}: {many} bytes instead of {few}");
    }
}
