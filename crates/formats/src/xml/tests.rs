//! XML: the shape of the JSON, what is refused, and the way back.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use crate::tests::{check, decoded, format};
use crate::{decode, encode};

fn check_refused(input: impl AsRef<[u8]>, expected: &str) {
    let items = decoded(&format("xml"), input.as_ref());
    let [Err(error)] = &items[..] else { panic!("{items:?}") };
    assert!(error.fatal);
    assert_eq!(format!("{} {error}", error.code), expected, "{}", String::from_utf8_lossy(input.as_ref()));
}

#[test]
fn elements_become_objects() {
    check(
        "xml",
        "<?xml version=\"1.0\"?>\n<!-- c --><Order id='7' x=\"a&amp;&#98;\">\n <Line>1.50</Line><Note/>\n <Line no='2'>b<!-- c -->c</Line>\n</Order>\n",
        &[
            r##"line 2, at /Order: {"Order":{"@id":"7","@x":"a&b","Line":["1.50",{"@no":"2","#text":"bc"}],"Note":""}}"##,
        ],
    );
    check("xml", "<a> x </a>", &[r#"line 1, at /a: {"a":" x "}"#]);
    check("xml: { trim: true }", "<a> x </a>", &[r#"line 1, at /a: {"a":"x"}"#]);
    check("xml", "<a>0815<b/>mixed </a>", &[r##"line 1, at /a: {"a":{"b":"","#text":"0815mixed"}}"##]);
    check(
        "xml",
        "<a>1 &lt; <![CDATA[<2> & ]]>&#x1F600;\r\n</a>",
        &[r#"line 1, at /a: {"a":"1 < <2> & 😀\n"}"#],
    );
    check("xml: { arrays: [b] }", "<a><b>1</b><c/></a>", &[r#"line 1, at /a: {"a":{"b":["1"],"c":""}}"#]);
    check("xml", "\u{feff}<a>é</a>", &[r#"line 1, at /a: {"a":"é"}"#]);
}

#[test]
fn prefixes_go_or_stay() {
    let input = "<p:a xmlns:p='urn:p' xmlns='urn:d' p:k='1' xml:lang='de'><p:b>1</p:b><b>2</b></p:a>";
    check("xml", input, &[r#"line 1, at /a: {"a":{"@k":"1","@lang":"de","b":["1","2"]}}"#]);
    check(
        "xml: { names: prefixed }",
        input,
        &[r#"line 1, at /p:a: {"p:a":{"@p:k":"1","@xml:lang":"de","p:b":"1","b":"2"}}"#],
    );
    check_refused("<p:a/>", "xml-names the prefix of p:a is not declared (line 1, column 1)");
    check_refused(
        "<a><b xmlns:p='u'/><p:c/></a>",
        "xml-names the prefix of p:c is not declared (line 1, column 20, at /a)",
    );
    check_refused(
        "<a xmlns:p='u' k='1' p:k='2'/>",
        "xml-names two attributes of <a> are called @k without their prefixes (line 1, column 1)",
    );
}

#[test]
fn nil_is_null() {
    let xsi = "xmlns:i='http://www.w3.org/2001/XMLSchema-instance'";
    check(
        "xml",
        format!("<a {xsi} i:schemaLocation='x y'><b i:nil='true'/><c i:nil='0'>x</c><d i:type='T'/></a>"),
        &[r#"line 1, at /a: {"a":{"b":null,"c":"x","d":{"@type":"T"}}}"#],
    );
}

#[test]
fn elements_can_be_split() {
    let input = "<Orders at='x'>\n<Order><No>1</No></Order>\n <Group><Order n='2'><Order>inner</Order></Order></Group></Orders>";
    check(
        "xml: { split: Order }",
        input,
        &[
            r#"line 2, at /Orders/Order: {"Order":{"No":"1"}}"#,
            r#"line 3, at /Orders/Group/Order: {"Order":{"@n":"2","Order":"inner"}}"#,
        ],
    );
    check("xml: { split: Invoice }", input, &[]);
    let format = format("xml: { split: Order }");
    let raw: Vec<_> =
        decode(&format, input.as_bytes()).map(|item| item.expect("good").raw.into_owned()).collect();
    assert_eq!(raw[0], b"<Order><No>1</No></Order>");
    // Half a file gives nothing.
    let half = &input.as_bytes()[..60];
    assert!(matches!(&decoded(&format, half)[..], [Err(error)] if error.fatal && error.raw == half));
}

#[test]
fn nothing_is_expanded_or_fetched() {
    let doctype = "xml-doctype the document has a DOCTYPE, which is refused (line 1, column 1)";
    check_refused("<!DOCTYPE cXML SYSTEM \"http://example.com/x.dtd\"><a/>", doctype);
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
    check_refused(
        laughs,
        "xml-doctype the document has a DOCTYPE with declarations, which is refused (line 1, column 1)",
    );
    let plain = "<?xml version='1.0'?>\n<!DOCTYPE cXML SYSTEM \"http://example.com/x.dtd\"><cXML/>";
    check("xml: { doctype: skip }", plain, &[r#"line 2, at /cXML: {"cXML":""}"#]);
    for input in [laughs, "<a><!DOCTYPE a></a>", "<a/><!DOCTYPE a>", "<!DOCTYPE a SYSTEM 'x'><a>&b;</a>"] {
        let items = decoded(&format("xml: { doctype: skip }"), input.as_bytes());
        assert!(matches!(&items[..], [Err(error)] if error.fatal), "{input}");
    }
    check_refused("<a>&b;</a>", "xml-entity there is no entity &b; (line 1, column 4, at /a)");
    check_refused("<a b='&c;'/>", "xml-entity there is no entity &c; (line 1, column 1)");
    check_refused("<a>&#0;</a>", "xml-entity there is no entity &#0; (line 1, column 4, at /a)");
    check_refused("<a>&#xD800;</a>", "xml-entity there is no entity &#xD800; (line 1, column 4, at /a)");
    check_refused("<a>&#+65;</a>", "xml-entity there is no entity &#+65; (line 1, column 4, at /a)");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for input in [
        "",
        "x",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>x",
        "</a>",
        "<a b/>",
        "<a b=c/>",
        "<a b='1' b='2'/>",
        "<1a/>",
        "<a:b:c xmlns:a='u'/>",
        "<a",
        "<a>&</a>",
        "<a>]]></a>",
        "<a><!-- -- --></a>",
        "<a b='<'/>",
        "<a>\u{1}</a>",
        "<a/><?xml version='1.0'?>",
        "<a>\0</a>",
        "< a/>",
        "<![CDATA[x]]>",
        "&amp;",
        "<a><b></a></b>",
        "{\"a\":1}",
    ] {
        let items = decoded(&format("xml"), input.as_bytes());
        assert!(
            matches!(&items[..], [Err(error)] if error.fatal && error.raw == input.as_bytes()),
            "{input}: {items:?}"
        );
    }
    check_refused(
        "<a>\n <b>\n</a>",
        "xml-syntax ill-formed document: expected `</b>`, but `</a>` was found (line 3, column 1, at /a/b)",
    );
    check_refused("<a><b>", "xml-syntax the document ends inside <b> (line 1, column 7, at /a/b)");
}

#[test]
fn depth_attributes_and_size_are_bounded() {
    let deep = "<a>".repeat(100_000);
    check_refused(
        &deep,
        &format!(
            "xml-limit elements are nested more than 60 deep (line 1, column 181, at {})",
            "/a".repeat(60)
        ),
    );
    let items = decoded(&format("xml: { depth: 1000000 }"), deep.as_bytes());
    assert!(matches!(&items[..], [Err(error)] if error.message.contains("120 deep")));
    let nested = format!("{}{}", "<a><a/>".repeat(60), "</a>".repeat(60));
    assert!(decoded(&format("xml: { depth: 61 }"), nested.as_bytes())[0].is_ok());
    let attributes: String = (0..257).map(|index| format!(" a{index}=''")).collect();
    check_refused(
        format!("<a{attributes}/>"),
        "xml-limit an element has more than 256 attributes (line 1, column 1)",
    );
    let items = decoded(&format("xml: { bytes: 4 }"), b"<a></a>");
    assert!(matches!(&items[..], [Err(error)] if error.code == "xml-limit" && error.raw == b"<a></a>"));
    let items = decoded(&format("xml"), format!("<{}/>", "a".repeat(257)).as_bytes());
    assert!(matches!(&items[..], [Err(error)] if error.code == "xml-limit"));
    let items = decoded(&format("xml"), format!("<a></{}>", "b".repeat(100_000)).as_bytes());
    assert!(matches!(&items[..], [Err(error)] if error.message.len() < 600));
    // Many children with names of their own take no quadratic time.
    let wide: String = (0..20_000).map(|index| format!("<n{index}/><n{index}/>")).collect();
    assert!(decoded(&format("xml"), format!("<a>{wide}</a>").as_bytes())[0].is_ok());
}

#[test]
fn the_declared_encoding_counts() {
    let input = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?>\n<a>\xE9<b>\xFC</b>\n<b>&x;</b></a>";
    let items = decoded(&format("xml"), input);
    let [Err(error)] = &items[..] else { panic!("{items:?}") };
    assert_eq!(error.to_string(), "there is no entity &x; (line 3, column 4, at /a/b)");
    assert_eq!(&input[error.at.offset as usize..][..3], b"&x;");
    let good = b"<?xml version='1.0' encoding='windows-1252'?><o>\x80<a>\xFC</a> <a>y</a></o>";
    check("xml: { split: a }", good, &[r#"line 1, at /o/a: {"a":"ü"}"#, r#"line 1, at /o/a: {"a":"y"}"#]);
    check_refused(b"<a>\n\xE9</a>", "xml-encoding these bytes are not UTF-8 (line 2, column 1)");
    check_refused(
        b"\xFF\xFE<\0a\0",
        "xml-encoding the document is UTF-16, not a supported encoding (line 1)",
    );
    check_refused(
        "<?xml version='1.0' encoding='UTF-7'?><a/>",
        "xml-encoding the document says that its encoding is UTF-7, which is not supported (line 1)",
    );
}

#[test]
fn objects_become_elements() {
    let written = |yaml: &str, document: &str| match encode(&format(yaml), [document.as_bytes()]) {
        Ok(bytes) => {
            String::from_utf8_lossy(&bytes).replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "")
        }
        Err(error) => error.message,
    };
    let cases = [
        (
            r##"{"a":{"b":["1",{"@k":"\"<\n","#text":"x & y"}],"c":null,"d":"","e":true}}"##,
            "<a><b>1</b><b k=\"&quot;&lt;&#10;\">x &amp; y</b><d></d><e>true</e></a>",
        ),
        (r#"{"a":{"@xmlns":"urn:x","n":-1.50}}"#, "<a xmlns=\"urn:x\"><n>-1.50</n></a>"),
        (r#"{"a":"1","b":"2"}"#, "a document for XML is an object with one member"),
        (r#"{"a":[1]}"#, "a document for XML is an object with one member"),
        (r#"{"a b":"1"}"#, "\"a b\" is not a name for an element or attribute"),
        (r#"{"a":{"@k":[1]}}"#, "k is text, not an array"),
        (r#"{"a":"\u0007"}"#, "XML cannot hold the character U+0007"),
        (r#"{"a":{"b":[[1]]}}"#, "b has an array in an array"),
    ];
    for (document, expected) in cases {
        assert_eq!(written("xml", document), expected);
    }
    assert_eq!(
        written("xml: { root: 'a b' }", r#"{"a":"1"}"#),
        "\"a b\" is not a name for an element or attribute"
    );
}

fn element() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof!["[a-z<>&\"' é漢\r\n\t]{0,6}", "[0-9]{1,4}"].prop_map(serde_json::Value::from);
    text.clone().prop_recursive(4, 30, 5, move |inner| {
        let value = prop_oneof![
            3 => inner.clone(),
            1 => prop::collection::vec(inner, 2..4).prop_map(serde_json::Value::from),
        ];
        let elements = prop::collection::btree_map("[a-d]", value, 1..4);
        let attributes = prop::collection::btree_map("@[a-c]", text.clone(), 0..3);
        (attributes, elements).prop_map(|(mut members, elements)| {
            members.extend(elements);
            members.into_iter().collect()
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(content in element()) {
        let document = serde_json::json!({ "root": content });
        let format = format("xml");
        let written = encode(&format, [document.to_string().as_bytes()]).expect("written");
        let read = decoded(&format, &written);
        let [Ok(read)] = &read[..] else { panic!("{read:?}") };
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&read.json).expect("JSON"), document);
    }
}
