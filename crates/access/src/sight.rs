//! What one reader may see, remembered by what policies can tell apart.
//!
//! Attributes of records are entities, and Cedar compares entities by nothing but equality. So two records that differ only in
//! values which no policy names and which the reader is not bound to get the same answer: a value outside these is any other
//! value. The classes that are left are few (named types x sites x partners), and each is decided once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lineshaft_model::sight::{About, Act, Mask, Sight};
use parking_lot::RwLock;

use crate::decide::{Question, Subject};
use crate::policies::Policies;
use crate::principal::Principal;

/// Stands for every value that nothing names. No name holds a control character.
const OTHER: &str = "\u{1}";

/// Classes remembered at most; more are decided each time.
const MOST_CLASSES: usize = 65_536;

/// Partners of one record that are told apart.
const PARTNERS: usize = 3;

/// What decides: the values by their numbers, zero for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Class {
    act: Act,
    tenant: u16,
    object_type: u16,
    site: u16,
    system: u16,
    group: u16,
    partners: [u16; PARTNERS],
}

/// Values that make a difference, each with its number from 2; 1 is any other, 0 is none.
#[derive(Debug)]
struct Values {
    known: Vec<String>,
}

impl Values {
    fn new(values: impl Iterator<Item = String>) -> Self {
        let known: BTreeSet<String> = values.collect();
        Self { known: known.into_iter().collect() }
    }

    fn number(&self, value: &str) -> u16 {
        if value.is_empty() {
            return 0;
        }
        let found = self.known.binary_search_by(|known| known.as_str().cmp(value));
        found.map_or(1, |at| u16::try_from(at + 2).unwrap_or(u16::MAX))
    }

    /// The value itself when it makes a difference, else what stands for all others.
    fn representative(&self, number: u16) -> &str {
        match number {
            0 => "",
            1 => OTHER,
            n => self.known.get(usize::from(n) - 2).map_or(OTHER, String::as_str),
        }
    }

    /// Every number that is worth asking about.
    fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        0..=u16::try_from(self.known.len() + 1).unwrap_or(u16::MAX)
    }
}

/// One reader and the policies, with every decision remembered.
#[derive(Debug)]
pub struct ReaderSight {
    policies: Arc<Policies>,
    principal: Principal,
    tenants: Values,
    types: Values,
    sites: Values,
    partners: Values,
    systems: Values,
    groups: Values,
    decided: RwLock<HashMap<Class, bool>>,
    masks: RwLock<HashMap<Class, Option<Arc<Mask>>>>,
    some: RwLock<HashMap<(Act, u16), bool>>,
    is_unbound: bool,
}

impl ReaderSight {
    /// What a principal sees under these policies.
    #[must_use]
    pub fn new(policies: Arc<Policies>, principal: Principal) -> Self {
        let own = |text: &String| (!text.is_empty()).then(|| text.clone());
        let values = |of_type: &str, own: Vec<String>| {
            Values::new(policies.named(of_type).map(str::to_owned).chain(own))
        };
        let sites = values("Site", principal.sites.clone());
        let partners = values("Partner", own(&principal.partner).into_iter().collect());
        let groups = Values::new(policies.fields().iter().map(|(name, _)| name.to_owned()));
        Self {
            tenants: values("Tenant", vec![principal.tenant.clone()]),
            types: values("ObjectType", principal.types.clone()),
            systems: values("System", own(&principal.system).into_iter().collect()),
            is_unbound: sites.known.is_empty() && partners.known.is_empty(),
            sites,
            partners,
            groups,
            policies,
            principal,
            decided: RwLock::default(),
            masks: RwLock::default(),
            some: RwLock::default(),
        }
    }

