//! The fault programme: each kind of trouble, the tests that inject it, and how it is known that it was injected.
//!
//! A row passes when all its tests do, at least one of them ran, and what proves the injection was said by it. Most tests
//! assert the injection themselves: a schedule in which nothing goes wrong fails them.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::command::{Failure, cargo, run_keeping};

/// One kind of trouble.
#[derive(Debug)]
struct Row {
    name: &'static str,
    /// What is broken.
    fault: &'static str,
    /// Packages and nextest filters of the tests that break it.
    tests: &'static [(&'static str, &'static str)],
    /// What a test says once it has injected the fault; empty when the tests only assert it.
    says: &'static str,
    /// How it is known that the fault was there.
    proof: &'static str,
}

const SIMULATION: &str = "test(=simulation::nothing_is_lost_doubled_or_reordered_whatever_happens)";

/// Where the tests are.
const PACKAGES: [&str; 5] =
    ["lineshaft", "lineshaft-connectors", "lineshaft-engine", "lineshaft-logic", "lineshaft-store"];

const ROWS: &[Row] = &[
    Row {
        name: "kill",
        fault: "kill -9 of the real process under load, 25 times",
        tests: &[("lineshaft", "test(=kill::nothing_acknowledged_is_lost_doubled_or_reordered)")],
        says: "requests on their way",
        proof: "kills with requests on their way are counted, and requests that were cut off",
    },
    Row {
        name: "power-cut",
        fault: "the power goes at every call to the disk; torn and unsynced tails",
        tests: &[("lineshaft-store", "test(/^journal::tests::power::/)"), ("lineshaft-engine", SIMULATION)],
        says: "power_cuts",
        proof: "the simulated disk counts its calls, every one is cut once; schedules count their cuts",
    },
    Row {
        name: "disk-errors",
        fault: "a write or sync fails at the n-th call",
        tests: &[("lineshaft-store", "test(/^journal::tests::faults::/)")],
        says: "",
        proof: "more than 180 of the injected errors were met, else the test fails",
    },
    Row {
        name: "disk-full",
        fault: "the disk fills up to the reserve",
        tests: &[("lineshaft-engine", "test(=tests::a_filling_disk_stops_intake_and_not_deliveries)")],
        says: "",
        proof: "intake is refused, /readyz says why, deliveries are recorded",
    },
    Row {
        name: "bit-flips",
        fault: "a thousand bits of the journal flip",
        tests: &[("lineshaft-store", "test(/^journal::tests::flips::/)")],
        says: "",
        proof: "every flip is noticed, at open or while reading, and both are counted",
    },
    Row {
        name: "lost-answers",
        fault: "the effect is there and the answer is not",
        tests: &[("lineshaft-engine", SIMULATION)],
        says: "lost_answers",
        proof: "schedules count the answers they lose; more than a hundred, else the test fails",
    },
    Row {
        name: "clock",
        fault: "the clock is set back and forth by up to ninety days",
        tests: &[("lineshaft-engine", SIMULATION), ("lineshaft-logic", "test(/^calendar::/)")],
        says: "clock_sets",
        proof: "schedules count how often they set it",
    },
    Row {
        name: "slow-target",
        fault: "one of the targets never answers",
        tests: &[("lineshaft-engine", "test(=tests::a_target_that_hangs_holds_up_no_other)")],
        says: "",
        proof: "none of its deliveries is done while the other has all hundred",
    },
    Row {
        name: "bulk-flood",
        fault: "a hundred thousand bulk deliveries are queued before a critical one",
        tests: &[(
            "lineshaft-engine",
            "test(=simulation::a_critical_delivery_overtakes_a_hundred_thousand_of_bulk)",
        )],
        says: "Overtaken",
        proof: "how many were queued and how many slots the critical one waited",
    },
    Row {
        name: "bad-answers",
        fault: "resets, partial, dripped, huge and nonsensical answers, TLS that is not to be trusted",
        tests: &[("lineshaft-connectors", "test(/^http::tests::/)")],
        says: "",
        proof: "the scripted target does exactly this with each request",
    },
    Row {
        name: "half-written-files",
        fault: "files that are still being written, changed, renamed or unreadable",
        tests: &[("lineshaft-connectors", "test(/^file::tests::/)")],
        says: "",
        proof: "the tests write them so",
    },
    Row {
        name: "sequence-gaps",
        fault: "numbers of a source are missing or late, and it falls silent",
        tests: &[
            ("lineshaft-engine", "test(/^tests::alarms::/)"),
            ("lineshaft-logic", "test(/^(sequence|alarm)::/)"),
        ],
        says: "",
        proof: "the alarm names them; random sequences are held against a set of all numbers",
    },
    Row {
        name: "mending",
        fault: "kill -9 between and within the steps of edit and approve",
        tests: &[("lineshaft", "test(/^mending::/)"), ("lineshaft-engine", SIMULATION)],
        says: "crashed_edited",
        proof: "twelve kills at least; schedules count crashes with an edited delivery unfinished",
    },
    Row {
        name: "replay",
        fault: "kill -9 while a replay, or the retry of many dead letters, is under way",
        tests: &[("lineshaft", "test(/^replay::/)")],
        says: "",
        proof: "the job is seen running before each kill, and resumes where it was",
    },
    Row {
        name: "hostile-input",
        fault: "mutated, oversized and smuggled requests",
        tests: &[("lineshaft", "test(/^hostile::/)")],
        says: "",
        proof: "each request is sent byte by byte by the test",
    },
    Row {
        name: "configuration",
        fault: "mutants of a workspace, of each kind at least 25",
        tests: &[(
            "lineshaft",
            "test(=workspace::tests::mutants::every_mutant_is_noticed_at_a_line_that_exists)",
        )],
        says: "",
        proof: "how many were made of each kind is counted",
    },
];

