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

/// What happens, as far as it decides who acts and whose the code is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moment {
    /// Somebody answers in a thread that may be another's.
    Reply,
    /// Somebody opens or changes what is their own.
    Opening,
    /// The event is about code that the one who asks brought along.
    Code,
}

/// Something for each moment, in the order of their places.
pub(super) type Each<T> = [T; 3];
pub(super) const MOMENTS: Each<Moment> = [Moment::Reply, Moment::Opening, Moment::Code];

// === impl Moment ===

impl Moment {
    pub(super) const fn place(self) -> usize {
        match self {
            Self::Reply => 0,
            Self::Opening => 1,
            Self::Code => 2,
        }
    }

    pub(super) fn of<T: Copy>(self, each: &Each<T>) -> T {
        let [reply, opening, code] = *each;
        match self {
            Self::Reply => reply,
            Self::Opening => opening,
            Self::Code => code,
        }
    }
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

    pub(super) fn moment(&self) -> Moment {
        match self.name.as_str() {
            _ if self.brings_code() => Moment::Code,
            "commit_comment"
            | "discussion_comment"
            | "issue_comment"
            | "pull_request_review"
            | "pull_request_review_comment" => Moment::Reply,
            _ => Moment::Opening,
        }
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
