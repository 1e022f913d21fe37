//! cXML, UBL and B2MML: lists are lists, and what is written has the sequence and the namespaces of the standard.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use crate::encode;
use crate::tests::{check, decoded, format};

fn written(yaml: &str, document: &str) -> String {
    match encode(&format(yaml), [document.as_bytes()]) {
        Ok(bytes) => {
            String::from_utf8_lossy(&bytes).replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "")
        }
        Err(error) => error.message,
    }
}

#[test]
fn what_may_come_again_is_a_list() {
    check(
        "ubl",
        "<Order xmlns='urn:oasis:names:specification:ubl:schema:xsd:Order-2' xmlns:cac='a' xmlns:cbc='b'>\n <cbc:ID> 7 </cbc:ID><cbc:Note>n</cbc:Note>\n\
<cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cbc:Quantity unitCode='C62'>5</cbc:Quantity><cac:Delivery/></cac:LineItem></cac:OrderLine></Order>",
        &[
            r##"line 1, at /Order: {"Order":{"ID":"7","Note":["n"],"OrderLine":[{"LineItem":{"ID":"1","Quantity":{"@unitCode":"C62","#text":"5"},"Delivery":[""]}}]}}"##,
        ],
    );
    check(
        "cxml",
        "<!DOCTYPE cXML SYSTEM 'http://xml.cxml.org/schemas/cXML/1.2.014/cXML.dtd'>\n<cXML payloadID='p' xml:lang='en'><Request><OrderRequest>\
<ItemOut quantity='1'><ItemID><SupplierPartID>s</SupplierPartID></ItemID></ItemOut></OrderRequest></Request></cXML>",
        &[
            r#"line 2, at /cXML: {"cXML":{"@payloadID":"p","@lang":"en","Request":{"OrderRequest":{"ItemOut":[{"@quantity":"1","ItemID":{"SupplierPartID":"s"}}]}}}}"#,
        ],
    );
    check(
        "b2mml: { split: OperationsRequest }",
        "<OperationsSchedule xmlns='http://www.mesa.org/xml/B2MML-V0600'><ID>s</ID><OperationsRequest><ID>1</ID><SegmentRequirement><ID>10</ID>\
<MaterialRequirement><MaterialDefinitionID>M</MaterialDefinitionID><Quantity><QuantityString>2</QuantityString></Quantity></MaterialRequirement>\
</SegmentRequirement></OperationsRequest></OperationsSchedule>",
        &[
            r#"line 1, at /OperationsSchedule/OperationsRequest: {"OperationsRequest":{"ID":"1","SegmentRequirement":[{"ID":"10","MaterialRequirement":[{"MaterialDefinitionID":["M"],"Quantity":[{"QuantityString":"2"}]}]}]}}"#,
        ],
    );
    check(
        "b2mml",
        "<ProductionSchedule xmlns='http://www.wbf.org/xml/B2MML-V0401'><ProductionRequest><ID>1</ID></ProductionRequest></ProductionSchedule>",
        &[r#"line 1, at /ProductionSchedule: {"ProductionSchedule":{"ProductionRequest":[{"ID":"1"}]}}"#],
    );
    // Only cXML has a DOCTYPE, and nobody's is fetched.
    for yaml in ["ubl", "b2mml"] {
        let items = decoded(&format(yaml), b"<!DOCTYPE a SYSTEM 'x'><a/>");
        assert!(matches!(&items[..], [Err(error)] if error.code == "xml-doctype"), "{items:?}");
    }
    let items = decoded(&format("cxml"), b"<!DOCTYPE cXML [<!ENTITY a 'b'>]><cXML>&a;</cXML>");
    assert!(matches!(&items[..], [Err(error)] if error.code == "xml-doctype"), "{items:?}");
}

#[test]
fn elements_are_written_in_the_sequence_of_the_schema() {
    assert_eq!(
        written(
            "ubl",
            r##"{"Order":{"OrderLine":[{"LineItem":{"Quantity":{"#text":"5","@unitCode":"C62"},"ID":"1"}}],"IssueDate":"2026-11-27","ID":7,"Note":null,"@xmlns":"x"}}"##
        ),
        "<Order xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Order-2\" xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\" \
xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\" xmlns:ext=\"urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2\">\
<cbc:ID>7</cbc:ID><cbc:IssueDate>2026-11-27</cbc:IssueDate><cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cbc:Quantity unitCode=\"C62\">5</cbc:Quantity></cac:LineItem></cac:OrderLine></Order>\n"
    );
    assert_eq!(
        written(
            "b2mml",
            r#"{"OperationsRequest":{"SegmentRequirement":{"ID":"10"},"ID":"1","Description":["a < b"]}}"#
        ),
        "<OperationsRequest xmlns=\"http://www.mesa.org/xml/B2MML\"><ID>1</ID><Description>a &lt; b</Description><SegmentRequirement><ID>10</ID></SegmentRequirement></OperationsRequest>\n"
    );
    let confirmation = r##"{"cXML":{"Request":{"ConfirmationRequest":{"ConfirmationItem":[{"ConfirmationStatus":{"@type":"accept"},"UnitOfMeasure":"EA"}],"ConfirmationHeader":{"Comments":{"@lang":"en","#text":"t","Own":"1"}}}},"@payloadID":"p\"1"}}"##;
    assert_eq!(
        written("cxml", confirmation),
        "<!DOCTYPE cXML SYSTEM \"http://xml.cxml.org/schemas/cXML/1.2.060/Fulfill.dtd\">\n<cXML payloadID=\"p&quot;1\"><Request><ConfirmationRequest>\
<ConfirmationHeader><Comments xml:lang=\"en\">t<Own>1</Own></Comments></ConfirmationHeader><ConfirmationItem><UnitOfMeasure>EA</UnitOfMeasure>\
<ConfirmationStatus type=\"accept\"></ConfirmationStatus></ConfirmationItem></ConfirmationRequest></Request></cXML>\n"
    );
    let order = r#"{"cXML":{"Request":{"OrderRequest":{}}}}"#;
    assert!(written("cxml", order).contains("/cXML.dtd\">"));
    // What was written is read as it was given.
    let items = decoded(&format("cxml"), &encode(&format("cxml"), [order.as_bytes()]).expect("written"));
    assert_eq!(
        items[0].as_ref().expect("good").json,
        br#"{"cXML":{"Request":{"OrderRequest":""}}}"#.as_slice()
    );
}

#[test]
fn what_the_schema_does_not_have_is_refused() {
    for (yaml, document, expected) in [
        ("ubl", r#"{"Ordre":{}}"#, "`Ordre` is no document of ubl"),
        ("ubl", r#"{"Order":"1"}"#, "`Order` is no document of ubl"),
        ("cxml", r#"{"Order":{}}"#, "`Order` is no document of cxml"),
        ("b2mml", r#"{"ProductionSchedule":{}}"#, "`ProductionSchedule` is no document of b2mml"),
        ("ubl", "[]", "a document for ubl is an object with one member"),
        ("ubl", r#"{"Order":{"Id":"1"}}"#, "`Order` of ubl holds no `Id`"),
        ("ubl", r#"{"Order":{"cbc:ID":"1"}}"#, "\"cbc:ID\" is not a name for an element or attribute"),
        ("ubl", r#"{"Order":{"ID":["1","2"]}}"#, "`ID` comes once in `Order` of ubl, and there are 2"),
        ("b2mml", r#"{"OperationsRequest":{"Id":"1"}}"#, "`OperationsRequest` of b2mml holds no `Id`"),
        (
            "b2mml",
            r#"{"OperationsRequest":{"ID":{"@x:y":"1"}}}"#,
            "\"x:y\" is not a name for an element or attribute",
        ),
        (
            "ubl",
            r#"{"Order":{"UBLExtensions":{"UBLExtension":[{"ExtensionContent":{"A":"1"}}]}}}"#,
            "what an extension of UBL holds is of another namespace, and is not written",
        ),
        ("ubl", r#"{"Order":{"ID":{"@a":[1]}}}"#, "a is text, not an array"),
    ] {
        assert_eq!(written(yaml, document), expected, "{document}");
    }
    let two = [br#"{"Order":{"ID":"1"}}"#.as_slice(); 2];
    assert_eq!(
        encode(&format("ubl"), two).expect_err("two").message,
        "an XML document has one root, and this is the second document"
    );
}
