//! What every source promises, tried with a hub that remembers, refuses and crashes as it is told.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use lineshaft_model::{Position, Reason};
use tokio_util::sync::CancellationToken;

use crate::{HandOver, Input, Receipt, Refusal, Source};

/// Material that a source reads: a folder of files, a queue of messages.
pub trait Stand {
    /// A source over the material as it is now; asked again it is the source after a restart.
    fn source(&self) -> Box<dyn Source>;

    /// Every document in the material, as JSON text, in any order.
    fn documents(&self) -> Vec<String>;

    /// How many parts of the material are broken.
    fn broken(&self) -> usize;

    /// Whether the material never ends, so that a place in it is kept: a table, an API that is polled.
    fn is_endless(&self) -> bool {
        false
    }

    /// Whether a restart may offer again what the hub knows: a poll reads what lies within its overlap.
    fn offers_again(&self) -> bool {
        false
    }

    /// How long a wait of the source really takes at most, in milliseconds: for counterparts that give again what was not
    /// acknowledged only after a while of their own.
    fn pace_ms(&self) -> u64 {
        0
    }
}

/// A hub in memory. What it has taken is durable; what it was offered is not.
#[derive(Debug, Default)]
pub struct Hub {
    state: Mutex<State>,
    pace_ms: u64,
}

#[derive(Debug, Default)]
struct State {
    /// Documents by their identity.
    documents: BTreeMap<String, String>,
    /// Broken parts by where they stood; handed over twice they are counted twice.
    broken: Vec<String>,
    tokens: BTreeMap<String, String>,
    /// Inputs offered since the last restart.
    offered: usize,
    /// Waits since the last input: a source that only waits has nothing more.
    idle: usize,
    /// Whether it has crashed: then it answers nobody, however many inputs are on their way.
    crashed: bool,
    orders: Orders,
}

/// What the hub is to do.
#[derive(Debug, Default, Clone, Copy)]
pub struct Orders {
    /// Crash at the input of this number (from 1), after it is durable or before.
    pub crash: Option<(usize, bool)>,
    /// Have no room for so many offers before each input.
    pub busy: usize,
    /// Never answer an input.
    pub stuck: bool,
    /// Say that the hub is stopping.
    pub closed: bool,
}

/// A source that has waited this often without offering anything has nothing more to offer.
const IDLE: usize = 50;

impl Hub {
    /// A hub that waits as its counterpart needs it.
    pub fn of(stand: &dyn Stand) -> Self {
        Self { pace_ms: stand.pace_ms(), ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives new orders, as after a restart.
    pub fn restart(&self, orders: Orders) {
        let mut state = self.state();
        state.orders = orders;
        state.offered = 0;
        state.idle = 0;
        state.crashed = false;
    }

    /// Documents taken, each once.
    pub fn documents(&self) -> Vec<String> {
        let mut documents: Vec<String> = self.state().documents.values().cloned().collect();
        documents.sort();
        documents
    }

    /// Identities of the documents taken.
    pub fn identities(&self) -> Vec<String> {
        self.state().documents.keys().cloned().collect()
    }

    /// Where the broken parts stood that were taken.
    pub fn broken(&self) -> Vec<String> {
        self.state().broken.clone()
    }

    /// The places recorded.
    pub fn tokens(&self) -> Vec<(String, String)> {
        self.state().tokens.clone().into_iter().collect()
    }

    /// Inputs offered since the last restart.
    pub fn offered(&self) -> usize {
        self.state().offered
    }

    fn is_idle(&self) -> bool {
        let state = self.state();
        state.crashed || state.idle >= IDLE
    }

    fn take(&self, input: &Input) -> Receipt {
        let mut state = self.state();
        let mut receipt = Receipt { position: Position(1), ..Receipt::default() };
        for document in &input.documents {
            let text = String::from_utf8_lossy(&document.json).into_owned();
            assert!(!document.identity.is_empty(), "a document that is cut out has an identity");
            assert!(input.bytes.get(document.raw.clone()).is_some(), "a document lies within its input");
            match state.documents.insert(document.identity.clone(), text.clone()) {
                None => receipt.accepted += 1,
                Some(before) => {
                    assert_eq!(before, text, "an identity always means the same document");
                    receipt.duplicates += 1;
                }
            }
        }
        for broken in &input.broken {
            assert!(!broken.reasons.is_empty(), "a broken part has a reason");
            receipt.quarantined += 1;
            state.broken.push(broken.origin.clone());
        }
        if let Some((part, token)) = &input.resume {
            if token.is_empty() {
                state.tokens.remove(part);
            } else {
                state.tokens.insert(part.clone(), token.clone());
            }
        }
        receipt
    }
}

impl HandOver for Hub {
    fn hand_over(&self, input: Input) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            if self.state().crashed {
                std::future::pending::<()>().await;
            }
            let orders = {
                let mut state = self.state();
                state.idle = 0;
                if state.orders.closed {
                    return Err(Refusal::Closed);
                }
                state.offered += 1;
                state.orders
            };
            let number = self.offered();
            if orders.busy > 0 && !number.is_multiple_of(orders.busy + 1) {
                return Err(Refusal::Busy { after_ms: 10, why: "the suite says so".to_owned() });
            }
            if orders.stuck {
                std::future::pending::<()>().await;
            }
            if let Some((at, durable)) = orders.crash
                && number == at
            {
                if durable {
                    self.take(&input);
                }
                // A crash gives no answer: the runner sees it and drops the source.
                self.state().crashed = true;
                std::future::pending::<()>().await;
            }
            Ok(self.take(&input))
        })
    }

    fn resume(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        Box::pin(async { self.tokens() })
    }

    fn pause(&self, delay_ms: u64) -> BoxFuture<'_, ()> {
        let wait_ms = delay_ms.min(self.pace_ms);
        Box::pin(async move {
            {
                let mut state = self.state();
                state.idle = state.idle.saturating_add(1);
            }
            if wait_ms > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
            }
            tokio::task::yield_now().await;
        })
    }
}

