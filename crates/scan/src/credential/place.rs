//! Where credentials lie, as data: the file, what it opens, how it is read, and what of short life exists instead.

use std::path::{Path, PathBuf};

use crate::document::Notation;

use super::{Guard, MAX_IN_FOLDER, Page, cloud, document, forge, history, key, lines, start};

/// Most files that one variable names.
pub(super) const MAX_NAMED: usize = 20;

/// One place. `*` stands for part of one name.
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) opens: &'static str,
    pub(super) read: Read,
    pub(super) instead: Option<&'static str>,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Read {
    Aws,
    Azure,
    Docker,
    Document(Notation),
    Gcloud,
    GitAddresses,
    GitSettings,
    /// Lines that somebody typed.
    History,
    /// JSON, or what its program alone can read, of which it is told that it is there.
    Kept,
    Kubernetes,
    Lines,
    Netrc,
    /// A folder or database that is not opened: that it is there is told.
    Presence,
    PrivateKey,
    /// A socket that this user can write to is told, with what guards what it gives.
    Socket(Guard),
    /// A file that is not opened, and that its program keeps without a lock that is known.
    Store,
    /// What a shell or a session begins with.
    Start,
    /// The file is the token.
    Whole,
}

const AWS: Option<&str> = Some("`aws login` or `aws sso login`, or a role: sessions of hours");
const GCLOUD: Option<&str> =
    Some("impersonation of a service account, or workload identity federation: tokens of an hour");
const AZURE: Option<&str> = Some("a federated credential, or a managed identity: tokens of about an hour");
const KUBERNETES: Option<&str> =
    Some("an `exec` plugin of the cluster's identity provider, or `kubectl create token`: tokens of an hour");
const GITHUB: Option<&str> = Some("an installation token of a GitHub App, which ends after one hour");
const GITLAB: Option<&str> = Some("OAuth through a credential helper, whose tokens end after two hours");
const PUBLISHING: Option<&str> =
    Some("trusted publishing by the pipeline's identity, which leaves no token behind");
const CONTAINERS: Option<&str> = Some("a credential helper of the registry, whose tokens end after hours");
const SSH: Option<&str> = Some("SSH certificates of hours, or a key that asks for a touch (`ed25519-sk`)");
const VAULT: Option<&str> =
    Some("a login with the platform's identity, with a token that ends with the task");
const DATABASE: Option<&str> =
    Some("a database role made for the task, or the cloud's identity in place of a password");
const TERRAFORM: Option<&str> = Some("dynamic provider credentials with workload identity");

macro_rules! places {
    ($($path:literal, $kind:literal, $opens:literal, $read:expr, $instead:expr;)*) => {
        &[$(Entry { path: $path, kind: $kind, opens: $opens, read: $read, instead: $instead }),*]
    };
}

const JSON: Read = Read::Document(Notation::Json);
const TOML: Read = Read::Document(Notation::Toml);
const YAML: Read = Read::Document(Notation::Yaml);

