//! Models of another planner, read and netted. That planner proposes purchase and production orders; this one says what follows
//! from those that are there. So each open demand for something that is made gets one production order by the model's own
//! operation, lot for lot through all levels, ending when it is due, and what is bought can be had by its lead time.
//!
//! What is not carried over, and so may differ: alternative operations (the one of the best priority is taken), steps of routings
//! (their durations are added), lot sizes, resources, skills and calendars, and cost.

use std::collections::BTreeMap;

use lineshaft_model::Millis;
use lineshaft_planning::record::{
    Component, Demand, DemandKind, Order, OrderKind, Stocking, Supply, SupplyKind,
};
use lineshaft_planning::{Change, PegEnd, Plan, Record, Settings};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{moment, order, pieces, recorded, sound, supply};

struct Model {
    objects: Vec<Value>,
    records: Vec<Record>,
    supplies: Vec<(PegEnd, Decimal)>,
    now: i64,
    left_out: BTreeMap<String, usize>,
}

fn number(value: &Value) -> Decimal {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => return Decimal::ZERO,
        other => other.to_string(),
    };
    text.parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(&text))
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Seconds as text.
fn seconds(value: &Value) -> i64 {
    i64::try_from(number(value).trunc().mantissa() / 10_i128.pow(number(value).trunc().scale())).unwrap()
        * 1_000
}

impl Model {
    fn read(text: &str) -> Self {
        let objects: Vec<Value> = serde_json::from_str(text).unwrap();
        let mut model =
            Self { objects, records: Vec::new(), supplies: Vec::new(), now: 0, left_out: BTreeMap::new() };
        let current = model
            .of("common.parameter")
            .find(|one| one["name"] == "currentdate" || one["pk"] == "currentdate");
        model.now = current.and_then(|one| one["value"].as_str().map(|text| moment(text).0)).unwrap_or(0);
        model
    }