/// Runs a source until it has nothing more to offer or the hub crashes; then drops it, as a crash does.
pub async fn run_until_idle(mut source: Box<dyn Source>, hub: &Hub) {
    let stop = CancellationToken::new();
    let mut run = source.run(hub, stop.clone());
    let ended = std::future::poll_fn(|cx| match run.as_mut().poll(cx) {
        std::task::Poll::Ready(result) => std::task::Poll::Ready(Some(result)),
        std::task::Poll::Pending if hub.is_idle() => std::task::Poll::Ready(None),
        std::task::Poll::Pending => std::task::Poll::Pending,
    })
    .await;
    assert_eq!(ended, None, "a source runs until it is cancelled");
}

async fn run_until_cancelled(
    mut source: Box<dyn Source>,
    hub: &Hub,
    stop: CancellationToken,
) -> Result<(), Reason> {
    source.run(hub, stop).await
}

/// Runs every test, each on material of its own.
pub async fn run_all<S: Stand>(make: impl Fn() -> S) {
    hands_everything_over(&make()).await;
    keeps_its_place_while_the_hub_has_no_room(&make()).await;
    ends_well_when_cancelled(&make()).await;
    ends_well_when_the_hub_stops(&make()).await;
    loses_nothing_at_any_crash(&make).await;
}

fn check(hub: &Hub, stand: &dyn Stand, what: &str) {
    let mut expected = stand.documents();
    expected.sort();
    let taken = hub.documents();
    let missing = expected.iter().find(|document| !taken.contains(document));
    let counts = (taken.len(), expected.len());
    assert!(
        taken == expected,
        "{what}: every document once; taken and expected {counts:?}, missing {missing:?}"
    );
}

/// Everything arrives, and a restart brings nothing new.
pub async fn hands_everything_over(stand: &dyn Stand) {
    let hub = Hub::of(stand);
    run_until_idle(stand.source(), &hub).await;
    check(&hub, stand, "a quiet run");
    assert_eq!(hub.broken().len(), stand.broken(), "every broken part once");
    let before = hub.identities();
    hub.restart(Orders::default());
    run_until_idle(stand.source(), &hub).await;
    assert_eq!(hub.identities(), before, "after a restart there is nothing new");
    if !stand.offers_again() {
        assert_eq!(hub.offered(), 0, "after a restart nothing is offered again");
    }
    if !stand.is_endless() {
        assert_eq!(hub.tokens(), [], "no place is kept in what is finished");
    }
}

/// A hub without room is asked again with the same input.
pub async fn keeps_its_place_while_the_hub_has_no_room(stand: &dyn Stand) {
    let hub = Hub::of(stand);
    hub.restart(Orders { busy: 3, ..Orders::default() });
    run_until_idle(stand.source(), &hub).await;
    check(&hub, stand, "a hub that is often busy");
    assert_eq!(hub.broken().len(), stand.broken(), "every broken part once");
}

/// Cancelling ends a source with `Ok`, before it has begun and while it waits for an answer.
pub async fn ends_well_when_cancelled(stand: &dyn Stand) {
    let hub = Hub::of(stand);
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(run_until_cancelled(stand.source(), &hub, stop).await, Ok(()), "cancelled before it began");
    hub.restart(Orders { stuck: true, ..Orders::default() });
    let stop = CancellationToken::new();
    let cancel = async {
        while hub.offered() == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(run_until_cancelled(stand.source(), &hub, stop.clone()), cancel);
    assert_eq!(ended, Ok(()), "cancelled while an input was on its way");
    hub.restart(Orders::default());
    run_until_idle(stand.source(), &hub).await;
    check(&hub, stand, "after it was cancelled");
}

/// A hub that is stopping ends a source with `Ok`.
pub async fn ends_well_when_the_hub_stops(stand: &dyn Stand) {
    let hub = Hub::of(stand);
    hub.restart(Orders { closed: true, ..Orders::default() });
    let ended = run_until_cancelled(stand.source(), &hub, CancellationToken::new()).await;
    assert_eq!(ended, Ok(()), "the hub said that it stops");
    hub.restart(Orders::default());
    run_until_idle(stand.source(), &hub).await;
    check(&hub, stand, "after the hub was started again");
}

/// Wherever the hub crashes, before an input is durable or after, the next runs bring what is missing and nothing new.
pub async fn loses_nothing_at_any_crash<S: Stand>(make: &impl Fn() -> S) {
    let whole = make();
    let hub = Hub::of(&whole);
    run_until_idle(whole.source(), &hub).await;
    let inputs = hub.offered();
    assert!(inputs > 0, "the material makes at least one input");
    for durable in [false, true] {
        for at in 1..=inputs {
            let stand = make();
            let hub = Hub::of(&stand);
            hub.restart(Orders { crash: Some((at, durable)), ..Orders::default() });
            run_until_idle(stand.source(), &hub).await;
            hub.restart(Orders::default());
            run_until_idle(stand.source(), &hub).await;
            check(&hub, &stand, &format!("a crash at input {at}, durable: {durable}"));
            let broken = hub.broken().len();
            assert_eq!(broken, stand.broken(), "a crash at input {at}, durable: {durable}: broken parts");
        }
    }
}
