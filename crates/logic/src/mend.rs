//! How a dead letter or a refused input is mended: where two documents differ, which of it a role may change, and what
//! today's mapping makes of the original bytes.

use bytes::Bytes;
use lineshaft_mapping::Input;
use lineshaft_model::event_type::TypePattern;
use lineshaft_model::json::{Limits, Value, push_token};
use lineshaft_model::record::FieldChange;
use lineshaft_model::{Envelope, Reason, Reasons};

use crate::plan::{Plan, SourcePlan};
use crate::prepare::{self, Around, Prepared, Whole};

/// The role that may change everything.
const ADMIN: &str = "admin";

/// Places of a difference that are kept; what differs in more is another document.
const MOST_CHANGES: usize = 500;

/// The longest text of a value kept with a difference; the whole content is kept beside it.
const LONGEST_VALUE: usize = 1024;

/// Who may change what, and how soon a dead letter should be seen to.
#[derive(Clone, Debug, Default)]
pub struct Mending {
    /// What each role may change; one that is not named may change nothing, `admin` everything.
    pub edits: Vec<EditRule>,
    /// Whether what one person changes only takes effect once another approves.
    pub second_person: bool,
    /// A dead letter that waits for longer is overdue.
    pub within_ms: Option<i64>,
}

/// What one role may change in events of some types.
#[derive(Clone, Debug)]
pub struct EditRule {
    /// The role.
    pub role: String,
    /// Of which events.
    pub of: EditOf,
    /// Where; a field stands for everything below it.
    pub fields: Vec<FieldPattern>,
}

/// What a rule is about.
#[derive(Clone, Debug)]
pub enum EditOf {
    /// Dead letters of these types of events.
    Types(TypePattern),
    /// Refused inputs of a source, `system/source`, or `events`.
    Intake(String),
}

impl EditOf {
    fn is_type(&self, event_type: &str) -> bool {
        matches!(self, Self::Types(types) if types.covers(event_type))
    }

    fn is_intake(&self, intake: &str) -> bool {
        matches!(self, Self::Intake(of) if of == intake)
    }
}

/// A JSON pointer whose parts may be `*`: `/lines/*/quantity`; `*` alone stands for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPattern {
    parts: Vec<String>,
}

impl std::str::FromStr for FieldPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self { parts: Vec::new() });
        }
        let pointer = lineshaft_model::json::Pointer::parse(text).filter(|p| !p.tokens().is_empty());
        let wrong = || format!("`{text}` is not a place: write a JSON pointer such as /lines/*/quantity");
        Ok(Self { parts: pointer.ok_or_else(wrong)?.tokens().to_vec() })
    }
}

impl FieldPattern {
    /// Whether it stands for this place, or one above it.
    fn covers(&self, pointer: &str) -> bool {
        if self.parts.is_empty() {
            return true;
        }
        let Some(pointer) = lineshaft_model::json::Pointer::parse(pointer) else { return false };
        let tokens = pointer.tokens();
        tokens.len() >= self.parts.len()
            && self.parts.iter().zip(tokens).all(|(part, token)| part == "*" || part == token)
    }
}

/// What an edit comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The content, compact.
    pub data: Bytes,
    /// Where it differs from what was there.
    pub changes: Vec<FieldChange>,
}

/// Checks other data for an event: well formed, changed at all, only where one of the roles may, and as the contract of the
/// event's type says.
pub fn edit(
    plan: &Plan,
    roles: &[&str],
    event_type: &str,
    before: &[u8],
    after: &[u8],
) -> Result<Edited, Reasons> {
    let limits = Limits { bytes: plan.document_bytes, ..Limits::DEFAULT };
    let old = Value::parse(before, &limits).map_err(|error| one(error.into()))?;
    let new = Value::parse(after, &limits).map_err(|error| one(error.into()))?;
    let changes = differences(&old, &new).map_err(one)?;
    if changes.is_empty() {
        let reason = Reason::new("edit-without-change", "nothing is changed")
            .hint("change what is wrong, or retry it as it is");
        return Err(one(reason));
    }
    plan.mending.allows(roles, event_type, &changes)?;
    let data = Bytes::from(new.to_vec());
    meets_contract(plan, event_type, &data)?;
    Ok(Edited { data, changes })
}

