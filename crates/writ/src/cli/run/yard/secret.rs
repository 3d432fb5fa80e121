//! Files with credentials. Most are absent because the home is empty; this is about what is shown all the same.

use std::path::{Path, PathBuf};

/// Below the home, in folders that are shown.
const OF_HOME: &[&str] = &[
    ".bundle/config",
    ".cabal/config",
    ".cache/huggingface/token",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".composer/auth.json",
    ".config/git/credentials",
    ".gem/credentials",
    ".gradle/gradle.properties",
    ".ivy2/.credentials",
    ".m2/settings-security.xml",
    ".m2/settings.xml",
    ".nuget/NuGet/NuGet.Config",
    ".pub-cache/credentials.json",
    ".sbt/1.0/credentials.sbt",
    ".sbt/credentials",
    ".sbt/credentials.sbt",
    ".sbt/.credentials",
];

/// Of the system. Ordinary users cannot read most of them; root can.
const OF_SYSTEM: &[&str] = &[
    "/etc/gshadow",
    "/etc/kubernetes/admin.conf",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/kaniko/.docker/config.json",
    "/proc/kcore",
    "/root",
    "/var/lib/cloud",
    "/var/lib/docker",
    "/var/lib/incus/unix.socket",
    "/var/lib/kubelet",
    "/var/lib/lxd/unix.socket",
    "/var/spool/cron",
];

/// How a workspace is looked through: so deep, and so many names.
const MAX_DEPTH: usize = 8;
const MAX_NAMES: usize = 50_000;

/// Folders with no files of people.
const PASSED_OVER: [&str; 8] =
    [".git", ".hg", ".venv", "node_modules", "target", "venv", "vendor", "__pycache__"];

/// Whole names that hold credentials wherever they lie.
const NAMES: &[&str] = &[
    ".env",
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".vault-token",
    "_netrc",
    "credentials.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "secrets.yaml",
    "secrets.yml",
];

/// Ends of such names.
const ENDINGS: &[&str] =
    &[".jks", ".kdbx", ".key", ".keystore", ".p12", ".pem", ".pfx", ".tfstate", ".tfvars"];

/// Ends of names that say that a file is only an example.
const EXAMPLES: &[&str] = &[".dist", ".example", ".sample", ".template", ".tmpl"];

pub(super) fn of_home(home: &Path) -> Vec<PathBuf> {
    OF_HOME.iter().map(|name| home.join(name)).collect()
}

pub(super) fn of_system() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = OF_SYSTEM.iter().map(PathBuf::from).collect();
    let entries = std::fs::read_dir("/etc/ssh").into_iter().flatten().flatten();
    found.extend(entries.map(|entry| entry.path()).filter(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("ssh_host_") && name.ends_with("_key"))
    }));
    found
}

/// Files of the workspace. Those that version control has are everybody's already, and tests need them.
pub(super) fn of_workspace(workspace: &Path) -> Vec<PathBuf> {
    let index = std::fs::read(workspace.join(".git/index")).unwrap_or_default();
    let mut found = Vec::new();
    let mut left = MAX_NAMES;
    walk(workspace, MAX_DEPTH, &mut left, &mut found);
    found.retain(|path| path.strip_prefix(workspace).is_ok_and(|below| !is_tracked(&index, below)));
    found
}

fn walk(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(fewer) = left.checked_sub(1) else { return };
        *left = fewer;
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if kind.is_dir() {
            if depth > 0 && !PASSED_OVER.contains(&name) {
                walk(&entry.path(), depth - 1, left, found);
            }
        } else if kind.is_file() && is_secret(name) {
            found.push(entry.path());
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_example = EXAMPLES.iter().any(|ending| name.ends_with(ending));
    let of_environment = name.starts_with(".env.") && name != ".env.";
    let of_service = name.contains("service-account") && name.ends_with(".json");
    let listed = NAMES.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending));
    !is_example && (listed || of_environment || of_service)
}

/// Whether the index of `git` has this path, found by its bytes: each entry ends its path with a zero.
fn is_tracked(index: &[u8], path: &Path) -> bool {
    let mut wanted = path.as_os_str().as_encoded_bytes().to_vec();
    wanted.push(0);
    index.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_credentials_are_known_and_examples_are_not() {
        for name in
            [".env", ".ENV", ".env.local", "prod.tfstate", "tls.KEY", "id_rsa", "my-service-account-7.json"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            ".env.example",
            ".envrc",
            "env",
            "key",
            "main.rs",
            "id_rsa.pub",
            "service-account.md",
            ".env.sample",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_workspace_hides_what_is_not_in_version_control() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            ".git/index",
            ".env",
            "deep/er/prod.tfvars",
            "node_modules/x/.env",
            "tests/tls.pem",
            "src/main.rs",
        ] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::write(root.path().join(".git/index"), b"DIRC....\0tests/tls.pem\0\0\0").unwrap();
        let mut found = of_workspace(root.path());
        found.sort();
        assert_eq!(found, [root.path().join(".env"), root.path().join("deep/er/prod.tfvars")]);
    }
}