/// Runs the named rows, or all, and prints what became of each.
pub(crate) fn run(root: &Path, names: &[String], list: bool) -> Result<(), Failure> {
    if let Some(unknown) = names.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        return Err(Failure::new(format!(
            "there is no row `{unknown}`; `cargo xtask faults --list` names them"
        )));
    }
    let chosen = ROWS.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name));
    let mut failed = Vec::new();
    for row in chosen {
        if list {
            println!("{:<20} {}", row.name, row.fault);
            continue;
        }
        match row.run(root) {
            Ok((tests, took)) => println!(
                "| {} | {} | {tests} passed in {:.1} s | {} |",
                row.name,
                row.fault,
                took.as_secs_f64(),
                row.proof
            ),
            Err(failure) => {
                println!("| {} | {} | FAILED: {failure} | {} |", row.name, row.fault, row.proof);
                failed.push(row.name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

impl Row {
    /// How many tests ran, and how long that took.
    fn run(&self, root: &Path) -> Result<(u64, Duration), Failure> {
        let begun = Instant::now();
        let of = |(package, filter): &(&str, &str)| format!("(package({package}) & {filter})");
        let filter = self.tests.iter().map(of).collect::<Vec<_>>().join(" | ");
        let mut command = cargo(root, ["nextest", "run", "--ignore-default-filter", "--no-tests", "fail"]);
        // The same packages for every row, so that all of them are one build.
        for package in PACKAGES {
            command.args(["--package", package]);
        }
        let mut lines = Vec::new();
        run_keeping(command.args(["--success-output", "final", "-E", &filter]), |_| true, &mut lines)?;
        let tests = passed(&lines);
        let said = self.says.is_empty() || lines.iter().any(|line| line.contains(self.says));
        if tests == 0 {
            return Err(Failure::new("no test ran"));
        }
        if !said {
            return Err(Failure::new(format!("no test said `{}`: the fault was not injected", self.says)));
        }
        Ok((tests, begun.elapsed()))
    }
}

/// The tests that passed, from the runner's summary: `Summary [ 1.2s] 3 tests run: 3 passed, 1 skipped`.
fn passed(lines: &[String]) -> u64 {
    let summary = lines.iter().rev().find(|line| line.contains("Summary [") && line.contains(" run: "));
    let rest = summary.and_then(|line| line.split(" run: ").nth(1));
    rest.and_then(|rest| rest.split_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_summary_is_read() {
        let line = "     Summary [   2.041s] 3 tests run: 2 passed (1 slow), 1 failed, 4 skipped".to_owned();
        assert_eq!(passed(&["x".to_owned(), line]), 2);
        assert_eq!(passed(&["nothing".to_owned()]), 0);
    }

    #[test]
    fn every_row_has_a_name_of_its_own_and_tests() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
        assert!(ROWS.iter().all(|row| !row.tests.is_empty() && !row.proof.is_empty()));
        assert!(ROWS.iter().flat_map(|row| row.tests).all(|(package, _)| PACKAGES.contains(package)));
    }
}
