//! Reads `files` and `format` of a source.

use std::sync::LazyLock;

use lineshaft_formats::Format;
use lineshaft_model::Reason;
use serde::Deserialize;
use serde_json::Value;

use crate::settings::Section;

/// The folder of a source and how it is read.
#[derive(Debug, Clone)]
pub(crate) struct FilesConfig {
    /// `system/source`, for messages.
    pub(super) name: String,
    /// Relative to the workspace, or absolute.
    pub(super) folder: String,
    pub(super) pattern: String,
    /// Within the folder.
    pub(super) done: String,
    pub(super) failed: String,
    pub(super) settle_ms: u64,
    pub(super) poll_ms: u64,
    pub(super) order: Order,
    pub(super) identity: Identity,
    pub(super) max_file_bytes: u64,
    pub(super) format: Format,
    /// A fingerprint of `format`: read with another one, a file's documents are others.
    pub(super) format_mark: String,
}

/// Which file comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    Modified,
}

/// What makes a document the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// The same place in a file of the same content.
    File,
    /// The same bytes, in whichever file.
    Content,
}

const DAY_MS: u64 = 86_400_000;

impl FilesConfig {
    /// Reads `files` and `format` of a source.
    pub(crate) fn parse(source: &mut Section<'_>, system: &str, name: &str) -> Option<Self> {
        let format = read_format(source);
        let mut files = source.section("files")?;
        let folder = files.required_text("folder", "name the folder the system drops its files into");
        let folder = folder.filter(|folder| {
            let good = !folder.is_empty() && !folder.contains('\0');
            if !good {
                files.note(Reason::new("folder-malformed", "this is not a folder").at(files.at("folder")));
            }
            good
        });
        let pattern = files.text("pattern").unwrap_or("*").to_owned();
        if pattern.is_empty() || pattern.len() > 255 || pattern.contains(['/', '\\', '\0']) {
            let hint = "a pattern is a file's name with * and ?, for instance *.csv";
            files.problem("pattern", "pattern-malformed", "this is not a pattern of file names", hint);
        }
        let done = subfolder(&mut files, "done");
        let failed = subfolder(&mut files, "failed");
        if done == failed {
            let message = "done and failed files need folders of their own";
            files.problem("failed", "folder-twice", message, "rename one");
        }
        let settle_ms = files.duration_ms("settle", 2_000, 0..=DAY_MS);
        let poll_ms = files.duration_ms("poll", 1_000, 10..=DAY_MS);
        let order = files.choice("order", Order::Name, &[("name", Order::Name), ("mtime", Order::Modified)]);
        let identities = [("file", Identity::File), ("content", Identity::Content)];
        let identity = files.choice("identity", Identity::File, &identities);
        let max_file_bytes = files.size_bytes("max_file", 5 << 30, 1..=1 << 40);
        files.finish();
        let (format, format_mark) = format?;
        Some(Self {
            name: format!("{system}/{name}"),
            folder: folder?.to_owned(),
            pattern,
            done,
            failed,
            settle_ms,
            poll_ms,
            order,
            identity,
            max_file_bytes,
            format,
            format_mark,
        })
    }
}

/// `format` of a source, and a fingerprint of it.
pub fn read_format(source: &mut Section<'_>) -> Option<(Format, String)> {
    static JSON: LazyLock<Value> = LazyLock::new(|| Value::from("json"));
    let value = source.value("format").unwrap_or(&JSON);
    match Format::deserialize(value) {
        Ok(format) => Some((format, mark(value))),
        Err(error) => {
            // The formats repeat what was written, however long that is.
            let text: String = error.to_string().chars().take(300).collect();
            let (message, hint) =
                text.split_once(". hint: ").unwrap_or((&text, "see the reference of formats"));
            source.problem("format", "format-malformed", message, hint);
            None
        }
    }
}

fn mark(format: &Value) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(format.to_string().as_bytes())[..4])
}

/// A folder of that name within the dropped-into folder: a name, not a path, so that nothing is moved elsewhere.
fn subfolder(files: &mut Section<'_>, key: &'static str) -> String {
    let name = files.text(key).unwrap_or(key).to_owned();
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name == "." || name == ".." {
        let hint = "write a name such as done: it is made inside the folder, so that moving is one step";
        files.problem(key, "folder-malformed", "this is not the name of a folder", hint);
    }
    name
}
