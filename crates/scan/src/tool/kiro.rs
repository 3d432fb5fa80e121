//! Kiro, by documentation.

use super::{Tool, json, members};

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
