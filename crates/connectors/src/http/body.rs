//! Takes an answer's body out of its framing as the bytes arrive, without copying more than is kept.

use httparse::{InvalidChunkSize, Status};

/// A body in chunks (RFC 9112, section 7.1), decoded as it arrives.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    taken: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Data(u64),
    AfterData,
    Trailers,
    Done,
}

/// How far decoding came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All bytes used up, more are needed.
    More,
    /// The body is whole.
    Whole,
    /// The body is larger than the limit.
    TooLarge,
    /// Not chunks.
    Malformed,
}

/// The longest line of a chunk's size or of a trailer.
const MAX_LINE_BYTES: usize = 8 * 1024;

impl Chunks {
    /// Decodes from `input`, moving `used` on, and appends to `body` up to `limit` bytes in all.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        used: &mut usize,
        body: &mut Vec<u8>,
        limit: u64,
    ) -> Progress {
        loop {
            let rest = input.get(*used..).unwrap_or_default();
            match self.state {
                State::Done => return Progress::Whole,
                State::Size => match httparse::parse_chunk_size(rest) {
                    Ok(Status::Complete((len, size))) => {
                        *used += len;
                        self.state = if size == 0 { State::Trailers } else { State::Data(size) };
                    }
                    Ok(Status::Partial) if rest.len() > MAX_LINE_BYTES => return Progress::Malformed,
                    Ok(Status::Partial) => return Progress::More,
                    Err(InvalidChunkSize) => return Progress::Malformed,
                },
                State::Data(left) => {
                    if rest.is_empty() {
                        return Progress::More;
                    }
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    self.taken = self.taken.saturating_add(take as u64);
                    if self.taken > limit {
                        return Progress::TooLarge;
                    }
                    body.extend_from_slice(&rest[..take]);
                    *used += take;
                    let left = left - take as u64;
                    self.state = if left == 0 { State::AfterData } else { State::Data(left) };
                }
                State::AfterData => match rest {
                    [b'\r', b'\n', ..] => {
                        *used += 2;
                        self.state = State::Size;
                    }
                    [] | [b'\r'] => return Progress::More,
                    _ => return Progress::Malformed,
                },
                State::Trailers => match rest.iter().position(|byte| *byte == b'\n') {
                    Some(end) => {
                        *used += end + 1;
                        if matches!(&rest[..end], [] | [b'\r']) {
                            self.state = State::Done;
                        }
                    }
                    None if rest.len() > MAX_LINE_BYTES => return Progress::Malformed,
                    None => return Progress::More,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"4;x=y\r\nWiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nA: b\r\n\r\nHTTP";

    #[test]
    fn chunks_are_put_together_wherever_they_are_cut() {
        for cut in 0..WHOLE.len() - 4 {
            let (mut chunks, mut body, mut used) = (Chunks::default(), Vec::new(), 0);
            assert_eq!(chunks.decode(&WHOLE[..cut], &mut used, &mut body, 100), Progress::More, "{cut}");
            assert_eq!(chunks.decode(WHOLE, &mut used, &mut body, 100), Progress::Whole, "{cut}");
            assert_eq!(body, b"Wikipedia in \r\n\r\nchunks.");
            assert_eq!(&WHOLE[used..], b"HTTP");
        }
    }

    #[test]
    fn what_is_too_large_or_no_chunk_is_said_so() {
        let decode = |text: &[u8], limit| Chunks::default().decode(text, &mut 0, &mut Vec::new(), limit);
        assert_eq!(decode(WHOLE, 23), Progress::TooLarge);
        for bad in [&b"x\r\n"[..], b"4\r\nWikiXX", b"-4\r\n", b"fffffffffffffffff\r\n"] {
            assert_eq!(decode(bad, 100), Progress::Malformed);
        }
        let endless = [b"0\r\n".as_slice(), &vec![b'a'; MAX_LINE_BYTES + 1]].concat();
        assert_eq!(decode(&endless, 100), Progress::Malformed);
    }
}
