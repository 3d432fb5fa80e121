//! Whether an account without write access gets past a condition.
//!
//! Each part of a condition can be true, can be false, or both, depending on who asks. The same condition is asked about
//! an outsider and about somebody trusted: what only the second gets past is a gate.

use super::checks::{Answer, Checks};
use super::expression::Expression;
use super::subject::{self, Whose};
use super::trigger::Trigger;

/// Who pulls the trigger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Who {
    /// An account without write access, on a fork where code is needed.
    Outsider,
    Trusted,
}

/// How what comes before ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum After {
    Failure,
    /// A job that is needed was passed by.
    Skipped,
    Success,
}

/// One question: can this hold for somebody, at this trigger?
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) who: Who,
    pub(super) trigger: &'a Trigger,
    pub(super) checks: &'a Checks<'a>,
    pub(super) after: After,
}

/// What a part can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Can {
    pub(super) hold: bool,
    pub(super) fail: bool,
}

// === impl Can ===

impl Can {
    /// The same behind `!`.
    pub(super) const fn inverted(self) -> Self {
        Self { hold: self.fail, fail: self.hold }
    }
}

pub(super) const EITHER: Can = Can { hold: true, fail: true };
pub(super) const YES: Can = Can { hold: true, fail: false };
pub(super) const NO: Can = Can { hold: false, fail: true };

/// Associations that come with write access or may: https://docs.github.com/graphql/reference/enums#commentauthorassociation.
pub(super) const TRUSTED_ASSOCIATIONS: &[&str] = &["owner", "member", "collaborator"];
/// Associations that an outsider can have; mannequins never ask.
pub(super) const OUTSIDERS: &[&str] = &["contributor", "first_time_contributor", "first_timer", "none"];
/// Events whose runs only people with write access cause.
const TRUSTED_EVENTS: &[&str] = &[
    "create",
    "delete",
    "deployment",
    "merge_group",
    "push",
    "release",
    "repository_dispatch",
    "schedule",
    "workflow_dispatch",
];

// === impl Asked ===

