//! Reads the configuration of a system with `connector: nats`.

use std::sync::Arc;

use lineshaft_connectors::file::read_format;
use lineshaft_connectors::settings::{Problems, Section, short};
use lineshaft_connectors::{Endpoint, OperationSpec, SecretText, Surroundings};
use lineshaft_formats::Format;
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{Escape, Slot};
use serde_json::Value;

use super::server::{Login, Server};

/// A system's settings.
#[derive(Debug)]
pub(super) struct NatsConfig {
    pub(super) server: ServerSettings,
    pub(super) sources: Vec<SourceSettings>,
    pub(super) operations: Vec<Operation>,
}

/// Where the server is and how the hub logs in.
#[derive(Debug)]
pub(super) struct ServerSettings {
    at: Endpoint,
    auth: Auth,
}

#[derive(Debug)]
enum Auth {
    None,
    Basic(SecretText, SecretText),
    Token(SecretText),
    Nkey(SecretText),
    Credentials(SecretText),
}

/// A source.
#[derive(Clone, Debug)]
pub(super) struct SourceSettings {
    pub(super) name: String,
    /// `system/source`, for messages.
    pub(super) shown: String,
    pub(super) feed: Feed,
    /// Headers that mappings may read, in lower case.
    pub(super) headers: Vec<String>,
    pub(super) format: Format,
}

#[derive(Clone, Debug)]
pub(super) enum Feed {
    Stream(StreamSettings),
    /// A core subject and the group that shares its messages.
    Subject {
        subject: String,
        queue: String,
    },
}

/// A consumer of a stream.
#[derive(Clone, Debug)]
pub(super) struct StreamSettings {
    pub(super) stream: String,
    pub(super) durable: String,
    /// Empty for all.
    pub(super) subject: String,
    pub(super) from_new: bool,
    pub(super) batch: usize,
    pub(super) every_ms: u64,
    pub(super) ack_wait_ms: u64,
}

/// An operation: one message for each delivery.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) subject: Subject,
    /// Whether a stream confirms the message; else the server has only seen it.
    pub(super) to_stream: bool,
    pub(super) content_type: String,
    pub(super) ce_headers: bool,
    pub(super) slots: Vec<Slot>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Fixed(String),
    /// The first slot.
    Rendered,
}

const LOADED_ELSEWHERE: &[&str] =
    &["system", "title", "description", "connector", "breaker", "maintenance", "owners"];
const SOURCE_ELSEWHERE: &[&str] =
    &["title", "description", "mapping", "contract", "emits", "site", "tenant", "priority"];
const OPERATION_ELSEWHERE: &[&str] = &["title", "description", "mapping", "limits"];
const HOUR_MS: u64 = 3_600_000;
const KINDS: &[&str] = &["basic", "token", "nkey", "credentials"];

impl NatsConfig {
    /// Reads everything and reports every problem.
    pub(super) fn parse(config: &Value, system: &str) -> Result<Self, Reasons> {
        let problems = Problems::default();
        let parsed =
            Section::open(config, String::new(), &problems).and_then(|section| read(section, system));
        problems.into_result(parsed)
    }
}

fn read(mut section: Section<'_>, system: &str) -> Option<NatsConfig> {
    let server = server(&mut section);
    let sources =
        section.each("sources").into_iter().filter_map(|(name, inner)| source(inner, system, name)).collect();
    let operations =
        section.each("operations").into_iter().filter_map(|(name, inner)| operation(inner, name)).collect();
    section.leave(LOADED_ELSEWHERE);
    section.finish();
    Some(NatsConfig { server: server?, sources, operations })
}

fn server(section: &mut Section<'_>) -> Option<ServerSettings> {
    let quiet = Problems::default();
    let limits = section.value("limits").and_then(|value| Section::open(value, String::new(), &quiet));
    let timeout_ms = limits.map_or(10_000, |mut limits| limits.duration_ms("timeout", 10_000, 1..=HOUR_MS));
    let at = Endpoint::parse(section, "server", 4222, timeout_ms);
    let auth = auth(section);
    Some(ServerSettings { at: at?, auth: auth? })
}

