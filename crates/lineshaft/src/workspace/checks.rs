//! What must fit together across files: names that refer to each other, and files that nothing refers to.

use std::collections::{BTreeMap, BTreeSet};

use lineshaft_logic::own::Ownership;
use lineshaft_model::event_type::is_word;

use super::contracts::ContractFile;
use super::files::{MAIN, OWNERSHIP};
use super::load::Loading;
use super::marked::{Mark, Node};
use super::problem::{Problem, Problems};
use super::routes::RouteFile;
use super::secrets::Secrets;
use super::settings::Settings;
use super::size::Size;
use super::spelling::{clip, meant};
use super::systems::System;

const OTLP_HINT: &str = "write its address without a path, for instance http://127.0.0.1:4318";

/// The parts of a workspace, each read as far as it could be.
pub(super) struct Parts<'p> {
    pub(super) settings: &'p Settings,
    pub(super) contracts: &'p BTreeMap<String, ContractFile>,
    pub(super) systems: &'p [System],
    pub(super) routes: &'p [RouteFile],
    pub(super) ownership: Option<&'p (Ownership, Node)>,
}

/// Everything that can be said only when all parts are known.
pub(super) fn check(loading: &mut Loading<'_>, parts: &Parts<'_>) {
    let mut used = Used::default();
    sources_and_operations(loading, parts, &mut used);
    for route in parts.routes {
        destination(loading, parts, route);
        coverage(loading, parts, route);
    }
    ownership(loading, parts);
    sites(loading, parts);
    unused(loading, parts, &used);
}

#[derive(Default)]
struct Used {
    mappings: BTreeSet<String>,
    contracts: BTreeSet<String>,
}

/// Names of systems, those of files that could not be read included.
fn system_names<'n>(loading: &'n Loading<'_>, parts: &'n Parts<'_>) -> BTreeSet<&'n str> {
    let unreadable =
        loading.unreadable.iter().filter_map(|file| file.strip_prefix("systems/")?.strip_suffix(".yaml"));
    parts.systems.iter().map(|system| system.name.as_str()).chain(unreadable).collect()
}

fn sources_and_operations(loading: &mut Loading<'_>, parts: &Parts<'_>, used: &mut Used) {
    for system in parts.systems {
        for (name, source) in &system.spec.sources {
            if let Some(mapping) = &source.mapping {
                let at = system.tree.place(&pointer(&["sources", name, "mapping"]));
                mapping_exists(loading, &system.file, at, mapping, used);
            }
            if let Some(contract) = &source.contract {
                let at = system.tree.place(&pointer(&["sources", name, "contract"]));
                contract_exists(loading, parts, &system.file, at, contract);
                used.contracts.insert(contract.clone());
            }
        }
        for (name, operation) in &system.spec.operations {
            if let Some(mapping) = &operation.mapping {
                let at = system.tree.place(&pointer(&["operations", name, "mapping"]));
                mapping_exists(loading, &system.file, at, mapping, used);
            }
        }
    }
}

fn mapping_exists(loading: &mut Loading<'_>, file: &str, at: Mark, mapping: &str, used: &mut Used) {
    used.mappings.insert(mapping.to_owned());
    if loading.mappings.contains_key(mapping) {
        return;
    }
    let hint = meant(mapping, loading.mappings.keys().map(String::as_str));
    let hint = if hint.is_empty() { format!("write `mappings/{}`", clip(mapping)) } else { hint };
    let message = format!("there is no mapping `mappings/{}`", clip(mapping));
    loading.error(file, at, "mapping-missing", message, hint);
}

fn contract_exists(loading: &mut Loading<'_>, parts: &Parts<'_>, file: &str, at: Mark, contract: &str) {
    if parts.contracts.contains_key(contract)
        || loading.unreadable.iter().any(|f| f.starts_with("contracts/"))
    {
        return;
    }
    let hint = meant(contract, parts.contracts.keys().map(String::as_str));
    let hint = if hint.is_empty() {
        "write a file of `contracts/` with this name as its `contract`".to_owned()
    } else {
        hint
    };
    let message = format!("no file of `contracts/` has the contract `{}`", clip(contract));
    loading.error(file, at, "contract-missing", message, hint);
}