/// Below the home folder.
pub(super) const OF_USER: &[Entry] = places! {
    ".aws/credentials", "cloud-aws", "an AWS account", Read::Aws, AWS;
    ".aws/config", "cloud-aws", "an AWS account", Read::Aws, AWS;
    ".aws/sso/cache/*.json", "cloud-aws", "the AWS accounts of a single sign-on", JSON, None;
    ".aws/cli/cache/*.json", "cloud-aws", "an AWS role", JSON, None;
    ".aws/login/cache/*.json", "cloud-aws", "an AWS account", JSON, None;
    ".config/gcloud/application_default_credentials.json", "cloud-gcp", "Google Cloud", Read::Gcloud, GCLOUD;
    ".config/gcloud/legacy_credentials/*/adc.json", "cloud-gcp", "Google Cloud", Read::Gcloud, GCLOUD;
    ".config/gcloud/credentials.db", "cloud-gcp", "Google Cloud", Read::Presence, None;
    ".config/gcloud/*service-account*.json", "cloud-gcp", "Google Cloud", Read::Gcloud, GCLOUD;
    ".azure/msal_token_cache.json", "cloud-azure", "Azure", Read::Azure, None;
    ".azure/msal_token_cache.bin", "cloud-azure", "Azure", Read::Presence, None;
    ".azure/service_principal_entries.json", "cloud-azure", "Azure", JSON, AZURE;
    ".azure/service_principal_entries.bin", "cloud-azure", "Azure", Read::Presence, None;
    ".azure/accessTokens.json", "cloud-azure", "Azure", JSON, AZURE;
    ".kube/config", "kubernetes", "a Kubernetes cluster", Read::Kubernetes, KUBERNETES;
    ".kube/*.yaml", "kubernetes", "a Kubernetes cluster", Read::Kubernetes, KUBERNETES;
    ".kube/*.yml", "kubernetes", "a Kubernetes cluster", Read::Kubernetes, KUBERNETES;
    ".docker/config.json", "containers", "a container registry", Read::Docker, CONTAINERS;
    ".config/containers/auth.json", "containers", "a container registry", Read::Docker, CONTAINERS;
    ".git-credentials", "git", "a git host", Read::GitAddresses, GITHUB;
    ".config/git/credentials", "git", "a git host", Read::GitAddresses, GITHUB;
    ".gitconfig", "git", "a git host", Read::GitSettings, None;
    ".config/git/config", "git", "a git host", Read::GitSettings, None;
    ".netrc", "git", "a host", Read::Netrc, None;
    "_netrc", "git", "a host", Read::Netrc, None;
    ".authinfo", "git", "a host", Read::Netrc, None;
    ".authinfo.gpg", "git", "a host", Read::Presence, None;
    ".config/gh/hosts.yml", "git", "GitHub", YAML, GITHUB;
    ".config/hub", "git", "GitHub", YAML, GITHUB;
    ".config/glab-cli/config.yml", "git", "GitLab", YAML, GITLAB;
    ".npmrc", "packages", "a package registry", Read::Lines, PUBLISHING;
    ".pnpmrc", "packages", "a package registry", Read::Lines, PUBLISHING;
    ".yarnrc.yml", "packages", "a package registry", YAML, PUBLISHING;
    ".bunfig.toml", "packages", "a package registry", TOML, PUBLISHING;
    ".pypirc", "packages", "a package registry", Read::Lines, PUBLISHING;
    ".config/pip/pip.conf", "packages", "a package index", Read::Lines, None;
    ".cargo/credentials", "packages", "a package registry", TOML, PUBLISHING;
    ".cargo/credentials.toml", "packages", "a package registry", TOML, PUBLISHING;
    ".gem/credentials", "packages", "a package registry", YAML, PUBLISHING;
    ".bundle/config", "packages", "a package registry", Read::Lines, None;
    ".m2/settings.xml", "packages", "a package repository", Read::Lines, None;
    ".gradle/gradle.properties", "packages", "a package repository", Read::Lines, None;
    ".sbt/*/credentials*", "packages", "a package repository", Read::Lines, None;
    ".ivy2/.credentials", "packages", "a package repository", Read::Lines, None;
    ".nuget/NuGet/NuGet.Config", "packages", "a package registry", Read::Lines, PUBLISHING;
    ".composer/auth.json", "packages", "a package repository", JSON, None;
    ".config/composer/auth.json", "packages", "a package repository", JSON, None;
    ".hex/hex.config", "packages", "a package registry", Read::Lines, None;
    ".pub-cache/credentials.json", "packages", "a package registry", JSON, None;
    ".config/dart/pub-credentials.json", "packages", "a package registry", JSON, PUBLISHING;
    ".conda/.condarc", "packages", "a package channel", YAML, None;
    ".cabal/config", "packages", "a package registry", Read::Lines, None;
    ".terraform.d/credentials.tfrc.json", "infra", "a Terraform host", JSON, TERRAFORM;
    ".terraformrc", "infra", "a Terraform host", Read::Lines, TERRAFORM;
    ".pulumi/credentials.json", "infra", "Pulumi", JSON, None;
    ".vault-token", "infra", "a vault", Read::Whole, VAULT;
    ".config/doctl/config.yaml", "infra", "DigitalOcean", YAML, None;
    ".config/hcloud/cli.toml", "infra", "Hetzner Cloud", TOML, None;
    ".fly/config.yml", "infra", "Fly.io", YAML, None;
    ".config/stripe/config.toml", "infra", "Stripe", TOML, None;
    ".sentryclirc", "infra", "Sentry", Read::Lines, None;
    ".config/ngrok/ngrok.yml", "infra", "ngrok", YAML, None;
    ".ngrok2/ngrok.yml", "infra", "ngrok", YAML, None;
    ".circleci/cli.yml", "infra", "CircleCI", YAML, None;
    ".config/argocd/config", "infra", "Argo CD", YAML, None;
    ".config/helm/registry/config.json", "containers", "a container registry", Read::Docker, CONTAINERS;
    ".streamlit/secrets.toml", "env-files", "", TOML, None;
    ".config/netlify/config.json", "infra", "Netlify", JSON, None;
    ".local/share/com.vercel.cli/auth.json", "infra", "Vercel", JSON, None;
    ".config/.wrangler/config/default.toml", "infra", "Cloudflare", TOML, None;
    ".wrangler/config/default.toml", "infra", "Cloudflare", TOML, None;
    ".config/heroku/*.json", "infra", "Heroku", JSON, None;
    ".railway/config.json", "infra", "Railway", JSON, None;
    ".supabase/access-token", "infra", "Supabase", Read::Whole, None;
    ".config/configstore/firebase-tools.json", "infra", "Firebase", JSON, GCLOUD;
    ".serverlessrc", "infra", "Serverless", JSON, None;
    ".config/rclone/rclone.conf", "infra", "remote storage", Read::Lines, None;
    ".s3cfg", "infra", "object storage", Read::Lines, AWS;
    ".boto", "infra", "a cloud account", Read::Lines, None;
    ".oci/config", "infra", "Oracle Cloud", Read::Lines, None;
    ".oci/*.pem", "infra", "Oracle Cloud", Read::PrivateKey, None;
    ".bluemix/config.json", "infra", "IBM Cloud", JSON, None;
    ".config/linode-cli", "infra", "Linode", Read::Lines, None;
    ".config/scw/config.yaml", "infra", "Scaleway", YAML, None;
    ".databrickscfg", "infra", "Databricks", Read::Lines, Some("OAuth by `databricks auth login`, whose tokens end after an hour");
    ".snowflake/connections.toml", "infra", "Snowflake", TOML, None;
    ".snowflake/config.toml", "infra", "Snowflake", TOML, None;
    ".dbt/profiles.yml", "database", "a data warehouse", YAML, DATABASE;
    ".chef/*.pem", "infra", "a Chef server", Read::PrivateKey, None;
    ".ansible/vault*", "infra", "Ansible vaults", Read::Whole, None;
    ".kaggle/kaggle.json", "infra", "Kaggle", JSON, None;
    ".cache/huggingface/token", "infra", "Hugging Face", Read::Whole, None;
    ".huggingface/token", "infra", "Hugging Face", Read::Whole, None;
    ".pgpass", "database", "a PostgreSQL server", Read::Lines, DATABASE;
    ".my.cnf", "database", "a MySQL server", Read::Lines, DATABASE;
    ".mylogin.cnf", "database", "a MySQL server", Read::Presence, DATABASE;
    ".ssh/*", "ssh", "hosts by SSH", Read::PrivateKey, SSH;
    ".local/share/keyrings/*.keyring", "keyrings", "what the desktop keeps", Read::Presence, None;
    ".local/share/kwalletd/*.kwl", "keyrings", "what the desktop keeps", Read::Presence, None;
    "Library/Keychains/*.keychain-db", "keyrings", "what the desktop keeps", Read::Presence, None;
    ".gnupg/private-keys-v1.d", "keyrings", "signatures and mail", Read::Presence, None;
    ".password-store", "keyrings", "what `pass` keeps", Read::Presence, None;
    ".config/op", "keyrings", "what 1Password keeps", Read::Presence, None;
    ".config/sops/age/keys.txt", "keyrings", "files that `sops` locks", Read::PrivateKey, None;
    ".claude/.credentials.json", "agents", "the model's vendor", JSON, None;
    ".codex/auth.json", "agents", "the model's vendor", JSON, None;
    ".gemini/oauth_creds.json", "agents", "the model's vendor", JSON, None;
    ".qwen/oauth_creds.json", "agents", "the model's vendor", JSON, None;
    ".local/share/opencode/auth.json", "agents", "vendors of models", JSON, None;
    ".config/github-copilot/hosts.json", "agents", "GitHub Copilot", JSON, None;
    ".config/github-copilot/apps.json", "agents", "GitHub Copilot", JSON, None;
    ".config/goose/secrets.yaml", "agents", "vendors of models", YAML, None;
    ".config/anthropic/*.json", "agents", "Anthropic's models", JSON, None;
    ".config/anthropic/*/*.json", "agents", "Anthropic's models", JSON, None;
    ".codex/.credentials.json", "agents", "MCP servers", JSON, None;
    ".gemini/*oauth-tokens*.json", "agents", "MCP servers", Read::Kept, None;
    ".gemini/gemini-credentials.json", "agents", "Google's models", Read::Kept, None;
    ".gemini/.env", "agents", "", Read::Lines, None;
    ".cache/.gemini/*.json", "agents", "Google's models", Read::Kept, None;
    ".qwen/*oauth-tokens*.json", "agents", "MCP servers", Read::Kept, None;
    ".qwen/.env", "agents", "", Read::Lines, None;
    ".copilot/config.json", "agents", "GitHub Copilot", JSON, None;
    ".copilot/mcp-oauth-config/*", "agents", "MCP servers", Read::Kept, None;
    ".copilot/mcp-secrets/*", "agents", "MCP servers", Read::Kept, None;
    ".local/share/opencode/mcp-auth.json", "agents", "MCP servers", JSON, None;
    ".local/share/opencode/opencode.db", "agents", "vendors of models", Read::Store, None;
    ".openclaw/secrets.json", "agents", "vendors of models", JSON, None;
    ".openclaw/.env", "agents", "", Read::Lines, None;
    ".openclaw/credentials/*", "agents", "accounts of chats", Read::Kept, None;
    ".openclaw/credentials/*/*", "agents", "accounts of chats", Read::Kept, None;
    ".openclaw/mcp-oauth/*", "agents", "MCP servers", Read::Kept, None;
    ".openclaw/agents/*/agent/auth-profiles.json", "agents", "vendors of models", JSON, None;
    ".openclaw/agents/*/agent/openclaw-agent.sqlite", "agents", "vendors of models", Read::Store, None;
    ".openclaw/state/openclaw.sqlite", "agents", "vendors of models", Read::Store, None;
    ".pi/agent/auth.json", "agents", "vendors of models", JSON, None;
    ".pi/agent/models.json", "agents", "vendors of models", JSON, None;
    ".pi/agent/mcp-auth.json", "agents", "MCP servers", JSON, None;
    ".continue/auth.json", "agents", "Continue", JSON, None;
    ".continue/.env", "agents", "", Read::Lines, None;
    ".mcp-auth/*.json", "agents", "MCP servers", JSON, None;
    ".mcp-auth/*/*.json", "agents", "MCP servers", JSON, None;
    ".aider.conf.yml", "agents", "vendors of models", YAML, None;
    ".aider/oauth-keys.env", "agents", "vendors of models", Read::Lines, None;
    ".local/share/amp/secrets.json", "agents", "Amp", JSON, None;
    ".local/share/amazon-q/data.sqlite3", "agents", "Amazon Q", Read::Store, None;
    ".local/share/kiro-cli/data.sqlite3", "agents", "Kiro", Read::Store, None;
    ".local/share/crush/crush.json", "agents", "vendors of models", JSON, None;
    ".cline/data/secrets.json", "agents", "vendors of models", JSON, None;
    ".config/Code/User/globalStorage/state.vscdb", "agents", "what extensions of VS Code keep", Read::Presence, None;
    ".config/Cursor/User/globalStorage/state.vscdb", "agents", "Cursor", Read::Store, None;
    ".config/Windsurf/User/globalStorage/state.vscdb", "agents", "Windsurf", Read::Store, None;
    ".config/JetBrains/*/c.kdbx", "keyrings", "what JetBrains's editors keep", Read::Presence, None;
    ".m2/settings-security.xml", "packages", "passwords that Maven keeps", Read::Store, None;
    ".opam/*/credentials", "packages", "a package repository", Read::Lines, None;
    ".config/age/*", "keyrings", "files that `age` locks", Read::PrivateKey, None;
    ".redisclirc", "database", "a Redis server", Read::History, DATABASE;
    ".mongorc.js", "database", "a MongoDB server", Read::History, DATABASE;
    ".bashrc", "env-files", "", Read::Start, None;
    ".bash_profile", "env-files", "", Read::Start, None;
    ".bash_login", "env-files", "", Read::Start, None;
    ".profile", "env-files", "", Read::Start, None;
    ".zshrc", "env-files", "", Read::Start, None;
    ".zshenv", "env-files", "", Read::Start, None;
    ".zprofile", "env-files", "", Read::Start, None;
    ".zlogin", "env-files", "", Read::Start, None;
    ".config/fish/config.fish", "env-files", "", Read::Start, None;
    ".config/fish/conf.d/*.fish", "env-files", "", Read::Start, None;
    ".config/environment.d/*.conf", "env-files", "", Read::Start, None;
    ".bash_history", "history", "", Read::History, None;
    ".zsh_history", "history", "", Read::History, None;
    ".local/share/fish/fish_history", "history", "", Read::History, None;
    ".python_history", "history", "", Read::History, None;
    ".psql_history", "history", "", Read::History, None;
    ".config/google-chrome/*/Login Data", "browsers", "passwords that Chrome keeps", Read::Store, None;
    ".config/google-chrome/*/Cookies", "browsers", "sessions in Chrome", Read::Store, None;
    ".config/google-chrome/*/Network/Cookies", "browsers", "sessions in Chrome", Read::Store, None;
    ".config/chromium/*/Login Data", "browsers", "passwords that Chromium keeps", Read::Store, None;
    ".config/chromium/*/Cookies", "browsers", "sessions in Chromium", Read::Store, None;
    ".mozilla/firefox/*/logins.json", "browsers", "passwords that Firefox keeps", Read::Store, None;
    ".mozilla/firefox/*/key4.db", "browsers", "passwords that Firefox keeps", Read::Store, None;
    ".mozilla/firefox/*/cookies.sqlite", "browsers", "sessions in Firefox", Read::Store, None;
    ".gnupg/S.gpg-agent*", "sockets", "signatures and mail", Read::Socket(Guard::Keeper), None;
    ".env", "env-files", "", Read::Lines, None;
};

