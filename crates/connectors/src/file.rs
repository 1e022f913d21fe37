//! The file door: takes the files a system drops into a folder, one after the other, and resumes where it was.

mod config;
mod folder;
mod names;
mod reader;
mod source;
mod token;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future::BoxFuture;
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{Gate, Sink, Source};
use serde_json::Value;

use crate::connector::no_such;
use crate::http::LOADED_ELSEWHERE;
use crate::settings::{Problems, Section};
use crate::sources::Sources;
use crate::{Connector, Finding, OperationSpec, SourceSpec, Surroundings};

pub(crate) use config::FilesConfig;
pub use config::read_format;
pub(crate) use source::FileSource;

/// Reads the configuration of a system with `connector: file`.
pub(crate) fn parse(config: &Value, system: &str) -> Result<Box<dyn Connector>, Reasons> {
    let problems = Problems::default();
    let sources = Section::open(config, String::new(), &problems).map(|mut section| {
        let sources = Sources::parse(&mut section, system, false);
        if section.value("operations").is_some() {
            let hint = "use `connector: http` for a system that is also called";
            section.problem("operations", "operations-unsupported", "files have no operations", hint);
        }
        section.leave(LOADED_ELSEWHERE);
        section.leave(&["limits"]);
        section.finish();
        sources
    });
    let sources = problems.into_result(sources)?;
    Ok(Box::new(FileConnector { sources }))
}

/// A system that drops files.
#[derive(Debug)]
struct FileConnector {
    sources: Sources,
}

impl Connector for FileConnector {
    fn sources(&self) -> &[SourceSpec] {
        self.sources.specs()
    }

    fn operations(&self) -> &[OperationSpec] {
        &[]
    }

    fn build_source(&self, source: &str, with: &Surroundings<'_>) -> Result<Box<dyn Source>, Reason> {
        self.sources.build(source, None, with)
    }

    fn build_sink(&self, operation: &str, _: &Surroundings<'_>) -> Result<Arc<dyn Sink>, Reason> {
        Err(no_such("operation", operation))
    }

    fn gate(&self, source: &str, with: &Surroundings<'_>) -> Result<Option<Arc<dyn Gate>>, Reason> {
        self.sources.gate(source, with)
    }

    fn probe<'a>(&'a self, with: Surroundings<'a>) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async move { self.sources.probe(&with) })
    }
}
