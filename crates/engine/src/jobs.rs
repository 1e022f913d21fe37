//! Long work that people ask for: replays and actions on many dead letters. It goes in small steps, each written with how far
//! it is, so that a crash neither loses nor repeats any of it; slowly, and not at all while its destination has much to do.

use std::collections::HashMap;
use std::sync::Arc;

use lineshaft_logic::mend::{self, Edited};
use lineshaft_logic::replay::{Replay, Took, USUAL_PER_SECOND};
use lineshaft_model::record::{Cause, Job, JobOrder, JobState, LettersAction, LettersOrder, ReplayOrder};
use lineshaft_model::shown::Counted;
use lineshaft_model::{Event, Millis, OutcomeKind, Position, Reason};
use lineshaft_store::reading::Past;
use lineshaft_store::views::{LaneEntry, Unfinished};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::handle::{Asked, Handle};
use crate::references::ViewReferences;
use crate::work::{JobStep, LetterItem, Owing, ReplayItem, Work};

/// Deliveries that may wait at a destination before long work for it waits too.
const BACKLOG: u64 = 2_000;

/// Records looked at, and things done, in one step at most.
const RECORDS_A_STEP: usize = 4_096;
const MOST_A_STEP: u32 = 250;

/// How long long work rests when its destination has much to do, or the hub is busy.
const REST_MS: i64 = 1_000;

/// What is counted before work is asked for, at most.
const MOST_COUNTED: u64 = 2_000_000;

/// What one step writes at most, in bytes and one record more: all of it is one batch of the journal.
const MOST_BYTES_A_STEP: usize = 8 << 20;

/// What one step came to.
struct Stepped {
    job: Job,
    replays: Vec<ReplayItem>,
    letters: Vec<LetterItem>,
}

