//! The hub as a stranger sees it: a process, a folder and an address.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

/// Longer than anything on a busy machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// One attempt to reach the hub.
const ONE_CALL: Duration = Duration::from_secs(10);

/// A port that was free a moment ago. The hub keeps it over its restarts, as in a plant.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until `reached` says so, or fails with `what`.
pub(crate) async fn until(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let mut ticks = interval(Duration::from_millis(20));
    let waited = timeout(PATIENCE, async {
        while !reached().await {
            ticks.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited {PATIENCE:?} for {what}");
}

/// Where a hub listens and what opens it.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// An answer: its status and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", String::from_utf8_lossy(&self.body)))
    }
}

impl Door {
    pub(crate) async fn get(&self, path: &str) -> io::Result<Answer> {
        self.call(Method::GET, path, "", Bytes::new()).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> io::Result<Answer> {
        self.call(Method::POST, path, content_type, body.into()).await
    }

    /// One call on a connection of its own. An error means that no whole answer came.
    async fn call(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> io::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {}", self.token));
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let request = request.body(Full::new(body)).map_err(io::Error::other)?;
        let exchange = async {
            let stream = TcpStream::connect(self.address).await?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(io::Error::other)?;
            tokio::spawn(connection);
            let answer = sender.send_request(request).await.map_err(io::Error::other)?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
            Ok(Answer { status, body })
        };
        timeout(ONE_CALL, exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A workspace in a folder of its own, with the port its hub listens on.
#[derive(Debug)]
pub(crate) struct Plant {
    pub(crate) folder: PathBuf,
    pub(crate) address: SocketAddr,
    /// What its programs find in their environment besides ours.
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Plant {
    /// A token that may send, read and operate, made before the hub starts.
    pub(crate) fn token(&self) -> String {
        let scopes = ["--scope", "send", "--scope", "read", "--scope", "operate"];
        let made = self.command(&[&["token", "create", "scenario", "--data", "data"], &scopes[..]].concat());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// A workspace that is there already.
    pub(crate) fn at(folder: &Path) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        Self { folder: folder.to_owned(), address, variables: Vec::new() }
    }

    /// A command of the program, run to its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Output {
        self.program(arguments).output().unwrap()
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lineshaft"));
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the hub and waits until it takes input. Gives back how long that took.
    pub(crate) async fn start(&self, token: &str) -> (Hub, Duration) {
        let log =
            std::fs::File::options().create(true).append(true).open(self.folder.join("hub.log")).unwrap();
        let begun = Instant::now();
        let child = self.program(&["run", "."]).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut hub = Hub { child, door: Door { address: self.address, token: token.to_owned() } };
        until("the hub to take input", async || {
            if let Some(status) = hub.child.try_wait().unwrap() {
                panic!("the hub ended at once with {status}:\n{}", self.log());
            }
            hub.door.get("/readyz").await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        (hub, begun.elapsed())
    }

    /// The last lines the hub wrote.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("hub.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// A running hub. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Hub {
    child: Child,
    pub(crate) door: Door,
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
