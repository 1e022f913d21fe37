//! Calls: from a task to the effect that is wanted, and from the answer to the output.

use std::collections::BTreeMap;
use std::sync::Arc;

use lineshaft_model::json::Value;

use crate::definition::{Authentication, Call, Headers, Http, HttpOutput, Kind, Private, Task, Uri};
use crate::doc::Doc;
use crate::effect::{Answer, Credentials, Effect, HttpAnswer, HttpRequest, Text};
use crate::expression::{Arguments, clip};
use crate::fault::{Fault, Standard};
use crate::state::{Body, Frame};

use super::expression;
use super::scope::Names;
use super::tasks::function;
use super::walk::{Inside, Walk};

impl Walk<'_> {
    pub(crate) fn call(
        &mut self,
        call: &Call,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        if let Call::Function { name, with } = call {
            let given = with.run(&frame.input, &self.given(task, frame, names));
            let given = given.map_err(|message| expression(message, &task.path))?;
            let Some(called) = self.definition.functions.get(name).cloned() else {
                let detail = format!("no function is called `{}`", clip(name));
                return Err(Fault::standard(Standard::Configuration, "Function Gone", detail));
            };
            let key = format!("{}/{name}", frame.key);
            return Ok(function(self.enter(&called, given, key, &Names::NONE)));
        }
        let effect = self.effect(call, task, frame, names);
        effect
            .map(|effect| Inside::Live(Body::Effect(effect)))
            .map_err(|message| expression(message, &task.path))
    }

    fn effect(
        &self,
        call: &Call,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Effect, String> {
        let given = self.given(task, frame, names);
        let input = &frame.input;
        Ok(match call {
            Call::Http(http) => Effect::Http(request(http, input, &given)?),
            Call::OpenApi { document, operation, parameters, auth, .. } => Effect::OpenApi {
                document: address(document, input, &given)?,
                operation: operation.clone(),
                parameters: parameters.run(input, &given)?,
                auth: credentials(auth.as_deref(), input, &given)?,
            },
            Call::AsyncApi { document, operation, server, message, auth } => Effect::AsyncApi {
                document: address(document, input, &given)?,
                operation: operation.clone(),
                server: server.clone(),
                message: message.run(input, &given)?,
                auth: credentials(auth.as_deref(), input, &given)?,
            },
            Call::Operation { name, with } => Effect::Operation {
                name: name.clone(),
                data: match with {
                    Some(with) => with.run(input, &given)?,
                    None => input.clone(),
                },
            },
            Call::Case { with } => Effect::Case(with.run(input, &given)?),
            Call::Function { name, .. } => return Err(format!("`{name}` is a function")),
        })
    }

    /// The output of an effect, or the error it is.
    pub(crate) fn answered(&self, task: &Task, effect: Effect, answer: &Answer) -> Result<Inside, Fault> {
        let output = match answer {
            Answer::Fault(fault) => return Err(fault.clone()),
            // What an emit gives is the event.
            Answer::Done(doc) => match effect {
                Effect::Emit(event) => event,
                _ => doc.clone(),
            },
            Answer::Http(http) => self.http_answered(task, http)?,
        };
        Ok(Inside::Done(output, None))
    }

    fn http_answered(&self, task: &Task, answer: &HttpAnswer) -> Result<Doc, Fault> {
        let (output, redirect) = match &task.kind {
            Kind::Call(Call::Http(http)) => (http.output, http.redirect),
            Kind::Call(Call::OpenApi { output, redirect, .. }) => (*output, *redirect),
            _ => (HttpOutput::Content, false),
        };
        let good = 200..if redirect { 400 } else { 300 };
        if !good.contains(&answer.status) {
            let title = reason_phrase(answer.status);
            let detail =
                format!("{} {} answered {}", answer.method.to_ascii_uppercase(), answer.uri, answer.status);
            let fault = Fault::standard(Standard::Communication, title, detail);
            return Err(fault.status(i64::from(answer.status)));
        }
        Ok(match output {
            HttpOutput::Content => answer.content.clone(),
            HttpOutput::Raw => Doc::string(&answer.raw),
            HttpOutput::Response => {
                let headers: Vec<(&str, Doc)> =
                    answer.headers.iter().map(|(name, value)| (name.as_str(), Doc::string(value))).collect();
                let headers = Doc::object(headers.iter().map(|(name, value)| (*name, value)));
                let request = Doc::object([
                    ("method", &Doc::string(&answer.method)),
                    ("uri", &Doc::string(&answer.uri)),
                    ("headers", &Doc::empty()),
                ]);
                Doc::object([
                    ("request", &request),
                    ("statusCode", &Doc::number(answer.status)),
                    ("headers", &headers),
                    ("content", &answer.content),
                ])
            }
        })
    }

    /// The event with what the hub knows: its id is the key of the effect, so that it is one event however often it is sent.
    pub(crate) fn event(&self, event: &Doc, key: &str) -> Doc {
        let value = event.value();
        let given = value.as_object().unwrap_or_default();
        let has = |name: &str| given.iter().any(|(key, _)| key == name);
        let mut members: Vec<(&str, Doc)> = Vec::with_capacity(given.len() + 3);
        if !has("id") {
            members.push(("id", Doc::string(key)));
        }
        if !has("specversion") {
            members.push(("specversion", Doc::string("1.0")));
        }
        if !has("time") {
            members.push(("time", Doc::string(&self.clock)));
        }
        members.extend(given.iter().map(|(name, value)| (&**name, Doc::of(value))));
        Doc::object(members.iter().map(|(name, value)| (*name, value)))
    }
}

