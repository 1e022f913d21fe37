//! The running source of one folder: looks, waits for files to settle, hands their documents over, shelves them.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use futures::future::BoxFuture;
use lineshaft_model::Reason;
use lineshaft_ports::source::Broken;
use lineshaft_ports::{HandOver, Input, Receipt, Refusal, Source};
use tokio_util::sync::CancellationToken;

use super::config::FilesConfig;
use super::folder::{Folder, checksum};
use super::reader::{FileReader, ReadFault, Tally};
use super::token::Token;
use super::watch::{Found, Stamp, Watch};

/// Reads one folder.
#[derive(Debug)]
pub(crate) struct FileSource {
    config: FilesConfig,
    folder: Folder,
}

/// How taking a file ended.
enum Taken {
    /// It is dealt with, or left for later with a word in the log.
    Next,
    /// The hub is stopping.
    Stop,
}

/// One run: what is known of the folder, and the way to the hub.
struct Run<'a> {
    config: &'a FilesConfig,
    folder: &'a Folder,
    hub: &'a dyn HandOver,
    stop: CancellationToken,
    watch: Watch,
    /// Places in files, as the hub has recorded them.
    tokens: HashMap<String, String>,
    /// Milliseconds that were waited. Only waiting counts, so a slow hub never makes a file look settled.
    now_ms: u64,
}

impl FileSource {
    /// A source of this folder; relative ones start at `workspace`. Touches nothing yet.
    pub(crate) fn new(config: &FilesConfig, workspace: &Path) -> Self {
        let folder = Folder { path: workspace.join(&config.folder), pattern: config.pattern.clone() };
        Self { config: config.clone(), folder }
    }

    /// Looks into the folder.
    pub(crate) fn probe(&self) -> Result<String, Reason> {
        let look = self.folder.look()?;
        let (files, strange) = (look.found.len(), look.strange.len());
        let passed =
            if strange == 0 { String::new() } else { format!(", {strange} that would be passed over") };
        Ok(format!("the folder can be read; {files} files wait{passed}"))
    }
}

impl Source for FileSource {
    fn run<'a>(
        &'a mut self,
        hub: &'a dyn HandOver,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), Reason>> {
        let mut run = Run {
            config: &self.config,
            folder: &self.folder,
            hub,
            stop,
            watch: Watch::new(self.config.order, self.config.settle_ms),
            tokens: HashMap::new(),
            now_ms: 0,
        };
        Box::pin(async move {
            let stop = run.stop.clone();
            run.tokens = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                tokens = hub.resume() => tokens.into_iter().collect(),
            };
            run.run().await
        })
    }
}

