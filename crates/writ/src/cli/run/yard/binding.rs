//! Files of a workspace that run by themselves later: on a person's machine, in continuous integration, in the next
//! session of an agent. Inside they are read-only, but for the kinds of work that are about them; what appears anew is
//! told when the task ends.
//!
//! Which names these are is said once, in `writ-policy`, so that the sandbox and the judge of a call mean the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use writ_model::{Binding, TaskKind};

use super::repository::Repository;
use super::trail::follow;

pub(in crate::cli::run) mod change;
mod lead;
pub(in crate::cli::run) mod survey;

use survey::{Survey, Unit};

/// Names that are told and not kept from change: an agent writes them in the course of ordinary work, and they run
/// nothing that settings, which are kept, do not name.
const ONLY_TOLD: [&str; 3] = [".gitattributes", ".gitmodules", ".lfsconfig"];

/// Most files and folders below the workspace that are kept from change.
const MOST_GUARDED: usize = 2_000;

/// Most names in one such folder that are looked through for links.
const MOST_IN_FOLDER: usize = 2_000;

/// What must not change inside, as paths that exist.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    /// Files and folders, without links.
    pub(super) read_only: BTreeSet<PathBuf>,
    /// Links that lead to them, none of which may be exchanged.
    pub(super) links: BTreeSet<PathBuf>,
    /// There was more than can be kept.
    pub(super) cut: bool,
}

/// Who asks for what in a workspace.
pub(super) struct Guard<'a> {
    pub(super) workspace: &'a Path,
    pub(super) kind: TaskKind,
    /// What a person said that the task may change.
    pub(super) opened: &'a dyn Fn(&Path) -> Opened,
}

/// How far a person opened a path for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opened {
    Closed,
    /// Something below it.
    InPart,
    Whole,
}

// === impl Guard ===

impl Guard<'_> {
    /// Everything that is there and must not be changed in such a task.
    pub(super) fn of(&self, survey: &Survey, repository: &Repository) -> Guarded {
        let mut guarded = Guarded::default();
        // In the order of what matters most, because there is an end to how many are taken.
        for path in &repository.protected {
            self.add(path, repository, &mut guarded);
        }
        for path in repository.named.folders.iter().chain(&repository.named.files).chain(&repository.begun) {
            if (self.opened)(path) == Opened::Closed {
                self.add(path, repository, &mut guarded);
            }
        }
        for path in &survey.pointers {
            self.add(&self.workspace.join(path), repository, &mut guarded);
        }
        for Unit { path, binding, built: _ } in &survey.units {
            let told = path.file_name().is_some_and(|name| ONLY_TOLD.iter().any(|told| name == *told))
                || *binding == Binding::BuildScript;
            let path = self.workspace.join(path);
            if !told && !is_about(self.kind, *binding) {
                self.add_closed(path, repository, &mut guarded);
            }
        }
        guarded
    }

    /// Adds a file or folder, but for what a person opened in it.
    fn add_closed(&self, path: PathBuf, repository: &Repository, guarded: &mut Guarded) {
        let mut open = vec![path];
        let mut left = MOST_IN_FOLDER;
        while let Some(path) = open.pop() {
            match (self.opened)(&path) {
                Opened::Whole => {}
                Opened::Closed => self.add(&path, repository, guarded),
                Opened::InPart => {
                    for entry in std::fs::read_dir(&path).into_iter().flatten().flatten().take(left) {
                        left = left.saturating_sub(1);
                        open.push(entry.path());
                    }
                }
            }
        }
    }

    /// Adds a file or folder with what leads to it, and what links in it lead to.
    fn add(&self, path: &Path, repository: &Repository, guarded: &mut Guarded) {
        let mut open = vec![path.to_owned()];
        let mut left = MOST_IN_FOLDER;
        while let Some(path) = open.pop() {
            let Some(trail) = follow(&path) else { continue };
            let within = |path: &Path| {
                let outside = repository.outside.iter().any(|folder| path.starts_with(folder));
                (path.starts_with(self.workspace) || outside) && path != self.workspace
            };
            guarded.links.extend(trail.links.into_iter().filter(|link| within(link)));
            let end = trail.end;
            if trail.missing.is_some() || !within(&end) {
                continue;
            }
            if guarded.read_only.len() >= MOST_GUARDED {
                guarded.cut |= !guarded.read_only.contains(&end);
                continue;
            }
            if end.is_dir() {
                open.extend(links_in(&end, &mut left));
                guarded.cut |= left == 0;
            }
            guarded.read_only.insert(end);
        }
    }
}

/// Links in a folder and the folders below it.
fn links_in(folder: &Path, left: &mut usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Some(fewer) = left.checked_sub(1) else { return found };
            *left = fewer;
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => found.push(entry.path()),
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}

/// Whether tasks of this kind are about such files.
pub(super) fn is_about(kind: TaskKind, binding: Binding) -> bool {
    match kind {
        TaskKind::Ops | TaskKind::Release => binding == Binding::Ci,
        TaskKind::Docs => binding == Binding::Instructions,
        TaskKind::Bugfix
        | TaskKind::DependencyUpdate
        | TaskKind::Feature
        | TaskKind::Refactor
        | TaskKind::Review
        | TaskKind::Test => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::repository;
    use super::*;

    #[test]
    fn what_a_name_leads_to_is_guarded_with_the_way_there() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in [
            ".git/HEAD",
            ".git/hooks2/x",
            "docs/told",
            "ci/build.yml",
            "skills/x.md",
            "sub/AGENTS.md",
            "sub/.vscode/tasks.json",
            ".github/workflows/own.yml",
            "vendor/lib/CLAUDE.md",
            ".gitattributes",
            "node_modules/x/.envrc",
        ] {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), "").unwrap();
        }
        for (link, target) in [
            ("CLAUDE.md", "by"),
            ("by", "docs/told"),
            (".git/hooks", "hooks2"),
            (".github/workflows/ci.yml", "../../ci/build.yml"),
            (".claude", "skills"),
            (".envrc", "/etc/hostname"),
            ("AGENTS.md", "docs/absent"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let survey = Survey::before(&root);
        let of = |kind| {
            let repository = repository::of(&root, &survey.repositories, None);
            Guard { workspace: &root, kind, opened: &|_| Opened::Closed }.of(&survey, &repository)
        };
        let paths = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<BTreeSet<_>>();
        let guarded = of(TaskKind::Feature);
        assert_eq!(
            guarded.read_only,
            paths(&[
                ".git/hooks2",
                ".github/workflows",
                "ci/build.yml",
                "docs/told",
                "skills",
                "sub/.vscode",
                "sub/AGENTS.md",
                "vendor/lib/CLAUDE.md",
            ])
        );
        assert_eq!(
            guarded.links,
            paths(&[
                ".claude",
                ".envrc",
                ".git/hooks",
                ".github/workflows/ci.yml",
                "AGENTS.md",
                "CLAUDE.md",
                "by"
            ])
        );
        assert!(!of(TaskKind::Docs).read_only.contains(&root.join("docs/told")));
        assert!(!of(TaskKind::Ops).read_only.contains(&root.join(".github/workflows")));
    }
}
