//! Reading calls.

use std::sync::Arc;

use super::reader::{At, Reader};
use super::{Authentication, Call, Headers, Http, HttpOutput, Uri};
use crate::doc::Doc;
use crate::expression::{Expression, Scope, Shape, clip, inner};

const METHODS: &[&str] = &["get", "put", "post", "delete", "patch", "head", "options"];
const ASYNCAPI_KEYS: &[&str] =
    &["document", "channel", "operation", "server", "protocol", "message", "subscription", "authentication"];

impl<'v> Reader<'v, '_> {
    pub(super) fn call(&mut self, at: &At<'v>, value: &At<'v>, scope: &Scope) -> Option<Call> {
        let name = self.text(value)?;
        let place = value.pointer.as_str();
        match name {
            "http" => self.http(at, scope),
            "openapi" => self.openapi(at, scope),
            "asyncapi" => self.asyncapi(at, scope),
            "grpc" | "a2a" | "mcp" => {
                let hint = "call a system of the workspace, or http";
                self.unsupported(place, format!("{name} calls are not available"), hint);
                None
            }
            "case.open" => {
                let with = self.required(at, "with")?;
                self.object(&with, &["kind", "title", "severity", "options", "due", "about", "facts"]);
                self.required(&with, "title");
                self.shape(&with, scope).map(|with| Call::Case { with })
            }
            name if self.names.functions.contains(name) => {
                let with = self.arguments(at, scope)?;
                let with = with.unwrap_or_else(|| Shape::Fixed(Doc::empty()));
                Some(Call::Function { name: name.to_owned(), with })
            }
            name if name.contains("://") || name.contains('@') => {
                let message = "functions are not fetched from elsewhere at run time";
                self.unsupported(place, message, "copy the function under use.functions");
                None
            }
            name if is_operation(name) => {
                let with = self.arguments(at, scope)?;
                Some(Call::Operation { name: name.to_owned(), with })
            }
            name => {
                let hint = "define it under use.functions, or call `system.operation` of the workspace";
                self.unknown(place, "function", name, hint);
                None
            }
        }
    }

    /// `with` of a function or an operation; nothing at all when it is faulty.
    fn arguments(&mut self, at: &At<'v>, scope: &Scope) -> Option<Option<Shape>> {
        let Some(at) = at.get("with") else { return Some(None) };
        if at.value.as_object().is_none() {
            self.malformed(&at.pointer, "a mapping is expected here", "write `name: value` below it");
            return None;
        }
        self.shape(&at, scope).map(Some)
    }

    fn http(&mut self, at: &At<'v>, scope: &Scope) -> Option<Call> {
        let with = self.required(at, "with")?;
        self.object(&with, &["method", "endpoint", "headers", "body", "query", "output", "redirect"]);
        let method = self.required_text(&with, "method").map(str::to_ascii_lowercase);
        if let Some(method) = method.as_deref().filter(|method| !METHODS.contains(method)) {
            let message = format!("`{}` is no method", clip(method));
            self.malformed(&format!("{}/method", with.pointer), message, METHODS.join(", "));
        }
        let endpoint = self.required(&with, "endpoint");
        let (uri, auth) = endpoint.map_or((None, None), |at| self.endpoint(&at, scope));
        let headers =
            with.get("headers").map_or(Some(Headers::Each(Vec::new())), |at| self.headers(&at, scope));
        let mut part = |key: &str| with.get(key).and_then(|at| self.shape(&at, scope));
        let (query, body) = (part("query"), part("body"));
        let (output, redirect) = self.answer(&with);
        let headers = headers?;
        Some(Call::Http(Box::new(Http {
            method: method?,
            uri: uri?,
            headers,
            query,
            body,
            output,
            redirect,
            auth,
        })))
    }

    fn headers(&mut self, at: &At<'v>, scope: &Scope) -> Option<Headers> {
        if at.value.as_str().and_then(inner).is_some() {
            return self.expression(at, scope).map(Headers::Computed);
        }
        if at.value.as_object().is_none() {
            self.malformed(&at.pointer, "a mapping or an expression `${ ... }` is expected here", "");
            return None;
        }
        let mut each = Vec::new();
        for (name, member) in at.members() {
            self.text(&member);
            each.extend(self.private(&member, scope).map(|value| (name.to_owned(), value)));
        }
        Some(Headers::Each(each))
    }

    fn answer(&mut self, with: &At<'v>) -> (HttpOutput, bool) {
        let output = match self.optional_text(with, "output") {
            None | Some("content") => HttpOutput::Content,
            Some("raw") => HttpOutput::Raw,
            Some("response") => HttpOutput::Response,
            Some(_) => {
                let place = format!("{}/output", with.pointer);
                self.malformed(&place, "it is none of raw, content and response", "");
                HttpOutput::Content
            }
        };
        (output, self.truth(with, "redirect", false))
    }

    /// An address with its authentication.
    fn endpoint(&mut self, at: &At<'v>, scope: &Scope) -> (Option<Uri>, Option<Arc<Authentication>>) {
        if at.value.as_str().is_some() {
            return (self.uri(at, scope), None);
        }
        self.object(at, &["uri", "authentication"]);
        let uri = self.required(at, "uri").and_then(|at| self.uri(&at, scope));
        (uri, self.authenticated(at, scope))
    }

    fn uri(&mut self, at: &At<'v>, scope: &Scope) -> Option<Uri> {
        let text = self.text(at)?;
        if let Some(expression) = inner(text) {
            let compiled = Expression::compile(expression, &at.pointer, scope, self.environment);
            return self.keep(compiled).map(Uri::Computed);
        }
        if !text.starts_with("http://") && !text.starts_with("https://") {
            let message = format!("`{}` is no address of a web service", clip(text));
            self.malformed(&at.pointer, message, "it begins with https:// or http://");
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((name, after)) = behind.split_once('}') else {
                self.malformed(&at.pointer, "`{` has no `}`", "");
                return None;
            };
            let operator = name.starts_with(['+', '#', '.', '/', ';', '?', '&']);
            if name.is_empty() || operator || name.contains(['{', '*', ',']) {
                let message = format!("`{{{}}}` is more than simple expansion of RFC 6570", clip(name));
                self.malformed(&at.pointer, message, "write the address as an expression");
                return None;
            }
            parts.extend([before.to_owned(), name.to_owned()]);
            rest = after;
        }
        parts.push(rest.to_owned());
        Some(Uri::Template(parts))
    }

    /// An external document by its address.
    fn resource(&mut self, at: &At<'v>, scope: &Scope) -> Option<Uri> {
        self.object(at, &["name", "endpoint"]);
        let endpoint = self.required(at, "endpoint")?;
        self.endpoint(&endpoint, scope).0
    }

    fn openapi(&mut self, at: &At<'v>, scope: &Scope) -> Option<Call> {
        let with = self.required(at, "with")?;
        let known = ["document", "operationId", "parameters", "authentication", "output", "redirect"];
        self.object(&with, &known);
        let document = self.required(&with, "document").and_then(|at| self.resource(&at, scope));
        let operation = self.required_text(&with, "operationId").map(str::to_owned);
        let parameters = match with.get("parameters") {
            Some(at) => self.shape(&at, scope),
            None => Some(Shape::Fixed(Doc::empty())),
        };
        let auth = self.authenticated(&with, scope);
        let (output, redirect) = self.answer(&with);
        let (document, operation, parameters) = (document?, operation?, parameters?);
        Some(Call::OpenApi { document, operation, parameters, output, redirect, auth })
    }

    fn asyncapi(&mut self, at: &At<'v>, scope: &Scope) -> Option<Call> {
        let with = self.required(at, "with")?;
        self.object(&with, ASYNCAPI_KEYS);
        if let Some(at) = with.get("subscription") {
            let message =
                "a process does not subscribe to brokers: what it hears must be in the journal first";
            let hint = "connect the broker as a system with a source, and `listen` to its events";
            self.unsupported(&at.pointer, message, hint);
            return None;
        }
        let document = self.required(&with, "document").and_then(|at| self.resource(&at, scope));
        let operation = match with.get("operation").or_else(|| with.get("channel")) {
            Some(at) => self.text(&at).map(str::to_owned),
            None => {
                self.malformed(&with.pointer, "`operation` or `channel` is missing here", "");
                None
            }
        };
        let server = with.get("server").and_then(|at| {
            self.object(&at, &["name", "variables"]);
            self.required_text(&at, "name").map(str::to_owned)
        });
        self.optional_text(&with, "protocol");
        let message = self.required(&with, "message").and_then(|at| {
            self.object(&at, &["payload", "headers"]);
            self.shape(&at, scope)
        });
        let auth = self.authenticated(&with, scope);
        let (document, operation, message) = (document?, operation?, message?);
        Some(Call::AsyncApi { document, operation, server, message, auth })
    }
}

/// `system.operation` as a workspace names them.
fn is_operation(name: &str) -> bool {
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.split_once('.').is_some_and(|(system, operation)| word(system) && word(operation))
}
