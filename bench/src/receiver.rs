//! The receiving systems: a small HTTP/1.1 server that answers at once, counts, and checks the order of every key.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::machine::Outcome;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}";

/// What has arrived.
#[derive(Debug, Default)]
pub struct Receiver {
    taken: AtomicU64,
    unordered: AtomicU64,
    arrived: Notify,
    /// The latest number of each key at each path.
    latest: std::sync::Mutex<HashMap<(String, String), String>>,
    /// When each number arrived at each path, where arrivals are timed.
    times: Option<std::sync::Mutex<Vec<(String, Instant)>>>,
}

impl Receiver {
    /// Starts one on a port of its own; `timed` keeps when each confirmation arrived.
    pub async fn start(timed: bool) -> Outcome<(Arc<Self>, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let receiver = Arc::new(Self { times: timed.then(Default::default), ..Self::default() });
        let served = Arc::clone(&receiver);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = Arc::clone(&served);
                tokio::spawn(async move {
                    // A connection that is closed has nothing more to say.
                    drop(served.serve(stream).await);
                });
            }
        });
        Ok((receiver, address))
    }

    /// How many have arrived.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many came after a later one of their key.
    pub fn unordered(&self) -> u64 {
        self.unordered.load(Ordering::Relaxed)
    }

    /// Waits until so many have arrived.
    pub async fn wait_for(&self, count: u64) -> Outcome<()> {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.taken() < count {
            if Instant::now() > deadline {
                return Err(format!("only {} of {count} arrived within two minutes", self.taken()).into());
            }
            // Woken by each arrival; the timeout only covers one between the look and the wait.
            drop(tokio::time::timeout(Duration::from_millis(1), self.arrived.notified()).await);
        }
        Ok(())
    }

    /// The arrivals kept so far.
    pub fn times(&self) -> Vec<(String, Instant)> {
        let Some(times) = &self.times else { return Vec::new() };
        times.lock().map(|mut times| std::mem::take(&mut *times)).unwrap_or_default()
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer: Vec<u8> = Vec::with_capacity(16 << 10);
        loop {
            let Some((head, total)) = request_length(&buffer) else {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
                continue;
            };
            self.take(&buffer[..head], &buffer[head..total]);
            buffer.drain(..total);
            stream.write_all(ANSWER).await?;
        }
    }

    fn take(&self, head: &[u8], body: &[u8]) {
        let path = head.split(|b| *b == b' ').nth(1).unwrap_or_default();
        let (key, number) = (text_after(body, b"order\":\""), text_after(body, b"\"confirmation\":\""));
        let at = (String::from_utf8_lossy(path).into_owned(), key.to_owned());
        if let Ok(mut latest) = self.latest.lock() {
            let before = latest.insert(at, number.to_owned());
            if before.is_some_and(|before| before.as_str() >= number) {
                self.unordered.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(times) = &self.times
            && let Ok(mut times) = times.lock()
        {
            times.push((number.to_owned(), Instant::now()));
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.arrived.notify_one();
    }
}

/// The length of the head, and of head and body, of a whole request or answer.
pub fn request_length(buffer: &[u8]) -> Option<(usize, usize)> {
    let head = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let total = head + length.unwrap_or(0);
    (buffer.len() >= total).then_some((head, total))
}

/// The text between a mark and the next quotation mark.
fn text_after<'a>(body: &'a [u8], mark: &[u8]) -> &'a str {
    let Some(at) = body.windows(mark.len()).position(|w| w == mark) else { return "" };
    let rest = &body[at + mark.len()..];
    let end = rest.iter().position(|b| *b == b'"').unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}
