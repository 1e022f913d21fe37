//! A TCP proxy on loopback that breaks connections on purpose, for tests of whoever speaks through it.
//!
//! It knows nothing of HTTP: bytes from the client after bytes from the server (or at the beginning) are taken for a new
//! request. That holds for clients that do not pipeline.

mod relay;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dice::Dice;
use crate::station::server;

/// What may happen to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The request is forwarded this much later.
    Latency { delay_ms: u64 },
    /// The connection is reset before the request is forwarded.
    Reset,
    /// The request is swallowed and nothing ever comes back.
    HalfOpen,
    /// The request is forwarded; when the answer comes the connection ends: the answer is lost.
    CutAfterRequest,
    /// Half of the answer's first bytes arrive, then the connection ends.
    HalfAnswer,
    /// The answer arrives a byte at a time.
    Dribble { every_ms: u64 },
    /// The answer arrives at this rate.
    Bandwidth { bytes_per_s: u64 },
}

#[derive(Debug)]
struct Plan {
    trouble: Option<(Trouble, u16)>,
    dice: Dice,
}

/// What the proxy and its connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    plan: Mutex<Plan>,
    connections: AtomicU64,
    exchanges: AtomicU64,
    struck: AtomicU64,
}

impl Shared {
    /// Rolls for an exchange.
    fn next_exchange(&self) -> Option<Trouble> {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        let mut plan = self.plan.lock();
        let (trouble, permille) = plan.trouble?;
        let strikes = plan.dice.chance(u64::from(permille));
        strikes.then(|| {
            self.struck.fetch_add(1, Ordering::Relaxed);
            trouble
        })
    }
}

/// A running proxy. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to `upstream`.
    pub async fn start(upstream: SocketAddr, seed: u64) -> io::Result<Self> {
        let (listener, address) = server::open(0).await?;
        let shared = Arc::new(Shared {
            plan: Mutex::new(Plan { trouble: None, dice: Dice::for_name(seed, "proxy") }),
            connections: AtomicU64::new(0),
            exchanges: AtomicU64::new(0),
            struck: AtomicU64::new(0),
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(listener, upstream, Arc::clone(&shared), stop.clone(), tasks.clone()));
        Ok(Self { address, shared, stop, tasks })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Troubles this share of a thousand exchanges from now on, on open connections too.
    pub fn trouble(&self, trouble: Trouble, share_permille: u16) {
        self.shared.plan.lock().trouble = Some((trouble, share_permille));
    }

    /// Forwards faithfully from now on.
    pub fn heal(&self) {
        self.shared.plan.lock().trouble = None;
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Exchanges begun so far.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.shared.exchanges.load(Ordering::Relaxed)
    }

    /// Exchanges troubled so far: the proof that the fault was injected.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.shared.struck.load(Ordering::Relaxed)
    }

    /// Ends everything and waits for it.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, _)) = accepted else { continue };
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = relay::relay(client, upstream, &shared) => {}
            }
        });
    }
}

#[cfg(test)]
mod tests;
