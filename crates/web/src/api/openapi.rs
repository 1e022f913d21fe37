//! `GET /openapi.json`: what this API takes and answers, as OpenAPI 3.1, from a table kept by hand and checked against the
//! routes by a test.

mod routes;
mod schemas;

use axum::Json;
use serde_json::{Map, Value, json};

use crate::access::{Caller, Scope};
use crate::problem::Problem;
use routes::{Body, ROUTES, Route, Shape};
use schemas::SCHEMAS;

/// The description.
pub(super) async fn document(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.need(Scope::Read)?;
    Ok(Json(described()))
}

fn described() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path.replace("{*", "{")).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(route.method.to_owned(), operation(route));
        }
    }
    let schemas: Map<String, Value> =
        SCHEMAS.iter().map(|(name, _)| ((*name).to_owned(), schemas::object(name))).collect();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Lineshaft",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events in, objects and deliveries out. Everything but health needs a token. Times are \
                            milliseconds since 1970-01-01T00:00:00Z.",
        },
        "security": [{ "bearer": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A token of `lineshaft token create`." },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::access::COOKIE,
                             "description": "The console's session; for changes only from the same origin." },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), json!(operation_id(route)));
    operation.insert("tags".into(), json!([route.tag]));
    operation.insert("summary".into(), json!(route.summary));
    match route.scope {
        Some(scope) => {
            let text = format!("Needs the scope `{}`.", scope.as_str());
            operation.insert("description".into(), json!(text));
        }
        None => {
            operation.insert("security".into(), json!([]));
        }
    }
    let parameters: Vec<Value> = path_parameters(route.path).chain(query_parameters(route)).collect();
    if !parameters.is_empty() {
        operation.insert("parameters".into(), json!(parameters));
    }
    if let Some(body) = body(route.body) {
        operation.insert("requestBody".into(), body);
    }
    operation.insert("responses".into(), responses(route));
    Value::Object(operation)
}

/// `get /v1/dead-letters/{id}` becomes `get_v1_dead_letters_id`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(route.method.to_owned(), |id, word| format!("{id}_{word}"))
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> + '_ {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(|name| {
        let name = name.trim_start_matches('*');
        let schema = match name {
            "position" => json!({ "type": "integer", "minimum": 1 }),
            "id" if !path.starts_with("/v1/processes") => schemas::of("delivery-id"),
            "action" => json!({ "type": "string", "enum": actions(path) }),
            _ => json!({ "type": "string", "minLength": 1 }),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    })
}

/// What may be done by a path that ends in `{action}`.
fn actions(path: &str) -> &'static [&'static str] {
    if path.starts_with("/v1/processes") {
        &["retry", "skip", "cancel", "abandon", "answer"]
    } else if path.starts_with("/v1/systems") {
        &["pause", "resume", "breaker-open", "breaker-close", "breaker-auto"]
    } else if path.starts_with("/v1/jobs") {
        &["cancel", "resume"]
    } else if path.starts_with("/v1/quarantine") {
        &["restart", "discard", "approve", "reject"]
    } else {
        &["retry", "restart", "discard", "confirm", "approve", "reject"]
    }
}

fn query_parameters(route: &Route) -> impl Iterator<Item = Value> + '_ {
    route.query.iter().map(|(name, kind, meaning)| {
        json!({ "name": name, "in": "query", "description": meaning, "schema": schemas::of(kind) })
    })
}

fn body(body: Body) -> Option<Value> {
    let content = match body {
        Body::None => return None,
        Body::Reason => json!({ "application/json": { "schema": schemas::of("Because") } }),
        Body::CloudEvents => json!({
            "application/cloudevents+json": { "schema": schemas::of("CloudEvent") },
            "application/cloudevents-batch+json": { "schema": schemas::of("[CloudEvent]") },
            "application/json": { "schema": { "description": "The data, with its attributes in ce- headers." } },
        }),
        Body::Supposed => json!({ "application/json": { "schema": schemas::of("Supposed") } }),
        Body::Named(name) => json!({ "application/json": { "schema": schemas::of(name) } }),
        Body::Decision => json!({ "application/json": { "schema": schemas::of("Decision") } }),
        Body::Input => {
            json!({ "application/json": { "schema": { "description": "What the process is given." } } })
        }
        Body::Bytes => json!({ "*/*": { "schema": { "description": "The system's own document." } } }),
    };
    Some(
        json!({ "required": !matches!(body, Body::Reason | Body::Decision | Body::Input), "content": content }),
    )
}

fn responses(route: &Route) -> Value {
    let content = match route.answer {
        Shape::Text(media) => json!({ media: { "schema": { "type": "string" } } }),
        Shape::Json(kind) => json!({ "application/json": { "schema": schemas::of(kind) } }),
        Shape::Page(kind) => json!({ "application/json": { "schema": {
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": { "type": "array", "items": schemas::of(kind) },
                "next": { "type": "string", "description": "Give it back as `cursor` for the next page." },
            },
        } } }),
    };
    let mut responses = Map::new();
    responses.insert(route.status.to_string(), json!({ "description": "As asked.", "content": content }));
    let problem = json!({ "application/problem+json": { "schema": schemas::of("Problem") } });
    for status in route.problems {
        let description = match status {
            400 => "Malformed.",
            403 => "The token may not.",
            404 => "Nothing there, or nothing for this caller.",
            409 => "No longer so, or against ownership or revision.",
            413 => "Too long.",
            415 => "A media type that is not taken.",
            422 => "Against its contract; kept in quarantine with its bytes when it was an input.",
            503 => "Not now: nothing was kept. Send it again after Retry-After seconds.",
            _ => "A problem.",
        };
        responses.insert(status.to_string(), json!({ "description": description, "content": problem }));
    }
    if route.scope.is_some() {
        responses.insert("401".into(), json!({ "description": "No token, or one that is unknown, ended or revoked.", "content": problem }));
    }
    Value::Object(responses)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Method and path of every `.route(...)` in the router's own source.
    fn mounted() -> BTreeSet<(String, String)> {
        let source = include_str!("../api.rs");
        let mut mounted = BTreeSet::new();
        for line in source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
            let (path, handlers) = line.split_once('"').expect("a path ends");
            for method in ["get", "post", "put", "delete"] {
                if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                    mounted.insert((method.to_owned(), path.to_owned()));
                }
            }
        }
        mounted
    }

    #[test]
    fn what_is_described_is_what_is_mounted() {
        let described: BTreeSet<(String, String)> =
            ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
        assert_eq!(described.len(), ROUTES.len(), "a route is described twice");
        assert_eq!(described, mounted());
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let text = described().to_string();
        let named: BTreeSet<&str> =
            text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let kept: BTreeSet<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
        assert!(named.is_subset(&kept), "{:?}", named.difference(&kept));
        assert!(kept.is_subset(&named), "nothing uses {:?}", kept.difference(&named));
    }

    #[test]
    fn only_health_and_the_pages_of_problems_are_open() {
        let open: Vec<&str> =
            ROUTES.iter().filter(|route| route.scope.is_none()).map(|route| route.path).collect();
        assert_eq!(open, ["/healthz", "/readyz", "/problems/{code}"]);
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let ids: BTreeSet<String> = ROUTES.iter().map(operation_id).collect();
        assert_eq!(ids.len(), ROUTES.len());
    }
}
