//! Sealed credentials: people add, list, rotate and remove them; a supervisor is lent one at the moment of sending.

use std::fmt;

use serde::{Deserialize, Serialize};
use writ_model::{HostPattern, Human, Label, TaskId, TaskKind, Timestamp};
use zeroize::Zeroizing;

use super::WritToken;

/// Longest value in bytes.
pub const MAX_SECRET_BYTES: usize = 64 << 10;
/// Shortest value in bytes. A shorter one stands in any text by chance, so that it could not be found in what comes back.
pub const MIN_SECRET_BYTES: usize = 6;
/// Most entries of each list of a binding.
pub const MAX_BOUND: usize = 64;

/// A value on its way. Zeroed when dropped, and shown to nobody.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct SealedText(Zeroizing<String>);

/// Where a credential may go, how, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretBinding {
    /// At least one, and none that means everything.
    pub hosts: Vec<HostPattern>,
    /// Empty: any.
    #[serde(default)]
    pub methods: Vec<String>,
    /// What a path starts with, up to a `/` or its end. Empty: any.
    #[serde(default)]
    pub paths: Vec<String>,
    #[serde(default)]
    pub placing: Placing,
    /// The variable in which the agent gets the placeholder.
    #[serde(default)]
    pub env: Option<String>,
    /// Names of agents that it is for. Empty: any.
    #[serde(default)]
    pub agents: Vec<Label>,
    /// Kinds of task that it is for. Empty: any.
    #[serde(default)]
    pub kinds: Vec<TaskKind>,
    /// What the placeholder looks like, for tools that check.
    #[serde(default)]
    pub shape: Option<Shape>,
}

/// Where in a request it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placing {
    /// Any header that carries credentials, or the password of `Authorization: Basic`.
    #[default]
    Usual,
    Header(String),
    Basic,
    Query(String),
    Body,
    /// `Authorization: Bearer`.
    Bearer,
    /// The value is `ACCESS_KEY_ID:SECRET_KEY`, with `:SESSION_TOKEN` where there is one; requests are signed anew.
    Aws,
}

/// What the placeholder begins with, and how long it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Letters, digits, `-` and `_`.
    pub prefix: String,
    /// The whole, in bytes.
    pub length: usize,
    /// Capital letters and digits, where what it is like has no small ones.
    pub is_upper: bool,
}

/// `secret.add`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretAdd {
    pub name: Label,
    pub binding: SecretBinding,
    pub value: SealedText,
}

/// `secret.list`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretList {
    /// As it was then.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// `secret.rotate`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRotate {
    pub name: Label,
    pub value: SealedText,
}

/// `secret.remove`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRemove {
    pub name: Label,
}

/// `secret.lend`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretLend {
    pub writ: WritToken,
    pub name: Label,
}

/// The value, for one sending.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretLent {
    pub value: SealedText,
}

/// Sealed credentials by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secrets {
    pub secrets: Vec<SecretView>,
}

/// A sealed credential, without its value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretView {
    pub name: Label,
    /// Nothing when it was erased, or cannot be read any more.
    pub binding: Option<SecretBinding>,
    /// Binding and value are what was sealed. Otherwise the store was changed, and it is not lent.
    pub intact: bool,
    pub added_by: Option<Human>,
    pub added_at: Timestamp,
    pub rotated_at: Option<Timestamp>,
    pub last_lent_at: Option<Timestamp>,
    pub last_lent_to: Option<TaskId>,
}

// === impl SealedText ===

impl SealedText {
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. Safe only where it goes into the vault, or to the proxy that puts it on.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SealedText {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl Serialize for SealedText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Safe: it goes into the vault, or over the control socket to the supervisor that it is lent to.
        serializer.serialize_str(self.expose())
    }
}

impl fmt::Debug for SealedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedText(…)")
    }
}

// === impl SecretBinding ===

impl SecretBinding {
    /// Whether an agent has it in a task of this kind.
    pub fn is_for(&self, agent: &Label, kind: TaskKind) -> bool {
        (self.agents.is_empty() || self.agents.contains(agent))
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}