fn destination(loading: &mut Loading<'_>, parts: &Parts<'_>, route: &RouteFile) {
    let (system, operation) = (route.route.to.system(), route.route.to.operation());
    let at = route.tree.place("/to");
    let Some(found) = parts.systems.iter().find(|known| known.name == system) else {
        let names = system_names(loading, parts);
        if !names.contains(system) {
            let message = format!("there is no system `{system}`");
            let hint = meant(system, names.iter().copied());
            let hint = if hint.is_empty() { format!("write `systems/{system}.yaml`") } else { hint };
            loading.error(&route.file, at, "system-missing", message, hint);
        }
        return;
    };
    if !found.spec.operations.contains_key(operation) {
        let message = format!("the system `{system}` has no operation `{operation}`");
        let hint = meant(operation, found.spec.operations.keys().map(String::as_str));
        let hint =
            if hint.is_empty() { format!("add it under `operations` in {}", found.file) } else { hint };
        loading.error(&route.file, at, "operation-missing", message, hint);
    }
}

/// A route for events that nobody announces is more often a slip than a plan.
fn coverage(loading: &mut Loading<'_>, parts: &Parts<'_>, route: &RouteFile) {
    let incomplete =
        loading.unreadable.iter().any(|file| file.starts_with("systems/") || file.starts_with("contracts/"));
    let sources = || parts.systems.iter().flat_map(|system| system.spec.sources.values());
    if incomplete || sources().any(|source| source.emits.is_empty()) {
        return;
    }
    let is_watched = parts.settings.alarms.is_some();
    let alarms = lineshaft_logic::alarm::TYPES.iter().flat_map(|(wrong, over)| [*wrong, *over]);
    let alarms = alarms.filter(|_| is_watched);
    let known: BTreeSet<&str> = sources()
        .flat_map(|source| source.emits.iter().map(String::as_str))
        .chain(parts.contracts.keys().map(String::as_str).filter(|name| !is_word(name)))
        .chain(alarms)
        .collect();
    if known.iter().any(|event_type| route.route.on.covers(event_type)) {
        return;
    }
    let message = format!("no source emits `{}`, and it has no contract", clip(&route.spec.on));
    let hint = match super::spelling::closest(&route.spec.on, known.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => {
            "add it to the `emits` of its source, or write its contract when it comes by `POST /v1/events`"
                .to_owned()
        }
    };
    loading.problems.push(
        Problem::warning(&route.file, route.tree.place("/on"), "route-without-source", message).hint(hint),
    );
}

fn ownership(loading: &mut Loading<'_>, parts: &Parts<'_>) {
    let Some((ownership, tree)) = parts.ownership else { return };
    for (object, owner) in &ownership.objects {
        if !is_word(object) {
            let message = format!("`{}` is no object type", clip(object));
            let hint = "use a word such as purchase-order or inventory-position";
            loading.error(OWNERSHIP, tree.key_place(&pointer(&[object])), "name-malformed", message, hint);
        }
        let fields =
            owner.fields.iter().map(|(field, system)| (vec![object.as_str(), "fields", field], system));
        let sites = owner.sites.iter().map(|(site, system)| (vec![object.as_str(), "sites", site], system));
        let whole = std::iter::once((vec![object.as_str(), "owner"], &owner.owner));
        for (way, system) in whole.chain(fields).chain(sites) {
            let names = system_names(loading, parts);
            if names.contains(system.as_str()) {
                continue;
            }
            let hint = meant(system, names.iter().copied());
            let hint = if hint.is_empty() { "write a file of `systems/` for it".to_owned() } else { hint };
            let message = format!("there is no system `{}`", clip(system));
            loading.error(OWNERSHIP, tree.place(&pointer(&way)), "system-missing", message, hint);
        }
        for field in
            owner.fields.keys().filter(|field| !Ownership::groups().any(|group| group == field.as_str()))
        {
            let at = tree.key_place(&pointer(&[object, "fields", field]));
            let message = format!("`{}` is no group of fields", clip(field));
            let groups: Vec<&str> = Ownership::groups().collect();
            loading.error(OWNERSHIP, at, "field-group-unknown", message, meant(field, groups));
        }
    }
}

