//! Copilot CLI.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        "CLAUDE.md",
        "GEMINI.md",
        ".claude/skills",
        ".github/agents",
        ".github/copilot-instructions.md",
        ".github/hooks",
        ".github/instructions",
        ".github/skills",
    ],
    user_instructions: &[
        ".copilot/agents",
        ".copilot/copilot-instructions.md",
        ".copilot/extensions",
        ".copilot/hooks",
        ".copilot/instructions",
        ".copilot/skills",
    ],
    administrator_instructions: &["/etc/github-copilot/policy.d"],
    project_servers: &[
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".github/copilot/settings.json",
        ".github/copilot/settings.local.json",
        ".github/mcp.json",
        ".mcp.json",
    ],
    user_servers: &[".copilot/mcp-config.json", ".copilot/settings.json"],
    administrator_servers: &["/etc/github-copilot/managed-settings.json"],
    project_settings: &[".github/copilot/settings.local.json", ".github/copilot/settings.json"],
    user_settings: &[".copilot/settings.json"],
    servers_of: |bytes| {
        members(
            &json(bytes)?,
            &[
                "allowManagedHooksOnly",
                "disableAllHooks",
                "disabledHooks",
                "enabledPlugins",
                "extraKnownMarketplaces",
                "hooks",
                "mcpServers",
            ],
        )
    },
    model_of: |bytes| json(bytes)?.get("model")?.as_str().map(str::to_owned),
};

pub const SURVEY: Survey = Survey {
    id: "github-copilot",
    name: "GitHub Copilot",
    executables: &["copilot"],
    extensions: &["github.copilot", "github.copilot-chat"],
    files: &[
        Place { path: ".github/copilot-instructions.md", kind: FileKind::Instructions },
        Place { path: ".github/instructions/**.md", kind: FileKind::Rules },
        Place { path: ".github/prompts/**.md", kind: FileKind::Command },
        Place { path: ".github/chatmodes/**.md", kind: FileKind::Agent },
        Place { path: ".github/agents/**.md", kind: FileKind::Agent },
        Place { path: ".github/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".github/mcp.json", kind: FileKind::Servers },
        Place { path: ".copilot/mcp-config.json", kind: FileKind::Servers },
        Place { path: ".copilot/mcp.json", kind: FileKind::Servers },
        Place { path: ".github/copilot/settings.json", kind: FileKind::Settings },
        Place { path: ".github/copilot/settings.local.json", kind: FileKind::Settings },
        Place { path: ".copilot/settings.json", kind: FileKind::Settings },
        Place { path: ".copilot/config.json", kind: FileKind::Settings },
        Place { path: ".copilot/permissions-config.json", kind: FileKind::Settings },
        Place { path: "github-copilot/managed-settings.json", kind: FileKind::Settings },
        Place { path: ".github/hooks/**.json", kind: FileKind::Hooks },
        Place { path: ".copilot/hooks/**.json", kind: FileKind::Hooks },
        Place { path: ".copilot/agents/**.md", kind: FileKind::Agent },
        Place { path: ".copilot/skills/**/SKILL.md", kind: FileKind::Skill },
    ],
    home: &[
        ".copilot/settings.json",
        ".copilot/config.json",
        ".copilot/mcp-config.json",
        ".copilot/permissions-config.json",
        ".copilot/hooks",
        ".copilot/agents",
        ".copilot/skills",
    ],
    administrator: &["/etc/github-copilot"],
    read,
};

/// https://docs.github.com/copilot, "About GitHub Copilot CLI".
fn read(document: &Node, approval: &mut Approval) {
    for setting in ["allowAllTools", "allow_all_tools", "allowAll", "yolo"] {
        approval.switch(document, setting, ApprovalLevel::Blanket);
    }
    for setting in ["allowedTools", "allowed_tools", "permissions.allow"] {
        if let Some(list) = document.setting(setting) {
            approval.list(list, setting);
        }
    }
    for location in document.get("locations").map_or(&[][..], Node::members) {
        for given in location.node.get("tool_approvals").map_or(&[][..], Node::items) {
            approval.scoped(given.line, "tool_approvals");
        }
    }
}
