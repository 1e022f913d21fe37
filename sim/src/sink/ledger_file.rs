//! The external ledger: an append-only file of JSON lines, synced in groups before anybody is answered.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

/// Most lines that wait for one sync.
const GROUP: usize = 512;

type Waiting = (String, oneshot::Sender<Result<(), String>>);

#[derive(Debug)]
pub(super) struct LedgerFile {
    lines: mpsc::Sender<Waiting>,
}

impl LedgerFile {
    pub(super) fn open(path: &Path, tasks: &TaskTracker) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // The file's name must survive too.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        let (lines, queue) = mpsc::channel(GROUP);
        tasks.spawn_blocking(move || write_groups(&file, queue));
        Ok(Self { lines })
    }

    /// Returns when the line is on disk.
    pub(super) async fn write(&self, line: String) -> io::Result<()> {
        let (done, synced) = oneshot::channel();
        let gone = || io::Error::other("the ledger's writer is gone");
        self.lines.send((line, done)).await.map_err(|_| gone())?;
        synced.await.map_err(|_| gone())?.map_err(io::Error::other)
    }
}

fn write_groups(mut file: &File, mut queue: mpsc::Receiver<Waiting>) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while let Some(next) = (group.len() < GROUP).then(|| queue.try_recv().ok()).flatten() {
            group.push(next);
        }
        let text: String = group.iter().map(|(line, _)| line.as_str()).collect();
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|error| error.to_string());
        for (_, done) in group {
            let _ = done.send(written.clone());
        }
    }
}
