//! What every kind of connector gives the hub once its configuration has been read.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_model::Reason;
use lineshaft_ports::{Gate, Sink, Source};

use crate::{Finding, Outbound, Secrets};

/// One connected system, its configuration checked, nothing of it running.
///
/// Building resolves secrets and reads certificates; it opens no connection and starts no task.
pub trait Connector: Send + Sync + fmt::Debug {
    /// Where input comes from, in the order of the configuration.
    fn sources(&self) -> &[SourceSpec];

    /// What can be called, in the order of the configuration.
    fn operations(&self) -> &[OperationSpec];

    /// Builds a source of [`SourceKind::Pull`]. A pushed source runs nothing of its own and is an error here.
    fn build_source(&self, source: &str, with: &Surroundings<'_>) -> Result<Box<dyn Source>, Reason>;

    /// Builds the sink of an operation.
    fn build_sink(&self, operation: &str, with: &Surroundings<'_>) -> Result<Arc<dyn Sink>, Reason>;

    /// The check of a pushed source's signature; `None` when it has none, and then the caller needs a token of the hub.
    fn gate(&self, source: &str, with: &Surroundings<'_>) -> Result<Option<Arc<dyn Gate>>, Reason>;

    /// Tries the system: connects, logs in, reads one thing of each source, and says what is missing. Changes nothing.
    fn probe<'a>(&'a self, with: Surroundings<'a>) -> BoxFuture<'a, Vec<Finding>>;
}

/// What building may look at besides the configuration.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Resolves `${secret:name}`.
    pub secrets: &'a dyn Secrets,
    /// The workspace's folder: relative paths of the configuration start here.
    pub folder: &'a Path,
    /// Which addresses may be called.
    pub outbound: &'a Arc<Outbound>,
}

impl<'a> Surroundings<'a> {
    /// With no list of addresses.
    #[must_use]
    pub fn new(secrets: &'a dyn Secrets, folder: &'a Path) -> Self {
        Self { secrets, folder, outbound: Outbound::any() }
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A source as the hub needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpec {
    /// Its name within the system.
    pub name: String,
    /// How input arrives.
    pub kind: SourceKind,
}

/// How a source's input arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Others post it to `/v1/in/{system}/{source}`.
    Push {
        /// Whether a signature is checked. Without one the sender needs a token of the hub.
        signed: bool,
    },
    /// The source fetches it and has to be run.
    Pull,
}

/// An operation as the hub needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationSpec {
    /// Its name within the system.
    pub name: String,
    /// Whether the target keeps our idempotency key, so that an unknown outcome may be tried again.
    pub keeps_idempotency_key: bool,
    /// Whether the target can be asked what happened.
    pub can_verify: bool,
}

/// The reason for a source or operation that the configuration does not have, or not in this way.
#[must_use]
pub fn no_such(what: &str, name: &str) -> Reason {
    Reason::new("connector-part-unknown", format!("the system has no {what} `{name}`"))
        .hint("ask for one of the names the configuration lists")
}