impl Asked<'_> {
    /// What a condition can be.
    pub(super) fn of(&self, expression: &Expression) -> Can {
        match expression {
            Expression::And(parts) => {
                let parts: Vec<Can> = parts.iter().map(|part| self.of(part)).collect();
                Can { hold: parts.iter().all(|can| can.hold), fail: parts.iter().any(|can| can.fail) }
            }
            Expression::Or(parts) => {
                let parts: Vec<Can> = parts.iter().map(|part| self.of(part)).collect();
                Can { hold: parts.iter().any(|can| can.hold), fail: parts.iter().all(|can| can.fail) }
            }
            Expression::Not(inner) => {
                let can = self.of(inner);
                Can { hold: can.fail, fail: can.hold }
            }
            Expression::Equal(left, right) => self.equal(left, right),
            Expression::Call(name, arguments) => self.call(name, arguments),
            Expression::Path(path) => self.path(path),
            Expression::Text(text) => {
                if text.is_empty() {
                    NO
                } else {
                    YES
                }
            }
            Expression::Unknown => EITHER,
        }
    }

    fn outsider(&self) -> bool {
        self.who == Who::Outsider
    }

    /// A context as a condition.
    fn path(&self, path: &str) -> Can {
        match path {
            "true" => return YES,
            "false" | "null" => return NO,
            _ => {}
        }
        if let Some(can) = self.told(path, |text| !text.is_empty()) {
            return can;
        }
        if self.is_check(path) {
            return if self.outsider() { NO } else { EITHER };
        }
        if path.ends_with(".fork") && self.is_here(path) {
            return if self.outsider() && self.brings_code() { YES } else { EITHER };
        }
        if !self.is_here(path) || (self.outsider() && self.is_merged(path)) {
            return NO;
        }
        EITHER
    }

    /// Whether this says that a pull request was merged, which takes write access. Of one that was merged before, its
    /// author can still cause edits.
    fn is_merged(&self, path: &str) -> bool {
        path == "github.event.pull_request.merged"
            && self.trigger.name == "pull_request_target"
            && !self.trigger.types.iter().any(|kind| kind == "edited")
    }

    fn equal(&self, left: &Expression, right: &Expression) -> Can {
        let (path, other) = match (left, right) {
            (Expression::Path(path), other) | (other, Expression::Path(path)) => (path.as_str(), other),
            _ => return EITHER,
        };
        // What a script writes is a text, and a bare word on the other side makes GitHub compare numbers.
        if let Expression::Path(other) = other
            && let Some((output, number)) = [(path, other.as_str()), (other.as_str(), path)]
                .into_iter()
                .find_map(|(output, bare)| Some((output, number_of_bare(bare)?)))
        {
            let is = |text: &str| number_of_text(text).is_none_or(|text| text == number);
            let is_not = |text: &str| number_of_text(text).is_none_or(|text| text != number);
            if let Some(Answer::Told(texts, may_be_nothing)) = self.checks.answer(output, self.trigger) {
                if !self.outsider() {
                    return EITHER;
                }
                return Can {
                    hold: texts.iter().any(|text| is(text)) || (may_be_nothing && is("")),
                    fail: texts.iter().any(|text| is_not(text)) || (may_be_nothing && is_not("")),
                };
            }
            if self.is_check(output) {
                return if self.outsider() && number != 0.0 { NO } else { EITHER };
            }
        }
        // Ids are numbers, and no other account has the same.
        if let Expression::Path(other) = other
            && let Some(id) = [(path, other.as_str()), (other.as_str(), path)]
                .into_iter()
                .find_map(|(id, bare)| number_of_bare(bare).map(|_| id))
            && self.is_login(id)
            && (id.ends_with(".id") || id.ends_with("_id"))
        {
            return if self.outsider() && self.is_actors(id) { NO } else { EITHER };
        }
        // `contains(…) == true` is what stands on the left.
        let literal = match other {
            Expression::Text(text) => Some(text.to_ascii_lowercase()),
            Expression::Path(word) if word == "true" || word == "false" => Some(word.clone()),
            Expression::Path(other) => return self.paths(path, other),
            Expression::And(_)
            | Expression::Call(..)
            | Expression::Equal(..)
            | Expression::Not(_)
            | Expression::Or(_)
            | Expression::Unknown => None,
        };
        if path == "true" || path == "false" {
            let can = self.of(other);
            return if path == "true" { can } else { Can { hold: can.fail, fail: can.hold } };
        }
        let Some(literal) = literal else { return EITHER };
        if path == "github.event_name" {
            return if literal == self.trigger.name { YES } else { NO };
        }
        if path == "github.event.action" {
            let can = if self.outsider() {
                self.trigger.outsider_can_cause_type(&literal)
            } else {
                self.trigger.includes(&literal)
            };
            return if can { EITHER } else { NO };
        }
        if !self.is_here(path) {
            return if literal.is_empty() || literal == "false" { YES } else { NO };
        }
        if let Some(can) = self.told(path, |text| text == literal) {
            return can;
        }
        if self.is_check(path) {
            let refuses = matches!(literal.as_str(), "" | "failure" | "false" | "none" | "read" | "skipped");
            return match (self.outsider(), refuses) {
                (true, true) => YES,
                (true, false) => NO,
                (false, _) => EITHER,
            };
        }
        if self.outsider() && self.is_merged(path) {
            return if literal == "true" { NO } else { YES };
        }
        if path.ends_with("author_association") {
            let trusted = TRUSTED_ASSOCIATIONS.contains(&literal.as_str());
            return if self.outsider() && trusted && self.is_actors(path) { NO } else { EITHER };
        }
        if self.is_login(path) {
            return if self.outsider() && self.is_actors(path) { NO } else { EITHER };
        }
        if path.ends_with(".fork") {
            return match (self.outsider() && self.brings_code(), literal.as_str()) {
                (true, "true") => YES,
                (true, _) => NO,
                (false, _) => EITHER,
            };
        }
        if path.ends_with("head.repo.full_name")
            || path.ends_with("head_repository.full_name")
            || path.ends_with("head.repo.owner.login")
            || path.ends_with("head_repository.owner.login")
        {
            return if self.outsider() { NO } else { EITHER };
        }
        if path == "github.event.workflow_run.event" {
            return if self.outsider() && TRUSTED_EVENTS.contains(&literal.as_str()) { NO } else { EITHER };
        }
        // Only accounts with triage rights put labels on. That one is on says nothing of who asks now.
        if path == "github.event.label.name" {
            return if self.outsider() { NO } else { EITHER };
        }
        EITHER
    }

    /// Two contexts that are to be the same.
    fn paths(&self, left: &str, right: &str) -> Can {
        let own = |path: &str| {
            [
                "github.repository",
                "github.repository_id",
                "github.repository_owner",
                "github.repository_owner_id",
            ]
            .contains(&path)
                || path.starts_with("github.event.repository.")
                || path.contains(".base.repo.")
        };
        let head = |path: &str| {
            path.contains(".head.repo.") || path.contains(".head_repository.") || path.contains(".head.user.")
        };
        if (head(left) && own(right)) || (head(right) && own(left)) {
            let path = if head(left) { left } else { right };
            return if self.outsider() || !self.is_here(path) { NO } else { EITHER };
        }
        let kept = |path: &str| {
            ["vars.", "env.", "inputs.", "secrets."].iter().any(|head| path.starts_with(head)) || own(path)
        };
        if (self.is_login(left) && self.is_actors(left) && kept(right))
            || (self.is_login(right) && self.is_actors(right) && kept(left))
        {
            return if self.outsider() { NO } else { EITHER };
        }
        EITHER
    }

    fn call(&self, name: &str, arguments: &[Expression]) -> Can {
        match (name, arguments) {
            ("always", _) => YES,
            ("success", _) => match self.after {
                After::Failure | After::Skipped => NO,
                After::Success => YES,
            },
            ("failure", _) => match self.after {
                After::Failure => YES,
                After::Skipped => NO,
                After::Success => EITHER,
            },
            ("cancelled", _) => EITHER,
            ("contains", [list, item]) => self.contains(list, item),
            ("startswith" | "endswith", [Expression::Path(path), _]) if !self.is_here(path) => NO,
            ("endswith", [Expression::Path(path), Expression::Text(end)])
                if self.is_login(path) && end.eq_ignore_ascii_case("[bot]") =>
            {
                if self.outsider() {
                    NO
                } else {
                    EITHER
                }
            }
            ("fromjson", [Expression::Path(path)]) => {
                let is_true = |text: &str| !["", "0", "false", "null"].contains(&text);
                self.told(path, is_true).unwrap_or_else(|| self.path(path))
            }
            ("fromjson" | "tojson" | "format", [one]) => self.of(one),
            _ => EITHER,
        }
    }

    fn contains(&self, list: &Expression, item: &Expression) -> Can {
        let listed = literals(list);
        match item {
            // In a text, a part of somebody's name is found as well, and an account can be called that.
            Expression::Path(path) if self.is_login(path) && is_text(list) => {
                if self.is_here(path) {
                    EITHER
                } else {
                    NO
                }
            }
            Expression::Path(path) => {
                let Some(listed) = listed else {
                    // A list that is kept elsewhere (`vars.MAINTAINERS`) names people, and a stranger is not on it.
                    let stranger = self.outsider() && self.is_login(path) && self.is_actors(path);
                    return if stranger || !self.is_here(path) { NO } else { EITHER };
                };
                let has = |wanted: &str| listed.iter().any(|word| word == wanted);
                if path == "github.event_name" {
                    return if has(&self.trigger.name) { YES } else { NO };
                }
                if path == "github.event.action" {
                    let can = listed.iter().any(|kind| {
                        if self.outsider() {
                            self.trigger.outsider_can_cause_type(kind)
                        } else {
                            self.trigger.includes(kind)
                        }
                    });
                    return if can { EITHER } else { NO };
                }
                if !self.is_here(path) {
                    return NO;
                }
                if path.ends_with("author_association") {
                    if self.outsider()
                        && self.is_actors(path)
                        && OUTSIDERS.iter().all(|association| has(association))
                    {
                        return YES;
                    }
                    let only_trusted = listed
                        .iter()
                        .all(|word| word.is_empty() || TRUSTED_ASSOCIATIONS.contains(&word.as_str()));
                    return if self.outsider() && only_trusted && self.is_actors(path) { NO } else { EITHER };
                }
                if self.is_login(path) {
                    return if self.outsider() && self.is_actors(path) { NO } else { EITHER };
                }
                EITHER
            }
            Expression::Text(text) => match list {
                Expression::Path(path) if path == "github.event.label.name" => {
                    if self.outsider() || !self.is_here(path) { NO } else { EITHER }
                }
                Expression::Path(path) if self.is_login(path) && text.eq_ignore_ascii_case("[bot]") => {
                    if self.outsider() { NO } else { EITHER }
                }
                Expression::Path(path) if !self.is_here(path) => NO,
                Expression::Path(path) => {
                    let part = text.to_ascii_lowercase();
                    self.told(path, |text| text.contains(&part)).unwrap_or(EITHER)
                }
                _ => EITHER,
            },
            Expression::And(_)
            | Expression::Call(..)
            | Expression::Equal(..)
            | Expression::Not(_)
            | Expression::Or(_)
            | Expression::Unknown => EITHER,
        }
    }

    /// Whether what an output can be for an outsider is what is asked for; `None` where nobody knows what it can be.
    fn told(&self, path: &str, is: impl Fn(&str) -> bool) -> Option<Can> {
        let Some(Answer::Told(texts, may_be_nothing)) = self.checks.answer(path, self.trigger) else {
            return None;
        };
        if !self.outsider() {
            return Some(EITHER);
        }
        let any = |wanted: bool| {
            texts.iter().any(|text| is(text) == wanted) || (may_be_nothing && is("") == wanted)
        };
        Some(Can { hold: any(true), fail: any(false) })
    }

    /// An answer of a job or step that looks who asks.
    fn is_check(&self, path: &str) -> bool {
        matches!(self.checks.answer(path, self.trigger), Some(Answer::Looks))
    }

    fn is_login(&self, path: &str) -> bool {
        matches!(path, "github.actor" | "github.actor_id" | "github.triggering_actor")
            || path.ends_with("sender.login")
            || path.ends_with("sender.id")
            || path.ends_with(".user.login")
            || path.ends_with(".user.id")
            || path.ends_with("triggering_actor.login")
            || path.ends_with(".actor.login")
    }

    /// Whether the event has this member at all.
    fn is_here(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix("github.event.") else { return true };
        let head = rest.split('.').next().unwrap_or("");
        let trigger = self.trigger.name.as_str();
        match head {
            "comment" => matches!(
                trigger,
                "issue_comment" | "pull_request_review_comment" | "discussion_comment" | "commit_comment"
            ),
            "review" => trigger == "pull_request_review",
            "issue" => matches!(trigger, "issues" | "issue_comment"),
            "pull_request" => trigger.starts_with("pull_request"),
            "discussion" => trigger.starts_with("discussion"),
            "workflow_run" => trigger == "workflow_run",
            "release" => trigger == "release",
            "inputs" => matches!(trigger, "workflow_dispatch" | "workflow_call"),
            "label" => self.trigger.includes("labeled") || self.trigger.includes("unlabeled"),
            _ => true,
        }
    }

    /// Whether this member speaks of whoever pulled the trigger, and not of somebody who wrote earlier.
    fn is_actors(&self, path: &str) -> bool {
        if subject::of_path(path, self.trigger.moment()) == Whose::Another {
            return false;
        }
        let Some(rest) = path.strip_prefix("github.event.") else { return true };
        let head = rest.split('.').next().unwrap_or("");
        match self.trigger.name.as_str() {
            "issue_comment" | "pull_request_review_comment" | "discussion_comment" => {
                matches!(head, "comment" | "sender")
            }
            "pull_request_review" => matches!(head, "review" | "sender"),
            "issues" => matches!(head, "issue" | "sender"),
            "pull_request_target" | "pull_request" => matches!(head, "pull_request" | "sender"),
            "discussion" => matches!(head, "discussion" | "sender"),
            _ => true,
        }
    }

    /// Whether the event is about code that the one who asks brought along.
    fn brings_code(&self) -> bool {
        self.trigger.brings_code()
    }
}

