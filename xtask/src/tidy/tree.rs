//! The source tree as the rules see it: every path, and the text of the files that people write.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files larger than this are data, whatever their extension says.
const LARGEST_TEXT_BYTES: u64 = 1024 * 1024;

/// Extensions of files that people write and the rules read.
const WRITTEN: &[&str] =
    &["rs", "md", "toml", "yaml", "yml", "sh", "html", "css", "js", "jq", "sql", "json", "txt"];

/// Folders at the top that hold results and not sources. A build folder may be called `target-anything`.
const RESULTS: &[&str] = &["data", "node_modules"];

/// One file that people write.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Path from the root of the tree, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    pub(crate) fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }

    /// Lines with their numbers, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    pub(crate) fn is_rust(&self) -> bool {
        extension(&self.path) == "rs"
    }

    pub(crate) fn is_markdown(&self) -> bool {
        extension(&self.path) == "md"
    }

    /// Recorded input and snapshots: other people's words, which the rules about words leave alone.
    pub(crate) fn is_recorded(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "testdata" | "fixtures" | "snapshots"))
            || extension(&self.path) == "json"
    }
}

/// Every path below the root, and the files that people write.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Every file, from the root, sorted.
    pub(crate) paths: BTreeSet<String>,
    /// The written ones, in the order of their paths.
    pub(crate) files: Vec<SourceFile>,
}

impl Tree {
    /// Reads the tree below `root`. Symbolic links are not followed.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    if !is_result(&path) {
                        folders.push(path);
                    }
                } else if kind.is_file() {
                    tree.paths.insert(path.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        for path in &tree.paths {
            if let Some(text) = read_written(root, path)? {
                tree.files.push(SourceFile::new(path, text));
            }
        }
        Ok(tree)
    }

    pub(crate) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|index| &self.files[index])
    }

    /// Whether `path` is a file or a folder that holds one.
    pub(crate) fn holds(&self, path: &str) -> bool {
        if path.is_empty() || self.paths.contains(path) {
            return true;
        }
        let folder = format!("{path}/");
        self.paths.range(folder.clone()..).next().is_some_and(|next| next.starts_with(&folder))
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(crate) fn markdown(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_markdown())
    }
}

fn is_result(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name == ".git" {
        return true;
    }
    let at_the_top = path.components().count() == 1;
    at_the_top && (name.starts_with("target") || RESULTS.contains(&name.as_ref()))
}

fn read_written(root: &Path, path: &str) -> io::Result<Option<String>> {
    let named = WRITTEN.contains(&extension(path)) || path.starts_with(".ci/");
    let full = root.join(path);
    if !named || fs::metadata(&full)?.len() > LARGEST_TEXT_BYTES {
        return Ok(None);
    }
    Ok(String::from_utf8(fs::read(full)?).ok())
}

pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The line from which on a file is test code: its first for test files, else where its test module begins.
pub(crate) fn first_test_line(file: &SourceFile) -> Option<usize> {
    let in_tests = file.path.starts_with("tests/") || file.path.contains("/tests/");
    if in_tests || file.path.ends_with("/tests.rs") {
        return Some(1);
    }
    let mut lines = file.lines().peekable();
    while let Some((line, text)) = lines.next() {
        let opens_module = |next: &(usize, &str)| next.1.contains("mod ") && next.1.trim_end().ends_with('{');
        if text.trim() == "#[cfg(test)]" && lines.peek().is_some_and(opens_module) {
            return Some(line);
        }
    }
    None
}