/// Below the root of the machine: what containers and clusters give to what runs in them, and sockets of programs that do
/// for whoever asks what they may do themselves.
pub(super) const OF_MACHINE: &[Entry] = places! {
    "etc/kubernetes/admin.conf", "kubernetes", "a Kubernetes cluster, as its administrator", Read::Kubernetes, KUBERNETES;
    "etc/rancher/k3s/k3s.yaml", "kubernetes", "a Kubernetes cluster, as its administrator", Read::Kubernetes, KUBERNETES;
    "var/run/secrets/kubernetes.io/serviceaccount/token", "kubernetes", "the cluster that this runs in", Read::Whole, None;
    "kaniko/.docker/config.json", "containers", "a container registry", Read::Docker, CONTAINERS;
    "run/secrets/*", "containers", "what this container is given", Read::Whole, None;
    "var/run/docker.sock", "sockets", "this machine, as root", OPEN, None;
    "run/containerd/containerd.sock", "sockets", "this machine, as root", OPEN, None;
    "run/podman/podman.sock", "sockets", "this machine, as root", OPEN, None;
    "run/crio/crio.sock", "sockets", "this machine, as root", OPEN, None;
    "tmp/spire-agent/public/api.sock", "sockets", "identities of workloads", KEPT, None;
};

/// Sockets below a folder that a variable names.
pub(super) const SOCKETS: &[(&str, Entry)] = &[
    ("XDG_RUNTIME_DIR", of_runtime("docker.sock", "containers of this user", OPEN)),
    ("XDG_RUNTIME_DIR", of_runtime("podman/podman.sock", "containers of this user", OPEN)),
    ("XDG_RUNTIME_DIR", of_runtime("bus", "what the desktop keeps, and programs of this user", KEPT)),
    ("XDG_RUNTIME_DIR", of_runtime("gnupg/S.gpg-agent*", "signatures and mail", KEPT)),
];

