//! Where a run works, and which client it starts.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use writ_model::Client;

use crate::failure::{Failure, Kind};

/// The program and the client it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) client: Client,
    /// Absolute path, as it was found; links are not followed, because some programs look at their own name.
    pub(super) path: PathBuf,
}

/// Finds the program, and refuses one that no hook adapter fits.
pub(super) fn program(command: &OsStr, search: Option<&OsStr>) -> Result<Program, Failure> {
    let path = found(command, search).ok_or_else(|| {
        Failure::usage(format_args!("`{}` is not to be found", command.to_string_lossy().escape_debug()))
            .hint("give a path to the client, or put it on PATH")
    })?;
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    match Client::of_program(&name) {
        Client::Other => Err(Failure::new(
            Kind::Denied,
            format_args!("`{}` is no client that Writ has a hook for, so nothing would stop its calls", name.escape_debug()),
        )
        .hint("run claude, cline, codex, copilot, gemini, opencode or qwen; a client starts other programs itself, inside the same sandbox")),
        client @ (Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf) => Err(Failure::new(
            Kind::Denied,
            format_args!("`{}` opens a window that stays when a task ends, so Writ does not start it", name.escape_debug()),
        )
        .hint(format!("`writ install {client}` puts hooks into it: its sessions are then hooked, which every record says"))),
        client @ (Client::ClaudeCode | Client::Cline | Client::Codex | Client::CopilotCli | Client::GeminiCli | Client::OpenCode | Client::QwenCode) => {
            Ok(Program { client, path })
        }
    }
}

/// Where the program lies, as a shell would find it.
pub(in crate::cli) fn found(command: &OsStr, search: Option<&OsStr>) -> Option<PathBuf> {
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    if command.as_bytes().contains(&b'/') {
        return std::path::absolute(command).ok().filter(|path| runs(path));
    }
    std::env::split_paths(search?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(command))
        .find(|path| runs(path))
}

/// The folder that the agent may work in: the repository around `cwd`, else `cwd` itself.
///
/// A repository that is the user's home, or lies above it, is not taken: a home under version control would hand over
/// everything. A workspace that holds Writ's own state is refused.
pub(super) fn workspace(cwd: &Path, home: Option<&Path>, state: &Path) -> Result<PathBuf, Failure> {
    let cwd = cwd.canonicalize().map_err(|error| {
        Failure::usage(format_args!("the working directory cannot be looked at: {error}"))
    })?;
    let home = home.and_then(|home| home.canonicalize().ok());
    let is_home = |path: &Path| home.as_deref().is_some_and(|home| home.starts_with(path));
    let workspace = cwd
        .ancestors()
        .take_while(|path| !is_home(path))
        .find(|path| path.join(".git").symlink_metadata().is_ok())
        .unwrap_or(&cwd)
        .to_owned();
    let state = state.canonicalize().unwrap_or_else(|_| state.to_owned());
    if workspace.parent().is_none() || is_home(&workspace) {
        return Err(Failure::usage(format_args!("`{}` is too wide for a workspace", workspace.display()))
            .hint("change into the project's folder first"));
    }
    if is_of_system(&workspace) {
        return Err(Failure::new(
            Kind::Denied,
            format_args!(
                "`{}` is a folder of the system, and what a task writes there runs for everybody",
                workspace.display()
            ),
        )
        .hint("change into a project's folder; one below /srv, /opt, /var/www, /tmp or a home will do"));
    }
    if state.starts_with(&workspace) || workspace.starts_with(&state) {
        return Err(Failure::usage(format_args!(
            "the workspace `{}` and Writ's own state `{}` lie inside one another",
            workspace.display(),
            state.display()
        ))
        .hint("move one of them; WRIT_STATE_DIR says where the state lies"));
    }
    if workspace.to_str().is_none() {
        return Err(Failure::usage("the workspace's path is not valid UTF-8"));
    }
    Ok(workspace)
}

/// Folders that are the system's with everything in them.
const WHOLE: [&str; 20] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/gnu",
    "/lib",
    "/lib32",
    "/lib64",
    "/libexec",
    "/libx32",
    "/nix",
    "/proc",
    "/run",
    "/sbin",
    "/snap",
    "/sys",
    "/usr",
    "/var/cache",
    "/var/log",
    "/var/spool",
];

