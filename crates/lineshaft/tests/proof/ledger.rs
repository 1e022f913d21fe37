//! The external ledgers: what was acknowledged, written and synced before the writer goes on, and what had an effect, as the
//! sink wrote it. Judgement is passed on these files alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

/// Most entries that wait for one sync.
const GROUP: usize = 256;

type Entry = (String, oneshot::Sender<()>);

/// The ids that the hub has acknowledged, one a line.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    entries: mpsc::Sender<Entry>,
    path: PathBuf,
}

impl Ledger {
    pub(crate) fn open(path: &Path) -> Self {
        let file = File::options().create_new(true).append(true).open(path).unwrap();
        File::open(path.parent().unwrap()).unwrap().sync_all().unwrap();
        let (entries, queue) = mpsc::channel(GROUP);
        std::thread::spawn(move || write_groups(&file, queue));
        Self { entries, path: path.to_owned() }
    }

    /// Returns when these ids are on disk.
    pub(crate) async fn enter(&self, ids: &[String]) {
        let (done, synced) = oneshot::channel();
        let lines = ids.iter().fold(String::new(), |lines, id| lines + id + "\n");
        self.entries.send((lines, done)).await.unwrap();
        synced.await.unwrap();
    }

    /// What is in the file.
    pub(crate) fn acknowledged(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let ids: BTreeSet<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(ids.len(), text.lines().count(), "an id was entered twice: the test is wrong");
        ids
    }
}

fn write_groups(mut file: &File, mut queue: mpsc::Receiver<Entry>) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while let Some(next) = (group.len() < GROUP).then(|| queue.try_recv().ok()).flatten() {
            group.push(next);
        }
        let text: String = group.iter().map(|(lines, _)| lines.as_str()).collect();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_data().unwrap();
        for (_, done) in group {
            // The writer may have been given up with its test.
            let _ = done.send(());
        }
    }
}

/// One line of the sink's ledger.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Effect {
    sequence: u64,
    operation: String,
    key: String,
    id: String,
    revision: u64,
}

/// Every effect at one destination, in the order in which they happened.
#[derive(Debug, Default)]
pub(crate) struct Effects(BTreeMap<String, Vec<Effect>>);

impl Effects {
    /// Reads the sink's ledger.
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut effects = Self::default();
        for line in text.lines() {
            let effect: Effect = serde_json::from_str(line).unwrap();
            effects.0.entry(effect.operation.clone()).or_default().push(effect);
        }
        effects.0.values_mut().for_each(|effects| effects.sort_by_key(|effect| effect.sequence));
        effects
    }

    pub(crate) fn count(&self, operation: &str) -> u64 {
        self.0.get(operation).map_or(0, |effects| effects.len() as u64)
    }

    /// Every acknowledged event had exactly one effect, and those of one key came in their order without a gap.
    pub(crate) fn assert_whole(&self, operation: &str, acknowledged: &BTreeSet<String>) {
        let seen = self.assert_part(operation, acknowledged);
        let lost: Vec<&String> =
            acknowledged.iter().filter(|id| !seen.contains(id.as_str())).take(20).collect();
        assert!(lost.is_empty(), "{operation}: acknowledged and without effect: {lost:?}");
        let mut latest: HashMap<&str, u64> = HashMap::new();
        for effect in &self.0[operation] {
            let before = latest.insert(&effect.key, effect.revision).unwrap_or_default();
            assert_eq!(
                effect.revision,
                before + 1,
                "{operation}: {} of {} after {before}",
                effect.id,
                effect.key
            );
        }
    }

    /// No event had two effects, none that was not acknowledged had one, and those of one key came in their order. The ids.
    pub(crate) fn assert_part(&self, operation: &str, acknowledged: &BTreeSet<String>) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut latest: HashMap<&str, u64> = HashMap::new();
        for effect in self.0.get(operation).map_or(&[][..], Vec::as_slice) {
            assert!(seen.insert(effect.id.as_str()), "{operation}: {} had two effects", effect.id);
            assert!(acknowledged.contains(&effect.id), "{operation}: {} was never acknowledged", effect.id);
            let before = latest.insert(&effect.key, effect.revision).unwrap_or_default();
            assert!(effect.revision > before, "{operation}: {} of {} after {before}", effect.id, effect.key);
        }
        seen
    }
}
