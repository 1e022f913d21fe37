//! How far a file has been read: recorded by the hub together with the events, read back after a restart.

use std::fmt;

/// The place of a source in one file. It holds only while the file's content and the format are what they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Checksum of the whole file, in hexadecimal.
    pub(super) content: String,
    /// Fingerprint of the format.
    pub(super) format: String,
    /// Documents and broken parts that are durable.
    pub(super) items: u64,
    /// Byte offset and line of the next one, for people.
    pub(super) offset: u64,
    /// See `offset`.
    pub(super) line: u64,
}

/// The form's version, first in the text.
const VERSION: &str = "1";

impl Token {
    /// Reads a token; anything else, also of a later version, is none and the file is read from its start.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        if parts.next()? != VERSION {
            return None;
        }
        let (content, format) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (items, offset, line) = (number()?, number()?, number()?);
        Some(Self { content, format, items, offset, line })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { content, format, items, offset, line } = self;
        write!(f, "{VERSION} {content} {format} {items} {offset} {line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        let token = Token { content: "ab".into(), format: "cd".into(), items: 7, offset: 1000, line: 8 };
        assert_eq!(Token::parse(&token.to_string()), Some(token));
        for bad in ["", "2 ab cd 7 1 8", "1 ab cd 7 1", "1 ab cd x 1 8", "1"] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
    }
}
