//! Which events of the past a replay takes, and how each is owed to its destination.

use lineshaft_mapping::{Budget, Condition, References, Vars};
use lineshaft_model::event_type::TypePattern;
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::record::ReplayOrder;
use lineshaft_model::{Destination, Envelope, Priority, Reason};

use crate::plan::Plan;
use crate::route::cloud_event;

/// Events a second when nobody says.
pub const USUAL_PER_SECOND: u32 = 50;

/// The most events a second that can be asked for.
pub const MOST_PER_SECOND: u32 = 5_000;

/// What a replay asks for, compiled.
#[derive(Debug)]
pub struct Replay {
    /// Where to.
    pub to: Destination,
    route: Option<String>,
    types: Option<TypePattern>,
    key: Option<String>,
    system: Option<String>,
    condition: Option<Condition>,
    /// What the routes to the destination take today.
    routed: Vec<TypePattern>,
}

/// How an event is owed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedAgain {
    /// The route by which the idempotency key is derived and retries are made: the one that took the event there the first time.
    pub route: String,
    /// What keeps its order.
    pub order_key: String,
    /// Whether a dead letter holds back its key.
    pub parks: bool,
}

/// A delivery that an event owed.
#[derive(Clone, Copy, Debug)]
pub struct Took<'a> {
    /// The route.
    pub route: &'a str,
    /// Where it led.
    pub destination: &'a str,
    /// What kept its order.
    pub order_key: &'a str,
    /// Whether a dead letter held back its key.
    pub parks: bool,
}

impl Replay {
    /// Checks and compiles what is asked for.
    pub fn compile(order: &ReplayOrder, plan: &Plan) -> Result<Self, Reason> {
        let to = Destination::parse(&order.to).map_err(|reason| reason.at("/to"))?;
        if !plan.operations.contains_key(to.as_str()) {
            let message = format!("there is no operation `{to}`");
            return Err(Reason::new("destination-unknown", message)
                .at("/to")
                .hint("`lineshaft systems list` names the systems; write system.operation"));
        }
        if order.per_second > MOST_PER_SECOND {
            let message = format!("a replay goes at {MOST_PER_SECOND} events a second at most");
            return Err(Reason::new("replay-too-fast", message).at("/per_second"));
        }
        let types = order.event_type.as_deref().map(str::parse).transpose();
        let types = types.map_err(|reason: Reason| reason.at("/type"))?;
        let condition = order.condition.as_deref().map(|text| Condition::compile(text, &plan.environment));
        let condition = condition.transpose().map_err(|faults| {
            let first = faults.first().map_or_else(String::new, |fault| fault.message.clone());
            Reason::new("expression-malformed", first)
                .at("/where")
                .hint("write a jq expression over the event that gives true or false")
        })?;
        Ok(Self {
            to,
            route: order.route.clone(),
            types,
            key: order.key.clone(),
            system: order.system.clone(),
            condition,
            routed: plan.routes.iter().filter(|r| r.to.as_str() == order.to).map(|r| r.on.clone()).collect(),
        })
    }

