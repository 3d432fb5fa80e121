//! A file system that is not there: every path exists that could on a usual machine, links are those that the steps made, and the texts of files are
//! known as far as the steps wrote them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use writ_model::Operation;

use super::{HOME, ROOT, Step, field};
use crate::classify::{self, Facts};
use crate::place::{Entry, Files, Name};
use crate::taint::{self, Change};

/// Most links that are remembered.
const LINKS: usize = 1_000;
/// Most files whose text is remembered, and most bytes of all of them.
const TEXTS: usize = 1_000;
const TEXT_BYTES: usize = 4 << 20;

/// Folders at the root of usual machines. `/react` in a line is a route or a name, no file.
const ROOTS: &[&str] = &[
    "app",
    "applications",
    "bin",
    "boot",
    "build",
    "builds",
    "code",
    "data",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "library",
    "media",
    "mnt",
    "nix",
    "opt",
    "private",
    "proc",
    "project",
    "projects",
    "repo",
    "repos",
    "root",
    "run",
    "sbin",
    "secrets",
    "snap",
    "src",
    "srv",
    "sys",
    "system",
    "tmp",
    "users",
    "usr",
    "var",
    "volumes",
    "work",
    "workspace",
    "workspaces",
];

fn is_usual(path: &Path) -> bool {
    path.to_str().and_then(|path| path.strip_prefix('/')).is_none_or(|path| {
        let first = path.split('/').next().unwrap_or_default().to_lowercase();
        first.is_empty() || first.starts_with('.') || ROOTS.contains(&first.as_str())
    })
}

/// What the steps made so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawn {
    links: BTreeMap<PathBuf, PathBuf>,
    texts: BTreeMap<PathBuf, Text>,
    bytes: usize,
}

/// What is known of the text of a file.
#[derive(Clone, Debug, Default)]
struct Text {
    text: Arc<str>,
    /// Not only the parts that the steps put in.
    is_whole: bool,
}

// === impl Drawn ===

impl Drawn {
    /// Remembers the links that a step makes and that a later part of the same line could use.
    pub fn foresee(&mut self, step: &Step) {
        self.learn_links(step, true);
    }

    /// Remembers what a step made. `written`: real paths of all that it wrote.
    pub fn learn<'a>(&mut self, step: &Step, written: impl Iterator<Item = &'a str>) {
        self.learn_links(step, false);
        let before = self.clone();
        for path in written {
            // What is not known to be otherwise is not known any more.
            self.put(PathBuf::from(path), None);
        }
        match &step.operation {
            Operation::Write { paths } => self.learn_tool(step, paths, &before),
            Operation::Shell { command } => self.learn_line(step, command, &before),
            Operation::Read { .. }
            | Operation::Search { .. }
            | Operation::Fetch { .. }
            | Operation::WebSearch { .. }
            | Operation::Mcp { .. }
            | Operation::Push(_)
            | Operation::Request(_)
            | Operation::Spawn { .. }
            | Operation::Notes
            | Operation::Unknown { .. } => {}
        }
    }

    fn learn_links(&mut self, step: &Step, but_last: bool) {
        let Operation::Shell { command } = &step.operation else { return };
        let cwd = Path::new(ROOT).join(&step.cwd);
        let parts = taint::links(command);
        let taken = parts.len().saturating_sub(usize::from(but_last));
        for (link, target) in parts.into_iter().take(taken).flatten() {
            if self.links.len() < LINKS {
                self.links.insert(cwd.join(link).components().collect(), PathBuf::from(target));
            }
        }
    }

    /// What a tool wrote, as far as its arguments tell.
    fn learn_tool(&mut self, step: &Step, paths: &[String], before: &Self) {
        let Value::Object(arguments) = &step.arguments else { return };
        let at = |path: &String| real(&step.cwd, path);
        match (step.tool.as_str(), paths) {
            ("delete_file", _) => {}
            ("move_file", [from, to]) => {
                let text = before.known(&at(from)).cloned();
                self.put(at(to), text);
            }
            (tool, [path]) => {
                let path = at(path);
                let old = before.known(&path);
                let new = match (tool, field::text(arguments, &["content", "contents", "text", "file_text"]))
                {
                    ("append_file", Some(content)) => Some(Text::behind(old, content)),
                    (_, Some(content)) => Some(Text { text: content.into(), is_whole: true }),
                    // What an edit leaves as it was is the project's own.
                    (_, None) => edited(arguments, old),
                };
                self.put(path, new);
            }
            _ => {}
        }
    }

    /// What a command line wrote, as far as its words tell.
    fn learn_line(&mut self, step: &Step, command: &str, before: &Self) {
        let cwd = Path::new(ROOT).join(&step.cwd);
        let facts = Facts { workspace: Some(ROOT), cwd: cwd.to_str(), home: Some(HOME), ..Facts::default() };
        for written in classify::classify(command, &facts).written {
            let path = real(&step.cwd, &written.file);
            let text = match written.appends {
                true => Text::behind(self.known(&path).or_else(|| before.known(&path)), &written.text),
                false => Text { text: written.text.as_str().into(), is_whole: true },
            };
            self.put(path, Some(text));
        }
        for change in taint::changes(command) {
            match change {
                Change::Copied { from, to, is_moved } => {
                    let (from, to) = (real(&step.cwd, &from), real(&step.cwd, &to));
                    let text = self.known(&from).or_else(|| before.known(&from)).cloned();
                    self.put(to, text);
                    if is_moved {
                        self.put(from, None);
                    }
                }
                Change::Edited { file, edits } => {
                    let path = real(&step.cwd, &file);
                    let old = self.known(&path).or_else(|| before.known(&path)).cloned().unwrap_or_default();
                    let text =
                        edits.iter().fold(old.text.to_string(), |text, edit| edit.of(&text, old.is_whole));
                    self.put(path, Some(Text { text: text.into(), is_whole: old.is_whole }));
                }
                Change::Removed { file } => self.put(real(&step.cwd, &file), None),
            }
        }
    }

    fn known(&self, path: &Path) -> Option<&Text> {
        self.texts.get(path)
    }

    fn put(&mut self, path: PathBuf, text: Option<Text>) {
        if let Some(old) = self.texts.remove(&path) {
            self.bytes -= old.text.len();
        }
        if let Some(text) = text
            && self.texts.len() < TEXTS
            && self.bytes + text.text.len() <= TEXT_BYTES
        {
            self.bytes += text.text.len();
            self.texts.insert(path, text);
        }
    }
}

