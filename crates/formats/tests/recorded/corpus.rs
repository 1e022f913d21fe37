//! X12 and EDIFACT written by others, against an account of what is in each file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lineshaft_formats::edi::{Dialect, Fault, FaultKind, Interchange, Level, received};
use lineshaft_formats::{Format, decode, encode};
use lineshaft_model::json::{Limits, Value};

/// The folder that holds `corpus/`, as `cargo xtask corpus` names it.
fn recorded() -> PathBuf {
    let folder = std::env::var_os("LINESHAFT_RECORDED").expect("run it with: cargo xtask corpus FOLDER");
    PathBuf::from(folder).join("corpus")
}

/// A row of the account.
struct Expected {
    file: String,
    dialect: Dialect,
    counts: [usize; 4],
    delimiters: String,
    errors: Vec<String>,
}

fn expected(folder: &Path) -> Vec<Expected> {
    let text = std::fs::read_to_string(folder.join("EXPECTATIONS.tsv")).unwrap();
    let rows = text.lines().skip(1).filter_map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let (file, kind) = (cells[0], cells[1]);
        let dialect = match kind {
            "x12" => Dialect::X12,
            "edifact" => Dialect::Edifact,
            _ if kind.starts_with("partner_sessions") && !file.ends_with(".json") => {
                if file.contains("/X12_") { Dialect::X12 } else { Dialect::Edifact }
            }
            _ => return None,
        };
        let count = |at: usize| cells.get(at).and_then(|text| text.parse().ok()).unwrap_or_default();
        Some(Expected {
            file: file.to_owned(),
            dialect,
            counts: [count(3), count(4), count(5), count(6)],
            delimiters: cells.get(7).unwrap_or(&"").to_string(),
            errors: cells
                .get(8)
                .unwrap_or(&"")
                .split(';')
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    });
    rows.collect()
}

/// Faults that are found and not accounted for, with the reason why they are right.
const BESIDES: &[(&str, &str)] = &[
    // One UNB follows the other, and there is one UNZ.
    ("issue235", "no_UNZ"),
];

/// A fault as the account writes it; `None` for what it does not tell.
fn account(fault: &Fault) -> Option<String> {
    let x12 = fault.dialect == Dialect::X12;
    // The account does not tell of a reference that is left out.
    if fault.kind == FaultKind::Control && fault.declared.is_empty() {
        return None;
    }
    let declared = fault.declared.trim().trim_start_matches('0');
    let declared = if declared.is_empty() { "0" } else { declared };
    let actual = &fault.actual;
    let count = |name: &str| Some(format!("{name}={declared}_actual={actual}"));
    match (fault.level, fault.kind) {
        (Level::Transaction, FaultKind::Count) => count(if x12 { "SE01" } else { "UNT" }),
        (Level::Group, FaultKind::Count) => count(if x12 { "GE01" } else { "UNE" }),
        (Level::Interchange, FaultKind::Count) => count(if x12 { "IEA01" } else { "UNZ" }),
        (Level::Transaction, FaultKind::Control) => {
            Some(if x12 { "ST02!=SE02" } else { "UNH!=UNT_ref" }.to_owned())
        }
        (Level::Group, FaultKind::Control) => {
            Some(if x12 { "GS06!=GE02" } else { "UNG!=UNE_ref" }.to_owned())
        }
        (Level::Interchange, FaultKind::Control) => {
            Some(if x12 { "ISA13!=IEA02" } else { "UNB!=UNZ_ref" }.to_owned())
        }
        (Level::Interchange, FaultKind::NoTrailer) => Some(if x12 { "no_IEA" } else { "no_UNZ" }.to_owned()),
        (Level::Interchange, FaultKind::NoHeader) => Some("no_UNB".to_owned()),
        (_, FaultKind::Width) => Some("ISA_not_fixed_width".to_owned()),
        (_, FaultKind::Terminator) => Some("nonstandard_LF_terminator".to_owned()),
        _ => None,
    }
}

