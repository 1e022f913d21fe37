//! `${NAME}` from the environment and `${secret:name}` placeholders, in string values of an already parsed tree only.
//!
//! | written | becomes |
//! |---|---|
//! | `${NAME}` | the variable's value; a problem when it is not set |
//! | `${NAME:-text}` | the value, or `text` when it is not set or empty |
//! | `${secret:name}` | stays as it is: resolved when the workspace is started, and never shown |
//! | `$${` | `${`, for texts that mean it |

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::marked::{Mark, Node};
use super::problem::{Problem, Problems};
use super::spelling;

/// The environment as it was when the workspace was read. Values never show in `Debug`: some are secrets.
#[derive(Clone, Default)]
pub struct Variables {
    known: BTreeMap<String, String>,
    stand_ins: bool,
}

impl Variables {
    /// The environment of the process; what is not UTF-8 is left out.
    #[must_use]
    pub fn of_process() -> Self {
        let known = std::env::vars_os();
        known
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.known.get(name).map(String::as_str)
    }

    /// The same, with a stand-in for whatever is not set: for reading a workspace whose systems are not called.
    #[must_use]
    pub fn with_stand_ins(self) -> Self {
        Self { stand_ins: true, ..self }
    }

    /// Whether what is not set has a stand-in.
    #[must_use]
    pub const fn stands_in(&self) -> bool {
        self.stand_ins
    }

    /// What a file means by a variable. Most stand for addresses, so a stand-in is one, below the name that RFC 6761 sets
    /// aside for tests.
    fn meant(&self, name: &str) -> Option<Cow<'_, str>> {
        let known = self.get(name).map(Cow::Borrowed);
        known.or_else(|| {
            let host = name.to_ascii_lowercase().replace('_', "-");
            self.stand_ins.then(|| format!("https://{}.test", host.trim_matches('-')).into())
        })
    }

    /// Every name with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.known.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.known.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self { known: pairs.into_iter().collect(), stand_ins: false }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variables({} names)", self.known.len())
    }
}

/// A secret that a file refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Its name.
    pub name: String,
    /// The file.
    pub file: String,
    /// Where.
    pub mark: Mark,
}

/// Replaces variables all over the tree and gathers the secrets it refers to.
pub fn interpolate(
    tree: &mut Node,
    file: &str,
    variables: &Variables,
    secrets: &mut Vec<SecretUse>,
    problems: &mut Problems,
) {
    tree.each_text(&mut |text, mark| {
        if !text.contains('$') {
            return;
        }
        match replace(text, variables) {
            Ok((replaced, names)) => {
                secrets.extend(names.into_iter().map(|name| SecretUse { name, file: file.to_owned(), mark }));
                *text = replaced;
            }
            Err(Wrong { code, message, hint }) => {
                problems.push(Problem::error(file, mark, code, message).hint(hint));
            }
        }
    });
}

struct Wrong {
    code: &'static str,
    message: String,
    hint: String,
}

/// The parts of a text between which placeholders stand.
enum Part<'t> {
    Plain(&'t str),
    /// What stands between `${` and `}`.
    Placeholder(&'t str),
}

/// Takes a text apart; `None` when a `${` has no end.
fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            parts.push(Part::Plain(&rest[..at - 1]));
            parts.push(Part::Plain("${"));
            rest = &rest[at + 2..];
            continue;
        }
        let end = at + rest[at..].find('}')?;
        parts.push(Part::Plain(&rest[..at]));
        parts.push(Part::Placeholder(&rest[at + 2..end]));
        rest = &rest[end + 1..];
    }
    parts.push(Part::Plain(rest));
    Some(parts)
}

fn replace(text: &str, variables: &Variables) -> Result<(String, Vec<String>), Wrong> {
    let malformed = |message: String| Wrong {
        code: "variable-malformed",
        message,
        hint: "write ${NAME}, ${NAME:-default} or ${secret:name}; a plain `${` is written `$${`".to_owned(),
    };
    let parts = parts(text).ok_or_else(|| malformed("a `${` has no closing brace".to_owned()))?;
    let (mut replaced, mut secrets) = (String::with_capacity(text.len()), Vec::new());
    for part in parts {
        let inner = match part {
            Part::Plain(plain) => {
                replaced.push_str(plain);
                continue;
            }
            Part::Placeholder(inner) => inner,
        };
        if let Some(name) = inner.strip_prefix("secret:") {
            if !super::secrets::is_name(name) {
                return Err(malformed(format!("`{}` is no name of a secret", spelling::clip(name))));
            }
            secrets.push(name.to_owned());
            replaced.push_str("${");
            replaced.push_str(inner);
            replaced.push('}');
            continue;
        }
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        if !is_variable(name) {
            return Err(malformed(format!("`{}` is no name of a variable", spelling::clip(name))));
        }
        let value = default.map_or_else(|| variables.meant(name), |_| variables.get(name).map(Cow::Borrowed));
        match (value, default) {
            (Some(value), None) => replaced.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => replaced.push_str(&value),
            (_, Some(default)) => replaced.push_str(default),
            (None, None) => {
                let similar = match spelling::closest(name, variables.names()) {
                    Some(similar) => format!("; did you mean `{similar}`?"),
                    None => String::new(),
                };
                return Err(Wrong {
                    code: "variable-missing",
                    message: format!("the environment has no variable `{name}`"),
                    hint: format!("set {name}, or give a default: ${{{name}:-...}}{similar}"),
                });
            }
        }
    }
    Ok((replaced, secrets))
}

fn is_variable(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() <= 128
        && bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Variables {
        [("WMS_URL", "http://wms"), ("EMPTY", "")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into_iter()
            .collect()
    }

    fn replaced(text: &str) -> String {
        replace(text, &known()).ok().expect("replaced").0
    }

    fn code(text: &str) -> &'static str {
        replace(text, &known()).expect_err("refused").code
    }

    #[test]
    fn variables_defaults_secrets_and_escapes() {
        assert_eq!(replaced("${WMS_URL}/api"), "http://wms/api");
        assert_eq!(replaced("${EMPTY:-x}${NONE:-}${EMPTY}"), "x");
        assert_eq!(replaced("Bearer ${secret:wms-token}"), "Bearer ${secret:wms-token}");
        assert_eq!(replaced("$${WMS_URL} costs $5"), "${WMS_URL} costs $5");
    }

    #[test]
    fn what_is_missing_or_malformed_is_said() {
        assert_eq!(code("${WMS_ULR}"), "variable-missing");
        assert!(replace("${WMS_ULR}", &known()).err().unwrap().hint.contains("`WMS_URL`"));
        for text in ["${", "${A", "${1A}", "${}", "${A B}", "${secret:}", "${secret:../x}"] {
            assert_eq!(code(text), "variable-malformed", "{text}");
        }
    }

    #[test]
    fn a_stand_in_is_an_address_of_no_host() {
        let with = known().with_stand_ins();
        let replaced = |text: &str| replace(text, &with).ok().expect("replaced").0;
        assert_eq!(replaced("${ERP_URL}/api"), "https://erp-url.test/api");
        assert_eq!(replaced("${WMS_URL}${ERP_URL:-default}"), "http://wmsdefault");
    }

    #[test]
    fn values_do_not_show() {
        assert_eq!(format!("{:?}", known()), "Variables(2 names)");
    }
}