impl Files for Drawn {
    fn entry(&self, path: &Path) -> Entry {
        match self.links.get(path) {
            Some(target) => Entry::Link(target.clone()),
            None if is_usual(path) || self.texts.contains_key(path) => Entry::Plain,
            None => Entry::Missing,
        }
    }

    fn text(&self, root: &Path, path: &Path, most: u64) -> Option<String> {
        let mut path = path.to_path_buf();
        for _ in 0..8 {
            match self.links.get(&path) {
                Some(target) => {
                    let folder = path.parent()?.join(target);
                    path = cleaned(&folder);
                }
                None => break,
            }
        }
        let text = &self.known(&path).filter(|_| path.starts_with(root))?.text;
        (text.len() as u64 <= most).then(|| text.to_string())
    }

    fn names(&self, folder: &Path, most: usize) -> Vec<Name> {
        let mut found: Vec<Name> = Vec::new();
        for rest in self.texts.keys().filter_map(|path| path.strip_prefix(folder).ok()) {
            let mut parts = rest.components();
            let Some(name) = parts.next().and_then(|part| part.as_os_str().to_str()) else { continue };
            if found.len() < most && !found.iter().any(|other| other.name == name) {
                found.push(Name { name: name.to_owned(), is_folder: parts.next().is_some() });
            }
        }
        found
    }
}

// === impl Text ===

impl Text {
    fn behind(old: Option<&Self>, more: &str) -> Self {
        match old {
            Some(old) => Self { text: format!("{}{more}", old.text).into(), is_whole: old.is_whole },
            None => Self { text: more.into(), is_whole: false },
        }
    }
}

/// The text after an edit whose arguments say what is put in; otherwise only that the file is the project's.
fn edited(arguments: &Map<String, Value>, old: Option<&Text>) -> Option<Text> {
    let mut text = old.cloned().unwrap_or_default();
    let edits = field::list(arguments, "edits").unwrap_or_default();
    for edit in edits.into_iter().filter_map(Value::as_object).chain([arguments]) {
        let new = field::text(
            edit,
            &["new_string", "newString", "new_str", "new_text", "replacement", "insert_text"],
        );
        let from = field::text(edit, &["old_string", "oldString", "old_str", "old_text"]);
        let put = match (new, field::text(edit, &["patch", "diff"])) {
            (Some(new), _) => new.to_owned(),
            (None, Some(patch)) => added(patch),
            (None, None) => continue,
        };
        text.text = match from.filter(|from| !from.is_empty() && text.text.contains(*from)) {
            Some(from) => text.text.replacen(from, &put, 1).into(),
            None => format!("{}\n{put}\n", text.text).into(),
        };
    }
    Some(text)
}

/// The lines that a patch adds; all of it where it is no patch.
fn added(patch: &str) -> String {
    let is_patch = patch.contains("@@") || patch.lines().any(|line| line.starts_with('+'));
    if !is_patch {
        return patch.to_owned();
    }
    let lines =
        patch.lines().filter(|line| !line.starts_with("+++")).filter_map(|line| line.strip_prefix('+'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Where a name leads in the made-up folders.
fn real(cwd: &str, name: &str) -> PathBuf {
    let name = match name.strip_prefix("~/") {
        Some(rest) => Path::new(HOME).join(rest),
        None => PathBuf::from(name),
    };
    cleaned(&Path::new(ROOT).join(cwd).join(name))
}

fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = clean.pop(),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => clean.push(part),
        }
    }
    clean
}
