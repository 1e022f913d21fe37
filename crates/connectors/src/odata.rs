//! The OData door, V2 and V4: entities that are polled by their change time, and created, changed and deleted with the token,
//! the cookies and the entity tags that SAP, Dynamics and their kind ask for.
//!
//! What it adds to the HTTP door is a notation: an entity's settings are written as the request or the poll they stand for, and
//! read there.

#[cfg(test)]
mod tests;

use lineshaft_model::Reasons;
use serde_json::{Map, Value, json};

use crate::Connector;
use crate::http::{self, Flavour};
use crate::settings::{Problems, Section, short};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V2,
    V4,
}

/// Which type a change time has, and so how it is written in a filter.
#[derive(Clone, Copy)]
enum TimeType {
    DateTimeOffset,
    DateTime,
    Date,
}

/// Reads the configuration of a system with `connector: odata`.
pub(crate) fn parse(config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons> {
    let mut written = config.clone();
    let problems = Problems::default();
    let mut names = Names::default();
    let flavour = Section::open(config, String::new(), &problems).map(|mut section| {
        let words = [("v2", Version::V2), ("v4", Version::V4)];
        if section.value("version").is_none() {
            section.missing("version", "say which it is: v2 or v4");
        }
        let version = section.choice("version", Version::V2, &words);
        let csrf = section.boolean("csrf", true);
        for (name, source) in section.each("sources") {
            entity_source(source, name, version, &mut written, &mut names);
        }
        for (name, operation) in section.each("operations") {
            entity_operation(operation, name, version, &mut written, &mut names);
        }
        Flavour { odata: true, csrf }
    });
    if let Some(map) = written.as_object_mut() {
        map.remove("version");
        map.remove("csrf");
    }
    let flavour = problems.into_result(flavour);
    // Both are told, what is wrong with the notation and what is wrong with what it stands for.
    let (noted, flavour) = match flavour {
        Ok(flavour) => (Reasons::new(), flavour),
        Err(reasons) => (reasons, Flavour { odata: true, csrf: true }),
    };
    match http::parse_as(&written, system, flavour) {
        Ok(connector) if noted.is_empty() => Ok(connector),
        Ok(_) => Err(noted),
        Err(reasons) => {
            let known: Vec<String> = noted.iter().map(|reason| reason.at.clone()).collect();
            let others = reasons
                .into_iter()
                .map(|reason| names.back(reason))
                .filter(|reason| !known.contains(&reason.at));
            Err(noted.into_iter().chain(others).collect())
        }
    }
}

/// Where a written setting came from, so that problems are told where a person wrote.
#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    fn back(&self, mut reason: lineshaft_model::Reason) -> lineshaft_model::Reason {
        for (written, from) in &self.0 {
            if reason.at.starts_with(written.as_str()) {
                reason.at.clone_from(from);
            }
        }
        reason
    }
}

fn entity_source(
    mut source: Section<'_>,
    name: &str,
    version: Version,
    written: &mut Value,
    names: &mut Names,
) {
    let Some(mut entity) = source.section("entity") else { return };
    let set = entity
        .required_text("set", "name the entity set, for instance A_PurchaseOrder")
        .and_then(|set| path(&entity, "set", set));
    let changed = entity.text("changed").map(str::to_owned);
    let key = entity.text("key").map(str::to_owned);
    let types = [
        ("datetimeoffset", TimeType::DateTimeOffset),
        ("datetime", TimeType::DateTime),
        ("date", TimeType::Date),
    ];
    let time = entity.choice("changed_type", TimeType::DateTimeOffset, &types);
    let mut query = Map::new();
    if version == Version::V2 {
        query.insert("$format".to_owned(), json!("json"));
    }
    let mut filter = entity.text("filter").map(|filter| format!("({filter})"));
    let mut poll = Map::new();
    match (&changed, &key) {
        (Some(changed), None) => {
            let (literal, form) = match (version, time) {
                (Version::V2, TimeType::DateTimeOffset) => ("datetimeoffset'{since}'", "utc"),
                (Version::V2, TimeType::DateTime | TimeType::Date) => ("datetime'{since}'", "bare"),
                (Version::V4, TimeType::DateTimeOffset | TimeType::DateTime) => ("{since}", "utc"),
                (Version::V4, TimeType::Date) => ("{since}", "date"),
            };
            let since = format!("{changed} ge {literal}");
            filter = Some(filter.map_or_else(|| since.clone(), |filter| format!("{filter} and {since}")));
            query.insert("$orderby".to_owned(), json!(format!("{changed} asc")));
            let mut settings = Map::from_iter([
                ("at".to_owned(), json!(format!("/{changed}"))),
                ("written".to_owned(), json!(form)),
            ]);
            for word in ["overlap", "start"] {
                settings.extend(entity.value(word).map(|value| (word.to_owned(), value.clone())));
            }
            poll.insert("since".to_owned(), Value::Object(settings));
        }
        (None, Some(key)) => {
            poll.insert("key".to_owned(), json!(format!("/{key}")));
        }
        _ => entity.missing(
            "changed",
            "name the property with the change time, or else `key` to compare all entities",
        ),
    }
    query.extend(filter.map(|filter| ("$filter".to_owned(), json!(filter))));
    for (word, option) in [("expand", "$expand"), ("select", "$select")] {
        let list = entity.list(word).unwrap_or_default();
        let list: Vec<&str> = list.iter().filter_map(|(value, _)| value.as_str()).collect();
        if !list.is_empty() {
            query.insert(option.to_owned(), json!(list.join(",")));
        }
    }
    query.extend(entity.texts("query").into_iter().map(|(name, value, _)| (name.to_owned(), json!(value))));
    for word in ["every", "timeout", "page_limit"] {
        poll.extend(entity.value(word).map(|value| (word.to_owned(), value.clone())));
    }
    let next = if version == Version::V2 { "/d/__next" } else { "/@odata.nextLink" };
    poll.insert("pages".to_owned(), json!({ "by": "next", "at": next }));
    poll.insert("path".to_owned(), json!(format!("/{}", set.unwrap_or_default())));
    poll.insert("query".to_owned(), Value::Object(query));
    let from = entity.here().to_owned();
    entity.finish();
    if let Some(source) =
        written.get_mut("sources").and_then(|sources| sources.get_mut(name)).and_then(Value::as_object_mut)
    {
        source.remove("entity");
        source.insert("poll".to_owned(), Value::Object(poll));
        source.entry("format").or_insert_with(|| json!("odata"));
    }
    names.0.push((from.replace("/entity", "/poll"), from));
}

