//! Who acted in a commit: what it discloses by its author, its trailers and the lines by which tools sign.
//!
//! ```text
//! let said = provenance::classify(&Commit { author_name, author_email, committer_name, committer_email, message });
//! assert_eq!(said.label, Label::AgentAssisted);
//! ```
//!
//! It says what is disclosed and no more: a commit without a mark may be anybody's, and a mark can be forged. A mention in
//! prose, in a quotation or in the name of a branch is no mark.

use std::collections::BTreeSet;
use std::sync::LazyLock;

mod table;

#[cfg(test)]
mod tests;

use table::{Bots, Known};

/// Longest part of a message that is read.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// A commit, as git shows it. Names and mails may be anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commit<'a> {
    pub author_name: &'a str,
    pub author_email: &'a str,
    pub committer_name: &'a str,
    pub committer_email: &'a str,
    pub message: &'a str,
}

/// What a commit discloses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// An agent's account is the author.
    AgentAuthored,
    /// A person is the author, and an agent is named beside them.
    AgentAssisted,
    /// A program without a model is the author.
    Automation,
    /// Such a program, and an agent beside it.
    AutomationWithAgent,
    /// Nothing says that anything but a person wrote it.
    HumanOrUndisclosed,
}

/// What was found out about a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    pub label: Label,
    /// Stable names of agents, sorted.
    pub agents: Vec<&'static str>,
    /// The line, or the identity, that shows each of them, in the same order.
    pub because: Vec<String>,
}

// === impl Label ===

impl Label {
    /// The stable word of reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AgentAuthored => "agent-authored",
            Self::AgentAssisted => "agent-assisted",
            Self::Automation => "automation",
            Self::AutomationWithAgent => "automation-with-agent",
            Self::HumanOrUndisclosed => "human-or-undisclosed",
        }
    }
}

static KNOWN: LazyLock<Known> = LazyLock::new(Known::shipped);

/// What a commit discloses.
pub fn classify(commit: &Commit<'_>) -> Provenance {
    let known = &*KNOWN;
    let author = Identity::new(commit.author_name, commit.author_email);
    let committer = Identity::new(commit.committer_name, commit.committer_email);
    let mut shown: BTreeSet<(&'static str, String)> = BTreeSet::new();
    let mut show = |agent: &'static str, because: &str| {
        if !shown.iter().any(|(known, _)| *known == agent) {
            shown.insert((agent, because.chars().take(200).collect()));
        }
    };
    let author_agent = known.acting(&author);
    if let Some(agent) = author_agent {
        show(agent, &format!("author {}", author.name));
    }
    if let Some(agent) = known.acting(&committer) {
        show(agent, &format!("committer {}", committer.name));
    }
    let end = commit.message.floor_char_boundary(MAX_MESSAGE_BYTES);
    for (number, line) in commit.message.get(..end).unwrap_or_default().lines().enumerate() {
        if let Some(agent) = signed(known, line, number == 0) {
            show(agent, line.trim());
        }
    }
    let label = match (author_agent, Bots::is_one(&author), shown.is_empty()) {
        (Some(_), _, _) => Label::AgentAuthored,
        (None, true, true) => Label::Automation,
        (None, true, false) => Label::AutomationWithAgent,
        (None, false, true) => Label::HumanOrUndisclosed,
        (None, false, false) => Label::AgentAssisted,
    };
    let (agents, because) = shown.into_iter().unzip();
    Provenance { label, agents, because }
}

/// Names of all agents that the table knows.
pub fn agents() -> impl Iterator<Item = &'static str> {
    KNOWN.agents()
}

/// A name and an address, in lower case, with what an account of a forge leaves in them.
#[derive(Debug)]
struct Identity {
    name: String,
    mail: String,
    /// The account in an address such as `12345+name[bot]@users.noreply.github.com`.
    account: Option<String>,
}

// === impl Identity ===

impl Identity {
    fn new(name: &str, mail: &str) -> Self {
        let clean = |text: &str| text.trim().chars().take(400).collect::<String>().to_lowercase();
        let (name, mail) = (clean(name), clean(mail));
        let account = mail
            .split_once('@')
            .filter(|(_, host)| {
                host.starts_with("users.noreply.")
                    || host.starts_with("noreply.")
                    || host.contains("noreply.")
            })
            .map(|(local, _)| local.split_once('+').map_or(local, |(_, account)| account).to_owned());
        Self { name, mail, account }
    }

    /// Reads `Name <mail>`.
    fn parse(text: &str) -> Self {
        match text.split_once('<') {
            Some((name, rest)) => Self::new(name, rest.split('>').next().unwrap_or_default()),
            None => Self::new(text, ""),
        }
    }
}

/// The agent that a line of a message names by a trailer or by a tool's own mark. Trailers are looked for in the whole
/// message: a forge that squashes leaves them anywhere.
fn signed(known: &Known, line: &str, is_subject: bool) -> Option<&'static str> {
    /// Keys whose value is a person or an agent that took part in the writing.
    const WITH: [&str; 5] =
        ["co-authored-by", "co-developed-by", "coauthored-by", "co-author", "signed-off-by"];
    /// Keys whose value is a tool.
    const BY: [&str; 17] = [
        "agent",
        "ai-agent",
        "ai-assistant",
        "ai-assisted-by",
        "ai-generated-by",
        "ai-model",
        "ai-tool",
        "assisted-by",
        "assistant",
        "built-with",
        "created-by",
        "created-with",
        "generated-by",
        "generated-with",
        "made-by",
        "made-with",
        "written-by",
    ];
    // More than a little space before it is code that somebody shows.
    let space = line.len() - line.trim_start().len();
    let line = line.trim();
    if space > 3 || line.is_empty() || line.len() > 2_000 {
        return None;
    }
    let bare = line.trim_start_matches(['*', '-', '_']).trim_start();
    if let Some((key, value)) = bare.split_once(':') {
        let key = key.trim_end_matches('*').trim().to_ascii_lowercase();
        let value = value.trim_start_matches('*').trim();
        if !value.is_empty() {
            if WITH.contains(&key.as_str()) {
                return known.named(&Identity::parse(value));
            }
            // A subject may begin with the name of a part of the program.
            if BY.contains(&key.as_str()) && !is_subject {
                return known.acting(&Identity::parse(value)).or_else(|| known.tool(value));
            }
            if let Some(agent) = known.by_trailer(&key) {
                return Some(agent);
            }
        }
    }
    known.by_line(line)
}
