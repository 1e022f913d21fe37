//! Every kind of connector that a workspace may name, those with crates of their own included.

use std::sync::LazyLock;

use lineshaft_connectors::{KINDS as LIGHT, Kind};

/// In the order of the reference.
pub(crate) static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let own = [lineshaft_sql::KIND];
    LIGHT.iter().chain(&own).chain(lineshaft_brokers::KINDS).copied().collect()
});
