//! A plant netted whole by the engine and, in the same run, by PostgreSQL as sets; then one change at a time by both.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Parser;
use lineshaft_bench::machine::{Outcome, cpu_us, folder, median, quantile};
use lineshaft_bench::plant::{DAY_MS, LEVELS, Plant};
use lineshaft_bench::report::Report;
use lineshaft_model::Millis;
use lineshaft_planning::record::{Supply, SupplyKind};
use lineshaft_planning::{Change, Plan, Record, Settings};
use rand::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Nets a generated plant by the engine and by PostgreSQL, which it starts on a folder and a socket of its own.
#[derive(Debug, Parser)]
struct Arguments {
    /// Supplies and demands, the outputs and components of orders among them
    #[arg(long, default_value_t = 1_000_000)]
    elements: usize,
    /// Changes of a purchase order's date, by both
    #[arg(long, default_value_t = 100)]
    changes: usize,
    /// Folder of PostgreSQL's programs; Debian's when not given
    #[arg(long)]
    postgres: Option<PathBuf>,
    /// Folder on the disk to measure
    #[arg(long)]
    on: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let place = folder(arguments.on.as_deref())?;
    let plant = Plant::new(arguments.elements);
    let mut report = Report::new("planning_sql");
    let mut plan = Plan::new(Settings { now: Millis(0), finite_capacity: false });
    plan.load(plant.records().map(Change::Put));
    let counts = plan.counts();
    report.add("supplies and demands", (counts.supplies + counts.demands) as f64, "elements");
    let start = (cpu_us(), Instant::now());
    plan.recompute();
    report.add("engine: whole computation", start.1.elapsed().as_secs_f64(), "s");
    report.add("engine: the same, processor time", (cpu_us() - start.0) as f64 / 1e6, "s");
    let Some(programs) = arguments.postgres.clone().or_else(installed) else {
        report.add("left out: PostgreSQL is not installed (apt-get install postgresql)", 0.0, "");
        return report.print(arguments.json);
    };
    let database = Database::start(programs, place.path())?;
    let tables = Tables::of(&plant);
    tables.write(&database.folder)?;
    std::fs::write(database.folder.join("netting.sql"), include_str!("../netting.sql"))?;
    let start = Instant::now();
    database.query("\\i netting.sql")?;
    report.add("PostgreSQL: tables filled", start.elapsed().as_secs_f64(), "s");
    let start = Instant::now();
    let moved = database.query(&format!("select whole({LEVELS})"))?;
    report.add("PostgreSQL: whole computation", start.elapsed().as_secs_f64(), "s");
    let late = |text: String| text.trim().parse::<f64>().unwrap_or(f64::NAN);
    report.add("PostgreSQL: orders late", late(moved), "");
    report.add("engine: orders late", plan.slips(usize::MAX).len() as f64, "");
    // The same changes by both, in turn.
    let lines = plant.purchases();
    let mut random = StdRng::seed_from_u64(7);
    let (mut ours_ms, mut theirs_ms) = (Vec::new(), Vec::new());
    let mut script = String::from("\\timing on\n\\o /dev/null\n");
    for _ in 0..arguments.changes {
        let Some(line) = lines.choose(&mut random) else { break };
        let later = random.random_range(1..30) * DAY_MS;
        let confirmed = line.confirmed.map(|at| at.plus(later));
        let start = Instant::now();
        plan.apply([Change::Put(Record::Supply(Supply { confirmed, ..line.clone() }))]);
        ours_ms.push(start.elapsed().as_secs_f64() * 1e3);
        let id = tables.supply_ids.get(&line.key).ok_or("a purchase order is missing")?;
        writeln!(script, "select one_change({id}, {later}, {LEVELS});")?;
    }
    let told = database.query(&script)?;
    for line in told.lines().filter_map(|line| line.strip_prefix("Time: ")) {
        theirs_ms.extend(line.split(' ').next().and_then(|number| number.parse::<f64>().ok()));
    }
    report.add("engine: one change, p50", median(&ours_ms), "ms");
    report.add("engine: one change, p99", quantile(&ours_ms, 0.99), "ms");
    report.add("PostgreSQL: one change, p50", median(&theirs_ms), "ms");
    report.add("PostgreSQL: one change, p99", quantile(&theirs_ms, 0.99), "ms");
    report.print(arguments.json)
}

/// The plant as tables, quantities in thousandths.
#[derive(Default)]
struct Tables {
    items: String,
    supplies: String,
    demands: String,
    orders: String,
    supply_ids: HashMap<String, usize>,
}

