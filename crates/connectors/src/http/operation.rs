//! One operation of a system: what to send, what its answers mean, how to ask what happened.

use lineshaft_model::json::Pointer;
use lineshaft_ports::Slot;

use super::Flavour;
use super::answers::{Answers, statuses};
use super::request::{Request, header_name, is_header_safe};
use crate::OperationSpec;
use crate::settings::Section;

/// The settings of one operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) request: Request,
    pub(super) content_type: String,
    pub(super) ce_headers: bool,
    pub(super) answers: Answers,
    pub(super) foreign_key: Option<String>,
    pub(super) timeout_ms: u64,
    pub(super) connect_timeout_ms: u64,
    pub(super) answer_limit_bytes: u64,
    pub(super) verify: Option<Verify>,
    pub(super) slots: Vec<Slot>,
    /// Whether the body is sent as a `$batch` of OData.
    pub(super) batch: bool,
    /// Whether the entity's tag is read first and sent as `If-Match`.
    pub(super) reads_tag: bool,
}

/// How to ask the target what happened.
#[derive(Debug, Clone)]
pub(super) struct Verify {
    pub(super) request: Request,
    /// Statuses that say the effect is there.
    pub(super) delivered: Vec<std::ops::RangeInclusive<u16>>,
    /// Statuses that say it certainly is not.
    pub(super) absent: Vec<std::ops::RangeInclusive<u16>>,
    /// What a good answer must hold; without it the effect is not there.
    pub(super) found: Option<String>,
}

/// Settings of an operation that the loader of the workspace reads.
const LOADED_ELSEWHERE: &[&str] = &["title", "description", "mapping", "limits"];

/// An hour: longer than that no answer is worth an open connection.
const LONGEST_MS: u64 = 3_600_000;

impl Operation {
    /// Reads one operation; `timeout_ms` is the system's.
    pub(super) fn parse(
        name: &str,
        mut section: Section<'_>,
        timeout_ms: u64,
        flavour: Flavour,
    ) -> Option<Self> {
        let mut slots = Vec::new();
        let request = section.section("request");
        let (mut batch, mut reads_tag) = (false, false);
        if request.is_none() && section.value("request").is_none() {
            section.missing("request", "say what to call: request: { method: POST, path: /orders }");
        }
        let request = request.and_then(|mut inner| {
            let request = Request::parse(&mut inner, "POST", &mut slots);
            let idempotency_header = inner.text("idempotency_header");
            let idempotency_header =
                idempotency_header.and_then(|name| header_name(&inner, "idempotency_header", name));
            let method = request.as_ref().map_or("POST", |request| request.method);
            let sends_body = inner.boolean("body", !matches!(method, "GET" | "DELETE"));
            if flavour.odata {
                batch = inner.boolean("batch", false);
                reads_tag = inner.choice("if_match", false, &[("read", true)]);
            }
            inner.finish();
            request.map(|request| Request { idempotency_header, sends_body, ..request })
        });
        let usual_type = if batch { super::batch::media_type() } else { "application/json" };
        let content_type = section.text("content_type").unwrap_or(usual_type).to_owned();
        if content_type.is_empty() || !is_header_safe(&content_type) {
            let hint = "write a media type, for instance application/xml";
            section.problem("content_type", "header-malformed", "this is not a media type", hint);
        }
        let foreign_key = section.text("foreign_key").map(str::to_owned);
        if foreign_key
            .as_deref()
            .is_some_and(|pointer| pointer.is_empty() || Pointer::parse(pointer).is_none())
        {
            let hint = "write a JSON pointer into the answer, for instance /d/PurchaseOrder";
            section.problem("foreign_key", "pointer-malformed", "this is not a JSON pointer", hint);
        }
        let ce_headers = section.boolean("ce_headers", false);
        let timeout_ms = section.duration_ms("timeout", timeout_ms, 1..=LONGEST_MS);
        let connect_timeout_ms =
            section.duration_ms("connect_timeout", timeout_ms.min(5_000), 1..=LONGEST_MS);
        let answer_limit_bytes = section.size_bytes("answer_limit", 1 << 20, 0..=64 << 20);
        let answers = Answers::parse(&mut section);
        let verify = section.section("verify").and_then(|inner| Verify::parse(inner, &mut slots));
        section.leave(LOADED_ELSEWHERE);
        section.finish();
        Some(Self {
            name: name.to_owned(),
            request: request?,
            content_type,
            ce_headers,
            answers,
            foreign_key,
            timeout_ms,
            connect_timeout_ms,
            answer_limit_bytes,
            verify,
            slots,
            batch,
            reads_tag,
        })
    }

    /// What the hub needs to know of it.
    pub(super) fn spec(&self) -> OperationSpec {
        OperationSpec {
            name: self.name.clone(),
            keeps_idempotency_key: self.request.idempotency_header.is_some(),
            can_verify: self.verify.is_some(),
        }
    }
}

impl Verify {
    fn parse(mut section: Section<'_>, slots: &mut Vec<Slot>) -> Option<Self> {
        let request = Request::parse(&mut section, "GET", slots);
        let mut read = |key, default: u16| {
            let list: Vec<_> =
                statuses(&mut section, key).into_iter().map(|(statuses, _)| statuses).collect();
            if list.is_empty() { vec![default..=default] } else { list }
        };
        let (delivered, absent) = (read("delivered", 200), read("absent", 404));
        if delivered.iter().any(|a| absent.iter().any(|b| a.start() <= b.end() && b.start() <= a.end())) {
            let hint = "leave it in one of the lists";
            section.problem(
                "absent",
                "answers-ambiguous",
                "a status says both that the effect is there and that it is not",
                hint,
            );
        }
        let found = section.text("found").map(str::to_owned);
        if found.as_deref().is_some_and(|at| at.is_empty() || Pointer::parse(at).is_none()) {
            let hint = "write a JSON pointer into the answer, for instance /d/results/0";
            section.problem("found", "pointer-malformed", "this is not a JSON pointer", hint);
        }
        section.finish();
        Some(Self { request: Request { sends_body: false, ..request? }, delivered, absent, found })
    }
}
