//! Reads the configuration of a system with `connector: smtp`.

use lettre::message::Mailbox;
use lineshaft_model::Reasons;
use lineshaft_ports::{Escape, Slot};
use serde_json::Value;

use crate::SecretText;
use crate::endpoint::is_local;
use crate::http::LOADED_ELSEWHERE;
use crate::settings::{Problems, Section, short};

/// Recipients of one mail.
const MOST_RECIPIENTS: usize = 50;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// It begins in the clear and is encrypted before anything is said.
    StartTls,
    /// It is encrypted from the start.
    Implicit,
    /// It is not.
    None,
}

/// A mail server, and what is sent by it.
#[derive(Clone, Debug)]
pub(super) struct MailConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) protection: Protection,
    /// An authority's certificate, PEM, relative to the workspace.
    pub(super) ca: Option<String>,
    pub(super) login: Option<(SecretText, SecretText)>,
    pub(super) from: Mailbox,
    /// Whether a mail whose answer was lost is sent again.
    pub(super) repeat: bool,
    pub(super) timeout_ms: u64,
    pub(super) operations: Vec<Operation>,
}

/// One kind of mail.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) to: Vec<Mailbox>,
    /// The subject is the first and only one.
    pub(super) slots: Vec<Slot>,
}

impl MailConfig {
    pub(super) fn parse(config: &Value) -> Result<Self, Reasons> {
        let problems = Problems::default();
        let parsed = Section::open(config, String::new(), &problems).and_then(read);
        problems.into_result(parsed)
    }
}

fn read(mut section: Section<'_>) -> Option<MailConfig> {
    let host = section.required_text("host", "name the mail server: host: mail.example.com");
    let words =
        [("starttls", Protection::StartTls), ("implicit", Protection::Implicit), ("none", Protection::None)];
    let protection = section.choice("tls", Protection::StartTls, &words);
    let usual = match protection {
        Protection::StartTls => 587,
        Protection::Implicit => 465,
        Protection::None => 25,
    };
    let port = match section.value("port") {
        None => Some(usual),
        Some(value) => {
            let port = value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
            if port.is_none() {
                section.problem("port", "setting-range", "this is not a port", "write 1 to 65535");
            }
            port
        }
    };
    let ca = section.text("ca").map(str::to_owned);
    let login = section.section("login").and_then(|mut login| {
        let user = login.secret("user", "name the user");
        let password = login.secret("password", "name the secret: password: ${secret:mail-password}");
        login.finish();
        Some((user?, password?))
    });
    if login.is_some() && protection == Protection::None && !host.is_some_and(is_local) {
        let hint = "use `tls: starttls` or `tls: implicit`";
        section.problem("tls", "login-in-the-clear", "the login would cross the network unencrypted", hint);
    }
    let from = section.required_text("from", "say who sends: from: \"Lineshaft <hub@example.com>\"");
    let from = from.and_then(|text| mailbox(&section, "from", text));
    let repeat = section.boolean("repeat", true);
    let timeout_ms = section.duration_ms("timeout", 30_000, 1..=600_000);
    let operations = section.each("operations").into_iter().filter_map(|(name, of)| operation(name, of));
    let operations: Vec<Operation> = operations.collect();
    if section.value("sources").is_some() {
        let hint = "a mail server only sends";
        section.problem("sources", "sources-unsupported", "mail has no sources", hint);
    }
    section.leave(LOADED_ELSEWHERE);
    section.leave(&["limits"]);
    section.finish();
    Some(MailConfig {
        host: host?.to_owned(),
        port: port?,
        protection,
        ca,
        login,
        from: from?,
        repeat,
        timeout_ms,
        operations,
    })
}

fn operation(name: &str, mut section: Section<'_>) -> Option<Operation> {
    let to = section.list("to").unwrap_or_default();
    if to.is_empty() || to.len() > MOST_RECIPIENTS {
        let message = format!("a mail goes to 1 to {MOST_RECIPIENTS} addresses");
        section.problem("to", "setting-range", message, "write to: [ops@example.com]");
    }
    let to: Vec<Mailbox> = to
        .iter()
        .filter_map(|(value, _)| mailbox(&section, "to", value.as_str().unwrap_or_default()))
        .collect();
    let subject = section.text("subject").unwrap_or("{{ .type }} {{ .subject }}").to_owned();
    let slots = vec![Slot { at: section.at("subject"), template: subject, escape: Escape::Header }];
    section.leave(&["title", "description", "mapping", "limits"]);
    section.finish();
    Some(Operation { name: name.to_owned(), to, slots })
}

fn mailbox(section: &Section<'_>, key: &str, text: &str) -> Option<Mailbox> {
    let read = text.parse().ok();
    if read.is_none() {
        let message = format!("`{}` is not a mail address", short(text));
        section.problem(
            key,
            "address-malformed",
            message,
            "write name@example.com, or \"Name <name@example.com>\"",
        );
    }
    read
}
