//! `lineshaft user add|list|password|disable|enable`: people of a small site, in the data folder, with or without a running hub.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand};
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_model::event_type::is_word;
use lineshaft_model::{Millis, Reason};
use lineshaft_web::access::{UserFile, UserOptions, UserRow};
use serde::Serialize;

use super::Around;
use super::listing::{Shape, table, time};
use super::reach::DataArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Adds, lists and disables people who log in to the console by a password.
#[derive(Args, Debug)]
pub struct User {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Add a person; the password is asked for, or read as one line from a pipe
    Add(Add),
    /// Every person, without their password
    List(List),
    /// Set another password, and end the person's sessions
    Password(One),
    /// Refuse a person the login, and end their sessions
    Disable(One),
    /// Let a disabled person log in again
    Enable(One),
}

#[derive(Args, Debug)]
struct Add {
    /// Name to log in with, unique, for the audit trail
    name: String,
    /// Role that policies speak of, for instance buyer; may be given more than once
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = super::token::role)]
    roles: Vec<String>,
    /// The one partner the person speaks for: they see only what names this partner and nobody else
    #[arg(long, value_name = "PARTNER", default_value = "")]
    partner: String,
    /// A site the person works at; all when left out; may be given more than once
    #[arg(long = "site", value_name = "SITE")]
    sites: Vec<String>,
    /// A type of objects the person deals with, for instance item; all when left out; may be given more than once
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Args, Debug)]
struct List {
    /// A JSON array instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Args, Debug)]
struct One {
    /// Name of the person
    name: String,
    #[command(flatten)]
    data: DataArgs,
}

/// A person as they are listed: not even the hash of the password.
#[derive(Serialize)]
struct Listed {
    name: String,
    roles: Vec<String>,
    partner: String,
    sites: Vec<String>,
    types: Vec<String>,
    created: Millis,
    disabled: bool,
}

impl From<UserRow> for Listed {
    fn from(row: UserRow) -> Self {
        Self {
            name: row.name,
            roles: row.roles,
            partner: row.partner,
            sites: row.sites,
            types: row.types,
            created: row.created,
            disabled: row.disabled,
        }
    }
}

const COLUMNS: &[Column] = &[
    Column::flexible("NAME"),
    Column::new("ROLES"),
    Column::new("PARTNER"),
    Column::new("SITES"),
    Column::new("CREATED"),
    Column::new("LOGIN"),
];

fn cells(row: &Listed) -> Vec<String> {
    vec![
        row.name.clone(),
        row.roles.join(","),
        row.partner.clone(),
        row.sites.join(","),
        time(row.created),
        if row.disabled { "disabled" } else { "allowed" }.to_owned(),
    ]
}

impl User {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        match &self.what {
            What::Add(given) => add(around, given),
            What::List(given) => {
                let rows = UserFile::in_folder(given.data.folder(around)?.path()).list()?;
                let rows: Vec<Listed> = rows.into_iter().map(Listed::from).collect();
                match given.json {
                    true => around.terminal.json(&rows)?,
                    false => table(around, &rows, Shape { columns: COLUMNS, cells, empty: "no users" })?,
                }
                Ok(Exit::Well)
            }
            What::Password(given) => {
                let password = password(around)?;
                let users = UserFile::in_folder(given.data.folder(around)?.path());
                let found = users.set_password(&given.name, &password, SystemClock::new().now())?;
                told(around, &given.name, found, "has another password; sessions from before have ended")
            }
            What::Disable(given) => set_disabled(around, given, true, "disabled; sessions have ended"),
            What::Enable(given) => set_disabled(around, given, false, "may log in again"),
        }
    }
}

fn set_disabled(around: &Around, given: &One, disabled: bool, words: &str) -> Outcome {
    let users = UserFile::in_folder(given.data.folder(around)?.path());
    let found = users.set_disabled(&given.name, disabled)?;
    told(around, &given.name, found, words)
}

fn told(around: &Around, name: &str, found: bool, words: &str) -> Outcome {
    if found {
        around.terminal.line(&format!("{name} {words}"))?;
        return Ok(Exit::Well);
    }
    let reason = Reason::new("not-found", format!("there is no user `{name}`"));
    Err(reason.hint("`lineshaft user list` names them").into())
}

fn add(around: &Around, given: &Add) -> Outcome {
    if !is_word(&given.name) {
        let hint = "use a lower-case word: letters, digits and single hyphens, starting with a letter";
        return Err(Failure::wrong_use(format!("`{}` is no name of a user", given.name), hint));
    }
    let data = given.data.folder(around)?;
    std::fs::create_dir_all(data.path())
        .map_err(|error| Failure::io("the data folder cannot be made", data.path().display(), &error))?;
    let options = UserOptions {
        roles: given.roles.clone(),
        partner: given.partner.clone(),
        sites: given.sites.clone(),
        types: given.types.clone(),
    };
    let password = password(around)?;
    UserFile::in_folder(data.path()).add(&given.name, &password, options, SystemClock::new().now())?;
    around.terminal.line(&format!("{} added", given.name))?;
    Ok(Exit::Well)
}

/// Asks for a password without showing it; in a pipe it is one line. Never an argument: the process list shows those to all.
fn password(around: &Around) -> Result<String, Failure> {
    let failed = |error: &std::io::Error| Failure::io("the password cannot be read", "standard input", error);
    let input = std::io::stdin();
    if input.is_terminal() {
        around.terminal.say("password (not shown): ");
    }
    let hidden = Hidden::new();
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    drop(hidden);
    read.map_err(|error| failed(&error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// What is typed is not shown while this lives.
struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    fn new() -> Self {
        let input = std::io::stdin();
        let Ok(usual) = rustix::termios::tcgetattr(&input) else { return Self(None) };
        let mut hidden = usual.clone();
        hidden.local_modes.remove(rustix::termios::LocalModes::ECHO);
        let set = rustix::termios::tcsetattr(&input, rustix::termios::OptionalActions::Now, &hidden);
        Self(set.is_ok().then_some(usual))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(usual) = &self.0 {
            // The terminal may be gone.
            let _ =
                rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, usual);
        }
    }
}
