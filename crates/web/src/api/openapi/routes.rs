//! Every route: what it takes, answers and needs.

use crate::access::Scope;

/// One method of one path.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    /// As it is mounted.
    pub(super) path: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    /// What a token must be good for; `None` is open to all.
    pub(super) scope: Option<Scope>,
    /// Name, type and meaning.
    pub(super) query: &'static [(&'static str, &'static str, &'static str)],
    pub(super) body: Body,
    pub(super) status: u16,
    pub(super) answer: Shape,
    /// Statuses of problems, besides 401.
    pub(super) problems: &'static [u16],
}

/// What is sent along.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    None,
    /// `{"reason": "..."}`
    Reason,
    CloudEvents,
    Supposed,
    /// JSON of this schema.
    Named(&'static str),
    /// What a person decides about an instance.
    Decision,
    /// Any JSON.
    Input,
    Bytes,
}

/// What comes back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text(&'static str),
    Json(&'static str),
    Page(&'static str),
}

type Query = &'static [(&'static str, &'static str, &'static str)];

const CURSOR: (&str, &str, &str) = ("cursor", "string", "`next` of the page before");
const LIMIT: (&str, &str, &str) = ("limit", "limit", "rows wanted, 1 to 500; 50 when left out");
const WAIT: Query = &[
    ("wait", "wait", "`delivered` answers once everything is delivered"),
    ("timeout", "span", "how long that may take, for instance 5s; at most a minute"),
];

const ABOUT: Query = &[
    ("site", "string", "the site; all of them when left out"),
    ("horizon", "span", "how far ahead, for instance 14d, which it is when left out; at most 400d"),
];

const fn get(path: &'static str, tag: &'static str, summary: &'static str, answer: Shape) -> Route {
    Route {
        method: "get",
        path,
        tag,
        summary,
        scope: Some(Scope::Read),
        query: &[],
        body: Body::None,
        status: 200,
        answer,
        problems: &[403],
    }
}

const fn act(path: &'static str, tag: &'static str, summary: &'static str) -> Route {
    Route {
        method: "post",
        path,
        tag,
        summary,
        scope: Some(Scope::Operate),
        query: &[],
        body: Body::Reason,
        status: 200,
        answer: Shape::Json("Done"),
        problems: &[400, 403, 404, 409, 422],
    }
}

const fn send(path: &'static str, summary: &'static str, body: Body) -> Route {
    Route {
        method: "post",
        path,
        tag: "intake",
        summary,
        scope: Some(Scope::Send),
        query: WAIT,
        body,
        status: 202,
        answer: Shape::Json("Intake"),
        problems: &[400, 403, 404, 409, 413, 415, 422, 503],
    }
}

impl Route {
    const fn open(self) -> Self {
        Self { scope: None, problems: &[], ..self }
    }

    const fn asking(self, query: Query) -> Self {
        Self { query, problems: &[400, 403], ..self }
    }

    /// Planning may be off, or still be loading.
    const fn asking_for(self, query: Query) -> Self {
        Self { query, problems: &[400, 403, 404, 503], ..self }
    }

    const fn one(self) -> Self {
        Self { problems: &[400, 403, 404], ..self }
    }
}

