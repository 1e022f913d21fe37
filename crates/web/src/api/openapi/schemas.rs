//! What is answered, field by field: as `lineshaft_model::shown` serialises it.
//!
//! Types are written shortly: `string`, `integer`, `boolean`, `any`, `object`, the name of another schema, `[T]` for a list,
//! `{T}` for a map by name, and a `?` behind what may be missing. The field `..` stands for all fields of the schema it names.

use serde_json::{Map, Value, json};

type Fields = &'static [(&'static str, &'static str)];

/// The fields of a schema, those of the ones it contains included.
fn fields_of(name: &str) -> Vec<(&'static str, &'static str)> {
    let own = SCHEMAS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, fields)| fields);
    let mut fields = Vec::new();
    for (field, kind) in own {
        match *field {
            ".." => fields.extend(fields_of(kind)),
            _ => fields.push((*field, *kind)),
        }
    }
    fields
}

/// What is sent to us and refused when it has more fields than these.
const CLOSED: &[&str] = &["Because", "OtherData", "OtherBytes", "ReplayAsked", "ManyLetters", "Decision"];

/// A schema of properties; what has no `?` is always there.
pub(super) fn object(schema: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, kind) in fields_of(schema) {
        properties.insert(name.to_owned(), of(kind));
        if !kind.ends_with('?') {
            required.push(name);
        }
    }
    let mut object = json!({ "type": "object", "required": required, "properties": properties });
    if CLOSED.contains(&schema) {
        object["additionalProperties"] = json!(false);
    }
    object
}

/// The schema of a type as it is written here.
pub(super) fn of(kind: &str) -> Value {
    let kind = kind.trim_end_matches('?');
    if let Some(item) = kind.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return json!({ "type": "array", "items": of(item) });
    }
    if let Some(value) = kind.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return json!({ "type": "object", "additionalProperties": of(value) });
    }
    match kind {
        "any" => json!({}),
        "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 500 }),
        "direction" => json!({ "type": "string", "enum": ["to-supply", "to-demand"] }),
        "order" => json!({ "type": "string", "enum": ["oldest"] }),
        "wait-ended" => json!({ "type": "string", "enum": ["ended"] }),
        "process-phase" => {
            json!({ "type": "string", "enum": ["running", "compensating", "held", "completed", "faulted", "cancelled"] })
        }
        "task-phase" => {
            json!({ "type": "string", "enum": ["running", "completed", "passed", "faulted", "cancelled", "skipped", "compensated"] })
        }
        "wait" => json!({ "type": "string", "enum": ["delivered"] }),
        "span" => json!({ "type": "string", "pattern": "^[0-9]{1,6}(ms|s|m|h|d)$" }),
        "reason" => json!({ "type": "string", "maxLength": 1000 }),
        "string" | "integer" | "boolean" | "object" => json!({ "type": kind }),
        "position" => json!({ "type": "integer", "minimum": 0, "description": "A record of the journal." }),
        "time" => json!({ "type": "integer", "description": "Milliseconds since 1970-01-01T00:00:00Z." }),
        "delivery-id" => json!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]+$" }),
        "delivery-state" => {
            json!({ "type": "string", "enum": ["pending", "retrying", "parked", "dead", "unknown", "delivered", "discarded"] })
        }
        "outcome" => {
            json!({ "type": "string", "enum": ["delivered", "again", "dead", "unknown", "discarded", "retried", "begun"] })
        }
        "letters-action" => json!({ "type": "string", "enum": ["retry", "restart", "discard"] }),
        "job-state" => json!({ "type": "string", "enum": ["running", "cancelled", "done", "failed"] }),
        "per-second" => json!({ "type": "integer", "minimum": 0, "maximum": 5000 }),
        "cause" => json!({ "type": "string", "enum": ["edit", "restart"] }),
        "disposition" => json!({ "type": "string", "enum": ["accepted", "stale", "echo"] }),
        "priority" => json!({ "type": "string", "enum": ["critical", "high", "normal", "bulk"] }),
        "ImpactAnswer" => json!({ "oneOf": [of("Impact"), of("Judgements")] }),
        "option-kind" => {
            json!({ "type": "string", "enum": ["use-safety-stock", "expedite", "split-delivery", "transfer", "substitute", "buy", "resequence", "reduce", "delay"] })
        }
        "ObjectAnswer" => {
            json!({ "oneOf": [of("ObjectDetail"), of("EventPage"), of("[TimelineEntry]"), of("[ObjectSystem]")] })
        }
        "flow" => {
            json!({ "type": "array", "prefixItems": [{ "type": "string" }, { "type": "string" }, { "type": "integer" }] })
        }
        "ObjectRef or null" => json!({ "oneOf": [of("ObjectRef"), { "type": "null" }] }),
        named => json!({ "$ref": format!("#/components/schemas/{named}") }),
    }
}

