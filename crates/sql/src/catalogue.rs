//! What the database itself says of a table: its columns and their types. A setting that it does not have is told before
//! anything is read or written.

use lineshaft_model::Reason;

use crate::connection::{Connection, Row};
use crate::fault::Fault;
use crate::identifier::{Column, Dialect, Name, Statement};

/// The columns of a table, in its own order.
#[derive(Debug)]
pub(crate) struct Catalogue {
    table: String,
    columns: Vec<(Column, Type)>,
}

/// What a column holds, as far as a cursor must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) kind: Kind,
    /// What a bound text has to be cast to, to be compared as the column is.
    pub(crate) cast: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Time,
    Number,
    Other,
}

impl Catalogue {
    /// Reads the columns of a table or view.
    pub(crate) async fn read(
        connection: &mut Connection,
        dialect: Dialect,
        table: &Name,
    ) -> Result<Self, Fault> {
        let mut query = Statement::new(dialect);
        match dialect {
            Dialect::Postgres => query
                .push(
                    "SELECT a.attname::text, format_type(a.atttypid, NULL), t.typcategory::text \
                     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = to_regclass(",
                )
                .bind_as(&table.quoted(dialect), Some("text"))
                .push(") AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"),
            Dialect::Mysql => query
                .push(
                    "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR), CAST(column_type AS CHAR) \
                     FROM information_schema.columns WHERE table_schema = COALESCE(",
                )
                .bind(table.schema.as_deref())
                .push(", DATABASE()) AND table_name = ")
                .bind(Some(&table.name))
                .push(" ORDER BY ordinal_position"),
        };
        let rows = connection.rows(&query).await?;
        let columns: Vec<_> = rows.iter().filter_map(|row| column_of(dialect, row)).collect();
        let table = table.shown();
        if rows.is_empty() {
            let message = format!("the database has no table `{table}`, or the login may not see it");
            let mut fault = Fault::said("the catalogue", "42P01", 0, &message);
            fault.reason = Reason::new("table-unknown", message)
                .hint("check its name and schema, and the rights of the login");
            return Err(fault);
        }
        Ok(Self { table, columns })
    }

    /// The type of a column.
    pub(crate) fn of(&self, column: &Column) -> Result<&Type, Fault> {
        let found = self.columns.iter().find(|(known, _)| known == column);
        found.map(|(_, found)| found).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|(known, _)| known.as_str()).take(50).collect();
            let message = format!("the table `{}` has no column `{}`", self.table, column.as_str());
            let mut fault = Fault::said("the catalogue", "42703", 0, &message);
            fault.reason =
                Reason::new("column-unknown", message).hint(format!("it has {}", names.join(", ")));
            fault
        })
    }

    /// The columns that are asked for, or all.
    pub(crate) fn chosen(&self, asked: &[Column]) -> Result<Vec<Column>, Fault> {
        if asked.is_empty() {
            return Ok(self.columns.iter().map(|(column, _)| column.clone()).collect());
        }
        asked.iter().map(|column| self.of(column).map(|_| column.clone())).collect()
    }
}

fn column_of(dialect: Dialect, row: &Row) -> Option<(Column, Type)> {
    let text = |n: usize| row.get(n).and_then(Option::as_deref).unwrap_or_default();
    // Columns with stranger names cannot be asked for, and are passed over.
    let column = Column::parse(text(0))?;
    let found = match dialect {
        Dialect::Postgres => Type {
            kind: match text(2) {
                "D" => Kind::Time,
                "N" => Kind::Number,
                _ => Kind::Other,
            },
            cast: Some(text(1).to_owned()),
        },
        Dialect::Mysql => mysql_type(&text(1).to_ascii_lowercase()),
    };
    Some((column, found))
}

fn mysql_type(name: &str) -> Type {
    let of = |kind, cast: &str| Type { kind, cast: Some(cast.to_owned()) };
    match name {
        "datetime" | "timestamp" => of(Kind::Time, "DATETIME(6)"),
        "date" => of(Kind::Time, "DATE"),
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" => {
            of(Kind::Number, "DECIMAL(65,30)")
        }
        _ => Type { kind: Kind::Other, cast: None },
    }
}

/// A column as text.
pub(crate) fn as_text(dialect: Dialect, column: &Column) -> String {
    let quoted = column.quoted(dialect);
    match dialect {
        Dialect::Postgres => format!("t.{quoted}::text"),
        Dialect::Mysql => format!("CAST(t.{quoted} AS CHAR)"),
    }
}

/// A row as a JSON object of these columns, made by the database: it knows best how its values are written.
pub(crate) fn as_json(dialect: Dialect, columns: &[Column]) -> String {
    let quoted = columns.iter().map(|column| format!("t.{}", column.quoted(dialect)));
    match dialect {
        Dialect::Postgres => {
            let list: Vec<String> = quoted.collect();
            format!("(SELECT row_to_json(r)::text FROM (SELECT {}) r)", list.join(", "))
        }
        Dialect::Mysql => {
            let list: Vec<String> = columns
                .iter()
                .zip(quoted)
                .map(|(column, quoted)| format!("'{}', {quoted}", column.as_str()))
                .collect();
            format!("CAST(JSON_OBJECT({}) AS CHAR)", list.join(", "))
        }
    }
}
