//! Who looks: what a reader may see and do, as the rooms that keep the records ask it.
//!
//! The rooms do not know policies. They say what a record is about, and somebody who knows the reader answers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Reason;
use crate::json::{Limits, Value};

/// The object type whose keys name partners.
pub const PARTNER_TYPE: &str = "supplier";

/// Stands for more partners than are told apart. No reader is this partner.
pub const MANY_PARTNERS: &str = "*";

/// What a masked value is replaced by.
pub const MASKED: &str = "***";

/// What may be allowed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Find and list a record: its type, key, status and times.
    See,
    /// Its canonical data.
    SeeData,
    /// A group of fields of its data.
    SeeFields,
    /// The bytes as they came in.
    SeeRaw,
    /// Where it went: deliveries, attempts, dead letters, refusals, each system's own key.
    SeeDeliveries,
    /// Retry, discard or confirm what failed.
    Mend,
    /// Send events and inputs.
    Send,
    /// The hub itself: rates, systems, lanes, books, metrics.
    SeeHub,
    /// Availability, shortages and what events do to orders.
    SeePlan,
    /// Pause a system, set its breaker.
    Operate,
    /// Take a new configuration.
    Configure,
    /// The audit trail.
    SeeAudit,
    /// Tokens and users.
    ManageAccess,
}

impl Act {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::See,
        Self::SeeData,
        Self::SeeFields,
        Self::SeeRaw,
        Self::SeeDeliveries,
        Self::Mend,
        Self::Send,
        Self::SeeHub,
        Self::SeePlan,
        Self::Operate,
        Self::Configure,
        Self::SeeAudit,
        Self::ManageAccess,
    ];

    /// The word that policies use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::SeeData => "see-data",
            Self::SeeFields => "see-fields",
            Self::SeeRaw => "see-raw",
            Self::SeeDeliveries => "see-deliveries",
            Self::Mend => "mend",
            Self::Send => "send",
            Self::SeeHub => "see-hub",
            Self::SeePlan => "see-plan",
            Self::Operate => "operate",
            Self::Configure => "configure",
            Self::SeeAudit => "see-audit",
            Self::ManageAccess => "manage-access",
        }
    }

    /// Whether it is asked of single records.
    #[must_use]
    pub const fn is_of_records(self) -> bool {
        matches!(
            self,
            Self::See | Self::SeeData | Self::SeeFields | Self::SeeRaw | Self::SeeDeliveries | Self::Mend
        )
    }
}

impl std::str::FromStr for Act {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|act| act.as_str() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            Reason::new("act-unknown", format!("`{text}` is nothing that can be allowed"))
                .hint(format!("use one of {}", words.join(", ")))
        })
    }
}

/// What something is about, as far as it decides who may see it. Empty texts are unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About<'a> {
    /// Whose it is.
    pub tenant: &'a str,
    /// The type of its object, such as `purchase-order`.
    pub object_type: &'a str,
    /// The site it concerns.
    pub site: &'a str,
    /// Every partner it names, sorted.
    pub partners: &'a [&'a str],
    /// The system that sent it, or that is asked about.
    pub system: &'a str,
}

/// Answers for one reader. Asked for every row: it must be quick, and must not block.
pub trait Sight: Send + Sync + fmt::Debug {
    /// Whether the reader may do this with what is about this.
    fn may(&self, act: Act, about: &About<'_>) -> bool;

    /// Whether the reader may do this with anything of this type; of any type when it is empty.
    fn may_some(&self, act: Act, tenant: &str, object_type: &str) -> bool;

    /// The fields of such data that are not for the reader; `None` when all are.
    fn mask(&self, about: &About<'_>) -> Option<Arc<Mask>>;

    /// Whether sites and partners make no difference to the reader, so that nobody needs to look them up.
    fn is_unbound(&self) -> bool;

    /// The only partner whose records of this type the reader may see, when there is one: a listing looks for those alone.
    fn only_partner(&self, tenant: &str, object_type: &str) -> Option<String>;
}

/// Fields that are not shown, by their names at any depth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// The names of the fields.
    pub fields: BTreeSet<String>,
    /// The groups they belong to, for people.
    pub groups: Vec<String>,
}

impl Mask {
    /// The same JSON with each masked value replaced; `null` when it is no JSON. Says whether anything was replaced.
    #[must_use]
    pub fn apply(&self, json: &[u8]) -> (Vec<u8>, bool) {
        let Ok(mut value) = Value::parse(json, &Limits::DEFAULT) else { return (b"null".to_vec(), true) };
        let mut masked = false;
        self.cover(&mut value, &mut masked);
        (value.to_vec(), masked)
    }

    fn cover(&self, value: &mut Value<'_>, masked: &mut bool) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if self.fields.contains(name.as_ref()) && !member.is_null() {
                        *member = Value::String(MASKED.into());
                        *masked = true;
                    } else {
                        self.cover(member, masked);
                    }
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    self.cover(element, masked);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_fields_are_covered_at_any_depth_and_the_rest_is_left_alone() {
        let mask = Mask { fields: ["price".to_owned()].into(), groups: vec![] };
        let json =
            br#"{"item":"BOLT","lines":[{"price":{"amount":"1.50"},"quantity":"0.10"},{"price":null}]}"#;
        let (covered, masked) = mask.apply(json);
        let told = String::from_utf8(covered).unwrap();
        assert_eq!(told, r#"{"item":"BOLT","lines":[{"price":"***","quantity":"0.10"},{"price":null}]}"#);
        assert!(masked);
        assert_eq!(mask.apply(b"{\"a\":1}"), (b"{\"a\":1}".to_vec(), false));
        assert_eq!(mask.apply(b"price"), (b"null".to_vec(), true));
    }

    #[test]
    fn every_act_has_its_word() {
        for act in Act::ALL {
            assert_eq!(act.as_str().parse::<Act>().unwrap(), act);
            assert_eq!(serde_json::to_string(&act).unwrap(), format!("\"{}\"", act.as_str()));
        }
        assert_eq!("look".parse::<Act>().unwrap_err().code, "act-unknown");
    }
}
