//! What a command asks about who is there, and what the answer is for an outsider.

use super::Walk;
use crate::ci::agent::shell::assignment;
use crate::ci::gate::{Can, EITHER, NO, YES};
use crate::ci::subject::requests_another;
use crate::ci::trigger::Moment;

/// What a part of a test speaks of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum About {
    /// The name of whoever asks.
    Actor,
    /// What whoever asks is to the repository.
    Association,
    /// Whether the code is a fork's.
    Fork,
    /// The repository that the code comes from.
    Head,
    /// Whether whoever asks is a member or collaborator.
    Member,
    /// A fixed text.
    Fixed,
    /// A list that only people with write access change.
    Kept,
    /// What whoever asks may do.
    Right,
    Unknown,
}

/// Longest text that variables are put into, in bytes.
const MAX_TEXT: usize = 8 << 10;
/// Most words of a command that is taken for a question.
const MAX_WORDS: usize = 100;
/// Words that only stand for rights above reading.
pub(in crate::ci) const RIGHTS: &[&str] = &["admin", "maintain", "triage", "write"];
pub(in crate::ci) const LESS: &[&str] = &["none", "pull", "read"];
pub(super) const TRUSTED: &[&str] = &["collaborator", "member", "owner"];
const ACTORS: &[&str] = &[
    "comment.user.id",
    "comment.user.login",
    "event.sender.id",
    "event.sender.login",
    "github.actor",
    "github.triggering_actor",
    "github_actor",
    "github_triggering_actor",
    "review.user.id",
    "review.user.login",
];

/// What somebody opens.
const OPENED: &[&str] = &["event.discussion", "event.issue", "event.pull_request"];

// === impl Walk ===

impl Walk {
    /// What one command can be.
    pub(super) fn can(&mut self, words: &[&str]) -> Can {
        if words.len() > MAX_WORDS {
            return EITHER;
        }
        match words {
            ["!", rest @ ..] => self.can(rest).inverted(),
            ["true" | ":" | "echo", ..] => YES,
            ["false", ..] => NO,
            ["[" | "[[" | "test", rest @ ..] => self.test(rest),
            [.., "]]"] => self.test(words),
            ["grep" | "egrep" | "fgrep" | "rg", rest @ ..] => self.grep(rest),
            ["gh", "api", ..] | ["curl", ..] => {
                let text = words.join(" ");
                let fails = words.first() == Some(&"gh")
                    || words.iter().any(|word| {
                        *word == "--fail"
                            || (word.starts_with('-') && !word.starts_with("--") && word.contains('f'))
                    });
                let is_asked = is_membership(&text) && !requests_another(&self.put_in(&text), self.moment);
                if fails && is_asked { NO } else { EITHER }
            }
            [first, ..] if assignment(first).is_some_and(|(_, value)| value.starts_with("$(")) => {
                let inner = first.split_once("$(").map_or("", |(_, inner)| inner);
                let words: Vec<&str> = inner.trim_end_matches(')').split_whitespace().collect();
                match words.first() {
                    Some(&"gh") if !inner.contains('|') => self.can(&words),
                    _ => EITHER,
                }
            }
            _ => EITHER,
        }
    }

    /// Each part is asked for by itself, so that the depth is bounded by the words of one command.
    fn test(&mut self, words: &[&str]) -> Can {
        let words: Vec<&str> =
            words.iter().copied().filter(|word| !matches!(*word, "]" | "]]" | "[[")).collect();
        if let Some(at) = words.iter().position(|word| *word == "-o" || *word == "-a") {
            let (left, right) = words.split_at(at);
            let (left, right) = (self.test(left), self.test(right.get(1..).unwrap_or(&[])));
            return if words.get(at) == Some(&"-o") {
                Can { hold: left.hold || right.hold, fail: left.fail && right.fail }
            } else {
                Can { hold: left.hold && right.hold, fail: left.fail || right.fail }
            };
        }
        if let Some(("!", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) {
            return self.test(rest).inverted();
        }
        let Some(at) =
            words.iter().position(|word| matches!(*word, "=" | "==" | "!=" | "=~" | "-eq" | "-ne"))
        else {
            return EITHER;
        };
        let (left, right) =
            (words.get(..at).unwrap_or(&[]).join(" "), words.get(at + 1..).unwrap_or(&[]).join(" "));
        let sign = words.get(at).copied().unwrap_or("");
        let can = if self.fits_parts(sign, &left, &right) { EITHER } else { self.same(&left, &right) };
        if matches!(words.get(at), Some(&("!=" | "-ne"))) {
            Can { hold: can.fail, fail: can.hold }
        } else {
            can
        }
    }

    /// Whether a comparison of names holds for a part of one as well, or for more than one.
    fn fits_parts(&self, sign: &str, left: &str, right: &str) -> bool {
        let is_pattern = sign == "=~" || right.contains('*');
        if self.about(right) == About::Actor {
            return is_pattern && !is_bounded(right);
        }
        is_pattern
            && self.about(left) == About::Actor
            && self.about(right) == About::Fixed
            && !is_whole(&self.put_in(right))
    }

    /// Whether two texts can be the same, or one among the other, for an outsider.
    fn same(&mut self, left: &str, right: &str) -> Can {
        let (about_left, about_right) = (self.about(left), self.about(right));
        let (about, other, text) = if matches!(about_left, About::Fixed | About::Kept | About::Unknown) {
            (about_right, about_left, self.put_in(left))
        } else {
            (about_left, about_right, self.put_in(right))
        };
        let lower = without_classes(&text.to_ascii_lowercase());
        let words: Vec<&str> = lower
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| !word.is_empty())
            .collect();
        let all = |known: &[&str]| !words.is_empty() && words.iter().all(|word| known.contains(word));
        match (about, other) {
            (About::Actor, About::Kept) => NO,
            (About::Actor, About::Fixed) if words.iter().any(|word| word.len() > 1) => NO,
            (About::Right, About::Fixed) => {
                self.ways.is_weak |= words.iter().any(|word| LESS.contains(word));
                if all(RIGHTS) { NO } else { EITHER }
            }
            (About::Association, About::Fixed) if all(TRUSTED) => NO,
            (About::Member, About::Fixed) if all(&["200", "204", "active", "true"]) => NO,
            (About::Fork, About::Fixed) if self.moment == Moment::Code => {
                if lower == "true" {
                    YES
                } else {
                    NO
                }
            }
            (About::Head, About::Kept) if self.moment == Moment::Code => NO,
            _ => EITHER,
        }
    }

