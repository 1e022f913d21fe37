//! Sources that ask a system for what has changed: page by page, from a cursor that misses no late record.

mod pages;
mod reader;
mod run;
mod since;
mod snapshot;

use lineshaft_formats::Format;
use lineshaft_model::Reason;
use lineshaft_model::json::Pointer;
use lineshaft_ports::Source;

use super::config::{HttpConfig, no_target};
use super::request::{Request, Text};
use crate::Surroundings;
use crate::file::read_format;
use crate::settings::Section;
use pages::Pages;
use since::Since;

/// `poll` and `format` of a source.
#[derive(Clone, Debug)]
pub(crate) struct PollConfig {
    /// `system/source`, for messages.
    name: String,
    request: Request,
    pages: Pages,
    changes: Changes,
    every_ms: u64,
    timeout_ms: u64,
    connect_timeout_ms: u64,
    page_limit_bytes: u64,
    format: Format,
}

/// How a change is known.
#[derive(Clone, Debug)]
enum Changes {
    /// Records carry when they were changed, and the system is asked for those since then.
    Since(Since),
    /// The system gives all its records each time; this pointer leads to the key of one.
    ByKey(String),
}

const HOUR_MS: u64 = 3_600_000;
/// A page is decoded in memory, and a record of the journal holds no more.
const MOST_PAGE_BYTES: u64 = 64 << 20;

impl PollConfig {
    /// Reads `poll` and `format` of a source.
    pub(crate) fn parse(source: &mut Section<'_>, system: &str, name: &str) -> Option<Self> {
        let format = read_format(source);
        let mut poll = source.section("poll")?;
        let mut slots = Vec::new();
        let request = Request::parse(&mut poll, "GET", &mut slots);
        for slot in &slots {
            let reason = Reason::new(
                "poll-expression",
                "a poll has no event, so there is nothing to put into `{{ }}`",
            );
            poll.note(
                reason
                    .at(slot.at.clone())
                    .hint("write {since} in a query value for where the last poll ended"),
            );
        }
        if request.as_ref().is_some_and(|request| request.method != "GET") {
            poll.problem(
                "method",
                "poll-method",
                "a poll changes nothing",
                "leave `method` out: polls are GET",
            );
        }
        let pages = Pages::parse(&mut poll);
        let since = poll.section("since").and_then(Since::parse);
        let key = poll.text("key").map(str::to_owned);
        if let Some(pointer) = &key
            && (pointer.is_empty() || Pointer::parse(pointer).is_none())
        {
            let hint = "write a JSON pointer into a record, for instance /PurchaseOrder";
            poll.problem("key", "pointer-malformed", "this is not a JSON pointer", hint);
        }
        let asks_since = request.as_ref().is_some_and(asks_since);
        if since.is_some() && !asks_since {
            let hint = "write for instance query: { changed_since: \"{since}\" }";
            poll.problem("since", "since-unused", "no value of `query` says {since}", hint);
        }
        let changes = match (since, key) {
            (Some(_), Some(_)) => {
                let hint = "take `key` out: with `since` a change is known by its content";
                poll.problem(
                    "key",
                    "changes-ambiguous",
                    "`since` and `key` are two ways to know a change",
                    hint,
                );
                None
            }
            (Some(since), None) => Some(Changes::Since(since)),
            (None, Some(key)) => Some(Changes::ByKey(key)),
            (None, None) => {
                if poll.value("since").is_none() {
                    let hint = "since: { at: /changed_at } asks for changes; key: /id compares all records each time";
                    poll.missing("since", hint);
                }
                None
            }
        };
        let every_ms = poll.duration_ms("every", 30_000, 100..=24 * HOUR_MS);
        let timeout_ms = poll.duration_ms("timeout", 30_000, 1..=HOUR_MS);
        let connect_timeout_ms = poll.duration_ms("connect_timeout", timeout_ms.min(5_000), 1..=HOUR_MS);
        let page_limit_bytes = poll.size_bytes("page_limit", 16 << 20, 1..=MOST_PAGE_BYTES);
        poll.finish();
        Some(Self {
            name: format!("{system}/{name}"),
            request: request?,
            pages: pages?,
            changes: changes?,
            every_ms,
            timeout_ms,
            connect_timeout_ms,
            page_limit_bytes,
            format: format?.0,
        })
    }

    /// Resolves the secrets.
    pub(crate) fn build(
        &self,
        http: &HttpConfig,
        with: &Surroundings<'_>,
    ) -> Result<Box<dyn Source>, Reason> {
        let target = http.target.clone().ok_or_else(no_target)?;
        let reader = reader::PageReader::build(self, http, target, with)?;
        Ok(Box::new(run::PollSource::new(self.clone(), reader)))
    }
}

impl PollConfig {
    /// Asks for the first page as the first poll of all would.
    pub(super) async fn probe(&self, http: &HttpConfig, with: &Surroundings<'_>) -> Result<String, Reason> {
        let target = http.target.clone().ok_or_else(no_target)?;
        let reader = reader::PageReader::build(self, http, target, with)?;
        let start = match &self.changes {
            Changes::Since(since) => Some(since.query(since.start)),
            Changes::ByKey(_) => None,
        };
        let query = reader.query(start.as_deref()).into_iter().chain(self.pages.first());
        let bytes = reader.first_page(&pages::address(&reader.path, &query.collect::<Vec<_>>())).await?;
        let mut records = 0;
        for document in lineshaft_formats::decode(&self.format, &bytes) {
            document.map_err(Reason::from)?;
            records += 1;
        }
        Ok(format!("its first page has {records} records"))
    }
}

/// `{since}`, percent-encoded as a query value is.
const SINCE: &str = "%7Bsince%7D";

fn asks_since(request: &Request) -> bool {
    request.query.iter().any(|(_, value)| matches!(value, Text::Fixed(text) if text.contains(SINCE)))
}
