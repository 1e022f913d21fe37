//! The file source on real files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lineshaft_ports::Source;
use lineshaft_ports::suite::source::{self as suite, Hub, Orders, Stand};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{NoSecrets, Surroundings};

fn build(folder: &Path, files: &Value, format: &Value) -> Box<dyn Source> {
    let mut files = files.clone();
    files["folder"] = json!("drop");
    let config = json!({
        "system": "erp", "connector": "file", "sources": { "orders": { "files": files, "format": format } }
    });
    let connector = crate::parse(&config, "erp").unwrap();
    connector.build_source("orders", &Surroundings::new(&NoSecrets, folder)).unwrap()
}

/// A workspace with a folder `drop`.
struct Drop {
    workspace: TempDir,
    files: Value,
    format: Value,
}

impl Drop {
    fn new() -> Self {
        let workspace = tempfile::tempdir().unwrap();
        fs::create_dir(workspace.path().join("drop")).unwrap();
        let files = json!({ "pattern": "*.csv", "settle": "20ms", "poll": "10ms" });
        Self { workspace, files, format: json!("csv") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.workspace.path().join("drop").join(name)
    }

    fn put(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn source(&self) -> Box<dyn Source> {
        build(self.workspace.path(), &self.files, &self.format)
    }

    async fn run(&self, hub: &Hub) {
        hub.restart(Orders::default());
        suite::run_until_idle(self.source(), hub).await;
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let files = entries.map(|entry| entry.unwrap()).filter(|entry| !entry.file_type().unwrap().is_dir());
        let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

struct FileStand {
    drop: Drop,
    documents: Vec<String>,
}

impl Stand for FileStand {
    fn source(&self) -> Box<dyn Source> {
        self.drop.source()
    }

    fn documents(&self) -> Vec<String> {
        self.documents.clone()
    }

    fn broken(&self) -> usize {
        3
    }
}

#[tokio::test]
async fn the_suite_of_sources() {
    suite::run_all(|| {
        let drop = Drop::new();
        let mut documents = Vec::new();
        for (name, rows) in [("a.csv", 1_300_usize), ("b.csv", 3), ("c.csv", 600)] {
            let mut text = "key,quantity\n".to_owned();
            for row in 0..rows {
                // Each thousandth row repeats, as rows legitimately do.
                let row = row % 1_000;
                text.push_str(&format!("{name}-{row},{row}\n"));
                documents.push(format!(r#"{{"key":"{name}-{row}","quantity":"{row}"}}"#));
            }
            text.push_str("too,many,columns\n");
            drop.put(name, &text);
        }
        FileStand { drop, documents }
    })
    .await;
}

#[tokio::test]
async fn a_bad_row_is_set_apart_with_its_line_and_the_file_is_done() {
    let drop = Drop::new();
    drop.put("a.csv", "key,n\n1,1\n2\n3,3\n");
    let hub = Hub::default();
    drop.run(&hub).await;
    assert_eq!(hub.documents(), [r#"{"key":"1","n":"1"}"#, r#"{"key":"3","n":"3"}"#]);
    assert_eq!(hub.broken(), ["a.csv line 3"]);
    assert_eq!(
        (drop.names("."), drop.names("done"), drop.names("failed")),
        (vec![], vec!["a.csv".to_owned()], vec![])
    );
}

#[tokio::test]
async fn a_file_of_which_nothing_can_be_read_has_failed() {
    let mut drop = Drop::new();
    drop.format = json!("json");
    drop.put("a.csv", "{ not json").put("b.csv", r#"{"good": 1}"#);
    let hub = Hub::default();
    drop.run(&hub).await;
    assert_eq!(
        (drop.names("done"), drop.names("failed")),
        (vec!["b.csv".to_owned()], vec!["a.csv".to_owned()])
    );
    assert_eq!(hub.broken(), ["a.csv line 1"]);
}

#[tokio::test]
async fn the_same_content_again_is_known_and_keeps_a_name_of_its_own() {
    let drop = Drop::new();
    let hub = Hub::default();
    for name in ["a.csv", "a.csv", "b.csv"] {
        drop.put(name, "key\n1\n1\n2\n");
        drop.run(&hub).await;
    }
    assert_eq!(hub.documents().len(), 3, "the repeated row counts twice, the repeated file once");
    assert_eq!(drop.names("done"), ["a-2.csv", "a.csv", "b.csv"]);
    drop.put("c.csv", "key\n1\n1\n2\n3\n");
    drop.run(&hub).await;
    assert_eq!(hub.documents().len(), 7, "another file is another statement");
}

#[tokio::test]
async fn with_identity_content_a_row_is_known_wherever_it_stands() {
    let mut drop = Drop::new();
    drop.files["identity"] = json!("content");
    let hub = Hub::default();
    drop.put("a.csv", "key\n1\n2\n");
    drop.run(&hub).await;
    drop.put("b.csv", "key\n1\n2\n3\n");
    drop.run(&hub).await;
    assert_eq!(hub.documents().len(), 3);
}

#[tokio::test]
async fn unfinished_and_foreign_names_links_and_folders_are_left_alone() {
    let drop = Drop::new();
    let outside = drop.workspace.path().join("secret.csv");
    fs::write(&outside, "key\nsecret\n").unwrap();
    symlink(&outside, drop.path("link.csv")).unwrap();
    fs::create_dir(drop.path("folder.csv")).unwrap();
    let names = [".a.csv", "a.csv.part", "a.csv.tmp", "a.txt", "link.csv"];
    for name in &names[..4] {
        drop.put(name, "key\n1\n");
    }
    let hub = Hub::default();
    drop.run(&hub).await;
    assert_eq!(hub.offered(), 0);
    assert_eq!(drop.names("."), names);
    assert!(outside.exists());
}

#[tokio::test]
async fn files_that_cannot_be_moved_stop_nobody_and_are_not_handed_over_again() {
    let drop = Drop::new();
    // A shelf that leads elsewhere is not used; the superuser, whom no permission stops, meets this fault too.
    let outside = drop.workspace.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, drop.path("done")).unwrap();
    drop.put("a.csv", "key\n1\n").put("b.csv", "key\n2\n");
    let hub = Hub::default();
    drop.run(&hub).await;
    assert_eq!((hub.documents().len(), hub.offered(), hub.tokens().len()), (2, 2, 2));
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(drop.path("done")).unwrap();
    drop.run(&hub).await;
    assert_eq!((drop.names("done"), hub.tokens()), (vec!["a.csv".to_owned(), "b.csv".to_owned()], vec![]));
    assert_eq!((hub.documents().len(), hub.offered()), (2, 2), "only the places were cleared");
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_and_a_link_is_never_followed() {
    let drop = Drop::new();
    drop.put("a.csv", "key\n");
    symlink(drop.path("a.csv"), drop.path("link.csv")).unwrap();
    let folder = super::folder::Folder { path: drop.path(""), pattern: "*".to_owned() };
    assert!(folder.open("a.csv").is_ok());
    assert!(folder.open("link.csv").is_err());
    assert!(folder.open("gone.csv").is_err());
    assert!(folder.open("..").is_err(), "a folder is no file");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_whole() {
    let mut drop = Drop::new();
    drop.files["max_file"] = json!("10B");
    drop.put("a.csv", "key\n123456789\n").put("b.csv", "key\n2\n");
    let hub = Hub::default();
    drop.run(&hub).await;
    assert_eq!((hub.broken().len(), hub.documents().len()), (1, 1));
    assert_eq!(
        (drop.names("done"), drop.names("failed")),
        (vec!["b.csv".to_owned()], vec!["a.csv".to_owned()])
    );
}

#[tokio::test]
async fn a_changed_file_is_not_resumed_in_its_middle() {
    let drop = Drop::new();
    let rows = |word: &str| (0..1_000).fold("key\n".to_owned(), |text, row| format!("{text}{word}-{row}\n"));
    drop.put("a.csv", &rows("old"));
    let hub = Hub::default();
    hub.restart(Orders { crash: Some((1, true)), ..Orders::default() });
    suite::run_until_idle(drop.source(), &hub).await;
    assert_eq!(hub.tokens().len(), 1);
    let known = hub.documents().len();
    assert!((1..1_000).contains(&known), "the crash came in the middle");
    drop.put("a.csv", &rows("new"));
    drop.run(&hub).await;
    assert_eq!(hub.documents().len(), known + 1_000);
    assert!(hub.tokens().is_empty());
}

#[tokio::test]
async fn a_missing_folder_ends_the_source_with_a_hint() {
    let drop = Drop::new();
    fs::remove_dir(drop.path(".").parent().unwrap().join("drop")).unwrap();
    let hub = Hub::default();
    let mut source = drop.source();
    let reason = source.run(&hub, tokio_util::sync::CancellationToken::new()).await.unwrap_err();
    assert_eq!(reason.code, "folder-unreadable");
}

#[test]
fn every_problem_of_a_source_is_found() {
    let config = json!({
        "connector": "file",
        "operations": {},
        "sources": {
            "a": { "files": { "folder": "x", "pattern": "../*", "done": "../up", "settle": "2", "order": "size" }, "format": "cvs" },
            "b": { "format": "csv" },
            "c": { "files": { "folder": "x", "done": "x", "failed": "x", "ploll": "1s" }, "format": { "csv": { "delimiter": "##" } } },
            "d": { "files": {}, "webhook": { "signature": "none" } }
        }
    });
    let reasons = crate::parse(&config, "erp").unwrap_err();
    let shown: Vec<_> = reasons.iter().map(|r| format!("{} {}", r.at, r.code)).collect();
    assert_eq!(
        shown,
        [
            "/sources/a/format format-malformed",
            "/sources/a/files/pattern pattern-malformed",
            "/sources/a/files/done folder-malformed",
            "/sources/a/files/settle setting-type",
            "/sources/a/files/order setting-choice",
            "/sources/b setting-missing",
            "/sources/c/format format-malformed",
            "/sources/c/files/failed folder-twice",
            "/sources/c/files/ploll setting-unknown",
            "/sources/d/webhook source-ambiguous",
            "/sources/d/files setting-missing",
            "/operations operations-unsupported",
        ]
    );
}
