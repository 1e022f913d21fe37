//! Licences, sources and bans of the dependencies, by the lists of `deny.toml`: what `cargo deny` checks of them, in a second
//! and without building it. It reads what each package says of itself; cargo-deny, where it is installed, reads the licence
//! texts too.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::command::{Failure, cargo, output};

/// What `cargo metadata` says of every package.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// Absent for a crate of the house.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
}

/// The lists of `deny.toml`.
#[derive(Debug, Default)]
struct Lists {
    licences: BTreeSet<String>,
    banned: BTreeSet<String>,
    registries: BTreeSet<String>,
    target: String,
}

pub(super) fn check(root: &Path) -> Result<(), Failure> {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
    let lists = Lists::read(&text);
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", &lists.target];
    let json = output(&mut cargo(root, arguments))
        .ok_or_else(|| Failure::new(format!("`cargo {}` failed: run it to see why", arguments.join(" "))))?;
    let metadata: Metadata = serde_json::from_str(&json)
        .map_err(|error| Failure::new(format!("cargo metadata has an unknown form: {error}")))?;
    let breaches = breaches(&metadata, &lists);
    for breach in &breaches {
        eprintln!("{breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} dependencies that deny.toml does not let in"))),
    }
}

fn breaches(metadata: &Metadata, lists: &Lists) -> Vec<String> {
    let used: BTreeSet<&str> = metadata.resolve.nodes.iter().map(|node| node.id.as_str()).collect();
    let mut breaches = Vec::new();
    for package in metadata.packages.iter().filter(|package| used.contains(package.id.as_str())) {
        let Some(source) = &package.source else { continue };
        let mut breach =
            |what: String| breaches.push(format!("{} {}: {what}", package.name, package.version));
        if lists.banned.contains(&package.name) {
            breach("is banned; deny.toml says why".to_owned());
        }
        if !lists.registries.iter().any(|registry| source.strip_prefix("registry+") == Some(registry)) {
            breach(format!("comes from {source}"));
        }
        match &package.license {
            None => breach("names no licence".to_owned()),
            Some(licence) if !may(licence, &lists.licences) => breach(format!("is under {licence}")),
            Some(_) => {}
        }
    }
    breaches
}

impl Lists {
    /// Reads the lists out of the file: strings of `allow`, `deny`, `allow-registry` and `targets` by their sections.
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
                ("sources", "allow-registry") => lists.registries.extend(texts),
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
        assert_eq!(lists.registries.len(), 1);
        assert_eq!(lists.target, "x86_64-unknown-linux-gnu");
    }

    #[test]
    fn what_may_not_come_in_is_told() {
        let json = r#"{"packages":[
            {"id":"a","name":"good","version":"1.0.0","license":"MIT","source":"registry+https://r"},
            {"id":"b","name":"rsa","version":"0.9.1","license":"MIT","source":"registry+https://r"},
            {"id":"c","name":"odd","version":"2.0.0","license":"GPL-3.0","source":"registry+https://r"},
            {"id":"d","name":"fork","version":"3.0.0","license":"MIT","source":"git+https://g"},
            {"id":"e","name":"nameless","version":"4.0.0","license":null,"source":"registry+https://r"},
            {"id":"f","name":"ours","version":"0.1.0","license":null,"source":null},
            {"id":"g","name":"unused","version":"5.0.0","license":"GPL-3.0","source":"registry+https://r"}],
            "resolve":{"nodes":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"},{"id":"e"},{"id":"f"}]}}"#;
        let lists = Lists {
            licences: licences(&["MIT"]),
            banned: licences(&["rsa"]),
            registries: licences(&["https://r"]),
            target: String::new(),
        };
        let told = breaches(&serde_json::from_str(json).unwrap(), &lists);
        assert_eq!(
            told,
            [
                "rsa 0.9.1: is banned; deny.toml says why",
                "odd 2.0.0: is under GPL-3.0",
                "fork 3.0.0: comes from git+https://g",
                "nameless 4.0.0: names no licence",
            ]
        );
    }
}
