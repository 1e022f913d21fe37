//! The running poll: reads all pages, hands over what is new, and moves its place once all of it is durable.

use std::collections::{HashMap, HashSet};

use futures::future::BoxFuture;
use lineshaft_formats::decode;
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::{Millis, Reason};
use lineshaft_ports::{HandOver, Input, Source};
use tokio_util::sync::CancellationToken;

use super::pages::{Page, address};
use super::reader::{Answered, Ended, PageReader};
use super::since::Since;
use super::snapshot::Snapshot;
use super::{Changes, PollConfig};
use crate::Feeder;
use crate::batch::{Batch, content_identity};

/// A source that polls.
#[derive(Debug)]
pub(super) struct PollSource {
    config: PollConfig,
    reader: PageReader,
}

/// The part under which the place of a poll with `since` is recorded, and the form of its token.
const PART: &str = "since";
const VERSION: &str = "1";

/// Pages of one poll. A system that gives more repeats itself.
const MOST_PAGES: u64 = 100_000;
/// Records of the overlap that are remembered, so that they are not handed over with every poll. Beyond it the hub
/// recognises them.
const MOST_SEEN: usize = 200_000;
/// Readings of pages that may shift, until one brings nothing new.
const MOST_READINGS: usize = 20;

impl PollSource {
    pub(super) fn new(config: PollConfig, reader: PageReader) -> Self {
        Self { config, reader }
    }
}

impl Source for PollSource {
    fn run<'a>(
        &'a mut self,
        hub: &'a dyn HandOver,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), Reason>> {
        let (config, reader) = (&self.config, &self.reader);
        let feeder = Feeder::new(hub, stop, &config.name);
        let poll = Poll { config, reader, feeder, known: None };
        Box::pin(async move {
            let ended = match &config.changes {
                Changes::Since(since) => SincePoll::new(poll, since).run().await,
                Changes::ByKey(key) => Snapshot::new(poll, key).run().await,
            };
            match ended {
                Ended::Stopped => Ok(()),
                Ended::Failed(reason) => Err(reason),
            }
        })
    }
}

/// What both kinds of poll have.
pub(super) struct Poll<'a> {
    pub(super) config: &'a PollConfig,
    reader: &'a PageReader,
    pub(super) feeder: Feeder<'a>,
    /// Address and entity tag of the last poll, when one page was all of it and all of that is durable.
    known: Option<(String, String)>,
}

/// The pages of one reading, one after the other.
pub(super) struct Reading {
    next: Option<String>,
    first: String,
    query: Vec<(String, String)>,
    number: u64,
    records: u64,
    asked: HashSet<String>,
    tag: Option<String>,
    /// When the first page was answered, by the system's own clock.
    pub(super) began: Option<Millis>,
}

/// One record of a page, or a part of it that cannot be read.
pub(super) struct Record<'a> {
    pub(super) document: Result<lineshaft_formats::Document<'a>, lineshaft_formats::FormatError>,
    pub(super) origin: String,
}

impl<'a> Poll<'a> {
    /// Begins a reading from a place.
    pub(super) fn begin(&self, since: Option<&str>) -> Reading {
        let query = self.reader.query(since);
        let all: Vec<_> = query.iter().cloned().chain(self.config.pages.first()).collect();
        let first = address(&self.reader.path, &all);
        Reading {
            next: Some(first.clone()),
            first,
            query,
            number: 0,
            records: 0,
            asked: HashSet::new(),
            tag: None,
            began: None,
        }
    }

    /// The bytes of the next page; `None` after the last, and when nothing has changed since the last poll.
    pub(super) async fn page(&mut self, reading: &mut Reading) -> Result<Option<PageBytes>, Ended> {
        let Some(asked) = reading.next.take() else { return Ok(None) };
        if !reading.asked.insert(asked.clone()) || reading.number >= MOST_PAGES {
            return Err(Reason::new("page-loop", format!("the pages never end: {asked} comes again"))
                .hint("check `pages`; the system gives the same next page twice")
                .into());
        }
        let known = self.known.as_ref().filter(|(address, _)| *address == asked).map(|(_, tag)| tag.clone());
        let reply = match self.reader.page(&self.feeder, &asked, known.as_deref()).await? {
            Answered::Page(reply) => reply,
            Answered::Unchanged => return Ok(None),
        };
        if reading.number == 0 {
            reading.began =
                reply.field("date").and_then(|date| httpdate::parse_http_date(date).ok()).map(since_1970);
            reading.tag = reply.field("etag").map(str::to_owned);
        }
        let bytes = if reply.status == 204 { Vec::new() } else { reply.body.clone() };
        Ok(Some(PageBytes { bytes, reply, asked, number: reading.number }))
    }

