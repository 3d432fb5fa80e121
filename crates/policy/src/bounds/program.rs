//! Programs that go to a host of their own, which no address in their words names.

use writ_model::{Operation, ToolCall};

use super::TaskBounds;

/// A forge or service that a program goes to: its hosts, and how its words and variables name another.
struct Home {
    program: &'static str,
    hosts: &'static [&'static str],
    elsewhere: &'static [&'static str],
}

const HOMES: &[Home] = &[
    Home {
        program: "gh",
        hosts: &["api.github.com", "github.com"],
        elsewhere: &["GH_HOST", "GH_REPO", "--hostname"],
    },
    Home { program: "glab", hosts: &["gitlab.com"], elsewhere: &["GITLAB_HOST", "GL_HOST", "--hostname"] },
];

// === impl TaskBounds ===

impl TaskBounds {
    /// Whether a program that goes to a host of its own goes to one that is named, and stays with the task's
    /// repository. True for every other program: what it reaches is another question.
    pub(super) fn goes_home(&self, program: &str, call: Option<&ToolCall>) -> bool {
        let name = program.split_whitespace().next().unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or(name);
        let Some(home) = HOMES.iter().find(|home| home.program == name) else { return true };
        let words = match call.map(|call| &call.operation) {
            Some(Operation::Shell { command }) => command.as_str(),
            Some(_) | None => program,
        };
        let is_elsewhere = home.elsewhere.iter().any(|word| words.contains(word));
        !is_elsewhere
            && home.hosts.iter().any(|host| self.may_reach(host))
            && self
                .bounds
                .repository
                .as_deref()
                .is_none_or(|own| named(words).all(|other| is_own(&other, own)))
    }
}

/// Repositories that the words of a forge's program name: `-R owner/name`, `repos/owner/name/…`.
fn named(words: &str) -> impl Iterator<Item = String> {
    let plain: Vec<&str> =
        words.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ';' | '|' | '&')).collect();
    let options: Vec<String> = plain
        .iter()
        .zip(plain.iter().skip(1))
        .filter(|(option, _)| matches!(**option, "-R" | "--repo"))
        .map(|(_, value)| (*value).to_owned())
        .collect();
    let joined = plain
        .iter()
        .filter_map(|word| word.strip_prefix("--repo=").or_else(|| word.strip_prefix("-R")))
        .filter(|value| !value.is_empty())
        .map(str::to_owned);
    let paths = plain.iter().filter_map(|word| {
        let mut parts = word.trim_start_matches('/').strip_prefix("repos/")?.split(['/', '?']);
        Some(format!("{}/{}", parts.next()?, parts.next()?))
    });
    let found: Vec<String> = options.into_iter().chain(joined).chain(paths).collect();
    found.into_iter()
}

fn is_own(named: &str, own: &str) -> bool {
    let named = named.trim_end_matches(".git");
    let name = named.rsplit_once("://").map_or(named, |(_, rest)| rest);
    name.eq_ignore_ascii_case(own)
        || matches!(name, "{owner}/{repo}" | ":owner/:repo")
        || name.rsplit('/').zip(own.rsplit('/')).take(2).all(|(a, b)| a.eq_ignore_ascii_case(b))
            && name.matches('/').count() == 2
}
