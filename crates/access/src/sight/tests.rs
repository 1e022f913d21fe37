//! Remembered decisions against Cedar itself, and what the shipped roles may.

use proptest::prelude::*;

use super::*;
use crate::fields::FieldGroups;
use crate::policies::PolicyText;
use crate::principal::{Kind, ROLES};

/// Policies that name sites, partners, types, systems and tenants, so that the classes are not only those of the shipped ones.
const HOUSE: &str = r#"
@id("named-partner") permit (principal in Role::"buyer", action == Action::"see-raw", resource)
when { resource.partners.contains(Partner::"S2") && !(resource has site && resource.site == Site::"P2") };
@id("two-partners") permit (principal, action == Action::"see", resource)
when { resource.partners == [Partner::"S1", Partner::"S2"] };
@id("no-wms") forbid (principal in Role::"planner", action, resource is Record)
when { resource has sender && resource.sender == System::"wms" };
@id("tenant") permit (principal in Role::"auditor", action == Action::"mend", resource)
when { resource.tenant == Tenant::"main" && resource.partners.isEmpty() };
"#;

fn policies() -> Arc<Policies> {
    let text = PolicyText { file: "house.cedar", text: HOUSE };
    let (policies, faults) = Policies::with(&[text], FieldGroups::default());
    Arc::new(policies.unwrap_or_else(|| panic!("{faults:?}")))
}

fn principal(role: &str) -> Principal {
    Principal {
        name: "x".to_owned(),
        tenant: "main".to_owned(),
        roles: vec![role.to_owned()],
        ..Principal::default()
    }
}

fn supplier(partner: &str) -> Principal {
    Principal { partner: partner.to_owned(), ..principal("supplier") }
}

