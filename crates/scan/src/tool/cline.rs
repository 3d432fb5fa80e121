//! Cline.

use super::{Tool, json, members};

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
