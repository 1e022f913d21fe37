//! A target that does as it is told, on a real socket, for the tests of the HTTP door.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What the target does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes these bytes and goes on.
    Answer(String),
    /// Writes these bytes and closes.
    AnswerAndClose(String),
    /// Closes as soon as the first byte of the request is there, without reading on: the network says "reset".
    Reset,
    /// Answers once the head is there and does not read the body.
    AnswerEarly(String),
    /// Reads it and says nothing more.
    Hold,
}

/// One request as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// Head without its last empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// On which connection, from 0.
    pub(crate) connection: usize,
}

impl Received {
    /// A query value, not decoded.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let target = self.line().split(' ').nth(1)?;
        target.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What answers requests that the script has no step for.
type Respond = Box<dyn Fn(&Received) -> String + Send>;

#[derive(Default)]
struct State {
    respond: Mutex<Option<Respond>>,
    script: Mutex<VecDeque<Step>>,
    received: Mutex<Vec<Received>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// The target. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn status(status: u16, headers: &str, body: &str) -> Step {
    Step::Answer(format!("HTTP/1.1 {status} Said\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(crate) async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let (counted, count) = watch::channel(0);
        let counted = Arc::new(counted);
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (state, counted, tls) = (Arc::clone(&shared), Arc::clone(&counted), tls.clone());
                tasks.spawn(async move {
                    match tls {
                        None => serve(stream, connection, &state, &counted).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, connection, &state, &counted).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, state, count, task }
    }

    pub(crate) fn then(&self, step: Step) {
        self.state.script.lock().push_back(step);
    }

    /// Answers every request for which the script has no step.
    pub(crate) fn respond(&self, with: impl Fn(&Received) -> String + Send + 'static) {
        *self.state.respond.lock() = Some(Box::new(with));
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().clone()
    }

    pub(crate) async fn until_received(&self, wanted: usize) {
        self.count.clone().wait_for(|count| *count >= wanted).await.unwrap();
    }

    pub(crate) async fn stop(&self) {
        self.task.abort();
        while !self.task.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    state: &State,
    counted: &watch::Sender<usize>,
) {
    let mut buffer = Vec::new();
    loop {
        let Some(head) = read_until_head(&mut stream, &mut buffer, state).await else { return };
        let scripted = state.script.lock().pop_front();
        let is_scripted = scripted.is_some();
        let mut step = scripted.unwrap_or_else(|| Step::Answer(ok("{}")));
        let mut received = Received { head, body: Vec::new(), connection };
        if let Step::AnswerEarly(answer) = &step {
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        }
        let length: usize = received.header("content-length").map_or(0, |length| length.parse().unwrap());
        while buffer.len() < length {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        received.body = buffer.drain(..length).collect();
        if let (false, Some(respond)) = (is_scripted, &*state.respond.lock()) {
            step = Step::Answer(respond(&received));
        }
        state.received.lock().push(received);
        counted.send_modify(|count| *count += 1);
        match step {
            Step::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Step::AnswerAndClose(answer) => {
                stream.write_all(answer.as_bytes()).await.unwrap();
                let _ = stream.shutdown().await;
                return;
            }
            Step::Hold => std::future::pending().await,
            Step::Reset | Step::AnswerEarly(_) => return,
        }
    }
}

/// The next request's head; `None` when the connection ends or the script says to cut it.
async fn read_until_head(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    buffer: &mut Vec<u8>,
    state: &State,
) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = buffer.drain(..end + 4).collect();
            return Some(String::from_utf8(head[..end].to_vec()).unwrap());
        }
        let mut block = [0_u8; 16];
        match stream.read(&mut block).await {
            Ok(n @ 1..) => buffer.extend_from_slice(&block[..n]),
            _ => return None,
        }
        let mut script = state.script.lock();
        if matches!(script.front(), Some(Step::Reset)) {
            // Closing with unread bytes makes the kernel send a reset.
            script.pop_front();
            return None;
        }
    }
}
