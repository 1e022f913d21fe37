//! The sink of one operation: one attempt for each call, and what it may honestly report of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use lineshaft_model::{Answer, Reason};
use lineshaft_ports::{Delivery, Sink, Slot};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::ALPN;
use super::answers::{Answers, Verdict};
use super::client::why_lost;
use super::config::{HttpConfig, no_target};
use super::connect::Dial;
use super::connection::{Connection, Lost, Progress};
use super::detail;
use super::head::Head;
use super::oauth::{OAuth, Pass};
use super::operation::Operation;
use super::plan::Plan;
use super::pool::Pool;
use crate::Surroundings;

/// One operation, ready to be called.
pub(super) struct HttpSink {
    dial: Dial,
    /// Fetches tokens, when that is how the hub logs in.
    tokens: Option<OAuth>,
    call: Plan,
    verify: Option<Question>,
    answers: Answers,
    foreign_key: Option<String>,
    timeout_ms: u64,
    answer_limit_bytes: u64,
    slots: Vec<Slot>,
    /// Everything secret that is sent, to be taken out of what the target says.
    secrets: Vec<SecretString>,
    pool: Pool,
}

/// How to ask what happened.
struct Question {
    plan: Plan,
    delivered: Vec<std::ops::RangeInclusive<u16>>,
    absent: Vec<std::ops::RangeInclusive<u16>>,
}

/// An attempt without an answer.
struct Fault {
    /// Whether the request, or a part of it, had gone out.
    sent: bool,
    reason: Reason,
}

impl HttpSink {
    /// Resolves the secrets and lays out the requests.
    pub(super) fn build(
        config: &HttpConfig,
        operation: &Operation,
        with: &Surroundings<'_>,
    ) -> Result<Self, Reason> {
        let target = config.target.clone().ok_or_else(no_target)?;
        let mut sent = Vec::new();
        let mut plan = |request, content_type| {
            Plan::build(
                &target,
                &config.auth,
                request,
                content_type,
                &operation.slots,
                with.secrets,
                &mut sent,
            )
        };
        let mut call = plan(&operation.request, Some(operation.content_type.as_str()))?;
        call.ce_headers = operation.ce_headers;
        let verify = match &operation.verify {
            None => None,
            Some(verify) => Some(Question {
                plan: plan(&verify.request, None)?,
                delivered: verify.delivered.clone(),
                absent: verify.absent.clone(),
            }),
        };
        Ok(Self {
            dial: Dial {
                tls: if target.tls { Some(config.tls.client(ALPN, with)?) } else { None },
                target,
                outbound: Arc::clone(with.outbound),
                limit_ms: operation.connect_timeout_ms,
            },
            tokens: config.auth.tokens(&config.tls, operation.timeout_ms, with)?,
            call,
            verify,
            answers: operation.answers.clone(),
            foreign_key: operation.foreign_key.clone(),
            timeout_ms: operation.timeout_ms,
            answer_limit_bytes: operation.answer_limit_bytes,
            slots: operation.slots.clone(),
            secrets: sent,
            pool: Pool::new(config.connections, config.idle_ms),
        })
    }

