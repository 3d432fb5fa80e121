//! Files with credentials. Most are absent because the home is empty; this is about what is shown all the same.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::DirEntry;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

mod workspace;

pub(in crate::cli::run) use workspace::{Foreign, Look, LookError, Workspace};

/// In folders of tool chains and caches, wherever these lie.
const OF_TOOLS: &[&str] = &[
    ".credentials",
    "NuGet/NuGet.Config",
    ".env",
    "auth.json",
    "cache/vcs",
    "credentials",
    "credentials.json",
    "credentials.sbt",
    "credentials.toml",
    "gradle.properties",
    "hex.config",
    "init.d",
    "init.gradle",
    "pkg/mod/cache/vcs",
    "plugins/credentials",
    "pub-credentials.json",
    "token",
];

/// How the settings of Maven are called in such a folder, with the repositories' words: `settings-work.xml`,
/// `settings.xml.bak`.
const OF_MAVEN: (&str, &str) = ("settings", ".xml");
/// Names of one such folder that are looked at for these.
const MOST_SETTINGS_NAMES: usize = 10_000;

/// Variables that say where a tool's credentials lie: a file, a folder, or several.
const VARIABLES: &[&str] = &[
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AZURE_CONFIG_DIR",
    "BOTO_CONFIG",
    "BUNDLE_USER_CONFIG",
    "CLOUDSDK_CONFIG",
    "DOCKER_CONFIG",
    "GNUPGHOME",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "NETRC",
    "NPM_CONFIG_GLOBALCONFIG",
    "NPM_CONFIG_USERCONFIG",
    "PGPASSFILE",
    "PIP_CONFIG_FILE",
    "npm_config_globalconfig",
    "npm_config_userconfig",
];

/// Below the home, in folders that are shown.
const OF_HOME: &[&str] = &[
    ".bundle/config",
    ".cabal/config",
    ".cache/huggingface/token",
    ".claude/.env",
    ".claude/ide",
    ".composer/auth.json",
    ".dotnet/corefx",
    ".npm/_logs",
];

/// Folders of tool chains that keep credentials at any depth, by name, and how many names are looked at.
const DEEP: [&str; 3] = [".ivy2", ".opam", ".sbt"];
const MOST_DEEP: usize = 50_000;

/// Of the system. Ordinary users cannot read most of them; root can.
const OF_SYSTEM: &[&str] = &[
    "/etc/kubernetes/admin.conf",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/kaniko/.docker/config.json",
    "/proc/kcore",
];

/// How many names of the system's settings are looked at.
const MOST_SETTINGS: usize = 50_000;
/// Where the system's settings lie.
const SETTINGS: &str = "/etc";

pub(super) fn of_home(home: &Path) -> Vec<PathBuf> {
    OF_HOME.iter().map(|name| home.join(name)).collect()
}

/// Credentials in folders of tool chains and caches.
pub(super) fn of_tools(roots: &[PathBuf]) -> Vec<PathBuf> {
    let listed = roots.iter().flat_map(|root| OF_TOOLS.iter().map(|name| root.join(name)));
    let deep = roots.iter().filter(|root| DEEP.iter().any(|name| root.ends_with(name)));
    let deep = deep.flat_map(|root| {
        named(root, MOST_DEEP, |name| {
            name.to_ascii_lowercase().trim_start_matches('.').starts_with("credentials")
        })
    });
    let of_maven = roots.iter().flat_map(|root| {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten().take(MOST_SETTINGS_NAMES);
        let (beginning, part) = OF_MAVEN;
        let names = entries.map(|entry| entry.file_name()).filter(move |name| {
            let name = name.to_string_lossy().to_ascii_lowercase();
            name.starts_with(beginning) && name.contains(part)
        });
        names.map(|name| root.join(name))
    });
    listed.chain(deep).chain(of_maven).collect()
}

/// What variables of the user's name as credentials, wherever that lies. A folder around one of `apart` is not meant.
pub(super) fn of_variables(variable: &dyn Fn(&str) -> Option<OsString>, apart: &[&Path]) -> Vec<PathBuf> {
    let values: Vec<OsString> = VARIABLES.iter().filter_map(|name| variable(name)).collect();
    let paths = values.iter().flat_map(std::env::split_paths);
    paths.filter(|path| path.is_absolute() && !apart.iter().any(|apart| apart.starts_with(path))).collect()
}