    /// The fields of all objects of a kind; the key is `name` in one version of the format and `pk` in another.
    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Value> + 'a {
        self.objects.iter().filter(move |one| one["model"] == kind).map(|one| {
            let mut fields = one["fields"].clone();
            if !one["pk"].is_null() {
                fields["pk"] = one["pk"].clone();
            }
            fields
        })
    }

    fn text(fields: &Value, names: &[&str]) -> String {
        names.iter().find_map(|name| fields[*name].as_str()).unwrap_or_default().to_owned()
    }

    /// An item and what it belongs to: terms for a family hold for its members.
    fn family(&self, item: &str) -> Vec<String> {
        let owners: BTreeMap<String, String> = self
            .of("input.item")
            .map(|one| (Self::text(&one, &["name", "pk"]), Self::text(&one, &["owner_id", "owner"])))
            .collect();
        let mut family = vec![item.to_owned()];
        while let Some(owner) =
            family.last().and_then(|one| owners.get(one)).filter(|owner| !owner.is_empty())
        {
            assert!(family.len() < 20, "{item} belongs to itself");
            family.push(owner.clone());
        }
        // The root of all is named even where nothing says that an item belongs to it.
        family.push("All items".to_owned());
        family
    }

    fn take_stock(&mut self) {
        for fields in self.of("input.buffer").collect::<Vec<_>>() {
            let (item, site) = (
                Self::text(&fields, &["item_id", "item"]),
                Self::text(&fields, &["location_id", "location"]),
            );
            let quantity = number(&fields["onhand"]);
            let key = format!("stock {item} @ {site}");
            self.supplies.push((PegEnd::Supply { key: key.clone() }, quantity));
            self.records.push(Record::Supply(supply(key, &item, &site, SupplyKind::OnHand, quantity)));
            let minimum = number(&fields["minimum"]);
            self.keep(&item, &site, Some(minimum).filter(|one| *one > Decimal::ZERO));
        }
    }

    fn keep(&mut self, item: &str, site: &str, minimum: Option<Decimal>) {
        let family = self.family(item);
        let lead_time_ms = self
            .of("input.itemsupplier")
            .filter(|one| family.contains(&Self::text(one, &["item_id", "item"])))
            .filter(|one| one["location_id"].is_null() || one["location_id"] == site)
            .map(|one| seconds(&one["leadtime"]))
            .min();
        self.records.push(Record::Stocking(Stocking {
            item: item.to_owned(),
            site: site.to_owned(),
            safety_stock: minimum.map(pieces),
            safety_priority: 1_000,
            lead_time_ms,
            receipt_ms: 0,
            time_fence_ms: 0,
        }));
    }

    fn take_open_orders(&mut self) {
        for fields in self.of("input.operationplan").collect::<Vec<_>>() {
            let open = matches!(fields["status"].as_str(), Some("confirmed" | "approved"));
            if fields["type"] != "PO" || !open {
                *self
                    .left_out
                    .entry(format!("{} of status {}", fields["type"], fields["status"]))
                    .or_default() += 1;
                continue;
            }
            let (item, site) = (
                Self::text(&fields, &["item_id", "item"]),
                Self::text(&fields, &["location_id", "location"]),
            );
            let key = Self::text(&fields, &["reference", "name"]);
            let quantity = number(&fields["quantity"]);
            self.supplies.push((PegEnd::Supply { key: key.clone() }, quantity));
            let line = supply(key, &item, &site, SupplyKind::PurchaseOrder, quantity);
            let confirmed = fields["enddate"].as_str().map(moment);
            self.records.push(Record::Supply(Supply { confirmed, ..line }));
        }
    }

    fn take_demands(&mut self) {
        for fields in self.of("input.demand").collect::<Vec<_>>() {
            let status = fields["status"].as_str().unwrap_or("open");
            if status != "open" {
                *self.left_out.entry(format!("demand of status {status}")).or_default() += 1;
                continue;
            }
            let key = Self::text(&fields, &["name", "pk"]);
            let (item, site) = (
                Self::text(&fields, &["item_id", "item"]),
                Self::text(&fields, &["location_id", "location"]),
            );
            let (quantity, due) = (number(&fields["quantity"]), moment(fields["due"].as_str().unwrap()));
            let priority = u32::try_from(fields["priority"].as_i64().unwrap_or(100)).unwrap();
            self.make(&key, &item, &site, quantity, due.0, priority, 0);
            self.records.push(Record::Demand(Demand {
                key,
                item,
                site,
                kind: DemandKind::Sales,
                quantity: pieces(quantity),
                due,
                priority,
                customer: fields["customer_id"].as_str().map(str::to_owned),
            }));
        }
    }

    /// One order by the operation that makes the item, or a transfer from where it comes, and the same for its components.
    #[expect(
        clippy::too_many_arguments,
        reason = "what an order is told: for whom, what, where, how much, when, how urgent, how deep"
    )]
    fn make(
        &mut self,
        demand: &str,
        item: &str,
        site: &str,
        quantity: Decimal,
        due: i64,
        priority: u32,
        depth: usize,
    ) {
        assert!(depth < 20, "{item} goes in circles");
        let operations: Vec<Value> = self.of("input.operation").collect();
        let materials: Vec<Value> = self.of("input.operationmaterial").collect();
        let name = |one: &Value| Self::text(one, &["name", "pk"]);
        let produces = |operation: &Value| {
            materials.iter().any(|one| {
                let made =
                    Self::text(one, &["item_id", "item"]) == item && number(&one["quantity"]) > Decimal::ZERO;
                made && Self::text(one, &["operation_id", "operation"]) == name(operation)
            })
        };
        let makes = |one: &&Value| {
            let there = Self::text(one, &["location_id", "location"]) == site;
            there && (Self::text(one, &["item_id", "item"]) == item || produces(one))
        };
        let best = operations.iter().filter(makes).min_by_key(|one| one["priority"].as_i64().unwrap_or(1));
        let key = format!("{demand}: {item} @ {site}");
        let Some(operation) = best else {
            let moves: Vec<Value> = self.of("input.itemdistribution").collect();
            let family = self.family(item);
            let brings = |one: &&Value| {
                family.contains(&Self::text(one, &["item_id", "item"])) && one["location_id"] == site
            };
            let Some(brought) = moves.iter().find(brings) else { return };
            let from = Self::text(brought, &["origin_id", "origin"]);
            let start = due - seconds(&brought["leadtime"]);
            let kind = OrderKind::Transfer { from: from.clone() };
            let transfer = order(key, item, site, quantity, start, due);
            self.records.push(Record::Order(Order { kind, priority, ..transfer }));
            return self.make(demand, item, &from, quantity, start, priority, depth + 1);
        };
        let steps: Vec<&Value> = operations
            .iter()
            .filter(|one| Self::text(one, &["owner_id", "owner"]) == name(operation))
            .collect();
        let own: Vec<&Value> = std::iter::once(operation).chain(steps).collect();
        let lasts = |one: &Value| {
            seconds(&one["duration"])
                + seconds(&Value::from((number(&one["duration_per"]) * quantity).to_string()))
        };
        let start = due - own.iter().map(|one| lasts(one)).sum::<i64>();
        let used = materials.iter().filter(|one| {
            let of = Self::text(one, &["operation_id", "operation"]);
            own.iter().any(|operation| name(operation) == of) && number(&one["quantity"]) < Decimal::ZERO
        });
        let components: Vec<Component> = used
            .map(|one| Component {
                item: Self::text(one, &["item_id", "item"]),
                quantity: pieces((-number(&one["quantity"]) * quantity).round_dp(6)),
                offset_ms: 0,
            })
            .collect();
        for component in &components {
            let orders = self.records.len();
            self.make(demand, &component.item, site, component.quantity.value, start, priority, depth + 1);
            if self.records.len() == orders {
                self.keep(&component.item, site, None);
            }
        }
        let made = order(key, item, site, quantity, start, due);
        self.records.push(Record::Order(Order { components: Some(components), priority, ..made }));
    }
}

#[test]
fn models_of_another_planner_are_read_and_every_late_demand_has_a_reason() {
    let folder = recorded().join("planning_frepple");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    assert!(!files.is_empty());
    for path in files {
        let mut model = Model::read(&std::fs::read_to_string(&path).unwrap());
        model.take_stock();
        model.take_open_orders();
        model.take_demands();
        let mut plan = Plan::new(Settings { now: Millis(model.now), finite_capacity: false });
        plan.load(model.records.iter().cloned().map(Change::Put));
        assert!(plan.problems().is_empty(), "{:?}", plan.problems());
        sound(&plan, &model.supplies);
        let (mut on_time, mut late, mut never) = (0, 0, 0);
        for record in &model.records {
            let Record::Demand(demand) = record else { continue };
            match plan.demand(&demand.key).unwrap().covered_at {
                Some(at) if at <= demand.due => on_time += 1,
                Some(_) => late += 1,
                None => never += 1,
            }
        }
        let counts = plan.counts();
        eprintln!(
            "{}: {} orders on {} levels; of the open demands {on_time} are on time, {late} late, {never} not covered; left out: {:?}",
            path.file_name().unwrap().to_string_lossy(),
            counts.orders,
            counts.deepest + 1,
            model.left_out
        );
        let mut other = Plan::new(Settings { now: Millis(model.now), finite_capacity: false });
        other.load(model.records.iter().rev().cloned().map(Change::Put));
        assert_eq!(other.shortages(usize::MAX).len(), plan.shortages(usize::MAX).len());
    }
}
