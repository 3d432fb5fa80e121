//! What binds and is new, or not as it was: told when a task ends, sort by sort, so that no crowd of one sort pushes
//! another out of sight.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use writ_model::{Binding, Timestamp};

use super::super::index::Index;
use super::super::repository::{self, Repository};
use super::super::walk::entries;
use super::survey::{Survey, Unit, could_be_built};
use crate::screen;

/// Files of one folder that are looked at.
const MOST_FILES: usize = 2_000;
/// Files that are remembered from before.
const MOST_LOOKS: usize = 100_000;
/// Lines of one sort.
const MOST_LINES: usize = 8;
/// Files of a folder that are named.
const FEW_FILES: usize = 3;

/// Who would run or obey it. The gravest first: what runs soonest, and unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    /// What git outside would take for a repository now, and what it would not take any more.
    Repository,
    Git,
    Shell,
    Agent,
    Editor,
    Packages,
    Integration,
    Instructions,
}

/// What a file was like. When it was changed last is the kernel's to say, and nobody inside can set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
    /// The same of what a link leads to.
    end: Option<(u64, u64, u64, (i64, i64))>,
}

/// Everything that binds, as it was when the task began.
#[derive(Debug)]
pub(in crate::cli::run) struct Before {
    looks: HashMap<PathBuf, Look>,
    /// Folders that git would take for a repository.
    repositories: BTreeSet<PathBuf>,
    /// Those of them that are the workspace's own.
    own: Vec<PathBuf>,
    /// The file that leads to them is there.
    pointer: bool,
    complete: bool,
    /// What git's index had of those files.
    versions: HashMap<PathBuf, Vec<u8>>,
    index: Index,
    /// Folders in which cargo may build, and whether they were marked so.
    cargo: BTreeMap<PathBuf, bool>,
    /// In seconds since 1970.
    began: i64,
    home: Option<PathBuf>,
    /// Folders that could not be looked into, and so were empty inside.
    closed: HashMap<PathBuf, Look>,
}

/// What is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli::run) struct Changes {
    sorts: BTreeMap<Sort, Changed>,
    /// What git inside wanted to replace or remove, and could not.
    unreplaced: Vec<String>,
    /// Folders that look built by now, and were there before.
    marked: Vec<String>,
    /// Folders that git had files in, and that look installed or built where it has none.
    taken_out: Vec<String>,
    /// Something was not looked at.
    incomplete: bool,
    /// Folders that could not be looked into.
    closed: BTreeSet<PathBuf>,
    /// Git's index is there and could not be read.
    unread: bool,
}

/// What is told of one sort.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changed {
    lines: Vec<String>,
    /// Files and folders that got no line.
    more: usize,
    /// Files in folders of dependencies.
    built: usize,
}

/// A file, or a folder with its files, that is told in one line.
struct Told {
    sort: Sort,
    path: PathBuf,
    /// Looked at below it; nothing for itself.
    below: Vec<PathBuf>,
    built: bool,
}

/// Files of one folder.
#[derive(Default)]
struct Files {
    found: Vec<PathBuf>,
    /// There were more.
    cut: bool,
    /// Folders that could not be looked into.
    closed: Vec<PathBuf>,
}

// === impl Sort ===

impl Sort {
    const fn of(binding: Binding) -> Self {
        match binding {
            Binding::GitConfig | Binding::GitHook => Self::Git,
            Binding::Environment | Binding::Program | Binding::Scheduled | Binding::ShellProfile => {
                Self::Shell
            }
            Binding::AgentSettings | Binding::McpSettings | Binding::Own => Self::Agent,
            Binding::EditorTask | Binding::ToolSettings => Self::Editor,
            Binding::BuildScript
            | Binding::LockFile
            | Binding::ManifestScripts
            | Binding::PackageSettings => Self::Packages,
            Binding::Ci => Self::Integration,
            Binding::Instructions => Self::Instructions,
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Repository => {
                "git in that folder or below, by settings of a repository that was not there before:"
            }
            Self::Git => "git, or what watches over it:",
            Self::Shell => "a shell, on entering the folder:",
            Self::Agent => "a coding agent, as settings:",
            Self::Editor => "an editor or a debugger:",
            Self::Packages => "a package manager, a build or a linter:",
            Self::Integration => "continuous integration:",
            Self::Instructions => "a coding agent, as instructions:",
        }
    }
}

// === impl Before ===

