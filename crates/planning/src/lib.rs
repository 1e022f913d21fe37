//! Supply and demand, netted and pegged, and what an event does to the schedule: in memory, exact, without I/O or a clock.
//!
//! A [`Plan`] holds records ([`record`]): what there is, what is expected, what is wanted, and the orders between. Every change
//! is put through all levels at once, touching only what it reaches, and answered with its [`Impact`].
//!
//! ```
//! use lineshaft_planning::{Change, Plan, Record, Settings, record::*};
//! use lineshaft_model::{Millis, Quantity, Unit};
//!
//! let day = 86_400_000;
//! let mut plan = Plan::new(Settings { now: Millis(0), finite_capacity: false });
//! let pieces = |n: i64| Quantity { value: n.into(), unit: Unit::ONE };
//! let line = |confirmed: i64| Change::Put(Record::Supply(Supply {
//!     key: "4500000007/10".into(), item: "MOTOR".into(), site: "P100".into(), kind: SupplyKind::PurchaseOrder,
//!     quantity: pieces(5), status: StockStatus::Available, requested: Some(Millis(2 * day)), confirmed: Some(Millis(confirmed)),
//!     expires: None, supplier: None, location: None, lot: None,
//! }));
//! let order = Change::Put(Record::Order(Order {
//!     key: "1000042".into(), item: "PUMP".into(), site: "P100".into(), kind: OrderKind::Production, quantity: pieces(5),
//!     good: 1.into(), start: Millis(3 * day), end: Millis(4 * day), priority: 10, status: OrderStatus::Released,
//!     components: Some(vec![Component { item: "MOTOR".into(), quantity: pieces(5), offset_ms: 0 }]),
//!     operations: vec![], customer: None,
//! }));
//! plan.load([line(2 * day), order]);
//! // The supplier confirms six days later: the order slips by five.
//! let impact = plan.apply([line(8 * day)]);
//! assert_eq!(impact.orders[0].order, "1000042");
//! assert_eq!(impact.orders[0].slip_ms, Some(5 * day));
//! ```
//!
//! # Feeding it from canonical objects
//!
//! The plan never sees events. Whoever holds the objects (the engine's planner) makes records of an object's new state and puts
//! them; records that the object no longer has are removed. A record replaces the one of its key, so sending it again changes
//! nothing, and the order in which objects arrive does not matter: a record may name items, sites, suppliers or orders that come
//! later. Stale revisions are left out before.
//!
//! | object | records |
//! |---|---|
//! | item | [`record::Item`]: unit, conversions; [`record::Stocking`] for each site it is kept at: safety stock, lead time, time fence |
//! | supplier | [`record::Supplier`] with the lateness seen of it |
//! | source-of-supply | [`record::Source`] for an item and site |
//! | bill-of-material | [`record::Bom`] |
//! | substitution | [`record::Substitution`] |
//! | work-centre | [`record::WorkCentre`]; operations go with their orders |
//! | purchase-order | one [`record::Supply`] of kind `PurchaseOrder` for each line and schedule line, `PO/line/n`, with what is still open: ordered less received and less what shipments carry. Cancelled, rejected, closed: removed |
//! | supplier-confirmation | the same supplies: one for each split, with `confirmed`; a part without a date keeps `requested`, one that is backordered without a date has neither |
//! | shipment | [`record::Supply`] of kind `Shipment` for each line, with the expected arrival as `confirmed`; the purchase order's supply shrinks by as much |
//! | goods-receipt | the purchase order's or shipment's supply shrinks, the inventory position grows |
//! | inventory-position | [`record::Supply`] of kind `OnHand` for each item, location and lot, with status and expiry; counts and adjustments change its quantity |
//! | production-order | [`record::Order`]: open quantity, dates, operations still to do; components less what was issued, or none to go by the bill of material. Completed, closed, cancelled: removed |
//! | schedule | the orders it moves, with their new dates |
//! | transfer | [`record::Order`] of kind `Transfer` |
//! | reservation | [`record::Reservation`] |
//! | demand | [`record::Demand`]: sales orders, and forecasts less the sales orders that use them up |
//! | calendar | [`record::Calendar`], and [`record::Site`] when it is a site's; the offsets are those of the site's time zone over the horizon |
//!
//! A first load goes through [`Plan::load`]; then each event is one [`Plan::apply`]. The time moves by [`Plan::advance`], once a
//! minute or an hour: overdue supplies are expected now and orders that have not started start now. Records that cannot be read
//! (a unit without a factor, a quantity finer than its item) do not count until they are mended and are listed by
//! [`Plan::problems`]; nothing is refused and nothing is rounded to fit.
//!
//! # The rules
//!
//! - **Netting.** Demands are served by priority, then due date, then key. Each takes the latest supply that is still on time, so
//!   that stock stays for who needs it sooner; of stock, the lot that expires first. What is not covered on time takes the earliest
//!   that comes. More supply therefore never makes any demand worse.
//! - **Reservations** come before all that.
//! - **Safety stock** is a demand of its own priority; by default it is served first and so kept.
//! - **Stand-ins** that are automatic share one netting: a demand takes its own item first, then stand-ins as preferred.
//! - **Orders** start when the last component is there, not before now and not before their planned start, and take as much
//!   working time as planned. Components are wanted at the planned dates also when the order slips: the schedule is what was
//!   given, the slip is what follows from it.
//! - **What nothing covers**, or covers later than it could be had anew, is there after the lead time when its item-site has one;
//!   without one it never comes.
//! - **Circles** of bills of material are found, named ([`Plan::circles`]) and cut: orders inside one do not wait for another.
//! - **Finite work centres** load orders forward, level by level, by priority, planned start and key, into the first gap.
mod amount;
mod apply;
mod ask;
mod availability;
mod calendar;
mod capacity;
pub mod damp;
pub mod exchange;
mod flow;
mod impact;
mod level;
mod master;
mod net;
pub mod options;
mod order;
mod pegging;
mod plan;
mod recall;
pub mod record;
mod shelf;
pub mod shop;
mod table;
mod when;

pub use ask::{Circle, Counts, Link, OrderState, Shortage};
pub use availability::{Availability, Movement, MovementKind, Promisable};
pub use impact::{Coverage, Dates, DemandImpact, Impact, Missing, OrderImpact, Problem, ShortageImpact};
pub use pegging::{Direction, Peg, PegEnd};
pub use plan::{Plan, Settings};
pub use record::{Change, Name, Record};

#[cfg(test)]
mod tests;
