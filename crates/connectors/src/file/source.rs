//! The running source of one folder.

use std::path::Path;

use futures::future::BoxFuture;
use lineshaft_model::Reason;
use lineshaft_ports::{HandOver, Source};
use tokio_util::sync::CancellationToken;

use super::config::FilesConfig;

/// Reads one folder.
#[derive(Debug)]
pub(crate) struct FileSource {
    config: FilesConfig,
}

impl FileSource {
    /// A source of this folder; relative ones start at `workspace`.
    pub(crate) fn new(config: &FilesConfig, _workspace: &Path) -> Result<Self, Reason> {
        Ok(Self { config: config.clone() })
    }
}

impl Source for FileSource {
    fn run<'a>(
        &'a mut self,
        _hub: &'a dyn HandOver,
        _stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), Reason>> {
        Box::pin(async { Err(Reason::new("not-built", format!("{} cannot be read yet", self.config.name))) })
    }
}