const fn of_runtime(path: &'static str, opens: &'static str, read: Read) -> Entry {
    Entry { path, kind: "sockets", opens, read, instead: None }
}

const OPEN: Read = Read::Socket(Guard::None);
const KEPT: Read = Read::Socket(Guard::Keeper);

/// A working copy's own settings, below its top.
pub(super) const OF_WORKING_COPY: Entry =
    Entry { path: ".git/config", kind: "git", opens: "a git host", read: Read::GitSettings, instead: GITHUB };

/// Anywhere in a tree, by name alone.
pub(super) const OF_TREE: &[Entry] = places! {
    ".env", "env-files", "", Read::Lines, None;
    ".env.*", "env-files", "", Read::Lines, None;
    ".envrc", "env-files", "", Read::Lines, None;
    ".dev.vars", "env-files", "", Read::Lines, None;
    ".dev.vars.*", "env-files", "", Read::Lines, None;
    ".sentryclirc", "infra", "Sentry", Read::Lines, None;
    "secrets.toml", "env-files", "", TOML, None;
    "master.key", "env-files", "credentials that Rails locks", Read::Whole, None;
    ".npmrc", "packages", "a package registry", Read::Lines, PUBLISHING;
    ".yarnrc.yml", "packages", "a package registry", YAML, PUBLISHING;
    ".pypirc", "packages", "a package registry", Read::Lines, PUBLISHING;
    "*service-account*.json", "cloud-gcp", "Google Cloud", Read::Gcloud, GCLOUD;
    "*.pem", "env-files", "", Read::PrivateKey, None;
    "*.key", "env-files", "", Read::PrivateKey, None;
    "*.p12", "env-files", "", LOCKED, None;
    "*.pfx", "env-files", "", LOCKED, None;
    "*.jks", "env-files", "", LOCKED, None;
    "*.keystore", "env-files", "", LOCKED, None;
    "*.kdbx", "keyrings", "", LOCKED, None;
    "*.tfvars", "infra", "", Read::Lines, None;
    "*.tfstate", "infra", "", JSON, None;
    "secrets.yaml", "env-files", "", YAML, None;
    "secrets.yml", "env-files", "", YAML, None;
    "credentials.json", "env-files", "", JSON, None;
    "id_rsa", "ssh", "hosts by SSH", Read::PrivateKey, SSH;
    "id_ed25519", "ssh", "hosts by SSH", Read::PrivateKey, SSH;
};

