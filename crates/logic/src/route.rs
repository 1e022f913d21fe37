//! Which destinations an event goes to, how urgently and in which order.

use std::borrow::Cow;

use lineshaft_mapping::{Budget, Input, MappingError, Vars};
use lineshaft_model::json::Value;
use lineshaft_model::{Envelope, Reason, Reasons};

use crate::draft::Draft;
use crate::plan::Class;
use crate::prepare::{Around, Owes};

/// The most deliveries of one event.
const MOST_DELIVERIES: usize = 64;

/// The routes an event takes. A condition that fails to evaluate refuses the event: better kept aside than lost.
pub(crate) fn owes(around: &Around<'_>, draft: &Draft, data: &Input<'_>) -> Result<Vec<Owes>, Reasons> {
    let envelope = &draft.envelope;
    let mut owes = Vec::new();
    let mut whole: Option<Input<'_>> = None;
    for (route, rule) in around.plan.routes.iter().enumerate() {
        let is_about = crate::alarm::is_about(&envelope.event_type, &envelope.subject, rule.to.system());
        if !rule.on.covers(&envelope.event_type) || is_about {
            continue;
        }
        let computed = match &rule.priority {
            Class::Computed(expression) => Some(expression),
            Class::OfTheEvent | Class::Fixed(_) => None,
        };
        let needs_event = rule.when.is_some() || rule.order_by.is_some() || computed.is_some();
        if needs_event && whole.is_none() {
            whole = Some(cloud_event(envelope, data.tree().clone()));
        }
        let mut order_key = None;
        let mut priority = match rule.priority {
            Class::Fixed(priority) => priority,
            _ => envelope.priority.unwrap_or_default(),
        };
        if let Some(event) = &whole {
            let vars = Vars {
                tenant: &envelope.tenant,
                now: around.now_text,
                references: around.references,
                ..Vars::default()
            };
            let failed = |error: MappingError, what: &str| {
                let reason = Reason::from(error);
                vec![Reason { at: format!("route {} `{what}`, {}", rule.name, reason.at), ..reason }]
            };
            if let Some(when) = &rule.when
                && !when.test(event, &vars, &Budget::DEFAULT).map_err(|error| failed(error, "when"))?
            {
                continue;
            }
            if let Some(expression) = &rule.order_by {
                let text = expression.text(event, &vars, &Budget::DEFAULT);
                order_key = Some(text.map_err(|error| failed(error, "order_by"))?);
            }
            if let Some(expression) = computed {
                let text = expression.text(event, &vars, &Budget::DEFAULT);
                let text = text.map_err(|error| failed(error, "priority"))?;
                let at = format!("route {} `priority`", rule.name);
                priority = text.parse().map_err(|reason: Reason| vec![reason.at(at)])?;
            }
        }
        owes.push(Owes { route, priority, order_key });
    }
    if owes.len() > MOST_DELIVERIES {
        return Err(vec![
            Reason::new(
                "too-many-deliveries",
                format!("{} routes take this event, more than {MOST_DELIVERIES}", owes.len()),
            )
            .hint("narrow the routes' `on` and `when`"),
        ]);
    }
    Ok(owes)
}

/// The event as mappings and conditions see it: its attributes and `data`, in one object.
#[must_use]
pub fn cloud_event<'a>(envelope: &'a Envelope, data: Value<'a>) -> Input<'a> {
    let text = |text: &'a str| Value::String(Cow::Borrowed(text));
    let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(16);
    members.push(("specversion".into(), text("1.0")));
    let attributes = [
        ("id", &envelope.id),
        ("source", &envelope.source),
        ("type", &envelope.event_type),
        ("subject", &envelope.subject),
        ("time", &envelope.time),
        ("dataschema", &envelope.dataschema),
        ("tenant", &envelope.tenant),
        ("site", &envelope.site),
        ("partitionkey", &envelope.partitionkey),
        ("traceparent", &envelope.traceparent),
        ("correlationid", &envelope.correlationid),
        ("causationid", &envelope.causationid),
    ];
    members.extend(
        attributes
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.into(), text(value))),
    );
    if envelope.revision > 0 {
        members.push(("sequence".into(), Value::String(envelope.revision.to_string().into())));
    }
    if let Some(priority) = envelope.priority {
        members.push(("priority".into(), text(priority.as_str())));
    }
    members.push(("system".into(), text(envelope.system())));
    members.push(("data".into(), data));
    Input::from_tree(Value::Object(members))
}