/// What a word without quotation marks is as a number.
fn number_of_bare(word: &str) -> Option<f64> {
    match word {
        "true" => Some(1.0),
        "false" | "null" => Some(0.0),
        _ if word.starts_with(|first: char| first.is_ascii_digit()) => Some(word.parse().unwrap_or(f64::NAN)),
        _ => None,
    }
}

/// What a text is as a number; `None` where it is a number in another notation, which could be any.
fn number_of_text(text: &str) -> Option<f64> {
    match text.trim() {
        "" => Some(0.0),
        text if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => {
            text.parse().ok()
        }
        _ => Some(f64::NAN),
    }
}

/// Whether something is one text and no list.
fn is_text(list: &Expression) -> bool {
    match list {
        Expression::Path(path) => !path.contains('*'),
        Expression::Call(name, _) => name != "fromjson",
        Expression::Text(_) => true,
        Expression::And(_)
        | Expression::Equal(..)
        | Expression::Not(_)
        | Expression::Or(_)
        | Expression::Unknown => false,
    }
}

/// The words of a fixed list: `fromJSON('["A","B"]')`, `'A, B'`.
fn literals(list: &Expression) -> Option<Vec<String>> {
    match list {
        Expression::Text(text) => Some(
            text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-')
                .filter(|word| !word.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
        ),
        Expression::Call(name, arguments) if name == "fromjson" => literals(arguments.first()?),
        Expression::And(_)
        | Expression::Call(..)
        | Expression::Equal(..)
        | Expression::Not(_)
        | Expression::Or(_)
        | Expression::Path(_)
        | Expression::Unknown => None,
    }
}
