//! What a factory is started with.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;

/// The names of the four systems, as the hub's workspace calls them.
pub const SYSTEMS: [&str; 4] = ["erp", "procurement", "wms", "aps"];

/// Loopback ports; 0 lets the operating system choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    pub erp: u16,
    pub procurement: u16,
    pub wms: u16,
    pub aps: u16,
    /// Where faults are set: it stays up while a system is down.
    pub control: u16,
}

impl Ports {
    /// The ports the documentation speaks of.
    pub const USUAL: Self = Self { control: 7080, erp: 7081, procurement: 7082, wms: 7083, aps: 7084 };
}

/// Where the hub listens, for instance `http://127.0.0.1:7070`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubAddress(pub String);

/// Bearer tokens. Printing it shows no token.
#[derive(Clone, Default)]
pub struct Tokens {
    /// What a system shows to the hub, by system name.
    pub to_hub: HashMap<String, String>,
    /// What the hub must show to a system, by system name; without one anybody may write.
    pub from_hub: HashMap<String, String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("to_hub", &self.to_hub.len())
            .field("from_hub", &self.from_hub.len())
            .finish()
    }
}

/// How the factory behaves. The same seed makes the same orders, quantities and stock in the same order.
#[derive(Clone, Debug)]
pub struct Config {
    pub seed: u64,
    /// Scenario seconds in a wall second. At the default of 3600 an eight-hour shift passes in eight seconds.
    pub speed: u32,
    /// Events a second, all systems together, that the rhythm aims at; 0 leaves the factory still.
    pub rate_per_s: u32,
    /// The first moment of the scenario.
    pub begins: Timestamp,
    pub ports: Ports,
    /// Without one, documents wait until [`crate::Factory::connect`] says where the hub is.
    pub hub: Option<HubAddress>,
    pub tokens: Tokens,
    /// Where the warehouse drops its count sheets; without one it posts them.
    pub count_drop: Option<PathBuf>,
    /// Whether the cycle count is played once by itself, some hours into the scenario.
    pub scene: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 3600,
            rate_per_s: 20,
            // A Monday at six in the morning in Berlin, when the early shift begins.
            begins: Timestamp::constant(1_767_589_200, 0),
            ports: Ports::default(),
            hub: None,
            tokens: Tokens::default(),
            count_drop: None,
            scene: true,
        }
    }
}
