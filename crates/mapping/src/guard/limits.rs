//! What a program may be and may call, checked before it is compiled.

use jaq_core::load::lex::{StrPart, Tok, Token};

/// The longest program, in bytes.
pub(super) const MAX_SOURCE: usize = 256 * 1024;
/// How deep a program's expressions may be nested; a chain of operators counts as its length.
pub(super) const MAX_NESTING: usize = 160;
/// How deep brackets and strings may be nested.
pub(super) const MAX_BRACKETS: usize = 100;

/// Filters of jq that a mapping cannot have, and what to do instead.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("halt", "a mapping cannot end the hub; use error(\"why\") to refuse the input"),
    ("halt_error", "a mapping cannot end the hub; use error(\"why\") to refuse the input"),
    ("env", "a mapping cannot read the environment; what it may see is in $source and $headers"),
    ("now", "a mapping has no clock; the hub's time is in $now"),
    ("input", "a mapping has one input; it is `.`"),
    ("inputs", "a mapping has one input; it is `.`"),
    ("input_filename", "the file of the input is in $source.file"),
    ("input_line_number", "the line of the input is in $source.line"),
    ("debug", "a mapping cannot print; try it with `lineshaft map`"),
    ("stderr", "a mapping cannot print; try it with `lineshaft map`"),
    ("localtime", "the hub's time zone must not matter; use datetime(text; format; zone)"),
    ("strflocaltime", "the hub's time zone must not matter; use datetime(text; format; zone)"),
    ("tobytes", "outputs are JSON, which has no bytes; use @base64"),
];

/// A rough depth of brackets, strings counted as text, so that the recursive lexer is safe.
pub(super) fn brackets(source: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0_usize);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// An upper bound of how deep the tree of these tokens is.
pub(super) fn nesting(tokens: &[Token<&str>], in_object: bool) -> usize {
    let (mut most, mut operators, mut inner) = (0, 0, 0);
    for Token(text, kind) in tokens {
        match kind {
            Tok::Block(tokens) => inner = inner.max(1 + nesting(tokens, text.starts_with('{'))),
            Tok::Str(parts) => {
                for part in parts {
                    if let StrPart::Term(token) = part {
                        inner = inner.max(1 + nesting(std::slice::from_ref(token), false));
                    }
                }
            }
            Tok::Sym if *text == ";" || (in_object && *text == ",") => {
                most = most.max(operators + inner);
                (operators, inner) = (0, 0);
            }
            Tok::Sym if !text.starts_with(['.', ':', ')', ']', '}']) => operators += 1,
            Tok::Word if is_keyword(text) => operators += 1,
            _ => {}
        }
    }
    most.max(operators + inner)
}

fn is_keyword(word: &str) -> bool {
    matches!(word, "def" | "if" | "elif" | "try" | "label" | "reduce" | "foreach" | "as" | "and" | "or")
}
