//! The head of an answer, and how its body is delimited (RFC 9112, section 6.3).

use httparse::{EMPTY_HEADER, Status};

/// The largest head that is read, and the most headers in it.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;
pub(super) const MAX_HEADERS: usize = 128;

/// What the door needs to know of an answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// Whether the connection may carry another request.
    pub(super) keep_alive: bool,
    /// How long the target asks us to wait.
    pub(super) retry_after_ms: Option<u64>,
    /// Whether the target wants a CSRF token that is missing or spent.
    pub(super) csrf_required: bool,
    /// Bytes of the head itself.
    pub(super) len: usize,
}

/// Where an answer's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClosed,
}

/// What the bytes so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parsed {
    /// More bytes are needed.
    Partial,
    /// An interim answer (1xx) of this length; the real one follows.
    Interim(usize),
    /// The real one.
    Final(Head),
    /// Not an answer in HTTP/1.
    Malformed(&'static str),
}

/// Reads the head of an answer to a request with `method`.
pub(super) fn parse(bytes: &[u8], method: &str) -> Parsed {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let len = match answer.parse(bytes) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) if bytes.len() > MAX_HEAD_BYTES => {
            return Parsed::Malformed("its head is too large");
        }
        Ok(Status::Partial) => return Parsed::Partial,
        Err(httparse::Error::TooManyHeaders) => return Parsed::Malformed("its head has too many lines"),
        Err(_) => return Parsed::Malformed("its head is not HTTP/1.1"),
    };
    let (Some(status), Some(minor)) = (answer.code, answer.version) else {
        return Parsed::Malformed("its head is not HTTP/1.1");
    };
    match status {
        101 => return Parsed::Malformed("it switches protocols, which nobody asked for"),
        100..=199 => return Parsed::Interim(len),
        200..=599 => {}
        _ => return Parsed::Malformed("its status is not one of HTTP"),
    }
    match summarise(answer.headers, status, minor, method) {
        Ok(head) => Parsed::Final(Head { len, ..head }),
        Err(why) => Parsed::Malformed(why),
    }
}

fn summarise(
    headers: &[httparse::Header<'_>],
    status: u16,
    minor: u8,
    method: &str,
) -> Result<Head, &'static str> {
    let (mut length, mut chunked, mut coded) = (None, false, false);
    let (mut close, mut keep) = (false, false);
    let (mut retry_after, mut date) = (None, None);
    let mut csrf_required = false;
    for header in headers {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let read = text(header.value).and_then(decimal).ok_or("its Content-Length is not a number")?;
            if length.replace(read).is_some_and(|earlier| earlier != read) {
                return Err("it has two lengths");
            }
        } else if is("transfer-encoding") {
            coded = true;
            chunked = tokens(header.value).last().is_some_and(|last| last.eq_ignore_ascii_case("chunked"));
        } else if is("connection") {
            close |= tokens(header.value).any(|token| token.eq_ignore_ascii_case("close"));
            keep |= tokens(header.value).any(|token| token.eq_ignore_ascii_case("keep-alive"));
        } else if is("retry-after") {
            retry_after = text(header.value);
        } else if is("x-csrf-token") {
            csrf_required = text(header.value).is_some_and(|value| value.eq_ignore_ascii_case("required"));
        } else if is("date") {
            date = text(header.value);
        }
    }
    let framing = match (coded, length) {
        _ if method == "HEAD" || status == 204 || status == 304 => Framing::Length(0),
        (true, _) if chunked => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        _ => Framing::UntilClosed,
    };
    // A length beside a transfer coding is how answers are smuggled: it is read once and the connection not used again.
    let ambiguous = coded && length.is_some();
    let keep_alive = (minor >= 1 || keep) && !close && !ambiguous && framing != Framing::UntilClosed;
    let retry_after_ms = retry_after.and_then(|text| retry_after_ms(text, date));
    Ok(Head { status, framing, keep_alive, retry_after_ms, csrf_required, len: 0 })
}

/// The wait a `Retry-After` asks for, at most a day. A date counts from the answer's own `Date`, so that the two clocks
/// need not agree; without one, and for anything unreadable, there is none.
fn retry_after_ms(text: &str, date: Option<&str>) -> Option<u64> {
    const DAY_MS: u64 = 86_400_000;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number is still a very long time.
        return Some(text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000).min(DAY_MS));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(date?).ok()?;
    let wait = until.duration_since(now).unwrap_or_default();
    Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(DAY_MS))
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().map(str::trim)
}

fn decimal(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &str> {
    text(value).unwrap_or_default().split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        let parsed = parse(text.as_bytes(), "POST");
        let Parsed::Final(head) = parsed else { unreachable!("{text:?}: {parsed:?}") };
        head
    }

    #[test]
    fn the_body_ends_where_the_standard_says() {
        let framing = |headers: &str| {
            let head = head(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n"));
            (head.framing, head.keep_alive)
        };
        assert_eq!(framing("Content-Length: 5\r\n"), (Framing::Length(5), true));
        assert_eq!(framing("content-length: 5\r\nContent-Length: 5\r\n"), (Framing::Length(5), true));
        assert_eq!(framing("Transfer-Encoding: gzip, chunked\r\n"), (Framing::Chunked, true));
        assert_eq!(framing("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), (Framing::Chunked, false));
        assert_eq!(
            framing("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n"),
            (Framing::UntilClosed, false)
        );
        assert_eq!(framing(""), (Framing::UntilClosed, false));
        assert_eq!(framing("Content-Length: 0\r\nConnection: Close\r\n"), (Framing::Length(0), false));
        assert_eq!(head("HTTP/1.1 204 No Content\r\n\r\n").framing, Framing::Length(0));
        assert!(!head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
        assert!(head("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
    }

    #[test]
    fn what_is_no_answer_is_told_apart_from_what_is_not_yet_one() {
        let parse = |text: &str| parse(text.as_bytes(), "POST");
        assert_eq!(parse("HTTP/1.1 20"), Parsed::Partial);
        assert_eq!(parse("HTTP/1.1 100 Continue\r\n\r\nHTTP"), Parsed::Interim(25));
        for bad in [
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 600 Odd\r\n\r\n",
            "HTTP/1.1 101 Switching\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ] {
            assert!(matches!(parse(bad), Parsed::Malformed(_)), "{bad:?}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MAX_HEAD_BYTES));
        assert!(matches!(parse(&long), Parsed::Malformed(_)));
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        let date = Some("Mon, 23 Nov 2026 05:30:00 GMT");
        assert_eq!(retry_after_ms("120", None), Some(120_000));
        assert_eq!(retry_after_ms("99999999999999999999999", None), Some(86_400_000));
        assert_eq!(retry_after_ms("Mon, 23 Nov 2026 05:31:30 GMT", date), Some(90_000));
        assert_eq!(retry_after_ms("Mon, 23 Nov 2026 05:29:00 GMT", date), Some(0));
        assert_eq!(retry_after_ms("Fri, 23 Nov 2029 05:29:00 GMT", date), Some(86_400_000));
        for nonsense in ["soon", "", "-5", "1.5", "Mon, 99 Nov 2026 05:31:30 GMT"] {
            assert_eq!(retry_after_ms(nonsense, date), None, "{nonsense}");
        }
        assert_eq!(retry_after_ms("Mon, 23 Nov 2026 05:31:30 GMT", None), None);
    }
}
