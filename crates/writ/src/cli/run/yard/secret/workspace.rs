//! A workspace looked through before a task starts: for credentials, for sockets that somebody outside listens at, and
//! for repositories inside it.

use std::fs::FileType;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::super::index::Index;
use super::super::repository;
use super::super::walk::{Entry, Reader, is_closed};

/// Most names that are looked at. Where there are more, what was not looked at cannot be shown.
const MAX_NAMES: usize = 1_000_000;
/// Most files that are made empty.
const MAX_FOUND: usize = 4000;

/// Folders of what others made: there a certificate or a key is a part of some package.
const OF_DEPENDENCIES: [&str; 9] = [
    ".venv",
    "__pycache__",
    "bower_components",
    "node_modules",
    "site-packages",
    "target",
    "third_party",
    "vendor",
    "venv",
];

/// Folders that hold no files of people, but what version control knows.
const OF_VERSION_CONTROL: [&str; 3] = [".git", ".hg", ".svn"];

/// Where git keeps words for logging in, in a repository's folder, if it is told to.
const OF_GIT: &str = "credentials";

/// Whole names that hold credentials wherever they lie.
const NAMES: &[&str] = &[
    ".boto",
    ".dev.vars",
    ".dockercfg",
    ".env",
    ".flaskenv",
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".mylogin.cnf",
    ".netrc",
    ".pgpass",
    ".pypirc",
    ".s3cfg",
    ".terraformrc",
    ".vault-pass",
    ".vault-token",
    ".vault_pass",
    ".vault_pass.txt",
    ".vault_password",
    "_netrc",
    "credentials.tfrc.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
    "kubeconfig.json",
    "kubeconfig.yaml",
    "kubeconfig.yml",
    "secring.gpg",
    "terraform.rc",
];

/// The same of files whose name says it together with that of their folder.
const PAIRS: [(&str, &str); 3] = [(".aws", "credentials"), (".docker", "config.json"), (".kube", "config")];

/// The same, but for what packages bring along.
const NAMES_OF_ONES_OWN: &[&str] = &[
    ".credentials",
    ".npmrc",
    ".runner",
    "credentials.json",
    "credentials.toml",
    "credentials.yaml",
    "credentials.yml",
    "local.settings.json",
    "pip.conf",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
];

/// Ends of such names.
const ENDINGS: &[&str] = &[
    ".env",
    ".jks",
    ".kdbx",
    ".key",
    ".keystore",
    ".keytab",
    ".kubeconfig",
    ".ovpn",
    ".p12",
    ".p8",
    ".pem",
    ".pfx",
    ".pkcs12",
    ".ppk",
    ".tfstate",
    ".tfvars",
    ".tfvars.json",
];

/// Ends of names that say that a file is what another was before.
const COPIES: [&str; 6] = [".backup", ".bak", ".old", ".orig", ".save", "~"];

/// Parts of names of keys for services, in JSON.
const OF_SERVICES: [&str; 5] =
    ["client_secret", "firebase-adminsdk", "service-account", "service_account", "serviceaccount"];

/// Beginnings of names of private keys, which whoever makes several ends with a name of their own.
const KEYS: [&str; 6] = ["deploy-key", "deploy_key", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"];
/// Ends of names of such keys.
const KEY_ENDINGS: [&str; 4] = ["-deploy-key", "-deploy_key", "_deploy-key", "_deploy_key"];

/// Beginnings of names of files of variables.
const VARIABLES: [&str; 6] = [".env-", ".env.", ".env_", ".envrc-", ".envrc.", ".envrc_"];

/// Ends of names that say that a file is only an example.
const EXAMPLES: &[&str] = &[".dist", ".example", ".sample", ".template", ".tmpl"];

/// Ends of names of programs that are named like a file of variables.
const PROGRAMS: &[&str] = &[".d.ts", ".js", ".map", ".md", ".mjs", ".py", ".rs", ".ts"];

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli::run) struct Workspace {
    /// Files with credentials that version control does not have as they are.
    pub(in crate::cli::run) secrets: Vec<PathBuf>,
    /// Sockets that answer.
    pub(in crate::cli::run) sockets: Vec<PathBuf>,
    /// Folders of repositories, the workspace's own among them.
    pub(in crate::cli::run) repositories: Vec<PathBuf>,
    /// Folders that cannot be looked into: inside they are empty, because whoever owns them can open them again.
    pub(in crate::cli::run) closed: Vec<PathBuf>,
}

