//! The machine's own accounts: CPU time, bytes written, memory; of this process and of others.

use std::path::Path;
use std::time::Instant;

/// A failure is told as text: a benchmark has nobody else to tell.
pub use lineshaft::measure::Measured as Outcome;

/// The CPU time of this process so far, in microseconds.
#[must_use]
pub fn cpu_us() -> u64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as u64 * 1_000_000 + spent.tv_nsec as u64 / 1_000
}

/// The CPU time of another process so far, in microseconds, good to a hundredth of a second.
pub fn cpu_us_of(pid: u32) -> Outcome<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; the fields are counted from behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |n: usize| fields.get(n).and_then(|text| text.parse::<u64>().ok()).ok_or("a stat without CPU time");
    Ok((ticks(11)? + ticks(12)?) * 10_000)
}

/// Bytes this process has caused to be written to storage.
pub fn written_bytes() -> Outcome<u64> {
    field("/proc/self/io", "write_bytes:")
}

/// Resident memory of a process, in KiB.
pub fn resident_kib(pid: u32) -> Outcome<u64> {
    field(&format!("/proc/{pid}/status"), "VmRSS:")
}

fn field(path: &str, name: &str) -> Outcome<u64> {
    let text = std::fs::read_to_string(path)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .ok_or_else(|| format!("{path} has no {name}"))?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

/// What one measured stretch took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Wall time in seconds.
    pub wall_s: f64,
    /// CPU time of this process in seconds.
    pub cpu_s: f64,
    /// Bytes written to storage.
    pub written: u64,
}

/// Measures a stretch of this process.
#[derive(Debug)]
pub struct Stretch {
    start: Instant,
    cpu_us: u64,
    written: u64,
}

impl Stretch {
    /// Begins one.
    pub fn begin() -> Outcome<Self> {
        Ok(Self { written: written_bytes()?, cpu_us: cpu_us(), start: Instant::now() })
    }

    /// Ends it.
    pub fn end(self) -> Outcome<Spent> {
        Ok(Spent {
            wall_s: self.start.elapsed().as_secs_f64(),
            cpu_s: (cpu_us() - self.cpu_us) as f64 / 1e6,
            written: written_bytes()?.saturating_sub(self.written),
        })
    }
}

/// The median of some numbers; zero of none.
#[must_use]
pub fn median(numbers: &[f64]) -> f64 {
    quantile(numbers, 0.5)
}

/// The number below which this share of them lies; zero of none.
#[must_use]
pub fn quantile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// A temporary folder on the disk that is to be measured: below `on`, or below the build's own folder.
pub fn folder(on: Option<&Path>) -> Outcome<tempfile::TempDir> {
    let made = match on {
        Some(on) => tempfile::tempdir_in(on),
        None => {
            // Beside the program, because the system's folder for temporary files may be memory.
            let program = std::env::current_exe()?;
            tempfile::tempdir_in(program.parent().unwrap_or(Path::new(".")))
        }
    };
    Ok(made?)
}
