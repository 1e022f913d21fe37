//! `lineshaft token create|list|revoke`: works on the data folder, with or without a running hub.

use clap::{Args, Subcommand};
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_logic::spec::Span;
use lineshaft_model::event_type::is_word;
use lineshaft_model::{Millis, Reason};
use lineshaft_web::access::{Scope, TokenFile, TokenOptions, TokenRow, scopes_of};
use serde::Serialize;

use super::Around;
use super::listing::{Shape, table, time};
use super::reach::DataArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;

/// Creates, lists and revokes tokens of a hub on this machine.
#[derive(Args, Debug)]
pub struct Token {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Make a token and show it, once
    Create(Create),
    /// Every token, without its secret
    List(List),
    /// End a token at once
    Revoke(Revoke),
}

#[derive(Args, Debug)]
struct Create {
    /// Name, unique, for the audit trail
    name: String,
    /// What it may do: send, read, operate or admin; may be given more than once
    #[arg(long = "scope", value_name = "SCOPE", required_unless_present = "roles", value_parser = scope)]
    scopes: Vec<Scope>,
    /// Role that policies speak of, for instance buyer; by the scopes when left out; may be given more than once
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<String>,
    /// The one partner it speaks for: it sees only what names this partner and nobody else
    #[arg(long, value_name = "PARTNER", default_value = "")]
    partner: String,
    /// A site it is good for; for all when left out; may be given more than once
    #[arg(long = "site", value_name = "SITE")]
    sites: Vec<String>,
    /// A type of objects it is good for, for instance item; for all when left out; may be given more than once
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// The system it speaks for; events of others are refused
    #[arg(long, value_name = "SYSTEM", default_value = "")]
    system: String,
    /// How long it lives, for instance 90d; for ever when left out
    #[arg(long, value_name = "TIME", value_parser = Span::parse)]
    expires: Option<Span>,
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
struct Revoke {
    /// Name of the token
    name: String,
    #[command(flatten)]
    data: DataArgs,
}

fn scope(text: &str) -> Result<Scope, String> {
    text.parse().map_err(|reason: Reason| format!("{}: {}", reason.message, reason.hint))
}

pub(super) fn role(text: &str) -> Result<String, String> {
    lineshaft_access::role(text).map_err(|reason| format!("{}: {}", reason.message, reason.hint))
}

/// A token as it is listed: not even its hash.
#[derive(Serialize)]
struct Listed {
    name: String,
    scopes: Vec<Scope>,
    roles: Vec<String>,
    system: String,
    partner: String,
    sites: Vec<String>,
    types: Vec<String>,
    created: Millis,
    expires: Option<Millis>,
}

impl From<TokenRow> for Listed {
    fn from(row: TokenRow) -> Self {
        Self {
            roles: row.principal().roles,
            name: row.name,
            scopes: row.scopes,
            system: row.system,
            partner: row.partner,
            sites: row.sites,
            types: row.types,
            created: row.created,
            expires: row.expires,
        }
    }
}

const COLUMNS: &[Column] = &[
    Column::flexible("NAME"),
    Column::new("SCOPES"),
    Column::new("ROLES"),
    Column::new("BOUND TO"),
    Column::new("CREATED"),
    Column::new("EXPIRES"),
];

fn cells(row: &Listed) -> Vec<String> {
    vec![
        row.name.clone(),
        row.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(","),
        row.roles.join(","),
        bounds(row),
        time(row.created),
        row.expires.map_or_else(|| "never".to_owned(), time),
    ]
}

/// What it is bound to, in words.
fn bounds(row: &Listed) -> String {
    let one = |what: &str, name: &str| (!name.is_empty()).then(|| format!("{what} {name}"));
    let all = |what: &str, names: &[String]| one(what, &names.join(","));
    let parts = [
        one("system", &row.system),
        one("partner", &row.partner),
        all("site", &row.sites),
        all("type", &row.types),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

impl Token {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        match &self.what {
            What::Create(given) => create(around, given),
            What::List(given) => {
                let rows = TokenFile::in_folder(given.data.folder(around)?.path()).list()?;
                let rows: Vec<Listed> = rows.into_iter().map(Listed::from).collect();
                match given.json {
                    true => around.terminal.json(&rows)?,
                    false => table(around, &rows, Shape { columns: COLUMNS, cells, empty: "no tokens" })?,
                }
                Ok(Exit::Well)
            }
            What::Revoke(given) => {
                let tokens = TokenFile::in_folder(given.data.folder(around)?.path());
                if tokens.revoke(&given.name)? {
                    around.terminal.line(&format!("{} revoked", given.name))?;
                    return Ok(Exit::Well);
                }
                let reason = Reason::new("not-found", format!("there is no token `{}`", given.name));
                Err(reason.hint("`lineshaft token list` names them").into())
            }
        }
    }
}

fn create(around: &Around, given: &Create) -> Outcome {
    if !is_word(&given.name) {
        let hint = "use a lower-case word: letters, digits and single hyphens, starting with a letter";
        return Err(Failure::wrong_use(format!("`{}` is no name of a token", given.name), hint));
    }
    let data = given.data.folder(around)?;
    std::fs::create_dir_all(data.path())
        .map_err(|error| Failure::io("the data folder cannot be made", data.path().display(), &error))?;
    let now = SystemClock::new().now();
    let expires = given.expires.map(|span| now.plus(span.0));
    let made = TokenFile::in_folder(data.path()).create(
        &given.name,
        TokenOptions {
            scopes: if given.scopes.is_empty() { scopes_of(&given.roles) } else { given.scopes.clone() },
            system: given.system.clone(),
            roles: given.roles.clone(),
            partner: given.partner.clone(),
            sites: given.sites.clone(),
            types: given.types.clone(),
            expires,
        },
        now,
    )?;
    around.terminal.line(&made.token)?;
    around.terminal.say("this is the only time it is shown; send it as `Authorization: Bearer TOKEN`");
    Ok(Exit::Well)
}
