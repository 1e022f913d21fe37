//! Links between the pages: each leads somewhere, and each page can be reached from the index.

use std::collections::BTreeSet;

use super::breach::{Breach, Rule};
use super::tree::{SourceFile, Tree};

/// Where a reader of the documentation begins.
const INDEX: &str = "docs/README.md";

pub(crate) fn check(tree: &Tree, found: &mut Vec<Breach>) {
    check_targets(tree, found);
    check_reachable(tree, found);
}

fn check_targets(tree: &Tree, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "links",
        "link to a file of this repository by a relative path, to a heading by its words with dashes",
        found,
    );
    for file in tree.markdown() {
        for link in links(file) {
            if let Some(wrong) = wrong_with(&link, file, tree) {
                rule.fail(&file.path, link.line, &link.target, wrong);
            }
        }
    }
}

fn wrong_with(link: &Link, file: &SourceFile, tree: &Tree) -> Option<String> {
    let target = link.target.as_str();
    if target.starts_with("https://") || target.starts_with("http://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let Some(resolved) = resolve(&file.path, path) else {
        return Some(format!("`{target}` leads out of the repository"));
    };
    if !tree.holds(&resolved) {
        return Some(format!("`{target}` leads nowhere: there is no `{resolved}`"));
    }
    let page = tree.file(&resolved)?;
    let lacks_heading = !heading.is_empty() && page.is_markdown() && !headings(page).contains(heading);
    lacks_heading.then(|| format!("`{resolved}` has no heading `#{heading}`"))
}

fn check_reachable(tree: &Tree, found: &mut Vec<Breach>) {
    let mut rule = Rule::new(
        "reachable",
        "link to it from the index page of its folder, so that a reader can find it",
        found,
    );
    let mut reached = BTreeSet::new();
    let mut next = vec![INDEX.to_owned()];
    while let Some(path) = next.pop() {
        let Some(page) = tree.file(&path) else { continue };
        if !page.is_markdown() || !reached.insert(path) {
            continue;
        }
        for link in links(page) {
            let target = link.target.split('#').next().unwrap_or_default();
            next.extend(resolve(&page.path, target));
        }
    }
    for page in tree.markdown().filter(|page| page.path.starts_with("docs/")) {
        if !reached.contains(&page.path) {
            rule.fail(&page.path, 0, "", format!("no way leads here from {INDEX}"));
        }
    }
}

/// The path that `target` means on the page `from`; nothing when it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    if target.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// A link's target as written, and its line.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    line: usize,
    target: String,
}

/// Inline links outside code.
fn links(page: &SourceFile) -> Vec<Link> {
    let mut found = Vec::new();
    for (line, text) in prose(page) {
        let text = without_code(text);
        for (start, _) in text.match_indices("](") {
            let rest = &text[start + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push(Link { line, target: target.to_owned() });
        }
    }
    found
}

/// The anchors of a page's headings, as the usual renderers make them.
fn headings(page: &SourceFile) -> BTreeSet<String> {
    prose(page)
        .filter(|(_, text)| text.starts_with('#'))
        .map(|(_, text)| {
            let words = text.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The lines outside fenced code.
fn prose(page: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.lines().filter(move |(_, text)| {
        let fence = text.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut files: Vec<_> = files.iter().map(|(path, text)| SourceFile::new(path, *text)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Tree { paths: files.iter().map(|file| file.path.clone()).collect(), files }
    }

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        let mut found = Vec::new();
        check(&tree(files), &mut found);
        found
            .into_iter()
            .map(|breach| format!("{}:{} {}", breach.path, breach.line, breach.message))
            .collect()
    }

    #[test]
    fn a_link_leads_to_a_file_a_folder_or_a_heading() {
        let index = "# Docs\n[a](a/b.md) [folder](a) [up](../README.md#why-it-is) [here](#docs) [w](https://x.example)\n";
        let files = [("README.md", "# Why it *is*?\n"), ("docs/README.md", index), ("docs/a/b.md", "# B\n")];
        assert_eq!(messages(&files), [""; 0]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named_with_its_line() {
        let index = "# Docs\n\n[a](gone.md)\n[b](#gone)\n[c](../../out.md)\n[d](/root.md)\n";
        assert_eq!(
            messages(&[("docs/README.md", index)]),
            [
                "docs/README.md:3 `gone.md` leads nowhere: there is no `docs/gone.md`",
                "docs/README.md:4 `docs/README.md` has no heading `#gone`",
                "docs/README.md:5 `../../out.md` leads out of the repository",
                "docs/README.md:6 `/root.md` leads out of the repository",
            ]
        );
    }

    #[test]
    fn links_in_code_are_examples() {
        let index = "```\n[a](gone.md)\n```\n`[b](gone.md)` and [c](README.md)\n";
        assert_eq!(messages(&[("docs/README.md", index)]), [""; 0]);
    }

    #[test]
    fn a_page_nobody_links_to_is_reported() {
        let files = [
            ("docs/README.md", "[a](a.md)\n"),
            ("docs/a.md", "[b](b.md)\n"),
            ("docs/b.md", ""),
            ("docs/c.md", ""),
        ];
        assert_eq!(messages(&files), ["docs/c.md:0 no way leads here from docs/README.md"]);
    }
}
