//! Windsurf, by documentation.

use super::{Tool, json, members};

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        ".windsurf/rules",
        ".windsurf/skills",
        ".windsurf/workflows",
        ".windsurfrules",
    ],
    user_instructions: &[".codeium/windsurf/memories", ".codeium/windsurf/skills"],
    administrator_instructions: &["/etc/windsurf/rules"],
    project_servers: &[".windsurf/hooks.json"],
    user_servers: &[".codeium/windsurf/hooks.json", ".codeium/windsurf/mcp_config.json"],
    administrator_servers: &["/etc/windsurf/hooks.json"],
    project_settings: &[],
    user_settings: &[],
    servers_of: |bytes| members(&json(bytes)?, &["hooks", "mcpServers"]),
    model_of: |_| None,
};
