//! Until when a certificate is good: the one field of X.509 that the hub reads itself (RFC 5280, section 4.1.2.5).

use lineshaft_model::{Millis, Moment};

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The optional version: context-specific, constructed, number 0.
const VERSION: u8 = 0xa0;

/// The last moment of a certificate in DER; `None` when it is none.
#[must_use]
pub fn not_after(der: &[u8]) -> Option<Millis> {
    let (tag, certificate, _) = element(der)?;
    let (inner, mut rest, _) = element(certificate)?;
    if tag != SEQUENCE || inner != SEQUENCE {
        return None;
    }
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer; then the validity.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (tag, validity, _) = element(rest)?;
    if tag != SEQUENCE {
        return None;
    }
    let (_, _, after) = element(validity)?;
    let (tag, text, _) = element(after)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// The tag, the contents and what follows of the first element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let bytes = rest.get(..count).filter(|bytes| (1..=4).contains(&bytes.len()))?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest.get(count..)?)
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

fn time(tag: u8, text: &str) -> Option<Millis> {
    let text = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let whole = match (tag, text.len()) {
        // Two digits of a year are 1950 to 2049.
        (UTC_TIME, 12) => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        (GENERALIZED_TIME, 14) => text.to_owned(),
        _ => return None,
    };
    let part = |range: std::ops::Range<usize>| whole.get(range);
    let shown = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?
    );
    shown.parse::<Moment>().ok().map(|moment| moment.millis())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn made(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["wms.example".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 3, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_notations() {
        assert_eq!(not_after(&made(2027)).unwrap().to_string(), "2027-03-01T00:00:00.000Z");
        assert_eq!(not_after(&made(2051)).unwrap().to_string(), "2051-03-01T00:00:00.000Z");
        assert_eq!(time(UTC_TIME, "991231235959Z").unwrap().to_string(), "1999-12-31T23:59:59.000Z");
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let whole = made(2027);
        for length in 0..whole.len() {
            // A certificate that is cut off within its validity has none; the signature after it is not looked at, but the
            // length of the whole is.
            assert_eq!(not_after(&whole[..length]), None, "{length}");
        }
        assert_eq!(not_after(b"\x30\x84\xff\xff\xff\xff"), None);
        assert_eq!(time(UTC_TIME, "2711312359590"), None);
        assert_eq!(time(GENERALIZED_TIME, "20271331235959Z"), None);
    }
}
