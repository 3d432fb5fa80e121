//! Claude Code.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "CLAUDE.md",
        "CLAUDE.local.md",
        ".claude/CLAUDE.md",
        ".claude/agents",
        ".claude/commands",
        ".claude/rules",
        ".claude/skills",
    ],
    user_instructions: &[
        ".claude/CLAUDE.md",
        ".claude/agents",
        ".claude/commands",
        ".claude/rules",
        ".claude/skills",
    ],
    administrator_instructions: &["/etc/claude-code/CLAUDE.md"],
    project_servers: &[".mcp.json", ".claude/settings.json", ".claude/settings.local.json"],
    user_servers: &[".claude.json", ".claude/settings.json"],
    administrator_servers: &["/etc/claude-code/managed-mcp.json"],
    project_settings: &[".claude/settings.local.json", ".claude/settings.json"],
    user_settings: &[".claude/settings.json"],
    servers_of: |bytes| {
        members(
            &json(bytes)?,
            &[
                "apiKeyHelper",
                "awsAuthRefresh",
                "awsCredentialExport",
                "disableAllHooks",
                "enabledPlugins",
                "env",
                "hooks",
                "mcpServers",
                "otelHeadersHelper",
                "statusLine",
            ],
        )
    },
    model_of: |bytes| json(bytes)?.get("model")?.as_str().map(str::to_owned),
};

pub const SURVEY: Survey = Survey {
    id: "claude-code",
    name: "Claude Code",
    executables: &["claude"],
    extensions: &["anthropic.claude-code"],
    files: &[
        Place { path: "CLAUDE.md", kind: FileKind::Instructions },
        Place { path: "CLAUDE.local.md", kind: FileKind::Instructions },
        Place { path: ".claude/settings.json", kind: FileKind::Settings },
        Place { path: ".claude/settings.local.json", kind: FileKind::Settings },
        Place { path: ".claude/managed-settings.json", kind: FileKind::Settings },
        Place { path: "managed-settings.json", kind: FileKind::Settings },
        Place { path: "managed-settings.d/**.json", kind: FileKind::Settings },
        Place { path: "managed-mcp.json", kind: FileKind::Servers },
        Place { path: ".claude.json", kind: FileKind::Settings },
        Place { path: ".mcp.json", kind: FileKind::Servers },
        Place { path: ".claude/mcp.json", kind: FileKind::Servers },
        Place { path: ".claude/.mcp.json", kind: FileKind::Servers },
        Place { path: ".claude/agents/**.md", kind: FileKind::Agent },
        Place { path: ".claude/commands/**.md", kind: FileKind::Command },
        Place { path: ".claude/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".claude/rules/**.md", kind: FileKind::Rules },
        Place { path: "hooks/hooks.json", kind: FileKind::Hooks },
        Place { path: ".claude-plugin/plugin.json", kind: FileKind::Manifest },
        Place { path: ".claude-plugin/marketplace.json", kind: FileKind::Manifest },
    ],
    home: &[".claude.json", ".claude", ".config/claude"],
    administrator: &["/etc/claude-code"],
    read,
};

/// https://code.claude.com/docs/en/settings and …/permission-modes.
fn read(document: &Node, approval: &mut Approval) {
    const MODES: &[(&str, ApprovalLevel)] = &[
        ("bypassPermissions", ApprovalLevel::Blanket),
        ("dontAsk", ApprovalLevel::Blanket),
        ("auto", ApprovalLevel::Blanket),
        ("acceptEdits", ApprovalLevel::Scoped),
    ];
    for setting in ["permissions.defaultMode", "defaultMode", "permissionMode"] {
        approval.word(document, setting, MODES);
    }
    for setting in ["permissions.allow", "allowed-tools"] {
        if let Some(list) = document.setting(setting) {
            approval.list(list, setting);
        }
    }
    // Commands and skills may name theirs in one text, with commas or blanks between.
    if let Some(node) = document.get("allowed-tools")
        && let Some(text) = node.text()
    {
        approval.entries(text, node.line, "allowed-tools");
    }
    for project in document.get("projects").map_or(&[][..], Node::members) {
        if let Some(list) = project.node.get("allowedTools") {
            approval.list(list, "allowedTools");
        }
    }
    approval.switch(document, "enableAllProjectMcpServers", ApprovalLevel::Scoped);
    for server in document.get("enabledMcpjsonServers").map_or(&[][..], Node::items) {
        approval.scoped(server.line, "enabledMcpjsonServers: a server of the project starts unasked");
    }
    let sandboxed = document.at(&["sandbox", "enabled"]).is_some_and(Node::is_true);
    if sandboxed {
        approval.switch(document, "sandbox.autoAllowBashIfSandboxed", ApprovalLevel::Scoped);
    }
}
