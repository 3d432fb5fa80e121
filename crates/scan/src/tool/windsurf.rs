//! Windsurf, by documentation.

use super::{FileKind, Place, Survey, Tool, json, members};

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

pub const SURVEY: Survey = Survey {
    id: "windsurf",
    name: "Windsurf",
    executables: &["windsurf"],
    extensions: &["codeium.codeium"],
    files: &[
        Place { path: ".windsurfrules", kind: FileKind::Instructions },
        Place { path: ".windsurf/mcp_config.json", kind: FileKind::Servers },
        Place { path: ".windsurf/mcp.json", kind: FileKind::Servers },
        Place { path: ".codeium/windsurf/mcp_config.json", kind: FileKind::Servers },
        Place { path: ".codeium/mcp_config.json", kind: FileKind::Servers },
        Place { path: ".windsurf/hooks.json", kind: FileKind::Hooks },
        Place { path: ".codeium/windsurf/hooks.json", kind: FileKind::Hooks },
        Place { path: "windsurf/hooks.json", kind: FileKind::Hooks },
        Place { path: "Windsurf/User/settings.json", kind: FileKind::Settings },
        Place { path: ".windsurf/rules/**", kind: FileKind::Rules },
        Place { path: ".windsurf/workflows/**.md", kind: FileKind::Command },
        Place { path: ".windsurf/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".codeium/windsurf/memories/global_rules.md", kind: FileKind::Instructions },
    ],
    home: &[
        ".codeium/windsurf/mcp_config.json",
        ".codeium/windsurf/hooks.json",
        ".codeium/windsurf/skills",
        ".codeium/windsurf/memories/global_rules.md",
        ".config/Windsurf/User/settings.json",
    ],
    administrator: &["/etc/windsurf"],
    read: super::vscode::switches,
};
