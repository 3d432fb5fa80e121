//! Google Antigravity, by documentation.

use super::{FileKind, Place, Survey};

pub const SURVEY: Survey = Survey {
    id: "antigravity",
    name: "Google Antigravity",
    executables: &["antigravity", "agy"],
    extensions: &[],
    files: &[
        Place { path: ".gemini/antigravity/mcp_config.json", kind: FileKind::Servers },
        Place { path: ".antigravity/mcp_config.json", kind: FileKind::Servers },
        Place { path: "Antigravity/User/settings.json", kind: FileKind::Settings },
        Place { path: ".agent/rules/**.md", kind: FileKind::Rules },
        Place { path: ".agent/workflows/**.md", kind: FileKind::Command },
        Place { path: ".agent/skills/**/SKILL.md", kind: FileKind::Skill },
    ],
    home: &[".gemini/antigravity/mcp_config.json", ".config/Antigravity/User/settings.json"],
    administrator: &[],
    read: super::vscode::switches,
};
