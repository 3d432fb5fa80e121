//! The list of files that hold credentials.
//!
//! Names are folded (lower case). A name that ends in `/` is a folder with everything in it. Lists grow; nothing here
//! is the only thing between an agent and a secret.

/// In the home folder, beside what the classifier lists: whole folders of which one file is known to be a credential,
/// and what was typed and said.
const SECRET_AT_HOME: &[&str] = &[
    ".aws/",
    ".chef/",
    ".claude/history.jsonl",
    ".codex/history.jsonl",
    ".condarc",
    ".config/.wrangler/",
    ".config/anthropic/",
    ".config/chromium/",
    ".config/configstore/",
    ".config/doctl/",
    ".config/gh/",
    ".config/glab-cli/",
    ".config/google-chrome/",
    ".config/hcloud/",
    ".config/netlify/",
    ".config/openai/",
    ".config/pip/",
    ".config/rclone/",
    ".config/scw/",
    ".config/sops/",
    ".docker/run/",
    ".fly/",
    ".gemini/tmp/",
    ".huggingface/",
    ".kaggle/",
    ".local/share/com.vercel.cli/",
    ".local/share/opencode/",
    ".mozilla/",
    ".nuget/nuget/",
    ".pip/pip.conf",
    ".railway/",
    ".supabase/",
    ".wrangler/config/",
    "library/application support/firefox/",
    "library/application support/google/chrome/",
];

/// Anywhere on the machine, likewise: configuration that holds keys, and sockets that stand for the whole machine.
const SECRET_ABSOLUTE: &[&str] = &[
    "/etc/gshadow-",
    "/etc/ipsec.secrets",
    "/etc/kubernetes/",
    "/etc/networkmanager/system-connections/",
    "/etc/openvpn/",
    "/etc/rancher/",
    "/etc/wireguard/",
    "/kaniko/.docker/",
    "/proc/kallsyms",
    "/root/.aws/",
    "/root/.ssh/",
    "/run/containerd/",
    "/run/crio/",
    "/run/podman/",
    "/tmp/spire-agent/",
    "/var/lib/kubelet/",
    "/var/run/containerd/",
    "/var/run/podman/",
];

/// In any folder, likewise: the name of the file.
const SECRET_NAMES: &[&str] = &[".dockercfg", "serviceaccount.json"];

/// Names, of files and folders, in any folder, that a pattern of the shell must not catch unseen.
const CAUGHT: &[&str] = &[
    ".env",
    ".env.local",
    ".envrc",
    ".git-credentials",
    ".github",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".vault-token",
    "credentials.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "key.pem",
    "secrets.json",
    "secrets.yaml",
    "secrets.yml",
    "server.key",
    "terraform.tfstate",
    "terraform.tfvars",
];

/// Folders in which keys are public ones.
const PUBLIC_KEYS: &[&str] =
    &["/usr/", "/etc/ssl/certs/", "/etc/pki/ca-trust/", "/nix/store/", "/opt/", "/lib/", "/snap/"];

/// Files of a process that tell nothing about what it holds.
const PROCESS_SHOWN: &[&str] = &[
    "cgroup",
    "cmdline",
    "comm",
    "limits",
    "loginuid",
    "mountinfo",
    "mounts",
    "oom_score",
    "oom_score_adj",
    "stat",
    "statm",
    "status",
    "uid_map",
    "gid_map",
];

/// Whether the folded path holds credentials. `at_home` is its rest below the home folder, `home` that folder, folded.
///
/// The classifier's list of secret files is the list; what stands here adds to it.
pub(super) fn is_secret(folded: &str, at_home: Option<&str>, home: Option<&str>) -> bool {
    if let Some(process) = folded.strip_prefix("/proc/") {
        return is_secret_of_process(process) || crate::classify::is_secret_path(folded, home);
    }
    if PUBLIC_KEYS.iter().any(|folder| folded.starts_with(folder)) && is_public_key(folded) {
        return false;
    }
    let name = folded.rsplit('/').next().unwrap_or(folded);
    at_home.is_some_and(|rest| is_listed(rest, SECRET_AT_HOME))
        || is_listed(folded, SECRET_ABSOLUTE)
        || SECRET_NAMES.contains(&name)
        || crate::classify::is_secret_path(folded, home)
}

/// Certificates and public keys, by how the name ends.
fn is_public_key(folded: &str) -> bool {
    folded.ends_with(".pem") || folded.ends_with(".key")
}

/// See [`CAUGHT`].
pub(super) fn names_caught() -> impl Iterator<Item = &'static str> {
    CAUGHT.iter().copied()
}

/// Below `/proc`: everything of a process is secret but what is listed.
fn is_secret_of_process(rest: &str) -> bool {
    let mut names = rest.split('/');
    let process = names.next().unwrap_or_default();
    let of_process = process == "self"
        || process == "thread-self"
        || (!process.is_empty() && process.bytes().all(|b| b.is_ascii_digit()));
    if !of_process {
        return false;
    }
    match (names.next(), names.next()) {
        (None, _) => false,
        (Some(name), None) => !PROCESS_SHOWN.contains(&name),
        (Some(_), Some(_)) => true,
    }
}

fn is_listed(path: &str, list: &[&str]) -> bool {
    list.iter().any(|entry| names(entry, path))
}

/// Whether a listed path is this one, or the listed folder holds it.
pub(super) fn names(entry: &str, path: &str) -> bool {
    match entry.strip_suffix('/') {
        Some(folder) => {
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        None => path == entry,
    }
}
