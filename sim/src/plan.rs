//! What happens in the factory, decided from a seed alone: pure, endless, the same every time.

mod catalogue;
mod documents;
mod generator;
mod scene;

pub use catalogue::{Catalogue, Item, PLANT, Stock, Supplier, Terms};
pub use documents::{
    Action, Component, CountLine, OrderLine, ProductionOrder, PurchaseOrder, Step, StockMove,
};
pub use generator::{Plan, Rhythm};
pub use scene::Scene;

#[cfg(test)]
mod tests;
