//! Copilot CLI.

use super::{Tool, json, members};

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        "CLAUDE.md",
        "GEMINI.md",
        ".claude/skills",
        ".github/agents",
        ".github/copilot-instructions.md",
        ".github/hooks",
        ".github/instructions",
        ".github/skills",
    ],
    user_instructions: &[
        ".copilot/agents",
        ".copilot/copilot-instructions.md",
        ".copilot/extensions",
        ".copilot/hooks",
        ".copilot/instructions",
        ".copilot/skills",
    ],
    administrator_instructions: &["/etc/github-copilot/policy.d"],
    project_servers: &[
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".github/copilot/settings.json",
        ".github/copilot/settings.local.json",
        ".github/mcp.json",
        ".mcp.json",
    ],
    user_servers: &[".copilot/mcp-config.json", ".copilot/settings.json"],
    administrator_servers: &["/etc/github-copilot/managed-settings.json"],
    project_settings: &[".github/copilot/settings.local.json", ".github/copilot/settings.json"],
    user_settings: &[".copilot/settings.json"],
    servers_of: |bytes| {
        members(
            &json(bytes)?,
            &[
                "allowManagedHooksOnly",
                "disableAllHooks",
                "disabledHooks",
                "enabledPlugins",
                "extraKnownMarketplaces",
                "hooks",
                "mcpServers",
            ],
        )
    },
    model_of: |bytes| json(bytes)?.get("model")?.as_str().map(str::to_owned),
};
