//! Supplier confirmations of 1 KiB in over HTTP, each checked, mapped, kept and posted to three systems in order of its key;
//! beside a bare relay that neither checks nor stores, with the same load.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use lineshaft_bench::load::{Way, send_all};
use lineshaft_bench::machine::{Outcome, cpu_us_of, folder, median};
use lineshaft_bench::receiver::Receiver;
use lineshaft_bench::report::Report;
use lineshaft_bench::{child, relay};

/// Measures the hub from HTTP to HTTP against a bare relay, in turn in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Events in each round
    #[arg(long, default_value_t = 10_000)]
    events: u64,
    /// Rounds of each; the medians are reported
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Business keys
    #[arg(long, default_value_t = 1_000)]
    keys: u64,
    /// Connections of the sender
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// The hub's program; built when not given
    #[arg(long)]
    hub: Option<PathBuf>,
    /// Folder on the disk to measure
    #[arg(long)]
    on: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Play the relay at this address
    #[arg(long, hide = true)]
    relay: Option<SocketAddr>,
    /// Where the relay posts to
    #[arg(long, hide = true)]
    to: Option<SocketAddr>,
}

#[derive(Debug, Default)]
struct Rounds {
    acknowledged_per_s: Vec<f64>,
    per_s: Vec<f64>,
    cpu_us: Vec<f64>,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    if let (Some(listen), Some(to)) = (arguments.relay, arguments.to) {
        return relay::serve(listen, to).await;
    }
    let place = folder(arguments.on.as_deref())?;
    let (at_hub, hub_target) = Receiver::start(false).await?;
    let (at_relay, relay_target) = Receiver::start(false).await?;
    let (hub, to_hub) = child::hub(arguments.hub.as_deref(), &place.path().join("hub"), hub_target)?;
    let (relay, to_relay) = child::relay(relay_target)?;
    let (mut of_hub, mut of_relay) = (Rounds::default(), Rounds::default());
    for round in 0..=arguments.rounds {
        let from = round as u64 * arguments.events;
        for (pid, way, receiver, rounds) in
            [(hub.id(), &to_hub, &at_hub, &mut of_hub), (relay.id(), &to_relay, &at_relay, &mut of_relay)]
        {
            let mut measured = Rounds::default();
            play(&arguments, way, receiver, pid, from, &mut measured).await?;
            // The first round warms up.
            if round > 0 {
                rounds.acknowledged_per_s.append(&mut measured.acknowledged_per_s);
                rounds.per_s.append(&mut measured.per_s);
                rounds.cpu_us.append(&mut measured.cpu_us);
            }
        }
    }
    let mut report = Report::new("http_to_http");
    report.add("relay", median(&of_relay.per_s), "events/s");
    report.add("relay, CPU", median(&of_relay.cpu_us), "us/event");
    report.add("hub, acknowledged", median(&of_hub.acknowledged_per_s), "events/s");
    report.add("hub, all delivered", median(&of_hub.per_s), "events/s");
    report.add("hub, CPU", median(&of_hub.cpu_us), "us/event");
    let ratio = |hub: &[f64], relay: &[f64]| {
        median(&hub.iter().zip(relay).map(|(hub, relay)| hub / relay).collect::<Vec<f64>>())
    };
    report.at_least("hub / relay, delivered", ratio(&of_hub.per_s, &of_relay.per_s), "x", 1.0);
    report.at_most("hub / relay, CPU", ratio(&of_hub.cpu_us, &of_relay.cpu_us), "x", 1.0);
    report.at_most("hub, out of order", at_hub.unordered() as f64, "", 0.0);
    report.print(arguments.json)
}

async fn play(
    arguments: &Arguments,
    way: &Way,
    receiver: &Receiver,
    pid: u32,
    from: u64,
    rounds: &mut Rounds,
) -> Outcome<()> {
    let Arguments { events, keys, connections, .. } = *arguments;
    let (cpu_before, start) = (cpu_us_of(pid)?, Instant::now());
    send_all(way, from, events, keys, connections).await?;
    rounds.acknowledged_per_s.push(events as f64 / start.elapsed().as_secs_f64());
    receiver.wait_for((from + events) * 3).await?;
    rounds.per_s.push(events as f64 / start.elapsed().as_secs_f64());
    // What the hub writes behind the last delivery is its work too.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    rounds.cpu_us.push((cpu_us_of(pid)? - cpu_before) as f64 / events as f64);
    Ok(())
}