fn counts(found: &[Interchange]) -> [usize; 4] {
    let groups = found.iter().flat_map(|each| &each.groups);
    [
        found.iter().filter(|each| each.header.is_some()).count(),
        groups.clone().filter(|group| group.header.is_some()).count(),
        groups.map(|group| group.transactions.len()).sum(),
        found.iter().map(|each| each.segments).sum(),
    ]
}

fn delimiters(interchange: &Interchange) -> Vec<String> {
    let marks = &interchange.delimiters;
    [Some(marks.element), marks.component, Some(marks.segment)]
        .iter()
        .flatten()
        .map(|mark| mark.text())
        .collect()
}

/// What there is of a set or message in all files.
#[derive(Default)]
struct Row {
    sets: usize,
    segments: usize,
    faults: usize,
    /// Documents written and read again as the same.
    again: usize,
}

#[derive(Default)]
struct Files {
    all: usize,
    with_faults: usize,
    identical: usize,
}

#[test]
fn every_file_is_read_as_it_is_accounted_for() {
    let folder = recorded();
    let rows = expected(&folder);
    assert!(rows.len() > 150, "only {} files", rows.len());
    let mut table: BTreeMap<(&str, String), Row> = BTreeMap::new();
    let mut files: BTreeMap<&str, Files> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in &rows {
        let input = std::fs::read(folder.join(&row.file)).unwrap();
        let found = received(row.dialect, &input);
        let name = if row.dialect == Dialect::X12 { "x12" } else { "edifact" };
        for set in found.iter().flat_map(Interchange::transactions) {
            let each = table.entry((name, set.kind.clone())).or_default();
            each.sets += 1;
            each.segments += set.segments.len();
            each.faults += set.faults.len();
        }
        let mut differences = structure(row, &found);
        let trip = round_trip(name, &input, found.iter().all(|each| each.all_faults().next().is_none()));
        differences.extend(trip.differences);
        for kind in trip.again {
            table.entry((name, kind)).or_default().again += 1;
        }
        let file = files.entry(name).or_default();
        file.all += 1;
        file.with_faults += usize::from(found.iter().any(|each| each.all_faults().next().is_some()));
        file.identical += usize::from(trip.is_identical);
        wrong.extend(differences.iter().map(|difference| format!("{}: {difference}", row.file)));
    }
    show(&table, &files);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn show(table: &BTreeMap<(&str, String), Row>, files: &BTreeMap<&str, Files>) {
    println!("{:8} {:8} {:>5} {:>9} {:>7} {:>6}", "format", "set", "sets", "segments", "faults", "again");
    for ((name, kind), Row { sets, segments, faults, again }) in table {
        let kind = if kind.is_empty() { "(none)" } else { kind };
        println!("{name:8} {kind:8} {sets:>5} {segments:>9} {faults:>7} {again:>6}");
    }
    for (name, Files { all, with_faults, identical }) in files {
        println!(
            "{name}: {all} files, {with_faults} with faults, {identical} written byte for byte as they were"
        );
    }
}

/// What differs from the account.
fn structure(row: &Expected, found: &[Interchange]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut faults: Vec<String> =
        found.iter().flat_map(Interchange::all_faults).filter_map(account).collect();
    // The account names a fault once a file.
    faults.sort();
    faults.dedup();
    if row.errors.iter().any(|error| error == "no_ISA_at_start") {
        if !found.is_empty() {
            differences.push("an interchange where there is none".to_owned());
        }
        return differences;
    }
    if row.errors.iter().any(|error| error == "ISA_not_fixed_width") {
        // The account stops there; these are read as if it were not so.
        if !faults.contains(&"ISA_not_fixed_width".to_owned()) || counts(found)[2] == 0 {
            differences.push(format!("not read for its width: {faults:?} {:?}", counts(found)));
        }
        return differences;
    }
    if counts(found) != row.counts {
        differences.push(format!("counts {:?}, told {:?}", counts(found), row.counts));
    }
    let mut errors = row.errors.clone();
    errors.sort();
    errors.dedup();
    let is_besides =
        |fault: &String| BESIDES.iter().any(|(file, known)| row.file.contains(file) && fault == known);
    faults.retain(|fault| errors.contains(fault) || !is_besides(fault));
    if faults != errors {
        differences.push(format!("faults {faults:?}, told {errors:?}"));
    }
    let told = row.delimiters.get(1..row.delimiters.len().saturating_sub(1)).unwrap_or_default();
    let told =
        told.replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\").replace("\\x80", "\u{80}");
    for interchange in found {
        let ours = delimiters(interchange);
        // A terminator of several bytes is told by one of them.
        let is_so = |mark: &String| told.contains(mark.as_str()) || mark.len() > 2 && told.contains('\u{80}');
        if !ours.iter().all(is_so) {
            differences.push(format!("delimiters {ours:?}, told {told:?}"));
        }
    }
    differences
}

struct Trip {
    /// The types of the documents that were written and read again as the same.
    again: Vec<String>,
    is_identical: bool,
    differences: Vec<String>,
}

/// A document without what writing mends.
fn bare(json: &[u8]) -> Value<'_> {
    let limits = Limits { bytes: usize::MAX, values: usize::MAX, ..Limits::DEFAULT };
    let Ok(Value::Object(mut members)) = Value::parse(json, &limits) else { panic!("no JSON object") };
    members.retain(|(key, _)| key != "faults");
    for (key, value) in &mut members {
        if let (true, Value::Object(members)) = (key == "interchange", value) {
            members.retain(|(key, _)| key != "faults");
        }
    }
    Value::Object(members)
}