/// A workspace that cannot be looked through.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(in crate::cli::run) enum LookError {
    #[error(
        "the workspace holds more than {MAX_NAMES} names, so credentials in it cannot all be found and hidden"
    )]
    TooMany,
    #[error("the workspace holds more than {MAX_FOUND} files that look like credentials")]
    TooManySecrets,
    #[error("the workspace holds more than {MAX_FOUND} folders that cannot be listed or searched")]
    TooManyClosed,
    #[error(
        "the workspace itself, or its `.git`, cannot be listed or searched, so nobody can say what is in it; open it \
         with `chmod u+rwx`"
    )]
    Closed,
}

/// Looks through a workspace, what lies near the top first.
pub(in crate::cli::run) struct Look<'a> {
    workspace: &'a Path,
    index: Index,
    left: usize,
    found: Workspace,
    failed: Option<LookError>,
}

/// Whether a folder lies in what others made.
#[derive(Clone, Copy)]
pub(in crate::cli::run) struct Foreign(pub(in crate::cli::run) bool);

// === impl Look ===

impl<'a> Look<'a> {
    pub(in crate::cli::run) fn at(workspace: &'a Path) -> Self {
        Self::within(workspace, MAX_NAMES)
    }

    fn within(workspace: &'a Path, left: usize) -> Self {
        let index = repository::index(workspace);
        Self { workspace, index, left, found: Workspace::default(), failed: None }
    }

    /// What was found. `closed` are folders that nobody could look into, relative to the workspace or whole.
    ///
    /// # Errors
    /// When there is more than can be looked at: nothing is shown unseen.
    pub(in crate::cli::run) fn end(mut self, closed: &[PathBuf]) -> Result<Workspace, LookError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let found = &mut self.found.closed;
        found.extend(closed.iter().map(|path| self.workspace.join(path)));
        found.sort();
        // What lies in one of them is as closed.
        found.dedup_by(|path, around| path.starts_with(around));
        let own = self.workspace.join(".git");
        if found.iter().any(|path| own.starts_with(path)) {
            return Err(LookError::Closed);
        }
        if found.len() > MAX_FOUND {
            return Err(LookError::TooManyClosed);
        }
        Ok(self.found)
    }

    fn is_secret(&self, folder: &Path, name: &str, foreign: bool, kind: FileType) -> Option<PathBuf> {
        let holds = is_secret(name, foreign) || is_in_its_folder(folder, name);
        let path = Some(folder.join(name)).filter(|_| holds && (kind.is_file() || kind.is_symlink()))?;
        let path = meant(self.workspace, path, kind.is_symlink())?;
        let is_tracked = path.strip_prefix(self.workspace).is_ok_and(|below| self.index.has(&path, below));
        (!is_tracked).then_some(path)
    }
}

impl Reader for Look<'_> {
    type Place = Foreign;

    fn most(&self) -> usize {
        if self.failed.is_some() { 0 } else { self.left }
    }

    fn read(&mut self, path: &Path, Foreign(foreign): Foreign, entries: &[Entry]) -> Vec<(usize, Foreign)> {
        let mut open = Vec::new();
        if self.failed.is_some() {
            return open;
        }
        let Some(left) = self.left.checked_sub(entries.len()) else {
            self.failed = Some(LookError::TooMany);
            return open;
        };
        self.left = left;
        let folder = self.workspace.join(path);
        for (at, (own_name, kind)) in entries.iter().enumerate() {
            let name = own_name.to_string_lossy();
            if kind.is_dir() {
                if name == ".git" {
                    let git = folder.join(own_name);
                    self.found.secrets.extend(Some(git.join(OF_GIT)).filter(|path| path.is_file()));
                    self.found.repositories.push(git);
                }
                if OF_VERSION_CONTROL.contains(&&*name) {
                    self.found.closed.extend(Some(folder.join(own_name)).filter(|path| is_closed(path)));
                } else {
                    open.push((at, Foreign(foreign || OF_DEPENDENCIES.contains(&&*name))));
                }
            } else if is_socket(*kind) {
                self.found.sockets.extend(Some(folder.join(own_name)).filter(|path| answers(path)));
            } else {
                let secret = self.is_secret(&folder, &name, foreign, *kind);
                self.found.secrets.extend(secret);
            }
        }
        if self.found.secrets.len() > MAX_FOUND {
            self.failed = Some(LookError::TooManySecrets);
        }
        open
    }
}

