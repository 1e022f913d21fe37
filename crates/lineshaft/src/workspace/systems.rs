//! `systems/*.yaml`: the connected systems, their sources and operations.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use lineshaft_connectors::{Connector, registry};
use lineshaft_formats::Format;
use lineshaft_logic::calendar::{Cron, LONGEST_MS, Maintenance, Window};
use lineshaft_logic::pace::{BreakerRule, Limits};
use lineshaft_logic::spec::{MaintenanceSpec, SystemSpec};
use lineshaft_model::event_type::{EventType, is_word};

use super::decode::decode;
use super::kinds::KINDS;
use super::layouts;
use super::load::Loading;
use super::marked::{Entry, Mark, Node};
use super::parts::LimitsPart;
use super::problem::Problem;
use super::spelling;

/// A connected system, checked; nothing of it runs.
#[derive(Debug)]
pub struct System {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// The kind of connector.
    pub kind: String,
    /// How fast it may be called.
    pub limits: Limits,
    /// When it is left alone.
    pub breaker: BreakerRule,
    /// When it is not there on purpose.
    pub maintenance: Maintenance,
    /// When each source that is expected to send should do so.
    pub cadences: BTreeMap<String, Maintenance>,
    /// What reaches it; `None` when its settings are faulty, which is then a problem.
    pub connector: Option<Box<dyn Connector>>,
    /// What its file says of sources and operations.
    pub spec: SystemSpec,
    /// The format of each source, in the order of `spec.sources`.
    pub formats: Vec<Format>,
    /// The file.
    pub file: String,
    /// The file's tree, for the places of what else is found.
    pub(super) tree: Node,
}

impl System {
    /// What its file says of an operation.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Node> {
        self.tree.get("operations")?.get(name)
    }
}

/// Every system, in the order of the files.
pub(super) fn read(loading: &mut Loading<'_>) -> Vec<System> {
    let files: Vec<String> = loading.files.of("systems").map(|(_, file, _)| file.to_owned()).collect();
    let mut systems: Vec<System> = Vec::new();
    for file in files {
        let Some(system) = read_one(loading, &file) else { continue };
        if let Some(first) = systems.iter().find(|known| known.name == system.name) {
            let message = format!("the system `{}` stands in {} already", system.name, first.file);
            let hint = "give it another name, or remove one of the two";
            loading.error(&file, system.tree.place("/system"), "duplicate-name", message, hint);
            continue;
        }
        systems.push(system);
    }
    systems
}

fn read_one(loading: &mut Loading<'_>, file: &str) -> Option<System> {
    let errors = loading.problems.errors();
    let mut tree = loading.tree(file)?;
    layouts::put_in(loading, file, &mut tree);
    let spec = decode::<SystemSpec>(&tree, file, &mut loading.problems);
    if let Some(limits) = tree.get("limits") {
        let _ = decode::<LimitsPart>(limits, file, &mut loading.problems);
    }
    let maintenance = match (&spec, tree.get("maintenance")) {
        (Some(spec), Some(node)) => maintenance(loading, file, node, &spec.maintenance),
        _ => Maintenance::default(),
    };
    // A connector would say again what is wrong with the parts that were just read.
    let well = loading.problems.errors() == errors;
    let connector = if well { connector(loading, file, &tree) } else { None };
    let Some(spec) = spec else {
        loading.unreadable.push(file.to_owned());
        return None;
    };
    name(loading, file, &spec.system, tree.place("/system"), "system");
    for (what, key) in [("source", "sources"), ("operation", "operations")] {
        for entry in tree.get(key).map_or(&[][..], Node::entries) {
            name(loading, file, &entry.key, entry.mark, what);
        }
    }
    let formats = spec.sources.keys().map(|source| format(loading, file, &tree, source)).collect();
    emits(loading, file, &tree);
    let cadences = cadences(loading, file, &tree, &spec);
    templates(loading, file, &tree);
    Some(System {
        name: spec.system.clone(),
        title: if spec.title.is_empty() { spec.system.clone() } else { spec.title.clone() },
        kind: spec.connector.clone(),
        limits: spec.limits.limits(),
        breaker: spec.breaker.rule(),
        maintenance,
        cadences,
        connector,
        spec,
        formats,
        file: file.to_owned(),
        tree,
    })
}

fn connector(loading: &mut Loading<'_>, file: &str, tree: &Node) -> Option<Box<dyn Connector>> {
    let name = tree.get("system").and_then(Node::text).unwrap_or_default();
    match registry::parse_among(&KINDS, &tree.to_json(), name) {
        Ok(connector) => Some(connector),
        Err(reasons) => {
            for reason in reasons {
                // An unknown key is the fault of the key, anything else that of the value.
                let mark = if reason.code == "setting-unknown" {
                    tree.key_place(&reason.at)
                } else {
                    tree.place(&reason.at)
                };
                loading.problems.push(Problem::of_reason(file, mark, reason));
            }
            None
        }
    }
}