impl Before {
    /// How everything is now, when the task begins.
    pub(in super::super) fn of(
        workspace: &Path,
        home: Option<&Path>,
        survey: &Survey,
        repository: &Repository,
        index: Index,
        began: Timestamp,
    ) -> Self {
        let mut looks = HashMap::new();
        let mut complete = survey.complete;
        for told in all(workspace, survey, repository) {
            let Files { found, cut, closed: _ } = told.files();
            complete &= !cut && looks.len() < MOST_LOOKS;
            for path in found.into_iter().take(MOST_LOOKS.saturating_sub(looks.len())) {
                if let Some(look) = Look::at(&path) {
                    looks.insert(path, look);
                }
            }
        }
        let began = i64::try_from(Timestamp::EPOCH.until(began).as_secs()).unwrap_or(i64::MAX);
        let nested = survey.repositories.iter().map(|folder| workspace.join(folder));
        let repositories = nested.filter(|folder| !has_no_head(folder)).collect();
        let own: Vec<PathBuf> =
            repository.own.iter().filter(|folder| repository::is_taken(folder)).cloned().collect();
        let pointer = workspace.join(".git").is_file();
        let version = |path: &PathBuf| {
            let digest = index.digest(path.strip_prefix(workspace).ok()?)?;
            Some((path.clone(), digest.to_vec()))
        };
        let versions = looks.keys().filter_map(version).collect();
        let closed = closed(workspace, survey, repository);
        let closed = closed.filter_map(|path| Look::at(&path).map(|look| (path, look))).collect();
        let home = home.map(Path::to_owned);
        let cargo = survey.cargo.clone();
        Self { looks, repositories, own, pointer, complete, versions, index, cargo, began, home, closed }
    }

    /// What is new or changed by now.
    pub(in crate::cli::run) fn changes(&self, workspace: &Path) -> Changes {
        let index = Index::of(self.own.last().unwrap_or(&workspace.join(".git")));
        let mut survey = Survey::after(workspace, &[&self.index, &index]);
        let repository = repository::of(workspace, &survey.repositories, self.home.as_deref());
        survey.lead(workspace, &repository);
        let unreplaced = self.unreplaced(workspace, &index);
        let (incomplete, unread) = (!survey.complete, index.is_unread());
        let mut changes = Changes { incomplete, unreplaced, unread, ..Changes::default() };
        changes.closed.extend(closed(workspace, &survey, &repository));
        changes.marked = self.marked(&survey);
        changes.taken_out = self.taken_out(workspace, &index);
        self.tell_repositories(workspace, &survey, &mut changes);
        for told in all(workspace, &survey, &repository) {
            let Files { found, cut, closed } = told.files();
            changes.closed.extend(closed);
            let changed: Vec<&PathBuf> =
                found.iter().filter(|path| self.is_changed(path, told.built)).collect();
            if changed.is_empty() && !cut {
                continue;
            }
            let sort = changes.sorts.entry(told.sort).or_default();
            if told.built {
                sort.built = sort.built.saturating_add(changed.len());
            } else if sort.lines.len() < MOST_LINES {
                sort.lines.push(told.line(workspace, &changed, cut));
            } else {
                sort.more = sort.more.saturating_add(1);
            }
        }
        changes.sorts.retain(|_, changed| *changed != Changed::default());
        // What was closed all the time was empty inside.
        let is_as_before = |path: &PathBuf| {
            self.closed.get(path).is_some_and(|before| Look::at(path).as_ref() == Some(before))
        };
        let mut closed: Vec<&PathBuf> = changes.closed.iter().collect();
        // What lies in one of them is as closed.
        closed.dedup_by(|path, around| path.starts_with(around));
        let closed = closed.into_iter().filter(|path| !is_as_before(path));
        changes.closed = closed.map(|path| path.strip_prefix(workspace).unwrap_or(path).to_owned()).collect();
        changes
    }

    /// Files that are as they were while the index has another version of them by now, or none: git inside checked something
    /// out, could not replace what is kept, and ended as if it had.
    fn unreplaced(&self, workspace: &Path, index: &Index) -> Vec<String> {
        if index.is_empty() {
            return Vec::new();
        }
        let is_left = |(path, before): &(&PathBuf, &Vec<u8>)| {
            let Ok(below) = path.strip_prefix(workspace) else { return false };
            let is_other = match index.digest(below) {
                Some(now) => now != before.as_slice() && !index.has(path, below),
                // A folder may stand for all that is in it.
                None => !index.has_below(below),
            };
            is_other && Look::at(path).is_some_and(|now| self.looks.get(*path) == Some(&now))
        };
        let left = self.versions.iter().filter(is_left);
        let mut names: Vec<String> =
            left.map(|(path, _)| screen::path(path.strip_prefix(workspace).unwrap_or(path))).collect();
        names.sort();
        names
    }

