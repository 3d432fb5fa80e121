//! The lists: files that hold credentials, and files that something runs or obeys by itself.
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

/// In the home folder: what shells, sessions, editors and agents run or obey.
const BINDING_AT_HOME: &[&str] = &[
    // shells and sessions
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".config/fish/",
    ".config/nushell/",
    ".config/autostart/",
    ".config/systemd/",
    ".config/environment.d/",
    ".pam_environment",
    ".xprofile",
    ".xinitrc",
    ".xsession",
    ".xsessionrc",
    ".inputrc",
    ".tmux.conf",
    ".config/tmux/",
    ".screenrc",
    "library/launchagents/",
    ".local/bin/",
    "bin/",
    ".local/share/applications/",
    ".config/direnv/",
    ".config/mise/",
    ".asdfrc",
    // tools that run what their configuration says
    ".gitconfig",
    ".config/git/",
    ".hgrc",
    ".cargo/config",
    ".cargo/config.toml",
    ".cargo/bin/",
    ".cargo/env",
    ".rustup/",
    ".nvm/",
    ".pyenv/",
    ".config/pypoetry/",
    ".config/uv/",
    ".yarnrc",
    ".gnupg/",
    ".curlrc",
    ".wgetrc",
    ".gdbinit",
    ".lldbinit",
    ".pdbrc",
    ".irbrc",
    ".perldb",
    ".editrc",
    // editors
    ".vimrc",
    ".vim/",
    ".config/nvim/",
    ".emacs",
    ".emacs.d/",
    ".config/emacs/",
    ".vscode/",
    ".vscode-server/",
    ".config/code/",
    ".config/zed/",
    ".config/jetbrains/",
    "library/application support/code/",
    // agents
    ".claude/",
    ".codex/",
    ".gemini/",
    ".config/opencode/",
    ".opencode/",
    ".cursor/",
    ".copilot/",
    ".qwen/",
    ".agents/",
    ".config/goose/",
    ".continue/",
    ".aider.conf.yml",
    ".codeium/",
    ".kiro/",
    ".config/amp/",
    ".factory/",
];

/// In any folder of the workspace: folders with everything in them.
const BINDING_FOLDERS: &[&str] = &[
    // what git and its companions run
    ".git",
    ".githooks",
    ".husky",
    ".lefthook",
    ".hg",
    ".jj",
    ".svn",
    // CI
    ".circleci",
    ".buildkite",
    ".woodpecker",
    ".forgejo",
    ".gitea",
    ".tekton",
    ".teamcity",
    ".azure-pipelines",
    ".gitlab",
    ".ci",
    // editors and environments
    ".vscode",
    ".idea",
    ".zed",
    ".fleet",
    ".devcontainer",
    ".mise",
    ".direnv",
    ".settings",
    ".nvim",
    ".vim",
    // agents
    ".claude",
    ".claude-plugin",
    ".codex",
    ".gemini",
    ".opencode",
    ".cursor",
    ".windsurf",
    ".roo",
    ".cline",
    ".clinerules",
    ".continue",
    ".copilot",
    ".kiro",
    ".junie",
    ".amazonq",
    ".qwen",
    ".agents",
    ".agent",
    ".goose",
    ".aider",
    ".augment",
    ".factory",
    ".trae",
    ".writ",
];

/// In any folder of the workspace: two names in a row, with everything below where the second is a folder.
const BINDING_PAIRS: &[(&str, &str)] = &[
    (".github", "workflows"),
    (".github", "actions"),
    (".github", "agents"),
    (".github", "prompts"),
    (".github", "instructions"),
    (".github", "hooks"),
    (".github", "skills"),
    (".github", "chatmodes"),
    (".github", "copilot-instructions.md"),
    (".github", "dependabot.yml"),
    (".github", "dependabot.yaml"),
    (".github", "codeowners"),
    (".github", "renovate.json"),
    (".yarn", "releases"),
    (".yarn", "plugins"),
    (".cargo", "config"),
    (".cargo", "config.toml"),
    (".config", "mise"),
    (".config", "nextest.toml"),
];

/// In any folder of the workspace: names of files.
const BINDING_NAMES: &[&str] = &[
    // CI
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    ".travis.yml",
    ".drone.yml",
    ".drone.yaml",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".cirrus.yml",
    ".appveyor.yml",
    "appveyor.yml",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    "jenkinsfile",
    "buildspec.yml",
    "buildspec.yaml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
    "codefresh.yml",
    "wercker.yml",
    ".semaphore.yml",
    "codeowners",
    // git and its companions
    ".gitattributes",
    ".gitmodules",
    ".gitconfig",
    ".pre-commit-config.yaml",
    ".pre-commit-config.yml",
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.toml",
    "lefthook.toml",
    ".overcommit.yml",
    ".huskyrc",
    ".hgrc",
    // environments that are entered by walking in
    ".envrc",
    ".mise.toml",
    "mise.toml",
    ".tool-versions",
    ".devcontainer.json",
    ".vimrc",
    ".nvimrc",
    ".exrc",
    ".nvim.lua",
    ".lvimrc",
    ".dir-locals.el",
    ".gdbinit",
    ".lldbinit",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".zshenv",
    // package managers that run what they read
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "pip.conf",
    // instruction files and settings of agents and their servers
    "agents.md",
    "agents.override.md",
    "claude.md",
    "claude.local.md",
    "gemini.md",
    "qwen.md",
    "copilot.md",
    "warp.md",
    "agent.md",
    ".cursorrules",
    ".cursorignore",
    ".windsurfrules",
    ".clinerules",
    ".roorules",
    ".roomodes",
    ".goosehints",
    ".aider.conf.yml",
    ".mcp.json",
    "mcp.json",
    "opencode.json",
    "opencode.jsonc",
    ".rules",
    "skill.md",
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

/// Whether something of the user's obeys the file by itself. `rest` is folded and below the home folder.
pub(super) fn binds_at_home(rest: &str) -> bool {
    is_listed(rest, BINDING_AT_HOME)
}

/// Whether something obeys the file by itself. `rest` is folded and below the workspace.
pub(super) fn binds(rest: &str) -> bool {
    let mut before = "";
    let mut names = rest.split('/').peekable();
    while let Some(name) = names.next() {
        if BINDING_FOLDERS.contains(&name) || BINDING_PAIRS.contains(&(before, name)) {
            return true;
        }
        if names.peek().is_none() {
            return BINDING_NAMES.contains(&name);
        }
        before = name;
    }
    false
}

/// See [`CAUGHT`]; and everything that binds.
pub(crate) fn names_anywhere() -> impl Iterator<Item = &'static str> {
    CAUGHT.iter().chain(BINDING_NAMES).chain(BINDING_FOLDERS).copied()
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
    list.iter().any(|entry| match entry.strip_suffix('/') {
        Some(folder) => {
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        None => path == *entry,
    })
}