/// What of the system only root may read, whoever asks: root in a sandbox is as good as anybody.
pub(super) fn of_system() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = OF_SYSTEM.iter().map(PathBuf::from).collect();
    found.extend(closed(Path::new(SETTINGS), MOST_SETTINGS));
    found
}

/// What becomes of a name below a folder.
enum Name {
    /// It is looked for.
    Found,
    /// It is a folder that may hold such.
    Into,
    Neither,
}

/// Files and folders below `root` that not everybody may read.
fn closed(root: &Path, most: usize) -> Vec<PathBuf> {
    below(root, most, |entry| {
        let Ok(about) = entry.metadata() else { return Name::Neither };
        let mode = about.permissions().mode();
        if about.is_symlink() {
            // Where it leads to has modes of its own.
            Name::Neither
        } else if about.is_dir() && mode & 0o005 == 0o005 {
            Name::Into
        } else if mode & 0o004 == 0 || about.is_dir() {
            Name::Found
        } else {
            Name::Neither
        }
    })
}

/// Files and folders below `root` with such a name.
fn named(root: &Path, most: usize, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    below(root, most, |entry| {
        if fits(&entry.file_name().to_string_lossy()) {
            Name::Found
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            Name::Into
        } else {
            Name::Neither
        }
    })
}

/// What is found below `root`, level by level. A folder beyond the bound counts as found.
fn below(root: &Path, mut left: usize, look: impl Fn(&DirEntry) -> Name) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = VecDeque::from([root.to_owned()]);
    while let Some(folder) = open.pop_front() {
        if left == 0 {
            found.push(folder);
            continue;
        }
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            left = left.saturating_sub(1);
            match look(&entry) {
                Name::Found => found.push(entry.path()),
                Name::Into => open.push_back(entry.path()),
                Name::Neither => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &[(&str, u32)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, mode) in names {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
        }
        root
    }

    #[test]
    fn root_sees_of_the_systems_settings_what_everybody_sees() {
        let root = made(&[
            ("shadow-", 0o640),
            ("hosts", 0o644),
            ("ssl/private/x.key", 0o644),
            ("ssl/certs/x.pem", 0o644),
            ("krb5.keytab", 0o600),
        ]);
        std::fs::set_permissions(root.path().join("ssl/private"), std::fs::Permissions::from_mode(0o710))
            .unwrap();
        let mut found = closed(root.path(), 100);
        found.sort();
        assert_eq!(found, ["krb5.keytab", "shadow-", "ssl/private"].map(|name| root.path().join(name)));
        // Folders that were not looked at do not show at all.
        assert!(closed(root.path(), 3).contains(&root.path().join("ssl")));
    }

    #[test]
    fn credentials_of_tool_chains_are_found_wherever_these_lie() {
        let root = made(&[
            (".opam/plugins/x/credentials", 0o600),
            (".sbt/2.0/credentials.sbt", 0o600),
            (".opam/default/bin/ocaml", 0o755),
            (".m2/settings-work.xml", 0o600),
            (".m2/settings.xml.bak", 0o600),
            (".m2/toolchains.xml", 0o600),
        ]);
        let roots = [".opam", ".sbt", ".m2", "cargo", "go"].map(|name| root.path().join(name));
        let found = of_tools(&roots);
        for name in [
            ".opam/plugins/x/credentials",
            ".sbt/2.0/credentials.sbt",
            ".m2/settings-work.xml",
            ".m2/settings.xml.bak",
            "cargo/credentials.toml",
            "go/pkg/mod/cache/vcs",
        ] {
            assert!(found.contains(&root.path().join(name)), "{name}");
        }
        assert!(!found.contains(&root.path().join(".m2/toolchains.xml")));
        let variable = |name: &str| match name {
            "NPM_CONFIG_USERCONFIG" => Some("/srv/npmrc".into()),
            "KUBECONFIG" => Some("/srv/a:/srv/b:relative".into()),
            "DOCKER_CONFIG" => Some("/srv/work/..".into()),
            "GNUPGHOME" => Some("/srv".into()),
            _ => None,
        };
        let found = of_variables(&variable, &[Path::new("/srv/work"), Path::new("/home/x")]);
        assert_eq!(found, ["/srv/work/..", "/srv/a", "/srv/b", "/srv/npmrc"].map(PathBuf::from));
        assert!(!found.contains(&root.path().join(".opam/default/bin/ocaml")));
    }
}
