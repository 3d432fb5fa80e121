//! VS Code in agent mode, by documentation.

use super::{Tool, json, members};

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        "CLAUDE.md",
        ".github/agents",
        ".github/copilot-instructions.md",
        ".github/hooks",
        ".github/instructions",
        ".github/prompts",
        ".github/skills",
    ],
    user_instructions: &[".copilot/agents", ".copilot/hooks", ".copilot/instructions", ".copilot/skills"],
    administrator_instructions: &[],
    project_servers: &[
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".mcp.json",
        ".vscode/mcp.json",
        ".vscode/settings.json",
    ],
    user_servers: &[".claude/settings.json", ".config/Code/User/mcp.json", ".config/Code/User/settings.json"],
    administrator_servers: &[],
    project_settings: &[],
    user_settings: &[],
    servers_of: |bytes| {
        members(
            &json(bytes)?,
            &[
                "chat.hookFilesLocations",
                "chat.mcp.access",
                "chat.tools.autoApprove",
                "chat.tools.global.autoApprove",
                "chat.tools.terminal.autoApprove",
                "chat.useHooks",
                "disableAllHooks",
                "hooks",
                "mcp",
                "mcpServers",
                "servers",
            ],
        )
    },
    model_of: |_| None,
};
