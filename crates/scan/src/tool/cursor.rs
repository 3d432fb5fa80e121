//! Cursor, by documentation.

use super::{Tool, json, members};

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
