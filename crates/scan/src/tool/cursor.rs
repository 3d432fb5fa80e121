//! Cursor, by documentation.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        ".cursor/agents",
        ".cursor/commands",
        ".cursor/rules",
        ".cursor/skills",
        ".cursorrules",
    ],
    user_instructions: &[".cursor/agents", ".cursor/commands", ".cursor/rules", ".cursor/skills"],
    administrator_instructions: &[],
    project_servers: &[".cursor/hooks.json", ".cursor/mcp.json", ".cursor/sandbox.json"],
    user_servers: &[
        ".cursor/cli-config.json",
        ".cursor/hooks.json",
        ".cursor/mcp.json",
        ".cursor/sandbox.json",
    ],
    administrator_servers: &["/etc/cursor/hooks.json"],
    project_settings: &[],
    user_settings: &[],
    servers_of: |bytes| {
        members(&json(bytes)?, &["hooks", "mcpServers", "networkPolicy", "permissions", "type"])
    },
    model_of: |_| None,
};

pub const SURVEY: Survey = Survey {
    id: "cursor",
    name: "Cursor",
    executables: &["cursor", "cursor-agent"],
    extensions: &[],
    files: &[
        Place { path: ".cursorrules", kind: FileKind::Instructions },
        Place { path: ".cursor/mcp.json", kind: FileKind::Servers },
        Place { path: ".cursor/hooks.json", kind: FileKind::Hooks },
        Place { path: "cursor/hooks.json", kind: FileKind::Hooks },
        Place { path: ".cursor/cli.json", kind: FileKind::Settings },
        Place { path: ".cursor/cli-config.json", kind: FileKind::Settings },
        Place { path: ".cursor/permissions.json", kind: FileKind::Settings },
        Place { path: ".cursor/sandbox.json", kind: FileKind::Settings },
        Place { path: ".cursor/environment.json", kind: FileKind::Settings },
        Place { path: ".cursor/settings.json", kind: FileKind::Settings },
        Place { path: "Cursor/User/settings.json", kind: FileKind::Settings },
        Place { path: ".cursor/rules/**", kind: FileKind::Rules },
        Place { path: ".cursor/agents/**.md", kind: FileKind::Agent },
        Place { path: ".cursor/commands/**.md", kind: FileKind::Command },
        Place { path: ".cursor/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".cursor-plugin/plugin.json", kind: FileKind::Manifest },
    ],
    home: &[".cursor", ".config/Cursor/User/settings.json"],
    administrator: &["/etc/cursor"],
    read,
};

/// https://cursor.com/docs/cli/reference/permissions, …/configuration and https://cursor.com/docs/reference/sandbox.
fn read(document: &Node, approval: &mut Approval) {
    if let Some(list) = document.at(&["permissions", "allow"]) {
        approval.list(list, "permissions.allow");
    }
    approval.word(
        document,
        "approvalMode",
        &[
            ("unrestricted", ApprovalLevel::Blanket),
            ("auto-run", ApprovalLevel::Blanket),
            ("yolo", ApprovalLevel::Blanket),
        ],
    );
    // Of `sandbox.json`: commands run without any boundary.
    approval.word(document, "type", &[("insecure_none", ApprovalLevel::Blanket)]);
    for setting in ["terminalAllowlist", "autoRun.allow_instructions"] {
        if let Some(list) = document.setting(setting) {
            approval.commands(list, setting);
        }
    }
    if let Some(list) = document.get("mcpAllowlist") {
        for item in list.items() {
            approval.scoped(item.line, "mcpAllowlist");
        }
    }
    super::vscode::switches(document, approval);
}
