//! JSON laid out for reading, token by token: numbers and strings stay as they were written.

/// More than this is not laid out but shown as it is, in bytes.
const MOST_BYTES: usize = 256 * 1024;

/// JSON with a line for each member and item. What is not JSON comes back as it was.
pub(super) fn pretty(text: &str) -> String {
    if text.len() > MOST_BYTES || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_string {
            out.push(letter);
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                in_string = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                while letters.peek().is_some_and(char::is_ascii_whitespace) {
                    letters.next();
                }
                // An empty one stays on its line.
                if let Some(end) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if letter.is_ascii_whitespace() => {}
            _ => out.push(letter),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn every_member_has_a_line_and_numbers_stay_as_written() {
        let given = r#"{"qty":1.50,"unit":"C62","lines":[{"n":1e3},[]],"none":{ },"text":"a\"{,:\\"}"#;
        let laid_out = "{\n  \"qty\": 1.50,\n  \"unit\": \"C62\",\n  \"lines\": [\n    {\n      \"n\": 1e3\n    },\n    []\n  ],\n  \
                        \"none\": {},\n  \"text\": \"a\\\"{,:\\\\\"\n}";
        assert_eq!(pretty(given), laid_out);
        assert_eq!(pretty(laid_out), laid_out);
    }

    #[test]
    fn what_is_not_json_stays() {
        for given in ["", "{", "a,b;c", "\"unfinished"] {
            assert_eq!(pretty(given), given);
        }
    }
}