    fn grep(&mut self, words: &[&str]) -> Can {
        let flags = |letter: char| {
            words.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
        };
        if flags('v') || words.contains(&"--invert-match") {
            return EITHER;
        }
        let pattern = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or("");
        let rest = words.iter().skip_while(|word| **word != pattern).skip(1).copied().collect::<Vec<_>>();
        let searched = if self.piped.is_empty() { rest.join(" ") } else { self.piped.clone() };
        let is_by_words = flags('w')
            || flags('x')
            || words.iter().any(|word| ["--line-regexp", "--word-regexp"].contains(word));
        if self.about(pattern) == About::Actor {
            // A list of names, wherever it is kept; in words or lines, since a name is part of longer ones.
            return if is_by_words || is_bounded(pattern) { NO } else { EITHER };
        }
        if !is_by_words && self.about(&searched) == About::Actor && !is_whole(&self.put_in(pattern)) {
            return EITHER;
        }
        self.same(&searched, pattern)
    }

    /// A text with the values of variables that are known.
    pub(super) fn put_in(&self, text: &str) -> String {
        let (mut put, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$').filter(|_| put.len() < MAX_TEXT) {
            let (before, after) = rest.split_at(at);
            put.push_str(before);
            let inner = after.strip_prefix("${").unwrap_or(after.get(1..).unwrap_or(""));
            let length =
                inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            let name = inner.get(..length).unwrap_or("");
            let tail = inner.get(length..).unwrap_or("");
            match self.set.get(name) {
                Some(value) => {
                    put.push_str(value);
                    rest =
                        if after.starts_with("${") { tail.strip_prefix('}').unwrap_or(tail) } else { tail };
                }
                None => {
                    put.push('$');
                    rest = after.get(1..).unwrap_or("");
                }
            }
        }
        put.push_str(rest);
        put
    }

    pub(super) fn about(&self, text: &str) -> About {
        let text = self.put_in(text);
        let lower = text.to_ascii_lowercase();
        let has = |part: &str| lower.contains(part);
        // Who opens a thread is who acts then, and only then.
        let opens =
            |what: &str| self.moment != Moment::Reply && OPENED.iter().any(|of| has(&format!("{of}.{what}")));
        if requests_another(&text, self.moment) {
            About::Unknown
        } else if (has("/permission") && (has("collaborators/") || has("repos/"))) || has("role_name") {
            About::Right
        } else if is_membership(&lower) {
            About::Member
        } else if has("comment.author_association")
            || has("review.author_association")
            || opens("author_association")
        {
            About::Association
        } else if has("head.repo.fork") {
            About::Fork
        } else if has("head.repo.full_name") || has("head.repo.owner.login") {
            About::Head
        } else if (ACTORS.iter().any(|part| has(part)) || opens("user.login") || opens("user.id"))
            && !has("$(")
        {
            About::Actor
        } else if ["vars.", "secrets.", "github.repository", "github_repository"].iter().any(|part| has(part))
        {
            About::Kept
        } else if names_variable(&lower) {
            About::Unknown
        } else {
            About::Fixed
        }
    }
}

/// Whether something stands on both sides of a variable.
fn is_bounded(text: &str) -> bool {
    let text = text.trim_matches('*');
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_}".contains(letter);
    !text.starts_with('$') && !text.ends_with(is_name)
}

/// Whether a pattern fits whole names only; those of apps end as no person's does.
fn is_whole(pattern: &str) -> bool {
    let pattern = pattern.trim();
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
    let is_one = |inner: &str| {
        !inner.contains(['|', '*'])
            || inner
                .strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'))
                .is_some_and(|inner| !inner.contains(['(', ')', '*']))
    };
    inner.is_some_and(is_one) || pattern.ends_with("\\[bot\\]$")
}

/// Whether a text holds what is only known when it runs; a pattern may end with the sign itself.
fn names_variable(text: &str) -> bool {
    let begins = |letter: char| letter.is_ascii_alphanumeric() || "_{(@*".contains(letter);
    text.split('$').skip(1).any(|rest| rest.starts_with(begins))
}

/// A pattern without `[a-z0-9]` and the like, which fit everybody.
fn without_classes(pattern: &str) -> String {
    let (mut plain, mut inside, mut escaped) = (String::new(), false, false);
    for letter in pattern.chars() {
        match letter {
            '[' if !escaped => inside = true,
            ']' if !escaped => inside = false,
            letter if !inside => plain.push(letter),
            _ => {}
        }
        escaped = letter == '\\';
    }
    plain
}

/// Whether a request is answered with an error for who is no member.
pub(super) fn is_membership(text: &str) -> bool {
    let of_org = text.contains("orgs/") && (text.contains("/members/") || text.contains("/memberships/"));
    of_org || (text.contains("/collaborators/") && !text.contains("/permission"))
}