impl Tables {
    fn of(plant: &Plant) -> Self {
        let mut tables = Self::default();
        let mut ids: HashMap<String, usize> = HashMap::new();
        let mut levels: HashMap<usize, usize> = HashMap::new();
        let mut leads: HashMap<usize, i64> = HashMap::new();
        let (mut supplies, mut demands, mut orders) = (0_usize, 0_usize, 0_usize);
        let mut number = |key: &str| {
            let next = ids.len();
            *ids.entry(key.to_owned()).or_insert(next)
        };
        let thousandths =
            |quantity: lineshaft_model::Quantity| quantity.value * rust_decimal::Decimal::from(1_000);
        for record in plant.records() {
            match record {
                Record::Stocking(stocking) => {
                    let item = number(&stocking.item);
                    levels.entry(item).or_insert(0);
                    leads.insert(item, stocking.lead_time_ms.unwrap_or(i64::MAX / 4));
                    if let Some(safety) = stocking.safety_stock {
                        demands += 1;
                        let quantity = thousandths(safety).normalize();
                        tables.demands += &format!("{demands},{item},0,0,{quantity},\n");
                    }
                }
                Record::Supply(supply) => {
                    supplies += 1;
                    let item = number(&supply.item);
                    let on_hand = supply.kind == SupplyKind::OnHand;
                    // What is overdue is expected now.
                    let at = if on_hand { -1 } else { supply.confirmed.map_or(0, |at| at.0.max(0)) };
                    let quantity = thousandths(supply.quantity).normalize();
                    tables.supplies += &format!("{supplies},{item},{at},{quantity},\n");
                    tables.supply_ids.insert(supply.key, supplies);
                }
                Record::Demand(demand) => {
                    demands += 1;
                    let (item, quantity) = (number(&demand.item), thousandths(demand.quantity).normalize());
                    let (priority, due) = (demand.priority, demand.due.0);
                    tables.demands += &format!("{demands},{item},{priority},{due},{quantity},\n");
                }
                Record::Order(order) => {
                    orders += 1;
                    supplies += 1;
                    let item = number(&order.item);
                    let mut level = 0;
                    for component in order.components.iter().flatten() {
                        demands += 1;
                        let part = number(&component.item);
                        level = level.max(levels.get(&part).copied().unwrap_or(0) + 1);
                        let quantity = thousandths(component.quantity).normalize();
                        let (priority, due) = (order.priority, order.start.0);
                        tables.demands += &format!("{demands},{part},{priority},{due},{quantity},{orders}\n");
                    }
                    levels.insert(item, level);
                    let quantity = thousandths(order.quantity).normalize();
                    tables.supplies += &format!("{supplies},{item},{},{quantity},{orders}\n", order.end.0);
                    tables.orders += &format!("{orders},{item},{level},{}\n", order.end.0);
                }
                _ => {}
            }
        }
        for (item, level) in levels {
            let lead = leads.get(&item).copied().unwrap_or(i64::MAX / 4);
            tables.items += &format!("{item},{level},{lead}\n");
        }
        tables
    }

    fn write(&self, folder: &Path) -> Outcome<()> {
        let files = [
            ("item.csv", &self.items),
            ("supply.csv", &self.supplies),
            ("demand.csv", &self.demands),
            ("orders.csv", &self.orders),
        ];
        for (name, text) in files {
            std::fs::write(folder.join(name), text)?;
        }
        Ok(())
    }
}

/// A PostgreSQL of its own: no port, one socket, nothing durable, as its documentation advises for what can be made again.
struct Database {
    programs: PathBuf,
    folder: PathBuf,
    unprivileged: bool,
}

impl Database {
    fn start(programs: PathBuf, place: &Path) -> Outcome<Self> {
        // It refuses to run for the superuser.
        let unprivileged = rustix::process::getuid().is_root();
        let folder = if unprivileged {
            tempfile::Builder::new().prefix("lineshaft-pg-").tempdir()?.keep()
        } else {
            place.join("pg")
        };
        std::fs::create_dir_all(&folder)?;
        let database = Self { programs, folder, unprivileged };
        if unprivileged {
            let owned = Command::new("chown").arg("nobody").arg(&database.folder).status()?;
            if !owned.success() {
                return Err("the database's folder cannot be given to `nobody`".into());
            }
        }
        let data = database.folder.join("data");
        database
            .run("initdb", &["-D", &data.to_string_lossy(), "-A", "trust", "-U", "bench", "--no-sync"])?;
        let settings = format!(
            "-k {} -c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=512MB \
             -c work_mem=256MB -c max_wal_size=4GB -c jit=off",
            database.folder.display()
        );
        database.run(
            "pg_ctl",
            &["-D", &data.to_string_lossy(), "-s", "-w", "-l", "/dev/null", "-o", &settings, "start"],
        )?;
        Ok(database)
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if self.unprivileged {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder).env("HOME", &self.folder);
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Outcome<()> {
        let ended = self.command(program).args(arguments).stdout(Stdio::null()).status()?;
        if ended.success() { Ok(()) } else { Err(format!("{program} ended with {ended}").into()) }
    }

    fn query(&self, text: &str) -> Outcome<String> {
        let file = self.folder.join("query.sql");
        std::fs::write(&file, text)?;
        let socket = self.folder.to_string_lossy().into_owned();
        let mut command = self.command("psql");
        command.args([
            "-h",
            &socket,
            "-U",
            "bench",
            "-d",
            "postgres",
            "-X",
            "-q",
            "-t",
            "-A",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
        ]);
        let told = command.arg(&file).output()?;
        if !told.status.success() {
            return Err(String::from_utf8_lossy(&told.stderr).into_owned().into());
        }
        Ok(String::from_utf8(told.stdout)?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let data = self.folder.join("data").to_string_lossy().into_owned();
        drop(self.run("pg_ctl", &["-D", &data, "-s", "-m", "immediate", "stop"]));
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// The newest that Debian's packages have installed.
fn installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions.filter_map(|one| Some(one.ok()?.path().join("bin"))).collect();
    folders.retain(|folder| folder.join("initdb").is_file());
    folders.sort();
    folders.pop()
}