    /// Folders that were there before and are marked by now as those in which cargo builds.
    fn marked(&self, survey: &Survey) -> Vec<String> {
        let is_new = |path: &&PathBuf| match self.cargo.get(*path) {
            Some(was_marked) => !was_marked,
            None => !self.complete,
        };
        let marked = survey.cargo.iter().filter_map(|(path, is_marked)| is_marked.then_some(path));
        marked.filter(is_new).map(|path| screen::path(path)).collect()
    }

    /// Folders of which the index has nothing any more, so that they would count as what installing or building made.
    fn taken_out(&self, workspace: &Path, index: &Index) -> Vec<String> {
        let folders: BTreeSet<PathBuf> = self.index.paths().filter_map(could_be_built).collect();
        let out = folders.iter().filter(|folder| !index.has_below(folder) && workspace.join(folder).is_dir());
        out.map(|folder| screen::path(folder)).collect()
    }

    /// Tells of repositories that git would take and did not before, and of those that are gone, where it would look for
    /// another one.
    fn tell_repositories(&self, workspace: &Path, survey: &Survey, changes: &mut Changes) {
        let name = |path: &Path| {
            let below = path.strip_prefix(workspace).unwrap_or(path);
            if below.as_os_str().is_empty() { "the workspace itself".to_owned() } else { screen::path(below) }
        };
        let lost = self.own.iter().filter(|folder| !repository::is_taken(folder)).map(PathBuf::as_path);
        let entry = workspace.join(".git");
        let pointer = Some(entry.as_path()).filter(|entry| self.pointer && !entry.is_file());
        let mut lines: Vec<String> = lost
            .chain(pointer)
            .map(|folder| {
                format!("{} is no repository any more: git would take another for it", name(folder))
            })
            .collect();
        let nested = survey.repositories.iter().map(|folder| workspace.join(folder));
        let new = nested.filter(|folder| !self.repositories.contains(folder) && !has_no_head(folder));
        lines.extend(new.map(|folder| format!("{} is a repository now", name(&folder))));
        if lines.is_empty() {
            return;
        }
        let told = changes.sorts.entry(Sort::Repository).or_default();
        told.more = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        told.lines = lines;
    }

    fn is_changed(&self, path: &Path, built: bool) -> bool {
        let Some(now) = Look::at(path) else { return false };
        match self.looks.get(path) {
            Some(before) => *before != now,
            // What was not looked at before counts by the time of its last change.
            None => (self.complete && !built) || now.is_since(self.began),
        }
    }
}

/// Folders that could not be looked into.
fn closed<'a>(
    workspace: &'a Path,
    survey: &'a Survey,
    repository: &'a Repository,
) -> impl Iterator<Item = PathBuf> + 'a {
    let below = survey.closed.iter().map(move |path| {
        if path.as_os_str().is_empty() { workspace.to_owned() } else { workspace.join(path) }
    });
    below.chain(repository.closed.iter().cloned())
}

/// Whether a folder is certainly no repository.
fn has_no_head(folder: &Path) -> bool {
    folder.join("HEAD").symlink_metadata().is_err()
}

/// Everything that binds: the repositories first, then what lies nearest to the root.
fn all<'a>(
    workspace: &'a Path,
    survey: &'a Survey,
    repository: &'a Repository,
) -> impl Iterator<Item = Told> + 'a {
    let one = |sort, path| Told { sort, path, below: Vec::new(), built: false };
    let folders = repository.folders.iter().map(move |folder| {
        let below = repository::PROTECTED.iter().chain(&repository::BEGUN);
        Told { below: below.map(|name| folder.join(name)).collect(), ..one(Sort::Git, folder.clone()) }
    });
    let pointers = survey.pointers.iter().map(move |path| one(Sort::Git, workspace.join(path)));
    let own = std::iter::once(workspace.join(".git")).filter(|path| path.is_file());
    let own = own.map(move |path| one(Sort::Git, path));
    let named = repository.named.folders.iter().chain(&repository.named.files);
    let named = named
        .filter(move |path| path.starts_with(workspace) && path.as_path() != workspace)
        .map(move |path| one(Sort::Git, path.clone()));
    let units = survey.units.iter().map(move |Unit { path, binding, built }| Told {
        built: *built,
        ..one(Sort::of(*binding), workspace.join(path))
    });
    folders.chain(own).chain(pointers).chain(named).chain(units)
}

