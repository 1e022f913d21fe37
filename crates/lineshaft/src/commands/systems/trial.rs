//! `lineshaft systems test NAME`: tries a system from this machine, with the workspace's settings and secrets.

use std::path::Path;

use clap::Args;
use lineshaft_connectors::{Finding, Surroundings};
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_model::{Millis, Reason};
use serde::Serialize;

use super::super::Around;
use super::super::reach::wait;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::{Column, Table};
use crate::workspace;

#[derive(Args, Debug)]
pub(super) struct Trial {
    /// Name of the system
    name: String,
    /// A JSON array of what was found
    #[arg(long)]
    json: bool,
}

/// A certificate with fewer days left is a problem, and one with fewer than the second is told.
const URGENT_DAYS: i64 = 7;
const SOON_DAYS: i64 = 60;
const DAY_MS: i64 = 86_400_000;

/// One row of the answer.
#[derive(Debug, Serialize)]
struct Row {
    part: String,
    well: bool,
    found: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_until: Option<String>,
}

impl Trial {
    pub(super) fn run(&self, folder: &Path, around: &Around) -> Outcome {
        let loaded = workspace::load(folder, &around.variables);
        let Some(workspace) = loaded.workspace else {
            let reason = Reason::new("workspace-faulty", "the workspace has errors");
            return Err(Failure::problem(reason.hint("run `lineshaft check` and mend what it reports")));
        };
        let names: Vec<&str> = workspace.systems.iter().map(|system| system.name.as_str()).collect();
        let Some(system) = workspace.systems.iter().find(|system| system.name == self.name) else {
            let hint = format!("the workspace has {}", names.join(", "));
            return Err(Failure::wrong_use(format!("there is no system `{}`", self.name), hint));
        };
        let Some(connector) = &system.connector else { return Ok(Exit::Well) };
        let with = Surroundings {
            secrets: &workspace.secrets,
            folder: &workspace.folder,
            outbound: &workspace.outbound,
        };
        let findings = wait(async { Ok(connector.probe(with).await) })?;
        let now = SystemClock::new().now();
        let rows: Vec<Row> = findings.iter().map(|finding| row(finding, now)).collect();
        self.show(&rows, around)?;
        Ok(if rows.iter().all(|row| row.well) { Exit::Well } else { Exit::Problems })
    }

    fn show(&self, rows: &[Row], around: &Around) -> Result<(), Failure> {
        if self.json {
            return around.terminal.json(&rows);
        }
        if rows.is_empty() {
            return around.terminal.line("there is nothing to try: others come to this system by themselves");
        }
        const COLUMNS: &[Column] = &[Column::new("TRIED"), Column::new("WELL"), Column::flexible("FOUND")];
        let mut table = Table::new(COLUMNS);
        for row in rows {
            let hint = if row.hint.is_empty() { String::new() } else { format!("; hint: {}", row.hint) };
            let well = if row.well { "yes" } else { "no" };
            table.row([row.part.clone(), well.to_owned(), format!("{}{hint}", row.found)]);
        }
        around.terminal.write(table.render(None).as_bytes())
    }
}

fn row(finding: &Finding, now: Millis) -> Row {
    let days = finding.good_until.map(|until| until.0.saturating_sub(now.0).div_euclid(DAY_MS));
    let (mut well, mut found, mut code, mut hint) = match &finding.found {
        Ok(found) => (true, found.clone(), String::new(), String::new()),
        Err(reason) => (false, reason.message.clone(), reason.code.clone(), reason.hint.clone()),
    };
    if let Some(days) = days.filter(|days| *days < SOON_DAYS) {
        let when = if days < 0 { "has ended".to_owned() } else { format!("ends in {days} days") };
        found.push_str(&format!("; its certificate {when}"));
        if days < URGENT_DAYS {
            well = false;
            code = "certificate-ends".to_owned();
            hint = "have it renewed".to_owned();
        }
    }
    let certificate_until = finding.good_until.map(|until| until.to_string());
    Row { part: finding.part.clone(), well, found, code, hint, certificate_until }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_soon_is_told_and_one_that_ends_now_is_a_problem() {
        let now = Millis(1_795_000_000_000);
        let shown = |days: i64| {
            let good_until = Some(Millis(now.0 + days * DAY_MS + 1));
            row(&Finding { part: "connection".to_owned(), found: Ok("well".to_owned()), good_until }, now)
        };
        assert_eq!((shown(90).found.as_str(), shown(90).well), ("well", true));
        assert_eq!(
            (shown(30).found.as_str(), shown(30).well),
            ("well; its certificate ends in 30 days", true)
        );
        assert_eq!((shown(6).code.as_str(), shown(6).well), ("certificate-ends", false));
        assert!(shown(-1).found.ends_with("has ended"));
        let failed = Finding::new("login", Err(Reason::new("oauth-refused", "no token")));
        assert_eq!((row(&failed, now).code.as_str(), row(&failed, now).well), ("oauth-refused", false));
    }
}