/// Sites are known only when the settings list any.
fn sites(loading: &mut Loading<'_>, parts: &Parts<'_>) {
    let known = &parts.settings.sites;
    if known.is_empty() {
        return;
    }
    let mut named: Vec<(String, Mark, String)> = Vec::new();
    for system in parts.systems {
        for (name, source) in &system.spec.sources {
            if let Some(site) = &source.site {
                let at = system.tree.place(&pointer(&["sources", name, "site"]));
                named.push((system.file.clone(), at, site.clone()));
            }
        }
    }
    if let Some((ownership, tree)) = parts.ownership {
        for (object, owner) in &ownership.objects {
            for site in owner.sites.keys() {
                let at = tree.key_place(&pointer(&[object, "sites", site]));
                named.push((OWNERSHIP.to_owned(), at, site.clone()));
            }
        }
    }
    for (file, at, site) in named {
        if !known.contains_key(&site) {
            let message = format!("lineshaft.yaml has no site `{}`", clip(&site));
            let hint = meant(&site, known.keys().map(String::as_str));
            loading.problems.push(Problem::warning(&file, at, "site-unknown", message).hint(hint));
        }
    }
}

fn unused(loading: &mut Loading<'_>, parts: &Parts<'_>, used: &Used) {
    // What an unreadable system would use is not known.
    if loading.unreadable.iter().any(|file| file.starts_with("systems/")) {
        return;
    }
    let mut found = Vec::new();
    for mapping in loading.mappings.keys().filter(|mapping| !used.mappings.contains(*mapping)) {
        let hint = "name it as the `mapping` of a source or an operation, or remove the file";
        let message = "nothing uses this mapping";
        found.push(
            Problem::warning(&format!("mappings/{mapping}"), Mark::TOP, "file-unused", message).hint(hint),
        );
    }
    for (name, contract) in
        parts.contracts.iter().filter(|(name, _)| is_word(name) && !used.contracts.contains(*name))
    {
        let hint = "name it as the `contract` of a source, or remove the file";
        let message = format!("nothing uses the contract `{name}`");
        found.push(Problem::warning(&contract.file, contract.mark, "file-unused", message).hint(hint));
    }
    for (name, file, _) in loading.files.of("codes").filter(|(name, ..)| *name != "units") {
        // `unit(code; "wms")` looks into `units-wms.csv`.
        let quoted = format!("\"{}\"", name.strip_prefix("units-").unwrap_or(name));
        if !loading.files.of("mappings").any(|(_, _, text)| text.contains(&quoted)) {
            let hint = "look it up in a mapping, or remove the file";
            let message = "no mapping names this code list";
            found.push(Problem::warning(file, Mark::TOP, "file-unused", message).hint(hint));
        }
    }
    for (_, file, _) in loading.files.of("layouts").filter(|(_, file, _)| !loading.layouts.contains(*file)) {
        let hint = "name it in the `format` of a source, or remove the file";
        found
            .push(Problem::warning(file, Mark::TOP, "file-unused", "no format names this layout").hint(hint));
    }
    loading.problems.extend(found);
}