/// Where a file is; of a link, where it leads to in the workspace.
fn meant(workspace: &Path, path: PathBuf, is_link: bool) -> Option<PathBuf> {
    if !is_link {
        return Some(path);
    }
    path.canonicalize().ok().filter(|path| path.starts_with(workspace) && path.is_file())
}

fn is_socket(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&kind)
}

/// Whether somebody listens at a socket. A program may have left it behind, and wants to make it anew.
fn answers(path: &Path) -> bool {
    let tried = || -> io::Result<()> {
        // By a short name, because the name of a socket has a bound.
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        let name = path.file_name().ok_or(io::ErrorKind::NotFound)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())?;
        let short = Path::new("/proc/self/fd").join(folder.as_fd().as_raw_fd().to_string()).join(name);
        let address = SocketAddrUnix::new(&short)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        Ok(rustix::net::connect(&socket, &address)?)
    };
    // Another kind of socket, a full queue, a name that is too long: none of these says that nobody is there.
    !tried().is_err_and(|error| {
        matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
    })
}

/// Whether a file of this name holds credentials; `foreign` in folders of what others made.
pub(super) fn is_secret(name: &str, foreign: bool) -> bool {
    let name = name.to_ascii_lowercase();
    let name = original(&name);
    let is_example = EXAMPLES.iter().any(|ending| name.ends_with(ending));
    let variables = VARIABLES.iter().find_map(|beginning| name.strip_prefix(beginning));
    let of_environment = variables.is_some_and(|rest| !rest.is_empty())
        && !(foreign && PROGRAMS.iter().any(|ending| name.ends_with(ending)));
    let of_service = name.ends_with(".json") && OF_SERVICES.iter().any(|part| name.contains(part));
    let own = || {
        NAMES_OF_ONES_OWN.contains(&name)
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
            || of_service
            || is_key(name)
    };
    !is_example && (NAMES.contains(&name) || of_environment || (!foreign && own()))
}

