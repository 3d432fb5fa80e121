//! What a session has let in, by where it came from. Chains of calls are judged by this, not only single calls.

use serde::{Deserialize, Serialize};

/// What something that came in does to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    /// Data that is not for everybody.
    Private,
    /// A credential.
    Secret,
    /// Text that strangers wrote.
    Untrusted,
}

/// Why a file's mark ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkEnd {
    /// A person cleared it.
    ByPerson,
    /// Nothing stands there any more.
    Gone,
}

/// Where something came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Something that policy could not name and a person let through. Untrusted.
    Anything,
    /// An answer that somebody who can see it says is untrusted. Untrusted.
    Claimed,
    /// Files of a repository, a branch or an archive that strangers made. Untrusted.
    Clone,
    /// A cloud account. Private.
    Cloud,
    /// A file, a variable or a store with credentials. Secret.
    Credential,
    /// A database that is not on this machine. Private.
    Database,
    /// Code and documentation of packages. Untrusted.
    Dependency,
    /// What runs for others: logs, settings, data of a deployment. Private.
    Deployment,
    /// Issues, pull requests and the like of a forge. Untrusted.
    Forge,
    /// Commits, messages and refs of the repository, which others may have made. Untrusted.
    History,
    /// A file of the user's outside the workspace. Private.
    Home,
    /// A file that was written from private data. Private.
    MarkedPrivate,
    /// A file that was written from a credential. Secret.
    MarkedSecret,
    /// A file that was written from untrusted input. Untrusted.
    MarkedUntrusted,
    /// A tool of an MCP server. Untrusted.
    Mcp,
    /// A tool of an MCP server that is marked private. Private.
    PrivateMcp,
    /// A repository, or a part of it, that is marked private. Private.
    PrivateRepository,
    /// A web search. Untrusted.
    Search,
    /// A page or a file from the network. Untrusted.
    Web,
}

// === impl Touch ===

impl Touch {
    pub const ALL: [Self; 3] = [Self::Private, Self::Secret, Self::Untrusted];

    /// The stable name, as in policies and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Secret => "secret",
            Self::Untrusted => "untrusted",
        }
    }
}

impl std::fmt::Display for Touch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

// === impl SourceKind ===

impl SourceKind {
    pub const ALL: [Self; 19] = [
        Self::Anything,
        Self::Claimed,
        Self::Clone,
        Self::Cloud,
        Self::Credential,
        Self::Database,
        Self::Dependency,
        Self::Deployment,
        Self::Forge,
        Self::History,
        Self::Home,
        Self::MarkedPrivate,
        Self::MarkedSecret,
        Self::MarkedUntrusted,
        Self::Mcp,
        Self::PrivateMcp,
        Self::PrivateRepository,
        Self::Search,
        Self::Web,
    ];

    /// The stable name, as in policies and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anything => "anything",
            Self::Claimed => "claimed",
            Self::Clone => "clone",
            Self::Cloud => "cloud",
            Self::Credential => "credential",
            Self::Database => "database",
            Self::Dependency => "dependency",
            Self::Deployment => "deployment",
            Self::Forge => "forge",
            Self::History => "history",
            Self::Home => "home",
            Self::MarkedPrivate => "marked-private",
            Self::MarkedSecret => "marked-secret",
            Self::MarkedUntrusted => "marked-untrusted",
            Self::Mcp => "mcp",
            Self::PrivateMcp => "private-mcp",
            Self::PrivateRepository => "private-repository",
            Self::Search => "search",
            Self::Web => "web",
        }
    }

    /// What it does to the session that reads it.
    pub const fn touch(self) -> Touch {
        match self {
            Self::Anything
            | Self::Claimed
            | Self::Clone
            | Self::Dependency
            | Self::Forge
            | Self::History
            | Self::MarkedUntrusted
            | Self::Mcp
            | Self::Search
            | Self::Web => Touch::Untrusted,
            Self::Cloud
            | Self::Database
            | Self::Deployment
            | Self::Home
            | Self::MarkedPrivate
            | Self::PrivateMcp
            | Self::PrivateRepository => Touch::Private,
            Self::Credential | Self::MarkedSecret => Touch::Secret,
        }
    }

    /// The kind of a file that was written from this.
    pub const fn as_mark(self) -> Self {
        match self.touch() {
            Touch::Private => Self::MarkedPrivate,
            Touch::Secret => Self::MarkedSecret,
            Touch::Untrusted => Self::MarkedUntrusted,
        }
    }

    /// Whether whoever wrote it can have aimed at this session. Packages and the repository's own history are read in
    /// nearly every session and were chosen by people before it; the rest comes in fresh.
    pub const fn is_fresh(self) -> bool {
        match self {
            Self::Anything
            | Self::Claimed
            | Self::Clone
            | Self::Forge
            | Self::MarkedUntrusted
            | Self::Mcp
            | Self::Search
            | Self::Web => true,
            Self::Cloud
            | Self::Credential
            | Self::Database
            | Self::Dependency
            | Self::Deployment
            | Self::History
            | Self::Home
            | Self::MarkedPrivate
            | Self::MarkedSecret
            | Self::PrivateMcp
            | Self::PrivateRepository => false,
        }
    }
}

impl std::fmt::Display for SourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
