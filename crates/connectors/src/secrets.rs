//! Secrets: named in the configuration as `${secret:name}`, resolved when a door is built, never shown.

use std::fmt;

use lineshaft_model::Reason;
use secrecy::{ExposeSecret, SecretString};

/// Where secrets come from: environment, files or a store. Implemented by whoever loads the workspace.
pub trait Secrets: Send + Sync {
    /// The secret's value, or a reason that names the secret and never its value.
    fn secret(&self, name: &str) -> Result<SecretString, Reason>;
}

/// Knows no secret: for checking a workspace where none are at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, name: &str) -> Result<SecretString, Reason> {
        Err(Reason::new("secret-missing", format!("there is no secret `{name}`"))
            .hint("set it in the environment or in a file of the secrets folder"))
    }
}

/// A text of the configuration that may hold `${secret:name}`. Even its literal parts stay out of sight, because people
/// do write secrets into files.
#[derive(Clone)]
pub struct SecretText {
    at: String,
    pieces: Vec<Piece>,
}

#[derive(Clone)]
enum Piece {
    Literal(SecretString),
    Named(String),
}

const OPEN: &str = "${secret:";

impl SecretText {
    /// Takes a text apart; `at` is its JSON pointer, for the reasons.
    pub fn parse(text: &str, at: &str) -> Result<Self, Reason> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(OPEN) {
            if start > 0 {
                pieces.push(Piece::Literal(SecretString::from(&rest[..start])));
            }
            let after = &rest[start + OPEN.len()..];
            let name =
                after.find('}').map(|end| &after[..end]).filter(|name| is_name(name)).ok_or_else(|| {
                    Reason::new("secret-malformed", "a `${secret:` here has no name or is not closed")
                        .at(at)
                        .hint("write ${secret:name}, the name in letters, digits, `-`, `_` and `.`")
                })?;
            pieces.push(Piece::Named(name.to_owned()));
            rest = &after[name.len() + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(SecretString::from(rest)));
        }
        Ok(Self { at: at.to_owned(), pieces })
    }

    /// A text that is exactly the secret of this name.
    #[must_use]
    pub fn named(name: &str, at: &str) -> Self {
        Self { at: at.to_owned(), pieces: vec![Piece::Named(name.to_owned())] }
    }

    /// Whether a text of the configuration names a secret.
    #[must_use]
    pub fn is_in(text: &str) -> bool {
        text.contains(OPEN)
    }

    /// The names of the secrets it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Named(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The text with every secret in its place.
    pub fn resolve(&self, secrets: &dyn Secrets) -> Result<SecretString, Reason> {
        let mut whole = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => whole.push_str(text.expose_secret()),
                Piece::Named(name) => {
                    let value = secrets.secret(name).map_err(|reason| reason.at(self.at.clone()))?;
                    whole.push_str(value.expose_secret());
                }
            }
        }
        if whole.is_empty() {
            return Err(Reason::new("secret-empty", "the secret is empty")
                .at(self.at.clone())
                .hint("give it a value: an empty secret protects nothing"));
        }
        Ok(SecretString::from(whole))
    }

    /// Where it stands in the configuration, as a JSON pointer.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.debug_struct("SecretText").field("at", &self.at).field("names", &names).finish_non_exhaustive()
    }
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Secrets from a list, for tests.
    #[derive(Debug)]
    pub(crate) struct Listed(pub(crate) Vec<(&'static str, &'static str)>);

    impl Secrets for Listed {
        fn secret(&self, name: &str) -> Result<SecretString, Reason> {
            match self.0.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => Ok(SecretString::from(*value)),
                None => NoSecrets.secret(name),
            }
        }
    }

    #[test]
    fn a_text_is_put_together_from_its_secrets() {
        let text = SecretText::parse("a-${secret:one}-b-${secret:two}", "/auth").unwrap();
        let secrets = Listed(vec![("one", "1"), ("two", "2")]);
        assert_eq!(text.resolve(&secrets).unwrap().expose_secret(), "a-1-b-2");
        assert_eq!(text.names().collect::<Vec<_>>(), ["one", "two"]);
        let reason = text.resolve(&Listed(vec![("one", "1")])).unwrap_err();
        assert_eq!((reason.code.as_str(), reason.at.as_str()), ("secret-missing", "/auth"));
    }

    #[test]
    fn neither_a_literal_nor_a_secret_is_shown() {
        let text = SecretText::parse("canary-literal ${secret:one}", "/auth").unwrap();
        assert!(!format!("{text:?}").contains("canary"));
    }

    #[test]
    fn malformed_and_empty_texts_are_refused() {
        for text in ["${secret:}", "${secret:a b}", "x${secret:open"] {
            assert_eq!(SecretText::parse(text, "/a").unwrap_err().code, "secret-malformed", "{text}");
        }
        let empty = SecretText::parse("", "/a").unwrap().resolve(&NoSecrets).unwrap_err();
        assert_eq!(empty.code, "secret-empty");
    }
}
