//! The files of a workspace: found, bounded, read as text, and hashed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use lineshaft_model::Reason;
use sha2::{Digest, Sha256};

use super::marked::Mark;
use super::problem::{Problem, Problems};
use super::spelling;

/// The most files of a workspace.
const MOST_FILES: usize = 10_000;
/// The largest YAML or jq file, in bytes.
const MOST_TEXT_BYTES: u64 = 4 << 20;
/// The largest code list, in bytes.
const MOST_CODES_BYTES: u64 = 64 << 20;

/// Folders inside each other below `tests`.
const DEEPEST: usize = 8;

/// What a folder of a workspace holds.
struct Folder {
    name: &'static str,
    extensions: &'static [&'static str],
    most_bytes: u64,
    /// Folders whose files this version leaves alone.
    later: bool,
}

const FOLDERS: &[Folder] = &[
    Folder { name: "systems", extensions: &["yaml"], most_bytes: MOST_TEXT_BYTES, later: false },
    Folder { name: "contracts", extensions: &["yaml"], most_bytes: MOST_TEXT_BYTES, later: false },
    Folder { name: "mappings", extensions: &["jq"], most_bytes: MOST_TEXT_BYTES, later: false },
    Folder { name: "layouts", extensions: &["yaml", "txt"], most_bytes: MOST_TEXT_BYTES, later: false },
    Folder { name: "codes", extensions: &["csv"], most_bytes: MOST_CODES_BYTES, later: false },
    Folder { name: "routes", extensions: &["yaml"], most_bytes: MOST_TEXT_BYTES, later: false },
    Folder { name: "processes", extensions: &["yaml"], most_bytes: MOST_TEXT_BYTES, later: false },
    Folder { name: "policies", extensions: &["cedar"], most_bytes: MOST_TEXT_BYTES, later: false },
    Folder { name: "tests", extensions: &["yaml"], most_bytes: MOST_TEXT_BYTES, later: true },
];

/// The file every workspace has.
pub const MAIN: &str = "lineshaft.yaml";
/// The file that says who owns what.
pub const OWNERSHIP: &str = "ownership.yaml";
/// Files beside the folders; the second part says whether this version reads them.
const SINGLE: &[(&str, bool)] = &[(MAIN, true), (OWNERSHIP, true), ("slas.yaml", false)];

/// The texts of a workspace by their path within it, with `/` between the parts.
#[derive(Clone, Debug, Default)]
pub struct Files {
    root: PathBuf,
    texts: BTreeMap<String, String>,
}

impl Files {
    /// Reads everything below `root` that belongs to a workspace. What cannot be read is a problem and is left out.
    pub fn read(root: &Path, problems: &mut Problems) -> Self {
        let mut files = Self { root: root.to_owned(), texts: BTreeMap::new() };
        let Some(listed) = files.list("", problems) else { return files };
        if !listed.iter().any(|(name, _)| name == MAIN) {
            problems.push(
                Problem::error(
                    MAIN,
                    Mark::default(),
                    "file-missing",
                    "a workspace has a `lineshaft.yaml`, and there is none here",
                )
                .hint("create it (it may be empty), or begin with `lineshaft new DIR`"),
            );
        }
        for (name, is_folder) in listed {
            if is_folder {
                match FOLDERS.iter().find(|folder| folder.name == name) {
                    Some(folder) if !folder.later => files.read_folder(folder, problems),
                    Some(_) => {}
                    None => stray_folder(&name, problems),
                }
            } else if SINGLE.iter().any(|(single, read)| *single == name && *read) {
                files.read_one(name, MOST_TEXT_BYTES, problems);
            } else {
                stray_file(&name, problems);
            }
        }
        files
    }

