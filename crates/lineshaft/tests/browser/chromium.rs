//! A Chromium of its own for each test: fresh profile, private port, nothing sent anywhere.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use thirtyfour::{By, Capabilities};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::wire::Wire;

/// How long something on a page may take to become so.
const PATIENCE: Duration = Duration::from_secs(40);

const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// A browser under way.
pub(super) struct Chromium {
    pub(super) driver: WebDriver,
    wire: Wire,
    session: String,
    process: Child,
    _profile: tempfile::TempDir,
}

/// Where a program is; what to install when it is nowhere.
fn program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("no {} in PATH: run `apt-get install chromium chromium-driver`, or `cargo xtask test`, which does", names[0])
    })
}

impl Chromium {
    /// Starts one.
    pub(super) async fn start() -> Self {
        let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let mut process = Command::new(program(&["chromedriver"]))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the driver starts");
        let address = format!("http://127.0.0.1:{}", port_of(&mut process).await);
        let mut args: Vec<String> = FLAGS.map(String::from).to_vec();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let mut capabilities = Capabilities::new();
        let options = json!({ "args": args, "binary": browser });
        capabilities.set("goog:chromeOptions", options).expect("plain JSON");
        capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" })).expect("plain JSON");
        let driver = WebDriver::builder(address.as_str(), capabilities).client(Wire::new()).await;
        let driver = driver.unwrap_or_else(|error| panic!("{} cannot be driven: {error}", browser.display()));
        let session = format!("{address}/session/{}", driver.session_id());
        Self { driver, wire: Wire::new(), session, process, _profile: profile }
    }

    pub(super) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Makes the window as large as a screen of this width.
    pub(super) async fn width(&self, width: u32) {
        let size = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.command("/goog/cdp/execute", &command).await;
    }

    /// What a script on the page gives back.
    pub(super) async fn ask(&self, script: &str) -> Value {
        let answer = self.driver.execute(script, Vec::new()).await;
        answer.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// Waits until a script gives back something true, and hands it over.
    pub(super) async fn until(&self, what: &str, script: &str) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            // In the middle of a change of pages there may be nothing to ask.
            if let Ok(answer) = self.driver.execute(script, Vec::new()).await {
                let answer = answer.json().clone();
                if !matches!(answer, Value::Null | Value::Bool(false)) && answer != json!("") {
                    return answer;
                }
            }
            if tokio::time::Instant::now() > deadline {
                let page = self.ask("return location.href + '\\n' + document.body.innerText").await;
                panic!("{what}: not within {PATIENCE:?}; the page is {}", page.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) async fn element(&self, selector: &str) -> WebElement {
        self.until(selector, &format!("return !!document.querySelector({})", json!(selector))).await;
        self.driver.find(By::Css(selector)).await.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    pub(super) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        element.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// What the console of the browser says that is an error.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let entries = self.command("/se/log", &json!({ "type": "browser" })).await;
        let entries = entries["value"].as_array().cloned().unwrap_or_default();
        let grave = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        grave.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    async fn command(&self, path: &str, body: &Value) -> Value {
        let answer = self.wire.json(Method::POST, &format!("{}{path}", self.session), Some(body)).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Ends browser and driver.
    pub(super) async fn end(mut self) {
        self.driver.quit().await.expect("the browser ends");
        self.process.kill().await.expect("the driver ends");
    }
}

/// The port that the driver took, from its first lines.
async fn port_of(process: &mut Child) -> u16 {
    let mut lines = BufReader::new(process.stdout.take().expect("its output is ours")).lines();
    while let Some(line) = lines.next_line().await.expect("it says something") {
        let port = line.split("on port ").nth(1).and_then(|rest| rest.trim_end_matches('.').parse().ok());
        if let Some(port) = port.filter(|port| *port != 0) {
            // Keeps reading, so that the driver never waits for somebody to.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port;
        }
    }
    panic!("the driver said no port");
}
