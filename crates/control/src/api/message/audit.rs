//! The record, as people search, read and export it.

use serde::{Deserialize, Serialize};
use writ_model::{Client, Digest, EffectClass, Label, TaskId, Timestamp, Verdict};

/// `audit.search`. Every filter that is given must fit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSearch {
    pub task: Option<TaskId>,
    /// Name of a live agent, or an agent's id.
    pub agent: Option<String>,
    pub client: Option<Client>,
    pub verdict: Option<Verdict>,
    pub effect: Option<EffectClass>,
    /// The event's type, as `call-decided`.
    pub event: Option<Label>,
    /// A commit, by the hexadecimal digits that its name begins with, 7 to 64 of them: pushes that brought it or moved a ref
    /// to it, with their texts, and the writ that each was made under. Those that were not let through are told too, behind the
    /// others: they brought nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Most entries in the answer: 1 to 1,000, else 100.
    pub limit: Option<u32>,
    /// Goes on where an earlier page ended.
    pub cursor: Option<String>,
}

/// One page of a search, newest first. Of a commit, what was let through stands before what brought nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditPage {
    pub entries: Vec<EntryView>,
    /// For the next page; nothing at the end.
    pub cursor: Option<String>,
    /// Of a search for a commit: pushes on the way that were let through and do not name it, whose record does not hold all
    /// that they brought, or was erased. The commit may be among what they brought.
    #[serde(default)]
    pub unsure_pushes: u64,
}

/// `audit.show`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditShow {
    /// An entry, as `activity:17`, or the id of a session, task, call or approval.
    pub what: String,
}

/// Entries that belong together, oldest first, with their texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditStory {
    pub entries: Vec<EntryView>,
    /// The story is longer than one answer holds.
    pub more: bool,
    /// Programs that started inside the sandbox, which are not among the entries.
    #[serde(default)]
    pub programs: u64,
}

/// One entry of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntryView {
    /// `control:N` or `activity:N`, with the entry's index in its log.
    pub id: String,
    pub at: Timestamp,
    /// RFC 6962 leaf hash.
    pub leaf: Digest,
    /// The entry itself, as it stands in the log.
    pub entry: serde_json::Value,
    /// The texts that it commits to, opened from the vault; only in a story.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<TextView>,
}

/// One text beside the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TextView {
    /// The field of the event that commits to it, as `arguments`.
    pub field: String,
    pub commitment: Digest,
    /// Hostile text: escape it before it is shown. Nothing when it was erased or never kept.
    pub text: Option<String>,
    /// The text is longer than what stands here.
    pub cut: bool,
}

/// `audit.prove`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditProve {
    /// An entry, as `activity:17`.
    pub entry: String,
}

/// Evidence that a stranger can check offline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditProof {
    /// A `tlog-proof` file: index, inclusion path and signed checkpoint.
    pub proof: String,
    /// The entry's bytes, as hashed into the leaf.
    pub entry: String,
    /// The verifier key of the checkpoint.
    pub vkey: String,
}

/// `audit.erase`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditErase {
    /// A closed task.
    pub task: TaskId,
}

/// What was erased.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Erased {
    pub task: TaskId,
}
