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
    Package {
        name: String,
    },
    Path {
        path: String,
        place: Place,
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

    /// What identifies it among resources of its type. Bounded by the bound on a call's arguments.
    pub fn name(&self) -> String {
        match self {
            Self::CloudAccount { provider } => provider.clone(),
            Self::Command { program } => program.clone(),
            Self::Deployment { target } => target.clone(),
            Self::Host { name } | Self::Package { name } | Self::Repository { name } => name.clone(),
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
