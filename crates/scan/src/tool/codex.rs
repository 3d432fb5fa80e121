//! Codex.

use super::{FileKind, Place, Survey, Tool};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &["AGENTS.md", "AGENTS.override.md", ".codex/skills", ".agents/skills"],
    user_instructions: &[".codex/AGENTS.md", ".codex/AGENTS.override.md", ".codex/prompts", ".codex/skills"],
    administrator_instructions: &["/etc/codex/skills"],
    project_servers: &[".codex/config.toml"],
    user_servers: &[".codex/config.toml"],
    administrator_servers: &["/etc/codex/config.toml", "/etc/codex/requirements.toml"],
    project_settings: &[".codex/config.toml"],
    user_settings: &[".codex/config.toml"],
    servers_of: |bytes| {
        let document = document(bytes)?;
        let picked: toml::Table = ["features", "hooks", "mcp_servers", "notify", "shell_environment_policy"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), document.get(name)?.clone())))
            .collect();
        serde_json_canonicalizer::to_vec(&picked).ok()
    },
    model_of: |bytes| document(bytes)?.get("model")?.as_str().map(str::to_owned),
};

fn document(bytes: &[u8]) -> Option<toml::Table> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

pub const SURVEY: Survey = Survey {
    id: "codex",
    name: "OpenAI Codex",
    executables: &["codex"],
    extensions: &["openai.chatgpt"],
    files: &[
        Place { path: ".codex/config.toml", kind: FileKind::Settings },
        Place { path: "etc/codex/config.toml", kind: FileKind::Settings },
        Place { path: "codex/managed_config.toml", kind: FileKind::Settings },
        Place { path: "codex/requirements.toml", kind: FileKind::Settings },
        Place { path: ".codex/hooks.json", kind: FileKind::Hooks },
        Place { path: ".codex/rules/**.rules", kind: FileKind::Rules },
        Place { path: ".codex/AGENTS.md", kind: FileKind::Instructions },
        Place { path: ".codex/AGENTS.override.md", kind: FileKind::Instructions },
        Place { path: ".codex/prompts/**.md", kind: FileKind::Command },
        Place { path: ".codex/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".codex/agents/**.toml", kind: FileKind::Agent },
        Place { path: ".codex-plugin/plugin.json", kind: FileKind::Manifest },
    ],
    home: &[".codex"],
    administrator: &["/etc/codex"],
    read,
};

/// https://developers.openai.com/codex/config-reference.
fn read(document: &Node, approval: &mut Approval) {
    one(document, approval);
    // A profile counts when the file itself chooses it.
    let chosen = document.get("profile").and_then(Node::text);
    if let Some(profile) = chosen.and_then(|name| document.at(&["profiles", name])) {
        one(profile, approval);
    }
    for server in document.get("mcp_servers").map_or(&[][..], Node::members) {
        approval.word(&server.node, "default_tools_approval_mode", &[("approve", ApprovalLevel::Scoped)]);
        for tool in server.node.get("tools").map_or(&[][..], Node::members) {
            approval.word(&tool.node, "approval_mode", &[("approve", ApprovalLevel::Scoped)]);
        }
    }
}

fn one(document: &Node, approval: &mut Approval) {
    approval.word(
        document,
        "approval_policy",
        &[("never", ApprovalLevel::Blanket), ("on-failure", ApprovalLevel::Scoped)],
    );
    approval.word(document, "sandbox_mode", &[("danger-full-access", ApprovalLevel::Blanket)]);
}

/// Most rules of one file that are looked at.
const MAX_RULES: usize = 1_000;
/// Most characters of one rule that are read.
const MAX_RULE: usize = 4_000;

/// Rules of commands, in Starlark: `prefix_rule(pattern = [...], decision = "allow")`, where `allow` is what is meant when
/// nothing is said. They are read as text: what a program in them computes is not seen.
///
/// <https://developers.openai.com/codex/exec-policy>
pub(crate) fn rules(bytes: &[u8], approval: &mut Approval) {
    const CALL: &str = "prefix_rule(";
    let text = String::from_utf8_lossy(bytes);
    let (mut counted, mut lines) = (0, 1_usize);
    for (at, _) in text.match_indices(CALL).take(MAX_RULES) {
        let before = text.get(counted..at).unwrap_or_default();
        lines += before.matches('\n').count();
        counted = at;
        let near = text.get(text.floor_char_boundary(at.saturating_sub(MAX_RULE))..at).unwrap_or_default();
        let on_line = near.rsplit('\n').next().unwrap_or_default();
        if on_line.contains('#') || on_line.contains("def ") {
            continue;
        }
        let rest = text.get(at + CALL.len()..).unwrap_or_default();
        let mut depth = 1_usize;
        let mut quote = None;
        let rule: String = rest
            .chars()
            .take(MAX_RULE)
            .take_while(|letter| {
                match (quote, letter) {
                    (None, '(' | '[') => depth += 1,
                    (None, ')' | ']') => depth -= 1,
                    (None, '"' | '\'') => quote = Some(*letter),
                    (Some(open), letter) if open == *letter => quote = None,
                    _ => {}
                }
                depth > 0
            })
            .collect();
        let decision = rule.split_once("decision").and_then(|(_, said)| said.split(['"', '\'']).nth(1));
        if decision.unwrap_or("allow") != "allow" {
            continue;
        }
        let words = rule.split_once('[').map_or("", |(_, list)| list).split(']').next().unwrap_or_default();
        let words: Vec<&str> = words.split(['"', '\'']).skip(1).step_by(2).collect();
        let line = u32::try_from(lines).unwrap_or(u32::MAX);
        approval.scoped(line, format!("prefix_rule: {}", words.join(" ")));
    }
}