impl Run<'_> {
    async fn run(&mut self) -> Result<(), Reason> {
        let mut strange_before = Vec::new();
        loop {
            let folder = self.folder.clone();
            let look = blocking(move || folder.look()).await??;
            if look.strange != strange_before {
                for (name, why) in &look.strange {
                    tracing::warn!(source = %self.config.name, file = %name, %why, "a file is passed over");
                }
                strange_before = look.strange;
            }
            if let Taken::Stop = self.forget_gone(&look.found).await? {
                return Ok(());
            }
            for found in self.watch.look(look.found, self.now_ms) {
                if let Taken::Stop = self.take(&found).await? {
                    return Ok(());
                }
            }
            if let Taken::Stop = self.wait(self.config.poll_ms).await {
                return Ok(());
            }
        }
    }

    async fn wait(&mut self, delay_ms: u64) -> Taken {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Taken::Stop,
            () = self.hub.pause(delay_ms) => {
                self.now_ms = self.now_ms.saturating_add(delay_ms);
                Taken::Next
            }
        }
    }

    /// Clears the places in files that are gone: a crash may have come between the move and the clearing.
    async fn forget_gone(&mut self, found: &[Found]) -> Result<Taken, Reason> {
        let is_found = |name: &str| found.iter().any(|found| found.name == name);
        let missing: Vec<String> = self.tokens.keys().filter(|name| !is_found(name)).cloned().collect();
        if missing.is_empty() {
            return Ok(Taken::Next);
        }
        let folder = self.folder.clone();
        let gone =
            blocking(move || missing.into_iter().filter(|name| !folder.holds(name)).collect::<Vec<_>>())
                .await?;
        for name in gone {
            if self.clear(&name).await.is_none() {
                return Ok(Taken::Stop);
            }
        }
        Ok(Taken::Next)
    }

    async fn take(&mut self, found: &Found) -> Result<Taken, Reason> {
        if found.stamp.size > self.config.max_file_bytes {
            return self.refuse_large(found).await;
        }
        let (folder, config, name) = (self.folder.clone(), self.config.clone(), found.name.clone());
        let (stamp, stop) = (found.stamp, self.stop.clone());
        let resume = self.tokens.get(&found.name).and_then(|token| Token::parse(token));
        let opened = blocking(move || open(&folder, &config, &name, stamp, &stop, resume)).await?;
        let mut reader = match opened {
            Ok(Some(reader)) => reader,
            Ok(None) => return Ok(Taken::Stop),
            Err(fault) => return Ok(self.leave(&found.name, fault)),
        };
        loop {
            let (back, batch) = blocking(move || {
                let batch = reader.next_batch();
                (reader, batch)
            })
            .await?;
            reader = back;
            match batch {
                Ok(None) => break,
                Err(fault) => return Ok(self.leave(&found.name, fault)),
                Ok(Some(input)) => {
                    if self.hand_over(input).await.is_none() {
                        return Ok(Taken::Stop);
                    }
                }
            }
        }
        self.shelve(found, reader.tally).await
    }

    /// The file is left where it is; others go on.
    fn leave(&mut self, name: &str, fault: ReadFault) -> Taken {
        match fault {
            ReadFault::Changed => {
                tracing::info!(source = %self.config.name, file = %name, "the file changed while it was read; it is read again once it has settled");
                self.watch.forget(name);
            }
            ReadFault::Io(error) => self.report(name, &error),
        }
        Taken::Next
    }

    fn report(&mut self, name: &str, error: &io::Error) {
        if self.watch.set_aside(name, self.now_ms) {
            tracing::warn!(
                source = %self.config.name, file = %name, %error,
                "a file cannot be taken; it is tried again every minute. hint: let the hub's user read and move it"
            );
        }
    }

    /// Everything in the file is durable: it is moved, and its place forgotten.
    async fn shelve(&mut self, found: &Found, tally: Tally) -> Result<Taken, Reason> {
        let has_failed = tally.cut_short || (tally.good == 0 && tally.broken > 0);
        let shelf = if has_failed { self.config.failed.clone() } else { self.config.done.clone() };
        let (folder, name, stamp) = (self.folder.clone(), found.name.clone(), found.stamp);
        let to = shelf.clone();
        match blocking(move || folder.shelve(&name, stamp, &to)).await? {
            Ok(Some(kept)) => tracing::info!(
                source = %self.config.name, file = %found.name, to = %format!("{shelf}/{kept}"),
                documents = tally.good, broken = tally.broken, "a file has been read"
            ),
            Ok(None) => tracing::info!(
                source = %self.config.name, file = %found.name,
                "a file has been read, and something else has taken its place meanwhile"
            ),
            Err(error) => {
                // Its place is kept: it is moved later, and nothing of it is handed over again.
                self.report(&found.name, &error);
                return Ok(Taken::Next);
            }
        }
        Ok(self.clear(&found.name).await.map_or(Taken::Stop, |_| Taken::Next))
    }

    async fn refuse_large(&mut self, found: &Found) -> Result<Taken, Reason> {
        let (size, most) = (found.stamp.size, self.config.max_file_bytes);
        let reason =
            Reason::new("file-too-large", format!("the file has {size} bytes, and {most} are allowed"))
                .hint("have it split, or raise `max_file` of the source");
        let input = Input {
            identity: format!("{} {size} bytes", found.name),
            origin: found.name.clone(),
            broken: vec![Broken { raw: 0..0, origin: found.name.clone(), reasons: vec![reason] }],
            ..Input::default()
        };
        if self.hand_over(input).await.is_none() {
            return Ok(Taken::Stop);
        }
        self.shelve(found, Tally { good: 0, broken: 1, cut_short: true }).await
    }

    /// Tells the hub to forget the place in a file. `None` when the hub is stopping.
    async fn clear(&mut self, name: &str) -> Option<()> {
        if self.tokens.contains_key(name) {
            self.hand_over(Input { resume: Some((name.to_owned(), String::new())), ..Input::default() })
                .await?;
        }
        Some(())
    }

    /// Hands an input over, as often as the hub has no room. `None` when the hub is stopping.
    async fn hand_over(&mut self, input: Input) -> Option<Receipt> {
        loop {
            let answer = tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                answer = self.hub.hand_over(input.clone()) => answer,
            };
            match answer {
                Ok(receipt) => {
                    if let Some((part, token)) = input.resume {
                        if token.is_empty() {
                            self.tokens.remove(&part)
                        } else {
                            self.tokens.insert(part, token)
                        };
                    }
                    return Some(receipt);
                }
                Err(Refusal::Closed) => return None,
                Err(refusal @ Refusal::TooLarge { .. }) => {
                    // The limits of formats keep batches far smaller: a fault of ours, told until somebody sees it.
                    tracing::error!(source = %self.config.name, origin = %input.origin, "{refusal}");
                    if let Taken::Stop = self.wait(60_000).await {
                        return None;
                    }
                }
                Err(Refusal::Busy { after_ms, .. }) => {
                    if let Taken::Stop = self.wait(after_ms.max(1)).await {
                        return None;
                    }
                }
            }
        }
    }
}

/// Opens a file and takes its checksum. `None` when told to stop.
fn open(
    folder: &Folder,
    config: &FilesConfig,
    name: &str,
    stamp: Stamp,
    stop: &CancellationToken,
    resume: Option<Token>,
) -> Result<Option<FileReader>, ReadFault> {
    let (mut file, opened) = folder.open(name).map_err(ReadFault::Io)?;
    if opened != stamp {
        return Err(ReadFault::Changed);
    }
    let Some(content) = checksum(&mut file, stop).map_err(ReadFault::Io)? else { return Ok(None) };
    FileReader::new(file, stamp, config, name, content, resume).map(Some).map_err(ReadFault::Io)
}

/// Runs file work on a thread that may block. This is no task: it is awaited where it is started, and when that is
/// dropped it ends by itself after the batch or the move it is at, which the next run finds as it is.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Reason> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Reason::new("file-reading-failed", format!("reading files ended unexpectedly: {error}"))
            .hint("the source starts again by itself; report it if it happens again")
    })
}
