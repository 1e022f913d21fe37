//! The hub as a stranger sees it: a process, a folder and an address.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{interval, timeout};

use crate::caller::{Call, Caller};

/// Longer than a hub may take to start, to drain or to end on a shared machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `reached` says so, or fails with `what`.
pub(crate) async fn until(what: &str, patience: Duration, mut reached: impl AsyncFnMut() -> bool) {
    let mut ticks = interval(Duration::from_millis(10));
    let waited = timeout(patience, async {
        while !reached().await {
            ticks.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited {patience:?} for {what}");
}

/// A workspace in a folder of its own.
#[derive(Debug)]
pub(crate) struct Plant {
    folder: TempDir,
    environment: Vec<(String, String)>,
    /// What every hub on this folder has logged, in the order of their lives.
    log: Arc<Mutex<String>>,
}

impl Plant {
    /// A folder with `lineshaft.yaml` only: any port, small segments, small bodies, and `more`.
    pub(crate) fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plant = Self { folder, environment: Vec::new(), log: Arc::default() };
        let settings = "listen: 127.0.0.1:0\ndata: data\njournal: { file: { segment: 1MiB, reserve: 16MiB } }\nlimits: { body: 1MiB }\n";
        plant.write("lineshaft.yaml", &format!("{settings}{more}"));
        plant
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A variable of the environment of every program started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    /// A system with one operation, `post`, that sends an event's data to `url`.
    pub(crate) fn write_destination(&self, system: &str, url: &str, limits: &str) {
        let text = format!(
            "system: {system}\nconnector: http\nbase_url: {url}\nlimits: {{ {limits} }}\noperations:\n  post:\n    \
             request: {{ method: POST, path: /{system}, idempotency_header: Idempotency-Key }}\n"
        );
        self.write(&format!("systems/{system}.yaml"), &text);
    }

    /// A route of every event to `system.post`. It is called like the system.
    pub(crate) fn write_route(&self, system: &str) {
        let retry = "{ first: 50ms, factor: 2, ceiling: 1s }";
        let text =
            format!("- route: to-{system}\n  on: lineshaft.*.*.v1\n  to: {system}.post\n  retry: {retry}\n");
        self.write(&format!("routes/{system}.yaml"), &text);
    }

    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lineshaft"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A command of the program, run to its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }

    /// A command that must end well; what it printed.
    pub(crate) fn printed(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?} ended with {}: {said}\n{}",
            output.status,
            self.last_words()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// A token with every right, made before the hub starts.
    pub(crate) fn token(&self) -> String {
        let made = self.printed(&["token", "create", "proof", "--scope", "admin", "--data", "data"]);
        made.trim().to_owned()
    }

    /// Starts the hub. It may not answer yet.
    pub(crate) fn start(&self) -> Hub {
        let mut command = self.program(&["run", "."]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let (told, address) = watch::channel(None);
        let log = Arc::clone(&self.log);
        let reading = std::thread::spawn(move || {
            for line in lines.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                told.send_if_modified(|known| known.is_none() && read_address(&line, known));
                let mut log = log.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Hub { child, address, reading: Some(reading) }
    }

    /// Starts the hub and waits until it takes input.
    pub(crate) async fn started(&self, token: &str) -> (Hub, Caller) {
        let mut hub = self.start();
        let caller =
            hub.serving(token).await.unwrap_or_else(|| panic!("the hub ended:\n{}", self.last_words()));
        (hub, caller)
    }

    /// Everything the hubs on this folder have logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The end of the log.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().rev().take(30).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Fails when a hub has said that the fault is its own.
    pub(crate) fn assert_no_fault(&self) {
        for line in self.log().lines() {
            let fault =
                ["internal-fault", "panicked", "store-unreadable", "journal-position", "views-failed"];
            assert!(!fault.iter().any(|word| line.contains(word)), "a fault of the hub's own: {line}");
        }
    }
}

/// The address in the line that a hub logs once it listens.
fn read_address(line: &str, known: &mut Option<SocketAddr>) -> bool {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
    if line["message"] == "the hub is running" {
        *known = line["address"].as_str().and_then(|text| text.parse().ok());
    }
    known.is_some()
}

/// A running hub. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Hub {
    child: Child,
    address: watch::Receiver<Option<SocketAddr>>,
    reading: Option<std::thread::JoinHandle<()>>,
}

impl Hub {
    /// A caller, once the hub takes input; `None` when the process ended before.
    pub(crate) async fn serving(&mut self, token: &str) -> Option<Caller> {
        let told = timeout(PATIENCE, self.address.wait_for(Option::is_some)).await;
        let address = (*told.expect("the hub says where it listens").ok()?)?;
        let mut caller = Caller::new(address, token);
        until("the hub to take input", PATIENCE, async || {
            caller.get("/readyz").await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        Some(caller)
    }

    /// Whether the process lives.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// kill -9, and gone when this returns.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.read_log();
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        // The shell's own `kill`: a bare machine has no program of that name.
        let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(sent.unwrap().success());
        until("the hub to stop", PATIENCE, async || !self.lives()).await;
        self.read_log();
        self.child.wait().unwrap()
    }

    /// Waits until all that the ended process wrote is in the log.
    fn read_log(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.join().unwrap();
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.read_log();
    }
}

/// The books.
pub(crate) async fn balance(caller: &mut Caller) -> Value {
    let answer = caller.call(&Call::get("/v1/balance")).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The books once the views have caught up and nothing waits for delivery.
pub(crate) async fn drained(caller: &mut Caller, patience: Duration) -> Value {
    let mut ticks = interval(Duration::from_millis(20));
    let begun = Instant::now();
    loop {
        let books = balance(caller).await;
        let destinations = books["destinations"].as_array().unwrap();
        if books["applied"] == books["position"] && destinations.iter().all(|books| books["pending"] == 0) {
            assert_eq!(books["balanced"], true, "{books:#}");
            return books;
        }
        assert!(begun.elapsed() < patience, "something waits for delivery after {patience:?}: {books:#}");
        ticks.tick().await;
    }
}
