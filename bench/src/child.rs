//! The hub and the relay as processes of their own, so that their CPU time is theirs alone.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::Way;
use crate::machine::Outcome;

/// A process that is ended with its handle.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

const CONTRACT: &str = r#"contract: network-confirmations
title: A supplier's confirmation as the network sends it
version: "1.0"
owner: purchasing
status: active
compatibility: backward
schema:
  type: object
  required: [messageId, order, confirmation, supplier, lines]
  properties:
    messageId: { type: string, minLength: 1 }
    order: { type: string, pattern: "^[0-9]{10}$" }
    confirmation: { type: string, minLength: 1 }
    lines:
      type: array
      minItems: 1
      items:
        type: object
        required: [line, item, unit, ack, splits]
        properties:
          line: { type: string, pattern: "^[0-9]+$" }
          price: { type: string, format: decimal }
          splits:
            type: array
            items:
              type: object
              required: [quantity, status]
              properties:
                quantity: { type: string, format: decimal }
                date: { type: [string, "null"], format: date }
                status: { enum: [confirmed, backordered, rejected] }
"#;

const MAPPING: &str = r#". as $answer
| .lines[]
| unit(.unit; "network") as $unit
| code("acknowledgements"; .ack) as $status
| {
    type: "lineshaft.purchase-order.confirmed.v1",
    subject: "\($answer.order)/\(.line)/\($answer.confirmation)",
    partitionkey: $answer.order,
    id: "\($answer.messageId)-\(.line)",
    time: $answer.confirmedAt,
    data: {
      purchase_order: $answer.order,
      line: .line,
      item: .item,
      confirmation: $answer.confirmation,
      supplier: $answer.supplier,
      status: $status,
      splits: [.splits[] | { quantity: qty(.quantity; $unit), date, status }],
      price: { amount: .price, currency: .currency }
    }
  }
"#;

const SYSTEMS: [&str; 3] = ["erp", "wms", "aps"];

/// Writes the workspace of a hub that takes confirmations and posts each to three systems at one address.
fn write_workspace(folder: &Path, listen: SocketAddr, receiver: SocketAddr, more: &str) -> Outcome<()> {
    let write = |name: &str, text: &str| -> std::io::Result<()> {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, text)
    };
    write("lineshaft.yaml", &format!("listen: {listen}\ndata: data\nlog: {{ level: warn }}\n{more}"))?;
    write("contracts/network-confirmations.yaml", CONTRACT)?;
    write("mappings/network-confirmation.jq", MAPPING)?;
    write("codes/acknowledgements.csv", "#policy: quarantine\nfrom,to\nIA,confirmed\nIB,backordered\n")?;
    write("codes/units-network.csv", "#policy: quarantine\nfrom,to\nEA,C62\nKGM,KGM\n")?;
    let source = "sources:\n  confirmations:\n    format: json\n    contract: network-confirmations\n    mapping: network-confirmation.jq\n    emits: [lineshaft.purchase-order.confirmed.v1]\n";
    write(
        "systems/network.yaml",
        &format!("system: network\ntitle: Supplier network\nconnector: http\n{source}"),
    )?;
    let mut routes = String::new();
    for system in SYSTEMS {
        let text = format!(
            "system: {system}\ntitle: System {system}\nconnector: http\nbase_url: http://{receiver}\nlimits: {{ concurrency: 32 }}\noperations:\n  post:\n    request: {{ method: POST, path: /{system}/confirmations, idempotency_header: Idempotency-Key }}\n"
        );
        write(&format!("systems/{system}.yaml"), &text)?;
        routes.push_str(&format!(
            "- route: confirmations-to-{system}\n  on: lineshaft.purchase-order.confirmed.v1\n  to: {system}.post\n"
        ));
    }
    write("routes/confirmations.yaml", &routes)?;
    Ok(())
}

/// Starts the hub itself, the program beside this one, on a workspace of its own in `folder`.
pub fn hub(program: Option<&Path>, folder: &Path, receiver: SocketAddr) -> Outcome<(Process, Way)> {
    hub_with(program, folder, receiver, "")
}

/// The same with more settings.
pub fn hub_with(
    program: Option<&Path>,
    folder: &Path,
    receiver: SocketAddr,
    more: &str,
) -> Outcome<(Process, Way)> {
    let program = match program {
        Some(program) => program.to_owned(),
        None => built_hub()?,
    };
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    std::fs::create_dir_all(folder)?;
    write_workspace(folder, address, receiver, more)?;
    let process = Process(Command::new(&program).arg("run").arg(folder).stdin(Stdio::null()).spawn()?);
    let token_file = folder.join("data/command-line.token");
    let token = wait("the hub's token", || std::fs::read_to_string(&token_file).ok())?;
    wait("the hub's port", || std::net::TcpStream::connect(address).ok())?;
    let path = "/v1/in/network/confirmations".to_owned();
    Ok((process, Way { address, path, token: token.trim().to_owned() }))
}

/// The hub's program, built as this one was.
fn built_hub() -> Outcome<PathBuf> {
    let built =
        Command::new("cargo").args(["build", "--release", "--quiet", "--package", "lineshaft"]).status()?;
    if !built.success() {
        return Err("the hub could not be built; name a built one with --hub".into());
    }
    Ok(std::env::current_exe()?.with_file_name("lineshaft"))
}

/// Starts this program again as a bare relay to the receiver.
pub fn relay(receiver: SocketAddr) -> Outcome<(Process, Way)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let process = Command::new(std::env::current_exe()?)
        .args(["--relay", &address.to_string(), "--to", &receiver.to_string()])
        .stdin(Stdio::null())
        .spawn()?;
    let process = Process(process);
    wait("the relay's port", || std::net::TcpStream::connect(address).ok())?;
    Ok((process, Way { address, path: "/in".to_owned(), token: String::new() }))
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Outcome<T> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("{what} was not there within 20 seconds").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