const LOCKED: Read = Read::Presence;

/// The entry of a file of this name in a tree.
pub(super) fn of_name(name: &str) -> Option<&'static Entry> {
    OF_TREE.iter().find(|entry| match entry.path.split_once('*') {
        None => entry.path == name,
        Some((head, tail)) => {
            let rest = name.strip_prefix(head);
            rest.is_some_and(|rest| match tail.split_once('*') {
                Some((middle, tail)) => rest.strip_suffix(tail).is_some_and(|rest| rest.contains(middle)),
                None => rest.ends_with(tail),
            })
        }
    })
}

/// Whether a name is worth a look into the table: this is asked of every file of a walk.
pub(super) fn may_be_of_tree(name: &str) -> bool {
    const DOTTED: &[&str] = &[".dev.vars", ".env", ".npmrc", ".yarnrc.yml", ".pypirc", ".sentryclirc"];
    const ENDINGS: &[&str] =
        &["jks", "json", "kdbx", "key", "keystore", "p12", "pem", "pfx", "tfstate", "tfvars", "yaml", "yml"];
    if name.starts_with('.') {
        return DOTTED.iter().any(|head| name.starts_with(head));
    }
    match name.rsplit_once('.') {
        Some((head, "json")) => head.contains("service-account") || head == "credentials",
        Some((head, "toml" | "yaml" | "yml")) => head == "secrets",
        Some((_, ending)) => ENDINGS.contains(&ending),
        None => name.starts_with("id_"),
    }
}

