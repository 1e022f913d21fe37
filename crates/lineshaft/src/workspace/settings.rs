//! `lineshaft.yaml`: the hub's own settings. Every key has a default, so the file may be empty.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use lineshaft_connectors::Outbound;
use lineshaft_logic::spec::Span;
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Error as _, Visitor};
use serde::{Deserialize, Deserializer};

use super::alarms::AlarmSettings;
use super::mending::MendingSettings;
use super::size::Size;

/// All settings of one hub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address the API and the console are served at.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The folder of the journal, the views and the tokens; relative to the workspace.
    pub data: PathBuf,
    /// The tenant that events belong to when they do not say so.
    pub tenant: String,
    /// Sites by their code as the systems write it.
    pub sites: BTreeMap<String, Site>,
    /// Where the journal is kept.
    pub journal: Journal,
    /// How long the journal keeps what is finished.
    pub retention: Retention,
    /// Availability and the effect of events on orders are computed when this is there.
    pub planning: Option<PlanningSettings>,
    /// Where secrets are found besides the environment.
    pub secrets: SecretSettings,
    /// Which addresses the connectors may call; all but link-local and metadata ones when absent.
    pub outbound: Option<OutboundSettings>,
    /// What is logged to standard error while the hub runs.
    pub log: Log,
    /// Where traces are sent.
    pub telemetry: Telemetry,
    /// How much is taken at once.
    pub limits: Limits,
    /// Who may change what in dead letters and refused inputs.
    pub mending: MendingSettings,
    /// Silence, gaps and what else goes wrong is told by events of the hub's own when this is there.
    pub alarms: Option<AlarmSettings>,
    /// Who may see and do what, besides the policies.
    pub access: AccessSettings,
}

/// What policies are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessSettings {
    /// Groups of fields that are shown or masked together, by the names of the fields; those that are shipped are extended.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Who is believed when they say who somebody is.
    pub identity: Vec<IdentitySettings>,
}

/// An identity provider: OpenID Connect for people, signed tokens for machines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    /// A word; names of its people and programs begin with it.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub title: Option<String>,
    /// Its address, exactly as its tokens say it.
    pub issuer: String,
    /// Whom machines' tokens must be for; none are taken when left out.
    #[serde(default)]
    pub audience: Option<String>,
    /// How its tokens may be signed.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// Where its keys are; as it says itself when left out.
    #[serde(default)]
    pub jwks: Option<String>,
    /// Which claims are looked at.
    #[serde(default)]
    pub claims: ClaimSettings,
    /// Our role for each of its groups.
    #[serde(default)]
    pub roles: BTreeMap<String, String>,
    /// How people log in by it; not at all when left out.
    #[serde(default)]
    pub login: Option<LoginSettings>,
}

/// The names of claims; empty ones are not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimSettings {
    /// What somebody is called.
    pub name: String,
    /// Their groups.
    pub roles: String,
    /// The one partner they speak for.
    pub partner: String,
    /// The sites they work at.
    pub sites: String,
    /// The one system they speak for.
    pub system: String,
}

impl Default for ClaimSettings {
    fn default() -> Self {
        let [name, roles, partner, sites, system] = ["sub", "groups", "", "", ""].map(str::to_owned);
        Self { name, roles, partner, sites, system }
    }
}

/// How people log in by a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSettings {
    /// What the hub is called there.
    pub client_id: String,
    /// The hub's own login there, a secret; a public client has none.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Where the provider sends people back to: the hub's address and `/login/return`.
    pub redirect: String,
    /// Scopes asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
}

fn algorithms() -> Vec<String> {
    ["RS256", "ES256"].map(str::to_owned).to_vec()
}

fn scopes() -> Vec<String> {
    ["openid", "profile"].map(str::to_owned).to_vec()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            data: PathBuf::from("data"),
            tenant: "main".to_owned(),
            sites: BTreeMap::new(),
            journal: Journal::default(),
            retention: Retention::default(),
            planning: None,
            secrets: SecretSettings::default(),
            outbound: None,
            log: Log::default(),
            telemetry: Telemetry::default(),
            limits: Limits::default(),
            mending: MendingSettings::default(),
            access: AccessSettings::default(),
            alarms: None,
        }
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let unfit = || {
        D::Error::custom(format!(
            "`{text}` is no address; hint: write an IP address and a port, for instance 127.0.0.1:7070"
        ))
    };
    text.parse().map_err(|_| unfit())
}

/// A place of work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// An IANA time zone, for dates without a time.
    pub timezone: String,
    /// For people.
    #[serde(default)]
    pub title: String,
}

/// How the hub plans.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanningSettings {
    /// The site of whatever names none; needed where there are several.
    pub site: Option<String>,
    /// Whether operations wait for their work centres.
    pub finite_capacity: bool,
    /// Whether a running order whose components do not say what was issued has all of them.
    pub issued_at_start: bool,
    /// How patient to be before an event tells of something.
    pub tell: TellSettings,
    /// What becomes of the schedules of other planning systems.
    pub schedules: Schedules,
    /// What a weighted day of lateness costs when options are ranked, in the currency of the sources of supply.
    #[serde(deserialize_with = "amount")]
    pub day_cost: Decimal,
}

