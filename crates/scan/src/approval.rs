//! What a configuration lets a client do without asking a human, with the line that says so.

use crate::document::Node;
use crate::secret::{Detector, redact};

/// How much runs without a human's answer.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum ApprovalLevel {
    /// Nothing here says so.
    #[default]
    None,
    /// Listed tools, commands or servers.
    Scoped,
    /// Any command, or any tool that changes things.
    Blanket,
}

/// One line of a configuration that takes a question away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    pub level: ApprovalLevel,
    pub line: u32,
    /// The setting, in our words; values of it only where they are fixed words of the client.
    pub text: String,
}

/// All such lines of one file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Approval {
    pub evidence: Vec<Evidence>,
}

/// Most lines kept of one file: the rest says nothing new.
const MAX_EVIDENCE: usize = 50;
/// Longest text kept of one entry, in characters.
const MAX_TEXT: usize = 120;
/// Tools that run commands, by the names that clients give them.
const SHELLS: &[&str] = &[
    "bash",
    "execute_bash",
    "execute_cmd",
    "execute_command",
    "exec",
    "launch-process",
    "powershell",
    "run_command",
    "run_in_terminal",
    "run_shell_command",
    "shell",
    "shelltool",
    "terminal",
];
/// Tools that only look, of which a client asks nothing anyway.
const READERS: &[&str] = &[
    "find",
    "fs_read",
    "glob",
    "grep",
    "introspect",
    "knowledge",
    "list",
    "ls",
    "notebookread",
    "read",
    "read_file",
    "report",
    "report_issue",
    "search",
    "skill",
    "thinking",
    "todo",
    "todowrite",
];

// === impl ApprovalLevel ===

impl ApprovalLevel {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Scoped => "scoped",
            Self::Blanket => "blanket",
        }
    }
}

// === impl Approval ===

impl Approval {
    /// The widest level that any line gives.
    pub fn level(&self) -> ApprovalLevel {
        self.evidence.iter().map(|evidence| evidence.level).max().unwrap_or_default()
    }

    pub(crate) fn blanket(&mut self, line: u32, text: impl Into<String>) {
        self.add(ApprovalLevel::Blanket, line, text.into());
    }

    pub(crate) fn scoped(&mut self, line: u32, text: impl Into<String>) {
        self.add(ApprovalLevel::Scoped, line, text.into());
    }

    fn add(&mut self, level: ApprovalLevel, line: u32, text: String) {
        if level > ApprovalLevel::None && (self.evidence.len() < MAX_EVIDENCE || level > self.level()) {
            // A command that is allowed can hold a credential, of which no report tells.
            let secrets = Detector::shipped().find(text.as_bytes());
            let text = if secrets.is_empty() {
                text
            } else {
                String::from_utf8_lossy(&redact(text.as_bytes(), &secrets)).into_owned()
            };
            self.evidence.push(Evidence { level, line, text: text.chars().take(MAX_TEXT).collect() });
        }
    }

    /// A setting that is either on or off.
    pub(crate) fn switch(&mut self, document: &Node, setting: &str, level: ApprovalLevel) {
        if let Some(node) = document.setting(setting).filter(|node| node.is_true()) {
            self.add(level, node.line, format!("{setting} = true"));
        }
    }

    /// A setting of fixed words, each with what it lets through.
    pub(crate) fn word(&mut self, document: &Node, setting: &str, words: &[(&str, ApprovalLevel)]) {
        let Some(node) = document.setting(setting) else { return };
        let Some(said) = node.scalar() else { return };
        if let Some((word, level)) = words.iter().find(|(word, _)| said.eq_ignore_ascii_case(word)) {
            self.add(*level, node.line, format!("{setting} = {word}"));
        }
    }

    /// A list of tools or commands that are not asked for: `Bash(git *)`, `run_shell_command`, `@server/tool`, `*`.
    pub(crate) fn list(&mut self, list: &Node, setting: &str) {
        for item in list.items() {
            if let Some(entry) = item.text() {
                self.add(of_tool(entry), item.line, format!("{setting}: {entry}"));
            }
        }
    }

    /// The same in one text: `Read, Bash(git add:*), Bash`. What stands in brackets is of one entry.
    pub(crate) fn entries(&mut self, text: &str, line: u32, setting: &str) {
        let mut depth = 0_usize;
        let parts = text.split(|letter: char| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && (letter == ',' || letter.is_whitespace())
        });
        for entry in parts.filter(|entry| !entry.is_empty()) {
            self.add(of_tool(entry), line, format!("{setting}: {entry}"));
        }
    }

    /// A list of command prefixes; one that matches everything lets everything through.
    pub(crate) fn commands(&mut self, list: &Node, setting: &str) {
        for item in list.items() {
            if let Some(entry) = item.text() {
                self.command(entry, item.line, setting);
            }
        }
    }

    /// One of them.
    pub(crate) fn command(&mut self, entry: &str, line: u32, setting: &str) {
        let level = if is_everything(entry) { ApprovalLevel::Blanket } else { ApprovalLevel::Scoped };
        self.add(level, line, format!("{setting}: {entry}"));
    }
}

/// What one entry of an allow list lets through.
fn of_tool(entry: &str) -> ApprovalLevel {
    let entry = entry.trim();
    let (tool, within) = match entry.split_once('(') {
        Some((tool, rest)) => (tool.trim(), Some(rest.trim_end().trim_end_matches(')').trim())),
        None => (entry, None),
    };
    let tool = tool.to_ascii_lowercase();
    if is_everything(&tool) {
        return ApprovalLevel::Blanket;
    }
    if tool == "@builtin" || within.is_none() && SHELLS.iter().any(|shell| fits(&tool, shell)) {
        return ApprovalLevel::Blanket;
    }
    if SHELLS.contains(&tool.as_str()) {
        return if within.is_none_or(is_everything) { ApprovalLevel::Blanket } else { ApprovalLevel::Scoped };
    }
    if within.is_none() && READERS.contains(&tool.as_str()) {
        return ApprovalLevel::None;
    }
    ApprovalLevel::Scoped
}

/// Whether a pattern with `*` in it, and something else, stands for a tool.
fn fits(pattern: &str, tool: &str) -> bool {
    let mut parts = pattern.split('*');
    let (Some(first), Some(last)) = (parts.next(), pattern.rsplit('*').next()) else { return false };
    let Some(mut rest) = tool.strip_prefix(first).filter(|_| pattern.contains('*')) else { return false };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    tool.len() >= first.len() + last.len() && tool.ends_with(last)
}

/// Patterns that match any command.
pub(crate) fn is_everything(pattern: &str) -> bool {
    matches!(
        pattern.trim(),
        "*" | "**"
            | ":*"
            | "*:*"
            | ".*"
            | "^.*$"
            | "/.*/"
            | "/^.*$/"
            | "/.*/s"
            | "/^.*$/s"
            | "/^/"
            | "/./"
            | "all"
            | "@all"
    )
}
