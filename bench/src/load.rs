//! The sending system: supplier confirmations of 1 KiB over kept connections, each key on one of them so that it stays in
//! order, at full speed or at a steady rate.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::machine::Outcome;
use crate::receiver::request_length;

/// Where to send, and how.
#[derive(Clone, Debug)]
pub struct Way {
    /// The address.
    pub address: SocketAddr,
    /// The path.
    pub path: String,
    /// The bearer token; empty for none.
    pub token: String,
}

/// The confirmation with a number, of one of `keys` orders, about 1 KiB long.
#[must_use]
pub fn confirmation(number: u64, keys: u64) -> String {
    let order = 4_500_000_000 + number % keys;
    let mut splits = String::new();
    for n in 0..8 {
        let comma = if n == 0 { "" } else { "," };
        splits.push_str(&format!(
            r#"{comma}{{"quantity":"{}.5","date":"2027-0{}-1{}","status":"confirmed"}}"#,
            10 + (number + n) % 90,
            1 + n,
            number % 10
        ));
    }
    let mut text = format!(
        r#"{{"messageId":"PN-{number:012}","order":"{order}","orderRevision":"1","confirmation":"{number:012}","supplier":"SUP-{:04}","confirmedAt":"2026-11-23T08:15:00+01:00","lines":[{{"line":"10","item":"ITEM-{:05}","unit":"EA","ack":"IA","price":"12.50","currency":"EUR","reason":null,"splits":[{splits}]}}],"note":""#,
        number % 400,
        number % 5000
    );
    while text.len() < 1022 {
        text.push('n');
    }
    text.push_str("\"}");
    text
}

/// One kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    way: Way,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(way: &Way) -> Outcome<Self> {
        let stream = TcpStream::connect(way.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, way: way.clone(), buffer: Vec::with_capacity(4096) })
    }

    /// Posts a body and waits for the answer, which must be of the 200s.
    pub async fn post(&mut self, body: &str) -> Outcome<()> {
        let Way { address, path, token } = &self.way;
        let login =
            if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{login}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        loop {
            if let Some((_, total)) = request_length(&self.buffer) {
                if self.buffer.get(9) != Some(&b'2') {
                    return Err(format!("refused: {}", String::from_utf8_lossy(&self.buffer)).into());
                }
                self.buffer.drain(..total);
                return Ok(());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection was closed before the answer".into());
            }
        }
    }
}

/// Sends the confirmations `from..from + count` as fast as `connections` take them.
pub async fn send_all(way: &Way, from: u64, count: u64, keys: u64, connections: u64) -> Outcome<()> {
    let mut senders = Vec::new();
    for connection in 0..connections {
        let mut open = Connection::open(way).await?;
        senders.push(tokio::spawn(async move {
            // A key belongs to one connection: number modulo keys decides both.
            for number in (from..from + count).filter(|number| number % keys % connections == connection) {
                open.post(&confirmation(number, keys)).await?;
            }
            Outcome::Ok(())
        }));
    }
    for sender in senders {
        sender.await??;
    }
    Ok(())
}

/// When one confirmation was sent and when its answer was there.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// Its number.
    pub number: u64,
    /// When it was due to be sent.
    pub sent: Instant,
    /// When the answer was there.
    pub answered: Instant,
}

/// Sends at a steady rate, whatever the answers take: late answers delay nobody else.
pub async fn send_steadily(way: &Way, from: u64, count: u64, keys: u64, per_s: u64) -> Outcome<Vec<Timed>> {
    let connections = 16;
    let mut senders = Vec::new();
    let start = Instant::now() + Duration::from_millis(50);
    for connection in 0..connections {
        let mut open = Connection::open(way).await?;
        senders.push(tokio::spawn(async move {
            let mut timed = Vec::new();
            for n in (0..count).filter(|n| n % connections == connection) {
                let due = start + Duration::from_micros(n * 1_000_000 / per_s);
                let body = confirmation(from + n, keys);
                wait_until(due).await;
                let sent = Instant::now();
                open.post(&body).await?;
                timed.push(Timed { number: from + n, sent, answered: Instant::now() });
            }
            Outcome::Ok(timed)
        }));
    }
    let mut all = Vec::new();
    for sender in senders {
        all.extend(sender.await??);
    }
    Ok(all)
}

/// Waits for an instant. The timer ticks in milliseconds, which is fine here: what is measured starts after the wait.
pub async fn wait_until(due: Instant) {
    tokio::time::sleep_until(due.into()).await;
}
