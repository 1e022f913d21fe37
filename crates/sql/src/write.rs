//! From a delivery's body to statements: only columns that are listed, every value bound.

use lineshaft_model::Reason;
use lineshaft_model::json::{Limits, Value};
use lineshaft_ports::Delivery;

use crate::config::{Argument, Mode, Write};
use crate::identifier::{Column, Dialect, Name, Statement};

/// A statement, and whether it must find a row.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) statement: Statement,
    pub(crate) must_find: bool,
}

/// Rows of one body, which are one transaction.
const MOST_ROWS: usize = 10_000;

/// The statements of a delivery.
pub(crate) fn plan(write: &Write, dialect: Dialect, delivery: &Delivery) -> Result<Vec<Planned>, Reason> {
    let limits = Limits { bytes: usize::MAX, ..Limits::DEFAULT };
    let body = Value::parse(&delivery.body, &limits)?;
    match write {
        Write::Call { routine, is_function, arguments, .. } => {
            let statement = call(routine, *is_function, arguments, dialect, &body, delivery);
            Ok(vec![Planned { statement, must_find: false }])
        }
        Write::Rows { table, mode, key, columns } => {
            let single = std::slice::from_ref(&body);
            let rows = body.as_array().unwrap_or(single);
            if rows.len() > MOST_ROWS {
                return Err(Reason::new(
                    "too-many-rows",
                    format!("the body has {} rows, {MOST_ROWS} at most are one transaction", rows.len()),
                )
                .hint("have the mapping make fewer, or split the event"));
            }
            let planned = |row| {
                let statement = Rows { table, mode: *mode, key, columns, dialect }.statement(row)?;
                Ok(Planned { statement, must_find: *mode == Mode::Update })
            };
            rows.iter().map(planned).collect()
        }
    }
}

/// A value as the database reads it: texts and numbers as they are written, objects and arrays as JSON.
fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(true) => Some("1".to_owned()),
        Value::Bool(false) => Some("0".to_owned()),
        Value::Number(text) | Value::String(text) => Some(text.clone().into_owned()),
        other => Some(other.to_string()),
    }
}

fn call(
    routine: &Name,
    is_function: bool,
    arguments: &[Argument],
    dialect: Dialect,
    body: &Value<'_>,
    delivery: &Delivery,
) -> Statement {
    let mut statement = Statement::new(dialect);
    statement.push(if is_function { "SELECT " } else { "CALL " }).push(&routine.quoted(dialect)).push("(");
    for (n, argument) in arguments.iter().enumerate() {
        let value = match argument {
            Argument::IdempotencyKey => Some(delivery.idempotency_key.as_str().to_owned()),
            Argument::Body(pointer) if pointer.is_empty() => {
                Some(String::from_utf8_lossy(&delivery.body).into_owned())
            }
            Argument::Body(pointer) => body.pointer(pointer).and_then(text),
        };
        statement.push(if n == 0 { "" } else { ", " }).bind(value.as_deref());
    }
    statement.push(")");
    statement
}

struct Rows<'a> {
    table: &'a Name,
    mode: Mode,
    key: &'a [Column],
    columns: &'a [Column],
    dialect: Dialect,
}

impl Rows<'_> {
    fn statement(&self, row: &Value<'_>) -> Result<Statement, Reason> {
        let members = row.as_object().ok_or_else(|| {
            Reason::new("row-malformed", format!("a row is an object, and this is {}", row.kind()))
                .hint("the operation's mapping makes an object of columns, or an array of them")
        })?;
        for (name, _) in members {
            if !self.columns.iter().any(|column| column.as_str() == name) {
                let names: Vec<&str> = self.columns.iter().map(Column::as_str).collect();
                return Err(Reason::new(
                    "column-not-listed",
                    format!(
                        "the operation may not write the column `{}`",
                        name.chars().take(64).collect::<String>()
                    ),
                )
                .hint(format!("it lists {}; add it to `columns`, or mend the mapping", names.join(", "))));
            }
        }
        for column in self.key {
            if row.get(column.as_str()).is_none_or(Value::is_null) {
                return Err(Reason::new(
                    "row-without-key",
                    format!("the row has no `{}`, which is of its key", column.as_str()),
                )
                .hint("the operation's mapping must give every column of `key`"));
            }
        }
        let given: Vec<(&Column, Option<String>)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column, text(row.get(column.as_str())?))))
            .collect();
        let mut statement = Statement::new(self.dialect);
        match self.mode {
            Mode::Insert | Mode::Upsert => self.insert(&mut statement, &given),
            Mode::Update => self.update(&mut statement, &given)?,
            Mode::Delete => {
                statement.push("DELETE FROM ").push(&self.table.quoted(self.dialect)).push(" WHERE ");
                self.where_key(&mut statement, &given);
            }
        }
        Ok(statement)
    }

    fn insert(&self, statement: &mut Statement, given: &[(&Column, Option<String>)]) {
        let names: Vec<String> = given.iter().map(|(column, _)| column.quoted(self.dialect)).collect();
        statement.push("INSERT INTO ").push(&self.table.quoted(self.dialect));
        statement.push(&format!(" ({}) VALUES (", names.join(", ")));
        for (n, (_, value)) in given.iter().enumerate() {
            statement.push(if n == 0 { "" } else { ", " }).bind(value.as_deref());
        }
        statement.push(")");
        if self.mode == Mode::Insert {
            return;
        }
        let others = given.iter().filter(|(column, _)| !self.key.contains(column));
        let others: Vec<String> = others.map(|(column, _)| column.quoted(self.dialect)).collect();
        let keys: Vec<String> = self.key.iter().map(|column| column.quoted(self.dialect)).collect();
        match self.dialect {
            Dialect::Postgres => {
                statement.push(&format!(" ON CONFLICT ({}) DO ", keys.join(", ")));
                let sets: Vec<String> =
                    others.iter().map(|name| format!("{name} = EXCLUDED.{name}")).collect();
                statement.push(&if sets.is_empty() {
                    "NOTHING".to_owned()
                } else {
                    format!("UPDATE SET {}", sets.join(", "))
                });
            }
            Dialect::Mysql => {
                let changed = if others.is_empty() { &keys } else { &others };
                let sets: Vec<String> =
                    changed.iter().map(|name| format!("{name} = VALUES({name})")).collect();
                statement.push(&format!(" ON DUPLICATE KEY UPDATE {}", sets.join(", ")));
            }
        }
    }

    fn update(&self, statement: &mut Statement, given: &[(&Column, Option<String>)]) -> Result<(), Reason> {
        statement.push("UPDATE ").push(&self.table.quoted(self.dialect)).push(" SET ");
        let mut joint = "";
        for (column, value) in given.iter().filter(|(column, _)| !self.key.contains(column)) {
            statement.push(joint).push(&column.quoted(self.dialect)).push(" = ").bind(value.as_deref());
            joint = ", ";
        }
        if joint.is_empty() {
            return Err(Reason::new("row-malformed", "the row has nothing besides its key to update")
                .hint("the operation's mapping must give a column to change"));
        }
        statement.push(" WHERE ");
        self.where_key(statement, given);
        Ok(())
    }

    fn where_key(&self, statement: &mut Statement, given: &[(&Column, Option<String>)]) {
        for (n, column) in self.key.iter().enumerate() {
            let value =
                given.iter().find(|(known, _)| *known == column).and_then(|(_, value)| value.as_deref());
            statement
                .push(if n == 0 { "" } else { " AND " })
                .push(&column.quoted(self.dialect))
                .push(" = ")
                .bind(value);
        }
    }
}
