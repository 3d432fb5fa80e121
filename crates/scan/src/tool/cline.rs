//! Cline.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        ".agents/skills",
        ".cline/hooks",
        ".cline/plugins",
        ".cline/rules",
        ".cline/skills",
        ".cline/workflows",
        ".clinerules",
    ],
    user_instructions: &[
        ".agents",
        ".cline/agents",
        ".cline/hooks",
        ".cline/plugins",
        ".cline/rules",
        ".cline/skills",
        ".cline/workflows",
        "Documents/Cline/Hooks",
        "Documents/Cline/Rules",
    ],
    administrator_instructions: &[],
    project_servers: &[".env"],
    user_servers: &[
        ".cline/data/settings/cline_mcp_settings.json",
        ".cline/data/settings/settings.json",
        ".cline/mcp.json",
    ],
    administrator_servers: &[],
    project_settings: &[],
    user_settings: &[],
    servers_of: |bytes| members(&json(bytes)?, &["hooks", "mcpServers", "plugins"]),
    model_of: |_| None,
};

pub const SURVEY: Survey = Survey {
    id: "cline",
    name: "Cline",
    executables: &["cline"],
    extensions: &["saoudrizwan.claude-dev"],
    files: &[
        Place { path: ".clinerules", kind: FileKind::Instructions },
        Place { path: ".clinerules/hooks/**", kind: FileKind::Hooks },
        Place { path: ".clinerules/workflows/**", kind: FileKind::Command },
        Place { path: ".clinerules/**", kind: FileKind::Rules },
        Place { path: ".cline/rules/**", kind: FileKind::Rules },
        Place { path: ".cline/hooks/**", kind: FileKind::Hooks },
        Place { path: ".cline/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: "Documents/Cline/Rules/**", kind: FileKind::Rules },
        Place { path: "Documents/Cline/Hooks/**", kind: FileKind::Hooks },
        Place { path: ".cline/mcp.json", kind: FileKind::Servers },
        Place { path: "cline_mcp_settings.json", kind: FileKind::Servers },
        Place { path: ".cline/data/settings/settings.json", kind: FileKind::Settings },
    ],
    home: &[
        ".cline/mcp.json",
        ".cline/data/settings",
        ".cline/rules",
        ".cline/hooks",
        ".cline/skills",
        "Documents/Cline/Hooks",
        "Documents/Cline/Rules",
        ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    ],
    administrator: &[],
    read,
};

/// Cline's stored settings: https://docs.cline.bot/features/auto-approve.
fn read(document: &Node, approval: &mut Approval) {
    for setting in
        ["yoloModeToggled", "autoApprovalSettings.actions.executeAllCommands", "autoApproveAllToggled"]
    {
        approval.switch(document, setting, ApprovalLevel::Blanket);
    }
    for setting in [
        "autoApprovalSettings.actions.executeSafeCommands",
        "autoApprovalSettings.actions.editFiles",
        "autoApprovalSettings.actions.useMcp",
    ] {
        approval.switch(document, setting, ApprovalLevel::Scoped);
    }
}
