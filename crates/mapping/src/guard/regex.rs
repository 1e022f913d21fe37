//! What a regular expression may cost, judged from its text before it is compiled.

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 1024;
/// The most states that counted repetitions may multiply a pattern to.
const MAX_STATES: u64 = 20_000;

/// An upper estimate of the states a pattern has: its length times all its counted repetitions.
pub(super) fn pattern_cost(pattern: &[u8]) -> Result<u64, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the regular expression is longer than {MAX_PATTERN} bytes"));
    }
    let mut states = 1 + pattern.len() as u64;
    let mut rest = pattern;
    while let Some(open) = rest.iter().position(|byte| *byte == b'{') {
        rest = &rest[open + 1..];
        let inner = rest.split(|byte| *byte == b'}').next().unwrap_or_default();
        let numbers = inner
            .split(|byte| *byte == b',')
            .filter_map(|n| std::str::from_utf8(n).ok()?.trim().parse::<u64>().ok());
        states = states.saturating_mul(numbers.max().unwrap_or(1).max(1));
    }
    if states > MAX_STATES {
        return Err("the regular expression repeats too much".to_owned());
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_multiply() {
        assert_eq!(pattern_cost(b"abc").unwrap(), 4);
        assert_eq!(pattern_cost(b"a{10}").unwrap(), 60);
        assert!(pattern_cost(b"(a{1000}){1000}").is_err());
        assert!(pattern_cost(&[b'a'; 2000]).is_err());
    }
}
