//! `lineshaft contracts list|show|diff|check`: the contracts of a workspace, who lives by them, and what a change breaks.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_mapping::{changes, fields};
use lineshaft_model::Reason;
use serde::Serialize;

use super::Around;
use crate::failure::{Exit, Failure, Outcome};
use crate::governance::{self, Readers};
use crate::table::{Column, Table};
use crate::workspace::contracts::schemas_of;
use crate::workspace::{self, ContractFile, Files, Problems, Style, Workspace, spelling};

/// Lists the contracts of a workspace, says who reads which field, and what a change breaks and for whom.
#[derive(Args, Debug)]
pub struct Contracts {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Every contract with its version, status and readers
    List(List),
    /// One contract: its fields, and who reads each
    Show(Show),
    /// What has changed, and which way it breaks
    Diff(Compare),
    /// Every problem of what has changed, naming who would break. Exit code 1 if there is an error
    Check(Compare),
}

#[derive(Args, Debug)]
struct List {
    /// Folder that holds lineshaft.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Show {
    /// Name of the contract
    #[arg(value_name = "CONTRACT")]
    name: String,
    /// Folder that holds lineshaft.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Compare {
    /// Folder that holds lineshaft.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// What to compare with: a revision of the folder's Git repository, or the folder of an older copy
    #[arg(long, value_name = "REVISION|DIR", default_value = "HEAD")]
    against: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row<'w> {
    contract: &'w str,
    title: &'w str,
    version: &'w str,
    status: &'static str,
    owner: &'w str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sunset: &'w str,
    file: &'w str,
    fields: usize,
    readers: Vec<&'w str>,
}

#[derive(Serialize)]
struct Field {
    field: String,
    readers: Vec<String>,
}

#[derive(Serialize)]
struct Changed {
    contract: String,
    field: String,
    change: String,
    breaks_backward: bool,
    breaks_forward: bool,
}

impl Contracts {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        match &self.what {
            What::List(list) => list.run(around),
            What::Show(show) => show.run(around),
            What::Diff(compare) => compare.diff(around),
            What::Check(compare) => compare.check(around),
        }
    }
}

impl List {
    fn run(&self, around: &Around) -> Outcome {
        let workspace = open(around, &self.folder)?;
        let (readers, schemas) = (Readers::of(&workspace), schemas_of(&workspace.contracts));
        let rows: Vec<Row<'_>> = workspace
            .contracts
            .iter()
            .map(|(name, contract)| Row {
                contract: name,
                title: &contract.spec.title,
                version: contract.spec.version.as_deref().unwrap_or("1"),
                status: contract.spec.status.as_str(),
                owner: contract.spec.owner.as_deref().unwrap_or_default(),
                sunset: contract.spec.sunset.as_deref().unwrap_or_default(),
                file: &contract.file,
                fields: fields(governance::version(contract, &schemas)).len(),
                readers: unique(readers.of_contract(name).iter().map(|reader| reader.who.as_str())),
            })
            .collect();
        if self.json {
            around.terminal.json(&rows)?;
            return Ok(Exit::Well);
        }
        let mut table = Table::new(&[
            Column::new("CONTRACT"),
            Column::new("VERSION"),
            Column::new("STATUS"),
            Column::flexible("OWNER"),
            Column::number("FIELDS"),
            Column::flexible("READERS"),
        ]);
        for row in &rows {
            let fields = row.fields.to_string();
            table.row(
                [row.contract, row.version, row.status, row.owner, &fields, &row.readers.join(" ")]
                    .map(str::to_owned),
            );
        }
        around.terminal.write(table.render(around.terminal.width).as_bytes())?;
        Ok(Exit::Well)
    }
}

impl Show {
    fn run(&self, around: &Around) -> Outcome {
        let workspace = open(around, &self.folder)?;
        let Some(contract) = workspace.contracts.get(&self.name) else {
            let message = format!("there is no contract `{}`", spelling::clip(&self.name));
            let known: Vec<&str> = workspace.contracts.keys().map(String::as_str).collect();
            return Err(Failure::wrong_use(message, spelling::meant(&self.name, known)));
        };
        let (readers, schemas) = (Readers::of(&workspace), schemas_of(&workspace.contracts));
        let reading = readers.of_contract(&self.name);
        let rows: Vec<Field> = fields(governance::version(contract, &schemas))
            .into_iter()
            .map(|field| {
                let path: Vec<&str> = field.iter().map(String::as_str).collect();
                let who = reading.iter().filter(|reader| reader.reads.touches(&path));
                Field {
                    field: format!("/{}", path.join("/")),
                    readers: unique(who.map(|reader| reader.who.as_str()))
                        .iter()
                        .map(|w| (*w).to_owned())
                        .collect(),
                }
            })
            .collect();
        if self.json {
            around.terminal.json(&rows)?;
            return Ok(Exit::Well);
        }
        let spec = &contract.spec;
        around.terminal.line(&format!(
            "{} {} ({}){}",
            self.name,
            spec.version.as_deref().unwrap_or("1"),
            spec.status.as_str(),
            if spec.title.is_empty() { String::new() } else { format!(": {}", spec.title) },
        ))?;
        let mut table = Table::new(&[Column::new("FIELD"), Column::flexible("READ BY")]);
        for row in &rows {
            table.row([row.field.clone(), row.readers.join(" ")]);
        }
        around.terminal.write(table.render(around.terminal.width).as_bytes())?;
        Ok(Exit::Well)
    }
}

