//! Reads `files` of a source.

use lineshaft_model::Reason;
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
    pub(super) max_file_bytes: u64,
    /// As the source has it; read by the formats.
    pub(super) format: Value,
}

/// Which file comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    Modified,
}

const DAY_MS: u64 = 86_400_000;

impl FilesConfig {
    /// Reads `files` and `format` of a source.
    pub(crate) fn parse(source: &mut Section<'_>, system: &str, name: &str) -> Option<Self> {
        let format = source.value("format").cloned().unwrap_or(Value::Null);
        let mut files = source.section("files")?;
        let folder = files.required_text("folder", "name the folder the system drops its files into");
        let pattern = files.text("pattern").unwrap_or("*").to_owned();
        if pattern.is_empty() || pattern.contains(['/', '\\', '\0']) {
            let hint = "a pattern is a file's name with * and ?, for instance *.csv";
            files.problem("pattern", "pattern-malformed", "this is not a pattern of file names", hint);
        }
        let done = subfolder(&mut files, "done");
        let failed = subfolder(&mut files, "failed");
        if done == failed {
            files.problem(
                "failed",
                "folder-twice",
                "done and failed files need folders of their own",
                "rename one",
            );
        }
        let config = Self {
            name: format!("{system}/{name}"),
            folder: folder.unwrap_or_default().to_owned(),
            pattern,
            done,
            failed,
            settle_ms: files.duration_ms("settle", 2_000, 0..=DAY_MS),
            poll_ms: files.duration_ms("poll", 1_000, 10..=DAY_MS),
            order: files.choice("order", Order::Name, &[("name", Order::Name), ("mtime", Order::Modified)]),
            max_file_bytes: files.size_bytes("max_file", 5 << 30, 1..=1 << 40),
            format,
        };
        if folder.is_some_and(|folder| folder.is_empty() || folder.contains('\0')) {
            files.note(Reason::new("folder-malformed", "this is not a folder").at(files.at("folder")));
        }
        files.finish();
        folder.map(|_| config)
    }
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
