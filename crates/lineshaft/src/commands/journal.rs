//! `lineshaft journal verify|stat|export`: looks at a journal, also while a hub writes to it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lineshaft_model::record::RecordKind;
use lineshaft_model::{Position, Reason};
use lineshaft_store::journal::disk::RealDisk;
use lineshaft_store::journal::{ExportError, JournalError, Progress, SegmentInfo, export, stat, verify};
use serde_json::json;

use super::Around;
use super::listing::{Facts, Shape, table, time};
use super::reach::DataArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::table::Column;
use crate::workspace::size::Size;

/// Checks, describes and exports the journal of a data folder.
#[derive(Args, Debug)]
pub struct Journal {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Read every byte and report whatever does not hold
    Verify(Look),
    /// What the journal holds, without reading all of it
    Stat(Look),
    /// Every record as a JSON object a line
    Export(Export),
}

#[derive(Args, Debug)]
struct Look {
    #[command(flatten)]
    data: DataArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Export {
    #[command(flatten)]
    data: DataArgs,
    /// First position
    #[arg(long, value_name = "POSITION", default_value = "1")]
    from: Position,
    /// Last position
    #[arg(long, value_name = "POSITION")]
    to: Option<Position>,
}

impl Journal {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        match &self.what {
            What::Verify(given) => whole_check(around, given),
            What::Stat(given) => holdings(around, given),
            What::Export(given) => lines(around, given),
        }
    }
}

fn folder(data: &DataArgs, around: &Around) -> Result<PathBuf, Failure> {
    Ok(data.folder(around)?.journal())
}

fn refused(error: &JournalError) -> Failure {
    Failure::problem(error.reason())
}

fn whole_check(around: &Around, given: &Look) -> Outcome {
    let folder = folder(&given.data, around)?;
    let mut show = |progress: Progress| {
        let Progress { segment, segments, bytes, position } = progress;
        let megabytes = bytes >> 20;
        around
            .terminal
            .progress(&format!("segment {segment} of {segments}, {megabytes} MiB, position {position}"));
    };
    let found = verify(&RealDisk, &folder, &mut show);
    around.terminal.progress_done();
    let found = found.map_err(|error| refused(&error))?;
    if given.json {
        let faults: Vec<_> = found
            .faults
            .iter()
            .map(|fault| {
                json!({"segment": fault.segment, "offset": fault.offset, "position": fault.position,
                    "good_from": fault.good_from, "what": fault.what})
            })
            .collect();
        around.terminal.json(
            &json!({"good": found.is_good(), "segments": found.segments, "frames": found.frames,
            "records": found.records, "bytes": found.bytes, "first": found.first, "end": found.end,
            "unfinished_bytes": found.unfinished_bytes, "fault_count": found.fault_count, "faults": faults}),
        )?;
        return Ok(if found.is_good() { Exit::Well } else { Exit::Problems });
    }
    let mut facts = Facts::default();
    facts
        .add("segments", found.segments)
        .add("records", found.records)
        .add("positions", format!("{} to {}", found.first, found.end))
        .add("bytes", found.bytes);
    for (kind, count) in &found.kinds {
        let number = kind.to_string();
        let word = RecordKind::from_byte(*kind).map_or(number.as_str(), |kind| kind.as_str());
        facts.add("of kind", format!("{word}: {count}"));
    }
    around.terminal.write(facts.render().as_bytes())?;
    if found.is_good() {
        around.terminal.line("every record holds")?;
        return Ok(Exit::Well);
    }
    let faults = found.faults.iter().map(|fault| {
        let good = fault
            .good_from
            .map_or_else(|| "the rest of it is lost".to_owned(), |at| format!("good again from {at}"));
        Reason::new("journal-damaged", format!("position {}: {}", fault.position, fault.what))
            .at(format!("{} byte {}", fault.segment.display(), fault.offset))
            .hint(format!("{good}; restore the segment from a backup"))
    });
    Err(Failure { exit: Exit::Problems, reasons: faults.collect() })
}

const SEGMENTS: &[Column] = &[
    Column::number("FIRST"),
    Column::number("LAST"),
    Column::number("RECORDS"),
    Column::number("BYTES"),
    Column::new("CREATED"),
    Column::new("STATE"),
];

fn segment(info: &SegmentInfo) -> Vec<String> {
    vec![
        info.first.to_string(),
        info.last.to_string(),
        info.records().to_string(),
        info.bytes.to_string(),
        time(info.created),
        if info.closed { "closed" } else { "open" }.to_owned(),
    ]
}

fn holdings(around: &Around, given: &Look) -> Outcome {
    let found = stat(RealDisk, folder(&given.data, around)?).map_err(|error| refused(&error))?;
    if given.json {
        let segments: Vec<_> = found
            .segments
            .iter()
            .map(|info| {
                json!({"first": info.first, "last": info.last, "records": info.records(), "bytes": info.bytes,
                    "created": info.created, "closed": info.closed, "path": info.path})
            })
            .collect();
        around.terminal.json(
            &json!({"journal": format!("{:016x}", found.journal), "first": found.first, "end": found.end,
            "records": found.records(), "bytes": found.bytes, "unfinished_bytes": found.unfinished_bytes,
            "segments": segments}),
        )?;
        return Ok(Exit::Well);
    }
    let mut facts = Facts::default();
    facts
        .add("journal", format!("{:016x}", found.journal))
        .add("positions", format!("{} to {}", found.first, found.end))
        .add("records", found.records())
        .add("size", Size { bytes: found.bytes })
        .add("segments", found.segments.len());
    around.terminal.write(format!("{}\n", facts.render()).as_bytes())?;
    table(around, &found.segments, Shape { columns: SEGMENTS, cells: segment, empty: "no segments" })?;
    Ok(Exit::Well)
}

fn lines(around: &Around, given: &Export) -> Outcome {
    let folder = folder(&given.data, around)?;
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    match export(RealDisk, folder, given.from, given.to, &crate::records::as_json, &mut out) {
        Ok(count) => {
            around.terminal.note(&format!("{count} records"));
            Ok(Exit::Well)
        }
        Err(ExportError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Well),
        Err(ExportError::Write(error)) => Err(Failure::io("the export cannot be written", "stdout", &error)),
        Err(ExportError::Journal(error)) => Err(refused(&error)),
        Err(ExportError::Read(error)) => {
            let reason = Reason::new("journal-unreadable", format!("a record cannot be read: {error}"));
            Err(reason.hint("`lineshaft journal verify` shows every fault").into())
        }
    }
}