fn order<'a>(partners: &'a [&'a str]) -> About<'a> {
    About { tenant: "main", object_type: "purchase-order", site: "P1", partners, system: "erp" }
}

prop_compose! {
    fn principals()(
        role in prop::sample::select(ROLES), tenant in prop::sample::select(&["main", "other"][..]),
        partner in prop::sample::select(&["", "", "S1", "S3"][..]),
        sites in prop::collection::vec(prop::sample::select(&["P1", "P2", "P3"][..]), 0..3),
        types in prop::collection::vec(prop::sample::select(&["purchase-order", "item", "exotic"][..]), 0..3),
        system in prop::sample::select(&["", "erp", "wms"][..]), kind in prop::sample::select(&[Kind::User, Kind::Token, Kind::Machine][..]),
    ) -> Principal {
        let own = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Principal {
            kind, name: "x".to_owned(), tenant: tenant.to_owned(), roles: vec![role.0.to_owned()], partner: partner.to_owned(),
            sites: own(sites), types: own(types), system: system.to_owned(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// For every record there can be, the remembered answer is the one that Cedar gives to the record itself.
    #[test]
    fn what_is_remembered_is_what_cedar_says(
        principal in principals(),
        rows in prop::collection::vec((
            prop::sample::select(&Act::ALL[..]), prop::sample::select(&["main", "other", "third"][..]),
            prop::sample::select(&["purchase-order", "item", "supplier", "exotic", "unheard-of"][..]),
            prop::sample::select(&["", "P1", "P2", "P9"][..]), prop::sample::select(&["", "erp", "wms", "aps"][..]),
            prop::collection::btree_set(prop::sample::select(&["S1", "S2", "S3", "S4", "S5", "S6", "*"][..]), 0..5),
        ), 1..12),
    ) {
        let policies = policies();
        let sight = ReaderSight::new(Arc::clone(&policies), principal.clone());
        for (act, tenant, object_type, site, system, partners) in rows {
            let partners: Vec<&str> = partners.into_iter().collect();
            // What is done to a system names one.
            let system = if Subject::of(act) == Subject::System && system.is_empty() { "erp" } else { system };
            let about = About { tenant, object_type, site, partners: &partners, system };
            if act == Act::SeeFields {
                let masked = sight.mask(&about).map(|mask| mask.groups.clone()).unwrap_or_default();
                for (group, _) in policies.fields().iter() {
                    let question = Question { principal: &principal, act, about, group };
                    prop_assert_eq!(policies.decide(&question).allowed, !masked.iter().any(|m| m == group));
                }
                continue;
            }
            let decision = policies.decide(&Question { principal: &principal, act, about, group: "" });
            prop_assert_eq!(&decision.errors, &Vec::<String>::new());
            for _ in 0..2 {
                prop_assert_eq!(sight.may(act, &about), decision.allowed, "{:?} {:?}", act, about);
            }
            if decision.allowed && tenant == principal.tenant && partners.len() < 2 {
                prop_assert!(sight.may_some(act, tenant, object_type));
                prop_assert!(sight.may_some(act, tenant, ""));
            }
            if act == Act::See && decision.allowed {
                let only = sight.only_partner(tenant, object_type);
                prop_assert!(only.is_none_or(|only| partners == [only.as_str()]));
            }
        }
    }
}

#[test]
fn a_supplier_sees_what_names_nobody_else() {
    let sight = ReaderSight::new(Arc::new(Policies::shipped().unwrap()), supplier("S1"));
    assert!(sight.may(Act::See, &order(&["S1"])));
    for partners in [&[][..], &["S2"], &["S1", "S2"], &["*"]] {
        for act in Act::ALL.into_iter().filter(|act| act.is_of_records()) {
            assert!(!sight.may(act, &order(partners)), "{act:?} {partners:?}");
        }
    }
    let of = |object_type| About { object_type, ..order(&["S1"]) };
    assert!(!sight.may(Act::See, &of("item")));
    assert!(!sight.may(Act::SeeRaw, &of("purchase-order")));
    assert!(!sight.may(Act::SeeDeliveries, &of("purchase-order")));
    assert_eq!(sight.only_partner("main", "purchase-order").as_deref(), Some("S1"));
    assert_eq!(sight.mask(&order(&["S1"])).unwrap().groups, ["bank", "people"]);
    let foreign = About { tenant: "other", ..order(&["S1"]) };
    assert!(!sight.may(Act::See, &foreign));
    assert!(!sight.is_unbound());
}

#[test]
fn a_supplier_without_a_partner_sees_nothing() {
    let sight = ReaderSight::new(Arc::new(Policies::shipped().unwrap()), principal("supplier"));
    assert!(Act::ALL.into_iter().all(|act| !sight.may_some(act, "main", "")));
    let everybody = ReaderSight::new(Arc::new(Policies::shipped().unwrap()), supplier("*"));
    assert!(!everybody.may(Act::See, &order(&["*"])), "what is for nobody is for nobody who is called so");
}

#[test]
fn sites_and_types_bind_whatever_the_role() {
    let policies = Arc::new(Policies::shipped().unwrap());
    let bound = Principal { sites: vec!["P1".to_owned()], ..principal("integration-engineer") };
    let sight = ReaderSight::new(Arc::clone(&policies), bound);
    let at = |site| About { site, ..order(&[]) };
    assert!(sight.may(Act::SeeData, &at("P1")) && !sight.may(Act::SeeData, &at("P2")));
    assert!(sight.may(Act::SeeData, &at("")), "what belongs to no site is everybody's");
    assert!(sight.may(Act::SeePlan, &at("P1")) && !sight.may(Act::SeePlan, &at("")));
    let owner = Principal { types: vec!["item".to_owned()], ..principal("object-owner") };
    let sight = ReaderSight::new(policies, owner);
    assert!(sight.may(Act::SeeData, &About { object_type: "item", ..order(&[]) }));
    assert!(!sight.may(Act::See, &order(&[])));
}

/// The roles of the house at a glance: a change here is a change of who sees what.
#[test]
fn what_each_role_may() {
    let policies = Arc::new(Policies::shipped().unwrap());
    let mut table = String::new();
    for (role, _) in ROLES {
        let who = match *role {
            "supplier" => supplier("S1"),
            "object-owner" => Principal { types: vec!["purchase-order".to_owned()], ..principal(role) },
            "agent" => Principal { system: "erp".to_owned(), ..principal(role) },
            _ => principal(role),
        };
        let sight = ReaderSight::new(Arc::clone(&policies), who);
        let may = |act: &Act| sight.may(*act, &order(&["S1"]));
        let acts: Vec<&str> = Act::ALL
            .iter()
            .filter(|act| **act != Act::SeeFields && may(act))
            .map(|act| act.as_str())
            .collect();
        let masked = sight.mask(&order(&["S1"])).map(|mask| mask.groups.join(" ")).unwrap_or_default();
        table.push_str(&format!("{role}: {}; masked: {masked}\n", acts.join(" ")));
    }
    insta::assert_snapshot!(table);
}
