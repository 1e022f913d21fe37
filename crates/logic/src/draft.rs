//! An event in the making: attributes and data, before it has an identity and a place.

use bytes::Bytes;
use lineshaft_model::event::source_urn;
use lineshaft_model::json::Value;
use lineshaft_model::sight::{MANY_PARTNERS, PARTNER_TYPE};
use lineshaft_model::{Envelope, EventType, Moment, Priority, Reason, Reasons};

/// The most further business keys of one event.
const MOST_KEYS: usize = 32;

/// The longest text of an attribute, in bytes.
const LONGEST_ATTRIBUTE: usize = 1024;

/// An event as its source described it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Attributes; `id`, `source` and `tenant` may still be empty.
    pub envelope: Envelope,
    /// Canonical data, JSON.
    pub data: Bytes,
    /// Further business keys: (object type, key).
    pub keys: Vec<(String, String)>,
}

/// Who sends, and for whom: what fills the attributes a source leaves out and what it must not contradict.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The system; empty when the caller may speak for any system of the tenant.
    pub system: &'a str,
    /// The site, when the source has one of its own.
    pub site: &'a str,
}

impl Draft {
    /// Sets one attribute by its CloudEvents name. Unknown extension names are refused by the caller's policy, not here:
    /// they come back as `Ok(false)`.
    pub fn set(&mut self, name: &str, text: &str) -> Result<bool, Reason> {
        if text.len() > LONGEST_ATTRIBUTE || text.chars().any(char::is_control) {
            return Err(Reason::new(
                "attribute-malformed",
                format!("`{name}` is longer than {LONGEST_ATTRIBUTE} bytes or has control characters"),
            )
            .at(format!("/{name}")));
        }
        let e = &mut self.envelope;
        let field = match name {
            "id" => &mut e.id,
            "source" => &mut e.source,
            "type" => &mut e.event_type,
            "subject" => &mut e.subject,
            "time" | "occurred" => {
                let _checked: Moment =
                    text.parse().map_err(|reason: Reason| reason.at(format!("/{name}")))?;
                &mut e.time
            }
            "dataschema" => &mut e.dataschema,
            "tenant" => &mut e.tenant,
            "site" => &mut e.site,
            "partitionkey" => &mut e.partitionkey,
            "traceparent" => &mut e.traceparent,
            "correlationid" => &mut e.correlationid,
            "causationid" => &mut e.causationid,
            "priority" => {
                e.priority = Some(text.parse::<Priority>().map_err(|reason| reason.at("/priority"))?);
                return Ok(true);
            }
            "sequence" | "revision" => {
                e.revision = text.parse().map_err(|_| {
                    Reason::new("revision-malformed", format!("`{name}` is not a whole number from 0"))
                        .at(format!("/{name}"))
                        .hint("a revision only ever grows; leave it out when the source has none")
                })?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        text.clone_into(field);
        Ok(true)
    }

    /// Fills what the source left out and refuses what contradicts the sender.
    pub fn complete(&mut self, sender: Sender<'_>) -> Result<(), Reasons> {
        let e = &mut self.envelope;
        let mut reasons = Reasons::new();
        if e.tenant.is_empty() {
            sender.tenant.clone_into(&mut e.tenant);
        } else if e.tenant != sender.tenant {
            reasons.push(
                Reason::new("tenant-foreign", "the event names another tenant than its sender's")
                    .at("/tenant"),
            );
        }
        if e.source.is_empty() && !sender.system.is_empty() {
            e.source = source_urn(sender.tenant, sender.system);
        } else if !e.source.is_empty() && !sender.system.is_empty() && e.system() != sender.system {
            let message = format!("the sender is {}, but the event says {}", sender.system, e.source);
            reasons.push(
                Reason::new("source-foreign", message)
                    .at("/source")
                    .hint("leave `source` out to have it filled in"),
            );
        }
        if e.site.is_empty() {
            sender.site.clone_into(&mut e.site);
        }
        if let Err(reason) = EventType::parse(&e.event_type) {
            reasons.push(reason);
        }
        for (name, text) in [("subject", &e.subject), ("source", &e.source)] {
            if text.is_empty() {
                reasons.push(
                    Reason::new("attribute-missing", format!("the event has no `{name}`"))
                        .at(format!("/{name}")),
                );
            }
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    /// Adds the business keys that the data names under the canonical fields, so that the event is found by them.
    pub fn gather_keys(&mut self, data: &Value<'_>) {
        gather(data, &mut self.keys, 0);
        let own = self.envelope.subject.as_str();
        self.keys.retain(|(_, key)| key != own);
        self.keys.sort();
        self.keys.dedup();
        if self.keys.len() > MOST_KEYS {
            // Who may see an event depends on the partners it names: they are the last to be left out.
            self.keys.sort_by_key(|(object_type, _)| object_type != PARTNER_TYPE);
            let partners = self.keys.iter().filter(|(object_type, _)| object_type == PARTNER_TYPE).count();
            self.keys.truncate(MOST_KEYS);
            if partners > MOST_KEYS {
                self.keys[MOST_KEYS - 1].1 = MANY_PARTNERS.to_owned();
            }
            self.keys.sort();
        }
    }
}

/// The canonical fields that hold a business key, and the object type it belongs to.
const KEY_FIELDS: [(&str, &str); 14] = [
    ("item", "item"),
    ("component", "item"),
    ("supplier", "supplier"),
    ("purchase_order", "purchase-order"),
    ("purchase-order", "purchase-order"),
    ("production_order", "production-order"),
    ("production-order", "production-order"),
    ("shipment", "shipment"),
    ("asn", "shipment"),
    ("receipt", "goods-receipt"),
    ("reservation", "reservation"),
    ("schedule", "schedule"),
    ("work_centre", "work-centre"),
    ("lot", "lot"),
];

fn gather(value: &Value<'_>, keys: &mut Vec<(String, String)>, depth: usize) {
    if depth > 4 || keys.len() >= MOST_KEYS * 4 {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let field = KEY_FIELDS.iter().find(|(field, _)| field == name);
                match (field, member.as_str()) {
                    (Some((_, object_type)), Some(key)) if !key.is_empty() && key.len() <= 128 => {
                        if keys.len() >= MOST_KEYS * 2 && *object_type != PARTNER_TYPE {
                            continue;
                        }
                        keys.push(((*object_type).to_owned(), key.to_owned()));
                    }
                    _ => gather(member, keys, depth + 1),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| gather(element, keys, depth + 1)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use lineshaft_model::json::Limits;

    use super::*;

    const SENDER: Sender<'static> = Sender { tenant: "main", system: "wms", site: "P100" };

    fn draft() -> Draft {
        let mut draft = Draft::default();
        draft.set("type", "lineshaft.inventory.counted.v1").unwrap();
        draft.set("subject", "BOLT/A-01").unwrap();
        draft
    }

    #[test]
    fn what_the_source_leaves_out_is_filled_in() {
        let mut draft = draft();
        draft.complete(SENDER).unwrap();
        assert_eq!(draft.envelope.source, "urn:lineshaft:main:wms");
        assert_eq!((draft.envelope.tenant.as_str(), draft.envelope.site.as_str()), ("main", "P100"));
    }

    #[test]
    fn a_sender_cannot_speak_for_another() {
        let mut draft = draft();
        draft.set("source", "urn:lineshaft:main:erp").unwrap();
        draft.set("tenant", "other").unwrap();
        let codes: Vec<String> = draft.complete(SENDER).unwrap_err().into_iter().map(|r| r.code).collect();
        assert_eq!(codes, ["tenant-foreign", "source-foreign"]);
    }

    #[test]
    fn attributes_are_checked() {
        let mut draft = draft();
        assert_eq!(draft.set("time", "yesterday").unwrap_err().at, "/time");
        assert_eq!(draft.set("sequence", "-1").unwrap_err().code, "revision-malformed");
        assert_eq!(draft.set("subject", "a\nb").unwrap_err().code, "attribute-malformed");
        assert_eq!(draft.set("colour", "red"), Ok(false));
    }

    #[test]
    fn business_keys_are_found_in_lines_too() {
        let mut draft = draft();
        let data =
            br#"{"supplier":"ACME","lines":[{"item":"BOLT"},{"item":"NUT"},{"item":"BOLT"}],"note":"item"}"#;
        draft.gather_keys(&Value::parse(data, &Limits::DEFAULT).unwrap());
        let keys: Vec<(&str, &str)> = draft.keys.iter().map(|(t, k)| (t.as_str(), k.as_str())).collect();
        assert_eq!(keys, [("item", "BOLT"), ("item", "NUT"), ("supplier", "ACME")]);
    }
}
