//! Resources: the typed things an action is done to. Whatever policy relies on is an attribute here.

use serde::{Deserialize, Serialize};

/// What an action is done to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    CloudAccount {
        provider: String,
    },
    Command {
        program: String,
    },
    Deployment {
        target: String,
    },
    Host {
        name: String,
    },
    Identity {
        what: String,
    },
    McpTool {
        server: String,
        tool: String,
    },
    /// A package, by its normal name without a version. `version` is empty where none is written.
    Package {
        name: String,
        version: String,
        /// The world of names it is of, as `npm` or `pypi`; empty where that is not known.
        ecosystem: String,
        source: PackageSource,
    },
    /// A real path. `binding` says what makes something run or obey the file, for `Place::Binding` and for files that
    /// are ordinary work and yet run later.
    Path {
        path: String,
        place: Place,
        binding: Option<Binding>,
    },
    /// A ref of a remote repository. `name` is empty where the call does not say which.
    Ref {
        remote: String,
        name: String,
        force: bool,
    },
    Repository {
        name: String,
    },
    Secret {
        what: String,
    },
    /// Nobody knows what it would touch, and why not.
    Unknown {
        why: String,
    },
}

/// Where the packages of one installation come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageSource {
    /// A URL or a repository that the call names.
    Address,
    /// An index or a registry that the call names, in place of the usual one or beside it.
    ForeignIndex,
    /// A file or folder of this machine.
    Local,
    /// Exactly what the project's lock file names, checked against its hashes.
    Lockfile,
    /// What the project's manifest names, in the newest version that it allows.
    Manifest,
    /// The index that is set up, for a package that the call names.
    Registry,
    /// Nobody can say.
    Unknown,
}

/// What makes a file run or be obeyed after it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// Settings of a coding agent: what it may do, its hooks, plugins, commands and subagents.
    AgentSettings,
    /// What a build runs: make files, build scripts, container files.
    BuildScript,
    /// What a CI service runs, and who must look at a change.
    Ci,
    /// What an editor runs or loads for a folder: tasks, launch settings, development containers.
    EditorTask,
    /// What a shell, or a tool that watches folders, loads on entering one.
    Environment,
    /// Settings of git and other version control, which name programs to run and places to send to.
    GitConfig,
    /// What git and its companions run at a commit, a push or a checkout.
    GitHook,
    /// Instructions that an agent reads and follows.
    Instructions,
    /// Which exact packages an installation takes.
    LockFile,
    /// Manifests of packages: dependencies, and scripts that installing and building run.
    ManifestScripts,
    /// Which MCP servers an agent starts or talks to.
    McpSettings,
    /// Writ's own files.
    Own,
    /// Settings of a package manager or tool chain: where packages come from, which wrappers run.
    PackageSettings,
    /// A folder of programs that shells look in.
    Program,
    /// What the machine starts by itself: timers, services, at login.
    Scheduled,
    /// What a shell or a session runs when it starts.
    ShellProfile,
    /// Settings of other tools that can name programs to run.
    ToolSettings,
}

/// Where a path lies, seen from the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the task's workspace.
    Workspace,
    /// In the workspace, and something a machine or a human's tool later runs or obeys by itself: git hooks, CI
    /// files, shell profiles, editor tasks, instruction files, settings of agents and MCP servers.
    Binding,
    /// A scratch folder.
    Scratch,
    /// Anywhere else on the machine.
    Outside,
    /// A file or folder that holds credentials.
    Secret,
    /// Writ's own state, keys, sockets or configuration.
    Own,
}

// === impl Resource ===

impl Resource {
    /// The Cedar entity type.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CloudAccount { .. } => "CloudAccount",
            Self::Command { .. } => "Command",
            Self::Deployment { .. } => "Deployment",
            Self::Host { .. } => "Host",
            Self::Identity { .. } => "Identity",
            Self::McpTool { .. } => "McpTool",
            Self::Package { .. } => "Package",
            Self::Path { .. } => "Path",
            Self::Ref { .. } => "Ref",
            Self::Repository { .. } => "Repository",
            Self::Secret { .. } => "Secret",
            Self::Unknown { .. } => "Unknown",
        }
    }

    /// A path that lies at `place` and that nothing obeys.
    pub fn path(path: impl Into<String>, place: Place) -> Self {
        Self::Path { path: path.into(), place, binding: None }
    }

    /// A package of the index that is set up, by its name alone.
    pub fn package(name: impl Into<String>) -> Self {
        Self::Package {
            name: name.into(),
            version: String::new(),
            ecosystem: String::new(),
            source: PackageSource::Registry,
        }
    }

    /// What identifies it among resources of its type. Bounded by the bound on a call's arguments.
    pub fn name(&self) -> String {
        match self {
            Self::CloudAccount { provider } => provider.clone(),
            Self::Command { program } => program.clone(),
            Self::Deployment { target } => target.clone(),
            Self::Host { name } | Self::Repository { name } => name.clone(),
            Self::Package { name, version, .. } if version.is_empty() => name.clone(),
            Self::Package { name, version, .. } => format!("{name}@{version}"),
            Self::Identity { what } | Self::Secret { what } => what.clone(),
            Self::McpTool { server, tool } => format!("{server}/{tool}"),
            Self::Path { path, .. } => path.clone(),
            Self::Ref { remote, name, .. } => format!("{remote}#{name}"),
            Self::Unknown { why } => why.clone(),
        }
    }
}

// === impl Place ===

impl Place {
    pub const ALL: [Self; 6] =
        [Self::Workspace, Self::Binding, Self::Scratch, Self::Outside, Self::Secret, Self::Own];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Binding => "binding",
            Self::Scratch => "scratch",
            Self::Outside => "outside",
            Self::Secret => "secret",
            Self::Own => "own",
        }
    }
}

// === impl PackageSource ===

impl PackageSource {
    pub const ALL: [Self; 7] = [
        Self::Address,
        Self::ForeignIndex,
        Self::Local,
        Self::Lockfile,
        Self::Manifest,
        Self::Registry,
        Self::Unknown,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::ForeignIndex => "foreign-index",
            Self::Local => "local",
            Self::Lockfile => "lockfile",
            Self::Manifest => "manifest",
            Self::Registry => "registry",
            Self::Unknown => "unknown",
        }
    }
}

// === impl Binding ===

impl Binding {
    pub const ALL: [Self; 17] = [
        Self::AgentSettings,
        Self::BuildScript,
        Self::Ci,
        Self::EditorTask,
        Self::Environment,
        Self::GitConfig,
        Self::GitHook,
        Self::Instructions,
        Self::LockFile,
        Self::ManifestScripts,
        Self::McpSettings,
        Self::Own,
        Self::PackageSettings,
        Self::Program,
        Self::Scheduled,
        Self::ShellProfile,
        Self::ToolSettings,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::AgentSettings => "agent-settings",
            Self::BuildScript => "build-script",
            Self::Ci => "ci",
            Self::EditorTask => "editor-task",
            Self::Environment => "environment",
            Self::GitConfig => "git-config",
            Self::GitHook => "git-hook",
            Self::Instructions => "instructions",
            Self::LockFile => "lock-file",
            Self::ManifestScripts => "manifest-scripts",
            Self::McpSettings => "mcp-settings",
            Self::Own => "own",
            Self::PackageSettings => "package-settings",
            Self::Program => "program",
            Self::Scheduled => "scheduled",
            Self::ShellProfile => "shell-profile",
            Self::ToolSettings => "tool-settings",
        }
    }
}
