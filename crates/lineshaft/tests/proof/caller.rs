//! A caller of the hub over plain sockets, so that a test may say anything, right or wrong, byte by byte.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any answer takes on a busy machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest answer that is read.
const MOST_BYTES: usize = 64 << 20;

/// One request. Host, login and length are added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Content type and whatever else; written as they are.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), ..Self::default() }
    }

    pub(crate) fn post(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = match content_type {
            "" => Vec::new(),
            media => vec![("content-type".to_owned(), media.to_owned())],
        };
        Self { method: "POST", path: path.to_owned(), headers, body: body.into() }
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn bytes(&self, address: SocketAddr, token: &str) -> Vec<u8> {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n",
            self.method,
            self.path,
            self.body.len()
        );
        if !token.is_empty() {
            text.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body; `null` when it is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The words of every result of an intake call.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        let answer = self.json();
        let results = answer["results"].as_array().cloned().unwrap_or_default();
        results.iter().map(|result| result["status"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// One connection, kept alive as long as the hub keeps it.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) address: SocketAddr,
    token: String,
    stream: Option<TcpStream>,
}

impl Caller {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self { address, token: token.to_owned(), stream: None }
    }

    /// Connects unless it is connected.
    pub(crate) async fn connect(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends one request and reads its answer. After an error the connection is gone and no whole answer came.
    pub(crate) async fn call(&mut self, call: &Call) -> io::Result<Answer> {
        self.connect().await?;
        let bytes = call.bytes(self.address, &self.token);
        let Some(mut stream) = self.stream.take() else { return Err(io::ErrorKind::NotConnected.into()) };
        let exchange = async {
            // A hub that refuses by the head alone may close before it has read all of the body, and has answered all the same.
            let written = stream.write_all(&bytes).await;
            match read_answer(&mut stream).await {
                Ok(answer) => Ok(answer),
                Err(error) => Err(written.err().unwrap_or(error)),
            }
        };
        let answer =
            timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.call(&Call::get(path)).await
    }
}

/// Reads one answer with a content length, or up to the end of the connection.
async fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at;
        }
        more(stream, &mut bytes).await?;
    };
    let mut answer = parse_head(&bytes[..head]).ok_or(io::ErrorKind::InvalidData)?;
    let length = answer.header("content-length").and_then(|text| text.parse::<usize>().ok());
    let start = head + 4;
    match length {
        Some(length) => {
            while bytes.len() < start + length {
                more(stream, &mut bytes).await?;
            }
            answer.body = bytes[start..start + length].to_vec();
        }
        None => {
            while bytes.len() < MOST_BYTES && stream.read_buf(&mut bytes).await? > 0 {}
            answer.body = bytes[start..].to_vec();
        }
    }
    Ok(answer)
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    if bytes.len() >= MOST_BYTES || stream.read_buf(bytes).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn parse_head(bytes: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer { status, headers, body: Vec::new() })
}

/// Sends raw bytes on a connection of their own and reads whatever comes until the hub closes it. With `patience` passed,
/// what has come so far; the second part says whether the hub closed.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8], patience: Duration) -> (Vec<u8>, bool) {
    let mut heard = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address).await else { return (heard, true) };
    let speak = async {
        // The hub may close while it is being spoken to.
        let _ = stream.write_all(bytes).await;
        while heard.len() < MOST_BYTES {
            match stream.read_buf(&mut heard).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    };
    let closed = timeout(patience, speak).await.is_ok();
    (heard, closed)
}