/// Variables that move a file: the variable, what is below it, and the place that it stands for.
pub(super) const NAMED_BY_VARIABLE: &[(&str, &str, &str)] = &[
    ("AWS_CONFIG_FILE", "", ".aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "", ".aws/credentials"),
    ("DOCKER_CONFIG", "config.json", ".docker/config.json"),
    ("GH_CONFIG_DIR", "hosts.yml", ".config/gh/hosts.yml"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "", ".config/gcloud/application_default_credentials.json"),
    ("KUBECONFIG", "", ".kube/config"),
    ("NPM_CONFIG_USERCONFIG", "", ".npmrc"),
    ("PIP_CONFIG_FILE", "", ".config/pip/pip.conf"),
    ("REGISTRY_AUTH_FILE", "", ".config/containers/auth.json"),
    ("XDG_RUNTIME_DIR", "containers/auth.json", ".config/containers/auth.json"),
];

// === impl Read ===

impl Read {
    pub(super) fn read(self, path: &Path, bytes: &[u8], page: &mut Page<'_>) {
        match self {
            Self::Aws => cloud::aws(bytes, page),
            Self::Azure => cloud::azure(bytes, page),
            Self::Docker => forge::docker(bytes, page),
            Self::Document(notation) => document::read(bytes, notation, page),
            Self::Gcloud => cloud::gcloud(bytes, page),
            Self::GitAddresses => forge::addresses(bytes, page),
            Self::GitSettings => forge::settings(bytes, page),
            Self::History => history::read(bytes, page),
            Self::Kept => document::kept(bytes, page),
            Self::Kubernetes => cloud::kubernetes(bytes, page),
            Self::Lines => lines::read(bytes, page),
            Self::Netrc => forge::netrc(bytes, page),
            Self::Presence | Self::Socket(_) | Self::Store => {}
            Self::PrivateKey => key::read(path, bytes, page),
            Self::Start => start::read(bytes, page),
            Self::Whole => lines::whole(bytes, page),
        }
    }
}

/// Files below a root that a pattern names, with the path that is shown of each.
pub(crate) fn files(root: &Path, before: &Path, pattern: &str) -> Vec<(PathBuf, PathBuf)> {
    let mut ways = vec![PathBuf::new()];
    for part in pattern.split('/') {
        let Some((head, tail)) = part.split_once('*') else {
            ways.iter_mut().for_each(|way| way.push(part));
            continue;
        };
        let mut longer = Vec::new();
        for way in &ways {
            let Ok(entries) = std::fs::read_dir(root.join(way)) else { continue };
            let mut names: Vec<String> = entries
                .take(MAX_IN_FOLDER)
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.len() >= head.len() + tail.len())
                .filter(|name| match tail.split_once('*') {
                    Some((middle, tail)) => {
                        name.starts_with(head) && name.ends_with(tail) && name.contains(middle)
                    }
                    None => name.starts_with(head) && name.ends_with(tail),
                })
                .collect();
            names.sort();
            longer.extend(names.into_iter().map(|name| way.join(name)));
        }
        ways = longer;
    }
    ways.into_iter().map(|way| (root.join(&way), before.join(way))).collect()
}

/// Files that show what to fill in.
pub(super) fn is_template(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    ["example", "sample", "template", "dist", "tmpl", "schema"]
        .iter()
        .any(|word| name.ends_with(&format!(".{word}")) || name.contains(&format!(".{word}.")))
}
