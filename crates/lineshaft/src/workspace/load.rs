//! The order in which a workspace is read: files, settings, code lists, mappings, contracts, systems, routes, processes, then what
//! must fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use lineshaft_logic::own::Ownership;
use lineshaft_mapping::{CodeList, Condition, Diagnostic, Environment, Expression, Mapping, Template, Units};

use super::decode::decode;
use super::files::{Files, MAIN, OWNERSHIP};
use super::interpolate::{SecretUse, Variables, interpolate};
use super::marked::{Mark, Node};
use super::problem::{Problem, Problems};
use super::secrets::Secrets;
use super::settings::Settings;
use super::{Loaded, Workspace, checks, contracts, identity, policies, processes, routes, systems, yaml};

/// What is known while a workspace is being read.
pub(super) struct Loading<'f> {
    pub(super) files: &'f Files,
    pub(super) variables: &'f Variables,
    pub(super) problems: Problems,
    pub(super) secrets: Vec<SecretUse>,
    /// Files whose YAML could not be read: what they would have named is not reported as missing.
    pub(super) unreadable: Vec<String>,
    /// Files of `layouts/` that a format names.
    pub(super) layouts: BTreeSet<String>,
    pub(super) environment: Environment,
    pub(super) mappings: BTreeMap<String, Option<Arc<Mapping>>>,
}

/// Reads the workspace in a folder and reports everything that is wrong with it.
#[must_use]
pub fn load(folder: &Path, variables: &Variables) -> Loaded {
    let mut problems = Problems::default();
    let files = Files::read(folder, &mut problems);
    load_files(files, problems, folder, variables)
}

/// The same of files that have been read; `problems` is what was wrong with them.
#[must_use]
pub fn load_files(files: Files, problems: Problems, folder: &Path, variables: &Variables) -> Loaded {
    let mut loading = Loading {
        files: &files,
        variables,
        problems,
        secrets: Vec::new(),
        unreadable: Vec::new(),
        layouts: BTreeSet::new(),
        environment: Environment::default(),
        mappings: BTreeMap::new(),
    };
    let settings = loading.settings();
    loading.codes();
    loading.mappings();
    let contracts = contracts::read(&mut loading);
    let systems = systems::read(&mut loading);
    let routes = routes::read(&mut loading);
    let processes = processes::read(&mut loading);
    let ownership = loading.ownership();
    let parts = checks::Parts {
        settings: &settings,
        contracts: &contracts,
        systems: &systems,
        routes: &routes,
        ownership: ownership.as_ref(),
    };
    checks::check(&mut loading, &parts);
    processes::check(&mut loading, &processes, &systems);

    let policies = policies::read(&mut loading, &settings, &systems);
    let secrets = Secrets::new(variables.clone(), settings.secrets.folder.as_ref().map(|at| folder.join(at)));
    checks::secrets(&mut loading, &secrets);
    let Loading { mut problems, environment, mappings, .. } = loading;
    problems.sort();
    // A list that cannot be read is a problem, and then nothing runs.
    let outbound = Arc::new(settings.outbound().unwrap_or_default());
    let policies = policies.filter(|_| problems.errors() == 0);
    let workspace = policies.map(|policies| Workspace {
        folder: folder.to_owned(),
        digest: files.digest(),
        outbound,
        settings,
        secrets,
        environment,
        mappings: mappings.into_iter().filter_map(|(name, mapping)| Some((name, mapping?))).collect(),
        contracts,
        systems,
        routes,
        processes,
        ownership: ownership.map(|(ownership, _)| ownership).unwrap_or_default(),
        policies,
    });
    Loaded { workspace, problems, files }
}

/// The settings alone, for commands that look for a hub or its data. `None` when there is no workspace in the folder.
#[must_use]
pub fn settings_of(folder: &Path, variables: &Variables) -> Option<Settings> {
    let text = std::fs::read_to_string(folder.join(MAIN)).ok()?;
    let mut tree = yaml::read(&text).0?;
    // What is wrong is `check`'s to report.
    let mut problems = Problems::default();
    interpolate(&mut tree, MAIN, variables, &mut Vec::new(), &mut problems);
    decode(&tree, MAIN, &mut problems)
}

impl Loading<'_> {
    /// The tree of a YAML file, variables replaced; `None` when there is no such file or it cannot be read.
    pub(super) fn tree(&mut self, file: &str) -> Option<Node> {
        let text = self.files.text(file)?;
        let (tree, faults) = yaml::read(text);
        for fault in faults {
            self.problems.push(Problem::error(file, fault.mark, fault.code, fault.message).hint(fault.hint));
        }
        let Some(mut tree) = tree else {
            self.unreadable.push(file.to_owned());
            return None;
        };
        interpolate(&mut tree, file, self.variables, &mut self.secrets, &mut self.problems);
        Some(tree)
    }

    fn settings(&mut self) -> Settings {
        let Some(tree) = self.tree(MAIN) else { return Settings::default() };
        let settings = decode::<Settings>(&tree, MAIN, &mut self.problems).unwrap_or_default();
        checks::settings(&settings, &tree, &mut self.problems);
        identity::check(&settings, &tree, &mut self.problems);
        settings
    }

    /// Code lists and units, which mappings are compiled against.
    fn codes(&mut self) {
        let (mut lists, mut units) = (Vec::new(), Units::default());
        for (name, file, text) in self.files.of("codes") {
            let faults = if name == "units" {
                Units::parse(text.as_bytes()).map(|read| units = read)
            } else {
                CodeList::parse(name, text.as_bytes()).map(|read| lists.push(read))
            };
            for fault in faults.err().unwrap_or_default() {
                self.problems.push(Problem::of_diagnostic(file, text, &fault));
            }
        }
        self.environment = Environment::new(lists, units);
    }

    /// Compiles every mapping, used or not.
    fn mappings(&mut self) {
        for (_, file, text) in self.files.of("mappings") {
            let name = file.trim_start_matches("mappings/").to_owned();
            let compiled = match Mapping::compile(&name, text, &self.environment) {
                Ok(mapping) => Some(Arc::new(mapping)),
                Err(faults) => {
                    self.problems
                        .extend(faults.iter().map(|fault| Problem::of_diagnostic(file, text, fault)));
                    None
                }
            };
            self.mappings.insert(name, compiled);
        }
    }

    fn ownership(&mut self) -> Option<(Ownership, Node)> {
        let tree = self.tree(OWNERSHIP)?;
        let read = decode::<Ownership>(&tree, OWNERSHIP, &mut self.problems)?;
        Some((read, tree))
    }

    pub(super) fn condition(&self, text: &str) -> Result<Condition, Vec<Diagnostic>> {
        Condition::compile(text, &self.environment)
    }

    pub(super) fn expression(&self, text: &str) -> Result<Expression, Vec<Diagnostic>> {
        Expression::compile(text, &self.environment)
    }

    pub(super) fn template(&self, text: &str) -> Result<Template, Vec<Diagnostic>> {
        Template::compile(text, &self.environment)
    }

    pub(super) fn timezone(&mut self, file: &str, mark: Mark, zone: &str) {
        if jiff::tz::TimeZone::get(zone).is_err() {
            let message = format!("there is no time zone `{}`", super::spelling::clip(zone));
            let hint = "use a name of the IANA time zone database, for instance Europe/Berlin";
            self.error(file, mark, "timezone-unknown", message, hint);
        }
    }

    /// An error at a place of a file.
    pub(super) fn error(
        &mut self,
        file: &str,
        mark: Mark,
        code: &str,
        message: String,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem::error(file, mark, code, message).hint(hint));
    }
}
