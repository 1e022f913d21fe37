//! What a process wants done in the world, as data: whoever runs it does it, and says what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::ProcessName;
use crate::doc::Doc;
use crate::fault::Fault;

/// One effect. It is asked for under one key, which is the same however often it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// An HTTP request.
    Http(HttpRequest),
    /// An operation that an OpenAPI document describes.
    OpenApi {
        /// Address of the document.
        document: String,
        /// Which operation.
        operation: String,
        /// Its parameters by name.
        parameters: Doc,
        /// How it says who calls.
        auth: Option<Credentials>,
    },
    /// A message that is published as an AsyncAPI document describes.
    AsyncApi {
        /// Address of the document.
        document: String,
        /// Which operation or channel.
        operation: String,
        /// Which server of the document.
        server: Option<String>,
        /// Payload and headers.
        message: Doc,
        /// How it says who publishes.
        auth: Option<Credentials>,
    },
    /// An operation of a connected system, as `system.operation`.
    Operation {
        /// `system.operation`.
        name: String,
        /// What it is given.
        data: Doc,
    },
    /// An event, as a CloudEvent.
    Emit(Doc),
    /// Another process.
    Start {
        /// Which.
        process: ProcessName,
        /// What it is given.
        input: Doc,
        /// Whether its end is waited for.
        awaited: bool,
    },
    /// A question to a person.
    Case(Doc),
}

impl Effect {
    /// What kind of effect it is, in a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::OpenApi { .. } => "openapi",
            Self::AsyncApi { .. } => "asyncapi",
            Self::Operation { .. } => "operation",
            Self::Emit(_) => "emit",
            Self::Start { .. } => "process",
            Self::Case(_) => "case",
        }
    }
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// Lower case.
    pub method: String,
    /// Where to.
    pub uri: String,
    /// Headers; a value may be a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The body, `null` for none.
    pub body: Doc,
    /// Whether redirects are followed and their answers taken as good.
    #[serde(default)]
    pub redirect: bool,
    /// How it says who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Credentials>,
}

/// A text, or the name of a secret that takes its place when the effect is carried out and not before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// The text.
    Plain(String),
    /// A secret, and the path to the value within it.
    Secret {
        /// Its name.
        name: String,
        /// Members, when the secret is a JSON object.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        path: Vec<String>,
    },
}

/// How a call says who calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `basic`, `bearer`, `oauth2` or `oidc`.
    pub scheme: String,
    /// Properties such as `username` and `client.id`; lists are JSON.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Text>,
    /// The secret that holds all the properties, instead of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Why a person is asked about an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stuck {
    /// Nothing catches the error, and the process is to be held.
    Faulted,
    /// What was done cannot be undone.
    Undo,
}

/// Something an instance waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// An effect, and the answer to it.
    Effect(Effect),
    /// A decision by a person about the instance itself.
    Decision {
        /// What it is about.
        stuck: Stuck,
        /// The place of the task.
        task: String,
        /// What went wrong.
        fault: Fault,
    },
}

/// What to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Do this. Asked again with the same key after a crash, it is the same effect.
    Do {
        /// The key of the effect.
        key: String,
        /// What is wanted.
        want: Want,
    },
    /// Nobody waits for it any more. It may have taken place.
    Withdraw {
        /// The key of the effect.
        key: String,
    },
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done, and this came back.
    Done(Doc),
    /// A web service answered.
    Http(HttpAnswer),
    /// It was not done, or nobody knows whether it was.
    Fault(Fault),
}

/// The answer of a web service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: JSON as it is, text as a string, anything else in Base64; `null` for none.
    pub content: Doc,
    /// The body in Base64, when it was asked for raw.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
    /// The method that was used.
    pub method: String,
    /// The address, redirects followed, without credentials.
    pub uri: String,
}
