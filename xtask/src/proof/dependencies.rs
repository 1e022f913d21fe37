//! Licences, sources and bans of the dependencies, by the lists of `deny.toml`: what `cargo deny` checks of them, in a second
//! and without building it. It reads what each package says of itself; cargo-deny, where it is installed, reads the licence
//! texts too.

use std::collections::BTreeSet;
use std::path::Path;

use crate::command::{Failure, cargo, output};

/// A package that something of ours is built with.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
    /// What it says of where it comes from; empty for the usual registry.
    source: String,
}

/// The lists of `deny.toml`.
#[derive(Debug, Default)]
struct Lists {
    licences: BTreeSet<String>,
    banned: BTreeSet<String>,
    target: String,
}

pub(super) fn check(root: &Path) -> Result<(), Failure> {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
    let lists = Lists::read(&text);
    // The tree is what is really built: `cargo metadata` names optional dependencies that no feature asks for.
    let edges = [
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}\t{l}",
        "--target",
        &lists.target,
    ];
    let arguments = ["tree", "--workspace", "--locked"].into_iter().chain(edges);
    let text = output(&mut cargo(root, arguments))
        .ok_or_else(|| Failure::new("`cargo tree --workspace --locked` failed: run it to see why"))?;
    let breaches = breaches(&packages(&text), &lists);
    for breach in &breaches {
        eprintln!("{breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} dependencies that deny.toml does not let in"))),
    }
}

/// Reads lines `name v1.2.3 (where from)<tab>licence`, each package once.
fn packages(text: &str) -> BTreeSet<Package> {
    let lines = text.lines().filter_map(|line| {
        let (package, licence) = line.trim_end_matches(" (*)").split_once('\t')?;
        let mut words = package.splitn(3, ' ');
        let (name, version) = (words.next()?, words.next()?);
        let source = words.next().unwrap_or_default().replace("(proc-macro)", "");
        Some(Package {
            name: name.to_owned(),
            version: version.trim_start_matches('v').to_owned(),
            licence: licence.trim().to_owned(),
            source: source.trim().trim_matches(['(', ')']).to_owned(),
        })
    });
    lines.collect()
}

fn breaches(packages: &BTreeSet<Package>, lists: &Lists) -> Vec<String> {
    let mut breaches = Vec::new();
    // A path is a crate of the house.
    for package in packages.iter().filter(|package| !Path::new(&package.source).is_absolute()) {
        let mut breach =
            |what: String| breaches.push(format!("{} {}: {what}", package.name, package.version));
        if lists.banned.contains(&package.name) {
            breach("is banned; deny.toml says why".to_owned());
        }
        if !package.source.is_empty() {
            breach(format!("comes from {}", package.source));
        }
        match package.licence.as_str() {
            "" => breach("names no licence".to_owned()),
            licence if !may(licence, &lists.licences) => breach(format!("is under {licence}")),
            _ => {}
        }
    }
    breaches
}

impl Lists {
    /// Reads the lists out of the file: the texts of `allow`, `deny` and `targets` in their sections.
    fn read(text: &str) -> Self {
        let mut lists = Self::default();
        let (mut section, mut key) = ("", "");
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
                continue;
            }
            let mut values = line;
            if let Some((name, rest)) = line.split_once('=')
                && !line.starts_with(['{', '"'])
            {
                (key, values) = (name.trim(), rest);
            }
            // The first text of a line of `deny` is the crate, the second the reason.
            let mut texts = values.split('"').skip(1).step_by(2).map(str::to_owned);
            match (section, key) {
                ("licenses", "allow") => lists.licences.extend(texts),
                ("bans", "deny") => lists.banned.extend(texts.next()),
                ("graph", "targets") => lists.target = texts.next().unwrap_or_default(),
                _ => {}
            }
        }
        lists
    }
}

/// Whether an SPDX expression can be met by the licences that are allowed. A slash is an old way to write `OR`.
fn may(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = any(&words, &mut at, allowed);
    met && at == words.len()
}

fn any(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = all(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all(words, at, allowed);
    }
    met
}

fn all(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any(words, at, allowed);
        let closes = words.get(*at) == Some(&")");
        *at += 1;
        return met && closes;
    }
    let mut licence = (*word).to_owned();
    if let (Some(&"WITH"), Some(exception)) = (words.get(*at), words.get(*at + 1)) {
        licence = format!("{word} WITH {exception}");
        *at += 2;
    }
    allowed.contains(&licence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licences(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn expressions_are_met_as_spdx_has_them() {
        let allowed = licences(&["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]);
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-2.0-only OR MIT",
            "MIT AND Apache-2.0",
            "(GPL-3.0 OR MIT) AND (Apache-2.0 OR ISC)",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(may(good, &allowed), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "MIT Apache-2.0",
            "GPL-3.0 OR ISC",
            "MIT WITH GCC-exception-3.1",
        ] {
            assert!(!may(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn the_lists_are_those_of_the_file() {
        let lists = Lists::read(include_str!("../../../deny.toml"));
        assert!(lists.licences.contains("MIT") && !lists.licences.contains("GPL-3.0"), "{lists:?}");
        assert!(lists.banned.contains("rsa") && lists.banned.contains("openssl-sys"), "{lists:?}");
        assert!(!lists.banned.iter().any(|name| name.contains(' ')), "reasons are no crates: {lists:?}");
        assert_eq!(lists.target, "x86_64-unknown-linux-gnu");
    }

    #[test]
    fn what_may_not_come_in_is_told() {
        let text = "good v1.0.0\tMIT\nrsa v0.9.1\tMIT\nodd v2.0.0 (proc-macro)\tGPL-3.0\n\
                    fork v3.0.0 (https://g/fork#1)\tMIT\nnameless v4.0.0\t\nours v0.1.0 (/home/a/ours)\t\ngood v1.0.0\tMIT (*)\n";
        let lists = Lists { licences: licences(&["MIT"]), banned: licences(&["rsa"]), target: String::new() };
        let told = breaches(&packages(text), &lists);
        assert_eq!(
            told,
            [
                "fork 3.0.0: comes from https://g/fork#1",
                "nameless 4.0.0: names no licence",
                "odd 2.0.0: is under GPL-3.0",
                "rsa 0.9.1: is banned; deny.toml says why",
            ]
        );
    }
}