impl Default for PlanningSettings {
    fn default() -> Self {
        Self {
            site: None,
            finite_capacity: false,
            issued_at_start: true,
            tell: TellSettings::default(),
            schedules: Schedules::default(),
            day_cost: Decimal::ONE,
        }
    }
}

/// When shortages and moves are told as events: what flaps is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TellSettings {
    /// A shortage or a move is told when it has stayed so long.
    pub settle: Span,
    /// The end of a shortage is told when it has stayed away so long.
    pub clear: Span,
    /// The same is not told again sooner than this.
    pub again: Span,
    /// A shortage is told again when its quantity has changed by so many hundredths.
    pub change_percent: u32,
}

impl Default for TellSettings {
    fn default() -> Self {
        Self { settle: Span(5_000), clear: Span(60_000), again: Span(3_600_000), change_percent: 20 }
    }
}

/// What becomes of the schedules of other planning systems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedules {
    /// They are compared, and taken when a person says so.
    #[default]
    Ask,
    /// They are taken as they come.
    Take,
}

/// An amount that is not below zero, as a text or a whole number.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    struct Words;
    impl Visitor<'_> for Words {
        type Value = Decimal;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an amount, for instance \"12.50\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
            let read = text.parse().ok().filter(|amount: &Decimal| !amount.is_sign_negative());
            read.ok_or_else(|| {
                E::custom(format!("`{text}` is no amount; hint: write for instance \"12.50\""))
            })
        }

        fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Decimal, E> {
            Ok(whole.into())
        }
    }
    deserializer.deserialize_any(Words)
}

/// The kinds of journals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Files in the data folder.
    pub file: FileJournal,
}

/// A journal in files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileJournal {
    /// How large a segment grows before the next one is begun.
    pub segment: Size,
    /// Free disk space below which intake stops while deliveries go on.
    pub reserve: Size,
}

impl Default for FileJournal {
    fn default() -> Self {
        Self { segment: Size::mib(64), reserve: Size::mib(512) }
    }
}

/// How long the journal keeps what is finished: a span of time, or a span and a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Segments older than this go.
    pub age: Span,
    /// While the journal takes more, its oldest segment goes; no bound when absent.
    pub size: Option<Size>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Span(400 * 86_400_000), size: None }
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Bounds {
            age: Option<Span>,
            size: Option<Size>,
        }
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Retention;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time, for instance 400d, or { age: 400d, size: 500GiB }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Retention, E> {
                let age = Span::parse(text).map_err(E::custom)?;
                Ok(Retention { age, ..Retention::default() })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Retention, A::Error> {
                let Bounds { age, size } = Bounds::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Retention { age: age.unwrap_or_else(|| Retention::default().age), size })
            }
        }
        deserializer.deserialize_any(Words)
    }
}

/// Where secrets are found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretSettings {
    /// A folder with a file for each secret, named like it; relative to the workspace.
    pub folder: Option<PathBuf>,
}

/// Which addresses the connectors may call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundSettings {
    /// Hosts, `*.example.com`, addresses and networks such as `10.0.0.0/8`.
    pub allow: Vec<String>,
}

impl Settings {
    /// The list of addresses that may be called.
    ///
    /// # Errors
    /// The index of an entry that is none, and why.
    pub fn outbound(&self) -> Result<Outbound, (usize, lineshaft_model::Reason)> {
        match &self.outbound {
            None => Ok(Outbound::default()),
            Some(outbound) => Outbound::parse(outbound.allow.iter().map(String::as_str)),
        }
    }
}

/// What is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The least severe level that is written.
    pub level: LogLevel,
    /// How lines look.
    pub format: LogFormat,
}

/// Levels by who must act: errors wake somebody, warnings are for the next working day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Somebody must act now.
    Error,
    /// Somebody should look soon.
    Warn,
    /// What an operator wants to have seen.
    #[default]
    Info,
    /// For whoever writes a workspace.
    Debug,
    /// For whoever writes the hub.
    Trace,
}

impl LogLevel {
    /// The word, as filters write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// What the hub tells others of itself; metrics are asked for at `/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// An OpenTelemetry collector for the traces of events. None are made without it.
    pub otlp: Option<Otlp>,
}

/// A collector that takes OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// Its address without a path, for instance `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// Headers of every request, for instance what it asks as a login.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// One trace in so many is sent.
    #[serde(default = "every")]
    pub one_in: std::num::NonZeroU32,
    /// What the hub is called.
    #[serde(default = "named")]
    pub service: String,
}

impl Otlp {
    /// Where traces are posted; `None` when the endpoint is no address, or one with a login in it.
    #[must_use]
    pub fn traces(&self) -> Option<http::Uri> {
        let address = format!("{}/v1/traces", self.endpoint.trim_end_matches('/'));
        let uri: http::Uri = address.parse().ok()?;
        // A login in an address would be told with it in every log.
        let is_plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        (matches!(uri.scheme_str(), Some("http" | "https")) && is_plain).then_some(uri)
    }
}

const fn every() -> std::num::NonZeroU32 {
    std::num::NonZeroU32::MIN
}

fn named() -> String {
    "lineshaft".to_owned()
}

/// How much is taken at once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest request body.
    pub body: Size,
    /// The most events of one request.
    pub batch: u32,
    /// The most open connections.
    pub connections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: Size::mib(16), batch: 10_000, connections: 1_024 }
    }
}
