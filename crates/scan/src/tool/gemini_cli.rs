//! Gemini CLI.

use super::{Tool, json, members};

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "GEMINI.md",
        ".gemini/GEMINI.md",
        ".gemini/commands",
        ".gemini/agents",
        ".gemini/skills",
    ],
    user_instructions: &[
        ".gemini/GEMINI.md",
        ".gemini/commands",
        ".gemini/agents",
        ".gemini/extensions",
        ".gemini/skills",
    ],
    administrator_instructions: &[],
    project_servers: &[".gemini/settings.json", ".gemini/.env"],
    user_servers: &[".gemini/settings.json"],
    administrator_servers: &["/etc/gemini-cli/settings.json"],
    project_settings: &[".gemini/settings.json"],
    user_settings: &[".gemini/settings.json"],
    servers_of: |bytes| members(&json(bytes)?, &["hooks", "hooksConfig", "mcpServers", "tools"]),
    model_of: |bytes| match json(bytes)?.get("model")? {
        serde_json::Value::String(name) => Some(name.clone()),
        model => model.get("name")?.as_str().map(str::to_owned),
    },
};