/// Whether a name is that of somebody's private key. What has an ending is its public half, or a program about keys.
fn is_key(name: &str) -> bool {
    let begins = |beginning: &&str| {
        let rest = name.strip_prefix(*beginning);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
    };
    !name.contains('.')
        && (KEYS.iter().any(begins) || KEY_ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

/// The name of the file that a name in small letters speaks of: a copy of it, or what an editor puts beside it while it is
/// open (`.NAME.swp` and `.NAME.un~` of Vim, `#NAME#` and `.#NAME` of Emacs).
fn original(name: &str) -> &str {
    let of_vim = name.strip_prefix('.').and_then(|rest| {
        let swapped = || rest.rsplit_once(".sw").filter(|(_, last)| last.len() == 1).map(|(name, _)| name);
        rest.strip_suffix(".un~").or_else(swapped)
    });
    let of_emacs = || {
        name.strip_prefix('#').map(|rest| rest.strip_suffix('#').unwrap_or(rest)).or(name.strip_prefix(".#"))
    };
    let name = of_vim.or_else(of_emacs).unwrap_or(name);
    COPIES.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

fn is_in_its_folder(folder: &Path, name: &str) -> bool {
    PAIRS.iter().any(|(around, held)| *held == original(name) && folder.ends_with(around))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use super::super::super::walk::{Nobody, walk};
    use super::*;

    fn within(root: &Path, most: usize) -> Result<Workspace, LookError> {
        let mut look = Look::within(root, most);
        let closed = walk(root, (&mut look, Foreign(false)), (&mut Nobody, ()));
        look.end(&closed)
    }

    #[test]
    fn names_with_credentials_are_known_and_examples_are_not() {
        for name in [
            ".env",
            ".ENV",
            ".env.local",
            ".env_prod",
            ".env~",
            "prod.env",
            "prod.tfstate",
            "terraform.tfstate.backup",
            "x.tfvars.json",
            "tls.KEY",
            "tls.pem.bak",
            "id_rsa",
            "id_rsa.bak",
            "my-service-account-7.json",
            "service_account.json",
            "client_secret_1.apps.json",
            "x-firebase-adminsdk-1.json",
            ".dev.vars",
            ".s3cfg",
            "a.p8",
            "serviceAccountKey.json",
            "credentials.tfrc.json",
            ".terraformrc",
            ".mylogin.cnf",
            "id_ecdsa_sk",
            "id_ed25519_work",
            "deploy_key",
            "deploy_key_staging",
            "app-deploy-key",
            "..env.swp",
            "..env.local.swo",
            "..env.un~",
            "#.env#",
            ".#.env",
            ".server.key.swp",
            ".envrc.local",
            ".vault_pass",
            "kubeconfig.yaml",
            "prod.kubeconfig",
            "credentials.toml",
            "x.pkcs12",
            "x.ovpn",
        ] {
            assert!(is_secret(name, false), "{name}");
        }
        for name in [
            ".env.example",
            "env",
            "key",
            "main.rs",
            "id_rsa.pub",
            "service-account.md",
            ".env.sample",
            ".env.example~",
            "secrets.rs",
            ".envrc",
            ".envrc.example",
            "..env.example.swp",
            ".main.rs.swp",
            "id_ed25519_work.pub",
            "id_rsa_test.go",
            "deploy_key.rs",
            "deploy_keys",
            "service_accounts.rs",
        ] {
            assert!(!is_secret(name, false), "{name}");
        }
        for (name, wanted) in
            [(".env", true), (".env.production", true), ("cacert.pem", false), (".env.d.ts", false)]
        {
            assert_eq!(is_secret(name, true), wanted, "{name}");
        }
    }

    #[test]
    fn a_workspace_is_looked_through_to_its_end() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let deep: String = (0..20).map(|number| format!("{number}/")).collect();
        for name in [
            ".env",
            "deep/er/prod.tfvars",
            "node_modules/x/.env",
            "target/debug/build/.env",
            "vendor/x/tls.pem",
            "config/production.conf",
            "src/main.rs",
            "inner/.git/config",
            "inner/.git/credentials",
            "deep/.kube/config",
            "deep/config",
            ".aws/credentials.bak",
            ".aws/other.bak",
            &format!("{deep}.env"),
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("production.conf", root.join("config/.env")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("tls.key")).unwrap();
        let _alive = UnixListener::bind(root.join("alive")).unwrap();
        let _other = UnixDatagram::bind(root.join("src/other")).unwrap();
        drop(UnixListener::bind(root.join("left")).unwrap());
        let mut found = within(&root, MAX_NAMES).unwrap();
        found.secrets.sort();
        let wanted = [
            ".aws/credentials.bak",
            ".env",
            &format!("{deep}.env"),
            "config/production.conf",
            "deep/.kube/config",
            "deep/er/prod.tfvars",
            "inner/.git/credentials",
            "node_modules/x/.env",
            "target/debug/build/.env",
        ];
        let mut wanted = wanted.map(|name| root.join(name));
        wanted.sort();
        assert_eq!(found.secrets, wanted);
        assert_eq!(found.sockets, [root.join("alive"), root.join("src/other")]);
        assert_eq!(found.repositories, [root.join("inner/.git")]);
    }

    #[test]
    fn what_cannot_be_looked_through_is_not_shown() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..20 {
            std::fs::write(root.path().join(number.to_string()), "").unwrap();
        }
        assert!(matches!(within(root.path(), 19), Err(LookError::TooMany)));
        assert!(within(root.path(), 20).is_ok());
    }
}
