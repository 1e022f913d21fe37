//! The API against its own description: a generator of requests reads `/openapi.json` and sends what it allows and what it
//! forbids. No answer may be a fault of the hub's, and none may be one that the description does not know.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Ending, Site, tools};
use crate::command::{Failure, run, show};

/// The hub must answer within this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests for each operation and phase.
const EXAMPLES: &str = "20";

/// What is held against every answer. What the description cannot say (which event types there are, which system may send) is
/// not: a request may be refused for it.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,unsupported_method,allow_header_conformance,missing_required_header,ignored_auth";

pub(super) fn check(site: &Site, program: &Path) -> Result<Ending, Failure> {
    run(&mut site.cargo(&["build", "--package", "lineshaft", "--bins", "--locked", "--quiet"]))?;
    let Some(schemathesis) = tools::schemathesis(site) else {
        return Ok(Ending::Skipped("no Python that can install schemathesis from PyPI".to_owned()));
    };
    let data = site.scratch.join("api");
    let hub = Hub::start(program, &data, &site.scratch.join("api.log"))?;
    let token = hub.token(&data)?;
    let mut generator = Command::new(schemathesis);
    generator
        .args(["run", &format!("{}/openapi.json", hub.url), "--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1"])
        // An endless answer, and the one request that ends what the others look at.
        .args(["--exclude-path", "/v1/events/stream", "--exclude-path", "/v1/configuration/reload"])
        .args(["--request-timeout", "20", "--suppress-health-check", "all", "--warnings", "off"])
        .arg("--header")
        .arg(format!("Authorization: Bearer {token}"))
        .current_dir(&site.scratch);
    run(&mut generator)?;
    hub.lives()
}

/// A demo without a console: a hub with something of everything in it.
struct Hub {
    child: Child,
    url: String,
}

impl Hub {
    fn start(program: &Path, data: &Path, log: &Path) -> Result<Self, Failure> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = port.map_err(|error| Failure::new(format!("no free port: {error}")))?;
        let log =
            fs::File::create(log).map_err(|error| Failure::new(format!("{}: {error}", log.display())))?;
        let mut command = Command::new(program);
        command
            .args(["demo", "--headless", "--for", "15m", "--listen", &address.to_string(), "--data"])
            .arg(data);
        show(&command);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = child.map_err(|error| Failure::new(format!("the hub cannot be started: {error}")))?;
        Ok(Self { child, url: format!("http://{address}") })
    }

    /// The token that the hub leaves for commands on this machine, once it serves.
    fn token(&self, data: &Path) -> Result<String, Failure> {
        let (begun, file): (Instant, PathBuf) = (Instant::now(), data.join("command-line.token"));
        loop {
            if let Ok(token) = fs::read_to_string(&file) {
                return Ok(token.trim().to_owned());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new(format!("the hub did not begin to serve within {PATIENCE:?}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn lives(mut self) -> Result<Ending, Failure> {
        match self.child.try_wait() {
            Ok(None) => Ok(Ending::Passed),
            Ok(Some(status)) => Err(Failure::new(format!("the hub ended under the requests, with {status}"))),
            Err(error) => Err(Failure::new(format!("the hub cannot be looked at: {error}"))),
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