/// Whether data meets the contract of its type.
pub fn meets_contract(plan: &Plan, event_type: &str, data: &Bytes) -> Result<(), Reasons> {
    let limits = Limits { bytes: plan.document_bytes, ..Limits::DEFAULT };
    match plan.contracts.get(event_type) {
        Some(contract) => prepare::meets(contract, &Input::parse_within(data, &limits).map_err(one)?),
        None => Ok(()),
    }
}

impl Mending {
    /// Refuses every change that none of the roles may make, each with its place.
    fn allows(&self, roles: &[&str], event_type: &str, changes: &[FieldChange]) -> Result<(), Reasons> {
        self.allows_where(roles, changes, |of| of.is_type(event_type))
    }

    /// The same for a refused input.
    pub fn allows_input(&self, roles: &[&str], intake: &str, changes: &[FieldChange]) -> Result<(), Reasons> {
        self.allows_where(roles, changes, |of| of.is_intake(intake))
    }

    fn allows_where(
        &self,
        roles: &[&str],
        changes: &[FieldChange],
        is_about: impl Fn(&EditOf) -> bool,
    ) -> Result<(), Reasons> {
        if roles.contains(&ADMIN) {
            return Ok(());
        }
        let rules: Vec<&EditRule> = self
            .edits
            .iter()
            .filter(|rule| roles.contains(&rule.role.as_str()) && is_about(&rule.of))
            .collect();
        let may = |at: &str| rules.iter().any(|rule| rule.fields.iter().any(|field| field.covers(at)));
        let refused: Reasons = changes
            .iter()
            .filter(|change| !may(&change.at))
            .map(|change| {
                let message = format!("your role may not change `{}`", change.at);
                Reason::new("edit-not-allowed", message).at(&change.at).hint(
                    "leave it as it is, ask somebody with the scope admin, or allow the field under `mending.edit` in lineshaft.yaml",
                )
            })
            .collect();
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }

    /// Whether one of the roles may change a place in events of a type: which fields a form offers.
    #[must_use]
    pub fn fields(&self, roles: &[&str], event_type: &str) -> Option<Vec<String>> {
        if roles.contains(&ADMIN) {
            return None;
        }
        let rules = self
            .edits
            .iter()
            .filter(|rule| roles.contains(&rule.role.as_str()) && rule.of.is_type(event_type));
        let shown = |field: &FieldPattern| {
            if field.parts.is_empty() {
                return "*".to_owned();
            }
            let mut text = String::new();
            field.parts.iter().for_each(|part| push_token(&mut text, part));
            text
        };
        Some(rules.flat_map(|rule| rule.fields.iter().map(shown)).collect())
    }
}

/// Where two documents differ: the outermost places at which something was added, removed or replaced, in order. Numbers are
/// compared as they are written.
pub fn differences(before: &Value<'_>, after: &Value<'_>) -> Result<Vec<FieldChange>, Reason> {
    let mut changes = Vec::new();
    compare(&mut String::new(), Some(before), Some(after), &mut changes);
    if changes.len() > MOST_CHANGES {
        let message = format!("more than {MOST_CHANGES} places are changed");
        return Err(
            Reason::new("edit-too-large", message).hint("have the source send it again as it should be")
        );
    }
    Ok(changes)
}

