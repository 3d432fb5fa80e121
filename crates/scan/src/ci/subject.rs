//! Whose right is asked for: that of whoever acts, or somebody else's, which says nothing of who acts.

use std::collections::BTreeMap;

use super::agent::shell::{assignment, commands};
use super::expression::{self, Expression};
use super::trigger::Moment;
use crate::document::Node;

/// Who a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Whose {
    /// The one who acts.
    Actor,
    /// Certainly somebody who is not asked for by who acts: the author of the thread, the owner, a fixed name.
    Another,
    Unknown,
}

/// What stands before a name in the paths of requests.
const REQUESTS: &[&str] = &["/collaborators/", "/members/", "/memberships/"];
/// Inputs of actions that say whose right they look at.
const INPUTS: &[&str] = &["actor", "github-actor", "login", "member", "user", "user-name", "username"];
const ASSOCIATION: &str = "author_association";
/// How many names stand for each other, how many values are known, and how many people one step is asked about.
const MAX_DEPTH: usize = 4;
const MAX_VALUES: usize = 200;
const MAX_PEOPLE: usize = 50;

/// Whom a context speaks of, in lower case.
pub(super) fn of_path(path: &str, moment: Moment) -> Whose {
    match path {
        "github.actor" | "github.actor_id" | "github.triggering_actor" => return Whose::Actor,
        "github.repository_owner" | "github.repository_owner_id" => return Whose::Another,
        _ => {}
    }
    let Some(rest) = path.strip_prefix("github.event.") else { return Whose::Unknown };
    let parts: Vec<&str> = rest.split('.').collect();
    match parts.as_slice() {
        ["sender", _]
        | ["comment" | "review", "user", _]
        | ["comment" | "review", ASSOCIATION]
        | ["workflow_run", "actor" | "triggering_actor", _] => Whose::Actor,
        ["discussion" | "issue" | "pull_request", "user", _]
        | ["discussion" | "issue" | "pull_request", ASSOCIATION] => {
            if moment == Moment::Reply {
                Whose::Another
            } else {
                Whose::Actor
            }
        }
        ["organization" | "repository", ..]
        | ["pull_request", "base", ..]
        | [_, "answer_chosen_by" | "assignee" | "closed_by" | "merged_by", _] => Whose::Another,
        _ => Whose::Unknown,
    }
}

/// Whom a text speaks of: an expression, a variable that GitHub sets, or a name as it is.
pub(super) fn of_text(text: &str, moment: Moment) -> Whose {
    let text = text.trim().trim_matches(['"', '\'']);
    if let Some(inner) = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"))
        && !inner.contains("}}")
    {
        return of_expression(&expression::parse(inner), moment);
    }
    if let Some(name) = variable(text) {
        let name = name.to_ascii_lowercase().replacen("github_", "github.", 1);
        let owner = ["github.repository%/*", "github.repository%%/*"].contains(&name.as_str());
        return if owner { Whose::Another } else { of_path(&name, moment) };
    }
    let is_name = !text.is_empty()
        && !matches!(text, "true" | "false")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_[]".contains(&byte));
    if is_name { Whose::Another } else { Whose::Unknown }
}

fn of_expression(expression: &Expression, moment: Moment) -> Whose {
    match expression {
        Expression::Path(path) => of_path(path, moment),
        Expression::Text(text) if !text.is_empty() => Whose::Another,
        Expression::Or(parts) => of_all(parts.iter().map(|part| of_expression(part, moment))),
        // What comes out of it is its last part.
        Expression::And(parts) => parts.last().map_or(Whose::Unknown, |part| of_expression(part, moment)),
        Expression::Text(_)
        | Expression::Call(..)
        | Expression::Equal(..)
        | Expression::Not(_)
        | Expression::Unknown => Whose::Unknown,
    }
}

/// Of several that it may be, somebody else only where all are.
fn of_all(mut each: impl Iterator<Item = Whose>) -> Whose {
    if each.all(|whose| whose == Whose::Another) { Whose::Another } else { Whose::Unknown }
}

