//! What is asked of the factory of a running demo: break a system, heal it, count a shelf.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::{Args, Subcommand};
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use lineshaft_model::Reason;
use lineshaft_sim::SYSTEMS;
use serde::Deserialize;
use serde_json::json;

use super::Span;
use crate::client::plain_client;
use crate::commands::Around;
use crate::commands::reach::wait;
use crate::data::DataFolder;
use crate::failure::{Exit, Failure, Outcome};

/// The longest answer of the factory that is read, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// What the demo's factory can be asked for while it runs, from another terminal.
#[derive(Subcommand, Clone, Debug)]
pub(super) enum Task {
    /// Break a system of a running demo; the hub holds what it is owed and catches up
    Break(Break),
    /// Heal a system of a running demo, or all of them
    Heal(Heal),
    /// Count a shelf of a running demo: 40 pieces where the book says 100. Tells who learned of it and when
    Count,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Break {
    /// erp, procurement, wms or aps
    #[arg(value_parser = SYSTEMS)]
    system: String,
    /// How: down, reset, slow, 5xx, 429, lost-answer, garbage, refuse, duplicate or out-of-order
    #[arg(long, value_name = "MODE", default_value = "down")]
    how: String,
    /// How long, for instance 30s; until it is healed when left out
    #[arg(long = "for", value_name = "TIME", value_parser = super::span)]
    how_long: Option<Span>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Heal {
    /// erp, procurement, wms or aps; all of them when left out
    #[arg(value_parser = SYSTEMS)]
    system: Option<String>,
}

/// Left in the demo's data folder: where its factory is asked.
pub(super) fn leave_address(data: &DataFolder, control: std::net::SocketAddr) -> Result<(), Failure> {
    let path = address_file(data.path());
    std::fs::write(&path, format!("http://{control}\n"))
        .map_err(|error| Failure::io("the factory's address cannot be written", path.display(), &error))
}

fn address_file(data: &Path) -> PathBuf {
    data.join("factory.address")
}

impl Task {
    /// Asks the factory of the demo that keeps its data in `data`.
    pub(super) fn run(&self, around: &Around, data: &DataFolder) -> Outcome {
        let floor = Floor::of(data)?;
        wait(async {
            match self {
                Self::Break(given) => {
                    let mut fault = json!({ "mode": given.how });
                    if let Some(span) = given.how_long {
                        fault["for"] = json!(format!("{}ms", span.0));
                    }
                    let path = format!("/sim/{}/faults", given.system);
                    floor.ask(Method::PUT, &path, fault.to_string()).await?;
                    let until = match given.how_long {
                        Some(span) => format!("for {} s", span.0.div_euclid(1000)),
                        None => format!("until `lineshaft demo heal {}`", given.system),
                    };
                    around.terminal.line(&format!("{}: {} {until}", given.system, given.how))?;
                }
                Self::Heal(given) => {
                    for system in SYSTEMS.iter().filter(|s| given.system.as_ref().is_none_or(|g| g == *s)) {
                        floor.ask(Method::DELETE, &format!("/sim/{system}/faults"), String::new()).await?;
                        around.terminal.line(&format!("{system}: well"))?;
                    }
                }
                Self::Count => floor.count(around).await?,
            }
            Ok(Exit::Well)
        })
    }
}

/// The part that is counted.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Begun {
    item: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stories {
    stories: Vec<Told>,
}

/// A count as the factory saw it.
#[derive(Deserialize)]
struct Told {
    told: String,
    complete: bool,
    story: Begun,
}

/// How often a story is looked at before it is told as far as it has come, and how long between two looks.
const LOOKS: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(200);

/// The factory of a running demo.
struct Floor(String);

impl Floor {
    fn of(data: &DataFolder) -> Result<Self, Failure> {
        let address = std::fs::read_to_string(address_file(data.path()));
        let address =
            address.map_err(|_| not_running("no demo has left its address", data.path().display()))?;
        Ok(Self(address.trim().to_owned()))
    }

    /// Has a shelf counted and tells who learned of it.
    async fn count(&self, around: &Around) -> Result<(), Failure> {
        let begun = self.ask(Method::POST, "/sim/scenes/cycle-count", String::new()).await?;
        let begun: Begun = serde_json::from_slice(&begun).unwrap_or_default();
        let mut told = None;
        for _ in 0..LOOKS {
            let stories = self.ask(Method::GET, "/sim/stories", String::new()).await?;
            let stories: Stories = serde_json::from_slice(&stories).unwrap_or_default();
            told = stories.stories.into_iter().find(|told| told.story.item == begun.item);
            if told.as_ref().is_some_and(|told| told.complete) {
                break;
            }
            tokio::time::sleep(BETWEEN).await;
        }
        around.terminal.line(&told.map(|told| told.told).unwrap_or_default())?;
        around.terminal.note(&format!("search the console for {}", begun.item));
        Ok(())
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> Result<Bytes, Failure> {
        let away = |why: String| not_running(&why, &self.0);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| away(error.to_string()))?;
        let client = plain_client().map_err(|error| away(error.to_string()))?;
        let answer = client.request(request).await.map_err(|_| away("it does not answer".to_owned()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| away(error.to_string()))?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Refused {
            error: String,
        }
        let refused: Refused = serde_json::from_slice(&body).unwrap_or_default();
        Err(Failure::wrong_use(refused.error, "docs/start/demo.md says what each way to break a system does"))
    }
}

fn not_running(why: &str, at: impl std::fmt::Display) -> Failure {
    Failure::not_reached(
        Reason::new("demo-not-reached", format!("the demo's factory cannot be asked: {why}"))
            .at(at.to_string())
            .hint("start it with `lineshaft demo` in another terminal; give the same --data if you gave one"),
    )
}

#[cfg(test)]
mod tests {
    use lineshaft_sim::{Config, Factory, Mode, Ports};

    use super::*;
    use crate::terminal::Terminal;

    fn ask(task: &Task, folder: &Path) -> Outcome {
        let around = Around { variables: std::iter::empty().collect(), terminal: Terminal::pipe() };
        task.run(&around, &DataFolder::new(folder))
    }

    async fn asked(task: Task, folder: &tempfile::TempDir) -> Outcome {
        let folder = folder.path().to_owned();
        tokio::task::spawn_blocking(move || ask(&task, &folder)).await.unwrap()
    }

    fn broken(system: &str, how: &str, how_long: Option<Span>) -> Task {
        Task::Break(Break { system: system.to_owned(), how: how.to_owned(), how_long })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_system_is_broken_and_healed_from_another_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let factory = Factory::start(Config { ports: Ports::default(), ..Config::default() }).await.unwrap();
        leave_address(&DataFolder::new(folder.path()), factory.control()).unwrap();
        let faults = || {
            let faults = factory.system("wms").unwrap().faults();
            faults.into_iter().map(|fault| (fault.mode, fault.left_ms.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(asked(broken("wms", "down", Some(Span(30_000))), &folder).await.unwrap(), Exit::Well);
        assert_eq!(faults(), [(Mode::Down, true)]);
        assert_eq!(asked(Task::Heal(Heal { system: None }), &folder).await.unwrap(), Exit::Well);
        assert_eq!(faults(), []);
        let refused = asked(broken("wms", "sideways", None), &folder).await.unwrap_err();
        assert!(refused.exit == Exit::WrongUse && refused.to_string().contains("sideways"), "{refused}");

        let before = factory.stories().len();
        assert_eq!(asked(Task::Count, &folder).await.unwrap(), Exit::Well);
        assert_eq!(factory.stories().len(), before + 1);
        tokio::time::timeout(Duration::from_secs(30), factory.shutdown()).await.unwrap();
        let gone = asked(Task::Count, &folder).await.unwrap_err();
        assert_eq!(gone.exit, Exit::NotReached, "{gone}");
    }

    #[test]
    fn without_a_demo_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let failure = ask(&Task::Count, folder.path()).unwrap_err();
        assert_eq!((failure.exit, failure.reasons[0].code.as_str()), (Exit::NotReached, "demo-not-reached"));
    }
}
