//! The doors, a folder each, and the registry that lists them.
//!
//! A connector's life: [`registry::parse`] reads a system's configuration, reports every problem and touches nothing;
//! `build_source`, `build_sink` and `gate` make the running parts and resolve their secrets, still without a connection or a
//! task; running is the engine's. A door knows nothing of the journal, of mappings or of routes.

pub mod batch;
pub mod connector;
pub mod endpoint;
pub mod feeder;
pub mod file;
pub mod http;
pub mod odata;
pub mod outbound;
pub mod probe;
pub mod registry;
pub mod secrets;
pub mod settings;
pub mod smtp;
mod sources;
pub mod tls;

pub use batch::Batch;
pub use connector::{Connector, OperationSpec, SourceKind, SourceSpec, Surroundings};
pub use endpoint::Endpoint;
pub use feeder::Feeder;
pub use outbound::Outbound;
pub use probe::Finding;
pub use registry::{KINDS, Kind, Parse, parse, parse_among};
pub use secrets::{NoSecrets, SecretText, Secrets};
