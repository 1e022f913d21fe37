//! Secrets: from `LINESHAFT_SECRET_<NAME>` or a folder of files, resolved when a connector is built, never shown.

use std::fmt;
use std::path::{Path, PathBuf};

use lineshaft_model::Reason;
use secrecy::SecretString;

use super::interpolate::Variables;

/// Where secrets are found. Cheap to keep: values are read when asked for.
#[derive(Clone)]
pub struct Secrets {
    variables: Variables,
    folder: Option<PathBuf>,
}

impl Secrets {
    /// A secret's file may be this long.
    pub const MOST_BYTES: u64 = 64 * 1024;

    /// Secrets of an environment and, first, of a folder.
    #[must_use]
    pub fn new(variables: Variables, folder: Option<PathBuf>) -> Self {
        Self { variables, folder }
    }

    /// The secret with this name.
    pub fn get(&self, name: &str) -> Result<SecretString, Reason> {
        if !is_name(name) {
            return Err(Reason::new("secret-missing", "that is no name of a secret")
                .hint("use letters, digits, `-`, `_` and `.`, for instance `wms-token`"));
        }
        if let Some(folder) = &self.folder
            && let Some(found) = from_file(&folder.join(name), name)?
        {
            return Ok(found);
        }
        let variable = variable_of(name);
        match self.variables.get(&variable) {
            Some(value) if !value.is_empty() => Ok(SecretString::from(value)),
            _ if self.variables.stands_in() => Ok(SecretString::from("stand-in")),
            _ => {
                let file = self
                    .folder
                    .as_ref()
                    .map_or(String::new(), |f| format!(", or write the file {}", f.join(name).display()));
                Err(Reason::new("secret-missing", format!("there is no secret `{name}`"))
                    .hint(format!("set {variable}{file}")))
            }
        }
    }
}

impl lineshaft_connectors::Secrets for Secrets {
    fn secret(&self, name: &str) -> Result<SecretString, Reason> {
        self.get(name)
    }
}

/// Letters, digits, `-`, `_` and `.`, not starting with a dot: always the name of one file in the folder.
pub(super) fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn from_file(path: &Path, name: &str) -> Result<Option<SecretString>, Reason> {
    let unreadable = |why: String| {
        Reason::new("secret-unreadable", format!("the secret `{name}` cannot be read: {why}"))
            .at(path.display().to_string())
            .hint("let the hub's user read the file; it holds the secret as text and nothing else")
    };
    let size = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    if size > Secrets::MOST_BYTES {
        return Err(unreadable(format!("{size} bytes are more than {}", Secrets::MOST_BYTES)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    Ok(Some(SecretString::from(text.trim_end_matches(['\n', '\r']))))
}

/// `wms-token` is looked for as `LINESHAFT_SECRET_WMS_TOKEN`.
fn variable_of(name: &str) -> String {
    format!("LINESHAFT_SECRET_{}", name.to_ascii_uppercase().replace(['-', '.'], "_"))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_goes_before_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wms-token"), "from-file\n").unwrap();
        let variables: Variables =
            [("LINESHAFT_SECRET_WMS_TOKEN", "from-env"), ("LINESHAFT_SECRET_ERP", "e")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into_iter()
                .collect();
        let secrets = Secrets::new(variables.clone(), Some(folder.path().to_owned()));
        assert_eq!(secrets.get("wms-token").unwrap().expose_secret(), "from-file");
        assert_eq!(secrets.get("erp").unwrap().expose_secret(), "e");
        assert_eq!(Secrets::new(variables, None).get("wms-token").unwrap().expose_secret(), "from-env");
        let missing = secrets.get("nothing").unwrap_err();
        assert_eq!(missing.code, "secret-missing");
        assert!(missing.hint.contains("LINESHAFT_SECRET_NOTHING"));
        assert_eq!(secrets.get("../wms-token").unwrap_err().code, "secret-missing");
    }

    #[test]
    fn nothing_shows_a_value() {
        let variables = [("LINESHAFT_SECRET_A".to_owned(), "canary".to_owned())].into_iter().collect();
        let secrets = Secrets::new(variables, None);
        let shown = format!("{secrets:?} {:?}", secrets.get("a"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