impl Compare {
    fn diff(&self, around: &Around) -> Outcome {
        let (old, new) = self.both(around)?;
        let (before, after) = (schemas_of(&old.contracts), schemas_of(&new.contracts));
        let mut rows = Vec::new();
        let whole = |contract: &str, change: &str| Changed {
            contract: contract.to_owned(),
            field: String::new(),
            change: change.to_owned(),
            breaks_backward: false,
            breaks_forward: false,
        };
        for (name, contract) in &old.contracts {
            match new.contracts.get(name) {
                None => rows.push(whole(name, "is gone")),
                Some(now) => rows.extend(differences(name, (contract, &before), (now, &after))),
            }
        }
        let added = new.contracts.keys().filter(|name| !old.contracts.contains_key(*name));
        rows.extend(added.map(|name| whole(name, "is new")));
        if self.json {
            around.terminal.json(&rows)?;
            return Ok(Exit::Well);
        }
        let mut table = Table::new(&[
            Column::new("CONTRACT"),
            Column::new("FIELD"),
            Column::flexible("CHANGE"),
            Column::new("BREAKS"),
        ]);
        for row in rows {
            let breaks = match (row.breaks_backward, row.breaks_forward) {
                (true, true) => "backward, forward",
                (true, false) => "backward",
                (false, true) => "forward",
                (false, false) => "",
            };
            table.row([row.contract, row.field, row.change, breaks.to_owned()]);
        }
        around.terminal.write(table.render(around.terminal.width).as_bytes())?;
        Ok(Exit::Well)
    }

    fn check(&self, around: &Around) -> Outcome {
        let (old, new) = self.both(around)?;
        let today: String = SystemClock::new().now().to_string().chars().take(10).collect();
        let problems = governance::judge(&old, &new, &today);
        if self.json {
            around.terminal.json(&problems.as_slice())?;
        } else {
            let mut ignored = Problems::default();
            let files = Files::read(&self.folder, &mut ignored);
            let text = workspace::render(&problems, &files, style(around));
            around.terminal.write(text.as_bytes())?;
        }
        Ok(if problems.errors() > 0 { Exit::Problems } else { Exit::Well })
    }

    /// The workspace as it was, and as it is.
    fn both(&self, around: &Around) -> Result<(Workspace, Workspace), Failure> {
        let new = open(around, &self.folder)?;
        let folder = Path::new(&self.against);
        let old = if folder.join("lineshaft.yaml").is_file() {
            open(around, folder)?
        } else {
            let files = Files::at_revision(&self.folder, &self.against)?;
            let variables = around.variables.clone().with_stand_ins();
            let loaded = workspace::load_files(files, Problems::default(), &self.folder, &variables);
            let problems = loaded.problems;
            loaded.workspace.ok_or_else(|| {
                let first = problems.iter().next().map(ToString::to_string).unwrap_or_default();
                let message = format!("the workspace was not well at {}: {first}", self.against);
                Failure::problem(
                    Reason::new("revision-unreadable", message).hint("compare with a revision that was"),
                )
            })?
        };
        Ok((old, new))
    }
}

/// A contract with the schemas beside it.
type Versioned<'w> = (&'w ContractFile, &'w lineshaft_mapping::Schemas);

fn differences(name: &str, old: Versioned<'_>, new: Versioned<'_>) -> Vec<Changed> {
    let (old, new) = (governance::version(old.0, old.1), governance::version(new.0, new.1));
    let found = changes(old, new).into_iter().map(|change| Changed {
        contract: name.to_owned(),
        field: change.pointer,
        change: change.message,
        breaks_backward: change.breaks_backward,
        breaks_forward: change.breaks_forward,
    });
    let mut found: Vec<Changed> = found.collect();
    let (was, is) = (fields(old), fields(new));
    let plain = |field: &Vec<String>, change: &str| Changed {
        contract: name.to_owned(),
        field: format!("/{}", field.join("/")),
        change: change.to_owned(),
        breaks_backward: false,
        breaks_forward: false,
    };
    found.extend(was.difference(&is).map(|field| plain(field, "is gone")));
    found.extend(is.difference(&was).map(|field| plain(field, "is new")));
    found.sort_by(|a, b| a.field.cmp(&b.field));
    found
}

/// A workspace that is well; what is wrong with it is said otherwise.
fn open(around: &Around, folder: &Path) -> Result<Workspace, Failure> {
    let loaded = workspace::load(folder, &around.variables.clone().with_stand_ins());
    loaded.workspace.ok_or_else(|| {
        let text = workspace::render(&loaded.problems, &loaded.files, style(around));
        around.terminal.say(text.trim_end());
        Failure { exit: Exit::Problems, reasons: Vec::new() }
    })
}

fn style(around: &Around) -> Style {
    match around.terminal.width {
        Some(_) => Style::Snippets { colour: around.terminal.colour },
        None => Style::Lines,
    }
}

fn unique<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}
