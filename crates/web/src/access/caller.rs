//! Who calls, and what the policies let them do.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use lineshaft_access::{Principal, Subject};
use lineshaft_engine::conductor::ProcessDetail;
use lineshaft_model::sight::{About, Act, Sight};
use lineshaft_model::{DeliveryId, Position, Reason};
use serde_json::value::RawValue;

use super::Scope;
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name of the token or login.
    pub name: String,
    /// What it may be used for at all.
    pub scopes: Vec<Scope>,
    /// The system it speaks for; empty for any.
    pub system: String,
    /// Who it is to the policies.
    pub principal: Principal,
    /// What the policies let it see.
    pub sight: Arc<dyn Sight>,
}

/// The scope that an act needs.
const fn scope_of(act: Act) -> Scope {
    match act {
        Act::Mend | Act::Operate => Scope::Operate,
        Act::Send => Scope::Send,
        Act::Configure | Act::ManageAccess => Scope::Admin,
        _ => Scope::Read,
    }
}

impl Caller {
    /// Whether the caller has a scope; `admin` has all.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// The names of its scopes and of its roles, by which it is said who may change what.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let scopes = self.scopes.iter().map(|scope| scope.as_str().to_owned());
        scopes.chain(self.principal.roles.iter().cloned()).collect()
    }

    /// Refuses a caller without the scope.
    pub fn need(&self, scope: Scope) -> Result<(), Problem> {
        if self.has(scope) {
            return Ok(());
        }
        let message = format!("the token `{}` may not {}", self.name, scope.as_str());
        let hint = format!("create one with `lineshaft token create NAME --scope {}`", scope.as_str());
        Err(forbidden(message, hint))
    }

    /// Whether the caller may do this: with the hub, or with some record, system or site.
    #[must_use]
    pub fn may(&self, act: Act) -> bool {
        self.has(scope_of(act)) && self.sight.may_some(act, &self.principal.tenant, "")
    }

    /// Refuses a caller who may not do this with anything.
    pub fn allow(&self, act: Act) -> Result<(), Problem> {
        self.need(scope_of(act))?;
        if self.may(act) { Ok(()) } else { Err(self.refused(act)) }
    }

    /// Whether the caller may do this with a system.
    #[must_use]
    pub fn may_with(&self, act: Act, system: &str) -> bool {
        self.has(scope_of(act)) && self.sight.may(act, &About { system, ..self.about() })
    }

    /// Refuses a caller who may not do this with a system.
    pub fn allow_with(&self, act: Act, system: &str) -> Result<(), Problem> {
        self.need(scope_of(act))?;
        if self.may_with(act, system) { Ok(()) } else { Err(self.refused(act)) }
    }

    /// Whether the caller may see the plan of a site; of all sites at once when none is named.
    #[must_use]
    pub fn sees_plan(&self, site: &str) -> bool {
        self.has(Scope::Read) && self.sight.may(Act::SeePlan, &About { site, ..self.about() })
    }

    /// Refuses a caller who may not see the plan of all sites.
    pub fn allow_whole_plan(&self) -> Result<(), Problem> {
        self.need(Scope::Read)?;
        if self.sees_plan("") { Ok(()) } else { Err(self.refused(Act::SeePlan)) }
    }

    /// Refuses a caller who is bound to a part of the records, with what is about all of them.
    pub fn allow_unbound(&self, act: Act) -> Result<(), Problem> {
        self.allow(act)?;
        let who = &self.principal;
        let is_bound = !(who.sites.is_empty() && who.types.is_empty() && who.partner.is_empty());
        if is_bound { Err(self.refused(act)) } else { Ok(()) }
    }

    /// Refuses a caller who may not do work on many records at once: whoever mends and sees the whole hub.
    pub fn allow_bulk(&self) -> Result<(), Problem> {
        self.allow(Act::Mend)?;
        self.allow_unbound(Act::SeeHub)
    }

    /// Refuses a caller who does not see all data: what is computed from it could tell what is masked.
    pub fn allow_all_data(&self) -> Result<(), Problem> {
        let about = self.about();
        if !self.sight.may(Act::SeeData, &about) || self.sight.mask(&about).is_some() {
            return Err(self.refused(Act::SeeFields));
        }
        Ok(())
    }

    /// Data that belongs to no single record, as far as the caller may see it.
    #[must_use]
    pub fn shown(&self, data: &RawValue) -> Box<RawValue> {
        let about = self.about();
        if !self.sight.may(Act::SeeData, &about) {
            return RawValue::NULL.to_owned();
        }
        let covered = self.sight.mask(&about).map(|mask| mask.apply(data.get().as_bytes()).0);
        let covered = covered.and_then(|json| String::from_utf8(json).ok());
        let text = covered.unwrap_or_else(|| data.get().to_owned());
        RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    /// An instance of a process, as far as the caller may see its data.
    #[must_use]
    pub fn shown_process(&self, mut detail: ProcessDetail) -> ProcessDetail {
        for data in [&mut detail.input, &mut detail.context, &mut detail.output] {
            *data = self.shown(data);
        }
        for question in &mut detail.questions {
            question.about = self.shown(&question.about);
        }
        detail
    }

    /// Refuses a caller for whom this delivery is not there, or who may not do this with it.
    pub async fn allow_delivery(&self, state: &State, act: Act, id: DeliveryId) -> Result<(), Problem> {
        self.need(scope_of(act))?;
        let allowed = read(state, self, move |reading| reading.allows_delivery(act, id)).await?;
        match allowed {
            Some(true) => Ok(()),
            Some(false) => Err(self.refused(act)),
            None => Err(Problem::not_found(format!("there is no delivery {id}"))),
        }
    }

    /// Refuses a caller who may not change this dead letter: who does not see all of its data would write over what is masked,
    /// and the difference would tell it.
    pub async fn allow_edit(&self, state: &State, id: DeliveryId) -> Result<(), Problem> {
        self.allow_delivery(state, Act::Mend, id).await?;
        let letter = read(state, self, move |reading| reading.dead_letter(id)).await?;
        if letter.is_some_and(|letter| !letter.withheld.is_empty()) {
            Err(self.refused(Act::SeeData))
        } else {
            Ok(())
        }
    }

    /// The same for a refused input, whose bytes have to be seen.
    pub async fn allow_edit_of_input(&self, state: &State, at: Position) -> Result<(), Problem> {
        self.allow_quarantined(state, Act::Mend, at).await?;
        let row = read(state, self, move |reading| reading.quarantined(at)).await?;
        if row.is_some_and(|row| row.raw.is_none()) { Err(self.refused(Act::SeeRaw)) } else { Ok(()) }
    }

    /// Refuses a caller for whom this refused input is not there, or who may not do this with it.
    pub async fn allow_quarantined(&self, state: &State, act: Act, at: Position) -> Result<(), Problem> {
        self.need(scope_of(act))?;
        let allowed = read(state, self, move |reading| reading.allows_quarantined(act, at)).await?;
        match allowed {
            Some(true) => Ok(()),
            Some(false) => Err(self.refused(act)),
            None => Err(Problem::not_found(format!("there is no quarantined input at {at}"))),
        }
    }

    fn about(&self) -> About<'_> {
        About { tenant: &self.principal.tenant, ..About::default() }
    }

    fn refused(&self, act: Act) -> Problem {
        let roles = match self.principal.roles.as_slice() {
            [] => "without a role".to_owned(),
            roles => format!("as {}", roles.join(", ")),
        };
        let what = match Subject::of(act) {
            Subject::Record => "such records",
            Subject::System => "this system",
            Subject::Hub => "this hub",
            Subject::Plan => "this plan",
        };
        let message = format!("`{}` {roles} may not `{}` with {what}", self.name, act.as_str());
        let hint =
            format!("`lineshaft access explain {} {}` tells which policy decides", self.name, act.as_str());
        forbidden(message, hint)
    }
}

fn forbidden(message: String, hint: String) -> Problem {
    Problem::with_status(StatusCode::FORBIDDEN, Reason::new("forbidden", message).hint(hint))
}

impl FromRequestParts<State> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        state.access.of_request(parts, state.hub.now()).await
    }
}
