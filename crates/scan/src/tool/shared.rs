//! Files that several clients read, and no one of them owns.

use super::{FileKind, Place, Survey};

/// https://agents.md.
pub const AGENTS_MD: Survey = Survey {
    id: "agents-md",
    name: "AGENTS.md",
    executables: &[],
    extensions: &[],
    files: &[
        Place { path: "AGENT.md", kind: FileKind::Instructions },
        Place { path: "AGENTS.md", kind: FileKind::Instructions },
        Place { path: "AGENTS.override.md", kind: FileKind::Instructions },
        Place { path: ".agents/skills/**/SKILL.md", kind: FileKind::Skill },
    ],
    home: &[".agents/skills"],
    administrator: &[],
    read: |_, _| {},
};

/// Lists of servers under names that any client may be pointed at.
pub const GENERIC_MCP: Survey = Survey {
    id: "generic-mcp",
    name: "MCP servers (no one client's)",
    executables: &[],
    extensions: &[],
    files: &[
        Place { path: "mcp.json", kind: FileKind::Servers },
        Place { path: "mcp.jsonc", kind: FileKind::Servers },
        Place { path: "mcp_config.json", kind: FileKind::Servers },
        Place { path: "mcp-config.json", kind: FileKind::Servers },
        Place { path: "mcp_settings.json", kind: FileKind::Servers },
        Place { path: "mcp-settings.json", kind: FileKind::Servers },
        Place { path: "mcp_servers.json", kind: FileKind::Servers },
        Place { path: "mcp-servers.json", kind: FileKind::Servers },
        Place { path: "mcpServers.json", kind: FileKind::Servers },
        Place { path: "mcphub/servers.json", kind: FileKind::Servers },
    ],
    home: &[".codebuddy/mcp.json", ".config/github-copilot/intellij/mcp.json", ".config/mcphub/servers.json"],
    administrator: &[],
    read: super::vscode::switches,
};
