//! What an agent's step may do unasked, by its inputs, its script and its variables.

use super::{Start, shell};
use crate::approval::{Approval, ApprovalLevel};
use crate::bypass::{self, SWITCHES};
use crate::ci::text_map;
use crate::document::Node;

/// Further words that switch every question off, wherever they stand in a step.
const BYPASSES: &[&str] =
    &["--approval-mode=yolo", "--approval-mode yolo", "bypassPermissions", "danger-full-access"];

/// Switches of one tool that let some of its actions through unasked, each with its value where it takes one.
const SCOPED: &[(&str, &str, &str)] = &[
    ("amazon-q", "--trust-tools", ""),
    ("claude-code", "--permission-mode", "acceptEdits"),
    ("factory-droid", "--auto", "low"),
    ("factory-droid", "--auto", "medium"),
    ("gemini-cli", "--approval-mode", "auto_edit"),
    ("github-copilot", "--allow-all-paths", ""),
    ("github-copilot", "--allow-tool", ""),
    ("github-copilot", "--allow-url", ""),
    ("kiro", "--trust-tools", ""),
    ("qwen-code", "--approval-mode", "auto-edit"),
];
/// Variables that set the same, and the value that lets everything through.
const VARIABLES: &[(&str, &str, &str)] =
    &[("aider", "AIDER_YES", "true"), ("aider", "AIDER_YES_ALWAYS", "true"), ("goose", "GOOSE_MODE", "auto")];
/// The variable that holds OpenCode's permissions: a word for all tools, or JSON.
const PERMISSIONS: &str = "OPENCODE_PERMISSION";

/// What an agent step may do unasked, by its inputs and its script, and by variables that are set around it.
pub(in crate::ci) fn approval(step: &Node, tool: &str, starts: &[Start], set: &[Option<&Node>]) -> Approval {
    let mut approval = Approval::default();
    let own = step.get("env");
    for member in set.iter().copied().chain([own]).flatten().flat_map(Node::members) {
        if let Some(value) = member.node.scalar() {
            variable(tool, &member.key, &value, member.line, &mut approval);
        }
    }
    let line = step.get("run").map_or(step.line, |run| run.line);
    let script = step.get("run").unwrap_or(step).text().unwrap_or("");
    for word in shell::commands(script).iter().flat_map(|command| &command.words) {
        if let Some((name, value)) = shell::assignment(word) {
            variable(tool, name, value, line, &mut approval);
        }
    }
    for start in starts {
        switches(start.tool, &start.words, line, &mut approval);
    }
    step.each_text(&mut |key, text, line| {
        // A prompt may speak of flags without setting them.
        if key.contains("prompt") || key == "name" || key == "if" {
            return;
        }
        if ["arg", "flags", "options"].iter().any(|part| key.contains(part)) {
            let words: Vec<String> =
                shell::commands(text).into_iter().flat_map(|command| command.words).collect();
            switches(tool, &words, line, &mut approval);
        }
        for bypass in BYPASSES.iter().chain(SWITCHES) {
            if text.contains(bypass) {
                said(bypass, line, &mut approval);
            }
        }
        let lists = ["allowed_tools", "allowedtools", "allowed-tools"];
        if lists.contains(&key) {
            tools(text, line, &mut approval);
        }
        for flag in ["--allowedTools", "--allowed-tools"] {
            for part in text.split(flag).skip(1) {
                let list = part.trim_start_matches(['=', ' ']).lines().next().unwrap_or("");
                let list = match list.strip_prefix(['"', '\'']) {
                    Some(quoted) => quoted.split(['"', '\'']).next().unwrap_or(""),
                    None => list.split(" --").next().unwrap_or(""),
                };
                tools(list, line, &mut approval);
            }
        }
        if key == "settings"
            && let Ok(document) = crate::document::parse(text.as_bytes(), crate::document::Notation::Json)
        {
            for survey in crate::tool::SURVEYS
                .iter()
                .filter(|survey| ["claude-code", "gemini-cli"].contains(&survey.id))
            {
                let mut inner = Approval::default();
                (survey.read)(&document, &mut inner);
                for evidence in inner.evidence {
                    match evidence.level {
                        ApprovalLevel::Blanket => approval.blanket(line, evidence.text),
                        ApprovalLevel::Scoped => approval.scoped(line, evidence.text),
                        ApprovalLevel::None => {}
                    }
                }
            }
        }
    });
    for (key, value) in text_map(step.get("with")) {
        let off = matches!(
            (key.as_str(), value.as_str()),
            ("sandbox", "danger-full-access") | ("safety-strategy", "unsafe")
        );
        if off {
            approval.blanket(step.line, format!("{key}: {value}"));
        }
    }
    approval
}

/// What the words of a command line switch off.
fn switches(tool: &str, words: &[String], line: u32, approval: &mut Approval) {
    // Lists of tools are read by themselves.
    match bypass::of_words(tool, words).filter(|switch| !switch.to_ascii_lowercase().starts_with("--allowed"))
    {
        Some(switch) => said(switch, line, approval),
        None => {
            let found = SCOPED.iter().find(|(of, switch, value)| {
                *of == tool
                    && words.iter().enumerate().any(|(at, word)| {
                        let (flag, own) = word
                            .split_once('=')
                            .map_or((word.as_str(), None), |(flag, own)| (flag, Some(own)));
                        let given = own.or_else(|| words.get(at + 1).map(String::as_str));
                        flag == *switch && (value.is_empty() || given == Some(*value))
                    })
            });
            if let Some((_, switch, value)) = found {
                approval.scoped(line, format!("{switch} {value}").trim_end());
            }
        }
    }
    for (name, value) in words.iter().filter_map(|word| shell::assignment(word)) {
        variable(tool, name, value, line, approval);
    }
}

/// One switch, told once a line whatever its spelling.
fn said(switch: &str, line: u32, approval: &mut Approval) {
    let plain = switch.replace('=', " ");
    let known = approval.evidence.iter().any(|evidence| {
        let told = evidence.text.replace('=', " ");
        evidence.line == line && (told.contains(&plain) || plain.contains(&told))
    });
    if !known {
        approval.blanket(line, switch);
    }
}

fn variable(tool: &str, name: &str, value: &str, line: u32, approval: &mut Approval) {
    let value: String = value.chars().filter(|letter| !letter.is_whitespace()).collect();
    if VARIABLES
        .iter()
        .any(|(of, known, all)| *of == tool && *known == name && value.eq_ignore_ascii_case(all))
    {
        said(&format!("{name}={value}"), line, approval);
    }
    if tool == "opencode" && name == PERMISSIONS {
        let all = value == "allow"
            || ["\"bash\":\"allow\"", "\"*\":\"allow\""].iter().any(|part| value.contains(part));
        if all {
            said(name, line, approval);
        } else if value.contains("allow") {
            approval.scoped(line, name);
        }
    }
}

fn tools(list: &str, line: u32, approval: &mut Approval) {
    let mut depth = 0_usize;
    for entry in list.split(|letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (letter == ',' || letter == '\n')
    }) {
        let entry = entry.trim().trim_matches(['"', '\'']);
        if matches!(entry, "Bash" | "Bash(*)" | "Bash(:*)" | "*") {
            approval.blanket(line, format!("allowed tools: {entry}"));
        } else if !entry.is_empty() {
            approval.scoped(line, format!("allowed tools: {entry}"));
        }
    }
}