/// All of them, in the order of the router.
pub(super) const ROUTES: &[Route] = &[
    get("/healthz", "health", "The process answers", Shape::Text("text/plain")).open(),
    Route {
        problems: &[503],
        ..get("/readyz", "health", "The hub takes input; 503 when it does not", Shape::Text("text/plain")).open()
    },
    get("/metrics", "health", "Metrics as OpenMetrics text", Shape::Text("application/openmetrics-text")),
    get("/openapi.json", "health", "This description", Shape::Json("object")),
    get("/problems/{code}", "health", "The page of an error code", Shape::Text("text/markdown")).open().one(),
    get("/v1/events", "events", "Events, newest first", Shape::Page("EventRow")).asking(&[
        ("type", "string", "of this type"),
        ("subject", "string", "about exactly this"),
        ("system", "string", "from this system"),
        ("since", "string", "a position, or an RFC 3339 time"),
        CURSOR,
        LIMIT,
    ]),
    send("/v1/events", "Takes CloudEvents; answers once they are durable", Body::CloudEvents),
    get("/v1/events/stream", "events", "Events as they become durable; resumes with Last-Event-ID", Shape::Text("text/event-stream")),
    get("/v1/events/{position}", "events", "One event with raw input, data and deliveries", Shape::Json("EventDetail")).one(),
    send("/v1/in/{system}/{source}", "Takes a system's own bytes; answers once what they came to is durable", Body::Bytes),
    get("/v1/objects", "objects", "The types of objects that are held", Shape::Page("ObjectType")),
    get("/v1/objects/{type}", "objects", "Objects of a type, by key", Shape::Page("ObjectRow")).asking(&[
        ("key", "string", "the key starts with this"),
        ("status", "string", "with this canonical status"),
        ("system", "string", "whose latest event came from this system"),
        ("since", "string", "changed at or after this RFC 3339 time"),
        CURSOR,
        LIMIT,
    ]),
    Route {
        query: &[
            ("at", "string", "the state as it was at this RFC 3339 time"),
            CURSOR,
            LIMIT,
        ],
        ..get(
            "/v1/objects/{type}/{*key}",
            "objects",
            "One object with its state and an ETag; with /history, /timeline or /systems behind the key what happened to it and where",
            Shape::Json("ObjectAnswer"),
        )
        .one()
    },
    get("/v1/search", "objects", "Objects that have this key or whose events mention it", Shape::Json("[Hit]"))
        .asking(&[("q", "string", "a business key of up to 256 bytes"), LIMIT]),
    get("/v1/deliveries", "deliveries", "Unfinished deliveries, newest first", Shape::Page("DeliveryRow")).asking(&[
        ("state", "delivery-state", "pending, retrying, parked, dead or unknown"),
        ("destination", "string", "system.operation"),
        CURSOR,
        LIMIT,
    ]),
    get("/v1/deliveries/{id}", "deliveries", "One delivery with every attempt", Shape::Json("DeliveryRow")).one(),
    get("/v1/dead-letters", "dead letters", "Dead letters, newest first", Shape::Page("DeadLetter")).asking(&[
        ("destination", "string", "system.operation"),
        ("order", "order", "`oldest` for the oldest first"),
        CURSOR,
        LIMIT,
    ]),
    Route {
        body: Body::Named("ManyLetters"),
        status: 202,
        answer: Shape::Json("JobBegun"),
        problems: &[400, 403, 422],
        ..act("/v1/dead-letters/bulk", "dead letters", "Retries, restarts or discards many, slowly; with `dry_run` it counts them and answers 200")
    },
    get("/v1/dead-letters/{id}", "dead letters", "One dead letter with every attempt", Shape::Json("DeadLetter")).one(),
    Route {
        body: Body::Named("OtherData"),
        answer: Shape::Json("DoneOrProposed"),
        ..act("/v1/dead-letters/{id}/edit", "dead letters", "Delivers other data in its place, or proposes to where two persons are needed; with a reason")
    },
    Route {
        body: Body::Named("OtherData"),
        answer: Shape::Json("Preview"),
        ..act("/v1/dead-letters/{id}/preview", "dead letters", "What an edit would change, or why it may not be; nothing is kept")
    },
    act("/v1/dead-letters/{id}/{action}", "dead letters", "`retry` delivers it again, `restart` maps what was sent again and delivers that, `discard` gives it up, `confirm` says that an unknown effect is there, `approve` and `reject` decide what another person proposed; all but `retry`, `restart` and `approve` with a reason"),
    get("/v1/quarantine", "quarantine", "Refused inputs, newest first", Shape::Page("QuarantineRow")).asking(&[
        ("all", "boolean", "discarded ones too"),
        CURSOR,
        LIMIT,
    ]),
    get("/v1/quarantine/{position}", "quarantine", "One refused input with its bytes", Shape::Json("QuarantineRow")).one(),
    Route {
        body: Body::Named("OtherBytes"),
        answer: Shape::Json("TakenInput"),
        ..act("/v1/quarantine/{position}/edit", "quarantine", "Takes other bytes in its place, or proposes to where two persons are needed; with a reason")
    },
    Route {
        body: Body::Named("OtherBytes"),
        answer: Shape::Json("Preview"),
        ..act("/v1/quarantine/{position}/preview", "quarantine", "What an edit would change, or why it is refused; nothing is kept")
    },
    Route {
        answer: Shape::Json("TakenInput"),
        ..act("/v1/quarantine/{position}/{action}", "quarantine", "`restart` takes it as it came with today's mapping, `discard` closes it with a reason, `approve` and `reject` decide what another person proposed")
    },
    Route {
        body: Body::Named("ReplayAsked"),
        status: 202,
        answer: Shape::Json("JobBegun"),
        problems: &[400, 403, 422],
        ..act("/v1/replays", "jobs", "Has events of the past go to a destination again, slowly; with `dry_run` it counts them and answers 200")
    },
    get("/v1/jobs", "jobs", "Long work, newest first", Shape::Page("Job")).asking(&[
        ("running", "boolean", "only what is under way"),
        CURSOR,
        LIMIT,
    ]),
    get("/v1/jobs/{position}", "jobs", "One of them", Shape::Json("Job")).one(),
    act("/v1/jobs/{position}/{action}", "jobs", "`cancel` stops it, `resume` has it go on from where it stopped"),
    get("/v1/systems", "systems", "Every system with its lanes", Shape::Page("SystemRow")),
    act("/v1/systems/{name}/{action}", "systems", "`pause` and `resume`; `breaker-open` and `breaker-close` set the breaker, `breaker-auto` leaves it to itself; with a reason"),
    get("/v1/availability", "planning", "Supply and demand of an item over time, and what can be promised", Shape::Json("Availability"))
        .one()
        .asking_for(&[("item", "string", "the item"), ("site", "string", "where; the hub's own site when left out")]),
    get("/v1/shortages", "planning", "What is missing, what has the largest effect first", Shape::Page("Shortage")).one().asking_for(&[LIMIT]),
    get("/v1/shortages/options", "planning", "What could be done about what is missing of an item, the best first; nothing is kept", Shape::Json("Options"))
        .one()
        .asking_for(&[
            ("item", "string", "the item"),
            ("site", "string", "where; the hub's own site when left out"),
            ("day_cost", "string", "what a weighted day of lateness costs; `planning.day_cost` when left out"),
            ("all", "boolean", "those too that are worse than doing nothing"),
            ("limit", "integer", "at most so many, 1 to 100; 20 when left out"),
        ]),
    Route {
        scope: Some(Scope::Read),
        body: Body::Supposed,
        answer: Shape::Json("ImpactAnswer"),
        problems: &[400, 403, 404, 413, 503],
        ..act("/v1/impact", "planning", "What would follow if these things happened, or how several alternatives compare; nothing is kept")
    },
    get("/v1/impacts", "planning", "What events did to the plan, the latest first", Shape::Page("Assessed")).one().asking_for(&[LIMIT]),
    get("/v1/plan", "planning", "How much the plan holds, and what is wrong with what it was told", Shape::Json("object")).one(),
    get("/v1/plan/late-orders", "planning", "Orders that end later than planned, the most urgent first", Shape::Page("OrderState")).one().asking_for(&[LIMIT]),
    get("/v1/plan/orders/{*key}", "planning", "One order with what holds it up", Shape::Json("OrderState")).one(),
    get("/v1/plan/pegging", "planning", "What covers an order or demand, or what an order or supply is for", Shape::Json("[object]"))
        .one()
        .asking_for(&[
            ("order", "string", "an order"),
            ("supply", "string", "or a supply"),
            ("demand", "string", "or a demand"),
            ("direction", "direction", "`to-supply` or `to-demand`"),
        ]),
    get("/v1/plan/request", "planning", "What another planning system would be asked now; nothing is sent", Shape::Json("PlanRequest"))
        .one()
        .asking_for(ABOUT),
    Route {
        query: ABOUT,
        body: Body::None,
        answer: Shape::Json("PlanAsked"),
        problems: &[400, 403, 404, 503],
        ..act("/v1/plan/request", "planning", "Asks other planning systems: the request goes out as the event plan-request.issued")
    },
    get("/v1/plan/schedules", "planning", "Schedules of other planning systems beside ours", Shape::Page("ComparedSchedule")).one().asking_for(&[]),
    get("/v1/plan/schedules/{schedule}", "planning", "One of them", Shape::Json("ComparedSchedule")).one().asking_for(&[]),
    Route {
        answer: Shape::Json("ScheduleTaken"),
        problems: &[400, 403, 404, 503],
        ..act("/v1/plan/schedules/{schedule}/take", "planning", "Takes one: it goes out as schedule.revised and each order that moves as rescheduled")
    },
    get("/v1/processes", "processes", "Instances of processes, the latest first", Shape::Page("ProcessRow")).asking(&[
        ("name", "string", "of this process"),
        ("phase", "process-phase", "running, compensating, held, completed, faulted or cancelled"),
        ("key", "string", "known by exactly this in business"),
        ("started_before", "string", "started at or before this RFC 3339 time"),
        CURSOR,
        LIMIT,
    ]),
    get("/v1/processes/{id}", "processes", "One instance with its tasks and what it asks", Shape::Json("ProcessDetail")).one(),
    Route {
        body: Body::Decision,
        answer: Shape::Json("Acted"),
        ..act("/v1/processes/{id}/{action}", "processes", "`retry` what failed; `skip` a task, `cancel` with compensation, `abandon` an undo, `answer` a question; all but the first with a reason")
    },
    get("/v1/cases", "processes", "What instances ask persons, the latest instance first", Shape::Page("CaseRow")).asking(&[CURSOR, LIMIT]),
    Route {
        scope: Some(Scope::Send),
        query: &[
            ("wait", "wait-ended", "`ended` answers once the instance has ended"),
            ("timeout", "span", "how long that may take, for instance 5s; at most a minute"),
        ],
        body: Body::Input,
        status: 202,
        answer: Shape::Json("Commanded"),
        problems: &[400, 403, 404, 413],
        ..act("/v1/commands/{name}", "processes", "Starts a process with the body as its input; with the same Idempotency-Key it is the same instance")
    },
    get("/v1/balance", "books", "Every input and every owed delivery accounted for", Shape::Json("Balance")),
    get("/v1/overview", "books", "Rates, latencies, systems and lanes", Shape::Json("Overview")),
    Route {
        scope: Some(Scope::Admin),
        body: Body::None,
        answer: Shape::Json("Running"),
        problems: &[403, 422],
        ..act("/v1/configuration/reload", "configuration", "Checks the workspace and takes it")
    },
];
