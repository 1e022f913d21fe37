//! `routes/*.yaml`: who gets what, when, how urgently.

use lineshaft_logic::deliver::RetryRule;
use lineshaft_logic::plan::{Class, Route};
use lineshaft_logic::spec::{OnDeadLetter, RouteSpec};
use lineshaft_model::Destination;
use lineshaft_model::event_type::{TypePattern, is_word};

use super::decode::decode;
use super::expressions;
use super::load::Loading;
use super::marked::{Kind, Mark, Node};
use super::problem::Problem;
use super::spelling;

/// A route with its place.
#[derive(Debug)]
pub struct RouteFile {
    /// What its file says.
    pub spec: RouteSpec,
    /// Compiled.
    pub route: Route,
    /// How its deliveries are tried again.
    pub retry: RetryRule,
    /// The file.
    pub file: String,
    /// Its part of the file, for the places of what else is found.
    pub(super) tree: Node,
}

/// Every route that is well formed, in the order of the files.
pub(super) fn read(loading: &mut Loading<'_>) -> Vec<RouteFile> {
    let files: Vec<String> = loading.files.of("routes").map(|(_, file, _)| file.to_owned()).collect();
    let mut routes: Vec<RouteFile> = Vec::new();
    // Names of routes that are wrong otherwise count as well.
    let mut names: Vec<(String, String, Mark)> = Vec::new();
    for file in files {
        let Some(tree) = loading.tree(&file) else { continue };
        for item in each(loading, &file, tree) {
            let Some(spec) = decode::<RouteSpec>(&item, &file, &mut loading.problems) else { continue };
            let mark = item.place("/route");
            if let Some((_, other, first)) = names.iter().find(|(name, ..)| *name == spec.route) {
                let message =
                    format!("the route `{}` stands in {other} on line {} already", spec.route, first.line);
                loading.error(
                    &file,
                    mark,
                    "duplicate-name",
                    message,
                    "give it another name, or remove one of the two",
                );
                continue;
            }
            names.push((spec.route.clone(), file.clone(), mark));
            routes.extend(compile(loading, &file, item, spec));
        }
    }
    routes
}

/// The routes of one file: a list of them, or one alone.
fn each(loading: &mut Loading<'_>, file: &str, tree: Node) -> Vec<Node> {
    match tree.kind {
        Kind::List(items) => items,
        Kind::Map(ref entries) if entries.is_empty() => Vec::new(),
        Kind::Map(_) => vec![tree],
        _ => {
            let message = format!("{} where a list of routes was expected", tree.describe());
            loading.error(
                file,
                tree.mark,
                "wrong-value",
                message,
                "write `- route: name`, then `on:` and `to:`",
            );
            Vec::new()
        }
    }
}

fn compile(loading: &mut Loading<'_>, file: &str, tree: Node, spec: RouteSpec) -> Option<RouteFile> {
    let errors = loading.problems.errors();
    if !is_word(&spec.route) {
        let message = format!("`{}` is no name of a route", spelling::clip(&spec.route));
        let hint = "use a lower-case word: letters, digits and single hyphens, starting with a letter";
        loading.error(file, tree.place("/route"), "name-malformed", message, hint);
    }
    let on = spec.on.parse::<TypePattern>();
    let on =
        on.map_err(|reason| loading.problems.push(Problem::of_reason(file, tree.place("/on"), reason))).ok();
    let to = Destination::parse(&spec.to);
    let to =
        to.map_err(|reason| loading.problems.push(Problem::of_reason(file, tree.place("/to"), reason))).ok();
    let retry = spec.retry.rule().map_err(|message| {
        let place = tree.place("/retry/factor");
        loading.error(file, place, "wrong-value", message, "write for instance `factor: 2`");
    });
    let source = loading.files.text(file).unwrap_or_default();
    let when = spec.when.as_deref().map(|text| loading.condition(text));
    let when = flat(loading, file, source, tree.get("when"), when);
    let order_by = spec.order_by.as_deref().map(|text| loading.expression(text));
    let order_by = flat(loading, file, source, tree.get("order_by"), order_by);
    let priority = spec.priority.as_deref().map(|text| class(loading, file, source, &tree, text));
    if loading.problems.errors() != errors {
        return None;
    }
    let route = Route {
        name: spec.route.as_str().into(),
        on: on?,
        when,
        to: to?,
        priority: priority.unwrap_or_default(),
        order_by,
        parks: spec.on_dead_letter == OnDeadLetter::ParkKey,
    };
    Some(RouteFile { spec, route, retry: retry.ok()?, file: file.to_owned(), tree })
}

/// A class by its name, or by an expression. What looks like a name and is none is not taken for jq.
fn class(loading: &mut Loading<'_>, file: &str, source: &str, tree: &Node, text: &str) -> Class {
    match text.parse() {
        Ok(priority) => Class::Fixed(priority),
        Err(reason) if is_word(text) => {
            let reason: lineshaft_model::Reason = reason;
            let hint = format!("{}, or a jq expression that gives one", reason.hint);
            let problem = Problem::of_reason(file, tree.place("/priority"), reason.hint(hint));
            loading.problems.push(problem);
            Class::OfTheEvent
        }
        Err(_) => {
            let compiled = Some(loading.expression(text));
            flat(loading, file, source, tree.get("priority"), compiled)
                .map_or(Class::OfTheEvent, Class::Computed)
        }
    }
}

/// What was compiled, or nothing and its problems.
fn flat<T>(
    loading: &mut Loading<'_>,
    file: &str,
    source: &str,
    node: Option<&Node>,
    compiled: Option<Result<T, Vec<lineshaft_mapping::Diagnostic>>>,
) -> Option<T> {
    match (compiled?, node) {
        (Ok(compiled), _) => Some(compiled),
        (Err(faults), Some(node)) => {
            loading
                .problems
                .extend(faults.iter().map(|fault| expressions::problem(file, source, node, fault)));
            None
        }
        (Err(_), None) => None,
    }
}
