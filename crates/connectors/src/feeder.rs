//! The way of every source to the hub: hands an input over as often as the hub has no room, and waits.

use lineshaft_ports::{HandOver, Input, Receipt, Refusal};
use tokio_util::sync::CancellationToken;

/// What a running source holds: the hub, and the word to stop.
#[derive(Clone)]
pub struct Feeder<'a> {
    hub: &'a dyn HandOver,
    stop: CancellationToken,
    name: &'a str,
}

/// The hub is stopping, or the source was told to: it ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// How long to wait before an input that is more than the hub can ever keep is offered again.
const TOO_LARGE_MS: u64 = 60_000;

impl<'a> Feeder<'a> {
    /// The way to the hub of the source of this name.
    #[must_use]
    pub fn new(hub: &'a dyn HandOver, stop: CancellationToken, name: &'a str) -> Self {
        Self { hub, stop, name }
    }

    /// Hands an input over and resolves once it is durable.
    ///
    /// # Errors
    /// When the hub is stopping: nothing of it was kept.
    pub async fn hand_over(&self, input: Input) -> Result<Receipt, Stopped> {
        loop {
            let answer = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Stopped),
                answer = self.hub.hand_over(input.clone()) => answer,
            };
            match answer {
                Ok(receipt) => return Ok(receipt),
                Err(Refusal::Closed) => return Err(Stopped),
                Err(refusal @ Refusal::TooLarge { .. }) => {
                    tracing::error!(source = %self.name, origin = %input.origin, "{refusal}");
                    self.pause(TOO_LARGE_MS).await?;
                }
                Err(Refusal::Busy { after_ms, .. }) => self.pause(after_ms.max(1)).await?,
            }
        }
    }

    /// Waits by the hub's clock.
    ///
    /// # Errors
    /// When told to stop meanwhile.
    pub async fn pause(&self, delay_ms: u64) -> Result<(), Stopped> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            () = self.hub.pause(delay_ms) => Ok(()),
        }
    }

    /// The places recorded for this source.
    ///
    /// # Errors
    /// When told to stop meanwhile.
    pub async fn resume(&self) -> Result<Vec<(String, String)>, Stopped> {
        self.unless_stopped(self.hub.resume()).await
    }

    /// Waits for something unless told to stop.
    ///
    /// # Errors
    /// When told to stop before it is there.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            done = work => Ok(done),
        }
    }
}

impl std::fmt::Debug for Feeder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeder").field("name", &self.name).finish_non_exhaustive()
    }
}
