//! Claude Code.

use super::{Tool, json, members};

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
