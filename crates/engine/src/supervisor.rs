//! The only place that starts tasks and threads, so that nothing runs unwatched.

use std::future::Future;
use std::sync::Arc;

use lineshaft_model::Reason;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What happens when the hub cannot go on: called once with the reason; in the real hub it ends the process.
pub type OnFatal = Arc<dyn Fn(&Reason) + Send + Sync>;

/// Starts tasks and threads and knows when all of them have ended.
#[derive(Clone)]
pub struct Supervisor {
    stop: CancellationToken,
    tasks: TaskTracker,
    on_fatal: OnFatal,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

impl Supervisor {
    /// A supervisor with nothing to watch yet.
    #[must_use]
    pub fn new(on_fatal: OnFatal) -> Self {
        Self { stop: CancellationToken::new(), tasks: TaskTracker::new(), on_fatal }
    }

    /// Resolves when the hub is to stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Says that the hub cannot go on.
    pub fn fatal(&self, reason: &Reason) {
        tracing::error!(code = reason.code, at = reason.at, hint = reason.hint, "{}", reason.message);
        self.stop.cancel();
        (self.on_fatal)(reason);
    }

    /// Starts a task. A panic in it is a fault of ours and ends the hub: state that others rely on may be half changed.
    #[expect(clippy::disallowed_methods, reason = "the supervisor is the one that spawns")]
    pub fn task(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let watch = self.clone();
        self.tasks.spawn(async move {
            let ended = tokio::spawn(task).await;
            if let Err(error) = ended
                && error.is_panic()
            {
                watch.fatal(
                    &Reason::new("internal-fault", format!("the task `{name}` panicked"))
                        .hint("report it with the log"),
                );
            }
        });
    }

    /// Starts a task that serves one caller. A panic in it is logged and ends that caller's connection only.
    #[expect(clippy::disallowed_methods, reason = "the supervisor is the one that spawns")]
    pub fn serve(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            let ended = tokio::spawn(task).await;
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(code = "internal-fault", "serving `{name}` panicked");
            }
        });
    }

    /// Starts a thread for blocking work; watched like a task.
    pub fn thread(&self, name: &'static str, work: impl FnOnce() + Send + 'static) -> Result<(), Reason> {
        let watch = self.clone();
        let guard = self.tasks.token();
        let body = move || {
            let _guard = guard;
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                watch.fatal(
                    &Reason::new("internal-fault", format!("the thread `{name}` panicked"))
                        .hint("report it with the log"),
                );
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(body).map(|_| ()).map_err(|error| {
            Reason::new("thread-not-started", format!("the thread `{name}` could not be started: {error}"))
                .hint("raise the limit of processes for this user")
        })
    }

    /// Tells everything to stop and resolves when it has.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
