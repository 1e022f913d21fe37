//! Encodings against facts of their standards, and every byte there and back.

use super::*;

fn page(name: &str) -> Encoding {
    Encoding::named(name).expect(name)
}

/// Characters by which the encodings differ, from the standards: byte, text.
#[test]
fn each_encoding_has_the_characters_of_its_standard() {
    let cases: [(&str, &[u8], &str); 21] = [
        ("iso-8859-1", b"\xA4\xE9", "¤é"),
        ("windows-1252", b"\x80\x81\x8A\xE9", "€\u{81}Šé"),
        ("iso-8859-2", b"\xA3\xB1\xE8", "Łąč"),
        ("iso-8859-3", b"\xA1\xFE", "Ħŝ"),
        ("iso-8859-4", b"\xA1\xE7", "Ąį"),
        ("iso-8859-5", b"\xB6\xF0", "Ж№"),
        ("iso-8859-6", b"\xC7\xEA", "اي"),
        ("iso-8859-7", b"\xC1\xF9\xA4", "Αω€"),
        ("iso-8859-8", b"\xE0\xFA", "את"),
        ("iso-8859-9", b"\xD0\xFD", "Ğı"),
        ("iso-8859-10", b"\xA1\xFF", "Ąĸ"),
        ("iso-8859-11", b"\xA1\xDF", "ก฿"),
        ("iso-8859-13", b"\xA8\xE0", "Øą"),
        ("iso-8859-14", b"\xA1\xF0", "Ḃŵ"),
        ("iso-8859-15", b"\xA4\xA6\xBD", "€Šœ"),
        ("cp037", b"\xC1\x81\xF0\x40\xAD\xBB\x4A", "Aa0 Ý]¢"),
        ("cp500", b"\xC1\x81\xF0\x40\x4A\x5A\xB0", "Aa0 []¢"),
        ("cp1047", b"\xC1\x81\xF0\x40\xAD\xBD\x15\x25", "Aa0 []\u{85}\n"),
        ("cp273", b"\xC0\xD0\x6A\x4A\xE0\xA1\x43", "äüöÄÖß{"),
        ("CP1252", b"\x80", "€"),
        ("utf-8", b"\xC3\xA9", "é"),
    ];
    for (name, bytes, text) in cases {
        assert_eq!(page(name).decode(bytes).as_deref(), Ok(text), "{name}");
        let mut written = Vec::new();
        assert_eq!(page(name).encode(text, &mut written), Ok(()), "{name}");
        assert_eq!(written, bytes, "{name}");
    }
}

#[test]
fn every_byte_is_a_character_that_is_written_as_that_byte_or_no_character() {
    for name in Encoding::names().skip(1) {
        let encoding = page(name);
        let mut characters = 0;
        for byte in 0..=255 {
            match encoding.decode(&[byte]) {
                Ok(text) => {
                    let mut written = Vec::new();
                    assert_eq!(encoding.encode(&text, &mut written), Ok(()));
                    assert_eq!(written, [byte], "{name}: {text:?}");
                    characters += 1;
                }
                Err(good) => assert_eq!(good, 0),
            }
        }
        assert!(characters >= 211, "{name} has {characters}");
    }
}

#[test]
fn what_an_encoding_does_not_have_is_told() {
    assert_eq!(page("iso-8859-6").decode(b"ab\xA1"), Err(2));
    assert_eq!(page("iso-8859-6").check(b"ab\xA1"), Err(2));
    assert_eq!(page("iso-8859-6").check(b"ab\xC7"), Ok(()));
    let refused = |name: &str, text: &str| page(name).encode(text, &mut Vec::new());
    assert_eq!(refused("latin-1", "a€"), Err('€'));
    assert_eq!(refused("windows-1252", "\u{80}"), Err('\u{80}'));
    assert_eq!(refused("iso-8859-6", "\u{FFFF}"), Err('\u{FFFF}'));
    assert_eq!(refused("cp037", "漢"), Err('漢'));
    assert_eq!(refused("cp037", "😀"), Err('😀'));
}

#[test]
fn lines_end_as_the_encoding_has_it() {
    let ends = Encoding::Utf8.line_ends();
    assert_eq!((ends.lf, ends.cr, ends.has(0x85), ends.has(0x15)), (b'\n', b'\r', false, false));
    let ends = page("cp037").line_ends();
    assert_eq!((ends.lf, ends.cr, ends.nel, ends.has(b'\n')), (0x25, 0x0D, 0x15, false));
    assert_eq!(ends.count(b"\x0D\x25\x15\x25\x0D"), 4);
}
