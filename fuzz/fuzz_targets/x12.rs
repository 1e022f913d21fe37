//! Any bytes read as X12: whole and in pieces are the same, and what was read can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lineshaft_formats::{Decoder, Document, Format, FormatError, decode, encode};

fuzz_target!(|input: &[u8]| {
    let Ok(format) = Format::named("x12") else { return };
    let whole: Vec<_> = decode(&format, input).map(|item| item.map(Document::into_owned)).collect();
    let mut decoder = Decoder::new(&format);
    let mut pieces: Vec<Result<Document<'static>, FormatError>> = Vec::new();
    for piece in input.chunks(7) {
        decoder.feed(piece);
        while let Some(item) = decoder.next() {
            pieces.push(item.map(Document::into_owned));
        }
    }
    decoder.end();
    while let Some(item) = decoder.next() {
        pieces.push(item.map(Document::into_owned));
    }
    assert_eq!(whole, pieces);
    for document in whole.iter().flatten() {
        let range = document.range();
        assert_eq!(&input[range.start as usize..range.end as usize], &*document.raw);
        let _ = encode(&format, [&*document.json]);
    }
});
