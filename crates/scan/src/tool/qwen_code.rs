//! Qwen Code.

use super::{FileKind, Place, Survey, Tool, json, members};

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

pub const SURVEY: Survey = Survey {
    id: "qwen-code",
    name: "Qwen Code",
    executables: &["qwen"],
    extensions: &["qwenlm.qwen-code-vscode-ide-companion"],
    files: &[
        Place { path: "QWEN.md", kind: FileKind::Instructions },
        Place { path: ".qwen/QWEN.md", kind: FileKind::Instructions },
        Place { path: ".qwen/settings.json", kind: FileKind::Settings },
        Place { path: "qwen-code/settings.json", kind: FileKind::Settings },
        Place { path: ".qwen/commands/**", kind: FileKind::Command },
        Place { path: ".qwen/agents/**.md", kind: FileKind::Agent },
        Place { path: ".qwen/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: "qwen-extension.json", kind: FileKind::Manifest },
    ],
    home: &[
        ".qwen/settings.json",
        ".qwen/QWEN.md",
        ".qwen/commands",
        ".qwen/agents",
        ".qwen/extensions",
        ".qwen/skills",
    ],
    administrator: &["/etc/qwen-code"],
    read: super::gemini_cli::SURVEY.read,
};
