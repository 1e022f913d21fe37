//! One decision by Cedar, and which policies made it.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request,
    RestrictedExpression,
};
use lineshaft_model::Reason;
use lineshaft_model::sight::{About, Act, MANY_PARTNERS};
use serde::Serialize;

use crate::policies::Policies;
use crate::principal::Principal;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// By whom.
    pub principal: &'a Principal,
    /// What it would do.
    pub act: Act,
    /// With what.
    pub about: About<'a>,
    /// The group of fields, for [`Act::SeeFields`].
    pub group: &'a str,
}

/// What an act is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A record.
    Record,
    /// A system.
    System,
    /// The hub.
    Hub,
    /// The plan of a site.
    Plan,
}

impl Subject {
    /// What this act is done to.
    #[must_use]
    pub const fn of(act: Act) -> Self {
        match act {
            Act::Send | Act::Operate => Self::System,
            Act::SeeHub | Act::Configure | Act::SeeAudit | Act::ManageAccess => Self::Hub,
            Act::SeePlan => Self::Plan,
            _ => Self::Record,
        }
    }
}

/// What was decided, and by which policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// `file#id` of the policies that decided: those that permit, or those that forbid; none when nothing permits.
    pub policies: Vec<String>,
    /// Policies that could not be evaluated. One is enough to refuse.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl Policies {
    /// Decides. What cannot be asked is refused.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let (request, entities) = match asked(question) {
            Ok(asked) => asked,
            Err(reason) => {
                return Decision { allowed: false, policies: Vec::new(), errors: vec![reason.message] };
            }
        };
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        let mut policies: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        policies.sort();
        let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        // A prohibition that cannot be evaluated must not turn into a permission.
        let allowed = response.decision() == Verdict::Allow && errors.is_empty();
        Decision { allowed, policies, errors }
    }
}

fn asked(question: &Question<'_>) -> Result<(Request, Entities), Reason> {
    let fault = |error: &dyn std::fmt::Display| Reason::new("internal-fault", error.to_string());
    let Question { principal, about, .. } = question;
    // It stands for partners that are not told apart: nobody is it.
    if principal.partner == MANY_PARTNERS {
        return Err(Reason::new("partner-malformed", "no partner is called so"));
    }
    let who = principal_entity(principal)?;
    let what = subject_entity(Subject::of(question.act), about)?;
    let mut context = Vec::new();
    if question.act == Act::SeeFields {
        context.push(("group".to_owned(), reference("FieldGroup", question.group)?));
    }
    let context = Context::from_pairs(context).map_err(|error| fault(&error))?;
    let action = uid("Action", question.act.as_str())?;
    let request =
        Request::new(who.uid(), action, what.uid(), context, None).map_err(|error| fault(&error))?;
    let mut entities = vec![who];
    if entities.iter().all(|entity| entity.uid() != what.uid()) {
        entities.push(what);
    }
    let entities = Entities::from_entities(entities, None).map_err(|error| fault(&error))?;
    Ok((request, entities))
}

fn principal_entity(principal: &Principal) -> Result<Entity, Reason> {
    let mut attributes = HashMap::from([
        ("tenant".to_owned(), reference("Tenant", &principal.tenant)?),
        ("sites".to_owned(), references("Site", principal.sites.iter().map(String::as_str))?),
        ("types".to_owned(), references("ObjectType", principal.types.iter().map(String::as_str))?),
    ]);
    if !principal.partner.is_empty() {
        attributes.insert("partner".to_owned(), reference("Partner", &principal.partner)?);
    }
    if !principal.system.is_empty() {
        attributes.insert("system".to_owned(), reference("System", &principal.system)?);
    }
    let roles: Result<HashSet<EntityUid>, Reason> =
        principal.roles.iter().map(|role| uid("Role", role)).collect();
    entity(uid(principal.kind.entity(), &principal.name)?, attributes, roles?)
}

fn subject_entity(subject: Subject, about: &About<'_>) -> Result<Entity, Reason> {
    let mut attributes = HashMap::from([("tenant".to_owned(), reference("Tenant", about.tenant)?)]);
    let named = match subject {
        Subject::Hub => uid("Hub", "hub")?,
        Subject::System => uid("System", about.system)?,
        Subject::Plan => {
            if !about.site.is_empty() {
                attributes.insert("site".to_owned(), reference("Site", about.site)?);
            }
            uid("Plan", "plan")?
        }
        Subject::Record => {
            attributes.insert("type".to_owned(), reference("ObjectType", about.object_type)?);
            attributes.insert("partners".to_owned(), references("Partner", about.partners.iter().copied())?);
            if !about.site.is_empty() {
                attributes.insert("site".to_owned(), reference("Site", about.site)?);
            }
            if !about.system.is_empty() {
                attributes.insert("sender".to_owned(), reference("System", about.system)?);
            }
            uid("Record", "record")?
        }
    };
    entity(named, attributes, HashSet::new())
}

fn entity(
    uid: EntityUid,
    attributes: HashMap<String, RestrictedExpression>,
    parents: HashSet<EntityUid>,
) -> Result<Entity, Reason> {
    Entity::new(uid, attributes, parents).map_err(|error| Reason::new("internal-fault", error.to_string()))
}

fn uid(entity_type: &str, id: &str) -> Result<EntityUid, Reason> {
    let name: EntityTypeName =
        entity_type.parse().map_err(|_| Reason::new("internal-fault", "no such type of entities"))?;
    Ok(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
}

fn reference(entity_type: &str, id: &str) -> Result<RestrictedExpression, Reason> {
    Ok(RestrictedExpression::new_entity_uid(uid(entity_type, id)?))
}

fn references<'a>(
    entity_type: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<RestrictedExpression, Reason> {
    let all: Result<Vec<RestrictedExpression>, Reason> = ids.map(|id| reference(entity_type, id)).collect();
    Ok(RestrictedExpression::new_set(all?))
}