// === impl Told ===

impl Told {
    fn files(&self) -> Files {
        let mut files = Files::default();
        let mut open = if self.below.is_empty() { vec![self.path.clone()] } else { self.below.clone() };
        let mut left = MOST_FILES;
        let mut is_first = true;
        while let Some(path) = open.pop() {
            let Ok(found) = path.symlink_metadata() else { continue };
            // A folder that stands in another place is looked into where a name of ours leads to it.
            let is_folder = found.is_dir() || (is_first && self.below.is_empty() && path.is_dir());
            is_first = false;
            // What git ships as an example runs for nobody.
            let is_example = self.sort == Sort::Git && path.extension().is_some_and(|end| end == "sample");
            if !found.is_dir() && !is_example {
                files.found.push(path.clone());
            }
            if is_folder {
                let Ok(entries) = entries(&path, left) else {
                    files.closed.push(path);
                    continue;
                };
                for (name, _) in entries {
                    let Some(fewer) = left.checked_sub(1) else {
                        files.cut = true;
                        break;
                    };
                    left = fewer;
                    open.push(path.join(name));
                }
            }
        }
        files
    }

    fn line(&self, workspace: &Path, changed: &[&PathBuf], cut: bool) -> String {
        let path = self.path.strip_prefix(workspace).unwrap_or(&self.path);
        let is_root = path.as_os_str().is_empty();
        let path = if is_root { "the workspace itself".to_owned() } else { screen::path(path) };
        if let [only] = changed
            && *only == &self.path
        {
            return path;
        }
        let names = changed.iter().filter_map(|file| file.strip_prefix(&self.path).ok());
        let named = |name: &Path| {
            if name.as_os_str().is_empty() { "the link itself".to_owned() } else { screen::path(name) }
        };
        let mut names: Vec<String> = names.take(FEW_FILES).map(named).collect();
        if changed.len() > names.len() {
            names.push("…".to_owned());
        }
        let count = match (changed.len(), cut) {
            (count, true) => format!("{count} files or more; it holds more than are looked at"),
            (1, false) => "1 file".to_owned(),
            (count, false) => format!("{count} files"),
        };
        let colon = if names.is_empty() { "" } else { ": " };
        format!("{path} ({count}{colon}{})", names.join(", "))
    }
}

// === impl Look ===

impl Look {
    fn at(path: &Path) -> Option<Self> {
        let found = path.symlink_metadata().ok()?;
        let of =
            |found: &Metadata| (found.dev(), found.ino(), found.size(), (found.ctime(), found.ctime_nsec()));
        let end = found.is_symlink().then(|| path.metadata().ok()).flatten();
        let (device, inode, size, changed) = of(&found);
        Some(Self { device, inode, size, changed, end: end.as_ref().map(of) })
    }

    fn is_since(&self, began: i64) -> bool {
        self.changed.0 >= began || self.end.is_some_and(|(_, _, _, changed)| changed.0 >= began)
    }
}

// === impl Changes ===

