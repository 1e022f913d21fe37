//! Reads the configuration of a system with `connector: sql`.

use std::sync::Arc;

use lineshaft_connectors::settings::{Problems, Section, short};
use lineshaft_connectors::{Endpoint, OperationSpec, SecretText, Surroundings};
use lineshaft_formats::Format;
use lineshaft_model::json::Pointer;
use lineshaft_model::{Reason, Reasons};
use mysql_async::SslOpts;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::connection::{Encrypt, Server};
use crate::identifier::{Column, Dialect, Name};

/// A database's settings.
#[derive(Debug)]
pub(crate) struct SqlConfig {
    pub(crate) server: ServerSettings,
    pub(crate) sources: Vec<SourceSettings>,
    pub(crate) operations: Vec<Operation>,
    /// Idle connections kept for each operation.
    pub(crate) connections: usize,
}

/// Where the database is and how the hub logs in.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    dialect: Dialect,
    at: Endpoint,
    database: String,
    user: SecretText,
    password: SecretText,
}

/// A source.
#[derive(Debug)]
pub(crate) struct SourceSettings {
    pub(crate) name: String,
    pub(crate) feed: Feed,
}

#[derive(Debug)]
pub(crate) enum Feed {
    Table(TableSettings),
    Outbox(OutboxSettings),
}

/// A table that is polled.
#[derive(Clone, Debug)]
pub(crate) struct TableSettings {
    /// `system/source`, for messages.
    pub(crate) source: String,
    pub(crate) table: Name,
    /// Empty for all.
    pub(crate) columns: Vec<Column>,
    pub(crate) since: Column,
    pub(crate) key: Vec<Column>,
    pub(crate) start: Option<String>,
    pub(crate) overlap_ms: u64,
    pub(crate) overlap_count: u64,
    pub(crate) page: u64,
    pub(crate) every_ms: u64,
    pub(crate) format: Format,
}

/// A table whose rows are taken once.
#[derive(Clone, Debug)]
pub(crate) struct OutboxSettings {
    /// `system/source`, for messages.
    pub(crate) source: String,
    pub(crate) table: Name,
    /// Empty for all.
    pub(crate) columns: Vec<Column>,
    pub(crate) key: Vec<Column>,
    /// The column whose text is the document; the row itself when there is none.
    pub(crate) payload: Option<Column>,
    /// The column that says when a row was taken; rows are deleted when there is none.
    pub(crate) mark: Option<Column>,
    pub(crate) page: u64,
    pub(crate) every_ms: u64,
    pub(crate) format: Format,
}

/// An operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) write: Write,
    /// The table and column in which the keys of deliveries are kept, in the same transaction.
    pub(crate) keys: Option<(Name, Column)>,
}

/// What an operation does.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Rows { table: Name, mode: Mode, key: Vec<Column>, columns: Vec<Column> },
    Call { routine: Name, is_function: bool, arguments: Vec<Argument>, keeps_key: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Upsert,
    Insert,
    Update,
    Delete,
}

/// Where the argument of a call comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// A pointer into the body; the empty one is the body itself.
    Body(String),
    /// The delivery's key.
    IdempotencyKey,
}

/// Settings that the loader of the workspace reads.
const LOADED_ELSEWHERE: &[&str] =
    &["system", "title", "description", "connector", "breaker", "maintenance", "owners"];
const SOURCE_ELSEWHERE: &[&str] =
    &["title", "description", "mapping", "contract", "emits", "site", "tenant", "priority"];
const OPERATION_ELSEWHERE: &[&str] = &["title", "description", "mapping", "limits"];
const HOUR_MS: u64 = 3_600_000;
/// The argument of a call that is the delivery's key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

impl SqlConfig {
    /// Reads everything and reports every problem.
    pub(crate) fn parse(config: &Value, system: &str) -> Result<Self, Reasons> {
        let problems = Problems::default();
        let parsed =
            Section::open(config, String::new(), &problems).and_then(|section| read(section, system));
        problems.into_result(parsed)
    }
}

