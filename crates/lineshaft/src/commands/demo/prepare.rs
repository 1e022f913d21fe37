//! Makes everything the demo needs: an empty data folder, the example's workspace, tokens both ways, and the factory.

use std::path::Path;

use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_model::Millis;
use lineshaft_sim::{Config, Factory, Ports, Tokens};
use lineshaft_web::access::{Scope, TokenFile, TokenOptions};

use super::Demo;
use crate::commands::Around;
use crate::commands::run::checked;
use crate::data::DataFolder;
use crate::examples;
use crate::failure::Failure;
use crate::workspace::{Variables, Workspace};

/// What the demo runs on.
pub(super) struct Prepared {
    pub(super) workspace: Workspace,
    pub(super) variables: Variables,
    pub(super) factory: Factory,
    pub(super) data: DataFolder,
}

/// Left in a demo's data folder, so that only such a folder is ever emptied.
const MARK: &str = "this-is-a-demo";

const SYSTEMS: [&str; 4] = ["erp", "procurement", "wms", "aps"];

pub(super) async fn prepare(demo: &Demo, around: &Around) -> Result<Prepared, Failure> {
    let data = demo.data_folder(around)?;
    empty(data.path())?;
    let folder = data.path().join("workspace");
    for (name, text) in examples::files("discrete-plant") {
        write(&folder.join(name), text)?;
    }
    let tokens = tokens(data.path())?;
    let secrets = tokens.from_hub.iter().map(|(system, token)| (secret_variable(system), token.clone()));
    let secrets: Vec<(String, String)> = secrets.collect();
    let factory = start(demo, tokens).await?;
    let variables: Variables = around.variables.pairs().chain(factory.variables()).chain(secrets).collect();
    let mut workspace = checked(&folder, &Around { variables: variables.clone(), ..around.clone() })?;
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    workspace.settings.listen = match (demo.listen, demo.headless) {
        (Some(address), _) => address,
        (None, true) => any,
        (None, false) => workspace.settings.listen,
    };
    workspace.settings.data = data.path().to_owned();
    Ok(Prepared { workspace, variables, factory, data })
}

/// The factory on its usual ports, or on any when they are taken or nobody looks.
async fn start(demo: &Demo, tokens: Tokens) -> Result<Factory, Failure> {
    let usual = Config::default();
    // For a person the factory's orders lie ahead of the clock on the wall, so that planning has something to look at.
    let begins = if demo.headless { usual.begins } else { next_monday().unwrap_or(usual.begins) };
    let config = |ports| Config {
        seed: demo.seed,
        rate_per_s: demo.rate,
        begins,
        ports,
        tokens: tokens.clone(),
        ..Config::default()
    };
    if !demo.headless
        && let Ok(factory) = Factory::start(config(Ports::USUAL)).await
    {
        return Ok(factory);
    }
    let started = Factory::start(config(Ports::default())).await;
    started.map_err(|error| Failure::io("the factory cannot open its ports", "127.0.0.1", &error))
}

/// Six in the morning of the next Monday in Berlin, when the early shift begins.
fn next_monday() -> Option<jiff::Timestamp> {
    let now = jiff::Timestamp::from_millisecond(SystemClock::new().now().0).ok()?;
    let monday = now.in_tz("Europe/Berlin").ok()?.nth_weekday(1, jiff::civil::Weekday::Monday).ok()?;
    Some(monday.with().hour(6).minute(0).second(0).subsec_nanosecond(0).build().ok()?.timestamp())
}

/// What each system shows to the hub, and the hub to each system.
fn tokens(data: &Path) -> Result<Tokens, Failure> {
    let file = TokenFile::in_folder(data);
    let mut tokens = Tokens::default();
    for system in SYSTEMS {
        let options = TokenOptions { system: system.to_owned(), ..TokenOptions::of(&[Scope::Send]) };
        let made = file.create(system, options, Millis(0))?;
        tokens.to_hub.insert(system.to_owned(), made.token);
        tokens.from_hub.insert(system.to_owned(), format!("{:032x}", rand::random::<u128>()));
    }
    Ok(tokens)
}

fn secret_variable(system: &str) -> String {
    format!("LINESHAFT_SECRET_{}_TOKEN", system.to_uppercase())
}

/// Empties a demo's folder. A folder with anything else in it is refused.
fn empty(folder: &Path) -> Result<(), Failure> {
    let failed = |what: &str, error: &std::io::Error| Failure::io(what, folder.display(), error);
    let mark = folder.join(MARK);
    let has_content = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if has_content && !mark.exists() {
        let message = format!("{} holds something else than a demo's data", folder.display());
        return Err(Failure::wrong_use(
            message,
            "name another folder with --data: the demo empties its folder",
        ));
    }
    if has_content {
        std::fs::remove_dir_all(folder)
            .map_err(|error| failed("the data folder cannot be emptied", &error))?;
    }
    write(&mark, "the demo empties this folder at each start\n")
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| Failure::io("a folder cannot be made", parent.display(), &error))?;
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::io("a file cannot be written", path.display(), &error))
}
