//! A proxy between a door and a real server, which loses answers when it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the proxy does when the next request passes that it is told to watch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// Lets it through, then closes without an answer.
    LoseAnswer,
    /// Lets it through and says nothing more.
    StaySilent,
    /// Lets it through and answers with bytes that mean nothing.
    TalkNonsense,
}

#[derive(Debug, Default)]
struct State {
    tricks: Mutex<VecDeque<Trick>>,
    sent: Mutex<Vec<u8>>,
}

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Passes everything to the server at `port`, and plays its tricks on whatever contains `mark`.
    pub async fn start(port: u16, mark: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                        pass(client, server, mark, &state).await;
                    }
                });
            }
        });
        Self { address, state, task }
    }

    /// The next request with the mark meets this trick.
    pub fn then(&self, trick: Trick) {
        held(&self.state.tricks).push_back(trick);
    }

    /// Tricks that are still to be played.
    #[must_use]
    pub fn tricks_left(&self) -> usize {
        held(&self.state.tricks).len()
    }

    /// Everything that clients have sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<u8> {
        held(&self.state.sent).clone()
    }

    /// Stops it: after that nothing listens, and everybody's connections are cut.
    pub async fn stop(&self) {
        self.task.abort();
        while !self.task.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, mark: &[u8], state: &State) {
    let (mut up, mut down) = (vec![0_u8; 64 * 1024], vec![0_u8; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(n @ 1..) = read else { return };
                held(&state.sent).extend_from_slice(&up[..n]);
                if server.write_all(&up[..n]).await.is_err() {
                    return;
                }
                let is_marked = up[..n].windows(mark.len()).any(|window| window == mark);
                let trick = if is_marked { held(&state.tricks).pop_front() } else { None };
                let Some(trick) = trick else { continue };
                // The server has done it once it answers.
                let answered = server.read(&mut down).await;
                match trick {
                    Trick::LoseAnswer => return,
                    Trick::StaySilent => {
                        // Until the client gives up.
                        while matches!(client.read(&mut up).await, Ok(1..)) {}
                        return;
                    }
                    Trick::TalkNonsense => {
                        if answered.is_ok() && client.write_all(b"\xff220 smtp.example ESMTP\r\n\r\n\xff\xff\xff\xff").await.is_ok() {
                            while matches!(client.read(&mut up).await, Ok(1..)) {}
                        }
                        return;
                    }
                }
            }
            read = server.read(&mut down) => {
                let Ok(n @ 1..) = read else { return };
                if client.write_all(&down[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}
