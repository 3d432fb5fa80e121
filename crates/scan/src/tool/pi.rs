//! pi.

use super::{FileKind, Place, Survey};

pub const SURVEY: Survey = Survey {
    id: "pi",
    name: "pi",
    executables: &["pi"],
    extensions: &[],
    files: &[
        Place { path: ".pi/settings.json", kind: FileKind::Settings },
        Place { path: ".pi/agent/settings.json", kind: FileKind::Settings },
        Place { path: ".pi/mcp.json", kind: FileKind::Servers },
        Place { path: ".pi/agent/mcp.json", kind: FileKind::Servers },
        Place { path: ".pi/extensions/**", kind: FileKind::Plugin },
        Place { path: ".pi/agent/extensions/**", kind: FileKind::Plugin },
        Place { path: ".pi/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: ".pi/SYSTEM.md", kind: FileKind::Instructions },
    ],
    home: &[".pi/agent/settings.json", ".pi/agent/mcp.json", ".pi/agent/extensions"],
    administrator: &[],
    read: |_, _| {},
};
