//! Which crate may see which: the table of ARCHITECTURE.md, read against the manifests.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::breach::{Breach, Rule};
use super::tree::Tree;

/// Crates of the house and what each may see. A crate that may see everything says so with [`EVERYTHING`].
const ALLOWED: &[(&str, &[&str])] = &[
    ("lineshaft", EVERYTHING),
    ("web", &["access", "engine", "store", "model"]),
    ("brokers", &["connectors", "ports", "formats", "model"]),
    ("sql", &["connectors", "ports", "formats", "model"]),
    ("engine", &["logic", "planning", "process", "store", "ports", "model"]),
    ("connectors", &["ports", "formats", "model"]),
    ("logic", &["mapping", "formats", "model"]),
    ("planning", &["model"]),
    ("process", &["mapping", "model"]),
    ("store", &["ports", "model"]),
    ("access", &["model"]),
    ("mapping", &["model"]),
    ("formats", &["model"]),
    ("ports", &["model"]),
    ("model", &[]),
    ("sim", &[]),
    ("stands", &[]),
    ("xtask", &[]),
    ("bench", EVERYTHING),
    ("fuzz", EVERYTHING),
    ("tests", EVERYTHING),
];

const EVERYTHING: &[&str] = &["*"];

/// What tests may use beside the table: the simulated factory, and real servers.
const IN_TESTS: [&str; 2] = ["sim", "stands"];

/// More edges than this from the front door to the nouns, and two cores wait for one another.
const LONGEST_CHAIN_EDGES: usize = 5;

/// The part of `cargo metadata --no-deps` that the rules read.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: String,
    dependencies: Vec<Dependency>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: String,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Absent for a normal one, else `dev` or `build`.
    kind: Option<String>,
    /// Present for crates of the workspace.
    path: Option<String>,
}

pub(crate) fn check(metadata: &Metadata, root: &Path, tree: &Tree, found: &mut Vec<Breach>) {
    check_edges(metadata, root, tree, found);
    check_features(metadata, root, tree, found);
    check_chain(metadata, found);
}

fn check_edges(metadata: &Metadata, root: &Path, tree: &Tree, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "edges",
        "move what is needed down into a crate both may see, or hand it in from `lineshaft` (see ARCHITECTURE.md)",
        found,
    );
    for package in &metadata.packages {
        let manifest = from_root(&package.manifest_path, root);
        let name = short(&package.name);
        let Some(allowed) = allowed(name) else {
            rule.fail(&manifest, 0, name, format!("`{name}` is not in the table of xtask/src/tidy/edges.rs"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let target = short(&dependency.name);
            let in_tests = dependency.kind.as_deref() == Some("dev") && IN_TESTS.contains(&target);
            if allowed == EVERYTHING || allowed.contains(&target) || in_tests {
                continue;
            }
            let line = line_of(tree, &manifest, &dependency.name);
            rule.fail(&manifest, line, target, format!("`{name}` must know nothing of `{target}`"));
        }
    }
}

fn check_features(metadata: &Metadata, root: &Path, tree: &Tree, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "features",
        "make it a setting, a crate of its own, or an exception with its reason",
        found,
    );
    for package in &metadata.packages {
        let manifest = from_root(&package.manifest_path, root);
        for feature in package.features.keys().filter(|feature| *feature != "default") {
            let line = line_of(tree, &manifest, feature);
            rule.fail(&manifest, line, feature, format!("a build feature `{feature}`"));
        }
    }
}

fn check_chain(metadata: &Metadata, found: &mut Vec<Breach>) {
    let mut rule =
        Rule::new("chain", "flatten it: crates that wait for one another do not build in parallel", found);
    let edges: BTreeMap<&str, Vec<&str>> = metadata
        .packages
        .iter()
        .map(|package| {
            let normal = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.path.is_some() && dependency.kind.is_none());
            (short(&package.name), normal.map(|dependency| short(&dependency.name)).collect())
        })
        .collect();
    let chain = longest_chain("lineshaft", &edges);
    if chain.len() > LONGEST_CHAIN_EDGES + 1 {
        let message = format!("{} edges: {}", chain.len() - 1, chain.join(" -> "));
        rule.fail("Cargo.toml", 0, "", message);
    }
}

