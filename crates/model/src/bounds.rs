//! Bounds: what the requester named for one task. They only narrow what the task's kind is about, and they open one
//! door: where policy says that what the task names may be reached, it may be.
//!
//! Each part is either stated or not. A part that is not stated narrows nothing; an empty one names nothing, so
//! everything of that sort is asked for. What a part puts off limits (`deny-read`, `protected`, `publish = false`) is
//! refused whoever says yes: it takes another task.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::effect::EffectClass;

mod call;
mod tool;

pub use call::{ExactCall, same_value};
pub use tool::{Constraint, Relation, ToolBound};

/// Longest text of bounds, as JSON, in bytes.
pub const MAX_BOUNDS_BYTES: usize = 256 << 10;
/// Most entries in one list.
const MAX_ENTRIES: usize = 1024;
/// Longest pattern, host, server or tool in bytes.
const MAX_PATTERN_BYTES: usize = 1024;

/// What the requester of a task named.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Bounds {
    /// The repository the task is about, as `owner/name`. Calls of MCP tools that name another are out of bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Paths that may be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<PathPattern>>,
    /// Paths that may not be read, whoever says yes. The last pattern that fits counts; `!` re-allows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny_read: Vec<PathPattern>,
    /// Paths that may be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<Vec<PathPattern>>,
    /// Paths that may not be changed, whoever says yes, unless a pattern of `write` names exactly them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<PathPattern>,
    /// Effect classes that commands may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effects: Option<Vec<EffectBound>>,
    /// Hosts that may be reached: `example.org`, `*.example.org`, `example.org:8443`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostPattern>>,
    /// Hosts whose tunnels are not looked into: decided by the name in the handshake, with nothing put on. Opens no host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_intercept: Vec<HostPattern>,
    /// Branches that may be pushed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<Vec<PathPattern>>,
    /// Tools of MCP servers that may be called, by server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<BTreeMap<String, Vec<ToolBound>>>,
    /// Calls of MCP tools that may be made with exactly these arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ExactCall>,
    /// Credentials that may be asked for, by name of the variable or path of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<String>>,
    /// Whether anything may be published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<bool>,
    /// What may be deployed to, as `staging`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy: Option<Vec<String>>,
    /// What ends the task at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_on: Vec<StopCondition>,
}

/// A path or branch as a person writes it, with `*`, `?`, `[…]`, `{…,…}` and `**`. What it stands for is said where
/// it is matched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern(Box<str>);

/// A host by name, with an optional port, or all hosts below one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(Box<str>);

/// An effect class that commands may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectBound {
    pub class: EffectClass,
    /// Of `package-install`, only what a lock file pins.
    pub lockfile: bool,
}

/// What ends a task at the first call that is not simply allowed for this reason. Such a call is not asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopCondition {
    /// Anything that these bounds put off limits or do not name.
    Bounds,
    Destructive,
    EscapeAttempt,
    /// A shipped guardrail forbids it.
    Guardrail,
    IdentityChange,
    /// Something on the way out that nobody does by mistake: what stands for a credential went where it is not for, a credential
    /// that was lent was about to leave, or a handshake named another host than its tunnel.
    Incident,
    SecretRead,
}

/// The bounds cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBounds {
    #[error(
        "`{0}` is no path pattern; it has 1 to {MAX_PATTERN_BYTES} bytes, no control characters, and at most 64 alternatives"
    )]
    Path(String),
    #[error("`{0}` is no host; write `example.org`, `*.example.org` or `example.org:8443`")]
    Host(String),
    #[error(
        "`{0}` is no effect class that can be bounded; write one as `build-test`, or `package-install:lockfile`"
    )]
    Effect(String),
    #[error("`{0}` is no tool; write `tool`, `tool@resource` or `tool:key=value`")]
    Tool(String),
    #[error("`{0}` names no tool of an MCP server; write `SERVER/TOOL`")]
    Call(String),
    #[error("`{0}` is no repository; write `owner/name`")]
    Repository(String),
    #[error(
        "`{0}` is no condition to stop on; known are bounds, destructive, escape-attempt, guardrail, identity-change, secret-read"
    )]
    Stop(String),
    #[error("more than {MAX_ENTRIES} entries in one list")]
    TooMany,
    #[error("the bounds are longer than {MAX_BOUNDS_BYTES} bytes")]
    TooLong,
}

// === impl Bounds ===

impl Bounds {
    /// Checks what no single value shows: lengths of lists, and of the whole.
    pub fn check(&self) -> Result<(), InvalidBounds> {
        let Self {
            repository,
            read,
            deny_read,
            write,
            protected,
            effects,
            hosts,
            no_intercept,
            push,
            mcp,
            calls,
            secrets,
            publish: _,
            deploy,
            stop_on,
        } = self;
        if let Some(name) = repository.as_deref().filter(|name| !is_repository(name)) {
            return Err(InvalidBounds::Repository(shortened(name)));
        }
        let length = |list: &Option<Vec<_>>| list.as_ref().map_or(0, Vec::len);
        let texts = |list: &Option<Vec<String>>| list.as_ref().map_or(0, Vec::len);
        let lengths = [
            length(read),
            deny_read.len(),
            length(write),
            protected.len(),
            effects.as_ref().map_or(0, Vec::len),
            hosts.as_ref().map_or(0, Vec::len),
            no_intercept.len(),
            length(push),
            mcp.as_ref().map_or(0, |servers| servers.values().map(|tools| tools.len() + 1).sum()),
            calls.len(),
            texts(secrets),
            texts(deploy),
            stop_on.len(),
        ];
        if lengths.into_iter().any(|length| length > MAX_ENTRIES) {
            return Err(InvalidBounds::TooMany);
        }
        match serde_json::to_vec(self) {
            Ok(text) if text.len() <= MAX_BOUNDS_BYTES => Ok(()),
            Ok(_) | Err(_) => Err(InvalidBounds::TooLong),
        }
    }

