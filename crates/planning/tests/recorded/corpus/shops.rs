//! Every instance of the job shops in the folder through the resequencer, with its makespan beside the best that is known.

use std::collections::BTreeMap;
use std::path::Path;

use lineshaft_planning::shop::{Goal, Job, Shop, resequence};
use serde_json::Value;

use super::recorded;

/// As many steps are looked at for an instance, whatever its size.
const STEPS: usize = 1_000_000;

#[test]
fn no_makespan_is_below_the_known_bound_and_few_are_far_above() {
    let folder = recorded().join("planning_jsplib");
    let known = known(&folder);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().into_string().unwrap().strip_suffix(".txt").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(!names.is_empty());
    let mut families: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    eprintln!("{:<8} {:>9} {:>9} {:>9} {:>7}", "instance", "size", "makespan", "known", "above");
    for name in &names {
        let shop = read(&std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap());
        let steps: usize = shop.jobs.iter().map(|job| job.steps.len()).sum();
        let sequence = resequence(&shop, Goal::Makespan, u32::try_from(STEPS / steps).unwrap());
        let Some(&(optimum, lower, upper)) = known.get(name) else {
            eprintln!("{name:<8} {:>9} {:>9} {:>9}", size(&shop), sequence.makespan, "unknown");
            continue;
        };
        assert!(sequence.makespan >= lower, "{name}: {} is below the bound {lower}", sequence.makespan);
        let above = (sequence.makespan - upper) as f64 * 100.0 / upper as f64;
        let mark = if optimum { "" } else { " (best known, not proven)" };
        eprintln!("{name:<8} {:>9} {:>9} {upper:>9} {above:>6.1}%{mark}", size(&shop), sequence.makespan);
        let family: String = name.chars().take_while(|c| c.is_alphabetic()).collect();
        families.entry(family).or_default().push(above);
    }
    for (family, above) in &families {
        let mean = above.iter().sum::<f64>() / above.len() as f64;
        let optimal = above.iter().filter(|one| **one <= 0.0).count();
        let worst = above.iter().copied().fold(0.0, f64::max);
        eprintln!(
            "{family}: {} instances, {optimal} at the best known, {mean:.1}% above it on average, {worst:.1}% at most",
            above.len()
        );
        assert!(mean < 35.0, "{family}: {mean:.1}% above the best known on average");
    }
}

fn size(shop: &Shop) -> String {
    format!("{}x{}", shop.jobs.len(), shop.jobs.iter().map(|job| job.steps.len()).max().unwrap_or(0))
}

/// Whether the optimum is proven, the lower bound, and the best that is known.
fn known(folder: &Path) -> BTreeMap<String, (bool, i64, i64)> {
    let list: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(folder.join("instances.json")).unwrap()).unwrap();
    list.iter()
        .filter_map(|one| {
            let name = one["name"].as_str().unwrap().to_owned();
            let bound = |which: &str| one["bounds"][which].as_i64();
            match one["optimum"].as_i64() {
                Some(optimum) => Some((name, (true, optimum, optimum))),
                // Of a few neither is told.
                None => Some((name, (false, bound("lower")?, bound("upper")?))),
            }
        })
        .collect()
}

/// Jobs in lines of machine and duration in turn, after a line of their counts and lines that begin with `#`.
fn read(text: &str) -> Shop {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let counts: Vec<usize> = numbers(lines.next().unwrap());
    let jobs: Vec<Job> = lines
        .take(counts[0])
        .map(|line| {
            let numbers: Vec<i64> = numbers(line);
            let steps =
                numbers.chunks_exact(2).map(|pair| (u32::try_from(pair[0]).unwrap(), pair[1])).collect();
            Job { release: 0, due: 0, weight: 1, steps }
        })
        .collect();
    assert_eq!(jobs.len(), counts[0]);
    assert!(jobs.iter().all(|job| job.steps.len() == counts[1]));
    Shop { jobs }
}

fn numbers<T: std::str::FromStr<Err: std::fmt::Debug>>(line: &str) -> Vec<T> {
    line.split_whitespace().map(|word| word.parse().unwrap()).collect()
}
