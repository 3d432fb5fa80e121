//! Which push brought a commit, and under which writ.
//!
//! Ids of commits stand among the texts beside the log, so each push on the way is opened. A push whose list of commits is not
//! whole there, or was erased, is counted where it was let through: the commit may be among those.

use std::cmp::Reverse;
use std::collections::HashSet;

use serde_json::Value;
use writ_model::{ActivityEvent, ControlEvent, EffectClass, TaskId, Verdict};

use crate::api::message::EntryView;
use crate::office::Office;

use super::AuditError;
use super::entry::AnyEntry;

/// Digits of a commit's name: as many as git shows, up to a whole one of SHA-256.
const MIN_DIGITS: usize = 7;
const MAX_DIGITS: usize = 64;
/// Digits that are kept of a commit's name: all of SHA-1.
const KEPT_DIGITS: usize = 40;
/// As many commits of a push were listed at most before its text said whether there are more.
const FORMERLY_LISTED: usize = 1_000;

/// A search for one commit, from the newest entry backwards.
pub(super) struct ByCommit {
    digits: String,
    /// Tasks of pushes that were found, whose writs have not been met yet.
    writless: HashSet<TaskId>,
    /// Tasks of which a push was found that was let through.
    went: HashSet<TaskId>,
    /// Pushes that were let through and may have brought it, for all that their texts say.
    unsure: u64,
}

/// What the text of a push says about a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It brings it, or moves a ref to it.
    Names,
    /// It names all that it brings, and not this one.
    Not,
    /// It does not name this one, and not all either.
    Unsure,
}

// === impl ByCommit ===

impl ByCommit {
    pub(super) fn new(digits: &str) -> Result<Self, AuditError> {
        let is_name = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_name {
            return Err(AuditError::Commit);
        }
        let digits = digits.to_ascii_lowercase();
        Ok(Self { digits, writless: HashSet::new(), went: HashSet::new(), unsure: 0 })
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
                let ActivityEvent::CallDecided { operation, effects, arguments, decision, .. } = &entry.event
                else {
                    return false;
                };
                let is_push = operation.as_str() == "push" && effects.contains(&EffectClass::GitPush);
                if !is_push || !fits() {
                    return false;
                }
                let went = decision.verdict == Verdict::Allow;
                let said = office.text(*arguments).map_or(Says::Unsure, |text| says(&text, &self.digits));
                match said {
                    Says::Names => {
                        self.writless.insert(entry.task);
                        if went {
                            self.went.insert(entry.task);
                        }
                    }
                    // What was refused or only asked about brought nothing.
                    Says::Unsure if went => self.unsure = self.unsure.saturating_add(1),
                    Says::Unsure | Says::Not => {}
                }
                said == Says::Names
            }
        }
    }

    /// Puts what went before what brought nothing, each newest first; the writ of a task stands with its pushes. Says how many
    /// more may have brought it.
    pub(super) fn finish(&self, entries: &mut [EntryView]) -> u64 {
        entries.sort_by_key(|entry| Reverse(self.is_of_one_that_went(entry)));
        self.unsure
    }

    fn is_of_one_that_went(&self, entry: &EntryView) -> bool {
        let word = |pointer: &str| entry.entry.pointer(pointer).and_then(Value::as_str);
        match word("/event/decision/verdict") {
            Some(verdict) => verdict == "allow",
            None => {
                let task = word("/event/task").and_then(|task| task.parse().ok());
                task.is_some_and(|task: TaskId| self.went.contains(&task))
            }
        }
    }
}

/// What the text of a push says of a commit.
fn says(text: &str, digits: &str) -> Says {
    let Ok(kept) = serde_json::from_str::<Value>(text) else { return Says::Unsure };
    let Some(arguments) = kept.get("arguments").and_then(Value::as_str) else { return Says::Unsure };
    let kept_digits = digits.get(..KEPT_DIGITS).unwrap_or(digits);
    let begins = |value: Option<&Value>| {
        value.and_then(Value::as_str).is_some_and(|oid| {
            oid.starts_with(digits) || (oid.len() == KEPT_DIGITS && oid.starts_with(kept_digits))
        })
    };
    let Ok(push) = serde_json::from_str::<Value>(arguments) else {
        // A long text is kept in part: what still stands there counts.
        return if is_named_in_part(arguments, kept_digits) {
            Says::Names
        } else {
            unsure_if(!lists_all(arguments))
        };
    };
    let list = |name: &str| push.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let commits = list("commits");
    let is_named = commits.iter().any(|oid| begins(Some(oid)))
        || ["updates", "more updates"]
            .iter()
            .any(|name| list(name).iter().any(|update| begins(update.get("new"))));
    let is_true = |name: &str| push.get(name).and_then(Value::as_bool);
    let formerly =
        || is_true("more paths") != Some(false) && (commits.is_empty() || commits.len() >= FORMERLY_LISTED);
    if is_named { Says::Names } else { unsure_if(is_true("more commits").unwrap_or_else(formerly)) }
}

