//! Calls that change nothing: pages of a poll, tokens, questions. They may be made twice, so one that meets a connection the
//! target has closed meanwhile is made again on a fresh one.

use std::fmt;
use std::time::Duration;

use httparse::EMPTY_HEADER;
use lineshaft_model::Reason;
use tokio::time::timeout;

use super::connect::Dial;
use super::connection::{Connection, Lost, Progress};
use super::head::MAX_HEADERS;
use super::pool::Pool;

/// Connections to one target, and how long and how large an answer may be.
pub(super) struct Client {
    pub(super) dial: Dial,
    pub(super) pool: Pool,
    pub(super) timeout_ms: u64,
    pub(super) answer_limit_bytes: u64,
}

/// An answer with its fields.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after_ms: Option<u64>,
    /// Names in lower case.
    fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether all of the body came.
    pub(super) whole: bool,
}

impl Reply {
    /// The values of a field, in their order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// Makes a call and reads the whole answer.
    pub(super) async fn call(&self, method: &str, head: &[u8], body: &[u8]) -> Result<Reply, Reason> {
        let mut idle = self.pool.take();
        loop {
            let mut connection = match idle.take() {
                Some(connection) => connection,
                None => Connection::new(self.dial.connect().await?),
            };
            connection.keep_heads();
            let mut progress = Progress::default();
            let exchange = connection.exchange(head, body, method, self.answer_limit_bytes, &mut progress);
            match timeout(Duration::from_millis(self.timeout_ms), exchange).await {
                Ok(Ok(answered)) => {
                    let reply = Reply {
                        status: answered.head.status,
                        retry_after_ms: answered.head.retry_after_ms,
                        fields: fields(connection.answer_head()),
                        body: connection.body(&answered).to_vec(),
                        whole: answered.whole,
                    };
                    if answered.reusable {
                        self.pool.put(connection);
                    }
                    return Ok(reply);
                }
                Ok(Err(lost)) => {
                    let closed = matches!(lost, Lost::Closed | Lost::Failed(_));
                    if !(closed && connection.reused && !progress.received) {
                        return Err(self.lost(Some(&lost), progress));
                    }
                }
                Err(_) => return Err(self.lost(None, progress)),
            }
        }
    }

    fn lost(&self, lost: Option<&Lost>, progress: Progress) -> Reason {
        why_lost(&self.dial.target.authority, self.timeout_ms, lost, progress)
    }
}

/// Why there was no answer, in words.
pub(super) fn why_lost(whose: &str, timeout_ms: u64, lost: Option<&Lost>, progress: Progress) -> Reason {
    let when =
        if progress.sent { "after the request had gone out" } else { "before the request had gone out" };
    match lost {
        None => Reason::new("answer-timeout", format!("{whose} did not answer within {timeout_ms} ms")),
        Some(Lost::Closed) => Reason::new("connection-lost", format!("{whose} closed the connection {when}")),
        Some(Lost::Failed(error)) => {
            Reason::new("connection-lost", format!("the connection to {whose} broke {when}: {error}"))
        }
        Some(Lost::Malformed(why)) => {
            Reason::new("answer-malformed", format!("the answer of {whose} cannot be read: {why}"))
        }
    }
}

/// The fields of a head that was read once already.
fn fields(head: &[u8]) -> Vec<(String, String)> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    if answer.parse(head).is_err() {
        return Vec::new();
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
    answer.headers.iter().map(|field| (field.name.to_ascii_lowercase(), text(field.value))).collect()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("target", &self.dial.target.authority).finish_non_exhaustive()
    }
}
