//! Files of a workspace that run by themselves later: on a person's machine, in continuous integration, in the next
//! session of an agent. Inside they are read-only, but for the kinds of work that are about them; what appears anew is
//! told when the task ends.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use writ_model::{TaskKind, Timestamp};

/// Who would run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    /// The settings, hooks and plugins of a client.
    Client,
    /// What a client is told before anybody asks it something.
    Instructions,
    /// Continuous integration.
    Integration,
    /// A person's shell, editor or version control.
    Person,
}

/// Relative to the workspace.
const BINDING: &[(&str, Runs)] = &[
    (".buildkite", Runs::Integration),
    (".circleci", Runs::Integration),
    (".claude", Runs::Client),
    (".cline", Runs::Client),
    (".clinerules", Runs::Instructions),
    (".codex", Runs::Client),
    (".cursor", Runs::Client),
    (".cursorrules", Runs::Instructions),
    (".devcontainer", Runs::Person),
    (".devcontainer.json", Runs::Person),
    (".drone.yml", Runs::Integration),
    (".envrc", Runs::Person),
    (".gemini", Runs::Client),
    (".github/actions", Runs::Integration),
    (".github/agents", Runs::Client),
    (".github/copilot-instructions.md", Runs::Instructions),
    (".github/hooks", Runs::Client),
    (".github/instructions", Runs::Instructions),
    (".github/prompts", Runs::Instructions),
    (".github/workflows", Runs::Integration),
    (".gitlab-ci.yml", Runs::Integration),
    (".husky", Runs::Person),
    (".idea/runConfigurations", Runs::Person),
    (".idea/workspace.xml", Runs::Person),
    (".kiro", Runs::Client),
    (".mcp.json", Runs::Client),
    (".mise.toml", Runs::Person),
    (".opencode", Runs::Client),
    (".pre-commit-config.yaml", Runs::Person),
    (".qwen", Runs::Client),
    (".travis.yml", Runs::Integration),
    (".vscode/launch.json", Runs::Person),
    (".vscode/mcp.json", Runs::Client),
    (".vscode/settings.json", Runs::Person),
    (".vscode/tasks.json", Runs::Person),
    (".windsurf", Runs::Client),
    (".windsurfrules", Runs::Instructions),
    (".woodpecker", Runs::Integration),
    (".woodpecker.yml", Runs::Integration),
    ("AGENTS.md", Runs::Instructions),
    ("AGENTS.override.md", Runs::Instructions),
    ("CLAUDE.local.md", Runs::Instructions),
    ("CLAUDE.md", Runs::Instructions),
    ("GEMINI.md", Runs::Instructions),
    ("Jenkinsfile", Runs::Integration),
    ("QWEN.md", Runs::Instructions),
    ("azure-pipelines.yml", Runs::Integration),
    ("bitbucket-pipelines.yml", Runs::Integration),
    ("lefthook.yml", Runs::Person),
    ("mise.toml", Runs::Person),
    ("opencode.json", Runs::Client),
    ("opencode.jsonc", Runs::Client),
];

/// What `git` runs, told as well when it appears.
const OF_GIT: [&str; 6] =
    [".git/commondir", ".git/config", ".git/config.worktree", ".git/hooks", ".gitattributes", ".gitmodules"];

/// Most files of one such folder that are looked at.
const MOST: usize = 2000;

/// Those that are there and must not be changed in a task of this kind.
pub(in crate::cli::run) fn protected(workspace: &Path, kind: TaskKind) -> Vec<PathBuf> {
    let is_about = |runs: Runs| match kind {
        TaskKind::Ops | TaskKind::Release => runs == Runs::Integration,
        TaskKind::Docs => runs == Runs::Instructions,
        TaskKind::Bugfix
        | TaskKind::DependencyUpdate
        | TaskKind::Feature
        | TaskKind::Refactor
        | TaskKind::Review
        | TaskKind::Test => false,
    };
    let listed = BINDING.iter().filter(|(_, runs)| !is_about(*runs)).map(|(name, _)| workspace.join(name));
    // A link is changed where it leads to.
    listed.filter(|path| path.symlink_metadata().is_ok_and(|found| !found.is_symlink())).collect()
}

/// How many entries of a workspace are looked at for repositories, and how deep.
const MAX_ENTRIES: usize = 300_000;
const DEEPEST: usize = 24;

/// Repositories inside the workspace that were made or changed since then: once one is added to the outer repository, the
/// person's `git status` obeys its settings. When a file was changed last is the kernel's to say.
pub(in crate::cli::run) fn repositories_since(workspace: &Path, began: Timestamp) -> Vec<PathBuf> {
    let since = i64::try_from(Timestamp::EPOCH.until(began).as_secs()).unwrap_or(i64::MAX);
    let is_new = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.ctime() >= since);
    let mut found = Vec::new();
    let mut left = MAX_ENTRIES;
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in std::fs::read_dir(workspace.join(&folder)).into_iter().flatten().flatten() {
            left = left.saturating_sub(1);
            if left == 0 || found.len() >= MOST {
                return found;
            }
            let name = folder.join(entry.file_name());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if entry.file_name() == ".git" {
                let path = workspace.join(&name);
                let settings =
                    [path.clone(), path.join("config"), path.join("hooks"), path.join("commondir")];
                if depth > 0 && settings.iter().any(|path| is_new(path)) {
                    found.push(name);
                }
            } else if is_folder && depth < DEEPEST {
                open.push((name, depth + 1));
            }
        }
    }
    found
}

/// What a file was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// All files of a workspace that run by themselves, as they were at one time.
#[derive(Debug, Default)]
pub(in crate::cli::run) struct Bindings(BTreeMap<PathBuf, Look>);

// === impl Bindings ===

impl Bindings {
    /// How they are now.
    pub(in crate::cli::run) fn of(workspace: &Path) -> Self {
        let mut found = Self::default();
        for name in BINDING.iter().map(|(name, _)| *name).chain(OF_GIT) {
            found.look(workspace, Path::new(name));
        }
        found
    }

    /// Those that are new or not as they were, relative to the workspace.
    pub(in crate::cli::run) fn changed_since(&self, before: &Self) -> Vec<PathBuf> {
        self.0
            .iter()
            .filter(|(path, look)| before.0.get(*path) != Some(look))
            .map(|(path, _)| path.clone())
            .collect()
    }

    fn look(&mut self, workspace: &Path, name: &Path) {
        let Ok(found) = workspace.join(name).symlink_metadata() else { return };
        if found.is_dir() {
            let entries = std::fs::read_dir(workspace.join(name)).into_iter().flatten().flatten();
            for entry in entries {
                if self.0.len() < MOST {
                    self.look(workspace, &name.join(entry.file_name()));
                }
            }
            return;
        }
        let look =
            Look { inode: found.ino(), size: found.size(), changed: (found.mtime(), found.mtime_nsec()) };
        self.0.insert(name.to_owned(), look);
    }
}