fn compare(
    at: &mut String,
    before: Option<&Value<'_>>,
    after: Option<&Value<'_>>,
    changes: &mut Vec<FieldChange>,
) {
    if before == after || changes.len() > MOST_CHANGES {
        return;
    }
    let length = at.len();
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let removed = old.iter().filter(|(key, _)| !new.iter().any(|(other, _)| other == key));
            for (key, value) in removed {
                push_token(at, key);
                compare(at, Some(value), None, changes);
                at.truncate(length);
            }
            for (key, value) in new {
                push_token(at, key);
                let was = old.iter().find(|(other, _)| other == key).map(|(_, value)| value);
                compare(at, was, Some(value), changes);
                at.truncate(length);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for n in 0..old.len().max(new.len()) {
                push_token(at, &n.to_string());
                compare(at, old.get(n), new.get(n), changes);
                at.truncate(length);
            }
        }
        _ => {
            let text = |value: &Value<'_>| clipped(&value.to_string());
            changes.push(FieldChange { at: at.clone(), before: before.map(text), after: after.map(text) });
        }
    }
}

/// Where two inputs differ: as documents when both are JSON, otherwise line by line.
#[must_use]
pub fn differences_of_bytes(before: &[u8], after: &[u8]) -> Vec<FieldChange> {
    let (old, new) = (Value::parse(before, &Limits::DEFAULT), Value::parse(after, &Limits::DEFAULT));
    if let (Ok(old), Ok(new)) = (old, new)
        && let Ok(changes) = differences(&old, &new)
    {
        return changes;
    }
    let (old, new) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let same_end = old[same_start..].iter().rev().zip(new[same_start..].iter().rev());
    let same_end = same_end.take_while(|(a, b)| a == b).count();
    let part = |lines: &[&str]| {
        let changed = &lines[same_start..lines.len() - same_end];
        (!changed.is_empty()).then(|| clipped(&changed.join("\n")))
    };
    let (before, after) = (part(&old), part(&new));
    if before.is_none() && after.is_none() {
        return Vec::new();
    }
    vec![FieldChange { at: format!("line {}", same_start + 1), before, after }]
}

