//! The demo as a person starts it, on ports of its own.

use std::process::Stdio;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::wire::Wire;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A hub with its factory.
pub(super) struct Demo {
    /// The link that logs in.
    pub(super) link: String,
    /// Where the console is.
    pub(super) console: String,
    factory: String,
    wire: Wire,
    process: Child,
    _data: tempfile::TempDir,
}

impl Demo {
    /// Starts one and waits for its link.
    pub(super) async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder for its data");
        let mut process = Command::new(env!("CARGO_BIN_EXE_lineshaft"))
            .args(["demo", "--listen", "127.0.0.1:0", "--rate", "10", "--data"])
            .arg(data.path().join("demo"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the demo starts");
        let (said, mut lines) = mpsc::channel(64);
        listen(process.stdout.take().expect("its output is ours"), said.clone());
        listen(process.stderr.take().expect("its output is ours"), said);
        let (mut link, mut factory) = (None, None);
        let told = async {
            while link.is_none() || factory.is_none() {
                let line: String = lines.recv().await.expect("the demo ended before it said where it is");
                if let Some(told) = after(&line, "The console: ") {
                    link = Some(told);
                }
                if let Some(told) = after(&line, "The factory: ") {
                    factory = Some(told);
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the demo says where it is");
        // Keeps listening, so that the demo never waits for somebody to.
        tokio::spawn(async move { while lines.recv().await.is_some() {} });
        let (link, factory) = (link.unwrap_or_default(), factory.unwrap_or_default());
        let console = link.split("/login").next().unwrap_or_default().to_owned();
        let factory = factory.trim_end_matches("/sim").to_owned();
        Self { link, console, factory, wire: Wire::new(), process, _data: data }
    }

    /// Breaks a system in a way, until it is mended.
    pub(super) async fn break_system(&self, system: &str, mode: &str) {
        let fault = serde_json::json!({ "mode": mode });
        self.faults(Method::PUT, system, Some(&fault)).await;
    }

    /// Mends a system.
    pub(super) async fn mend_system(&self, system: &str) {
        self.faults(Method::DELETE, system, None).await;
    }

    async fn faults(&self, method: Method, system: &str, fault: Option<&Value>) {
        let url = format!("{}/sim/{system}/faults", self.factory);
        self.wire.json(method, &url, fault).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Ends it.
    pub(super) async fn end(mut self) {
        self.process.kill().await.expect("the demo ends");
    }
}

fn after(line: &str, words: &str) -> Option<String> {
    line.split_once(words).map(|(_, rest)| rest.trim().to_owned())
}

/// Hands over every line, and shows it in case the test fails.
fn listen(output: impl AsyncRead + Unpin + Send + 'static, said: mpsc::Sender<String>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if !line.contains("token=") {
                eprintln!("demo: {line}");
            }
            if said.send(line).await.is_err() {
                return;
            }
        }
    });
}
