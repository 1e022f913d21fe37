//! `layouts/`: what a format needs to know of its files, shared by the sources that read them.
//!
//! A name of a file stands where its content belongs: `{ fixed-width: orders.yaml }` for all options, `{ idoc: { layout: orders05.txt } }`
//! for the layout alone. The content takes the place of the name before anything reads the system.

use super::load::Loading;
use super::marked::{Kind, Mark, Node};
use super::spelling;

/// Puts the files that the formats of a system name into its tree.
pub(super) fn put_in(loading: &mut Loading<'_>, file: &str, tree: &mut Node) {
    for (_, source) in entries(tree, "sources") {
        for (name, options) in entries(source, "format") {
            match &mut options.kind {
                Kind::Text(_) => replace(loading, file, options),
                Kind::Map(entries) if name == "idoc" => {
                    let layout = entries.iter_mut().find(|entry| entry.key == "layout");
                    match layout.map(|layout| &mut layout.value) {
                        Some(Node { kind: Kind::List(parts), .. }) => {
                            parts.iter_mut().for_each(|part| replace(loading, file, part));
                        }
                        Some(layout) => replace(loading, file, layout),
                        None => {}
                    }
                }
                _ => {}
            }
        }
    }
}

/// The entries of the mapping under a key.
fn entries<'n>(node: &'n mut Node, key: &str) -> impl Iterator<Item = (&'n str, &'n mut Node)> {
    let found = match &mut node.kind {
        Kind::Map(entries) => entries.iter_mut().find(|entry| entry.key == key),
        _ => None,
    };
    let inside = match found.map(|entry| &mut entry.value.kind) {
        Some(Kind::Map(entries)) => entries.as_mut_slice(),
        _ => &mut [],
    };
    inside.iter_mut().map(|entry| (entry.key.as_str(), &mut entry.value))
}

/// Puts a file in the place of its name. A text of several lines is the layout itself.
fn replace(loading: &mut Loading<'_>, file: &str, node: &mut Node) {
    let Some(name) = node.text().filter(|text| !text.contains('\n')).map(str::to_owned) else { return };
    let path = format!("layouts/{name}");
    let Some(text) = loading.files.text(&path) else {
        let known: Vec<&str> =
            loading.files.of("layouts").filter_map(|(_, path, _)| path.strip_prefix("layouts/")).collect();
        let hint = match spelling::closest(&name, known.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("write `{}`", spelling::clip(&path)),
        };
        let message = format!("there is no layout `{}`", spelling::clip(&path));
        loading.error(file, node.mark, "layout-missing", message, hint);
        // What is wrong is said; the rest is read as if there were none.
        node.kind = Kind::Map(Vec::new());
        return;
    };
    let content = match name.ends_with(".txt") {
        true => Some(Kind::Text(text.to_owned())),
        false => loading.tree(&path).map(|tree| tree.kind),
    };
    node.kind = content.unwrap_or_else(|| Kind::Map(Vec::new()));
    let mark = node.mark;
    place(node, mark);
    loading.layouts.insert(path);
}

/// Everything that is wrong in it is told where the name stands.
fn place(node: &mut Node, mark: Mark) {
    node.mark = mark;
    match &mut node.kind {
        Kind::List(items) => items.iter_mut().for_each(|item| place(item, mark)),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.mark = mark;
            place(&mut entry.value, mark);
        }),
        _ => {}
    }
}