    /// Who it is.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    fn own_tenant(&self) -> u16 {
        self.tenants.number(&self.principal.tenant)
    }

    fn class(&self, act: Act, about: &About<'_>, group: u16) -> Option<Class> {
        let mut numbers: Vec<u16> =
            about.partners.iter().map(|partner| self.partners.number(partner)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut partners = [0; PARTNERS];
        if numbers.len() > PARTNERS {
            return None;
        }
        partners.iter_mut().zip(numbers).for_each(|(to, number)| *to = number);
        Some(Class {
            act,
            tenant: self.tenants.number(about.tenant),
            object_type: self.types.number(about.object_type),
            site: self.sites.number(about.site),
            system: self.systems.number(about.system),
            group,
            partners,
        })
    }

    fn allows(&self, act: Act, about: &About<'_>, group: u16) -> bool {
        let Some(class) = self.class(act, about, group) else {
            return self.ask(act, about, self.groups.representative(group));
        };
        if let Some(known) = self.decided.read().get(&class) {
            return *known;
        }
        let allowed = self.allows_class(&class);
        let mut decided = self.decided.write();
        if decided.len() < MOST_CLASSES {
            decided.insert(class, allowed);
        }
        allowed
    }

    fn allows_class(&self, class: &Class) -> bool {
        let partners: Vec<&str> = class
            .partners
            .iter()
            .filter(|number| **number != 0)
            .map(|number| self.partners.representative(*number))
            .collect();
        // A record has a type, even when nobody could read which.
        let object_type = match class.object_type {
            0 => OTHER,
            number => self.types.representative(number),
        };
        let system = match (Subject::of(class.act), class.system) {
            (Subject::System, 0) => OTHER,
            (_, number) => self.systems.representative(number),
        };
        let about = About {
            tenant: self.tenants.representative(class.tenant),
            object_type,
            site: self.sites.representative(class.site),
            partners: &partners,
            system,
        };
        self.ask(class.act, &about, self.groups.representative(class.group))
    }

    fn ask(&self, act: Act, about: &About<'_>, group: &str) -> bool {
        self.policies.decide(&Question { principal: &self.principal, act, about: *about, group }).allowed
    }

    /// Whether some class of this type is allowed; every one that can be told apart is asked about until one is.
    fn finds_some(&self, act: Act, object_type: u16) -> bool {
        let types: Vec<u16> = match object_type {
            0 => self.types.numbers().collect(),
            number => vec![number],
        };
        let all = || self.partners.numbers();
        types.into_iter().any(|object_type| {
            self.sites.numbers().any(|site| {
                self.systems.numbers().any(|system| {
                    all().any(|partner| {
                        let partners = [partner, 0, 0];
                        let class = Class {
                            act,
                            tenant: self.own_tenant(),
                            object_type,
                            site,
                            system,
                            group: 0,
                            partners,
                        };
                        self.allows_class(&class)
                    })
                })
            })
        })
    }
}

impl Sight for ReaderSight {
    fn may(&self, act: Act, about: &About<'_>) -> bool {
        self.allows(act, about, 0)
    }

    fn may_some(&self, act: Act, tenant: &str, object_type: &str) -> bool {
        if tenant != self.principal.tenant {
            return false;
        }
        let key = (act, self.types.number(object_type));
        if let Some(known) = self.some.read().get(&key) {
            return *known;
        }
        let found = self.finds_some(act, key.1);
        self.some.write().insert(key, found);
        found
    }

    fn mask(&self, about: &About<'_>) -> Option<Arc<Mask>> {
        let class = self.class(Act::SeeFields, about, 0);
        if let Some(known) = class.and_then(|class| self.masks.read().get(&class).cloned()) {
            return known;
        }
        let mut mask = Mask::default();
        for (name, fields) in self.policies.fields().iter() {
            if !self.allows(Act::SeeFields, about, self.groups.number(name)) {
                mask.fields.extend(fields.iter().cloned());
                mask.groups.push(name.to_owned());
            }
        }
        let mask = (!mask.groups.is_empty()).then(|| Arc::new(mask));
        if let Some(class) = class {
            let mut masks = self.masks.write();
            if masks.len() < MOST_CLASSES {
                masks.insert(class, mask.clone());
            }
        }
        mask
    }

    fn is_unbound(&self) -> bool {
        self.is_unbound
    }

    fn only_partner(&self, tenant: &str, object_type: &str) -> Option<String> {
        let own = &self.principal.partner;
        if own.is_empty() || tenant != self.principal.tenant {
            return None;
        }
        let object_type = self.types.number(object_type);
        // Whether anything is seen that does not name the own partner alone, at any site, from any system.
        let mine = self.partners.number(own);
        let others = self.partners.numbers().filter(|number| *number != mine).map(|number| [number, 0, 0]);
        let mixed = self.partners.numbers().filter(|number| *number != mine && *number != 0);
        let sets: Vec<[u16; PARTNERS]> =
            others.chain(mixed.map(|number| [number.min(mine), number.max(mine), 0])).collect();
        let sees_others = self.sites.numbers().any(|site| {
            self.systems.numbers().any(|system| {
                sets.iter().any(|partners| {
                    let (act, partners) = (Act::See, *partners);
                    let class = Class {
                        act,
                        tenant: self.own_tenant(),
                        object_type,
                        site,
                        system,
                        group: 0,
                        partners,
                    };
                    self.allows_class(&class)
                })
            })
        });
        (!sees_others).then(|| own.clone())
    }
}

#[cfg(test)]
mod tests;
