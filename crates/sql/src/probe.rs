//! Tries a database: connects, logs in, looks every table and column up, and reads a row.

use lineshaft_connectors::{Finding, Surroundings};
use lineshaft_model::Reason;

use crate::catalogue::Catalogue;
use crate::config::{Feed, SqlConfig, Write};
use crate::connection::{Connection, Server};
use crate::fault::Fault;
use crate::identifier::{Column, Name, Statement};

pub(crate) async fn system(config: &SqlConfig, with: Surroundings<'_>) -> Vec<Finding> {
    let (server, mut connection) = match connect(config, with).await {
        Ok(open) => open,
        Err(reason) => return vec![Finding::new("connection", Err(reason))],
    };
    let mut findings = vec![Finding::new("connection", Ok(format!("{} took the login", server.shown)))];
    for source in &config.sources {
        let (table, columns) = match &source.feed {
            Feed::Table(table) => {
                (&table.table, [&table.columns[..], &table.key, std::slice::from_ref(&table.since)].concat())
            }
            Feed::Outbox(outbox) => {
                let apart: Vec<Column> = outbox.payload.iter().chain(&outbox.mark).cloned().collect();
                (&outbox.table, [&outbox.columns[..], &outbox.key, &apart].concat())
            }
        };
        let found = server.within(table_is_there(&server, &mut connection, table, &columns, true)).await;
        findings.push(Finding::new(format!("source {}", source.name), found.map_err(|fault| fault.reason)));
    }
    for operation in &config.operations {
        let part = format!("operation {}", operation.name);
        if let Write::Rows { table, columns, .. } = &operation.write {
            let found = server.within(table_is_there(&server, &mut connection, table, columns, false)).await;
            findings.push(Finding::new(part.clone(), found.map_err(|fault| fault.reason)));
        }
        if let Some((table, column)) = &operation.keys {
            let columns = std::slice::from_ref(column);
            let found = server.within(table_is_there(&server, &mut connection, table, columns, false)).await;
            findings.push(Finding::new(format!("{part}, keys"), found.map_err(|fault| fault.reason)));
        }
    }
    findings
}

async fn connect(config: &SqlConfig, with: Surroundings<'_>) -> Result<(Server, Connection), Reason> {
    let server = config.server.build(&with)?;
    let connection = server.connect().await.map_err(|fault| fault.reason)?;
    Ok((server, connection))
}

/// Looks the columns up; reads one row when it will be read from.
async fn table_is_there(
    server: &Server,
    connection: &mut Connection,
    table: &Name,
    columns: &[Column],
    reads: bool,
) -> Result<String, Fault> {
    let catalogue = Catalogue::read(connection, server.dialect, table).await?;
    catalogue.chosen(columns)?;
    let shown = table.shown();
    if !reads {
        return Ok(format!("the table {shown} has its columns"));
    }
    let mut query = Statement::new(server.dialect);
    query.push("SELECT '1' FROM ").push(&table.quoted(server.dialect)).push(" LIMIT 1");
    let rows = connection.rows(&query).await?.len();
    Ok(format!("the table {shown} can be read; {}", if rows == 0 { "it is empty" } else { "it has rows" }))
}
