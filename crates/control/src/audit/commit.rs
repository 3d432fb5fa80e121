//! Which push brought a commit, and under which writ.
//!
//! Ids of commits stand among the texts beside the log, so each push on the way is opened; what was erased is not found.

use std::collections::HashSet;

use serde_json::Value;
use writ_model::{ActivityEvent, ControlEvent, EffectClass, TaskId};

use crate::office::Office;

use super::AuditError;
use super::entry::AnyEntry;

/// Digits of a commit's name: as many as git shows, up to a whole one of SHA-256.
const MIN_DIGITS: usize = 7;
const MAX_DIGITS: usize = 64;

/// A search for one commit, from the newest entry backwards.
pub(super) struct ByCommit {
    digits: String,
    /// Tasks of pushes that were found, whose writs have not been met yet.
    writless: HashSet<TaskId>,
}

// === impl ByCommit ===

impl ByCommit {
    pub(super) fn new(digits: &str) -> Result<Self, AuditError> {
        let is_name = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_name {
            return Err(AuditError::Commit);
        }
        Ok(Self { digits: digits.to_ascii_lowercase(), writless: HashSet::new() })
    }

    /// Whether an entry is a push of the commit, or the writ that one found before was made under. `fits` is asked about a
    /// push alone.
    pub(super) fn takes(&mut self, office: &Office, entry: &AnyEntry, fits: impl FnOnce() -> bool) -> bool {
        match entry {
            AnyEntry::Control(entry) => match &entry.event {
                ControlEvent::WritIssued { task, .. } => self.writless.remove(task),
                _ => false,
            },
            AnyEntry::Activity(entry) => {
                let ActivityEvent::CallDecided { operation, effects, arguments, .. } = &entry.event else {
                    return false;
                };
                let is_push = operation.as_str() == "push" && effects.contains(&EffectClass::GitPush);
                let found = is_push
                    && fits()
                    && office.text(*arguments).is_some_and(|text| names(&text, &self.digits));
                if found {
                    self.writless.insert(entry.task);
                }
                found
            }
        }
    }
}

/// Whether the text of a push names a commit that it brings, or that it moves a ref to.
fn names(text: &str, digits: &str) -> bool {
    let Ok(kept) = serde_json::from_str::<Value>(text) else { return false };
    let Some(arguments) = kept.get("arguments").and_then(Value::as_str) else { return false };
    let begins =
        |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|oid| oid.starts_with(digits));
    match serde_json::from_str::<Value>(arguments) {
        Ok(push) => {
            let list = |name: &str| push.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            list("commits").iter().any(|oid| begins(Some(oid)))
                || list("updates").iter().any(|update| begins(update.get("new")))
        }
        // A long text is kept in part: what still stands there counts.
        Err(_) => arguments.contains(&format!("\"{digits}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_known_by_what_it_brings_and_where_its_refs_go() {
        let whole = serde_json::json!({
            "commits": ["aaaaaaa111"],
            "updates": [{ "ref": "refs/tags/v1", "old": "bbbbbbb222", "new": "ccccccc333" }],
            "paths": ["ddddddd444"],
        })
        .to_string();
        let kept = |arguments: &str| serde_json::json!({ "arguments": arguments }).to_string();
        for (digits, expected) in [
            ("aaaaaaa", true),
            ("ccccccc333", true),
            ("bbbbbbb", false),
            ("ddddddd", false),
            ("aaaaaaa2", false),
        ] {
            assert_eq!(names(&kept(&whole), digits), expected, "{digits}");
        }
        assert!(names(&kept(&whole[..whole.len() - 3]), "aaaaaaa"));
        assert!(!names("erased", "aaaaaaa"));
    }

    #[test]
    fn only_names_of_commits_are_searched_for() {
        for wrong in ["", "abc", "main", "zzzzzzzz", &"a".repeat(65)] {
            assert!(ByCommit::new(wrong).is_err(), "{wrong}");
        }
        assert!(ByCommit::new("ABCDEF0").is_ok());
    }
}