/// What lies below these is a project's all the same.
const SOURCES: [&str; 2] = ["/usr/local/src", "/usr/src"];

/// Folders that hold what belongs to many. What lies in them may be a project's.
const SHARED: [&str; 17] = [
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/srv",
    "/tmp",
    "/usr/local/src",
    "/usr/src",
    "/var",
    "/var/lib",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/docker",
    "/var/lib/systemd",
    "/var/tmp",
    "/var/www",
];

/// Whether a folder, without links, is no project's: the system runs what lies there, or many share it.
fn is_of_system(path: &Path) -> bool {
    let is_source = SOURCES.iter().any(|folder| path.starts_with(folder) && path != Path::new(folder));
    let is_home = path.parent() == Some(Path::new("/home"));
    let is_shared = SHARED.iter().any(|folder| path == Path::new(folder));
    let is_whole = WHOLE.iter().any(|folder| path.starts_with(folder));
    is_home || is_shared || (is_whole && !is_source)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_program_is_found_by_name_or_path_and_must_be_a_known_client() {
        let folder = tempfile::tempdir().unwrap();
        for (name, mode) in [("claude", 0o755), ("codex", 0o644), ("bash", 0o755)] {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let search = folder.path().as_os_str();
        let claude = Program { client: Client::ClaudeCode, path: folder.path().join("claude") };
        assert_eq!(program("claude".as_ref(), Some(search)).ok(), Some(claude));
        assert!(program(folder.path().join("claude").as_os_str(), None).is_ok());
        for name in ["codex", "bash", "gemini", ""] {
            assert!(program(name.as_ref(), Some(search)).is_err(), "{name}");
        }
        assert!(program("claude".as_ref(), Some("relative:.".as_ref())).is_err());
        assert!(program("claude".as_ref(), None).is_err());
    }

    #[test]
    fn a_program_with_a_window_is_told_what_is_possible() {
        let folder = tempfile::tempdir().unwrap();
        for (name, client) in
            [("cursor", "cursor"), ("code", "vscode"), ("windsurf", "windsurf"), ("kiro", "kiro")]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            let refused = program(path.as_os_str(), None).unwrap_err();
            assert!(format!("{refused:?}").contains(&format!("writ install {client}")), "{refused:?}");
        }
    }

    #[test]
    fn attack_a_folder_of_the_system_is_no_workspace() {
        for path in [
            "/etc",
            "/etc/systemd",
            "/usr",
            "/usr/local",
            "/usr/local/bin",
            "/usr/src",
            "/boot",
            "/proc/self",
            "/sys",
            "/dev/shm/x",
            "/run/user/0",
            "/opt",
            "/srv",
            "/home",
            "/home/x",
            "/root",
            "/tmp",
            "/var",
            "/var/lib",
            "/var/spool/cron",
            "/lib64",
            "/mnt",
        ] {
            assert!(is_of_system(Path::new(path)), "{path}");
        }
        for path in [
            "/srv/x",
            "/opt/x",
            "/var/www/x",
            "/home/x/project",
            "/root/project",
            "/tmp/x",
            "/usr/src/x",
            "/usr/local/src/x",
            "/var/lib/jenkins/workspace/x",
            "/builds/x",
            "/etcetera",
        ] {
            assert!(!is_of_system(Path::new(path)), "{path}");
        }
        let state = tempfile::tempdir().unwrap();
        let refused = workspace(Path::new("/etc"), None, state.path()).unwrap_err();
        assert!(format!("{refused:?}").contains("of the system"), "{refused:?}");
    }

    #[test]
    fn the_workspace_is_the_repository_and_never_home_or_state() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let home = root.join("home");
        for folder in ["home/project/src", "home/loose", "home/state", "home/.git", "home/project/.git"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let state = home.join("state");
        let of = |cwd: &str| workspace(&root.join(cwd), Some(&home), &state).ok();
        assert_eq!(of("home/project/src"), Some(home.join("project")));
        assert_eq!(of("home/loose"), Some(home.join("loose")));
        assert_eq!(of("home"), None);
        assert_eq!(of("home/state"), None);
        assert_eq!(of("missing"), None);
        assert_eq!(workspace(Path::new("/"), Some(&home), &state).ok(), None);
        let inside = home.join("project/.state");
        assert_eq!(workspace(&home.join("project"), Some(&home), &inside).ok(), None);
    }
}
