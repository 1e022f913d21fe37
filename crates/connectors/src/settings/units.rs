//! Durations and sizes as people write them.

/// Milliseconds of `250ms`, `10s`, `5m`, `2h`, `1d`. Whole numbers only.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    scaled(text, &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)])
}

/// Bytes of `512B`, `64KiB`, `4MiB`, `5GiB`. Whole numbers only.
pub(super) fn size_bytes(text: &str) -> Option<u64> {
    scaled(text, &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)])
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start_matches(' ');
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_nothing_else() {
        assert_eq!(duration_ms("250ms"), Some(250));
        assert_eq!(duration_ms("10s"), Some(10_000));
        assert_eq!(duration_ms("5 m"), Some(300_000));
        assert_eq!(size_bytes("4MiB"), Some(4 << 20));
        for bad in ["", "s", "10", "-1s", "1.5s", "10S", "99999999999999999999s", "999999999999999999d"] {
            assert_eq!(duration_ms(bad), None, "{bad}");
        }
        for bad in ["4MB", "4mib", "MiB", "18446744073709551615GiB"] {
            assert_eq!(size_bytes(bad), None, "{bad}");
        }
    }
}
