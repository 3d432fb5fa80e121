//! OpenCode.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel, is_everything};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        "CLAUDE.md",
        ".opencode/agent",
        ".opencode/agents",
        ".opencode/command",
        ".opencode/plugin",
        ".opencode/plugins",
        ".opencode/skill",
    ],
    user_instructions: &[
        ".config/opencode/AGENTS.md",
        ".config/opencode/agent",
        ".config/opencode/agents",
        ".config/opencode/command",
        ".config/opencode/plugin",
        ".config/opencode/plugins",
        ".config/opencode/skill",
        ".claude/CLAUDE.md",
    ],
    administrator_instructions: &["/etc/opencode/AGENTS.md"],
    project_servers: &[
        "opencode.json",
        "opencode.jsonc",
        ".opencode/opencode.json",
        ".opencode/opencode.jsonc",
    ],
    user_servers: &[
        ".config/opencode/opencode.json",
        ".config/opencode/opencode.jsonc",
        ".config/opencode/config.json",
    ],
    administrator_servers: &["/etc/opencode/opencode.json", "/etc/opencode/opencode.jsonc"],
    project_settings: &["opencode.json", "opencode.jsonc"],
    user_settings: &[".config/opencode/opencode.json", ".config/opencode/opencode.jsonc"],
    servers_of: |bytes| members(&json(bytes)?, &["agent", "command", "mcp", "permission", "plugin"]),
    model_of: |bytes| json(bytes)?.get("model")?.as_str().map(str::to_owned),
};

pub const SURVEY: Survey = Survey {
    id: "opencode",
    name: "OpenCode",
    executables: &["opencode", "opencode2"],
    extensions: &["sst-dev.opencode"],
    files: &[
        Place { path: "opencode.json", kind: FileKind::Settings },
        Place { path: "opencode.jsonc", kind: FileKind::Settings },
        Place { path: ".opencode/config.json", kind: FileKind::Settings },
        Place { path: ".config/opencode/config.json", kind: FileKind::Settings },
        Place { path: ".opencode/agent/**.md", kind: FileKind::Agent },
        Place { path: ".opencode/agents/**.md", kind: FileKind::Agent },
        Place { path: ".opencode/command/**.md", kind: FileKind::Command },
        Place { path: ".opencode/commands/**.md", kind: FileKind::Command },
        Place { path: ".opencode/plugin/**", kind: FileKind::Plugin },
        Place { path: ".opencode/plugins/**", kind: FileKind::Plugin },
        Place { path: ".opencode/skill/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".opencode/skills/**/SKILL.md", kind: FileKind::Skill },
    ],
    home: &[".config/opencode"],
    administrator: &["/etc/opencode"],
    read,
};

/// https://opencode.ai/docs/permissions. Where nothing is said, OpenCode itself asks for little.
fn read(document: &Node, approval: &mut Approval) {
    if let Some(permission) = document.get("permission") {
        permissions(permission, "permission", true, approval);
    }
    // Modes are what agents were called before.
    let agents = ["agent", "mode"].into_iter().filter_map(|key| document.get(key)).flat_map(Node::members);
    for agent in agents {
        if let Some(permission) = agent.node.get("permission") {
            permissions(permission, "agent permission", false, approval);
        }
    }
}

fn permissions(permission: &Node, setting: &str, whole: bool, approval: &mut Approval) {
    if permission.text() == Some("allow") {
        approval.blanket(permission.line, format!("{setting} = allow"));
    }
    for member in permission.members() {
        let name = member.key.as_str();
        let changes = matches!(name, "bash" | "edit" | "*");
        let all = if changes { ApprovalLevel::Blanket } else { ApprovalLevel::Scoped };
        // What only reads is let through by default.
        let reads = matches!(
            name,
            "read" | "glob" | "grep" | "list" | "lsp" | "skill" | "task" | "todowrite" | "todoread"
        );
        if reads || (!changes && !whole) {
            continue;
        }
        approval.word(permission, name, &[("allow", all)]);
        for pattern in member.node.members().iter().filter(|pattern| pattern.node.text() == Some("allow")) {
            if is_everything(&pattern.key) && all == ApprovalLevel::Blanket {
                approval.blanket(pattern.line, format!("{setting}.{name} = allow everything"));
            } else {
                approval.scoped(pattern.line, format!("{setting}.{name}: {}", pattern.key));
            }
        }
    }
}
