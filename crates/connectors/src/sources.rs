//! The sources of a system: pushed to the hub's own address, polled, or fetched from a folder.

use std::sync::Arc;

use lineshaft_model::Reason;
use lineshaft_ports::{Gate, Source};

use crate::connector::no_such;
use crate::file::{FileSource, FilesConfig};
use crate::http::HttpConfig;
use crate::http::poll::PollConfig;
use crate::http::webhook::WebhookConfig;
use crate::settings::Section;
use crate::{Finding, SourceKind, SourceSpec, Surroundings};

/// Settings of a source that the loader of the workspace reads.
const LOADED_ELSEWHERE: &[&str] =
    &["title", "description", "mapping", "contract", "emits", "site", "tenant", "priority"];

/// The sources of one system.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    specs: Vec<SourceSpec>,
    feeds: Vec<Feed>,
}

#[derive(Debug)]
enum Feed {
    Push(Option<WebhookConfig>),
    Files(Box<FilesConfig>),
    Poll(Box<PollConfig>),
}

impl Sources {
    /// Reads `sources` of a system. With `push`, a source without `files` is one that others post to.
    pub(crate) fn parse(system: &mut Section<'_>, system_name: &str, push: bool) -> Self {
        let mut sources = Self::default();
        for (name, mut section) in system.each("sources") {
            let has_webhook = section.value("webhook").is_some();
            let has_files = section.value("files").is_some();
            let has_poll = push && section.value("poll").is_some();
            if usize::from(has_webhook) + usize::from(has_files) + usize::from(has_poll) > 1
                || (has_webhook && !push)
            {
                let hint = if push {
                    "make two sources of it, one for each way in"
                } else {
                    "use `connector: http` for a system that pushes"
                };
                section.problem("webhook", "source-ambiguous", "the source has more than one way in", hint);
            }
            let feed = if has_files {
                FilesConfig::parse(&mut section, system_name, name).map(Box::new).map(Feed::Files)
            } else if has_poll {
                PollConfig::parse(&mut section, system_name, name).map(Box::new).map(Feed::Poll)
            } else if push {
                section.leave(&["format"]);
                let webhook = section.section("webhook");
                match webhook {
                    Some(webhook) => WebhookConfig::parse(webhook, system_name, name).map(Feed::Push),
                    None => Some(Feed::Push(None)),
                }
            } else {
                section.leave(&["format"]);
                section.missing("files", "say which folder to read: files: { folder: drop }");
                None
            };
            section.leave(LOADED_ELSEWHERE);
            section.finish();
            if let Some(feed) = feed {
                sources.push(name, feed);
            }
        }
        sources
    }

    fn push(&mut self, name: &str, feed: Feed) {
        let kind = match &feed {
            Feed::Push(gate) => SourceKind::Push { signed: gate.is_some() },
            Feed::Files(_) | Feed::Poll(_) => SourceKind::Pull,
        };
        self.specs.push(SourceSpec { name: name.to_owned(), kind });
        self.feeds.push(feed);
    }

    pub(crate) fn specs(&self) -> &[SourceSpec] {
        &self.specs
    }

    fn feed(&self, name: &str) -> Result<&Feed, Reason> {
        let found = self.specs.iter().zip(&self.feeds).find(|(spec, _)| spec.name == name);
        found.map(|(_, feed)| feed).ok_or_else(|| no_such("source", name))
    }

    /// Builds one that has to be run; `http` is how the system is called, for those that poll it.
    pub(crate) fn build(
        &self,
        name: &str,
        http: Option<&HttpConfig>,
        with: &Surroundings<'_>,
    ) -> Result<Box<dyn Source>, Reason> {
        match self.feed(name)? {
            Feed::Files(files) => Ok(Box::new(FileSource::new(files, with.folder))),
            Feed::Poll(poll) => match http {
                Some(http) => poll.build(http, with),
                None => Err(no_such("source to run", name)),
            },
            Feed::Push(_) => Err(no_such("source to run", name)),
        }
    }

    /// The sources that poll.
    pub(crate) fn polls(&self) -> impl Iterator<Item = (&str, &PollConfig)> {
        self.specs.iter().zip(&self.feeds).filter_map(|(spec, feed)| match feed {
            Feed::Poll(poll) => Some((spec.name.as_str(), &**poll)),
            _ => None,
        })
    }

    /// Tries the sources that need no connection: folders are looked into, secrets of signatures resolved.
    pub(crate) fn probe(&self, with: &Surroundings<'_>) -> Vec<Finding> {
        let try_one = |(spec, feed): (&SourceSpec, &Feed)| {
            let found = match feed {
                Feed::Files(files) => FileSource::new(files, with.folder).probe(),
                Feed::Push(Some(webhook)) => {
                    webhook.build(with.secrets).map(|_| "the secrets of its signature are there".to_owned())
                }
                Feed::Push(None) | Feed::Poll(_) => return None,
            };
            Some(Finding::new(format!("source {}", spec.name), found))
        };
        self.specs.iter().zip(&self.feeds).filter_map(try_one).collect()
    }

    pub(crate) fn gate(&self, name: &str, with: &Surroundings<'_>) -> Result<Option<Arc<dyn Gate>>, Reason> {
        match self.feed(name)? {
            Feed::Push(Some(webhook)) => Ok(Some(webhook.build(with.secrets)?)),
            Feed::Push(None) | Feed::Files(_) | Feed::Poll(_) => Ok(None),
        }
    }
}
