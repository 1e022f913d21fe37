//! The benchmarks: every program of the crates under `bench/`, in the release profile, one after the other.

use std::path::Path;

use crate::command::{Failure, cargo, metadata, run};
use crate::tidy::edges::Metadata;

/// Runs the named programs, or all, with `arguments`.
pub(crate) fn run_named(root: &Path, names: &[String], arguments: &[String]) -> Result<(), Failure> {
    let programs = programs(&metadata(root)?, root);
    if programs.is_empty() {
        return Err(Failure::new("there are no benchmark programs under bench/"));
    }
    if let Some(unknown) = names.iter().find(|name| programs.iter().all(|(_, program)| program != *name)) {
        let known: Vec<&str> = programs.iter().map(|(_, program)| program.as_str()).collect();
        return Err(Failure::new(format!(
            "there is no benchmark `{unknown}`; there are {}",
            known.join(", ")
        )));
    }
    for (package, program) in
        programs.iter().filter(|(_, program)| names.is_empty() || names.contains(program))
    {
        eprintln!("\n== {program}");
        let mut command = cargo(root, ["run", "--release", "--locked", "--quiet", "--package"]);
        run(command.args([package, "--bin", program, "--"]).args(arguments))?;
    }
    Ok(())
}

/// Package and program of every binary below `bench/`.
fn programs(metadata: &Metadata, root: &Path) -> Vec<(String, String)> {
    let below = root.join("bench");
    let mut programs = Vec::new();
    for package in
        metadata.packages.iter().filter(|package| Path::new(&package.manifest_path).starts_with(&below))
    {
        for target in package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin")) {
            programs.push((package.name.clone(), target.name.clone()));
        }
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_programs_below_bench_and_no_others() {
        let metadata = r#"{"packages": [
            {"name": "lineshaft", "manifest_path": "/h/crates/lineshaft/Cargo.toml", "dependencies": [],
             "targets": [{"name": "lineshaft", "kind": ["bin"], "src_path": ""}]},
            {"name": "bench", "manifest_path": "/h/bench/Cargo.toml", "dependencies": [],
             "targets": [{"name": "bench", "kind": ["lib"], "src_path": ""}, {"name": "relay", "kind": ["bin"], "src_path": ""}]}
        ]}"#;
        let found = programs(&serde_json::from_str(metadata).unwrap(), Path::new("/h"));
        assert_eq!(found, [("bench".to_owned(), "relay".to_owned())]);
    }
}
