//! What every handler may use.

use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_engine::Handle;
use lineshaft_model::Reasons;

use crate::access::Access;

/// Loads, checks and takes a new configuration; every problem when it is refused. The workspace is the front door's, so the
/// windows only hold a way to ask for it.
pub type Reload = Arc<dyn Fn() -> BoxFuture<'static, Result<String, Reasons>> + Send + Sync>;

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The running hub.
    pub hub: Handle,
    /// Who may do what.
    pub access: Arc<Access>,
    /// Takes a new configuration.
    pub reload: Reload,
    /// The page of an error code.
    pub explain: fn(&str) -> Option<&'static str>,
    /// Longest body, in bytes.
    pub body_bytes: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("body_bytes", &self.body_bytes).finish_non_exhaustive()
    }
}
