//! The conductor: runs the instances of processes. It follows the journal, takes steps, writes them down, and then asks for what
//! they want: operations and events through intake, other processes by itself, decisions from persons.
//!
//! Nothing is asked for before the step that wants it is durable, and each effect has one key. After a crash whatever is still
//! wanted is asked for again under the same key, and is the same effect. How far the journal was followed is written with the
//! steps that this led to, in the same batch: no event is shown twice, and none is missed.

mod ask;
mod desk;
mod effects;
mod follow;
mod schedule;
mod show;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use lineshaft_model::record::Token;
use lineshaft_model::{Position, Reason};
pub use lineshaft_process::{Definition, Doc, Fault, Occurrence, Phase, ProcessName, State, TaskPhase};
use tokio::sync::{mpsc, oneshot, watch};

use self::ask::Ask;
pub use self::ask::{Acted, Conductor, Decision, Started, Wanted};
use self::desk::Desk;
pub(crate) use self::effects::Sent;
pub use self::show::{CaseRow, LiveTask, ProcessDetail, TaskShown};
use crate::hub::Shared;
use crate::intake::Intake;
use crate::work::Work;

/// What processes are called where systems are named.
pub(crate) const PROCESSES: &str = "processes";

/// Asks that may wait.
const WAITING_ASKS: usize = 256;

/// Records followed in one go.
const MOST_RECORDS: u64 = 8192;

/// From one go to the next: what comes in between is taken in one batch.
const GATHER_MS: u64 = 2;

/// It looks at the time at least so often: the clock may have been set.
const LONGEST_NAP_MS: i64 = 1_000;

/// Records followed in vain before that is written down.
const TOKEN_AFTER: u64 = 100_000;

/// The task and its handle.
pub(crate) fn conductor(
    shared: Arc<Shared>,
    intake: Intake,
    work: mpsc::Sender<Work>,
    applied: watch::Receiver<Position>,
    end: watch::Receiver<Position>,
) -> (Conductor, impl Future<Output = Result<(), Reason>> + Send) {
    let (asks, asked) = mpsc::channel(WAITING_ASKS);
    let handle = Conductor::new(asks, shared.reading.clone());
    // The views are at the journal's end when a hub starts; what comes before the task first runs is followed.
    let from = *end.borrow();
    let runner = Runner { shared, intake, work, applied, end, asked, from };
    (handle, runner.run())
}

struct Runner {
    shared: Arc<Shared>,
    intake: Intake,
    work: mpsc::Sender<Work>,
    applied: watch::Receiver<Position>,
    end: watch::Receiver<Position>,
    asked: mpsc::Receiver<Ask>,
    from: Position,
}

impl Runner {
    async fn run(mut self) -> Result<(), Reason> {
        let stop = self.shared.supervisor.stopping();
        let shared = Arc::clone(&self.shared);
        let from = self.from;
        let mut desk = blocking(move || Desk::open(&shared, from)).await?;
        // What was wanted when the hub ended is wanted still.
        if !self.settle(&mut desk, None).await? {
            return Ok(());
        }
        desk.opening = false;
        loop {
            let now = self.shared.clock.now();
            let nap_ms =
                desk.next_due().map_or(LONGEST_NAP_MS, |due| due.since(now)).clamp(1, LONGEST_NAP_MS);
            let mut asks = Vec::new();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = self.end.wait_for(|end| *end > desk.followed) => if changed.is_err() { return Ok(()) },
                () = self.shared.clock.pause(u64::try_from(nap_ms).unwrap_or(1)) => {}
                ask = self.asked.recv() => match ask {
                    Some(ask) => asks.push(ask),
                    None => return Ok(()),
                },
            }
            while let Ok(ask) = self.asked.try_recv() {
                asks.push(ask);
            }
            let target = Position(self.end.borrow().0.min(desk.followed.0 + MOST_RECORDS));
            let waits: Vec<_>;
            (desk, waits) = blocking(move || {
                desk.configured()?;
                desk.follow(target)?;
                desk.time()?;
                let mut waits = Vec::new();
                for ask in asks {
                    waits.extend(desk.ask(ask)?);
                }
                Ok((desk, waits))
            })
            .await?;
            if !self.settle(&mut desk, Some(target)).await? {
                return Ok(());
            }
            for wait in waits {
                wait.tell();
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.shared.clock.pause(GATHER_MS) => {}
            }
        }
    }

    /// Writes down the steps that were taken and asks for what they want, until nothing is left to do at once. False when the hub
    /// is stopping.
    async fn settle(&mut self, desk: &mut Desk, mut target: Option<Position>) -> Result<bool, Reason> {
        loop {
            if !self.write(desk, target.take()).await {
                return Ok(false);
            }
            let todo = desk.todo();
            if todo.is_empty() {
                return Ok(true);
            }
            let Some(answers) = self.carry_out(desk, todo).await? else { return Ok(false) };
            if answers.is_empty() {
                continue;
            }
            let mut taken = std::mem::take(desk);
            *desk = blocking(move || {
                taken.answers(answers)?;
                Ok(taken)
            })
            .await?;
        }
    }

    /// One batch: the steps, and how far the journal was followed for them. False when the hub is stopping.
    async fn write(&self, desk: &mut Desk, target: Option<Position>) -> bool {
        let (defined, steps) = desk.taken();
        let idle = steps.is_empty() && defined.is_empty();
        let behind = target.is_some_and(|target| target.0 > desk.token_at.0 + TOKEN_AFTER);
        if idle && !behind {
            return true;
        }
        let token =
            Token { intake: PROCESSES.to_owned(), part: String::new(), token: desk.followed.to_string() };
        let (reply, durable) = oneshot::channel();
        let sent = self.work.send(Work::Steps { defined, steps, resume: Some(token), reply }).await;
        let (Ok(()), Ok(last)) = (sent, durable.await) else { return false };
        desk.token_at = desk.followed;
        desk.written(last);
        true
    }

    /// Waits until the views have applied everything up to a record. False when the hub is stopping.
    async fn views_at(&mut self, position: Position) -> bool {
        self.shared.views_wanted.fetch_max(position.0, Ordering::Relaxed);
        let stop = self.shared.supervisor.stopping();
        tokio::select! {
            () = stop.cancelled() => false,
            reached = self.applied.wait_for(|applied| *applied >= position) => reached.is_ok(),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, Reason> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| Err(Reason::new("internal-fault", "the conductor's work ended early")))
}
