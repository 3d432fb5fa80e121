//! What starts a workflow.

use crate::document::{Node, Value};

/// Triggers that accounts without write access can pull, and that run with the repository's secrets:
/// https://docs.github.com/actions/reference/security/secure-use.
pub const UNTRUSTED: &[&str] = &[
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "watch",
    "workflow_run",
];
/// Activities that only accounts with triage rights can cause.
const PRIVILEGED_TYPES: &[&str] = &[
    "assigned",
    "demilestoned",
    "labeled",
    "locked",
    "milestoned",
    "pinned",
    "transferred",
    "unassigned",
    "unlabeled",
    "unlocked",
    "unpinned",
    "auto_merge_enabled",
    "enqueued",
    "dequeued",
];

/// One entry of `on:`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trigger {
    pub name: String,
    pub line: u32,
    /// Activity types, when they are listed.
    pub types: Vec<String>,
}

// === impl Trigger ===

impl Trigger {
    pub fn is_untrusted(&self) -> bool {
        UNTRUSTED.contains(&self.name.as_str())
    }

    /// Whether an account without write access can cause one of the listed activities.
    pub(super) fn outsider_can_cause(&self) -> bool {
        self.types.is_empty() || self.types.iter().any(|kind| !PRIVILEGED_TYPES.contains(&kind.as_str()))
    }

    /// Whether an outsider can cause exactly this activity by this trigger.
    pub(super) fn outsider_can_cause_type(&self, kind: &str) -> bool {
        !PRIVILEGED_TYPES.contains(&kind) && self.includes(kind)
    }

    /// Whether the event is about code that the one who asks brought along.
    pub(super) fn brings_code(&self) -> bool {
        matches!(self.name.as_str(), "pull_request_target" | "pull_request" | "workflow_run")
    }

    pub(super) fn includes(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|listed| listed == kind)
    }
}

/// The triggers of a workflow.
pub(crate) fn triggers(document: &Node) -> Vec<Trigger> {
    let Some(on) = document.get("on") else { return Vec::new() };
    let bare = |node: &Node| {
        node.text().map(|name| Trigger { name: name.to_owned(), line: node.line, types: Vec::new() })
    };
    match &on.value {
        Value::Text(_) => bare(on).into_iter().collect(),
        Value::List(items) => items.iter().filter_map(bare).collect(),
        Value::Map(members) => members
            .iter()
            .map(|member| Trigger {
                name: member.key.clone(),
                line: member.line,
                types: member
                    .node
                    .get("types")
                    .map(|types| types.texts().into_iter().map(str::to_owned).collect())
                    .unwrap_or_default(),
            })
            .collect(),
        Value::Bool(_) | Value::Null | Value::Number(_) => Vec::new(),
    }
}