/// Whether a text that was cut names a commit in its list, or as where a ref goes. In what the agent chose (names, options,
/// paths) quotes stand escaped, so that none of it begins like these.
fn is_named_in_part(arguments: &str, digits: &str) -> bool {
    let list = arguments.split_once("\"commits\":[").map_or("", |(_, rest)| rest);
    let list = list.split_once(']').map_or(list, |(list, _)| list);
    list.contains(&format!("\"{digits}")) || arguments.contains(&format!("\"new\":\"{digits}"))
}

fn unsure_if(is_cut: bool) -> Says {
    if is_cut { Says::Unsure } else { Says::Not }
}

/// Whether a text that was cut holds the whole list of commits, and all refs, which stand before what is named last here. A
/// name that the agent chose stands there with its quotes escaped.
fn lists_all(arguments: &str) -> bool {
    ["\"more commits\":false,", "],\"more options\":["].iter().all(|part| arguments.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(arguments: &str, bytes: usize) -> String {
        let arguments = arguments.get(..bytes).unwrap_or(arguments);
        serde_json::json!({ "arguments": arguments }).to_string()
    }

    #[test]
    fn a_push_is_known_by_what_it_brings_and_where_its_refs_go() {
        let long = "e".repeat(40);
        let whole = serde_json::json!({
            "updates": [{ "ref": "refs/tags/v1", "old": "bbbbbbb222", "new": "ccccccc333" }],
            "more commits": false,
            "commits": ["aaaaaaa111", long],
            "more updates": [{ "ref": "refs/tags/v2", "old": "1111111", "new": "fffffff444" }],
            "more options": [],
            "paths": ["ddddddd444"],
        })
        .to_string();
        for (digits, expected) in [
            ("aaaaaaa", Says::Names),
            ("ccccccc333", Says::Names),
            ("fffffff", Says::Names),
            (&"e".repeat(64), Says::Names),
            (&format!("{}1", "e".repeat(39)), Says::Not),
            ("bbbbbbb", Says::Not),
            ("ddddddd", Says::Not),
            ("aaaaaaa2", Says::Not),
        ] {
            assert_eq!(says(&kept(&whole, usize::MAX), digits), expected, "{digits}");
        }
    }

    #[test]
    fn attack_what_a_text_leaves_out_is_not_said_to_be_nowhere() {
        let of = |more: bool, name: &str| {
            format!(
                "{{\"updates\":[{{\"ref\":{}}}],\"more commits\":{more},\"commits\":[\"aaaaaaa111\"],\
                 \"more updates\":[],\"more options\":[\"x\"]}}",
                Value::from(name),
            )
        };
        let formerly = |more: bool, count: usize| {
            serde_json::json!({ "commits": vec!["aaaaaaa111"; count], "paths": [], "more paths": more })
                .to_string()
        };
        let sham = "\"more commits\":false,\"],\"more options\":[";
        for (text, bytes, expected) in [
            (of(false, "a"), usize::MAX, Says::Not),
            (of(true, "a"), usize::MAX, Says::Unsure),
            // Only a part of it is kept.
            (of(false, "a"), 100, Says::Unsure),
            (of(false, "a"), of(false, "a").len() - 4, Says::Not),
            (of(true, "a"), of(true, "a").len() - 4, Says::Unsure),
            (of(true, sham), of(true, sham).len() - 4, Says::Unsure),
            // As it was written before.
            (formerly(false, 1_000), usize::MAX, Says::Not),
            (formerly(true, 1), usize::MAX, Says::Not),
            (formerly(true, 0), usize::MAX, Says::Unsure),
            (formerly(true, 1_000), usize::MAX, Says::Unsure),
        ] {
            assert_eq!(says(&kept(&text, bytes), "ccccccc"), expected, "{text}");
        }
        let cut = of(true, "a");
        assert_eq!(says(&kept(&cut, cut.len() - 4), "aaaaaaa"), Says::Names);
        assert_eq!(says("erased", "aaaaaaa"), Says::Unsure);
    }

    #[test]
    fn attack_what_an_agent_wrote_into_a_push_names_no_commit() {
        let text = |said: &str| {
            serde_json::json!({
                "updates": [{ "ref": said, "old": "bbbbbbb222", "new": "ccccccc333" }],
                "options": [said],
                "more commits": false,
                "commits": ["aaaaaaa111"],
                "more updates": [{ "ref": said, "old": "bbbbbbb222", "new": "fffffff444" }],
                "more options": [said],
                "paths": [said],
            })
            .to_string()
        };
        for said in
            ["deadbeef00", "\"commits\":[\"deadbeef00", "x\\\",\"new\":\"deadbeef00", "\",\"deadbeef00"]
        {
            let cut = text(said);
            let cut = kept(&cut, cut.len() - 1);
            assert_eq!(says(&cut, "deadbeef"), Says::Not, "{cut}");
            assert_eq!(says(&cut, "bbbbbbb"), Says::Not, "{cut}");
            for digits in ["aaaaaaa", "ccccccc", "fffffff"] {
                assert_eq!(says(&cut, digits), Says::Names, "{digits} {cut}");
            }
        }
    }

    #[test]
    fn only_names_of_commits_are_searched_for() {
        for wrong in ["", "abc", "main", "zzzzzzzz", &"a".repeat(65)] {
            assert!(ByCommit::new(wrong).is_err(), "{wrong}");
        }
        assert!(ByCommit::new("ABCDEF0").is_ok());
    }
}