fn auth(section: &mut Section<'_>) -> Option<Auth> {
    let Some(mut auth) = section.section("auth") else { return Some(Auth::None) };
    let named: Vec<&str> =
        auth.entries().iter().map(|(key, ..)| *key).filter(|key| KINDS.contains(key)).collect();
    if named.len() != 1 {
        let hint = format!("use one of {}", KINDS.join(", "));
        auth.note(
            Reason::new("auth-ambiguous", "`auth` needs exactly one way to log in")
                .at(auth.here())
                .hint(hint),
        );
        return None;
    }
    let found = match named[0] {
        "basic" => auth.section("basic").and_then(|mut basic| {
            let user = basic.secret("user", "name the user");
            let password = basic.secret("password", "name the secret: password: ${secret:nats}");
            basic.finish();
            Some(Auth::Basic(user?, password?))
        }),
        "token" => auth.secret("token", "name the secret").map(Auth::Token),
        "nkey" => auth.secret("nkey", "name the secret that holds the seed").map(Auth::Nkey),
        _ => auth.secret("credentials", "name the secret that holds the file").map(Auth::Credentials),
    };
    auth.finish();
    found
}

impl ServerSettings {
    /// Resolves the secrets and reads the certificates.
    pub(super) fn build(&self, with: &Surroundings<'_>) -> Result<Server, Reason> {
        let resolve = |text: &SecretText| text.resolve(with.secrets);
        let login = match &self.auth {
            Auth::None => Login::None,
            Auth::Basic(user, password) => Login::Basic(resolve(user)?, resolve(password)?),
            Auth::Token(token) => Login::Token(resolve(token)?),
            Auth::Nkey(seed) => Login::Nkey(resolve(seed)?),
            Auth::Credentials(text) => Login::Credentials(resolve(text)?),
        };
        Ok(Server {
            host: self.at.host.clone(),
            port: self.at.port,
            shown: format!("{}:{}", self.at.host, self.at.port),
            login,
            tls: if self.at.encrypt { Some(self.at.tls.client(&[], with)?) } else { None },
            outbound: Arc::clone(with.outbound),
            allow_link_local: self.at.allow_link_local,
            connect_timeout_ms: self.at.connect_timeout_ms,
            timeout_ms: self.at.timeout_ms,
        })
    }
}

fn source(mut section: Section<'_>, system: &str, name: &str) -> Option<SourceSettings> {
    let format = read_format(&mut section).map(|(format, _)| format);
    let mut headers = Vec::new();
    for (value, at) in section.list("headers").unwrap_or_default() {
        match value.as_str().filter(|header| is_header_name(header)) {
            Some(header) => headers.push(header.to_ascii_lowercase()),
            None => section.note(
                Reason::new(
                    "header-malformed",
                    format!("{} is not a header name", short(&value.to_string())),
                )
                .at(at)
                .hint("use letters, digits and `-`"),
            ),
        }
    }
    let (stream, subject) = (section.section("stream"), section.section("subject"));
    let feed = match (stream, subject) {
        (Some(stream), None) => stream_feed(stream, name),
        (None, Some(subject)) => subject_feed(subject),
        (Some(_), Some(_)) => {
            let hint = "make two sources of it";
            section.problem("subject", "source-ambiguous", "the source has more than one way in", hint);
            None
        }
        (None, None) => {
            if section.value("stream").is_none() && section.value("subject").is_none() {
                section.missing(
                    "stream",
                    "stream: { name: COUNTS } takes from JetStream, subject: { name: plant.counts } listens",
                );
            }
            None
        }
    };
    section.leave(SOURCE_ELSEWHERE);
    section.finish();
    let shown = format!("{system}/{name}");
    Some(SourceSettings { name: name.to_owned(), shown, feed: feed?, headers, format: format? })
}