fn name(loading: &mut Loading<'_>, file: &str, name: &str, mark: Mark, what: &str) {
    if !is_word(name) {
        let message = format!("`{}` is no name of a {what}", spelling::clip(name));
        let hint = "use a lower-case word: letters, digits and single hyphens, starting with a letter";
        loading.error(file, mark, "name-malformed", message, hint);
    }
}

fn format(loading: &mut Loading<'_>, file: &str, tree: &Node, source: &str) -> Format {
    let node =
        tree.get("sources").and_then(|sources| sources.get(source)).and_then(|source| source.get("format"));
    let read = node.and_then(|node| decode::<Format>(node, file, &mut loading.problems));
    read.unwrap_or_else(|| Format::Json(Default::default()))
}

fn emits(loading: &mut Loading<'_>, file: &str, tree: &Node) {
    let sources = tree.get("sources").map_or(&[][..], Node::entries);
    for item in sources.iter().filter_map(|source| source.value.get("emits")).flat_map(Node::items) {
        if let Some(Err(reason)) = item.text().map(EventType::parse) {
            loading.problems.push(Problem::of_reason(file, item.mark, reason));
        }
    }
}

/// Texts with `{{ }}` in an operation depend on the event: each must be a template.
fn templates(loading: &mut Loading<'_>, file: &str, tree: &Node) {
    fn texts<'t>(node: &'t Node, found: &mut Vec<&'t Node>) {
        match node.text() {
            Some(text) if text.contains("{{") => found.push(node),
            Some(_) => {}
            None => {
                node.items().iter().for_each(|item| texts(item, found));
                node.entries().iter().for_each(|entry| texts(&entry.value, found));
            }
        }
    }
    let mut found = Vec::new();
    for Entry { value: operation, .. } in tree.get("operations").map_or(&[][..], Node::entries) {
        texts(operation, &mut found);
    }
    let source = loading.files.text(file).unwrap_or_default();
    for node in found {
        if let Err(faults) = loading.template(node.text().unwrap_or_default()) {
            loading
                .problems
                .extend(faults.iter().map(|fault| super::expressions::problem(file, source, node, fault)));
        }
    }
}

/// When sources should send; the expressions of their sequences are checked as well.
fn cadences(
    loading: &mut Loading<'_>,
    file: &str,
    tree: &Node,
    spec: &SystemSpec,
) -> BTreeMap<String, Maintenance> {
    let mut cadences = BTreeMap::new();
    for (name, source) in &spec.sources {
        let Some(expect) = &source.expect else { continue };
        let node = tree.get("sources").and_then(|sources| sources.get(name)).and_then(|of| of.get("expect"));
        let Some(node) = node else { continue };
        if let Some(during) = node.get("during") {
            cadences.insert(name.clone(), maintenance(loading, file, during, &expect.during));
        }
        if expect.every.is_some_and(|every| every.0 < 10_000) {
            let message = "silence is noticed after ten seconds at the earliest".to_owned();
            loading.error(
                file,
                node.place("/every"),
                "setting-range",
                message,
                "write for instance `every: 15m`",
            );
        }
        if let (Some(text), Some(at)) = (&expect.sequence, node.get("sequence"))
            && let Err(faults) = loading.expression(text)
        {
            let source = loading.files.text(file).unwrap_or_default();
            loading
                .problems
                .extend(faults.iter().map(|fault| super::expressions::problem(file, source, at, fault)));
        }
    }
    cadences
}

fn maintenance(loading: &mut Loading<'_>, file: &str, node: &Node, specs: &[MaintenanceSpec]) -> Maintenance {
    let mut windows = Vec::with_capacity(specs.len());
    for (at, spec) in specs.iter().enumerate() {
        let cron = Cron::parse(&spec.cron).map_err(|why| {
            let mark = node.place(&format!("/{at}/cron"));
            let message = format!("`{}` says no time: {why}", spelling::clip(&spec.cron));
            let hint = "write minute, hour, day, month and weekday, for instance \"0 2 * * SUN\"";
            loading.error(file, mark, "cron-malformed", message, hint);
        });
        if !(60_000..=LONGEST_MS).contains(&spec.lasts.0) {
            let mark = node.place(&format!("/{at}/lasts"));
            let message = "a maintenance window lasts a minute at least and 31 days at most".to_owned();
            loading.error(file, mark, "setting-range", message, "write for instance `lasts: 2h`");
        }
        let name = spec.timezone.as_deref().unwrap_or("UTC");
        loading.timezone(file, node.place(&format!("/{at}/timezone")), name);
        if let (Ok(cron), Ok(zone)) = (cron, TimeZone::get(name)) {
            windows.push(Window { cron, lasts_ms: spec.lasts.0, zone });
        }
    }
    Maintenance::new(windows)
}