/// What is wrong with `lineshaft.yaml` although every value has the right form.
pub(super) fn settings(settings: &Settings, tree: &Node, problems: &mut Problems) {
    let mut error = |at: &str, code: &str, message: String, hint: &str| {
        problems.push(Problem::error(MAIN, tree.place(at), code, message).hint(hint));
    };
    if !is_word(&settings.tenant) {
        let message = format!("`{}` is no name of a tenant", clip(&settings.tenant));
        error("/tenant", "name-malformed", message, "use a lower-case word, for instance main");
    }
    for (name, site) in &settings.sites {
        if jiff::tz::TimeZone::get(&site.timezone).is_err() {
            let message = format!("there is no time zone `{}`", clip(&site.timezone));
            let hint = "use a name of the IANA time zone database, for instance Europe/Berlin";
            error(&pointer(&["sites", name, "timezone"]), "timezone-unknown", message, hint);
        }
    }
    if let Some(planning) = &settings.planning {
        let known = settings.sites.keys().map(String::as_str);
        match &planning.site {
            Some(site) if !settings.sites.contains_key(site) => {
                let message = format!("`sites` has no site `{}`", clip(site));
                error("/planning/site", "site-unknown", message, &meant(site, known));
            }
            None if settings.sites.len() > 1 => {
                let message = "there are several sites, and objects that name none need one".to_owned();
                let hint = format!("write planning: {{ site: {} }}", known.take(1).collect::<String>());
                error("/planning", "site-missing", message, &hint);
            }
            _ => {}
        }
        let tell = &planning.tell;
        for (name, span) in [("settle", tell.settle), ("clear", tell.clear), ("again", tell.again)] {
            if span.0 > 30 * 86_400_000 {
                let message = "nothing is held back for longer than 30 days".to_owned();
                let hint = "write for instance 5s, 1m or 1h";
                error(&format!("/planning/tell/{name}"), "setting-range", message, hint);
            }
        }
    }
    let ranges = [
        ("/journal/file/segment", settings.journal.file.segment, Size::mib(1), Size::mib(1024)),
        ("/journal/file/reserve", settings.journal.file.reserve, Size::mib(16), Size::mib(1 << 20)),
        // A record of the journal, 64 MiB at most, holds a body as it came and as it was understood.
        ("/limits/body", settings.limits.body, Size { bytes: 1024 }, Size::mib(24)),
    ];
    for (at, size, least, most) in ranges {
        if size < least || size > most {
            let message = format!("{size} is out of bounds");
            error(at, "setting-range", message, &format!("between {least} and {most}"));
        }
    }
    if let Some(otlp) = settings.telemetry.otlp.as_ref().filter(|otlp| otlp.traces().is_none()) {
        let message = if otlp.endpoint.contains('@') {
            "a login does not belong into the address: name it in `headers`".to_owned()
        } else {
            format!("`{}` is no address of a collector", clip(&otlp.endpoint))
        };
        error("/telemetry/otlp/endpoint", "telemetry-endpoint", message, OTLP_HINT);
    }
    if settings.retention.age.0 < 3_600_000 {
        let message = "events would be dropped within the hour".to_owned();
        error("/retention", "setting-range", message, "write at least 1h; days are usual, for instance 400d");
    }
    // What is closed can go: with less than a few segments hardly anything would be kept.
    let segment = settings.journal.file.segment;
    let least = Size { bytes: segment.bytes.saturating_mul(4) };
    if let Some(size) = settings.retention.size.filter(|size| *size < least) {
        let message = format!("{size} is less than four segments of the journal ({segment} each)");
        error("/retention/size", "setting-range", message, &format!("write at least {least}"));
    }
    if let Err((entry, reason)) = settings.outbound() {
        error(&format!("/outbound/allow/{entry}"), "outbound-malformed", reason.message, &reason.hint);
    }
    for (at, number) in
        [("/limits/batch", settings.limits.batch), ("/limits/connections", settings.limits.connections)]
    {
        if number == 0 || number > 1_000_000 {
            error(at, "setting-range", format!("{number} is out of bounds"), "between 1 and 1000000");
        }
    }
}

/// Secrets that files refer to and that are not at hand here. A warning, because a workspace is often checked where they
/// should not be.
pub(super) fn secrets(loading: &mut Loading<'_>, secrets: &Secrets) {
    let mut missing = Vec::new();
    for needed in &loading.secrets {
        if let Err(reason) = secrets.get(&needed.name) {
            missing.push(
                Problem::warning(&needed.file, needed.mark, &reason.code, reason.message).hint(reason.hint),
            );
        }
    }
    loading.problems.extend(missing);
}

/// A JSON pointer from its tokens.
fn pointer(tokens: &[&str]) -> String {
    let mut pointer = String::new();
    for token in tokens {
        lineshaft_model::json::push_token(&mut pointer, token);
    }
    pointer
}