fn stream_feed(mut stream: Section<'_>, source: &str) -> Option<Feed> {
    let name = stream.required_text("name", "name the stream").and_then(|text| word(&stream, "name", text));
    let durable = stream.text("durable").map(str::to_owned).unwrap_or_else(|| format!("lineshaft-{source}"));
    let durable = word(&stream, "durable", &durable);
    let subject = stream.text("subject").unwrap_or_default().to_owned();
    if !subject.is_empty() && !is_subject(&subject, true) {
        bad_subject(&stream, "subject", &subject);
    }
    let from_new = stream.choice("from", false, &[("all", false), ("new", true)]);
    let batch = match stream.value("batch") {
        None => 200,
        Some(value) => value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (1..=5_000).contains(n))
            .unwrap_or_else(|| {
                stream.problem(
                    "batch",
                    "setting-range",
                    "`batch` is not such a number",
                    "write a number from 1 to 5000",
                );
                200
            }),
    };
    let every_ms = stream.duration_ms("every", 200, 10..=HOUR_MS);
    let ack_wait_ms = stream.duration_ms("ack_wait", 30_000, 1_000..=HOUR_MS);
    stream.finish();
    Some(Feed::Stream(StreamSettings {
        stream: name?,
        durable: durable?,
        subject,
        from_new,
        batch,
        every_ms,
        ack_wait_ms,
    }))
}

fn subject_feed(mut subject: Section<'_>) -> Option<Feed> {
    let name =
        subject.required_text("name", "name the subject, for instance plant.counts.>").map(str::to_owned);
    if let Some(name) = name.as_deref().filter(|name| !is_subject(name, true)) {
        bad_subject(&subject, "name", name);
    }
    let queue = subject.text("queue").unwrap_or("lineshaft").to_owned();
    let queue = word(&subject, "queue", &queue);
    subject.finish();
    Some(Feed::Subject { subject: name?, queue: queue? })
}

fn operation(mut section: Section<'_>, name: &str) -> Option<Operation> {
    let mut slots = Vec::new();
    let publish = section.section("publish");
    if publish.is_none() && section.value("publish").is_none() {
        section.missing("publish", "say where to: publish: { subject: plant.orders }");
    }
    let publish = publish.and_then(|mut publish| {
        let at = publish.at("subject");
        let text =
            publish.required_text("subject", "write for instance subject: \"plant.orders.{{ .data.site }}\"");
        let subject = text.and_then(|text| {
            if text.contains("{{") {
                slots.push(Slot { at, template: text.to_owned(), escape: Escape::Plain });
                return Some(Subject::Rendered);
            }
            if !is_subject(text, false) {
                bad_subject(&publish, "subject", text);
                return None;
            }
            Some(Subject::Fixed(text.to_owned()))
        });
        let to_stream = publish.choice("acknowledged_by", true, &[("stream", true), ("server", false)]);
        publish.finish();
        Some((subject?, to_stream))
    });
    let content_type = section.text("content_type").unwrap_or("application/json").to_owned();
    if content_type.is_empty() || !content_type.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        section.problem(
            "content_type",
            "header-malformed",
            "this is not a media type",
            "write for instance application/xml",
        );
    }
    let ce_headers = section.boolean("ce_headers", true);
    section.leave(OPERATION_ELSEWHERE);
    section.finish();
    let (subject, to_stream) = publish?;
    Some(Operation { name: name.to_owned(), subject, to_stream, content_type, ce_headers, slots })
}

impl Operation {
    /// What the hub needs to know of it.
    pub(super) fn spec(&self) -> OperationSpec {
        OperationSpec { name: self.name.clone(), keeps_idempotency_key: self.to_stream, can_verify: false }
    }
}

/// Whether a text is a subject: words between dots; with wildcards where one is listened to.
pub(super) fn is_subject(text: &str, wildcards: bool) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let good = |(n, part): (usize, &&str)| match *part {
        "*" => wildcards,
        ">" => wildcards && n + 1 == parts.len(),
        part => {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'>'))
        }
    };
    text.len() <= 256 && parts.iter().enumerate().all(good)
}

fn bad_subject(section: &Section<'_>, key: &str, text: &str) {
    let hint = "words between dots, for instance plant.counts; * and > only where it is listened to";
    section.problem(key, "subject-malformed", format!("`{}` is no subject", short(text)), hint);
}

fn word(section: &Section<'_>, key: &str, text: &str) -> Option<String> {
    let good = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !good {
        let hint = "use letters, digits, `-` and `_`";
        section.problem(key, "subject-malformed", format!("`{}` is no such name", short(text)), hint);
    }
    good.then(|| text.to_owned())
}

fn is_header_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