    /// The workspace as it was at a revision of its Git repository. Only what a workspace reads is taken.
    pub fn at_revision(root: &Path, revision: &str) -> Result<Self, Reason> {
        let listed = git(root, &["ls-tree", "-r", "--name-only", "-z", revision, "./"])?;
        let mut files = Self { root: root.to_owned(), texts: BTreeMap::new() };
        let belongs = |path: &&str| match path.split_once('/') {
            None => SINGLE.iter().any(|(single, read)| single == path && *read),
            Some((folder, name)) => FOLDERS.iter().any(|known| {
                let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
                known.name == folder && !known.later && known.extensions.contains(&extension)
            }),
        };
        for path in listed.split('\0').filter(belongs).take(MOST_FILES) {
            let text = git(root, &["show", &format!("{revision}:./{path}")])?;
            files.texts.insert(path.to_owned(), text);
        }
        Ok(files)
    }

    /// The tests of a workspace: every YAML file below `tests`. They are no part of what runs.
    #[must_use]
    pub fn tests(root: &Path, problems: &mut Problems) -> Self {
        let mut files = Self { root: root.to_owned(), texts: BTreeMap::new() };
        if root.join("tests").is_dir() {
            files.read_below("tests", problems);
        }
        files
    }

    fn read_below(&mut self, folder: &str, problems: &mut Problems) {
        for (name, is_folder) in self.list(folder, problems).unwrap_or_default() {
            let path = format!("{folder}/{name}");
            if is_folder && path.matches('/').count() <= DEEPEST {
                self.read_below(&path, problems);
            } else if name.ends_with(".yaml") {
                self.read_one(path, MOST_TEXT_BYTES, problems);
            }
        }
    }

    /// The folder they were read from.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The text of one file.
    #[must_use]
    pub fn text(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// The files of one folder: name within the folder without its extension, path, text.
    pub fn of(&self, folder: &str) -> impl Iterator<Item = (&str, &str, &str)> {
        let start = format!("{folder}/");
        self.texts.iter().filter_map(move |(path, text)| {
            let name = path.strip_prefix(&start)?;
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            Some((stem, path.as_str(), text.as_str()))
        })
    }

    /// SHA-256 over every file's path and text, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut sum = Sha256::new();
        for (path, text) in &self.texts {
            for part in [path, text] {
                sum.update(part.len().to_le_bytes());
                sum.update(part.as_bytes());
            }
        }
        hex::encode(sum.finalize())
    }