fn entity_operation(
    mut operation: Section<'_>,
    name: &str,
    version: Version,
    written: &mut Value,
    names: &mut Names,
) {
    let mut request = Map::new();
    let mut used = "";
    if let Some(set) = operation.text("create") {
        used = "create";
        let set = path(&operation, "create", set).unwrap_or_default();
        request.insert("method".to_owned(), json!("POST"));
        request.insert("path".to_owned(), json!(format!("/{set}")));
    }
    for word in ["update", "delete"] {
        let Some(entity) = operation.section(word) else { continue };
        used = word;
        change_request(entity, word, version, &mut request);
    }
    if operation.boolean("batch", false) {
        used = "batch";
        request.insert("method".to_owned(), json!("POST"));
        request.insert("path".to_owned(), json!("/$batch"));
        request.insert("batch".to_owned(), json!(true));
    }
    let asked = ["create", "update", "delete", "batch", "request"]
        .iter()
        .filter(|word| operation.value(word).is_some())
        .count();
    if asked > 1 {
        operation.problem(
            used,
            "operation-ambiguous",
            "the operation does two things",
            "make two operations of it",
        );
    } else if asked == 0 {
        operation.missing("create", "say what it does: create, update, delete, batch or request");
    }
    let Some(map) = written
        .get_mut("operations")
        .and_then(|operations| operations.get_mut(name))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    if request.is_empty() {
        return;
    }
    for word in ["create", "update", "delete", "batch"] {
        map.remove(word);
    }
    let here = operation.here();
    names.0.push((format!("{here}/request"), format!("{here}/{used}")));
    map.insert("request".to_owned(), Value::Object(request));
}

/// The request that changes or deletes one entity.
fn change_request(mut entity: Section<'_>, word: &str, version: Version, request: &mut Map<String, Value>) {
    let set = entity.required_text("set", "name the entity set").and_then(|set| path(&entity, "set", set));
    let key = key_predicate(&mut entity);
    let update = if version == Version::V2 { "MERGE" } else { "PATCH" };
    let methods = [("merge", "MERGE"), ("patch", "PATCH"), ("put", "PUT")];
    let method = if word == "delete" { "DELETE" } else { entity.choice("method", update, &methods) };
    request.insert("method".to_owned(), json!(method));
    let target = format!("/{}({})", set.unwrap_or_default(), key.unwrap_or_default());
    request.insert("path".to_owned(), json!(target));
    match entity.text("if_match").unwrap_or("any") {
        "none" => {}
        "any" => {
            request.insert("headers".to_owned(), json!({ "If-Match": "*" }));
        }
        "read" => {
            request.insert("if_match".to_owned(), json!("read"));
        }
        expression if expression.contains("{{") => {
            request.insert("headers".to_owned(), json!({ "If-Match": expression }));
        }
        other => {
            let message = format!("`{}` is no way to match an entity tag", short(other));
            let hint = "use any, read, none, or an {{ expression }} that gives the tag";
            entity.problem("if_match", "setting-choice", message, hint);
        }
    }
    entity.finish();
}

fn path(section: &Section<'_>, key: &'static str, set: &str) -> Option<String> {
    let good = !set.is_empty()
        && set.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/'));
    if !good {
        section.problem(
            key,
            "path-malformed",
            format!("`{}` is no entity set", short(set)),
            "write its name, for instance A_PurchaseOrder",
        );
    }
    good.then(|| set.trim_matches('/').to_owned())
}

/// `Name='value',Other='value'`: values are texts of OData, with their quotes doubled, so that no value ends where it should not.
fn key_predicate(entity: &mut Section<'_>) -> Option<String> {
    let keys = entity.texts("key");
    if keys.is_empty() && entity.value("key").is_none() {
        entity.missing("key", "name the key: key: { PurchaseOrder: \"{{ .data.key }}\" }");
    }
    let mut parts = Vec::new();
    for (name, value, at) in keys {
        let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !good {
            entity.note(
                lineshaft_model::Reason::new("path-malformed", format!("`{}` is no property", short(name)))
                    .at(at),
            );
            return None;
        }
        parts.push(format!("{name}={}", literal(value)));
    }
    Some(parts.join(","))
}

/// A template as a literal of OData: quoted, unless it stands for a number or a GUID (`guid'...'`, `{{ ... }}L`), which are
/// written as they are after `raw:`.
fn literal(template: &str) -> String {
    if let Some(raw) = template.strip_prefix("raw:") {
        return raw.trim().to_owned();
    }
    let mut whole = "'".to_owned();
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        whole.push_str(&rest[..start].replace('\'', "''"));
        let expression = &rest[start + 2..start + length];
        whole.push_str(&format!("{{{{ ({}) | tostring | gsub(\"'\"; \"''\") }}}}", expression.trim()));
        rest = &rest[start + length + 2..];
    }
    whole.push_str(&rest.replace('\'', "''"));
    whole.push('\'');
    whole
}
