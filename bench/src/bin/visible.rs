//! How long it takes from a supplier's confirmation at the API until its effect on an order stands on the order's page, while
//! other confirmations come at a steady rate and change the plan too.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use lineshaft_bench::child;
use lineshaft_bench::load::{Way, send_steadily};
use lineshaft_bench::machine::{Outcome, folder, quantile};
use lineshaft_bench::receiver::{Receiver, request_length};
use lineshaft_bench::report::Report;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Orders and purchase orders of the plan, whose confirmations are the load.
const KEYS: u64 = 1_000;
/// One of them is looked at.
const LOOKED_AT: &str = "4599999999";

/// Measures how soon the effect of a confirmation stands in the console, as the page's own script asks for it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Confirmations a second beside the ones that are looked at
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// Confirmations that are looked at, four a second
    #[arg(long, default_value_t = 200)]
    looks: u64,
    /// The hub's program; built when not given
    #[arg(long)]
    hub: Option<PathBuf>,
    /// Folder on the disk to measure
    #[arg(long)]
    on: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let place = folder(arguments.on.as_deref())?;
    let (_receiver, target) = Receiver::start(true).await?;
    let settings = "planning: {}\nsites: { P100: { timezone: Europe/Berlin } }\n";
    let (_hub, way) = child::hub_with(arguments.hub.as_deref(), &place.path().join("hub"), target, settings)?;
    let mut api = Line::open(&way).await?;
    fill(&mut api).await?;
    // The load goes on for as long as it is looked at, and a little longer.
    let count = arguments.rate * (arguments.looks / 4 + 15);
    let load = tokio::spawn(async move { send_steadily(&way, 0, count, KEYS, arguments.rate).await });
    let mut page = Line::open(&api.way).await?;
    let mut pulse = Line::open(&api.way).await?;
    let (mut seen, mut visible_ms, mut answered_ms) = (String::from("0"), Vec::new(), Vec::new());
    let begin = Instant::now() + Duration::from_secs(3);
    for look in 0..arguments.looks {
        tokio::time::sleep_until((begin + Duration::from_millis(look * 250)).into()).await;
        // Each look has a day of its own, so that no earlier one can be taken for it.
        let day = 40 + look;
        let sent = Instant::now();
        api.post("/v1/events", &confirmation(look, day)).await?;
        answered_ms.push(ms(sent));
        let expected = format!("{:04}-{:02}-{:02}", 2027 + day / 336, day % 336 / 28 + 1, day % 28 + 1);
        // As the script of the page: wait for the pulse, fetch the page, look.
        loop {
            seen = pulse.get(&format!("/planning/pulse?seen={seen}"), "").await?;
            let shown = page
                .get(&format!("/planning/order?order={LOOKED_AT}"), "x-lineshaft-fragment: 1\r\n")
                .await?;
            if shown.contains(&format!("on {expected}")) {
                visible_ms.push(ms(sent));
                break;
            }
            if sent.elapsed() > Duration::from_secs(10) {
                return Err(format!("look {look}: {expected} is not on the page after 10 s").into());
            }
            // The script looks ten times a second at most.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let sent = load.await??.len();
    let mut report = Report::new("visible");
    report.add("confirmations beside them", sent as f64 / (count as f64 / arguments.rate as f64), "a second");
    report.add("looked at", visible_ms.len() as f64, "");
    report.add("acknowledged, p50", quantile(&answered_ms, 0.5), "ms");
    report.add("acknowledged, p99", quantile(&answered_ms, 0.99), "ms");
    report.add("sent to visible, p50", quantile(&visible_ms, 0.5), "ms");
    report.at_most("sent to visible, p99", quantile(&visible_ms, 0.99), "ms", 200.0);
    report.add("sent to visible, the longest", quantile(&visible_ms, 1.0), "ms");
    report.print(arguments.json)
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// A purchase order and the production order that waits for it, under every key that is confirmed.
async fn fill(api: &mut Line) -> Outcome<()> {
    let keys = (0..KEYS).map(|n| (4_500_000_000 + n).to_string()).chain([LOOKED_AT.to_owned()]);
    let mut events = Vec::new();
    for (n, key) in keys.enumerate() {
        let item = format!("ITEM-{n:05}");
        let quantity = r#"{"value":"90","unit":"C62"}"#;
        let purchase = format!(
            r#"{{"supplier":"SUP-1","status":"open","lines":[{{"line":"10","item":"{item}","quantity":{quantity},"due_on":"2027-01-05"}}]}}"#
        );
        let order = format!(
            r#"{{"item":"MADE-{n:05}","status":"released","quantity":{quantity},"priority":"5","start":"2027-01-06","end":"2027-01-07","components":[{{"component":"{item}","quantity":{quantity}}}]}}"#
        );
        events.push(event(&format!("p{key}"), "purchase-order.released", &key, &purchase));
        events.push(event(&format!("o{key}"), "production-order.released", &key, &order));
    }
    for part in events.chunks(200) {
        let body = format!("[{}]", part.join(","));
        api.send("POST", "/v1/events", "content-type: application/cloudevents-batch+json\r\n", &body).await?;
    }
    // Until the plan has them.
    for _ in 0..600 {
        let plan = api.get("/v1/plan", "").await?;
        if plan.contains(&format!("\"orders\":{}", KEYS + 1)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("the plan did not take everything in within half a minute".into())
}

fn event(id: &str, of_type: &str, subject: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"urn:lineshaft:main:erp","subject":"{subject}","type":"lineshaft.{of_type}.v1","data":{data}}}"#
    )
}

/// All of it, on a day.
fn confirmation(look: u64, day: u64) -> String {
    let date = format!("{:04}-{:02}-{:02}", 2027 + day / 336, day % 336 / 28 + 1, day % 28 + 1);
    let data = format!(
        r#"{{"splits":[{{"quantity":{{"value":"90","unit":"C62"}},"date":"{date}T12:00:00Z","status":"confirmed"}}]}}"#
    );
    event(&format!("look-{look}"), "purchase-order.confirmed", &format!("{LOOKED_AT}/10/L{look:06}"), &data)
}

/// One kept connection, one request at a time.
struct Line {
    stream: TcpStream,
    way: Way,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(way: &Way) -> Outcome<Self> {
        let stream = TcpStream::connect(way.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, way: way.clone(), buffer: Vec::with_capacity(65_536) })
    }

    async fn get(&mut self, path: &str, headers: &str) -> Outcome<String> {
        self.send("GET", path, headers, "").await
    }

    async fn post(&mut self, path: &str, body: &str) -> Outcome<String> {
        self.send("POST", path, "content-type: application/cloudevents+json\r\n", body).await
    }

    async fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Outcome<String> {
        let Way { address, token, .. } = &self.way;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        loop {
            if let Some((head, total)) = request_length(&self.buffer) {
                let answer: Vec<u8> = self.buffer.drain(..total).collect();
                let text = String::from_utf8_lossy(&answer);
                if !text.starts_with("HTTP/1.1 2") {
                    return Err(format!("{method} {path}: {text}").into());
                }
                return Ok(String::from_utf8_lossy(&answer[head..]).into_owned());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection was closed before the answer".into());
            }
        }
    }
}