fn read(mut section: Section<'_>, system: &str) -> Option<SqlConfig> {
    let (timeout_ms, connections) = limits(&mut section);
    let server = server(&mut section, timeout_ms);
    let mut sources = Vec::new();
    for (name, mut inner) in section.each("sources") {
        let feed = feed(&mut inner, system, name);
        inner.leave(SOURCE_ELSEWHERE);
        inner.finish();
        sources.extend(feed.map(|feed| SourceSettings { name: name.to_owned(), feed }));
    }
    let mut operations = Vec::new();
    for (name, mut inner) in section.each("operations") {
        let write = write(&mut inner);
        let keys = inner.section("keys").and_then(|mut keys| {
            let table = table_name(&mut keys, "table");
            let column = column(&mut keys, "column").unwrap_or_else(|| Column::parse("key"));
            keys.finish();
            Some((table?, column?))
        });
        // There a routine may commit by itself, and with it the key, before its work is done.
        let calls = matches!(write, Some(Write::Call { .. }));
        if keys.is_some() && calls && server.as_ref().is_some_and(|server| server.dialect == Dialect::Mysql) {
            let message = "a routine of MariaDB or MySQL may commit the key before its work is done";
            let hint =
                "give the routine the key (`- idempotency-key` in `arguments`) and set `keeps_key: true`";
            inner.problem("keys", "key-before-work", message, hint);
        }
        inner.leave(OPERATION_ELSEWHERE);
        inner.finish();
        operations.extend(write.map(|write| Operation { name: name.to_owned(), write, keys }));
    }
    section.leave(LOADED_ELSEWHERE);
    section.finish();
    Some(SqlConfig { server: server?, sources, operations, connections })
}

fn server(section: &mut Section<'_>, timeout_ms: u64) -> Option<ServerSettings> {
    let words = [("postgresql", Dialect::Postgres), ("mariadb", Dialect::Mysql), ("mysql", Dialect::Mysql)];
    if section.value("engine").is_none() {
        section.missing("engine", "say which database it is: postgresql, mariadb or mysql");
    }
    let dialect = section.choice("engine", Dialect::Postgres, &words);
    let default_port = if dialect == Dialect::Postgres { 5432 } else { 3306 };
    let at = Endpoint::parse(section, "database", default_port, timeout_ms);
    let database = section.required_text("database", "name the database").map(str::to_owned);
    let login = section.section("auth").and_then(|mut auth| {
        let basic = auth.section("basic");
        if basic.is_none() && auth.value("basic").is_none() {
            auth.missing(
                "basic",
                "write auth: { basic: { user: lineshaft, password: \"${secret:erp-db}\" } }",
            );
        }
        auth.finish();
        let mut basic = basic?;
        let user = basic.secret("user", "name the user");
        let password = basic.secret("password", "name the secret: password: ${secret:erp-db}");
        basic.finish();
        Some((user?, password?))
    });
    if login.is_none() && section.value("auth").is_none() {
        section.missing("auth", "write auth: { basic: { user: lineshaft, password: \"${secret:erp-db}\" } }");
    }
    let (user, password) = login?;
    Some(ServerSettings { dialect, at: at?, database: database?, user, password })
}

impl ServerSettings {
    /// Resolves the secrets and reads the certificates.
    pub(crate) fn build(&self, with: &Surroundings<'_>) -> Result<Server, Reason> {
        let encrypt = match (self.at.encrypt, self.dialect) {
            (false, _) => Encrypt::No,
            (true, Dialect::Postgres) => Encrypt::Postgres(self.at.tls.client(&[], with)?),
            (true, Dialect::Mysql) => Encrypt::Mysql(Box::new(self.mysql_tls(with)?)),
        };
        Ok(Server {
            dialect: self.dialect,
            host: self.at.host.clone(),
            port: self.at.port,
            shown: format!("{}:{}", self.at.host, self.at.port),
            database: self.database.clone(),
            user: self.user.resolve(with.secrets)?,
            password: self.password.resolve(with.secrets)?,
            encrypt,
            outbound: Arc::clone(with.outbound),
            allow_link_local: self.at.allow_link_local,
            connect_timeout_ms: self.at.connect_timeout_ms,
            timeout_ms: self.at.timeout_ms,
        })
    }

    fn mysql_tls(&self, with: &Surroundings<'_>) -> Result<SslOpts, Reason> {
        // The same settings are read once by our own means, so that what is wrong with the files is told when building.
        self.at.tls.client(&[], with)?;
        let mut options = SslOpts::default();
        if let Some(file) = self.at.tls.authority_file(with.folder) {
            options = options.with_root_certs(vec![file.into()]).with_disable_built_in_roots(true);
        }
        if let Some((chain, key)) = self.at.tls.identity_pem(with)? {
            let key = key.expose_secret().as_bytes().to_vec();
            options = options
                .with_client_identity(Some(mysql_async::ClientIdentity::new(chain.into(), key.into())));
        }
        Ok(options)
    }
}