/// The longest path down from `from`. Cargo has already refused circles.
fn longest_chain<'a>(from: &'a str, edges: &BTreeMap<&'a str, Vec<&'a str>>) -> Vec<&'a str> {
    let below = edges.get(from).into_iter().flatten().map(|next| longest_chain(next, edges));
    let mut chain = vec![from];
    chain.extend(below.max_by_key(Vec::len).unwrap_or_default());
    chain
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
}

fn short(name: &str) -> &str {
    name.strip_prefix("lineshaft-").unwrap_or(name)
}

fn from_root(manifest: &str, root: &Path) -> String {
    let path = Path::new(manifest);
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

/// The line of a manifest on which `key` is set; 0 when it is not found.
fn line_of(tree: &Tree, manifest: &str, key: &str) -> usize {
    let sets_key = |text: &str| text.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    tree.file(manifest)
        .and_then(|file| file.lines().find(|(_, text)| sets_key(text)))
        .map_or(0, |(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::super::tree::SourceFile;
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency {
                name: (*name).to_owned(),
                kind: kind.map(str::to_owned),
                path: Some("/house/crates/x".to_owned()),
            })
            .collect();
        Package {
            name: name.to_owned(),
            manifest_path: "/house/crates/a/Cargo.toml".to_owned(),
            dependencies,
            features: BTreeMap::new(),
            targets: Vec::new(),
        }
    }

    fn messages(packages: Vec<Package>) -> Vec<String> {
        let manifest = "[dependencies]\nlineshaft-store.workspace = true\nfast = []\n";
        let tree = Tree { files: vec![SourceFile::new("crates/a/Cargo.toml", manifest)], ..Tree::default() };
        let mut found = Vec::new();
        check(&Metadata { packages }, Path::new("/house"), &tree, &mut found);
        found
            .into_iter()
            .map(|breach| format!("{}:{} {}", breach.path, breach.line, breach.message))
            .collect()
    }

    #[test]
    fn an_edge_of_the_table_is_well_and_any_other_names_the_line() {
        assert_eq!(messages(vec![package("lineshaft-web", &[("lineshaft-store", None)])]), [""; 0]);
        assert_eq!(
            messages(vec![package("lineshaft-logic", &[("lineshaft-store", None)])]),
            ["crates/a/Cargo.toml:2 `logic` must know nothing of `store`"]
        );
    }

    #[test]
    fn tests_may_use_the_simulated_factory_but_no_other_room() {
        assert_eq!(
            messages(vec![package("lineshaft-connectors", &[("lineshaft-sim", Some("dev"))])]),
            [""; 0]
        );
        assert_eq!(messages(vec![package("lineshaft-connectors", &[("lineshaft-sim", None)])]).len(), 1);
        assert_eq!(
            messages(vec![package("lineshaft-connectors", &[("lineshaft-store", Some("dev"))])]).len(),
            1
        );
    }

    #[test]
    fn an_unknown_crate_has_to_be_entered() {
        assert!(messages(vec![package("lineshaft-attic", &[])])[0].contains("`attic` is not in the table"));
    }

    #[test]
    fn a_feature_is_reported_with_its_line() {
        let mut package = package("lineshaft-model", &[]);
        package.features.insert("fast".to_owned(), Vec::new());
        assert_eq!(messages(vec![package]), ["crates/a/Cargo.toml:3 a build feature `fast`"]);
    }

    #[test]
    fn the_table_itself_keeps_the_longest_chain() {
        let edges: BTreeMap<&str, Vec<&str>> = ALLOWED
            .iter()
            .map(|(from, to)| {
                let all =
                    || ALLOWED.iter().map(|(name, _)| *name).filter(|name| allowed(name) != Some(EVERYTHING));
                (*from, if *to == EVERYTHING { all().collect() } else { to.to_vec() })
            })
            .collect();
        assert_eq!(longest_chain("lineshaft", &edges).len() - 1, LONGEST_CHAIN_EDGES);
    }

    #[test]
    fn a_chain_too_long_is_written_out() {
        let names = ["lineshaft", "lineshaft-web", "lineshaft-engine", "lineshaft-logic", "a", "b", "c"];
        let mut packages: Vec<_> =
            names.windows(2).map(|pair| package(pair[0], &[(pair[1], None)])).collect();
        packages.push(package("c", &[]));
        let mut found = Vec::new();
        check_chain(&Metadata { packages }, &mut found);
        assert_eq!(found[0].message, "6 edges: lineshaft -> web -> engine -> logic -> a -> b -> c");
    }
}