    /// Names in a folder below the root, sorted, and whether each is a folder; hidden ones are left out.
    fn list(&self, folder: &str, problems: &mut Problems) -> Option<Vec<(String, bool)>> {
        let path = self.root.join(folder);
        let unreadable = |error: &std::io::Error| {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "give the folder that holds `lineshaft.yaml`, or begin with `lineshaft new DIR`"
                }
                _ => "let the user of this command read the folder",
            };
            let shown = path.display().to_string();
            let message = format!("the folder cannot be read: {error}");
            Problem::error(&shown, Mark::default(), "file-unreadable", message).hint(hint)
        };
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(unreadable(&error));
                return None;
            }
        };
        let mut names = Vec::new();
        for entry in entries.take(MOST_FILES + 1) {
            match entry {
                Ok(entry) => {
                    if let Some(name) = entry.file_name().to_str().filter(|name| !name.starts_with('.')) {
                        names.push((name.to_owned(), entry.path().is_dir()));
                    }
                }
                Err(error) => problems.push(unreadable(&error)),
            }
        }
        names.sort();
        Some(names)
    }

    fn read_folder(&mut self, folder: &Folder, problems: &mut Problems) {
        for (name, is_folder) in self.list(folder.name, problems).unwrap_or_default() {
            let path = format!("{}/{name}", folder.name);
            let extension = Path::new(&name).extension().and_then(OsStr::to_str);
            if is_folder {
                let message = "folders inside this one are not read";
                problems.push(
                    Problem::warning(&path, Mark::default(), "file-unused", message)
                        .hint(format!("move its files up into `{}`", folder.name)),
                );
            } else if extension.is_some_and(|found| folder.extensions.contains(&found)) {
                self.read_one(path, folder.most_bytes, problems);
            } else if extension != Some("md") {
                problems.push(
                    Problem::warning(&path, Mark::default(), "file-unused", "this file is not read")
                        .hint(format!("files here end with `.{}`", folder.extensions.join("` or `."))),
                );
            }
        }
    }

    fn read_one(&mut self, path: String, most_bytes: u64, problems: &mut Problems) {
        if self.texts.len() >= MOST_FILES {
            let message = format!("more than {MOST_FILES} files");
            problems.push(
                Problem::error(&path, Mark::default(), "workspace-too-large", message)
                    .hint("split the workspace"),
            );
            return;
        }
        match self.text_of(&path, most_bytes) {
            Ok(text) => {
                self.texts.insert(path, text);
            }
            Err(problem) => problems.push(*problem),
        }
    }

    fn text_of(&self, path: &str, most_bytes: u64) -> Result<String, Box<Problem>> {
        let whole = |code: &str, message: String, hint: &str| {
            Box::new(Problem::error(path, Mark::default(), code, message).hint(hint))
        };
        let unreadable = |error: std::io::Error| {
            whole(
                "file-unreadable",
                format!("the file cannot be read: {error}"),
                "let the user of this command read it",
            )
        };
        // Links are followed, because configuration is often mounted through them, but never out of the workspace.
        let root = self.root.canonicalize().map_err(unreadable)?;
        let real = self.root.join(path).canonicalize().map_err(unreadable)?;
        if !real.starts_with(&root) {
            let hint = "put the file itself into the workspace";
            return Err(whole("file-outside", "the link leads out of the workspace".to_owned(), hint));
        }
        let size = std::fs::metadata(&real).map_err(unreadable)?.len();
        if size > most_bytes {
            let message = format!("{size} bytes are more than the {most_bytes} that are read");
            return Err(whole("file-too-large", message, "split the file"));
        }
        let bytes = std::fs::read(&real).map_err(unreadable)?;
        String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let place = lineshaft_mapping::Place::of(&before, good..good);
            let mark = Mark { line: place.line, column: place.column, start: good, end: good };
            Box::new(
                Problem::error(path, mark, "file-not-utf8", "this byte is not UTF-8")
                    .hint("save the file as UTF-8"),
            )
        })
    }
}

/// What `git` says about the repository that a folder is in.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, Reason> {
    let failed = |why: &str| {
        let message = format!("`git {}` failed: {}", arguments.first().unwrap_or(&""), why.trim());
        Reason::new("revision-unreadable", message).at(folder.display().to_string()).hint(
            "name a revision of the repository that the workspace is in, or the folder of an older copy",
        )
    };
    let ran = std::process::Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let output = ran.map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("what it wrote is not UTF-8"))
}

fn stray_folder(name: &str, problems: &mut Problems) {
    if let Some(meant) = spelling::closest(name, FOLDERS.iter().map(|folder| folder.name)) {
        problems.push(
            Problem::warning(
                name,
                Mark::default(),
                "file-unused",
                "a workspace has no such folder, so it is not read",
            )
            .hint(format!("did you mean `{meant}`?")),
        );
    }
}

/// A README or a compose file beside a workspace is nobody's business; what looks like a slip is.
fn stray_file(name: &str, problems: &mut Problems) {
    if SINGLE.iter().any(|(single, _)| *single == name) {
        return;
    }
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    let known = SINGLE.iter().map(|(single, _)| single.trim_end_matches(".yaml"));
    if let Some(meant) = stem.and_then(|stem| spelling::closest(stem, known)) {
        problems.push(
            Problem::warning(
                name,
                Mark::default(),
                "file-unused",
                "a workspace has no such file, so it is not read",
            )
            .hint(format!("did you mean `{meant}.yaml`?")),
        );
    }
}