/// `$NAME`, `${NAME}`: what stands in it.
fn variable(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$').filter(|rest| !rest.starts_with('('))?;
    rest.strip_prefix('{').map_or(Some(rest), |inner| inner.strip_suffix('}'))
}

/// Whether a text names people in requests, and only others than who acts. Variables are put in already.
pub(super) fn requests_another(text: &str, moment: Moment) -> bool {
    let mut people = requested(text).peekable();
    people.peek().is_some() && people.all(|name| of_text(name, moment) == Whose::Another)
}

/// The names in the paths of requests.
fn requested(text: &str) -> impl Iterator<Item = &str> {
    REQUESTS.iter().flat_map(|before| text.split(before).skip(1)).filter_map(segment).take(MAX_PEOPLE)
}

/// One part of a path; none for a place that is filled in elsewhere (`{username}`).
fn segment(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(['"', '\'']);
    let end = if rest.starts_with("${{") {
        rest.find("}}")? + 2
    } else if rest.starts_with("${") {
        rest.find('}')? + 1
    } else {
        rest.find(|letter: char| letter.is_whitespace() || "/\"'`?&|);<>\\".contains(letter))
            .unwrap_or(rest.len())
    };
    rest.get(..end).filter(|name| !name.is_empty() && !name.starts_with(['{', ':']))
}

/// Whether a step asks for somebody's right, and only for others' than who acts.
pub(super) fn asks_for_another(step: &Node, set: &[Option<&Node>], moment: Moment) -> bool {
    let run = step.get("run").and_then(Node::text).unwrap_or("");
    let mut values = BTreeMap::new();
    for member in set.iter().flatten().flat_map(|node| node.members()).take(MAX_VALUES) {
        values.extend(member.node.scalar().map(|value| (member.key.clone(), value)));
    }
    for word in commands(run).iter().flat_map(|command| &command.words).take(10 * MAX_VALUES) {
        if let Some((name, value)) = assignment(word).filter(|_| values.len() < MAX_VALUES) {
            values.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut asked = Asked { values, moment, people: Vec::new() };
    asked.text(run);
    for member in step.get("with").map_or(&[][..], Node::members) {
        let key = member.key.to_ascii_lowercase().replace('_', "-");
        let Some(value) = member.node.scalar() else { continue };
        if INPUTS.contains(&key.as_str()) {
            let whose = asked.of_text(&value, 0);
            asked.people.push(whose);
        } else {
            asked.text(&value);
            asked.code(&value);
        }
    }
    for member in step.get("env").map_or(&[][..], Node::members) {
        asked.associations(&member.node.scalar().unwrap_or_default());
    }
    !asked.people.is_empty() && asked.people.iter().all(|whose| *whose == Whose::Another)
}

/// Everybody whom one step asks about.
struct Asked {
    values: BTreeMap<String, String>,
    moment: Moment,
    people: Vec<Whose>,
}

// === impl Asked ===

impl Asked {
    /// Whom a text speaks of, through variables that are known.
    fn of_text(&self, text: &str, depth: usize) -> Whose {
        let plain = text.trim().trim_matches(['"', '\'']);
        match variable(plain).and_then(|name| self.values.get(name)).filter(|_| depth < MAX_DEPTH) {
            Some(value) => self.of_text(value, depth + 1),
            None => of_text(text, self.moment),
        }
    }

    fn text(&mut self, text: &str) {
        let is_said =
            |line: &&str| !line.trim_start().starts_with(['#']) && !line.trim_start().starts_with("//");
        let text: String = text.lines().filter(is_said).flat_map(|line| [line, "\n"]).collect();
        let mut people: Vec<Whose> = Vec::new();
        for name in requested(&text) {
            // In code, what stands in a text of several parts is code.
            let inner = name.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            let inner = inner.filter(|inner| !inner.starts_with('{') && inner.contains('.'));
            people.push(match inner {
                Some(inner) => self.of_code(inner, &text, 0),
                None => self.of_text(name, 0),
            });
        }
        self.people.extend(people);
        self.associations(&text);
    }

    /// What somebody is to the repository.
    fn associations(&mut self, text: &str) {
        let plain = text.replace("?.", ".");
        for (at, _) in plain.match_indices(ASSOCIATION).take(MAX_PEOPLE) {
            let before = plain.get(..at).unwrap_or("");
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
            let length = before.bytes().rev().take_while(is_part).count();
            let path = before.get(before.len() - length..).unwrap_or("");
            let path = format!("{path}{ASSOCIATION}").to_ascii_lowercase();
            self.people.push(of_path(&context(&path), self.moment));
        }
    }

    /// `username: x`, and `username` by itself, in code.
    fn code(&mut self, code: &str) {
        const KEY: &str = "username";
        let mut people: Vec<Whose> = Vec::new();
        for (at, _) in code.match_indices(KEY).take(MAX_PEOPLE) {
            let before = code.get(..at).unwrap_or("").trim_end();
            let after = code.get(at + KEY.len()..).unwrap_or("").trim_start();
            if !before.ends_with(['{', ',']) {
                continue;
            }
            if let Some(value) = after.strip_prefix(':') {
                people.push(self.of_code(until_end(value), code, 0));
            } else if after.starts_with(['}', ',']) {
                people.push(self.of_code(KEY, code, 0));
            }
        }
        self.people.extend(people);
    }

    /// Whom a value in code speaks of.
    fn of_code(&self, value: &str, code: &str, depth: usize) -> Whose {
        let value = value.trim().trim_end_matches(';').replace("?.", ".");
        if depth > MAX_DEPTH {
            return Whose::Unknown;
        }
        if let Some((left, right)) = value.split_once("||").or_else(|| value.split_once("??")) {
            return of_all([left, right].into_iter().map(|part| self.of_code(part, code, depth + 1)));
        }
        let quoted =
            ['"', '\'', '`'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        if let Some(text) = quoted {
            return of_text(text, self.moment);
        }
        if let Some(name) = value.strip_prefix("process.env.") {
            return self.of_text(&format!("${name}"), depth);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte);
        if value.is_empty() || !value.bytes().all(is_plain) {
            return Whose::Unknown;
        }
        let path = context(&value.to_ascii_lowercase());
        if path.starts_with("github.") {
            return of_path(&path, self.moment);
        }
        let (head, rest) = value.split_once('.').map_or((value.as_str(), ""), |(head, rest)| (head, rest));
        match definition(head, code) {
            Some(defined) if rest.is_empty() => self.of_code(&defined, code, depth + 1),
            Some(defined) => self.of_code(&format!("{defined}.{rest}"), code, depth + 1),
            None => Whose::Unknown,
        }
    }
}

/// What GitHub's scripts call a context, as expressions call it.
fn context(path: &str) -> String {
    let plain = path.strip_prefix("github.context.").or_else(|| path.strip_prefix("context."));
    match plain {
        Some("actor") => "github.actor".to_owned(),
        Some("repo.owner") => "github.repository_owner".to_owned(),
        Some(rest) => match rest.strip_prefix("payload.") {
            Some(rest) => format!("github.event.{rest}"),
            None => path.to_owned(),
        },
        None => path.to_owned(),
    }
}

/// What a name is in code where it is said once: `const x = …`, `const { x } = context.payload`.
fn definition(name: &str, code: &str) -> Option<String> {
    let mut found = Vec::new();
    for head in ["const", "let", "var"] {
        for rest in code.split(&format!("{head} {name} =")).skip(1) {
            found.push(until_end(rest).trim().to_owned());
        }
    }
    for (at, _) in code.match_indices("} = context").take(MAX_PEOPLE) {
        let listed =
            code.get(..at).and_then(|before| before.rsplit_once('{')).map_or("", |(_, listed)| listed);
        if listed.split(',').any(|each| each.trim() == name) {
            let of = until_end(code.get(at + "} = ".len()..).unwrap_or("")).trim();
            found.push(format!("{of}.{name}"));
        }
    }
    let is_set_anew = code.lines().any(|line| {
        let rest = line.trim_start().strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with('=') && !rest.starts_with("=="))
    });
    if found.len() == 1 && !is_set_anew { found.pop() } else { None }
}

/// A value up to what ends it.
fn until_end(value: &str) -> &str {
    let value = value.trim_start_matches([' ', '\t']);
    let quote = value.chars().next().filter(|first| ['"', '\'', '`'].contains(first));
    if let Some(quote) = quote
        && let Some(end) = value.get(1..).and_then(|rest| rest.find(quote))
    {
        return value.get(..end + 2).unwrap_or(value);
    }
    value.split([',', '}', ')', ';', '\n']).next().unwrap_or("")
}