fn feed(source: &mut Section<'_>, system: &str, name: &str) -> Option<Feed> {
    let format = lineshaft_connectors::file::read_format(source).map(|(format, _)| format);
    let source_name = format!("{system}/{name}");
    let (table, outbox) = (source.section("table"), source.section("outbox"));
    match (table, outbox) {
        (Some(table), None) => table_feed(table, source_name, format?).map(Feed::Table),
        (None, Some(outbox)) => outbox_feed(outbox, source_name, format?).map(Feed::Outbox),
        (Some(_), Some(_)) => {
            let hint = "make two sources of it";
            source.problem("outbox", "source-ambiguous", "the source has more than one way in", hint);
            None
        }
        (None, None) => {
            if source.value("table").is_none() && source.value("outbox").is_none() {
                source.missing("table", "table: { name: orders, since: changed_at, key: id } polls, outbox: { name: outbox, key: id } empties");
            }
            None
        }
    }
}

fn table_feed(mut table: Section<'_>, source: String, format: Format) -> Option<TableSettings> {
    let name = table_name(&mut table, "name");
    let columns = columns(&mut table, "columns");
    if table.value("since").is_none() {
        table.missing("since", "name the column that grows with every change: since: changed_at");
    }
    let since = column(&mut table, "since").flatten();
    let key = key_columns(&mut table);
    let start =
        table.value("start").map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let overlap_ms = table.duration_ms("overlap", 60_000, 0..=366 * 24 * HOUR_MS);
    let overlap_count = number(&mut table, "overlap_count", 100, 0..=1_000_000_000);
    let page = number(&mut table, "page", 1_000, 1..=10_000);
    let every_ms = table.duration_ms("every", 10_000, 100..=24 * HOUR_MS);
    table.finish();
    Some(TableSettings {
        source,
        table: name?,
        columns: columns?,
        since: since?,
        key: key?,
        start,
        overlap_ms,
        overlap_count,
        page,
        every_ms,
        format,
    })
}

fn outbox_feed(mut outbox: Section<'_>, source: String, format: Format) -> Option<OutboxSettings> {
    let name = table_name(&mut outbox, "name");
    let columns = columns(&mut outbox, "columns");
    let key = key_columns(&mut outbox);
    let payload = match column(&mut outbox, "payload") {
        None => None,
        Some(payload) => Some(payload?),
    };
    let mark = match column(&mut outbox, "mark") {
        None => None,
        Some(mark) => Some(mark?),
    };
    let page = number(&mut outbox, "page", 500, 1..=10_000);
    let every_ms = outbox.duration_ms("every", 2_000, 100..=24 * HOUR_MS);
    outbox.finish();
    Some(OutboxSettings {
        source,
        table: name?,
        columns: columns?,
        key: key?,
        payload,
        mark,
        page,
        every_ms,
        format,
    })
}

fn write(operation: &mut Section<'_>) -> Option<Write> {
    match (operation.section("rows"), operation.section("call")) {
        (Some(rows), None) => rows_write(rows),
        (None, Some(call)) => call_write(call),
        (Some(_), Some(_)) => {
            operation.problem(
                "call",
                "operation-ambiguous",
                "the operation does two things",
                "make two operations of it",
            );
            None
        }
        (None, None) => {
            if operation.value("rows").is_none() && operation.value("call").is_none() {
                operation.missing("rows", "rows: { table: stock, key: [item], columns: [item, quantity] } writes, call: { procedure: post } calls");
            }
            None
        }
    }
}

fn rows_write(mut rows: Section<'_>) -> Option<Write> {
    let table = table_name(&mut rows, "table");
    let words = [
        ("upsert", Mode::Upsert),
        ("insert", Mode::Insert),
        ("update", Mode::Update),
        ("delete", Mode::Delete),
    ];
    let mode = rows.choice("mode", Mode::Upsert, &words);
    let key = if mode == Mode::Insert { columns(&mut rows, "key") } else { key_columns(&mut rows) };
    let listed = columns(&mut rows, "columns");
    if mode != Mode::Delete && listed.as_ref().is_some_and(Vec::is_empty) {
        rows.missing("columns", "list the columns that may be written: columns: [item, quantity]");
    }
    rows.finish();
    let (key, mut listed) = (key?, listed?);
    for column in &key {
        if !listed.contains(column) {
            listed.push(column.clone());
        }
    }
    Some(Write::Rows { table: table?, mode, key, columns: listed })
}

