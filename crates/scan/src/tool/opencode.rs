//! OpenCode.

use super::{Tool, json, members};

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
