//! Kiro, by documentation.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &["AGENTS.md", ".kiro/agents", ".kiro/hooks", ".kiro/skills", ".kiro/steering"],
    user_instructions: &[".kiro/agents", ".kiro/hooks", ".kiro/skills", ".kiro/steering"],
    administrator_instructions: &[],
    project_servers: &[".kiro/settings/mcp.json"],
    user_servers: &[".kiro/settings/mcp.json"],
    administrator_servers: &[],
    project_settings: &[],
    user_settings: &[],
    servers_of: |bytes| members(&json(bytes)?, &["mcpServers", "powers"]),
    model_of: |_| None,
};

pub const SURVEY: Survey = Survey {
    id: "kiro",
    name: "Kiro",
    executables: &["kiro", "kiro-cli"],
    extensions: &[],
    files: &[
        Place { path: ".kiro/settings/mcp.json", kind: FileKind::Servers },
        Place { path: ".kiro/settings/cli.json", kind: FileKind::Settings },
        Place { path: ".kiro/agents/**.json", kind: FileKind::Settings },
        Place { path: ".kiro/hooks/**", kind: FileKind::Hooks },
        Place { path: ".kiro/steering/**.md", kind: FileKind::Rules },
        Place { path: ".kiro/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".kiro/prompts/**.md", kind: FileKind::Command },
    ],
    home: &[
        ".kiro/settings",
        ".kiro/agents",
        ".kiro/hooks",
        ".kiro/steering",
        ".kiro/skills",
        ".config/Kiro/User/settings.json",
    ],
    administrator: &[],
    read,
};

/// https://kiro.dev/docs/cli/custom-agents/configuration-reference: `allowedTools` run without a prompt. What only
/// reads needs none anyway.
pub(super) fn read(document: &Node, approval: &mut Approval) {
    if let Some(list) = document.get("allowedTools") {
        approval.list(list, "allowedTools");
    }
    for tool in document.get("toolsSettings").map_or(&[][..], Node::members) {
        if let Some(list) = tool.node.get("allowedCommands") {
            approval.commands(list, "allowedCommands");
        }
        approval.switch(&tool.node, "autoAllowReadonly", ApprovalLevel::None);
    }
    super::vscode::switches(document, approval);
}
