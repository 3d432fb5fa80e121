//! What leaves the task's sandbox, as the doors on the way out read it off the wire.

use std::fmt;

use bytes::Bytes;

use crate::text::{Digest, Label};

/// One HTTP request on its way out. Made only by the egress proxy, from bytes that were parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// As sent: methods are case-sensitive (RFC 9110, section 9.1).
    pub method: String,
    pub scheme: Scheme,
    /// A name or an address in normal form: lower case, no dot at the end, the sixth version in brackets. No port.
    pub host: String,
    pub port: u16,
    /// As sent, without the query; starts with `/`, or is `*`.
    pub path: String,
    /// As sent, without the question mark.
    pub query: Option<String>,
    /// Headers that say which operation is asked for, names in lower case. Never one that holds a credential.
    pub headers: Vec<(String, String)>,
    pub body: Body,
    pub account: Account,
}

/// How a host is spoken to. A web socket is a request that asks for an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    Http,
    Https,
}

/// What is known of a body when the request is decided. Its bytes are shared by all who look at it, and by what sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    None,
    /// Nobody looked into it.
    Unread,
    /// Its first bytes; more follow.
    Start(Bytes),
    /// Its first bytes. The rest was read to its end and waits to be sent: length in bytes and SHA-256 are of all of it.
    Long {
        start: Bytes,
        bytes: u64,
        digest: Digest,
        /// As a form in parts it has no part that begins, or is named, behind the start.
        has_all_names: bool,
    },
    Whole(Bytes),
}

/// In whose name a request speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// It carries no credential.
    Nobody,
    /// Writ puts on this credential, by name.
    Lent(Label),
    /// It carries a credential that Writ did not place.
    Foreign,
}

/// A push, after what it carries was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Host, with a port that is not the usual one, and path without `.git`: `forge.example/team/app`.
    pub remote: String,
    /// In the order of the wire. Never empty.
    pub updates: Vec<RefUpdate>,
    /// Push options, as sent: some make a forge merge or start pipelines.
    pub options: Vec<String>,
    /// Paths that differ between the old and the new tips, below the repository's root.
    pub paths: Vec<String>,
    /// Ids of the commits that it brings, newest first, as far as they are listed.
    pub commits: Vec<String>,
    /// It brings more commits than are listed, or nobody could say which.
    pub more_commits: bool,
    /// More paths differ than are listed, or nobody could say which: the push may touch any file.
    pub is_cut: bool,
    /// What the new objects hold that should not leave, or that changes who may do what. One sentence each.
    pub findings: Vec<Finding>,
    pub account: Account,
}

/// One ref that a push moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// Whole, as `refs/heads/main`.
    pub name: String,
    pub step: RefStep,
    /// Object ids as the wire says them, in hexadecimal; nothing where the ref is made or goes.
    pub old: Option<String>,
    pub new: Option<String>,
}

/// How a push moves a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefStep {
    Create,
    Delete,
    /// The new tip does not contain the old one, or nobody could prove that it does.
    Force,
    /// The new tip contains the old one.
    Forward,
}

/// Something in the objects of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    /// The file that it stands in, below the repository's root.
    pub path: String,
    /// One sentence, without the secret itself.
    pub says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// New keys, role grants, trust policies, permissions of workflows.
    Identity,
    Secret,
}

// === impl Request ===

impl Request {
    /// Host and, where it is not the scheme's own, port: what policies call a host.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.port() {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The address without its query, which can hold credentials.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.path)
    }
}

// === impl Scheme ===

impl Scheme {
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}