impl Changes {
    /// The lines for a person; none when there is nothing to look at.
    pub(in crate::cli::run) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.closed.is_empty() {
            lines.push(
                "  NOT ALL WAS LOOKED AT: these cannot be listed or searched, so whatever lies in them is unknown; open them \
                 (`chmod u+rwx`), look, and run nothing there before:"
                    .to_owned(),
            );
            let name = |path: &PathBuf| match path.as_os_str().is_empty() {
                true => "    the workspace itself".to_owned(),
                false => format!("    {}", screen::path(path)),
            };
            lines.extend(self.closed.iter().take(MOST_LINES).map(name));
            let more = self.closed.len().saturating_sub(MOST_LINES);
            if more > 0 {
                lines.push(format!("    … and {more} more"));
            }
        }
        if self.incomplete {
            lines.push(
                "  NOT ALL WAS LOOKED AT: the workspace holds more names, or deeper ones, than are looked through for \
                 what tools run by themselves"
                    .to_owned(),
            );
        }
        if self.unread {
            lines.push(
                "  NOT ALL WAS LOOKED AT: git's index is too large or not understood, so nobody knows which files are not as \
                 git has them; look at `git status`"
                    .to_owned(),
            );
        }
        if !self.unreplaced.is_empty() {
            lines.push(
                "  NOT AS GIT HAS THEM: these are kept, so git inside could not replace or remove them; look at `git status`, and \
                 take them from the commit outside:"
                    .to_owned(),
            );
            lines.extend(self.unreplaced.iter().take(MOST_LINES).map(|name| format!("    {name}")));
            let more = self.unreplaced.len().saturating_sub(MOST_LINES);
            if more > 0 {
                lines.push(format!("    … and {more} more"));
            }
        }
        if !self.marked.is_empty() {
            lines.push(
                "  LOOKS BUILT NOW: these were marked as cargo's (`CACHEDIR.TAG`), so what binds in `debug`, `release` and the like in \
                 them is not kept from the next task; take the mark away where cargo did not make it:"
                    .to_owned(),
            );
            lines.extend(self.marked.iter().take(MOST_LINES).map(|name| format!("    {name}")));
            let more = self.marked.len().saturating_sub(MOST_LINES);
            if more > 0 {
                lines.push(format!("    … and {more} more"));
            }
        }
        if !self.taken_out.is_empty() {
            lines.push(
                "  NO LONGER GIT'S: git had files in these and its index has none now, so they count as installed or built, and what \
                 binds in them is not kept from the next task; look at `git status`, and take them back with `git reset`:"
                    .to_owned(),
            );
            lines.extend(self.taken_out.iter().take(MOST_LINES).map(|name| format!("    {name}")));
            let more = self.taken_out.len().saturating_sub(MOST_LINES);
            if more > 0 {
                lines.push(format!("    … and {more} more"));
            }
        }
        if self.sorts.is_empty() {
            return lines;
        }
        lines.push(
            "  LOOK AT THESE before you go on; tools run them, or obey them, without asking:".to_owned(),
        );
        for (sort, Changed { lines: told, more, built }) in &self.sorts {
            lines.push(format!("   {}", sort.told()));
            lines.extend(told.iter().map(|line| format!("    {line}")));
            if *more > 0 {
                lines.push(format!("    … and {more} more such files and folders, farther from the root"));
            }
            if *built > 0 {
                lines.push(format!("    and {built} files in folders of dependencies"));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn before(root: &Path) -> Before {
        let mut survey = Survey::before(root);
        let repository = repository::of(root, &survey.repositories, None);
        survey.lead(root, &repository);
        let began = Timestamp::from_millis(i64::MAX / 2);
        Before::of(root, None, &survey, &repository, repository::index(root), began)
    }

    #[test]
    fn a_crowd_of_one_sort_pushes_no_other_out() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        make(root, "src/main.rs", "");
        make(root, ".envrc", "old");
        let before = before(root);
        assert_eq!(before.changes(root), Changes::default());
        for number in 0..MOST_FILES + 10 {
            make(root, &format!(".buildkite/{number}.yml"), "");
        }
        for number in 0..50 {
            make(root, &format!("a{number}/AGENTS.md"), "");
        }
        make(root, "deep/down/here/.vscode/tasks.json", "{}");
        make(root, "evil/.git/config", "");
        make(root, "\u{1b}[2J/.envrc", "");
        let text = before.changes(root).lines().join("\n");
        for wanted in [
            "    deep/down/here/.vscode (1 file: tasks.json)",
            "    evil/.git (1 file: config)",
            "    .buildkite (2000 files or more",
            "\"\\u{1b}[2J/.envrc\"",
            "    … and 42 more such",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        assert!(!text.contains('\u{1b}') && text.lines().count() < 40, "{text}");
        assert!(text.find("evil/.git") < text.find("a0/AGENTS.md"), "{text}");
    }

    #[test]
    fn what_was_changed_and_looks_the_same_is_told() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        make(root, ".envrc", "old");
        make(root, "docs/told", "old");
        std::os::unix::fs::symlink("docs/told", root.join("CLAUDE.md")).unwrap();
        make(root, "node_modules/x/.npmrc", "");
        let before = before(root);
        let at = root.join(".envrc");
        let time = at.metadata().unwrap().modified().unwrap();
        // The kernel's clock for files moves in steps.
        let start = std::time::Instant::now();
        while start.elapsed() < std::time::Duration::from_millis(20) {
            std::thread::yield_now();
        }
        std::fs::write(&at, "new").unwrap();
        std::fs::File::options().write(true).open(&at).unwrap().set_modified(time).unwrap();
        std::fs::write(root.join("docs/told"), "new").unwrap();
        let text = before.changes(root).lines().join("\n");
        assert!(text.contains("    .envrc") && text.contains("    CLAUDE.md"), "{text}");
        assert!(!text.contains("npmrc"), "{text}");
    }
}