/// Runs until told to stop.
pub(crate) async fn run(hub: Handle, stop: CancellationToken) -> Result<(), Reason> {
    let mut due: HashMap<Position, Millis> = HashMap::new();
    loop {
        let now = hub.shared.clock.both().steady;
        let running = hub.reading().jobs(true, None, 100).map_err(|error| error.reason())?.items;
        due.retain(|id, _| running.iter().any(|row| row.job.id == *id));
        let mut next: Option<Millis> = None;
        for row in running {
            let id = row.job.id;
            let mut at = due.get(&id).copied().unwrap_or(now);
            if at <= now {
                at = now.plus(step(&hub, row.job).await?);
                due.insert(id, at);
            }
            next = next.into_iter().chain([at]).min();
        }
        let rest_ms = next.map(|next| next.since(hub.shared.clock.both().steady).max(1));
        let rest = async {
            match rest_ms {
                Some(ms) => hub.shared.clock.pause(u64::try_from(ms).unwrap_or(1)).await,
                None => futures::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = hub.shared.jobs.notified() => {}
            () = rest => {}
        }
    }
}

/// Takes one step; gives how long to rest after it, in milliseconds.
async fn step(hub: &Handle, job: Job) -> Result<i64, Reason> {
    if hub.is_congested(&job.order) {
        return Ok(REST_MS);
    }
    let per_second = match per_second(&job.order) {
        0 => USUAL_PER_SECOND,
        rate => rate,
    };
    let most = (per_second / 4).clamp(1, MOST_A_STEP);
    // Before the views are asked: what they say is then at least as new.
    let asked = hub.shared.views.applied();
    // It was listed before other jobs took their steps: somebody may have cancelled it since.
    let job = match hub.reading().job(job.id).map_err(|error| error.reason())? {
        Some(row) if row.job.state == JobState::Running => row.job,
        _ => return Ok(REST_MS),
    };
    let (asking, before) = (hub.clone(), job.clone());
    let taken = tokio::task::spawn_blocking(move || match before.order.clone() {
        JobOrder::Replay(order) => asking.step_of_replay(before, &order, most),
        JobOrder::DeadLetters(order) => asking.step_of_letters(before, &order, most),
    });
    let stepped = match taken.await {
        Ok(Ok(stepped)) => stepped,
        Ok(Err(reason)) => Stepped::failed(job, reason),
        // The hub is stopping.
        Err(_) => return Ok(REST_MS),
    };
    let did = stepped.replays.len() + stepped.letters.len();
    let (reply, answer) = oneshot::channel();
    let Stepped { job, replays, letters } = stepped;
    let step = JobStep { asked, job, action: None, replays, letters, reply };
    if hub.work.send(Work::Job(Box::new(step))).await.is_err() {
        return Ok(REST_MS);
    }
    // Refused when a person has done something to it meanwhile: it is looked at again.
    if let Ok(Ok(position)) = answer.await {
        hub.until_applied(position).await;
    }
    let did = i64::try_from(did).unwrap_or(1);
    Ok(did * 1_000 / i64::from(per_second.max(1)))
}

const fn per_second(order: &JobOrder) -> u32 {
    match order {
        JobOrder::Replay(order) => order.per_second,
        JobOrder::DeadLetters(order) => order.per_second,
    }
}

impl Stepped {
    const fn new(job: Job) -> Self {
        Self { job, replays: Vec::new(), letters: Vec::new() }
    }

    fn failed(job: Job, reason: Reason) -> Self {
        tracing::warn!(job = job.id.0, code = reason.code, "long work failed: {}", reason.message);
        Self::new(Job { state: JobState::Failed, problem: Some(reason), ..job })
    }
}

impl Handle {
    /// Asks for long work. Durable when it returns; the position is that of the job.
    pub async fn start_job(&self, mut order: JobOrder, asked: Asked) -> Result<Position, Reason> {
        self.check_job(&mut order)?;
        let discards =
            matches!(&order, JobOrder::DeadLetters(order) if order.action == LettersAction::Discard);
        if discards && asked.reason.trim().is_empty() {
            return Err(
                Reason::new("reason-missing", "dead letters are discarded with a reason").at("/reason")
            );
        }
        let (hub, counting) = (self.clone(), order.clone());
        let counted = tokio::task::spawn_blocking(move || hub.count_within(&counting, 200_000)).await;
        let counted = counted.ok().and_then(Result::ok).filter(|counted| counted.complete);
        let target = match &order {
            JobOrder::Replay(order) => format!("replay to {}", order.to),
            JobOrder::DeadLetters(order) => {
                let of = order.destination.as_deref().unwrap_or("every destination");
                format!("{} dead letters of {of}", order.action.as_str())
            }
        };
        let now = self.now();
        let job = Job {
            id: Position::ZERO,
            order,
            actor: asked.actor.clone(),
            reason: asked.reason.clone(),
            begun: now,
            at: now,
            state: JobState::Running,
            reached: Position::ZERO,
            letter: None,
            done: 0,
            skipped: 0,
            expected: counted.map_or(0, |counted| counted.matching),
            problem: None,
        };
        self.write_job(job, "job.start", &target, asked, self.shared.views.applied()).await
    }

    /// Stops long work, or has it go on from where it stopped.
    pub async fn steer_job(&self, id: Position, resume: bool, asked: Asked) -> Result<Position, Reason> {
        let seen = self.shared.views.applied();
        let row = self.reading().job(id).map_err(|error| error.reason())?;
        let Some(row) = row else {
            return Err(Reason::new("job-unknown", format!("there is no job {id}")));
        };
        let (state, word, fits) = if resume {
            let stopped = matches!(row.job.state, JobState::Cancelled | JobState::Failed);
            (JobState::Running, "job.resume", stopped)
        } else {
            (JobState::Cancelled, "job.cancel", row.job.state == JobState::Running)
        };
        if !fits {
            let message = format!("the job {id} is {}", row.job.state.as_str());
            return Err(Reason::new("job-not-so", message)
                .hint("what runs can be cancelled, what was cancelled or failed can be resumed"));
        }
        let job = Job { id, state, problem: None, ..row.job };
        self.write_job(job, word, &id.to_string(), asked, seen).await
    }

    async fn write_job(
        &self,
        job: Job,
        action: &str,
        target: &str,
        asked: Asked,
        seen: Position,
    ) -> Result<Position, Reason> {
        let closed = || Reason::new("hub-stopping", lineshaft_ports::Refusal::Closed.to_string());
        tracing::info!(action, target, actor = asked.actor, reason = asked.reason, "a person acted");
        let action = self.action(action, target, asked);
        let (reply, answer) = oneshot::channel();
        let (replays, letters) = (Vec::new(), Vec::new());
        let step = JobStep { asked: seen, job, action: Some(action), replays, letters, reply };
        self.work.send(Work::Job(Box::new(step))).await.map_err(|_| closed())?;
        let position = answer.await.map_err(|_| closed())??;
        self.until_applied(position).await;
        self.shared.jobs.notify_one();
        Ok(position)
    }

    /// What long work would do.
    pub fn count_job(&self, mut order: JobOrder) -> Result<Counted, Reason> {
        self.check_job(&mut order)?;
        self.count_within(&order, MOST_COUNTED)
    }

    /// Checks what is asked for, and says up to where a replay goes.
    fn check_job(&self, order: &mut JobOrder) -> Result<(), Reason> {
        let setup = self.shared.setup.load();
        match order {
            JobOrder::Replay(order) => {
                Replay::compile(order, &setup.plan)?;
                let end = self.shared.records.end();
                if order.until.is_zero() || order.until > end {
                    order.until = end;
                }
                order.from = order.from.max(Position(1));
                Ok(())
            }
            JobOrder::DeadLetters(order) => match &order.destination {
                Some(to) => {
                    lineshaft_model::Destination::parse(to).map(|_| ()).map_err(|r| r.at("/destination"))
                }
                None => Ok(()),
            },
        }
    }

    /// Whether a destination of the work has so much to do that it waits.
    fn is_congested(&self, order: &JobOrder) -> bool {
        let only = match order {
            JobOrder::Replay(order) => Some(order.to.as_str()),
            JobOrder::DeadLetters(order) if order.action == LettersAction::Discard => return false,
            JobOrder::DeadLetters(order) => order.destination.as_deref(),
        };
        self.shared.views.counts().iter().any(|of| {
            let is_meant = only.map_or(of.dead > 0, |to| to == of.destination);
            is_meant && of.pending + of.retrying + of.unknown > BACKLOG
        })
    }

    fn count_within(&self, order: &JobOrder, most: u64) -> Result<Counted, Reason> {
        match order {
            JobOrder::Replay(order) => self.count_replay(order, most),
            JobOrder::DeadLetters(order) => self.count_letters(order, most),
        }
    }

    fn count_replay(&self, order: &ReplayOrder, most: u64) -> Result<Counted, Reason> {
        let setup = self.shared.setup.load();
        let replay = Replay::compile(order, &setup.plan)?;
        let references = ViewReferences::new(&self.shared.views, &setup.plan.tenant);
        let mut counted = Counted::default();
        let mut next = order.from;
        while next <= order.until && counted.looked_at < most {
            let mut failed = None;
            let reached = self.reading().past(next, order.until, RECORDS_A_STEP, |past| {
                match replay.takes(&past.event.envelope, &past.event.data, &took(&past), &references) {
                    Ok(true) => {
                        counted.matching += 1;
                        *counted.by.entry(past.event.envelope.event_type.clone()).or_default() += 1;
                        if counted.first.len() < 10 {
                            counted.first.push(past.position.to_string());
                        }
                        true
                    }
                    Ok(false) => true,
                    Err(reason) => {
                        failed = Some(at_event(reason, past.position));
                        false
                    }
                }
            });
            if let Some(reason) = failed {
                return Err(reason);
            }
            let reached = reached.map_err(|error| error.reason())?;
            counted.looked_at += (reached.0 + 1).saturating_sub(next.0);
            if reached < next {
                break;
            }
            next = reached.next();
        }
        counted.complete = next > order.until || counted.looked_at < most;
        Ok(counted)
    }

    fn count_letters(&self, order: &LettersOrder, most: u64) -> Result<Counted, Reason> {
        let mut counted = Counted::default();
        let mut after = None;
        loop {
            let page = self.reading().letters_after(order.destination.as_deref(), after, 500);
            let page = page.map_err(|error| error.reason())?;
            for entry in &page {
                counted.looked_at += 1;
                let code = self.code_of(entry)?;
                if order.code.as_ref().is_none_or(|wanted| *wanted == code) {
                    counted.matching += 1;
                    *counted.by.entry(format!("{} {code}", entry.destination)).or_default() += 1;
                    if counted.first.len() < 10 {
                        counted.first.push(entry.delivery.to_string());
                    }
                }
            }
            counted.complete = page.len() < 500;
            after = page.last().map(|entry| (entry.settled, entry.delivery));
            if counted.complete || counted.looked_at >= most.min(100_000) {
                return Ok(counted);
            }
        }
    }

    fn code_of(&self, entry: &LaneEntry) -> Result<String, Reason> {
        let cause = self.reading().cause(entry.outcome).map_err(|error| error.reason())?;
        Ok(cause.map(|cause| cause.code).unwrap_or_default())
    }

    fn step_of_replay(&self, mut job: Job, order: &ReplayOrder, most: u32) -> Result<Stepped, Reason> {
        let setup = self.shared.setup.load();
        let replay = Replay::compile(order, &setup.plan)?;
        let references = ViewReferences::new(&self.shared.views, &setup.plan.tenant);
        let door = self.shared.lanes.door(&replay.to);
        let from = order.from.max(job.reached.next()).max(self.shared.records.first());
        let (mut replays, mut failed) = (Vec::new(), None);
        let now = self.now();
        let mut reached = order.until;
        let mut bytes = 0;
        if from <= order.until {
            let gone = self.reading().past(from, order.until, RECORDS_A_STEP, |past| {
                let of = took(&past);
                match replay.takes(&past.event.envelope, &past.event.data, &of, &references) {
                    Ok(false) => return true,
                    Err(reason) => {
                        failed = Some(at_event(reason, past.position));
                        return false;
                    }
                    Ok(true) => {}
                }
                let owed = replay.owed(&setup.plan, &past.event.envelope, &of);
                let original = past.position;
                bytes += past.event.data.len();
                let event = Event { received: now, intake: "replay".to_owned(), ..past.event };
                replays.push(ReplayItem {
                    original,
                    event,
                    owing: Owing {
                        route: Arc::from(owed.route),
                        door: Arc::clone(&door),
                        priority: Replay::CLASS,
                        order_key: Some(owed.order_key),
                        parks: owed.parks,
                    },
                    new_scope: order.new_scope,
                });
                replays.len() < most as usize && bytes < MOST_BYTES_A_STEP
            });
            reached = gone.map_err(|error| error.reason())?.max(from);
        }
        if let Some(reason) = failed {
            return Err(reason);
        }
        job.reached = reached;
        job.done += replays.len() as u64;
        if reached >= order.until {
            job.state = JobState::Done;
        }
        Ok(Stepped { job, replays, letters: Vec::new() })
    }

    fn step_of_letters(&self, mut job: Job, order: &LettersOrder, most: u32) -> Result<Stepped, Reason> {
        let limit = most as usize;
        let page = self.reading().letters_after(order.destination.as_deref(), job.letter, limit);
        let page = page.map_err(|error| error.reason())?;
        let asked = Asked { actor: job.actor.clone(), reason: job.reason.clone() };
        let mut letters = Vec::new();
        for entry in &page {
            job.letter = Some((entry.settled, entry.delivery));
            // What died after it was asked for is another matter.
            if entry.outcome > job.id {
                continue;
            }
            let code = self.code_of(entry)?;
            if order.code.as_ref().is_some_and(|wanted| *wanted != code) {
                continue;
            }
            match self.letter_item(entry, order.action, &code, &asked)? {
                Some(item) => {
                    letters.push(item);
                    job.done += 1;
                }
                None => job.skipped += 1,
            }
        }
        if page.len() < limit {
            job.state = JobState::Done;
        }
        Ok(Stepped { job, replays: Vec::new(), letters })
    }

    /// What becomes of one dead letter; `None` when it is left as it is: nobody knows what became of it, or it cannot be mapped.
    fn letter_item(
        &self,
        entry: &LaneEntry,
        action: LettersAction,
        code: &str,
        asked: &Asked,
    ) -> Result<Option<LetterItem>, Reason> {
        let row = Unfinished { destination: entry.destination.to_string(), entry: entry.clone() };
        let kind = match action {
            LettersAction::Discard => OutcomeKind::Discarded,
            LettersAction::Retry | LettersAction::Restart if code == "outcome-unknown" => return Ok(None),
            LettersAction::Retry | LettersAction::Restart => OutcomeKind::Retried,
        };
        let mut amended = None;
        if action == LettersAction::Restart {
            if self.known(entry.delivery).is_err() {
                return Ok(None);
            }
            let Ok(data) = self.mapped_again(entry.delivery.event) else { return Ok(None) };
            let changes = mend::differences_of_bytes(&self.content(&row)?, &data);
            if !changes.is_empty() {
                amended =
                    Some(self.amendment(&row, Cause::Restart, Edited { data, changes }, asked, false)?);
            }
        }
        let settled = self.settled_by(&row, kind, Position::ZERO, asked)?;
        Ok(Some(LetterItem { settled, amended }))
    }
}

fn took(past: &Past) -> Vec<Took<'_>> {
    past.owed
        .iter()
        .map(|owed| Took {
            route: &owed.route,
            destination: &owed.destination,
            order_key: &owed.order_key,
            parks: owed.parks,
        })
        .collect()
}

fn at_event(reason: Reason, position: Position) -> Reason {
    Reason { message: format!("event {position}: {}", reason.message), ..reason }
}
