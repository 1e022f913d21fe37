//! The kinds of connectors of this crate, readable at a glance. A new kind is a folder beside this file and a line here; one with
//! a heavy client is a crate of its own and a line in the front door.

use lineshaft_model::{Reason, Reasons};
use serde_json::Value;

use crate::settings::did_you_mean;
use crate::{Connector, file, http, odata, smtp};

/// Reads the configuration of the system of that name.
pub type Parse = fn(config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons>;

/// One kind of connector.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As `connector:` names it.
    pub name: &'static str,
    /// What it connects to, in one sentence.
    pub summary: &'static str,
    /// Reads a system's configuration and reports every problem. Does no I/O.
    pub parse: Parse,
}

/// The kinds of this crate, in the order of the reference.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "http",
        summary: "Calls a system's HTTP API, and takes its webhooks and file drops.",
        parse: http::parse,
    },
    Kind {
        name: "odata",
        summary: "Polls and changes the entities of an OData service, V2 or V4, as SAP and Dynamics have them.",
        parse: odata::parse,
    },
    Kind { name: "file", summary: "Reads the files a system drops into a folder.", parse: file::parse },
    Kind { name: "smtp", summary: "Sends events as mails, for instance alarms.", parse: smtp::parse },
];

/// Reads the configuration of a system of one of this crate's kinds.
pub fn parse(config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons> {
    parse_among(KINDS, config, system)
}

/// Reads the configuration of a system: `connector:` says which of the kinds. Reports every problem, does no I/O.
pub fn parse_among(kinds: &[Kind], config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons> {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    match config.get("connector") {
        Some(Value::String(name)) => match kinds.iter().find(|kind| kind.name == name) {
            Some(kind) => (kind.parse)(config, system),
            None => {
                let message = format!("there is no connector `{}`", crate::settings::short(name));
                let reason = Reason::new("connector-unknown", message);
                Err(vec![reason.at("/connector").hint(did_you_mean(name, &names))])
            }
        },
        Some(_) => Err(vec![Reason::new("setting-type", "`connector` must be a text").at("/connector")]),
        None => Err(vec![
            Reason::new("setting-missing", "`connector` is missing")
                .hint(format!("say how the system is reached: {}", names.join(", "))),
        ]),
    }
}