/// An interchange without its layout: byte order mark, white space, release characters, which some set needlessly.
fn laid_bare(name: &str, bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let is_layout = |byte: u8| byte.is_ascii_whitespace() || byte == b'?' && name == "edifact";
    bytes.iter().copied().filter(|byte| !is_layout(*byte)).collect()
}

/// Decodes, encodes, decodes; documents outside of any envelope have none to be written in.
fn round_trip(name: &str, input: &[u8], is_whole: bool) -> Trip {
    let format: Format = serde_saphyr::from_str(&format!("{name}: {{ trailing: keep }}")).unwrap();
    let first: Vec<Vec<u8>> =
        decode(&format, input).filter_map(Result::ok).map(|document| document.json.into_owned()).collect();
    let mut trip = Trip { again: Vec::new(), is_identical: false, differences: Vec::new() };
    let enclosed: Vec<&[u8]> =
        first.iter().map(Vec::as_slice).filter(|json| bare(json).get("interchange").is_some()).collect();
    if enclosed.is_empty() {
        return trip;
    }
    let written = match encode(&format, enclosed.iter().copied()) {
        Ok(written) => written,
        Err(error) => {
            trip.differences.push(format!("not written: {error}"));
            return trip;
        }
    };
    let second: Vec<Vec<u8>> =
        decode(&format, &written).filter_map(Result::ok).map(|document| document.json.into_owned()).collect();
    if second.len() != enclosed.len() {
        trip.differences.push(format!("{} documents, {} again", enclosed.len(), second.len()));
    }
    for (one, other) in enclosed.iter().zip(&second) {
        let (one, other) = (bare(one), bare(other));
        if one == other {
            trip.again.push(one.get("type").and_then(Value::as_str).unwrap_or_default().to_owned());
        } else {
            let text = |value: &Value<'_>| String::from_utf8_lossy(&value.to_vec()).into_owned();
            let (one, other) = (text(&one), text(&other));
            let at = one.bytes().zip(other.bytes()).position(|(a, b)| a != b).unwrap_or_default();
            let part = |text: &str| text.chars().skip(at.saturating_sub(30)).take(80).collect::<String>();
            trip.differences.push(format!("another document again: {:?} {:?}", part(&one), part(&other)));
        }
    }
    trip.is_identical = written.trim_ascii() == input.trim_ascii();
    // Where the envelope is as it should be nothing but the layout is another.
    if is_whole && enclosed.len() == first.len() && laid_bare(name, &written) != laid_bare(name, input) {
        trip.differences.push("written otherwise".to_owned());
    }
    trip
}
