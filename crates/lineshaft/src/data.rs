//! The data folder: where its parts lie, and the token that the command line on the same machine uses.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use lineshaft_model::{Millis, Reason};
use lineshaft_web::access::{Scope, TokenFile, TokenOptions};

use crate::workspace::Variables;

/// Where a hub keeps everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder(PathBuf);

/// The name of the token that a running hub leaves for commands on the same machine.
const LOCAL_TOKEN: &str = "command-line";

impl DataFolder {
    /// The data folder at this path, which may not be there yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where the demo keeps its data when it is not told otherwise: `lineshaft/demo` in the user's state folder.
    #[must_use]
    pub fn of_demo(variables: &Variables) -> Option<Self> {
        let state = variables.get("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = || {
            variables
                .get("HOME")
                .filter(|path| !path.is_empty())
                .map(|home| Path::new(home).join(".local/state"))
        };
        state.or_else(home).map(|state| Self(state.join("lineshaft/demo")))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The journal's segments.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// The indexes of the segments.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// The views.
    #[must_use]
    pub fn views(&self) -> PathBuf {
        self.0.join("views")
    }

    fn token_file(&self) -> PathBuf {
        self.0.join("command-line.token")
    }

    /// The token that the hub running on this folder has left, if any.
    #[must_use]
    pub fn local_token(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.token_file()).ok()?;
        let token = text.trim();
        (!token.is_empty() && token.len() <= 256).then(|| token.to_owned())
    }

    /// Makes a token with every right for commands on the same machine and leaves it in a file that only this user can
    /// read. Called at each start: the one of the start before ends.
    pub fn leave_local_token(&self, now: Millis) -> Result<String, Reason> {
        let tokens = TokenFile::in_folder(&self.0);
        tokens.revoke(LOCAL_TOKEN)?;
        let token = tokens.create(LOCAL_TOKEN, TokenOptions::of(&Scope::ALL), now)?.token;
        let path = self.token_file();
        let new = path.with_extension("token.new");
        let write = || -> std::io::Result<()> {
            // A file left by an earlier start could have other rights: it is made anew.
            match std::fs::remove_file(&new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            writeln!(file, "{token}")?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        };
        write().map_err(|error| {
            Reason::new("io-failed", format!("the token for the command line cannot be written: {error}"))
                .at(path.display().to_string())
                .hint("let the hub's user write into the data folder")
        })?;
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_local_token_is_the_users_alone_and_ends_with_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path());
        assert_eq!(data.local_token(), None);
        let first = data.leave_local_token(Millis(1)).unwrap();
        let second = data.leave_local_token(Millis(2)).unwrap();
        assert_ne!(first, second);
        assert_eq!(data.local_token(), Some(second));
        let mode = std::fs::metadata(data.token_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(TokenFile::in_folder(folder.path()).list().unwrap().len(), 1);
    }

    #[test]
    fn the_demo_lives_in_the_state_folder() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            DataFolder::of_demo(&pairs.collect()).map(|data| data.path().display().to_string())
        };
        assert_eq!(of(&[("HOME", "/home/a")]).as_deref(), Some("/home/a/.local/state/lineshaft/demo"));
        assert_eq!(
            of(&[("HOME", "/home/a"), ("XDG_STATE_HOME", "/s")]).as_deref(),
            Some("/s/lineshaft/demo")
        );
        assert_eq!(of(&[]), None);
    }
}
