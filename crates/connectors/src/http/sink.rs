//! The sink of one operation: one attempt for each call, and what it may honestly report of it.

use std::borrow::Cow;
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
use super::batch;
use super::client::{Client, why_lost};
use super::config::{HttpConfig, no_target};
use super::connect::Dial;
use super::connection::{Connection, Lost, Progress};
use super::csrf::{Csrf, Lines};
use super::detail;
use super::head::Head;
use super::oauth::{OAuth, Pass};
use super::operation::Operation;
use super::plan::{Fixed, Plan};
use super::pool::Pool;
use super::request::{Request, is_header_safe};
use crate::Surroundings;

/// One operation, ready to be called.
pub(super) struct HttpSink {
    dial: Dial,
    /// Fetches tokens, when that is how the hub logs in.
    tokens: Option<OAuth>,
    /// Fetches CSRF tokens, when changes need them.
    csrf: Option<Csrf>,
    /// How the entity's tag is asked for before it is changed.
    tag: Option<(Arc<Client>, Plan)>,
    /// Whether the body is sent as a `$batch`.
    batch: bool,
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
    found: Option<String>,
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
                found: verify.found.clone(),
            }),
        };
        let reading =
            Request { method: "GET", headers: Vec::new(), sends_body: false, ..operation.request.clone() };
        let reading = if operation.reads_tag { Some(plan(&reading, None)?) } else { None };
        let dial = Dial {
            tls: if target.tls { Some(config.tls.client(ALPN, with)?) } else { None },
            target,
            outbound: Arc::clone(with.outbound),
            limit_ms: operation.connect_timeout_ms,
        };
        let asking = Arc::new(Client {
            dial: dial.clone(),
            pool: Pool::new(config.connections, config.idle_ms),
            timeout_ms: operation.timeout_ms,
            answer_limit_bytes: operation.answer_limit_bytes,
        });
        let csrf = match &config.csrf {
            None => None,
            Some(tokens) => {
                let root = Request::plain("GET");
                let fixed = Fixed::build(&dial.target, &config.auth, &root, None, with.secrets, &mut sent)?;
                let head = format!("GET {}/ HTTP/1.1\r\n{}", dial.target.base_path, fixed.lines);
                Some(Csrf {
                    client: Arc::clone(&asking),
                    head: SecretString::from(head),
                    tokens: Arc::clone(tokens),
                })
            }
        };
        Ok(Self {
            dial,
            csrf,
            tag: reading.map(|plan| (asking, plan)),
            batch: operation.batch,
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
        body: &[u8],
        mut head: Vec<u8>,
        mut idle: Option<Connection>,
        judge: impl FnOnce(&Head, &[u8], bool) -> T,
    ) -> Result<T, Fault> {
        let body: &[u8] = if plan.sends_body { body } else { &[] };
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
                    let judged = judge(&answered.head, connection.body(&answered), answered.whole);
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
                return Ok(judge(&head, &[], false));
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
        body: &[u8],
        extra: &str,
    ) -> Result<(Vec<u8>, Option<Connection>), Reason> {
        let mut idle = self.pool.take();
        let mut head =
            idle.as_mut().map(|connection| std::mem::take(&mut connection.head)).unwrap_or_default();
        match plan.write(&mut head, delivery, body, extra) {
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
        let body = pass.map_or(Cow::Borrowed(body), |pass| {
            Cow::Owned(detail::without(body, pass.value.expose_secret()))
        });
        let words = detail::words(&body, &self.secrets);
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

    /// The body as it goes out.
    fn body<'a>(&self, delivery: &'a Delivery) -> Result<Cow<'a, [u8]>, Reason> {
        if self.batch {
            batch::body(&delivery.body).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(&delivery.body))
        }
    }

    /// What the answer to a batch says of its parts; of anything else the status is the answer.
    fn judge_batch(
        &self,
        delivery: &Delivery,
        pass: Option<&Pass>,
        head: &Head,
        body: &[u8],
        whole: bool,
    ) -> Answer {
        if !self.batch || !(200..300).contains(&head.status) {
            return self.judge(delivery, pass, head, body);
        }
        let unclear = |why: &str| Answer::Unknown {
            reason: Reason::new("target-unclear", format!("the answer to the batch cannot be read: {why}"))
                .hint("look in the target, or raise `answer_limit`"),
        };
        if !whole {
            return unclear("it is cut off, or longer than `answer_limit`");
        }
        match batch::outcome(body) {
            batch::Outcome::Done(first) => {
                self.judge(delivery, pass, head, first.as_deref().unwrap_or_default())
            }
            batch::Outcome::Failed(status, body) => {
                self.judge(delivery, pass, &Head { status, ..*head }, &body)
            }
            batch::Outcome::Unclear(why) => unclear(&why),
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> Answer {
        let body = match self.body(delivery) {
            Ok(body) => body,
            Err(reason) => return Answer::Refused { status: 0, reason },
        };
        loop {
            let again = |reason| Answer::Again { status: 0, after_ms: None, reason };
            let pass = match self.pass().await {
                Ok(pass) => pass,
                Err(reason) => return again(reason),
            };
            let login = login_lines(pass.as_ref());
            // Refused before anything is asked: a delivery that cannot be sent needs no token.
            if self.csrf.is_some()
                && let Err(reason) = self.call.write(&mut Vec::new(), delivery, &body, "")
            {
                return Answer::Refused { status: 0, reason };
            }
            let csrf = match &self.csrf {
                None => None,
                Some(csrf) => match csrf.lines(&login).await {
                    Ok(lines) => Some(lines),
                    Err(reason) => return again(reason),
                },
            };
            let tag = match self.read_tag(delivery, pass.as_ref(), &login).await {
                Ok(tag) => tag,
                Err(answer) => return answer,
            };
            let mut extra = login;
            extra.push_str(csrf.as_ref().map_or("", |lines| lines.text.expose_secret()));
            extra.push_str(&tag.as_ref().map_or(String::new(), |tag| format!("if-match: {tag}\r\n")));
            let (head, idle) = match self.prepare(&self.call, delivery, &body, &extra) {
                Ok(prepared) => prepared,
                Err(reason) => return Answer::Refused { status: 0, reason },
            };
            let judge = |head: &Head, answer: &[u8], whole: bool| {
                (*head, self.judge_batch(delivery, pass.as_ref(), head, answer, whole))
            };
            match self.exchange(&self.call, &body, head, idle, judge).await {
                Ok((head, _)) if self.is_spent(pass.as_ref(), head.status).await => {}
                Ok((head, _)) if self.wants_csrf(csrf.as_ref(), &head).await => {}
                Ok((head, Answer::Refused { reason, .. })) if head.status == 412 && tag.is_some() => {
                    return Answer::Again { status: 412, after_ms: None, reason: changed_meanwhile(reason) };
                }
                Ok((_, answer)) => return answer,
                Err(Fault { sent: false, reason }) => return again(reason),
                Err(Fault { sent: true, reason }) => return Answer::Unknown { reason },
            }
        }
    }

    /// Whether an answer says that the CSRF token is spent: then another one is fetched and the request, which had no effect,
    /// goes out once more.
    async fn wants_csrf(&self, lines: Option<&Lines>, head: &Head) -> bool {
        match (&self.csrf, lines) {
            (Some(csrf), Some(lines)) if head.status == 403 && head.csrf_required => {
                csrf.forget(lines).await;
                !lines.fresh
            }
            _ => false,
        }
    }

    /// The entity's tag, when it is to be read before the entity is changed.
    async fn read_tag(
        &self,
        delivery: &Delivery,
        pass: Option<&Pass>,
        login: &str,
    ) -> Result<Option<String>, Answer> {
        let Some((client, plan)) = &self.tag else { return Ok(None) };
        let refused = |reason| Answer::Refused { status: 0, reason };
        let mut head = Vec::new();
        plan.write(&mut head, delivery, &[], login).map_err(refused)?;
        let again = |reason| Answer::Again { status: 0, after_ms: None, reason };
        let reply = client.call("GET", &head, &[]).await.map_err(again)?;
        let status = reply.status;
        if !(200..300).contains(&status) {
            // Nothing was changed yet, so what is not refused is tried again.
            return Err(match self.answers.verdict(status, true, false) {
                Verdict::Refused => {
                    Answer::Refused { status, reason: self.said("target-refused", status, &reply.body, pass) }
                }
                _ => Answer::Again {
                    status,
                    after_ms: reply.retry_after_ms,
                    reason: self.said("target-not-now", status, &reply.body, pass),
                },
            });
        }
        let in_body = || {
            ["/d/__metadata/etag", "/@odata.etag"].iter().find_map(|at| detail::foreign_key(&reply.body, at))
        };
        let tag = reply.field("etag").map(str::to_owned).or_else(in_body).filter(|tag| is_header_safe(tag));
        Ok(Some(tag.unwrap_or_else(|| "*".to_owned())))
    }

    async fn ask(&self, question: &Question, delivery: &Delivery) -> Answer {
        loop {
            let pass = match self.pass().await {
                Ok(pass) => pass,
                Err(reason) => return Answer::Unknown { reason },
            };
            let login = login_lines(pass.as_ref());
            let (head, idle) = match self.prepare(&question.plan, delivery, &[], &login) {
                Ok(prepared) => prepared,
                Err(reason) => return Answer::Unknown { reason },
            };
            let judge = |head: &Head, body: &[u8], whole: bool| {
                (head.status, self.judge_question(question, pass.as_ref(), head.status, body, whole))
            };
            match self.exchange(&question.plan, &[], head, idle, judge).await {
                Ok((status, _)) if self.is_spent(pass.as_ref(), status).await => {}
                Ok((_, answer)) => return answer,
                Err(fault) => return Answer::Unknown { reason: fault.reason },
            }
        }
    }

    fn judge_question(
        &self,
        question: &Question,
        pass: Option<&Pass>,
        status: u16,
        body: &[u8],
        whole: bool,
    ) -> Answer {
        let is_in =
            |list: &[std::ops::RangeInclusive<u16>]| list.iter().any(|statuses| statuses.contains(&status));
        let found = question.found.as_deref().map(|at| detail::holds(body, at));
        if is_in(&question.delivered) && found == Some(false) && whole {
            let reason = Reason::new(
                "verify-absent",
                "the answer does not hold what was asked for, so the effect is not there",
            )
            .hint("it is tried again");
            Answer::Again { status, after_ms: None, reason }
        } else if is_in(&question.delivered) && found != Some(false) {
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

/// The header lines of a login that changes.
fn login_lines(pass: Option<&Pass>) -> String {
    pass.map_or(String::new(), |pass| format!("authorization: Bearer {}\r\n", pass.value.expose_secret()))
}

fn changed_meanwhile(reason: Reason) -> Reason {
    Reason { code: "target-changed".to_owned(), ..reason }
        .hint("somebody changed the entity between reading and changing it: it is read and tried again")
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
