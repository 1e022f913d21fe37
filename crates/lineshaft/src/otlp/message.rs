//! Spans as an `ExportTraceServiceRequest`, written straight in protobuf's wire format: the part of OTLP that a hub needs is
//! seven small messages, and their field numbers are fixed for good.
//!
//! <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>
//! <https://protobuf.dev/programming-guides/encoding/>

use lineshaft_ports::{Span, SpanKind};

/// One request with all of `spans`.
pub(super) fn request(service: &str, spans: &[Span]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |resource_spans| {
        resource_spans.message(1, |resource| {
            resource.attribute(1, "service.name", service);
            resource.attribute(1, "service.version", env!("CARGO_PKG_VERSION"));
        });
        resource_spans.message(2, |scope_spans| {
            scope_spans.message(1, |scope| {
                scope.text(1, "lineshaft");
                scope.text(2, env!("CARGO_PKG_VERSION"));
            });
            for span in spans {
                scope_spans.message(2, |message| write(message, span));
            }
        });
    });
    request.0
}

fn write(message: &mut Message, span: &Span) {
    message.bytes(1, &span.trace.to_be_bytes());
    message.bytes(2, &span.id.to_be_bytes());
    if span.parent != 0 {
        message.bytes(4, &span.parent.to_be_bytes());
    }
    message.text(5, &span.name);
    let kind = match span.kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
    };
    message.number(6, kind);
    message.fixed64(7, span.start_ns);
    message.fixed64(8, span.end_ns);
    for (name, value) in &span.attributes {
        message.attribute(9, name, value);
    }
    if !span.error.is_empty() {
        message.attribute(9, "error.type", &span.error);
        message.message(15, |status| {
            status.text(2, &span.error);
            // STATUS_CODE_ERROR
            status.number(3, 2);
        });
    }
}

/// A message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

/// How a field's value is written.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    fn fixed64(&mut self, field: u64, value: u64) {
        self.tag(field, FIXED_64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.tag(field, LENGTH);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// A `KeyValue` with a text.
    fn attribute(&mut self, field: u64, name: &str, value: &str) {
        self.message(field, |pair| {
            pair.text(1, name);
            pair.message(2, |any| any.text(1, value));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoding guide's own example: field 1 with the number 150, field 2 with the text `testing`.
    #[test]
    fn fields_are_written_as_the_encoding_guide_has_them() {
        let mut message = Message::default();
        message.number(1, 150);
        message.text(2, "testing");
        assert_eq!(hex::encode(message.0), "089601120774657374696e67");
    }

    #[test]
    fn a_span_is_written_field_by_field() {
        let span = Span {
            trace: 1,
            id: 2,
            parent: 3,
            name: "n".into(),
            kind: SpanKind::Client,
            start_ns: 4,
            end_ns: 5,
            error: "e".into(),
            attributes: vec![("k", "v".into())],
        };
        let mut message = Message::default();
        write(&mut message, &span);
        let fields = [
            "0a10 00000000000000000000000000000001",
            "1208 0000000000000002",
            "2208 0000000000000003",
            "2a01 6e",
            "3003",
            "39 0400000000000000",
            "41 0500000000000000",
            "4a08 0a016b 1203 0a0176",
            "4a11 0a0a 6572726f722e74797065 1203 0a0165",
            "7a05 120165 1802",
        ];
        assert_eq!(hex::encode(message.0), fields.concat().replace(' ', ""));
    }
}
