//! How fast X12 and EDIFACT are read and written on one core, beside other people's readers.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use lineshaft_bench::interchanges::{edifact, x12};
use lineshaft_bench::machine::{Outcome, cpu_us, median, resident_kib};
use lineshaft_bench::report::Report;
use lineshaft_formats::{Format, Reader, decode, encode};

/// Measures how fast interchanges become documents and documents interchanges; one thread, CPU time.
#[derive(Debug, Parser)]
struct Arguments {
    /// Orders in an interchange
    #[arg(long, default_value_t = 4000)]
    orders: usize,
    /// Lines of an order
    #[arg(long, default_value_t = 100)]
    lines: usize,
    /// Rounds; the median is reported
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A Python that has pyx12 and pydifact
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// A folder whose node_modules has node-x12
    #[arg(long, value_name = "FOLDER")]
    node: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const PYX12: &str = "import sys,time,io,pyx12.x12file as f
t=open(sys.argv[1]).read(); s=time.process_time()
for _ in f.X12Reader(io.StringIO(t)): pass
print(time.process_time()-s)";

const PYDIFACT: &str = "import sys,time
from pydifact.parser import Parser
t=open(sys.argv[1]).read(); s=time.process_time()
for _ in Parser().parse(t): pass
print(time.process_time()-s)";

const NODE_X12: &str = "const {X12Parser}=require('node-x12');
const t=require('fs').readFileSync(process.argv[1],'utf8'); const s=process.cpuUsage();
new X12Parser(true).parse(t); const u=process.cpuUsage(s); console.log((u.user+u.system)/1e6)";

/// Makes an interchange of so many orders with so many lines.
type Make = fn(usize, usize) -> Vec<u8>;

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let mut report = Report::new("edi");
    let make: [(&str, Make); 2] = [("x12", x12), ("edifact", edifact)];
    for (name, make) in make {
        let input = make(arguments.orders, arguments.lines);
        let format = Format::named(name)?;
        let (mut read, mut streamed, mut written) = (Vec::new(), Vec::new(), Vec::new());
        // What is measured is to be in memory already, so the first round warms up.
        for round in 0..=arguments.rounds {
            let speeds = [
                measure_read(&format, &input)?,
                measure_stream(&format, &input)?,
                measure_write(&format, &input)?,
            ];
            if round > 0 {
                for (all, speed) in [&mut read, &mut streamed, &mut written].into_iter().zip(speeds) {
                    all.push(speed);
                }
            }
        }
        report.at_least(format!("{name} read"), median(&read), "MB/s", 150.0);
        report.add(format!("{name} read from a stream"), median(&streamed), "MB/s");
        report.add(format!("{name} written"), median(&written), "MB/s");
        // The readers beside are slow: a part is enough.
        beside(&mut report, name, &make(arguments.orders.div_ceil(40), arguments.lines), &arguments)?;
    }
    memory(&mut report, &arguments)?;
    report.print(arguments.json)
}

fn speed(bytes: usize, start_us: u64) -> f64 {
    bytes as f64 / (cpu_us() - start_us).max(1) as f64
}

fn measure_read(format: &Format, input: &[u8]) -> Outcome<f64> {
    let start = cpu_us();
    let mut length = 0;
    for document in decode(format, input) {
        length += document?.json.len();
    }
    std::hint::black_box(length);
    Ok(speed(input.len(), start))
}

fn measure_stream(format: &Format, input: &[u8]) -> Outcome<f64> {
    let start = cpu_us();
    let mut reader = Reader::new(format, input);
    while let Some(document) = reader.next_document()? {
        std::hint::black_box(document?);
    }
    Ok(speed(input.len(), start))
}

fn measure_write(format: &Format, input: &[u8]) -> Outcome<f64> {
    let documents: Vec<Vec<u8>> = decode(format, input)
        .take(300)
        .map(|each| each.map(|each| each.json.into_owned()))
        .collect::<Result<_, _>>()?;
    let start = cpu_us();
    let text = encode(format, documents.iter().map(Vec::as_slice))?;
    Ok(speed(text.len(), start))
}

/// Runs other people's readers on the same input, as far as they are at hand.
fn beside(report: &mut Report, name: &str, input: &[u8], arguments: &Arguments) -> Outcome<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), input)?;
    let mut add = |what: &str, command: &mut Command| -> Outcome<()> {
        let output = command.arg(file.path()).output()?;
        let seconds: f64 = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .map_err(|_| format!("{what}: {}", String::from_utf8_lossy(&output.stderr)))?;
        report.add(what, input.len() as f64 / 1e6 / seconds, "MB/s");
        Ok(())
    };
    let python = |program: &Path, script: &str| {
        let mut command = Command::new(program);
        command.args(["-W", "ignore", "-c", script]);
        command
    };
    if let Some(program) = &arguments.python {
        match name {
            "x12" => add("x12 read by pyx12", &mut python(program, PYX12))?,
            _ => add("edifact read by pydifact", &mut python(program, PYDIFACT))?,
        }
    }
    if let Some(folder) = arguments.node.as_ref().filter(|_| name == "x12") {
        let mut command = Command::new("node");
        command.current_dir(folder).args(["-e", NODE_X12]);
        add("x12 read by node-x12", &mut command)?;
    }
    Ok(())
}

/// Resident memory while a stream of a gigabyte is read, which is made as it is read.
fn memory(report: &mut Report, arguments: &Arguments) -> Outcome<()> {
    let one = x12(100, arguments.lines);
    let times = (1 << 30) / one.len();
    let before = resident_kib(std::process::id())?;
    let mut reader = Reader::new(&Format::named("x12")?, Repeated { one: &one, at: 0, left: times });
    let mut most = before;
    let mut count = 0;
    while let Some(document) = reader.next_document()? {
        document?;
        count += 1;
        if count % 5000 == 0 {
            most = most.max(resident_kib(std::process::id())?);
        }
    }
    report.at_most("more memory for 1 GiB of x12", (most - before) as f64 / 1024.0, "MiB", 16.0);
    Ok(())
}

/// The same bytes again and again.
struct Repeated<'a> {
    one: &'a [u8],
    at: usize,
    left: usize,
}

impl std::io::Read for Repeated<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.one.len() {
            self.at = 0;
            self.left = self.left.saturating_sub(1);
        }
        if self.left == 0 {
            return Ok(0);
        }
        let rest = &self.one[self.at..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
