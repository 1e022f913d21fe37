//! Who owns what: one system of record per object, field group and site.

use std::collections::BTreeMap;

use lineshaft_model::event_type::EventType;
use lineshaft_model::{Envelope, Reason};
use serde::{Deserialize, Serialize};

/// What happens to an event from a system that does not own what it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Kept aside for a person to decide.
    #[default]
    Case,
    /// Refused; the sender is told.
    Reject,
    /// Kept aside as a proposal to the owner.
    Propose,
}

/// The owner of one object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The system of record.
    pub owner: String,
    /// Field groups another system owns. An event whose verb belongs to the group is the group's: `confirmations` covers
    /// `confirmed`, `receipts` covers `received`, `schedule` covers `rescheduled`, `started`, `completed` and `held`, `counts`
    /// covers `counted` and `adjusted`.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Sites where another system is the owner.
    #[serde(default)]
    pub sites: BTreeMap<String, String>,
}

/// `ownership.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// What happens on a conflict.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// By object type. Objects that are not listed may be changed by every system.
    #[serde(flatten)]
    pub objects: BTreeMap<String, Owner>,
}

/// The field groups and the verbs that speak of them.
const GROUPS: [(&str, &[&str]); 6] = [
    ("confirmations", &["confirmed"]),
    ("receipts", &["received"]),
    ("schedule", &["rescheduled", "held"]),
    ("execution", &["started", "completed"]),
    ("counts", &["counted", "adjusted"]),
    ("moves", &["moved"]),
];

impl Ownership {
    /// Every field group that can be given an owner.
    pub fn groups() -> impl Iterator<Item = &'static str> {
        GROUPS.iter().map(|(group, _)| *group)
    }

    /// The system that owns what this event changes, `None` when anyone may.
    #[must_use]
    pub fn owner_of<'a>(&'a self, event_type: &EventType<'_>, site: &str) -> Option<&'a str> {
        let rule = self.objects.get(event_type.object_type())?;
        let group = GROUPS.iter().find(|(_, verbs)| verbs.contains(&event_type.verb()));
        let by_group = group.and_then(|(group, _)| rule.fields.get(*group));
        let by_site = rule.sites.get(site);
        Some(by_group.or(by_site).unwrap_or(&rule.owner))
    }

    /// Decides whether the sender may change what its event changes.
    pub fn check(&self, envelope: &Envelope) -> Result<(), Reason> {
        let event_type = envelope.parsed_type()?;
        match self.owner_of(&event_type, &envelope.site) {
            Some(owner) if owner != envelope.system() => Err(Reason::new(
                "ownership-conflict",
                format!(
                    "{} is the system of record for this part of {}, not {}",
                    owner,
                    event_type.object_type(),
                    envelope.system()
                ),
            )
            .at("/source")
            .hint(match self.on_conflict {
                OnConflict::Case => "a person decides: it is kept in quarantine",
                OnConflict::Reject => "send the change to the system of record, or change ownership.yaml",
                OnConflict::Propose => "it is kept in quarantine as a proposal to the owner",
            })),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ownership() -> Ownership {
        let owner = |owner: &str, fields: &[(&str, &str)], sites: &[(&str, &str)]| {
            let map =
                |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
            Owner { owner: owner.into(), fields: map(fields), sites: map(sites) }
        };
        Ownership {
            on_conflict: OnConflict::Reject,
            objects: [
                ("purchase-order".into(), owner("erp", &[("confirmations", "procurement")], &[])),
                ("inventory-position".into(), owner("wms", &[], &[("P200", "erp")])),
            ]
            .into(),
        }
    }

    fn sent(event_type: &str, system: &str, site: &str) -> Result<(), String> {
        let envelope = Envelope {
            event_type: event_type.into(),
            source: format!("urn:lineshaft:main:{system}"),
            site: site.into(),
            ..Envelope::default()
        };
        ownership().check(&envelope).map_err(|reason| reason.code)
    }

    #[test]
    fn only_the_owner_changes_an_object() {
        assert_eq!(sent("lineshaft.purchase-order.released.v1", "erp", ""), Ok(()));
        assert_eq!(sent("lineshaft.purchase-order.released.v1", "wms", ""), Err("ownership-conflict".into()));
    }

    #[test]
    fn a_field_group_and_a_site_have_their_own_owner() {
        assert_eq!(sent("lineshaft.purchase-order.confirmed.v1", "procurement", ""), Ok(()));
        assert_eq!(
            sent("lineshaft.purchase-order.confirmed.v1", "erp", ""),
            Err("ownership-conflict".into())
        );
        assert_eq!(sent("lineshaft.inventory.counted.v1", "wms", "P100"), Ok(()));
        assert_eq!(sent("lineshaft.inventory.counted.v1", "wms", "P200"), Err("ownership-conflict".into()));
        assert_eq!(sent("lineshaft.inventory.counted.v1", "erp", "P200"), Ok(()));
    }

    #[test]
    fn what_is_not_listed_is_anyones() {
        assert_eq!(sent("lineshaft.item.changed.v1", "aps", ""), Ok(()));
    }
}