fn clipped(text: &str) -> String {
    if text.len() <= LONGEST_VALUE {
        return text.to_owned();
    }
    let end = (0..=LONGEST_VALUE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// What today's format, contract and mapping of its source make of the bytes an event came in: the event's data, when they
/// still come to the event it was.
pub fn remap(
    around: &Around<'_>,
    source: &SourcePlan,
    event: &Envelope,
    raw: &Bytes,
) -> Result<Bytes, Reasons> {
    let whole = Whole { bytes: raw, identity: "", origin: "" };
    let mut refusals = Reasons::new();
    let mut same: Vec<lineshaft_model::Event> = Vec::new();
    for prepared in prepare::whole(around, source, whole) {
        match prepared {
            Prepared::Event { event: made, .. } => {
                let of = &made.envelope;
                if of.event_type == event.event_type && of.subject == event.subject {
                    same.push(*made);
                }
            }
            Prepared::Quarantine(refused) => refusals.extend(refused.head.reasons),
        }
    }
    // Several of one kind about one thing are told apart by their ids alone.
    if same.len() > 1 {
        same.retain(|made| made.envelope.id == event.id);
    }
    match (same.pop(), refusals) {
        (Some(made), _) if same.is_empty() => Ok(made.data),
        (_, refusals) if !refusals.is_empty() => Err(refusals),
        _ => {
            let message = format!(
                "today's mapping of {} makes no `{}` about `{}` of what was sent",
                around.intake, event.event_type, event.subject
            );
            let hint = "what was delivered before may be about another thing now: have the source send it again, then discard this one";
            Err(one(Reason::new("restart-other-event", message).hint(hint)))
        }
    }
}

fn one(reason: Reason) -> Reasons {
    vec![reason]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changes(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let parse = |text: &'static str| Value::parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        let (before, after) = (String::leak(before.into()), String::leak(after.into()));
        let found = differences(&parse(before), &parse(after)).unwrap();
        found.into_iter().map(|change| (change.at, change.before, change.after)).collect()
    }

    fn plan(second_person: bool) -> Plan {
        let rule = EditRule {
            role: "operate".into(),
            of: EditOf::Types("lineshaft.inventory.*.*".parse().unwrap()),
            fields: vec!["/delta/value".parse().unwrap(), "/lines/*/quantity".parse().unwrap()],
        };
        let mending = Mending { edits: vec![rule], second_person, within_ms: None };
        Plan { mending, document_bytes: 1 << 20, ..Plan::default() }
    }

    #[test]
    fn a_difference_names_the_outermost_place() {
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(
            changes(r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1,2],"a":1}"#),
            [],
            "the order of members is no change"
        );
        assert_eq!(
            changes(r#"{"a":1.0,"gone":{"x":1},"l":[1,2]}"#, r#"{"a":1.00,"l":[1],"n/w":true}"#),
            [
                ("/gone".into(), text(r#"{"x":1}"#), None),
                ("/a".into(), text("1.0"), text("1.00")),
                ("/l/1".into(), text("2"), None),
                ("/n~1w".into(), None, text("true")),
            ]
        );
        assert_eq!(changes("[1]", "{}"), [(String::new(), text("[1]"), text("{}"))]);
    }

    #[test]
    fn a_role_changes_only_what_it_may() {
        let plan = plan(false);
        let before = br#"{"delta":{"value":"1"},"item":"BOLT","lines":[{"quantity":{"value":"1"}}]}"#;
        let counted = "lineshaft.inventory.counted.v1";
        let good = br#"{"delta":{"value":"2"},"item":"BOLT","lines":[{"quantity":{"value":"3"}}]}"#;
        let edited = edit(&plan, &["operate"], counted, before, good).unwrap();
        assert_eq!(edited.changes.len(), 2);
        let bad = br#"{"delta":{"value":"2"},"item":"NUT","lines":[{"quantity":{"value":"3"},"x":1}]}"#;
        let refused = edit(&plan, &["operate"], counted, before, bad).unwrap_err();
        let at: Vec<&str> = refused.iter().map(|reason| reason.at.as_str()).collect();
        assert_eq!(at, ["/item", "/lines/0/x"]);
        assert!(edit(&plan, &["operate", "admin"], counted, before, bad).is_ok());
        assert!(edit(&plan, &["read"], counted, before, good).is_err());
        assert!(edit(&plan, &["operate"], "lineshaft.item.changed.v1", before, good).is_err());
        assert_eq!(
            edit(&plan, &["admin"], counted, before, before).unwrap_err()[0].code,
            "edit-without-change"
        );
        assert_eq!(edit(&plan, &["admin"], counted, before, b"{").unwrap_err().len(), 1);
    }

    #[test]
    fn lines_are_compared_where_there_is_no_json() {
        let found = differences_of_bytes(b"a;b\n1;x\n2;y\n", b"a;b\n1;z\n2;y\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].at.as_str(), found[0].after.as_deref()), ("line 2", Some("1;z")));
        assert_eq!(differences_of_bytes(b"x\n", b"x\n"), []);
    }

    fn value() -> impl Strategy<Value = Value<'static>> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            "[a-c]{0,2}".prop_map(Value::from),
            (0u64..4).prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map("[a-d/~]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.into(), v)).collect())),
            ]
        })
    }

    proptest! {
        /// Nothing that differs is missed, and every place that is named leads to what is said to stand there.
        #[test]
        fn a_difference_is_whole_and_true(before in value(), after in value()) {
            let changes = differences(&before, &after).unwrap();
            prop_assert_eq!(changes.is_empty(), before == after);
            for change in &changes {
                let text = |of: &Value<'_>| of.pointer(&change.at).map(|value| clipped(&value.to_string()));
                prop_assert_eq!(&text(&before), &change.before);
                prop_assert_eq!(&text(&after), &change.after);
                prop_assert_ne!(&change.before, &change.after);
            }
        }
    }
}
