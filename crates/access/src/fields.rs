//! Groups of fields that are shown or masked together.

use std::collections::{BTreeMap, BTreeSet};

/// The groups that are shipped, by the names of the canonical fields.
const SHIPPED: &[(&str, &[&str])] = &[
    (
        "prices",
        &[
            "price",
            "prices",
            "unit_price",
            "net_price",
            "gross_price",
            "amount",
            "net_amount",
            "tax_amount",
            "total",
            "total_amount",
            "discount",
            "discounts",
            "cost",
            "unit_cost",
            "standard_price",
        ],
    ),
    (
        "bank",
        &[
            "iban",
            "bic",
            "swift",
            "bank",
            "bank_account",
            "account_number",
            "routing_number",
            "tax_id",
            "vat_id",
        ],
    ),
    ("people", &["email", "phone", "mobile", "fax", "contact", "contacts", "contact_name", "birth_date"]),
];

/// Groups of fields by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldGroups {
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl Default for FieldGroups {
    fn default() -> Self {
        let group = |(name, fields): &(&str, &[&str])| {
            ((*name).to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
        };
        Self { groups: SHIPPED.iter().map(group).collect() }
    }
}

impl FieldGroups {
    /// Adds fields to a group, or a group.
    pub fn extend(&mut self, group: &str, fields: impl IntoIterator<Item = String>) {
        self.groups.entry(group.to_owned()).or_default().extend(fields);
    }

    /// The groups with their fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.groups.iter().map(|(name, fields)| (name.as_str(), fields))
    }
}
