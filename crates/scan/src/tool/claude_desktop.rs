//! Claude Desktop.

use super::{FileKind, Place, Survey};

pub const SURVEY: Survey = Survey {
    id: "claude-desktop",
    name: "Claude Desktop",
    executables: &["claude-desktop"],
    extensions: &[],
    files: &[Place { path: "claude_desktop_config.json", kind: FileKind::Servers }],
    home: &[
        "Library/Application Support/Claude/claude_desktop_config.json",
        ".config/Claude/claude_desktop_config.json",
    ],
    administrator: &[],
    read: |_, _| {},
};