    /// Whether anything is stated at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a text is written like a repository of a forge: two names, one slash.
pub(crate) fn is_repository(text: &str) -> bool {
    let fits = |name: &str| {
        !name.is_empty()
            && name.len() <= 100
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    text.split_once('/').is_some_and(|(owner, name)| fits(owner) && fits(name))
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_PATTERN_BYTES && !text.chars().any(char::is_control)
}

// === impl PathPattern ===

impl PathPattern {
    /// As it was written, a leading `!` included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PathPattern {
    type Err = InvalidBounds;

    fn from_str(text: &str) -> Result<Self, InvalidBounds> {
        let bare = text.strip_prefix('!').unwrap_or(text);
        let alternatives = bare.matches(['{', ',']).count();
        if is_plain(bare) && alternatives <= 64 {
            Ok(Self(text.into()))
        } else {
            Err(InvalidBounds::Path(shortened(text)))
        }
    }
}

// === impl HostPattern ===

impl HostPattern {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host, written `name` or `name:port`, is meant. A pattern without a port means the usual ones.
    pub fn covers(&self, host: &str) -> bool {
        let (wanted, wanted_port) = split_port(&self.0);
        let (name, port) = split_port(host);
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let fits_port = match (wanted_port, port) {
            (Some(wanted), Some(port)) => wanted == port,
            (Some("443" | "80"), None) | (None, None | Some("443" | "80")) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let fits_name = match wanted.strip_prefix("*.") {
            Some(parent) => name
                .strip_suffix(parent)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|below| !below.is_empty()),
            None => wanted == "*" || name == wanted,
        };
        fits_port && fits_name
    }
}

/// Name and port; the port of an address in brackets too.
fn split_port(host: &str) -> (&str, Option<&str>) {
    let Some((name, port)) = host.rsplit_once(':') else { return (host, None) };
    let is_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    if is_port && (!name.contains(':') || name.ends_with(']')) { (name, Some(port)) } else { (host, None) }
}

impl FromStr for HostPattern {
    type Err = InvalidBounds;

    fn from_str(text: &str) -> Result<Self, InvalidBounds> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_prefix("*.").unwrap_or(&lower);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '['));
        if lower == "*" || (is_plain(name) && name.len() <= 261 && name.chars().all(fits) && is_name) {
            Ok(Self(lower.into()))
        } else {
            Err(InvalidBounds::Host(shortened(text)))
        }
    }
}

// === impl EffectBound ===

impl FromStr for EffectBound {
    type Err = InvalidBounds;

    fn from_str(text: &str) -> Result<Self, InvalidBounds> {
        let invalid = || InvalidBounds::Effect(shortened(text));
        let (class, lockfile) = match text.split_once(':') {
            Some((class, "lockfile")) => (class, true),
            Some(_) => return Err(invalid()),
            None => (text, false),
        };
        let class: EffectClass = class.parse().map_err(|_| invalid())?;
        // Nobody can name what nobody can name, and no task is about getting out of its sandbox.
        if matches!(class, EffectClass::Unknown | EffectClass::EscapeAttempt)
            || (lockfile && class != EffectClass::PackageInstall)
        {
            return Err(invalid());
        }
        Ok(Self { class, lockfile })
    }
}

impl fmt::Display for EffectBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.class, if self.lockfile { ":lockfile" } else { "" })
    }
}

// === impl StopCondition ===

impl StopCondition {
    pub const ALL: [Self; 7] = [
        Self::Bounds,
        Self::Destructive,
        Self::EscapeAttempt,
        Self::Guardrail,
        Self::IdentityChange,
        Self::Incident,
        Self::SecretRead,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounds => "bounds",
            Self::Destructive => "destructive",
            Self::EscapeAttempt => "escape-attempt",
            Self::Guardrail => "guardrail",
            Self::IdentityChange => "identity-change",
            Self::Incident => "incident",
            Self::SecretRead => "secret-read",
        }
    }
}

impl fmt::Display for StopCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for StopCondition {
    type Err = InvalidBounds;

    fn from_str(text: &str) -> Result<Self, InvalidBounds> {
        Self::ALL
            .into_iter()
            .find(|condition| condition.name() == text)
            .ok_or_else(|| InvalidBounds::Stop(shortened(text)))
    }
}

// === texts ===

macro_rules! as_text {
    ($($kind:ty),* $(,)?) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(EffectBound, HostPattern, PathPattern, ToolBound);

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The scalar as it compares with a text: what JSON writes without quotes, as JSON writes it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
