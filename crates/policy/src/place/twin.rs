//! Second names of one file: hard links, and mounts that show a folder twice.
//!
//! A name says nothing of what else bears it. A file with several names is compared with the files that are most worth
//! giving an innocent name; a path behind a mount is also judged where the mount comes from.

use std::path::{Path, PathBuf};

use super::{Files, Workspace};

/// Below the home folder: credentials and profiles that every machine of a developer has.
const AT_HOME: &[&str] = &[
    ".aws/credentials",
    ".bash_profile",
    ".bashrc",
    ".cargo/credentials.toml",
    ".claude.json",
    ".claude/.credentials.json",
    ".claude/settings.json",
    ".codex/auth.json",
    ".codex/config.toml",
    ".config/gh/hosts.yml",
    ".docker/config.json",
    ".gemini/oauth_creds.json",
    ".git-credentials",
    ".gitconfig",
    ".kube/config",
    ".netrc",
    ".npmrc",
    ".profile",
    ".pypirc",
    ".ssh/authorized_keys",
    ".ssh/config",
    ".ssh/id_ecdsa",
    ".ssh/id_ed25519",
    ".ssh/id_rsa",
    ".zshrc",
];

/// Below the workspace: likewise, and what binds.
const IN_WORKSPACE: &[&str] = &[
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".cursor/mcp.json",
    ".env",
    ".env.local",
    ".env.production",
    ".envrc",
    ".git/config",
    ".git/hooks/post-checkout",
    ".git/hooks/post-commit",
    ".git/hooks/pre-commit",
    ".git/hooks/pre-push",
    ".gitlab-ci.yml",
    ".mcp.json",
    ".vscode/settings.json",
    ".vscode/tasks.json",
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
];

/// The other paths under which the file at a real path is known, as far as they matter.
pub(super) fn others(workspace: &Workspace, files: &dyn Files, path: &Path) -> Vec<PathBuf> {
    let base = if workspace.holds(path) {
        Some(workspace.root.as_path())
    } else {
        workspace.scratch.iter().map(PathBuf::as_path).find(|folder| path.starts_with(folder))
    };
    let mut found = Vec::new();
    let status = files.status(path);
    // Folders have one name. A file that does not exist yet is made where its folder is mounted.
    if let Some(status) = status.filter(|status| status.names > 1) {
        let at_home = workspace.home.iter().flat_map(|home| AT_HOME.iter().map(|name| home.join(name)));
        let in_workspace = IN_WORKSPACE.iter().map(|name| workspace.root.join(name));
        found.extend(
            at_home
                .chain(in_workspace)
                .filter(|twin| twin != path)
                .find(|twin| files.status(twin).is_some_and(|other| other.file == status.file)),
        );
    }
    // Elsewhere a second path would at most be as free as the first.
    if let Some(base) = base {
        let nearest = status.or_else(|| path.ancestors().skip(1).find_map(|folder| files.status(folder)));
        let is_mounted = match (nearest, files.status(base)) {
            (Some(here), Some(there)) => here.mount != there.mount,
            (None, _) | (_, None) => false,
        };
        if is_mounted {
            found.extend(files.origin(path).filter(|origin| origin != path));
        }
    }
    found
}
