//! Polls of systems that cannot say what has changed: all records are read each time and compared with what was handed over.

use std::collections::{HashMap, HashSet};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use lineshaft_model::Reason;
use lineshaft_model::json::{Limits, Value};
use lineshaft_ports::Input;

use super::reader::Ended;
use super::run::{PageBytes, Poll};
use crate::batch::{Batch, content_identity};
use crate::feeder::Stopped;

/// A poll by key. What is known of each record is recorded with it: its number of changes and its content.
pub(super) struct Snapshot<'a> {
    poll: Poll<'a>,
    key: &'a str,
    known: HashMap<String, Known>,
    /// Broken parts that were handed over.
    broken: HashSet<String>,
}

/// What was last handed over of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    /// How often it changed: the same content may come back and is a change then.
    changes: u64,
    /// Its content, or nothing when it was gone.
    content: Option<String>,
}

const VERSION: &str = "1";
/// Records of one poll; each is remembered.
const MOST_RECORDS: usize = 500_000;
const MOST_BROKEN: usize = 10_000;
/// Inputs on their way to the hub at once: each is durable by itself, and they share a write.
const MOST_ON_THE_WAY: usize = 64;
const MOST_KEY_BYTES: usize = 256;

impl Known {
    fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split(' ');
        if parts.next()? != VERSION {
            return None;
        }
        let changes = parts.next()?.parse().ok()?;
        let content = parts.next().filter(|content| *content != "-").map(str::to_owned);
        Some(Self { changes, content })
    }

    fn token(&self) -> String {
        format!("{VERSION} {} {}", self.changes, self.content.as_deref().unwrap_or("-"))
    }
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(poll: Poll<'a>, key: &'a str) -> Self {
        Self { poll, key, known: HashMap::new(), broken: HashSet::new() }
    }

    pub(super) async fn run(mut self) -> Ended {
        match self.poll.feeder.resume().await {
            Ok(tokens) => {
                let known =
                    tokens.into_iter().filter_map(|(part, token)| Some((part, Known::parse(&token)?)));
                self.known = known.collect();
            }
            Err(stopped) => return stopped.into(),
        }
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
        let mut present = HashSet::new();
        for readings in 1.. {
            let mut reading = self.poll.begin(None);
            let (mut news, mut pages) = (0, 0);
            while let Some(page) = self.poll.page(&mut reading).await? {
                pages += 1;
                let (count, fresh) = self.take(&page, &mut present).await?;
                news += fresh;
                self.poll.advance(&mut reading, &page, count)?;
            }
            let again = self.poll.must_read_again(&reading, news, readings);
            self.poll.finish(reading);
            if pages == 0 {
                return Ok(());
            }
            if !again {
                break;
            }
        }
        self.note_gone(&present).await
    }

    async fn take(
        &mut self,
        page: &PageBytes,
        present: &mut HashSet<String>,
    ) -> Result<(usize, usize), Ended> {
        let records = self.poll.records(page)?;
        let count = records.len();
        let (mut broken, mut inputs) = (Batch::default(), Vec::new());
        for record in records {
            let document = match record.document {
                Ok(document) => document,
                Err(error) => {
                    if self.is_new_broken(&error.raw) {
                        broken.push_error(&record.origin, error);
                    }
                    continue;
                }
            };
            let key = match self.key_of(&document.json) {
                Ok(key) => key,
                Err(reason) => {
                    if self.is_new_broken(&document.raw) {
                        broken.push_broken(&document.raw, record.origin, vec![reason]);
                    }
                    continue;
                }
            };
            present.insert(key.clone());
            if present.len() > MOST_RECORDS {
                let message = format!("the poll gives more than {MOST_RECORDS} records");
                return Err(Reason::new("poll-too-many", message)
                    .hint("ask for changes with `since`, or filter in `query`")
                    .into());
            }
            let content = content_identity(&document.json);
            let before = self.known.get(&key);
            if before.is_some_and(|before| before.content.as_ref() == Some(&content)) {
                continue;
            }
            let changes = before.map_or(0, |before| before.changes) + 1;
            let known = Known { changes, content: Some(content) };
            let mut batch = Batch::default();
            batch.push(&document.raw, &document.json, record.origin, format!("{key}@{changes}"));
            let input =
                batch.into_input(&self.poll.config.format, self.key, Some((key.clone(), known.token())));
            inputs.push(input);
            // Twice on one page is two changes.
            self.known.insert(key, known);
        }
        if !broken.is_empty() {
            self.poll.feeder.hand_over(broken.into_input(&self.poll.config.format, self.key, None)).await?;
        }
        let fresh = inputs.len();
        self.hand_over_all(inputs).await?;
        Ok((count, fresh))
    }

    fn is_new_broken(&mut self, raw: &[u8]) -> bool {
        if self.broken.len() >= MOST_BROKEN {
            self.broken.clear();
        }
        self.broken.insert(content_identity(raw))
    }

    fn key_of(&self, json: &[u8]) -> Result<String, Reason> {
        let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
        let record = Value::parse(json, &limits)?;
        let found = record.pointer(self.key);
        let key = found.and_then(|found| found.as_str().or_else(|| found.as_number())).unwrap_or_default();
        if (1..=MOST_KEY_BYTES).contains(&key.len()) {
            return Ok(key.to_owned());
        }
        Err(Reason::new("record-without-key", format!("a record has no key of 1 to {MOST_KEY_BYTES} bytes"))
            .at(self.key)
            .hint("check `key` of the poll"))
    }

    /// Hands inputs over, many at once. They are of different records, so their order does not matter; of one record that
    /// came twice, the later one waits for the earlier.
    async fn hand_over_all(&self, inputs: Vec<Input>) -> Result<(), Stopped> {
        let mut on_the_way = FuturesUnordered::new();
        let mut parts: HashSet<String> = HashSet::new();
        for input in inputs {
            let part = input.resume.as_ref().map(|(part, _)| part.clone()).unwrap_or_default();
            if on_the_way.len() >= MOST_ON_THE_WAY || !parts.insert(part.clone()) {
                while let Some(done) = on_the_way.next().await {
                    done?;
                }
                parts.clear();
                parts.insert(part);
            }
            on_the_way.push(async { self.poll.feeder.hand_over(input).await.map(drop) });
        }
        while let Some(done) = on_the_way.next().await {
            done?;
        }
        Ok(())
    }

    /// A record that is not there any more is a change when it comes back.
    async fn note_gone(&mut self, present: &HashSet<String>) -> Result<(), Ended> {
        let gone: Vec<String> = self
            .known
            .iter()
            .filter(|(key, known)| known.content.is_some() && !present.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        let mut inputs = Vec::with_capacity(gone.len());
        for key in gone {
            if let Some(known) = self.known.get_mut(&key) {
                known.content = None;
                inputs.push(Input { resume: Some((key, known.token())), ..Input::default() });
            }
        }
        self.hand_over_all(inputs).await?;
        Ok(())
    }
}