    /// Whether it takes an event. When neither types nor a route are named, only what went there, or whose type a route there
    /// takes today: the operation's mapping would make nothing of the rest.
    pub fn takes(
        &self,
        envelope: &Envelope,
        data: &[u8],
        took: &[Took<'_>],
        references: &dyn References,
    ) -> Result<bool, Reason> {
        let passes = self.types.as_ref().is_none_or(|types| types.covers(&envelope.event_type))
            && self.key.as_ref().is_none_or(|key| *key == envelope.subject)
            && self.system.as_ref().is_none_or(|system| system == envelope.system())
            && self.route.as_ref().is_none_or(|route| took.iter().any(|owed| owed.route == route))
            && self.is_meant(envelope, took);
        let Some(condition) = self.condition.as_ref().filter(|_| passes) else { return Ok(passes) };
        let limits = Limits { bytes: data.len(), ..Limits::DEFAULT };
        let event = cloud_event(envelope, Value::parse(data, &limits)?);
        let vars = Vars { tenant: &envelope.tenant, references, ..Vars::default() };
        condition.test(&event, &vars, &Budget::DEFAULT).map_err(|error| {
            let reason = Reason::from(error);
            Reason { at: format!("/where, {}", reason.at), ..reason }
                .hint("a condition must give true or false for every event that the other filters leave")
        })
    }

    fn is_meant(&self, envelope: &Envelope, took: &[Took<'_>]) -> bool {
        self.types.is_some()
            || self.route.is_some()
            || took.iter().any(|owed| owed.destination == self.to.as_str())
            || self.routed.iter().any(|on| on.covers(&envelope.event_type))
    }

    /// How an event is owed to the destination: as it was the first time, or as today's route there would have it.
    #[must_use]
    pub fn owed(&self, plan: &Plan, envelope: &Envelope, took: &[Took<'_>]) -> OwedAgain {
        let before = took.iter().find(|owed| {
            owed.destination == self.to.as_str()
                && self.route.as_ref().is_none_or(|route| owed.route == route)
        });
        if let Some(before) = before {
            return OwedAgain {
                route: before.route.to_owned(),
                order_key: before.order_key.to_owned(),
                parks: before.parks,
            };
        }
        let today =
            plan.routes.iter().find(|route| route.to == self.to && route.on.covers(&envelope.event_type));
        OwedAgain {
            route: today.map_or_else(|| "replay".to_owned(), |route| route.name.to_string()),
            order_key: envelope.order_key().to_owned(),
            parks: today.is_none_or(|route| route.parks),
        }
    }

    /// The class of what is replayed: behind everything that is live.
    pub const CLASS: Priority = Priority::Bulk;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl References for Nothing {
        fn canonical(&self, _: &str, _: &str, _: &str) -> Option<String> {
            None
        }

        fn foreign(&self, _: &str, _: &str, _: &str) -> Option<String> {
            None
        }
    }

    fn plan() -> Plan {
        let mut plan = Plan::default();
        for name in ["erp.post", "aps.put"] {
            plan.operations.insert(name.into(), crate::plan::OperationPlan::default());
        }
        plan
    }

    fn envelope() -> Envelope {
        Envelope {
            id: "1".into(),
            source: "urn:lineshaft:main:wms".into(),
            event_type: "lineshaft.item.changed.v1".into(),
            subject: "BOLT".into(),
            ..Envelope::default()
        }
    }

    const TOOK: Took<'static> =
        Took { route: "items", destination: "erp.post", order_key: "order 7", parks: false };

    #[test]
    fn every_filter_counts() {
        let all = ReplayOrder { to: "erp.post".into(), ..ReplayOrder::default() };
        let takes = |order: &ReplayOrder| {
            let replay = Replay::compile(order, &plan()).unwrap();
            replay.takes(&envelope(), br#"{"n":7}"#, &[TOOK], &Nothing).unwrap()
        };
        let with = |change: fn(&mut ReplayOrder)| {
            let mut order = all.clone();
            change(&mut order);
            takes(&order)
        };
        assert!(takes(&all));
        let elsewhere = ReplayOrder { to: "aps.put".into(), ..ReplayOrder::default() };
        let named = ReplayOrder { event_type: Some("lineshaft.*.*.*".into()), ..elsewhere.clone() };
        assert!(!takes(&elsewhere), "nothing of this kind ever went there");
        assert!(takes(&named));
        assert!(with(|o| o.event_type = Some("lineshaft.item.*.*".into())));
        assert!(!with(|o| o.event_type = Some("lineshaft.supplier.*.*".into())));
        assert!(with(|o| o.key = Some("BOLT".into())) && !with(|o| o.key = Some("BOL".into())));
        assert!(with(|o| o.system = Some("wms".into())) && !with(|o| o.system = Some("erp".into())));
        assert!(with(|o| o.route = Some("items".into())) && !with(|o| o.route = Some("other".into())));
        assert!(with(|o| o.condition = Some(".data.n > 5".into())));
        assert!(!with(|o| o.condition = Some(".data.n > 50".into())));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let at = |order: ReplayOrder| Replay::compile(&order, &plan()).unwrap_err().at;
        let to = |to: &str| ReplayOrder { to: to.into(), ..ReplayOrder::default() };
        assert_eq!(at(to("erp")), "/to");
        assert_eq!(at(to("erp.gone")), "/to");
        assert_eq!(at(ReplayOrder { per_second: 1 << 20, ..to("erp.post") }), "/per_second");
        assert_eq!(at(ReplayOrder { event_type: Some("x".into()), ..to("erp.post") }), "/type");
        assert_eq!(at(ReplayOrder { condition: Some(".a |".into()), ..to("erp.post") }), "/where");
    }

    #[test]
    fn it_is_owed_as_it_was_the_first_time() {
        let order = ReplayOrder { to: "erp.post".into(), ..ReplayOrder::default() };
        let replay = Replay::compile(&order, &plan()).unwrap();
        let owed = replay.owed(&plan(), &envelope(), &[TOOK]);
        assert_eq!((owed.route.as_str(), owed.order_key.as_str(), owed.parks), ("items", "order 7", false));
        let owed = replay.owed(&plan(), &envelope(), &[]);
        assert_eq!((owed.route.as_str(), owed.order_key.as_str(), owed.parks), ("replay", "BOLT", true));
    }
}