    /// The records of a page. A page that cannot be read at all is a failure of the poll: it would be no other the next time.
    pub(super) fn records<'p>(&self, page: &'p PageBytes) -> Result<Vec<Record<'p>>, Ended> {
        if page.bytes.is_empty() {
            return Ok(Vec::new());
        }
        let mut records = Vec::new();
        for document in decode(&self.config.format, &page.bytes) {
            let line = match &document {
                Ok(document) => document.at.line,
                Err(error) if error.fatal => {
                    let reason = Reason::from(error.clone());
                    return Err(Reason {
                        message: format!("the page {} cannot be read: {}", page.asked, reason.message),
                        ..reason
                    }
                    .into());
                }
                Err(error) => error.at.line,
            };
            let origin = format!("{} page {} line {line}", self.reader.path, page.number + 1);
            records.push(Record { document, origin });
        }
        Ok(records)
    }

    /// Goes on to the page after one that is durable.
    pub(super) fn advance(
        &self,
        reading: &mut Reading,
        page: &PageBytes,
        records: usize,
    ) -> Result<(), Ended> {
        reading.records += records as u64;
        let here = Page {
            path: &self.reader.path,
            query: &reading.query,
            asked: &page.asked,
            number: reading.number,
            records: records as u64,
            before: reading.records,
        };
        reading.next = self.config.pages.next(&self.reader.client.dial.target, &here, &page.reply)?;
        reading.number += 1;
        Ok(())
    }

    /// All of a reading is durable.
    pub(super) fn finish(&mut self, reading: Reading) {
        self.known = match reading.tag {
            Some(tag) if reading.number == 1 => Some((reading.first, tag)),
            // Nothing had changed, so what is known stays so.
            _ if reading.number == 0 => self.known.take(),
            _ => None,
        };
    }

    /// Whether another reading is needed, because records may have moved between the pages of this one.
    pub(super) fn must_read_again(&self, reading: &Reading, news: usize, readings: usize) -> bool {
        self.config.pages.may_shift() && reading.number > 1 && news > 0 && readings < MOST_READINGS
    }
}

/// A page as it came.
pub(super) struct PageBytes {
    pub(super) bytes: Vec<u8>,
    reply: super::super::client::Reply,
    asked: String,
    number: u64,
}

fn since_1970(time: std::time::SystemTime) -> Millis {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A poll that asks for what was changed since.
struct SincePoll<'a> {
    poll: Poll<'a>,
    since: &'a Since,
    /// The highest value that is durable with everything below it, as far as the overlap reaches.
    place: Option<i64>,
    /// Identities within the overlap that were handed over, with their values.
    seen: HashMap<String, i64>,
}

impl<'a> SincePoll<'a> {
    fn new(poll: Poll<'a>, since: &'a Since) -> Self {
        Self { poll, since, place: None, seen: HashMap::new() }
    }

    async fn run(mut self) -> Ended {
        let tokens = match self.poll.feeder.resume().await {
            Ok(tokens) => tokens,
            Err(stopped) => return stopped.into(),
        };
        let token = tokens.into_iter().find(|(part, _)| part == PART).map(|(_, token)| token);
        self.place = token.as_deref().and_then(read_token);
        loop {
            if let Err(ended) = self.poll_once().await {
                return ended;
            }
            if let Err(stopped) = self.poll.feeder.pause(self.poll.config.every_ms).await {
                return stopped.into();
            }
        }
    }

