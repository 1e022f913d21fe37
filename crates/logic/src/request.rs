//! What is sent for a delivery: the operation's mapping and the texts that depend on the event.

use bytes::Bytes;
use lineshaft_mapping::{Budget, Input, References, Vars};
use lineshaft_model::{Envelope, Millis, Reason};

pub use lineshaft_mapping::Escape;

use crate::plan::OperationPlan;
use crate::route::cloud_event;

/// The body and the rendered slots of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What the operation's mapping made of the event; the canonical data without one.
    pub body: Bytes,
    /// The texts of the sink's slots, in its order.
    pub slots: Vec<String>,
}

/// Renders the request for one event. `escapes` are those of the sink's slots, in its order.
pub fn render(
    operation: &OperationPlan,
    escapes: impl Iterator<Item = Escape>,
    envelope: &Envelope,
    data: &Bytes,
    now: Millis,
    references: &dyn References,
) -> Result<Rendered, Reason> {
    if operation.mapping.is_none() && operation.slots.is_empty() {
        return Ok(Rendered { body: data.clone(), slots: Vec::new() });
    }
    let parsed = Input::parse(data)?;
    let event = cloud_event(envelope, parsed.into_tree());
    let now = now.to_string();
    let vars = Vars {
        system: envelope.system(),
        tenant: &envelope.tenant,
        site: (!envelope.site.is_empty()).then_some(envelope.site.as_str()),
        now: &now,
        references,
        ..Vars::default()
    };
    let body = match &operation.mapping {
        None => data.clone(),
        Some(mapping) => {
            let mut outputs = mapping.run(&event, &vars, &Budget::DEFAULT)?;
            match (outputs.pop(), outputs.len()) {
                (Some(body), 0) => body,
                (last, others) => {
                    let count = others + usize::from(last.is_some());
                    return Err(Reason::new(
                        "mapping-outputs",
                        format!("the mapping gave {count} bodies instead of one"),
                    )
                    .at(format!("mappings/{}", mapping.name()))
                    .hint("an operation's mapping gives exactly one body"));
                }
            }
        }
    };
    let render = |(template, escape): (&lineshaft_mapping::Template, Escape)| {
        template.render(&event, &vars, &Budget::DEFAULT, escape).map_err(Reason::from)
    };
    let slots = operation.slots.iter().zip(escapes).map(render).collect::<Result<Vec<String>, Reason>>()?;
    Ok(Rendered { body, slots })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lineshaft_mapping::{Environment, Mapping, NoReferences, Template};

    use super::*;

    fn rendered(mapping: &str) -> Result<Rendered, String> {
        let environment = Environment::default();
        let operation = OperationPlan {
            mapping: Some(Arc::new(Mapping::compile("m.jq", mapping, &environment).unwrap())),
            slots: vec![Template::compile("/items/{{ .subject }}", &environment).unwrap()],
            limits: None,
        };
        let envelope = Envelope { subject: "A/1".into(), ..Envelope::default() };
        let data = Bytes::from_static(br#"{"quantity":0.10}"#);
        let escapes = [Escape::PathSegment].into_iter();
        render(&operation, escapes, &envelope, &data, Millis(0), &NoReferences).map_err(|reason| reason.code)
    }

    #[test]
    fn a_request_has_one_body_and_its_texts() {
        let rendered = rendered("{ q: .data.quantity, s: .subject }").unwrap();
        assert_eq!(&rendered.body[..], br#"{"q":0.10,"s":"A/1"}"#);
        assert_eq!(rendered.slots, ["/items/A%2F1"]);
    }

    #[test]
    fn no_body_or_several_are_refused() {
        assert_eq!(rendered("empty").unwrap_err(), "mapping-outputs");
        assert_eq!(rendered(".data, .data").unwrap_err(), "mapping-outputs");
    }
}