    /// One exchange. `judge` turns the answer into what is reported while its bytes are still in the connection.
    async fn exchange<T>(
        &self,
        plan: &Plan,
        delivery: &Delivery,
        mut head: Vec<u8>,
        mut idle: Option<Connection>,
        judge: impl FnOnce(&Head, &[u8]) -> T,
    ) -> Result<T, Fault> {
        let body: &[u8] = if plan.sends_body { &delivery.body } else { &[] };
        let mut first = true;
        loop {
            let mut connection = match idle.take() {
                Some(connection) => connection,
                None => Connection::new(
                    self.dial.connect().await.map_err(|reason| Fault { sent: false, reason })?,
                ),
            };
            let mut progress = Progress::default();
            let exchange =
                connection.exchange(&head, body, plan.method, self.answer_limit_bytes, &mut progress);
            let lost = match timeout(Duration::from_millis(self.timeout_ms), exchange).await {
                Ok(Ok(answered)) => {
                    let judged = judge(&answered.head, connection.body(&answered));
                    if answered.reusable {
                        connection.head = std::mem::take(&mut head);
                        self.pool.put(connection);
                    }
                    return Ok(judged);
                }
                Ok(Err(lost)) => Some(lost),
                Err(_) => None,
            };
            // The status is the answer: what is missing of its body changes nothing.
            if let Some(head) = progress.head {
                return Ok(judge(&head, &[]));
            }
            // An idle connection that the target had closed is no attempt if nothing of the request left, and one that
            // can be made again if the target knows the key.
            let closed = matches!(lost, Some(Lost::Closed | Lost::Failed(_)));
            let harmless = !progress.sent || plan.is_repeatable();
            if first && connection.reused && closed && !progress.received && harmless {
                first = false;
                continue;
            }
            return Err(Fault { sent: progress.sent, reason: self.lost(lost.as_ref(), progress) });
        }
    }

    /// Takes an idle connection and writes the request's head, before anything is connected: a delivery that cannot be
    /// sent is refused even while the target is down.
    fn prepare(
        &self,
        plan: &Plan,
        delivery: &Delivery,
        pass: Option<&Pass>,
    ) -> Result<(Vec<u8>, Option<Connection>), Reason> {
        let mut idle = self.pool.take();
        let mut head =
            idle.as_mut().map(|connection| std::mem::take(&mut connection.head)).unwrap_or_default();
        match plan.write(&mut head, delivery, pass.map(|pass| &pass.value)) {
            Ok(()) => Ok((head, idle)),
            Err(reason) => {
                if let Some(connection) = idle {
                    self.pool.put(connection);
                }
                Err(reason)
            }
        }
    }

    fn lost(&self, lost: Option<&Lost>, progress: Progress) -> Reason {
        let reason = why_lost(&self.dial.target.authority, self.timeout_ms, lost, progress);
        if progress.sent {
            reason.hint(
                "the effect may be there: look in the target, or configure `verify` or `idempotency_header`",
            )
        } else {
            reason
        }
    }