fn request(http: &Http, input: &Doc, given: &dyn Arguments) -> Result<HttpRequest, String> {
    let mut headers = BTreeMap::new();
    match &http.headers {
        Headers::Each(each) => {
            for (name, value) in each {
                headers.insert(name.clone(), private(value, input, given)?);
            }
        }
        Headers::Computed(expression) => {
            for (name, value) in texts(&expression.run(input, given)?, "headers")? {
                headers.insert(name, Text::Plain(value));
            }
        }
    }
    let query = match &http.query {
        Some(shape) => texts(&shape.run(input, given)?, "query")?,
        None => BTreeMap::new(),
    };
    Ok(HttpRequest {
        method: http.method.clone(),
        uri: address(&http.uri, input, given)?,
        headers,
        query,
        body: http.body.as_ref().map_or_else(|| Ok(Doc::null()), |shape| shape.run(input, given))?,
        redirect: http.redirect,
        auth: credentials(http.auth.as_deref(), input, given)?,
    })
}

/// The members of an object as texts; those that are null are left out.
fn texts(doc: &Doc, what: &str) -> Result<BTreeMap<String, String>, String> {
    let value = doc.value();
    let members =
        value.as_object().ok_or_else(|| format!("the {what} are {}, not an object", value.kind()))?;
    let mut texts = BTreeMap::new();
    for (name, member) in members {
        if !member.is_null() {
            texts.insert(
                name.clone().into_owned(),
                scalar(member).ok_or_else(|| format!("`{name}` of the {what} is {}", member.kind()))?,
            );
        }
    }
    Ok(texts)
}

fn scalar(value: &Value<'_>) -> Option<String> {
    match value {
        Value::String(text) | Value::Number(text) => Some(text.clone().into_owned()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn private(value: &Private, input: &Doc, given: &dyn Arguments) -> Result<Text, String> {
    match value {
        Private::Secret { name, path } => Ok(Text::Secret { name: name.clone(), path: path.clone() }),
        Private::Plain(shape) => {
            let doc = shape.run(input, given)?;
            Ok(Text::Plain(scalar(&doc.value()).unwrap_or_else(|| doc.as_str().to_owned())))
        }
    }
}

fn credentials(
    auth: Option<&Authentication>,
    input: &Doc,
    given: &dyn Arguments,
) -> Result<Option<Credentials>, String> {
    let Some(auth) = auth else { return Ok(None) };
    let mut values = BTreeMap::new();
    for (name, value) in &auth.values {
        values.insert(name.clone(), private(value, input, given)?);
    }
    Ok(Some(Credentials { scheme: auth.scheme.to_owned(), values, secret: auth.secret.clone() }))
}

/// An address; what is put into it is percent-encoded, and cannot lead to another host or folder.
fn address(uri: &Uri, input: &Doc, given: &dyn Arguments) -> Result<String, String> {
    match uri {
        Uri::Computed(expression) => {
            let value = expression.run(input, given)?;
            let text =
                value.text().filter(|text| text.starts_with("http://") || text.starts_with("https://"));
            text.ok_or_else(|| format!("{} is no address of a web service", clip(value.as_str())))
        }
        Uri::Template(parts) => {
            let mut address = String::new();
            let value = input.value();
            for (number, part) in parts.iter().enumerate() {
                if number % 2 == 0 {
                    address += part;
                    continue;
                }
                let member = value.get(part).filter(|member| !member.is_null());
                let text = member.map(|member| {
                    scalar(member).ok_or_else(|| {
                        format!("`{{{}}}` is {}, not a text or a number", clip(part), member.kind())
                    })
                });
                let text = text.transpose()?.unwrap_or_default();
                if text == "." || text == ".." {
                    return Err(format!("`{{{}}}` is `{text}`, which would lead elsewhere", clip(part)));
                }
                for byte in text.bytes() {
                    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                        address.push(char::from(byte));
                    } else {
                        address += &format!("%{byte:02X}");
                    }
                }
            }
            Ok(address)
        }
    }
}

const fn reason_phrase(status: u16) -> &'static str {
    match status {
        300..=399 => "Redirection",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        409 => "Conflict",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Communication Error",
    }
}
