//! Tables: what comes through, what is refused, and the way back.

use proptest::prelude::*;

use crate::tests::{check, decoded, format};
use crate::{Format, encode};

#[test]
fn rows_become_objects_of_strings() {
    check(
        "csv",
        "No,Qty,Text\n0815,1.50,\"a, \"\"b\"\"\nc\"\r\n2,,\" x \"\r3,-1,5\" pipe",
        &[
            r#"line 2: {"No":"0815","Qty":"1.50","Text":"a, \"b\"\nc"}"#,
            r#"line 4: {"No":"2","Qty":"","Text":" x "}"#,
            r#"line 5: {"No":"3","Qty":"-1","Text":"5\" pipe"}"#,
        ],
    );
}

#[test]
fn columns_can_be_named() {
    let rows = "1\t2\n\n3\t4\n";
    check(
        "csv: { delimiter: tab, columns: [a, b] }",
        rows,
        &[r#"line 1: {"a":"1","b":"2"}"#, r#"line 3: {"a":"3","b":"4"}"#],
    );
    check("csv: { delimiter: tab, columns: [a, b], header: true }", rows, &[r#"line 3: {"a":"3","b":"4"}"#]);
    check(
        "csv: { delimiter: tab, quote: null, columns: [a] }",
        "\"x\"y\n\"",
        &[r#"line 1: {"a":"\"x\"y"}"#, r#"line 2: {"a":"\""}"#],
    );
}

#[test]
fn empty_fields_are_as_wanted() {
    let rows = "a,b\n, x \n\" \",\"\"";
    check("csv", rows, &[r#"line 2: {"a":"","b":" x "}"#, r#"line 3: {"a":" ","b":""}"#]);
    check(
        "csv: { trim: true, empty: null }",
        rows,
        &[r#"line 2: {"a":null,"b":"x"}"#, r#"line 3: {"a":null,"b":null}"#],
    );
    check("csv: { trim: true, empty: omit }", rows, &[r#"line 2: {"b":"x"}"#, "line 3: {}"]);
}

#[test]
fn a_table_without_rows_has_no_documents() {
    for input in ["", "\u{feff}", "a,b", "a,b\n", "\n\n"] {
        check("csv", input, &[]);
    }
}

#[test]
fn a_bad_row_is_an_error_and_the_others_go_on() {
    check(
        "csv",
        "a,b\n1,2\n3\n4,5,6\n7,8\n",
        &[
            r#"line 2: {"a":"1","b":"2"}"#,
            r#"error csv-columns the row has 1 column, not 2 (line 3) "3\n""#,
            r#"error csv-columns the row has 3 columns, not 2 (line 4) "4,5,6\n""#,
            r#"line 5: {"a":"7","b":"8"}"#,
        ],
    );
}

#[test]
fn quotes_that_do_not_match_say_where_they_began() {
    check(
        "csv",
        "a,b\n1,\"x\ny\"z,\n2,3\n\"4\",\"5\n6,7\n",
        &[
            r#"error csv-quote text follows the closing quote of the field that opens at line 2, column 3 (line 3, column 3) "1,\"x\ny\"z,\n""#,
            r#"line 4: {"a":"2","b":"3"}"#,
            r#"error csv-quote the quote that opens here is never closed (line 5, column 5) "\"4\",\"5\n6,7\n""#,
        ],
    );
    check(
        "csv: { row_bytes: 12 }",
        "a,b\n1,\"x\n2,3\n4,5\n6,7\n8,9\n",
        &[
            r#"error csv-quote the quote that opens here is never closed, or not within 12 bytes (line 2, column 3) "1,\"x\n2,3\n4,5""#,
            r#"line 5: {"a":"6","b":"7"}"#,
            r#"line 6: {"a":"8","b":"9"}"#,
        ],
    );
}

#[test]
fn long_rows_and_fields_are_refused() {
    let input = format!("a,b\n1,{}\n2,3\n{}\n4,5\n", "x".repeat(30), "y".repeat(100_000));
    check(
        "csv: { row_bytes: 40, field_bytes: 20 }",
        input,
        &[
            r#"error csv-limit the field `b` is longer than 20 bytes (line 2) "1,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n""#,
            r#"line 3: {"a":"2","b":"3"}"#,
            r#"error csv-limit the row is longer than 40 bytes (line 4) "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy""#,
            r#"line 5: {"a":"4","b":"5"}"#,
        ],
    );
    let megabyte = "z".repeat(1 << 20);
    let items = decoded(&format("csv"), format!("a\n\"{megabyte}\"\n{megabyte}z\nx").as_bytes());
    let codes: Vec<_> =
        items.iter().map(|item| item.as_ref().map_or_else(|error| error.code, |_| "good")).collect();
    assert_eq!(codes, ["good", "csv-limit", "good"]);
    let items = decoded(&format("csv"), ",".repeat(100_000).as_bytes());
    assert!(
        matches!(&items[..], [Err(error)] if error.fatal && error.message.contains("more than 16384 columns"))
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    check(
        "csv",
        b"a,b\n1,\xC3\xA9\n2,x\xE9\n3,\0\n4,5",
        &[
            r#"line 2: {"a":"1","b":"é"}"#,
            "error csv-encoding these bytes are not UTF-8 (line 3, column 4) \"2,x\u{fffd}\\n\"",
            r#"error csv-encoding the row has a NUL byte (line 4, column 3) "3,\0\n""#,
            r#"line 5: {"a":"4","b":"5"}"#,
        ],
    );
    check(
        "csv",
        b"\xFF\xFEa\0,\0",
        &[
            "fatal csv-encoding the file is UTF-16, not a supported encoding (line 1) \"\u{fffd}\u{fffd}a\\0,\\0\"",
        ],
    );
}

#[test]
fn single_byte_encodings_are_decoded() {
    let bytes = b"Gr\xF6\xDFe;Preis\n\"5\xBD\"\"\";10 \x80\n";
    check(
        "csv: { delimiter: ;, encoding: windows-1252 }",
        bytes,
        &[r#"line 2: {"Größe":"5½\"","Preis":"10 €"}"#],
    );
    check(
        "csv: { delimiter: ;, encoding: latin-1 }",
        bytes,
        &["line 2: {\"Größe\":\"5½\\\"\",\"Preis\":\"10 \u{80}\"}"],
    );
    let back = encode(
        &format("csv: { delimiter: ;, encoding: windows-1252 }"),
        [r#"{"Größe":"5½\"","Preis":"10 €"}"#.as_bytes()],
    );
    assert_eq!(back.expect("written"), b"Gr\xF6\xDFe;Preis\r\n\"5\xBD\"\"\";10 \x80\r\n");
    let error =
        encode(&format("csv: { encoding: latin-1 }"), [r#"{"a":"€"}"#.as_bytes()]).expect_err("no euro");
    assert_eq!(error.message, "the encoding of the file has no '€'");
}

#[test]
fn a_bad_header_is_fatal() {
    for (input, expected) in [
        ("a,a\n1,2\n", r#"fatal csv-header the header has the column `a` twice (line 1) "a,a\n1,2\n""#),
        ("a, \n1,2\n", r#"fatal csv-header column 2 of the header has no name (line 1) "a, \n1,2\n""#),
        (
            "a,\"b\n1,2\n",
            r#"fatal csv-quote the quote that opens here is never closed (line 1, column 3) "a,\"b\n1,2\n""#,
        ),
    ] {
        check("csv", input, &[expected]);
    }
    check(
        "csv: { group_by: po }",
        "id,line\n1,2\n",
        &[r#"fatal csv-header there is no column `po` to group by (line 1) "id,line\n1,2\n""#],
    );
}

#[test]
fn rows_with_the_same_value_make_one_document() {
    let items = decoded(&format("csv: { group_by: po }"), b"po,line\n1,10\n1,20\n2,10\n\n1,30\n");
    let shown: Vec<_> = items.iter().map(crate::tests::show).collect();
    assert_eq!(
        shown,
        [
            r#"line 2: {"po":"1","rows":[{"po":"1","line":"10"},{"po":"1","line":"20"}]}"#,
            r#"line 4: {"po":"2","rows":[{"po":"2","line":"10"}]}"#,
            r#"line 6: {"po":"1","rows":[{"po":"1","line":"30"}]}"#,
        ]
    );
    let raw: Vec<_> = items.iter().flatten().map(|document| document.raw.to_vec()).collect();
    assert_eq!(raw, [&b"1,10\n1,20\n"[..], b"2,10\n", b"1,30\n"]);
}

#[test]
fn a_group_tells_of_refused_rows_next_to_it() {
    check(
        "csv: { columns: [po, line], group_by: po }",
        "1,10\n1\n1,20\n2,10\nx,y,z\n3,10\n4,10\n",
        &[
            r#"error csv-columns the row has 1 column, not 2 (line 2) "1\n""#,
            r#"line 1: {"po":"1","rows":[{"po":"1","line":"10"},{"po":"1","line":"20"}],"refused_rows":1}"#,
            r#"error csv-columns the row has 3 columns, not 2 (line 5) "x,y,z\n""#,
            r#"line 4: {"po":"2","rows":[{"po":"2","line":"10"}],"refused_rows":1}"#,
            r#"line 6: {"po":"3","rows":[{"po":"3","line":"10"}],"refused_rows":1}"#,
            r#"line 7: {"po":"4","rows":[{"po":"4","line":"10"}]}"#,
        ],
    );
}

#[test]
fn a_group_is_bounded_and_nothing_of_it_is_lost() {
    let rows: String = (0..40).map(|line| format!("1,{line:02}\n")).collect();
    let items = decoded(
        &format("csv: { columns: [po, line], group_by: po, group_bytes: 100 }"),
        format!("{rows}2,10\n").as_bytes(),
    );
    let refused: Vec<u8> =
        items.iter().filter_map(|item| item.as_ref().err()).flat_map(|error| error.raw.clone()).collect();
    assert_eq!(String::from_utf8_lossy(&refused), rows);
    let good: Vec<_> = items.iter().flatten().map(|document| document.raw.to_vec()).collect();
    assert_eq!(good, [b"2,10\n"]);
    assert!(items.len() < 8, "a few large errors: {}", items.len());
    // Refused rows do not keep a group's bytes without bound either.
    let bad = format!("1,1\n{}", "x\n".repeat(1000));
    let items =
        decoded(&format("csv: { columns: [po, line], group_by: po, group_bytes: 100 }"), bad.as_bytes());
    assert!(items.iter().all(|item| item.as_ref().err().is_some_and(|error| error.raw.len() <= 110)));
}

fn check_written(yaml: &str, documents: &[&str], expected: &str) {
    let written = encode(&format(yaml), documents.iter().map(|document| document.as_bytes()));
    let shown = match &written {
        Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Err(error) => error.message.clone(),
    };
    assert_eq!(shown, expected, "{yaml}");
}

#[test]
fn documents_become_rows() {
    check_written(
        "csv",
        &[r#"{"a":"x,y","b":null,"c":true}"#, r#"{"c":1.50,"a":"\"q\"\n","b":" "}"#],
        "a,b,c\r\n\"x,y\",,true\r\n\"\"\"q\"\"\n\", ,1.50\r\n",
    );
    check_written("csv: { columns: [b, a] }", &[r#"{"a":"1","b":"2","other":[]}"#], "2,1\r\n");
    check_written(
        "csv",
        &[r#"{"a":"1"}"#, r#"{"a":"1","b":"2"}"#],
        "the document has `b`, which the first one did not",
    );
    check_written("csv", &[r#"{"a":[1]}"#], "the column `a` would hold an array");
    check_written("csv", &["[1]"], "a row of a table is an object, not array");
    check_written(
        "csv: { quote: null }",
        &[r#"{"a":"x,y"}"#],
        "the value \"x,y\" needs quotes, and the format has none",
    );
    check_written(
        "csv: { group_by: po, columns: [po, line] }",
        &[r#"{"po":"1","rows":[{"po":"1","line":"10"},{"po":"1","line":"20"}]}"#],
        "1,10\r\n1,20\r\n",
    );
}

#[test]
fn a_document_that_cannot_be_written_leaves_no_trace() {
    let mut encoder = crate::Encoder::new(&format("csv: { group_by: po }"));
    let mut out = Vec::new();
    assert!(encoder.document(br#"{"po":"0","rows":[{"x":"1"},{"x":[]}]}"#, &mut out).is_err());
    for document in [&br#"{"a":"1"}"#[..], br#"{"a":"2"}"#] {
        encoder.document(document, &mut out).expect("written");
        assert!(encoder.document(br#"{"a":"3","b":"4"}"#, &mut out).is_err());
    }
    assert_eq!(String::from_utf8_lossy(&out), "a\r\n1\r\n2\r\n");
}

#[test]
fn formulas_are_disarmed_when_asked() {
    let document = r#"{"a":"=1+1","b":"-5.00","c":"@x","d":-3,"e":"+49 30","f":"-"}"#;
    check_written(
        "csv: { escape_formulas: true, header: false, columns: [a,b,c,d,e,f] }",
        &[document],
        "'=1+1,-5.00,'@x,-3,'+49 30,'-\r\n",
    );
    check_written(
        "csv: { header: false, columns: [a,b,c,d,e,f] }",
        &[document],
        "=1+1,-5.00,@x,-3,+49 30,-\r\n",
    );
}

fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    let value = prop_oneof![
        "[a-z0-9 ]{0,8}".prop_map(String::from),
        "[,;\"\r\n\t' é漢=]{0,6}".prop_map(String::from),
        any::<String>().prop_map(|text| text.replace('\0', "")),
    ];
    (1..6_usize).prop_flat_map(move |columns| {
        prop::collection::vec(prop::collection::vec(value.clone(), columns..=columns), 0..8)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(rows in table(), delimiter in prop::sample::select(vec![",", ";", "tab", "|"])) {
        let columns: Vec<String> = (0..rows.first().map_or(1, Vec::len)).map(|column| format!("c{column}")).collect();
        let document = |row: &Vec<String>| {
            let members = columns.iter().cloned().zip(row.iter().map(|value| value.as_str().into()));
            serde_json::Value::Object(members.collect())
        };
        let documents: Vec<serde_json::Value> = rows.iter().map(document).collect();
        let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
        let format = format(&format!("csv: {{ delimiter: '{delimiter}' }}"));
        let written = encode(&format, texts.iter().map(String::as_bytes)).expect("written");
        let read: Vec<serde_json::Value> = decoded(&format, &written)
            .into_iter()
            .map(|item| serde_json::from_slice(&item.expect("good").json).expect("JSON"))
            .collect();
        prop_assert_eq!(read, documents);
    }

    /// The csv crate writes tables, and reads the ones that are right, as we do.
    #[test]
    fn the_csv_crate_agrees(rows in table()) {
        if rows.is_empty() {
            return Ok(());
        }
        let mut writer = ::csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).expect("written");
        }
        let written = writer.into_inner().expect("written");
        let columns: Vec<String> = (0..rows[0].len()).map(|column| format!("c{column}")).collect();
        let Format::Csv(mut options) = format("csv") else { unreachable!() };
        options.columns = Some(columns.clone());
        let read = decoded(&Format::Csv(options), &written);
        let values: Vec<Vec<String>> = read
            .into_iter()
            .map(|item| {
                let document: serde_json::Value = serde_json::from_slice(&item.expect("good").json).expect("JSON");
                columns.iter().map(|column| document[column].as_str().expect("text").to_owned()).collect()
            })
            .collect();
        // A byte order mark at the very start is no part of the first value.
        let starts_with_mark = rows[0][0].starts_with('\u{feff}');
        prop_assert!(starts_with_mark || values == rows, "{:?} is not {:?}", values, rows);
    }
}

#[test]
fn a_table_of_a_mainframe_is_read_and_written() {
    let encoding = crate::Encoding::named("cp273").expect("known");
    let mut input = Vec::new();
    encoding
        .encode("No,Text\r\n1,\"Öl, \"\"A\"\"\"\n\n2,Maß\u{85}3,\"x\ny\"\r", &mut input)
        .expect("written");
    assert!(!input.contains(&b'\n'));
    check(
        "csv: { encoding: cp273 }",
        &input,
        &[
            r#"line 2: {"No":"1","Text":"Öl, \"A\""}"#,
            r#"line 4: {"No":"2","Text":"Maß"}"#,
            r#"line 5: {"No":"3","Text":"x\ny"}"#,
        ],
    );
    let written = encode(&format("csv: { encoding: cp273 }"), [&br#"{"No":"1","Text":"a,\"\u00d6"}"#[..]]);
    assert_eq!(encoding.decode(&written.expect("written")).as_deref(), Ok("No,Text\r\n1,\"a,\"\"Ö\"\r\n"));
    let error = encode(&format("csv: { encoding: cp273 }"), [&br#"{"No":"1","Text":"\u20ac"}"#[..]]);
    assert_eq!(error.expect_err("no euro").message, "the encoding of the file has no '€'");
    check(
        "csv: { encoding: iso-8859-6, columns: [a, b] }",
        b"1,\xC7\n2,\xA1\n",
        &[
            r#"line 1: {"a":"1","b":"ا"}"#,
            "error csv-encoding the byte 0xA1 is no character of iso-8859-6 (line 2, column 3) \"2,\u{fffd}\\n\"",
        ],
    );
    let error = serde_saphyr::from_str::<Format>("csv: { encoding: cp999 }").expect_err("unknown");
    assert!(error.to_string().contains("there is no encoding `cp999`; the encodings are utf-8, latin-1,"));
}