    async fn poll_once(&mut self) -> Result<(), Ended> {
        let from = self
            .place
            .map_or(self.since.start, |place| place.saturating_sub(self.since.overlap).max(self.since.start));
        let mut highest = self.place;
        for readings in 1.. {
            let mut reading = self.poll.begin(Some(&self.since.query(from)));
            let (mut news, mut ceiling) = (0, None);
            while let Some(page) = self.poll.page(&mut reading).await? {
                ceiling = ceiling.or(reading.began);
                let (count, fresh, top) = self.take(&page, ceiling).await?;
                highest = highest.max(top);
                news += fresh;
                self.poll.advance(&mut reading, &page, count)?;
            }
            let again = self.poll.must_read_again(&reading, news, readings);
            self.poll.finish(reading);
            if !again {
                break;
            }
        }
        self.move_to(highest).await
    }

    /// Hands over what is new on a page: how many records it has, how many were new, and the highest value.
    async fn take(
        &mut self,
        page: &PageBytes,
        ceiling: Option<Millis>,
    ) -> Result<(usize, usize, Option<i64>), Ended> {
        let records = self.poll.records(page)?;
        let count = records.len();
        let (mut batch, mut waiting) = (Batch::default(), Vec::new());
        let (mut fresh, mut top) = (0, None);
        for record in records {
            let (identity, value) = match &record.document {
                Ok(document) => (content_identity(&document.json), self.value(&document.json)),
                Err(error) => (format!("!{}", content_identity(&error.raw)), Ok(None)),
            };
            let (value, reason) = match value {
                Ok(value) => (value, None),
                Err(reason) => (None, Some(reason)),
            };
            // A clock of theirs that is ahead must not carry the place past what others will still write.
            let bounded = match (value, ceiling) {
                (Some(value), Some(now)) if self.since.is_time() => Some(value.min(now.0)),
                (value, _) => value,
            };
            top = top.max(bounded);
            if self.seen.contains_key(&identity) {
                continue;
            }
            fresh += 1;
            match (record.document, reason) {
                (Ok(document), None) => {
                    batch.push(&document.raw, &document.json, record.origin, identity.clone());
                }
                (Ok(document), Some(reason)) => batch.push_broken(&document.raw, record.origin, vec![reason]),
                (Err(error), _) => batch.push_error(&self.poll.reader.path, error),
            }
            waiting.push((identity, value.unwrap_or(i64::MAX)));
            if batch.is_full() {
                self.hand_over(std::mem::take(&mut batch), &mut waiting, None).await?;
            }
        }
        let moves = self.since.ordered && !self.poll.config.pages.may_shift();
        let place = if moves { top.filter(|top| Some(*top) > self.place) } else { None };
        self.hand_over(batch, &mut waiting, place).await?;
        Ok((count, fresh, top))
    }

    fn value(&self, json: &[u8]) -> Result<Option<i64>, Reason> {
        let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
        self.since.of(&Value::parse(json, &limits)?)
    }

    async fn hand_over(
        &mut self,
        batch: Batch,
        waiting: &mut Vec<(String, i64)>,
        place: Option<i64>,
    ) -> Result<(), Ended> {
        if !batch.is_empty() {
            let resume = place.map(|place| (PART.to_owned(), write_token(place)));
            let input = batch.into_input(&self.poll.config.format, &self.poll.reader.path, resume);
            self.poll.feeder.hand_over(input).await?;
            self.place = place.or(self.place);
            if self.seen.len() + waiting.len() > MOST_SEEN {
                self.seen.clear();
            }
        }
        self.seen.extend(waiting.drain(..));
        Ok(())
    }

    /// Records the place, now that everything up to it is durable, and forgets what no later poll asks for.
    async fn move_to(&mut self, highest: Option<i64>) -> Result<(), Ended> {
        let Some(place) = highest else { return Ok(()) };
        if Some(place) > self.place {
            let resume = Some((PART.to_owned(), write_token(place)));
            self.poll.feeder.hand_over(Input { resume, ..Input::default() }).await?;
            self.place = Some(place);
        }
        // A day wider than asked for, because dates and seconds are asked for from their start.
        let from = place.saturating_sub(self.since.overlap).saturating_sub(86_400_000);
        self.seen.retain(|_, value| *value >= from);
        Ok(())
    }
}

fn read_token(text: &str) -> Option<i64> {
    let (version, place) = text.split_once(' ')?;
    if version == VERSION { place.parse().ok() } else { None }
}

fn write_token(place: i64) -> String {
    format!("{VERSION} {place}")
}
