//! Where a task stands, as far as taint goes: its folders, what is on the disk, and what counts as private.

use std::path::Path;

use writ_model::{Place, SourceKind};

use crate::place::{Files, Workspace};

/// Folders whose files are code and documentation of packages, wherever they lie.
const PACKAGES: &[&str] = &[
    "node_modules",
    "site-packages",
    "dist-packages",
    "vendor",
    ".venv",
    "venv",
    "bower_components",
    "third_party",
    ".bundle",
    "Pods",
    "deps",
];

/// Folders below the home folder that belong to tool chains: package code, caches and programs, nothing private.
const TOOLCHAINS: &[&str] = &[
    ".cargo/registry",
    ".cargo/git",
    ".rustup",
    "go/pkg",
    ".npm",
    ".nvm",
    ".pyenv",
    ".rbenv",
    ".local/lib",
    ".local/share/uv",
    ".local/share/mise",
    ".local/share/pnpm",
    ".m2/repository",
    ".gradle/caches",
    ".cache",
    ".pub-cache",
    ".nuget/packages",
];

/// Folders in which other people's files, mounted disks and the data of services lie.
const OTHERS: &[&str] = &["/home", "/Users", "/root", "/mnt", "/media", "/Volumes", "/var/lib", "/srv"];

/// What the owner of the machine or the task marked private.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrivateData {
    /// Files and folders, whole repositories included: absolute, below `~/`, or seen from the workspace.
    pub paths: Vec<String>,
    /// Names of MCP servers.
    pub mcp_servers: Vec<String>,
}

/// Where a call is looked at from.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub workspace: &'a Workspace,
    pub files: &'a dyn Files,
    pub private: &'a PrivateData,
}

// === impl PrivateData ===

impl PrivateData {
    pub(super) fn has_server(&self, server: &str) -> bool {
        self.mcp_servers.iter().any(|marked| marked == server)
    }

    fn has_path(&self, path: &Path, workspace: &Workspace) -> bool {
        self.paths.iter().any(|marked| {
            let marked = marked.trim_end_matches('/');
            let below_home = marked.strip_prefix('~').zip(workspace.home.as_deref());
            match below_home {
                Some((rest, home)) => path.starts_with(home.join(rest.trim_start_matches('/'))),
                // An absolute path stays what it is.
                None => path.starts_with(workspace.root.join(marked)),
            }
        })
    }
}

// === impl Ground ===

impl Ground<'_> {
    /// What a file is for the session that reads it, beside a credential.
    pub(super) fn kind_of(&self, path: &str, place: Place) -> Option<SourceKind> {
        let real = Path::new(path);
        let at_home = self.workspace.home.as_deref().and_then(|home| real.strip_prefix(home).ok());
        let is_toolchain =
            at_home.is_some_and(|rest| TOOLCHAINS.iter().any(|folder| rest.starts_with(folder)));
        if self.private.has_path(real, self.workspace) {
            return Some(SourceKind::PrivateRepository);
        }
        let of_package = real
            .components()
            .any(|part| part.as_os_str().to_str().is_some_and(|part| PACKAGES.contains(&part)));
        if of_package || is_toolchain {
            return Some(SourceKind::Dependency);
        }
        let is_outside = match place {
            Place::Outside | Place::Binding => !self.workspace.holds(real),
            Place::Workspace | Place::Scratch | Place::Secret | Place::Own => false,
        };
        let is_personal = at_home.is_some() || OTHERS.iter().any(|folder| real.starts_with(folder));
        (is_outside && is_personal).then_some(SourceKind::Home)
    }

    /// The real path of a name that a call uses. `None` for what cannot be placed.
    pub(super) fn place(&self, cwd: &str, name: &str) -> Option<String> {
        let placed = self.workspace.place(self.files, cwd, name).ok()?;
        placed.into_iter().next().map(|placed| placed.path)
    }

    /// Whether a folder holds more than what one call put there: the workspace, a scratch folder, the home folder, or
    /// anything above them.
    pub(super) fn is_wide(&self, path: &str) -> bool {
        let path = Path::new(path);
        let scratch = self.workspace.scratch.iter().map(std::path::PathBuf::as_path);
        scratch
            .chain([self.workspace.root.as_path()])
            .chain(self.workspace.home.as_deref())
            .any(|folder| folder.starts_with(path))
    }
}

/// A folder seen from another.
pub(super) fn below(cwd: &str, folder: &str) -> String {
    if folder.starts_with(['/', '~']) {
        return folder.to_owned();
    }
    format!("{}/{folder}", cwd.trim_end_matches('/'))
}