    /// A token, when that is how the hub logs in.
    async fn pass(&self) -> Result<Option<Pass>, Reason> {
        match &self.tokens {
            Some(tokens) => tokens.pass().await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether an answer says that a token is not good any more although it should be: then another one is fetched and
    /// the request, which had no effect, goes out once more.
    async fn is_spent(&self, pass: Option<&Pass>, status: u16) -> bool {
        match (&self.tokens, pass) {
            (Some(tokens), Some(pass)) if status == 401 => {
                tokens.forget(pass).await;
                !pass.fresh
            }
            _ => false,
        }
    }

    fn judge(&self, delivery: &Delivery, pass: Option<&Pass>, head: &Head, body: &[u8]) -> Answer {
        let keeps_key = self.keeps_idempotency_key();
        let status = head.status;
        match self.answers.verdict(status, keeps_key, delivery.attempt > 1) {
            Verdict::Delivered => {
                let foreign_key = self.foreign_key.as_deref().and_then(|at| detail::foreign_key(body, at));
                Answer::Delivered { status, foreign_key }
            }
            Verdict::Refused => {
                Answer::Refused { status, reason: self.said("target-refused", status, body, pass) }
            }
            Verdict::Again => Answer::Again {
                status,
                after_ms: head.retry_after_ms,
                reason: self.said("target-not-now", status, body, pass),
            },
            Verdict::Unknown => Answer::Unknown { reason: self.said("target-unclear", status, body, pass) },
        }
    }

    fn said(&self, code: &str, status: u16, body: &[u8], pass: Option<&Pass>) -> Reason {
        let mut words = detail::words(body, &self.secrets);
        if let Some(pass) = pass {
            words = words.replace(pass.value.expose_secret(), "[secret]");
        }
        let known = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let mut message = format!("{} answered {status}", self.dial.target.authority);
        for part in
            [known.map(|known| format!(" {known}")), (!words.is_empty()).then(|| format!(": {words}"))]
        {
            message.push_str(&part.unwrap_or_default());
        }
        let hint = match status {
            300..=399 => "redirects are not followed: correct `base_url` or the path",
            401 | 403 => "check `auth` and the rights of its login",
            404 => "check the path, and whether the object exists there",
            413 => "the body is too large for the target",
            415 => "check `content_type`",
            _ => "",
        };
        Reason::new(code, message).hint(hint)
    }

    async fn attempt(&self, delivery: &Delivery) -> Answer {
        loop {
            let pass = match self.pass().await {
                Ok(pass) => pass,
                Err(reason) => return Answer::Again { status: 0, after_ms: None, reason },
            };
            let (head, idle) = match self.prepare(&self.call, delivery, pass.as_ref()) {
                Ok(prepared) => prepared,
                Err(reason) => return Answer::Refused { status: 0, reason },
            };
            let judge =
                |head: &Head, body: &[u8]| (head.status, self.judge(delivery, pass.as_ref(), head, body));
            match self.exchange(&self.call, delivery, head, idle, judge).await {
                Ok((status, _)) if self.is_spent(pass.as_ref(), status).await => {}
                Ok((_, answer)) => return answer,
                Err(Fault { sent: false, reason }) => {
                    return Answer::Again { status: 0, after_ms: None, reason };
                }
                Err(Fault { sent: true, reason }) => return Answer::Unknown { reason },
            }
        }
    }

    async fn ask(&self, question: &Question, delivery: &Delivery) -> Answer {
        loop {
            let pass = match self.pass().await {
                Ok(pass) => pass,
                Err(reason) => return Answer::Unknown { reason },
            };
            let (head, idle) = match self.prepare(&question.plan, delivery, pass.as_ref()) {
                Ok(prepared) => prepared,
                Err(reason) => return Answer::Unknown { reason },
            };
            let judge = |head: &Head, body: &[u8]| {
                (head.status, self.judge_question(question, pass.as_ref(), head.status, body))
            };
            match self.exchange(&question.plan, delivery, head, idle, judge).await {
                Ok((status, _)) if self.is_spent(pass.as_ref(), status).await => {}
                Ok((_, answer)) => return answer,
                Err(fault) => return Answer::Unknown { reason: fault.reason },
            }
        }
    }

    fn judge_question(&self, question: &Question, pass: Option<&Pass>, status: u16, body: &[u8]) -> Answer {
        let is_in =
            |list: &[std::ops::RangeInclusive<u16>]| list.iter().any(|statuses| statuses.contains(&status));
        if is_in(&question.delivered) {
            let foreign_key = self.foreign_key.as_deref().and_then(|at| detail::foreign_key(body, at));
            Answer::Delivered { status, foreign_key }
        } else if is_in(&question.absent) {
            let reason = self
                .said("verify-absent", status, body, pass)
                .hint("the effect is not there: it is tried again");
            Answer::Again { status, after_ms: None, reason }
        } else {
            Answer::Unknown { reason: self.said("verify-unclear", status, body, pass) }
        }
    }
}

impl Sink for HttpSink {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(self.attempt(delivery))
    }

    fn slots(&self) -> &[Slot] {
        &self.slots
    }

    fn verify<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        match &self.verify {
            Some(question) => Box::pin(self.ask(question, delivery)),
            None => Box::pin(async {
                Answer::Unknown {
                    reason: Reason::new(
                        "verify-not-configured",
                        "the operation has no way to ask what happened",
                    )
                    .hint("configure `verify` or `idempotency_header`"),
                }
            }),
        }
    }

    fn keeps_idempotency_key(&self) -> bool {
        self.call.keeps_key()
    }

    fn can_verify(&self) -> bool {
        self.verify.is_some()
    }
}

impl fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSink")
            .field("target", &self.dial.target.authority)
            .field("method", &self.call.method)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
