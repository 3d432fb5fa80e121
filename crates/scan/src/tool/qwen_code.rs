//! Qwen Code.

use super::{Tool, json, members};

pub const TOOL: Tool = Tool {
    project_instructions: &["AGENTS.md", "QWEN.md", ".qwen/agents", ".qwen/commands", ".qwen/skills"],
    user_instructions: &[
        ".qwen/QWEN.md",
        ".qwen/agents",
        ".qwen/commands",
        ".qwen/extensions",
        ".qwen/skills",
    ],
    administrator_instructions: &[],
    project_servers: &[".env", ".mcp.json", ".qwen/.env", ".qwen/settings.json"],
    user_servers: &[".env", ".qwen/.env", ".qwen/settings.json"],
    administrator_servers: &["/etc/qwen-code/settings.json", "/etc/qwen-code/system-defaults.json"],
    project_settings: &[".qwen/settings.json"],
    user_settings: &[".qwen/settings.json"],
    servers_of: |bytes| {
        members(&json(bytes)?, &["disableAllHooks", "env", "hooks", "hooksConfig", "mcpServers", "tools"])
    },
    model_of: |bytes| match json(bytes)?.get("model")? {
        serde_json::Value::String(name) => Some(name.clone()),
        model => model.get("name")?.as_str().map(str::to_owned),
    },
};