/// Every schema.
pub(super) const SCHEMAS: &[(&str, Fields)] = &[
    (
        "Problem",
        &[
            ("type", "string"),
            ("title", "string"),
            ("status", "integer"),
            ("code", "string"),
            ("detail", "string?"),
            ("at", "string?"),
            ("hint", "string?"),
            ("errors", "[Reason]?"),
            ("quarantined", "position?"),
        ],
    ),
    ("Reason", &[("code", "string"), ("message", "string"), ("at", "string?"), ("hint", "string?")]),
    ("Because", &[("reason", "reason?")]),
    ("Supposed", &[("changes", "[object]?"), ("alternatives", "[Variant]?")]),
    ("Variant", &[("name", "string"), ("changes", "[object]")]),
    ("Judgements", &[("objective", "object"), ("ranked_by", "string"), ("alternatives", "[Judgement]")]),
    ("Judgement", &[("name", "string"), ("rank", "integer"), ("saved_days", "string"), ("impact", "Impact")]),
    (
        "Options",
        &[
            ("item", "string"),
            ("site", "string"),
            ("shortage", "any"),
            ("objective", "object"),
            ("ranked_by", "string"),
            ("options", "[Option]"),
        ],
    ),
    (
        "Option",
        &[
            ("rank", "integer"),
            ("kind", "option-kind"),
            ("sentence", "string"),
            ("changes", "[object]"),
            ("cost", "any"),
            ("saved_days", "string"),
            ("score", "string"),
            ("impact", "Impact"),
        ],
    ),
    (
        "PlanRequest",
        &[
            ("request", "string"),
            ("site", "string?"),
            ("horizon", "Horizon"),
            ("orders", "[object]"),
            ("resources", "[object]"),
        ],
    ),
    ("Horizon", &[("from", "string"), ("to", "string")]),
    ("PlanAsked", &[("request", "string"), ("position", "position"), ("orders", "integer")]),
    ("ScheduleTaken", &[("position", "position"), ("orders", "integer")]),
    (
        "ComparedSchedule",
        &[
            ("schedule", "string"),
            ("system", "string"),
            ("position", "position"),
            ("received", "time"),
            ("request", "string?"),
            ("horizon", "Horizon"),
            ("buckets", "integer"),
            ("step_ms", "integer"),
            ("comparison", "Comparison"),
            ("moves", "integer"),
            ("unread", "[Reason]"),
        ],
    ),
    (
        "Comparison",
        &[
            ("orders", "[object]"),
            ("quantities", "[object]"),
            ("same", "integer"),
            ("outside", "integer"),
            ("late_days_ours", "string"),
            ("late_days_theirs", "string"),
        ],
    ),
    (
        "Availability",
        &[
            ("item", "string"),
            ("site", "string"),
            ("unit", "string"),
            ("on_hand", "string"),
            ("unusable", "string"),
            ("safety_stock", "string"),
            ("movements", "[object]"),
            ("promisable", "[object]"),
        ],
    ),
    (
        "Shortage",
        &[
            ("item", "string"),
            ("site", "string"),
            ("missing", "object"),
            ("priority", "any"),
            ("late_days", "string"),
            ("orders", "[string]"),
            ("demands", "[string]"),
        ],
    ),
    (
        "Impact",
        &[
            ("orders", "[object]"),
            ("demands", "[object]"),
            ("shortages", "[object]"),
            ("problems", "[object]"),
            ("netted", "integer"),
            ("evaluated", "integer"),
        ],
    ),
    ("Assessed", &[("cause", "any"), ("at", "time"), ("impact", "Impact")]),
    (
        "OrderState",
        &[
            ("order", "string"),
            ("item", "string"),
            ("site", "string"),
            ("quantity", "object"),
            ("priority", "integer"),
            ("status", "string"),
            ("customer", "string?"),
            ("planned", "object"),
            ("feasible", "object"),
            ("slip_ms", "any"),
            ("chain", "[object]"),
        ],
    ),
    ("Done", &[("position", "position")]),
    (
        "ReplayAsked",
        &[
            ("to", "string"),
            ("since", "string?"),
            ("until", "string?"),
            ("route", "string?"),
            ("type", "string?"),
            ("key", "string?"),
            ("system", "string?"),
            ("where", "string?"),
            ("new_scope", "boolean?"),
            ("per_second", "per-second?"),
            ("dry_run", "boolean?"),
            ("reason", "reason?"),
        ],
    ),
    (
        "ManyLetters",
        &[
            ("action", "letters-action"),
            ("destination", "string?"),
            ("code", "string?"),
            ("per_second", "per-second?"),
            ("dry_run", "boolean?"),
            ("reason", "reason?"),
        ],
    ),
    ("JobBegun", &[("id", "position")]),
    (
        "Job",
        &[
            ("position", "position"),
            ("id", "position"),
            ("order", "object"),
            ("actor", "string"),
            ("reason", "string?"),
            ("begun", "time"),
            ("at", "time"),
            ("state", "job-state"),
            ("reached", "position"),
            ("letter", "any?"),
            ("done", "integer"),
            ("skipped", "integer"),
            ("expected", "integer"),
            ("problem", "Reason?"),
        ],
    ),
    ("OtherData", &[("data", "any"), ("reason", "reason?")]),
    ("OtherBytes", &[("text", "string?"), ("base64", "string?"), ("reason", "reason?")]),
    ("DoneOrProposed", &[("position", "position"), ("proposed", "boolean")]),
    ("TakenInput", &[("position", "position"), ("proposed", "boolean"), ("results", "[object]")]),
    ("Preview", &[("changes", "[FieldChange]"), ("needs_approval", "boolean")]),
    ("FieldChange", &[("at", "string"), ("before", "string?"), ("after", "string?")]),
    (
        "Amendment",
        &[
            ("position", "position"),
            ("target", "string"),
            ("revision", "integer"),
            ("previous", "position"),
            ("cause", "cause"),
            ("actor", "string"),
            ("reason", "string?"),
            ("at", "time"),
            ("changes", "[FieldChange]?"),
            ("proposed", "boolean?"),
        ],
    ),
    (
        "Closed",
        &[
            ("position", "position"),
            ("actor", "string"),
            ("action", "string"),
            ("target", "string"),
            ("reason", "string?"),
            ("at", "time"),
            ("events", "[position]?"),
        ],
    ),
    ("Running", &[("digest", "string")]),
    (
        "CloudEvent",
        &[
            ("specversion", "string"),
            ("id", "string"),
            ("source", "string"),
            ("type", "string"),
            ("subject", "string?"),
            ("time", "string?"),
            ("datacontenttype", "string?"),
            ("data", "any?"),
        ],
    ),
    ("Intake", &[("results", "[IntakeResult]"), ("delivered", "boolean?")]),
    (
        "IntakeResult",
        &[("id", "string"), ("status", "string"), ("position", "position"), ("reasons", "[Reason]?")],
    ),
    ("EventPage", &[("items", "[EventRow]"), ("next", "string?")]),
    (
        "EventRow",
        &[
            ("position", "position"),
            ("received", "time"),
            ("status", "disposition"),
            ("id", "string"),
            ("source", "string"),
            ("type", "string"),
            ("subject", "string"),
            ("time", "string?"),
            ("dataschema", "string?"),
            ("tenant", "string"),
            ("site", "string?"),
            ("partitionkey", "string?"),
            ("sequence", "integer?"),
            ("traceparent", "string?"),
            ("priority", "priority?"),
            ("correlationid", "string?"),
            ("causationid", "string?"),
            ("intake", "string"),
            ("owes", "integer"),
        ],
    ),
    (
        "EventDetail",
        &[
            ("..", "EventRow"),
            ("object", "ObjectRef or null"),
            ("previous", "position"),
            ("data", "any"),
            ("raw", "RawShown"),
            ("keys", "[ObjectRef]"),
            ("deliveries", "[DeliveryRow]"),
            ("withheld", "[string]?"),
        ],
    ),
    ("ObjectRef", &[("type", "string"), ("key", "string")]),
    (
        "RawShown",
        &[("content_type", "string"), ("bytes", "integer"), ("text", "string?"), ("base64", "string?")],
    ),
    (
        "DeliveryRow",
        &[
            ("id", "delivery-id"),
            ("route", "string"),
            ("destination", "string"),
            ("priority", "priority"),
            ("order_key", "string"),
            ("state", "delivery-state"),
            ("attempts", "integer"),
            ("due", "time?"),
            ("event_type", "string"),
            ("subject", "string"),
            ("received", "time"),
            ("settled", "time?"),
            ("reason", "Reason?"),
            ("outcomes", "[OutcomeRow]?"),
        ],
    ),
    (
        "OutcomeRow",
        &[
            ("position", "position"),
            ("kind", "outcome"),
            ("attempt", "integer"),
            ("at", "time"),
            ("due", "time?"),
            ("status", "integer"),
            ("reason", "Reason?"),
            ("actor", "string?"),
            ("amendment", "position?"),
        ],
    ),
    (
        "DeadLetter",
        &[
            ("..", "DeliveryRow"),
            ("since", "time"),
            ("parked", "integer"),
            ("unknown", "boolean"),
            ("owners", "{string}?"),
            ("overdue", "boolean"),
            ("revision", "integer"),
            ("data", "any?"),
            ("amendments", "[Amendment]?"),
            ("proposal", "Amendment?"),
            ("withheld", "[string]?"),
        ],
    ),
    (
        "QuarantineRow",
        &[
            ("position", "position"),
            ("intake", "string"),
            ("origin", "string"),
            ("received", "time"),
            ("reasons", "[Reason]"),
            ("event_type", "string"),
            ("subject", "string"),
            ("open", "boolean"),
            ("closed", "Closed?"),
            ("proposal", "Amendment?"),
            ("raw", "RawShown?"),
        ],
    ),
    ("ObjectType", &[("type", "string")]),
    (
        "ObjectRow",
        &[
            ("..", "ObjectRef"),
            ("tenant", "string"),
            ("revision", "integer"),
            ("position", "position"),
            ("event_type", "string"),
            ("system", "string"),
            ("updated", "time"),
            ("status", "string?"),
        ],
    ),
    (
        "ObjectDetail",
        &[("..", "ObjectRow"), ("data", "any"), ("references", "{string}"), ("withheld", "[string]?")],
    ),
    (
        "ObjectSystem",
        &[
            ("system", "string"),
            ("key", "string?"),
            ("sent", "position?"),
            ("sent_at", "time?"),
            ("delivered", "position?"),
            ("delivered_at", "time?"),
            ("unfinished", "integer"),
            ("state", "delivery-state?"),
        ],
    ),
    (
        "TimelineEntry",
        &[
            ("at", "time"),
            ("position", "position"),
            ("what", "string"),
            ("system", "string"),
            ("title", "string"),
            ("event", "position"),
            ("delivery", "delivery-id?"),
            ("reason", "Reason?"),
            ("after_ms", "integer?"),
        ],
    ),
    (
        "Hit",
        &[
            ("..", "ObjectRef"),
            ("events", "integer"),
            ("latest", "position"),
            ("at", "time"),
            ("held", "boolean"),
        ],
    ),
    (
        "SystemRow",
        &[
            ("name", "string"),
            ("title", "string"),
            ("connector", "string"),
            ("health", "string"),
            ("paused", "string?"),
            ("pace", "PaceRow"),
            ("received", "integer"),
            ("last_received", "time?"),
            ("received_per_second_x100", "integer"),
            ("delivered_per_second_x100", "integer"),
            ("sources", "[string]"),
            ("lanes", "[LaneRow]"),
        ],
    ),
    (
        "PaceRow",
        &[
            ("breaker", "string"),
            ("probe", "time?"),
            ("forced", "string?"),
            ("held_until", "time?"),
            ("maintenance_until", "time?"),
            ("maintenance_next", "time?"),
            ("ramp_percent", "integer"),
            ("under_way", "integer"),
            ("concurrency", "integer"),
            ("per_1000_s", "integer"),
            ("repeats", "integer"),
        ],
    ),
    ("ClassRow", &[("class", "string"), ("ready", "integer"), ("beyond", "boolean")]),
    (
        "LaneRow",
        &[
            ("destination", "string"),
            ("breaker", "string"),
            ("in_flight", "integer"),
            ("pending", "integer"),
            ("retrying", "integer"),
            ("unknown", "integer"),
            ("delayed", "integer"),
            ("classes", "[ClassRow]"),
            ("parked", "integer"),
            ("dead", "integer"),
            ("delivered", "integer"),
            ("failed_attempts", "integer"),
            ("oldest", "time?"),
            ("last_failure", "string?"),
        ],
    ),
    (
        "DestinationBooks",
        &[
            ("destination", "string"),
            ("routed", "integer"),
            ("delivered", "integer"),
            ("pending", "integer"),
            ("parked", "integer"),
            ("dead", "integer"),
            ("discarded", "integer"),
            ("difference", "integer"),
        ],
    ),
    (
        "Counts",
        &[
            ("accepted", "integer"),
            ("stale", "integer"),
            ("echo", "integer"),
            ("duplicate", "integer"),
            ("quarantined", "integer"),
        ],
    ),
    (
        "Balance",
        &[
            ("position", "position"),
            ("applied", "position"),
            ("inputs", "{Counts}"),
            ("destinations", "[DestinationBooks]"),
            ("balanced", "boolean"),
        ],
    ),
    (
        "Overview",
        &[
            ("now", "time"),
            ("position", "position"),
            ("applied", "position"),
            ("events_per_second_x100", "integer"),
            ("deliveries_per_second_x100", "integer"),
            ("acknowledged_p50_us", "integer"),
            ("acknowledged_p99_us", "integer"),
            ("delivered_p50_us", "integer"),
            ("delivered_p99_us", "integer"),
            ("dead", "integer"),
            ("parked", "integer"),
            ("pending", "integer"),
            ("quarantined", "integer"),
            ("stopped", "string?"),
            ("systems", "[SystemRow]"),
            ("flows", "[flow]"),
            ("history", "[integer]"),
        ],
    ),
    (
        "ProcessRow",
        &[
            ("id", "string"),
            ("position", "position"),
            ("namespace", "string"),
            ("name", "string"),
            ("version", "string"),
            ("digest", "string"),
            ("business_key", "string"),
            ("phase", "process-phase"),
            ("ended", "boolean"),
            ("cases", "integer"),
            ("started", "time"),
            ("updated", "time"),
            ("parent", "string"),
        ],
    ),
    (
        "ProcessDetail",
        &[
            ("..", "ProcessRow"),
            ("title", "string"),
            ("input", "any"),
            ("context", "any"),
            ("output", "any"),
            ("fault", "Fault?"),
            ("tasks", "[TaskShown]"),
            ("live", "[LiveTask]"),
            ("questions", "[Question]"),
        ],
    ),
    (
        "Fault",
        &[
            ("type", "string"),
            ("status", "integer"),
            ("title", "string?"),
            ("detail", "string?"),
            ("instance", "string?"),
            ("unknown", "boolean?"),
        ],
    ),
    (
        "TaskShown",
        &[
            ("name", "string"),
            ("title", "string"),
            ("place", "string"),
            ("kind", "string"),
            ("what", "string"),
            ("depth", "integer"),
            ("part", "string"),
            ("undo", "boolean"),
            ("phase", "task-phase?"),
            ("runs", "integer"),
            ("started", "time?"),
            ("ended", "time?"),
        ],
    ),
    ("LiveTask", &[("key", "string"), ("task", "string")]),
    ("Question", &[("key", "string"), ("kind", "string"), ("task", "string"), ("about", "any")]),
    (
        "CaseRow",
        &[
            ("process", "string"),
            ("name", "string"),
            ("business_key", "string"),
            ("since", "time"),
            ("..", "Question"),
        ],
    ),
    ("Decision", &[("reason", "reason?"), ("key", "string?"), ("output", "any?")]),
    ("Acted", &[("id", "string"), ("phase", "process-phase")]),
    (
        "Commanded",
        &[
            ("id", "string"),
            ("new", "boolean"),
            ("status", "string"),
            ("phase", "process-phase?"),
            ("output", "any?"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use lineshaft_model::record::Counts;
    use lineshaft_model::shown::{Balance, DestinationBooks, LaneRow, Overview, RawShown, SystemRow};
    use serde::Serialize;

    use super::*;

    /// What is serialised has the fields described: all that must be there, and none that is not told.
    fn check(name: &str, value: &impl Serialize) {
        let fields = fields_of(name);
        assert!(!fields.is_empty(), "{name} is not described");
        let Ok(Value::Object(value)) = serde_json::to_value(value) else { panic!("{name} is no object") };
        for (field, kind) in &fields {
            assert!(
                kind.ends_with('?') || value.contains_key(*field),
                "{name}.{field} is described but not there"
            );
        }
        for field in value.keys() {
            assert!(
                fields.iter().any(|(known, _)| *known == field.as_str()),
                "{name}.{field} is not described"
            );
        }
    }

    #[test]
    fn the_schemas_are_those_of_the_types() {
        check("Counts", &Counts::default());
        check(
            "RawShown",
            &RawShown { text: Some(String::new()), base64: Some(String::new()), ..RawShown::default() },
        );
        let some = || Some(String::from("x"));
        check(
            "LaneRow",
            &LaneRow { oldest: Some(lineshaft_model::Millis(1)), last_failure: some(), ..LaneRow::default() },
        );
        check("SystemRow", &SystemRow { paused: some(), ..SystemRow::default() });
        check("DestinationBooks", &DestinationBooks::default());
        check("Balance", &Balance::default());
        check("Overview", &Overview { stopped: some(), ..Overview::default() });
    }

    #[test]
    fn types_are_read_from_the_inside() {
        assert_eq!(
            of("[{integer}]?"),
            json!({ "type": "array", "items": { "type": "object", "additionalProperties": { "type": "integer" } } })
        );
    }
}