fn call_write(mut call: Section<'_>) -> Option<Write> {
    let procedure = call.value("procedure").is_some();
    let function = call.value("function").is_some();
    if procedure == function {
        call.missing("procedure", "name either the procedure or the function");
    }
    let routine = table_name(&mut call, if function { "function" } else { "procedure" });
    let mut arguments = Vec::new();
    for (value, at) in call.list("arguments").unwrap_or_default() {
        match value.as_str() {
            Some(IDEMPOTENCY_KEY) => arguments.push(Argument::IdempotencyKey),
            Some(pointer) if pointer.is_empty() || Pointer::parse(pointer).is_some() => {
                arguments.push(Argument::Body(pointer.to_owned()));
            }
            _ => {
                let reason = Reason::new(
                    "pointer-malformed",
                    format!("{} is not a JSON pointer", short(&value.to_string())),
                );
                call.note(reason.at(at).hint(
                    "write a pointer into the body such as /item, \"\" for all of it, or idempotency-key",
                ));
            }
        }
    }
    let keeps_key = call.boolean("keeps_key", false);
    if keeps_key && !arguments.contains(&Argument::IdempotencyKey) {
        let hint = "add idempotency-key to `arguments`";
        call.problem("keeps_key", "key-not-sent", "the routine cannot keep a key that it is not given", hint);
    }
    call.finish();
    Some(Write::Call { routine: routine?, is_function: function, arguments, keeps_key })
}

impl Operation {
    /// What the hub needs to know of it.
    pub(crate) fn spec(&self) -> OperationSpec {
        OperationSpec {
            name: self.name.clone(),
            keeps_idempotency_key: self.keeps_idempotency_key(),
            can_verify: self.keys.is_some(),
        }
    }

    /// Whether doing it twice under one key does no more than doing it once.
    pub(crate) fn keeps_idempotency_key(&self) -> bool {
        let absolute = match &self.write {
            Write::Rows { mode, .. } => *mode != Mode::Insert,
            Write::Call { keeps_key, .. } => *keeps_key,
        };
        absolute || self.keys.is_some()
    }
}

fn table_name(section: &mut Section<'_>, key: &'static str) -> Option<Name> {
    let text = section.required_text(key, "name it as `table` or `schema.table`")?;
    let name = Name::parse(text);
    if name.is_none() {
        let hint = "letters, digits, `_` and `$`, with a schema and a dot before it where that is needed";
        section.problem(
            key,
            "identifier-malformed",
            format!("`{}` is no name of a table or routine", short(text)),
            hint,
        );
    }
    name
}

/// The column a key names; the outer `None` when it names none, the inner one when that is no column.
fn column(section: &mut Section<'_>, key: &'static str) -> Option<Option<Column>> {
    let text = section.text(key)?;
    let column = Column::parse(text);
    if column.is_none() {
        not_a_column(section, section.at(key), text);
    }
    Some(column)
}

fn not_a_column(section: &Section<'_>, at: String, text: &str) {
    let reason = Reason::new("identifier-malformed", format!("`{}` is no name of a column", short(text)));
    section.note(reason.at(at).hint("letters, digits, `_` and `$`; make a view for anything else"));
}

fn columns(section: &mut Section<'_>, key: &'static str) -> Option<Vec<Column>> {
    let mut read = Vec::new();
    let mut good = true;
    for (value, at) in section.list(key).unwrap_or_default() {
        let text = value.as_str().unwrap_or_default();
        match Column::parse(text) {
            Some(column) => read.push(column),
            None => {
                not_a_column(section, at, text);
                good = false;
            }
        }
    }
    good.then_some(read)
}

fn key_columns(section: &mut Section<'_>) -> Option<Vec<Column>> {
    let key = columns(section, "key")?;
    if key.is_empty() {
        section.missing("key", "name the columns that tell one row from all others: key: [id]");
        return None;
    }
    Some(key)
}

fn number(
    section: &mut Section<'_>,
    key: &'static str,
    default: u64,
    bounds: std::ops::RangeInclusive<u64>,
) -> u64 {
    let Some(value) = section.value(key) else { return default };
    value.as_u64().filter(|number| bounds.contains(number)).unwrap_or_else(|| {
        let hint = format!("write a number from {} to {}", bounds.start(), bounds.end());
        section.problem(key, "setting-range", format!("`{key}` is not such a number"), hint);
        default
    })
}

/// `limits.timeout` and `limits.concurrency`. The loader reports what is wrong with them.
fn limits(section: &mut Section<'_>) -> (u64, usize) {
    let quiet = Problems::default();
    let limits = section.value("limits").and_then(|value| Section::open(value, String::new(), &quiet));
    let Some(mut limits) = limits else { return (10_000, 8) };
    let timeout_ms = limits.duration_ms("timeout", 10_000, 1..=HOUR_MS);
    let concurrency =
        limits.value("concurrency").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    (timeout_ms, concurrency.unwrap_or(8).clamp(1, 256))
}
