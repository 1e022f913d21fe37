//! The policies: those that are shipped, those of a workspace, and what is wrong with them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use lineshaft_model::Reason;
use miette::Diagnostic;

use crate::fields::FieldGroups;

/// What policies may speak of.
pub const SCHEMA: &str = include_str!("../schema.cedarschema");

/// The policies that are shipped: file name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("everyone.cedar", include_str!("../policies/everyone.cedar")),
    ("integration-engineer.cedar", include_str!("../policies/integration-engineer.cedar")),
    ("operator.cedar", include_str!("../policies/operator.cedar")),
    ("buyer.cedar", include_str!("../policies/buyer.cedar")),
    ("planner.cedar", include_str!("../policies/planner.cedar")),
    ("warehouse-lead.cedar", include_str!("../policies/warehouse-lead.cedar")),
    ("object-owner.cedar", include_str!("../policies/object-owner.cedar")),
    ("auditor.cedar", include_str!("../policies/auditor.cedar")),
    ("supplier.cedar", include_str!("../policies/supplier.cedar")),
    ("application.cedar", include_str!("../policies/application.cedar")),
    ("agent.cedar", include_str!("../policies/agent.cedar")),
];

/// The most policies that are taken: each is looked at for every class of records.
const MOST_POLICIES: usize = 1_000;

/// A file of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyText<'a> {
    /// Its name, with its extension.
    pub file: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// What is wrong with a file of policies, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The bytes that are meant; the start when nothing closer is known.
    pub span: Range<usize>,
    /// Code, message and hint.
    pub reason: Reason,
    /// Whether policies with this fault decide nevertheless.
    pub is_warning: bool,
}

/// Checked policies that decide.
#[derive(Debug)]
pub struct Policies {
    pub(crate) set: PolicySet,
    pub(crate) fields: FieldGroups,
    /// Every entity that some policy names, by type and id.
    pub(crate) named: BTreeSet<(String, String)>,
}

impl Policies {
    /// The policies that are shipped, alone.
    pub fn shipped() -> Result<Self, Vec<Fault>> {
        let (policies, faults) = Self::with(&[], FieldGroups::default());
        policies.ok_or(faults)
    }

    /// The policies that are shipped and those of a workspace; a file of the workspace stands in for a shipped one of its name.
    /// Gives every fault and warning; with a fault there are no policies.
    #[must_use]
    pub fn with(texts: &[PolicyText<'_>], fields: FieldGroups) -> (Option<Self>, Vec<Fault>) {
        let mut faults = Vec::new();
        let replaced = |name: &str| texts.iter().any(|text| text.file == name);
        let shipped = SHIPPED.iter().filter(|(name, _)| !replaced(name));
        let shipped = shipped.map(|(file, text)| PolicyText { file, text });
        let schema = match Schema::from_cedarschema_str(SCHEMA) {
            Ok((schema, _)) => schema,
            Err(error) => {
                faults.push(whole("schema.cedarschema", "internal-fault", &error.to_string()));
                return (None, faults);
            }
        };
        let validator = Validator::new(schema);
        let mut set = PolicySet::new();
        for text in shipped.chain(texts.iter().copied()) {
            read(text, &validator, &mut set, &mut faults);
        }
        if set.num_of_policies() > MOST_POLICIES {
            let message = format!("there are more than {MOST_POLICIES} policies");
            faults.push(whole("policies", "policies-too-many", &message));
        }
        if faults.iter().any(|fault| !fault.is_warning) {
            return (None, faults);
        }
        let literals = set.policies().flat_map(Policy::entity_literals);
        let named =
            literals.map(|uid| (uid.type_name().to_string(), uid.id().unescaped().to_owned())).collect();
        (Some(Self { set, fields, named }), faults)
    }

    /// How many policies there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.set.num_of_policies()
    }

    /// The groups of fields.
    #[must_use]
    pub const fn fields(&self) -> &FieldGroups {
        &self.fields
    }

    /// What policies call an entity of this type, such as every role.
    pub fn named(&self, entity_type: &str) -> impl Iterator<Item = &str> {
        self.named.iter().filter(move |(of_type, _)| of_type == entity_type).map(|(_, id)| id.as_str())
    }
}

/// Reads one file into the set.
fn read(text: PolicyText<'_>, validator: &Validator, set: &mut PolicySet, faults: &mut Vec<Fault>) {
    let parsed = match PolicySet::from_str(text.text) {
        Ok(parsed) => parsed,
        Err(errors) => {
            for error in errors.iter() {
                let hint = help(
                    error,
                    "the syntax is that of https://docs.cedarpolicy.com/policies/syntax-policy.html",
                );
                let reason = Reason::new("policy-malformed", error.to_string()).hint(hint);
                faults.push(fault(text, error, reason, false));
            }
            return;
        }
    };
    if parsed.num_of_templates() > 0 {
        let reason = Reason::new("policy-template", "a template with a slot decides nothing")
            .hint("write a policy for a role instead of `?principal` or `?resource`");
        faults.push(Fault { file: text.file.to_owned(), span: 0..0, reason, is_warning: false });
        return;
    }
    let result = validator.validate(&parsed, ValidationMode::Strict);
    for error in result.validation_errors() {
        let hint = help(error, "`lineshaft access schema` prints what policies may speak of");
        let reason = Reason::new("policy-invalid", error.to_string()).hint(hint);
        faults.push(fault(text, error, reason, false));
    }
    for warning in result.validation_warnings() {
        let hint = help(warning, "a policy that can never apply is probably not what was meant");
        let reason = Reason::new("policy-doubtful", warning.to_string()).hint(hint);
        faults.push(fault(text, warning, reason, true));
    }
    for policy in in_order(&parsed) {
        let name = policy.annotation("id").map_or_else(|| policy.id().to_string(), str::to_owned);
        let id = format!("{}#{name}", text.file.trim_end_matches(".cedar"));
        if set.add(policy.new_id(PolicyId::new(&id))).is_err() {
            let message = format!("there are two policies `{id}`");
            let reason = Reason::new("policy-twice", message).hint("give each its own `@id(\"...\")`");
            faults.push(Fault { file: text.file.to_owned(), span: 0..0, reason, is_warning: false });
        }
    }
}

/// The policies of a set as they stand in the file: the parser numbers them.
fn in_order(parsed: &PolicySet) -> Vec<&Policy> {
    let mut policies: Vec<&Policy> = parsed.policies().collect();
    let number = |policy: &&Policy| {
        policy.id().to_string().trim_start_matches("policy").parse::<u32>().unwrap_or(u32::MAX)
    };
    policies.sort_by_key(number);
    policies
}

fn help(diagnostic: &dyn Diagnostic, usual: &str) -> String {
    diagnostic.help().map_or_else(|| usual.to_owned(), |help| help.to_string())
}

fn fault(text: PolicyText<'_>, diagnostic: &dyn Diagnostic, reason: Reason, is_warning: bool) -> Fault {
    let label = diagnostic.labels().and_then(|mut labels| labels.next());
    let span = label.map_or(0..0, |label| label.offset()..label.offset().saturating_add(label.len()));
    let end = span.end.min(text.text.len());
    let span = span.start.min(end)..end;
    Fault { file: text.file.to_owned(), span, reason, is_warning }
}

fn whole(file: &str, code: &str, message: &str) -> Fault {
    Fault { file: file.to_owned(), span: 0..0, reason: Reason::new(code, message), is_warning: false }
}

#[cfg(test)]
mod tests;
