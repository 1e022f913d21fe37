//! Which hub a command talks to, and with which token.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Around;
use crate::client::Hub;
use crate::data::DataFolder;
use crate::failure::Failure;
use crate::workspace::{self, Settings};

/// The arguments of every command that asks a running hub.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Reach {
    /// Address of the hub [default: LINESHAFT_HUB, else where the workspace listens, else http://127.0.0.1:7070]
    #[arg(long, value_name = "URL", global = true)]
    hub: Option<String>,
    /// Token [default: LINESHAFT_TOKEN, else the one that the hub on this machine leaves in its data folder]
    #[arg(long, value_name = "TOKEN", global = true)]
    token: Option<String>,
    /// Workspace of the hub, to find its address and token
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true, global = true)]
    workspace: PathBuf,
}

impl Reach {
    /// The workspace's folder.
    pub(super) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// The hub to talk to.
    pub(super) fn hub(&self, around: &Around) -> Result<Hub, Failure> {
        let settings = settings_of(&self.workspace, around);
        let address = self.address(around, settings.as_ref());
        let token = self.token.clone().or_else(|| around.variables.get("LINESHAFT_TOKEN").map(str::to_owned));
        // A local token is for the hub on this machine: it is never sent to an address that was given.
        let named = self.hub.is_some() || around.variables.get("LINESHAFT_HUB").is_some();
        let left = || {
            let data = settings.as_ref().map(|settings| DataFolder::new(self.workspace.join(&settings.data)));
            let own = data.and_then(|data| data.local_token());
            own.or_else(|| DataFolder::of_demo(&around.variables)?.local_token())
        };
        let token = match token {
            None if !named || is_local(&address) => left(),
            token => token,
        };
        Hub::at(&address, token)
    }

    fn address(&self, around: &Around, settings: Option<&Settings>) -> String {
        let given = self.hub.clone().or_else(|| around.variables.get("LINESHAFT_HUB").map(str::to_owned));
        given.unwrap_or_else(|| {
            let mut listen = settings.map_or_else(|| Settings::default().listen, |settings| settings.listen);
            if listen.ip().is_unspecified() {
                listen.set_ip(if listen.is_ipv4() {
                    [127, 0, 0, 1].into()
                } else {
                    [0, 0, 0, 0, 0, 0, 0, 1].into()
                });
            }
            format!("http://{listen}")
        })
    }
}

fn is_local(address: &str) -> bool {
    let host =
        address.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The settings of a workspace, when there is one here.
pub(super) fn settings_of(folder: &Path, around: &Around) -> Option<Settings> {
    workspace::settings_of(folder, &around.variables)
}

/// The arguments of a command that works on a data folder.
#[derive(Args, Clone, Debug)]
pub(super) struct DataArgs {
    /// Data folder [default: the one of the workspace in the current folder]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

impl DataArgs {
    /// The data folder meant.
    pub(super) fn folder(&self, around: &Around) -> Result<DataFolder, Failure> {
        if let Some(data) = &self.data {
            return Ok(DataFolder::new(data));
        }
        match settings_of(Path::new("."), around) {
            Some(settings) => Ok(DataFolder::new(Path::new(".").join(settings.data))),
            None => Err(Failure::wrong_use(
                "there is no workspace in the current folder",
                "name the data folder with --data DIR, or go to the folder that holds lineshaft.yaml",
            )),
        }
    }
}

/// Runs a command that waits for a hub.
pub(super) fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::io("the runtime cannot start", "tokio", &error))?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Terminal;

    fn around(pairs: &[(&str, &str)]) -> Around {
        let variables = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Around { variables, terminal: Terminal::pipe() }
    }

    #[test]
    fn the_nearest_word_counts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lineshaft.yaml"), "listen: 0.0.0.0:7171\n").unwrap();
        let mut reach = Reach { workspace: folder.path().to_owned(), ..Reach::default() };
        let settings = settings_of(folder.path(), &around(&[]));
        assert_eq!(reach.address(&around(&[]), settings.as_ref()), "http://127.0.0.1:7171");
        assert_eq!(
            reach.address(&around(&[("LINESHAFT_HUB", "http://b:1")]), settings.as_ref()),
            "http://b:1"
        );
        reach.hub = Some("http://a:1".to_owned());
        assert_eq!(
            reach.address(&around(&[("LINESHAFT_HUB", "http://b:1")]), settings.as_ref()),
            "http://a:1"
        );
        assert_eq!(Reach::default().address(&around(&[]), None), "http://127.0.0.1:7070");
    }

    #[test]
    fn a_local_token_stays_on_this_machine() {
        assert!(
            is_local("http://127.0.0.1:7070")
                && is_local("http://[::1]:7070")
                && is_local("https://localhost")
        );
        assert!(!is_local("http://hub.example:7070") && !is_local("http://127.0.0.1.example"));
    }
}
