//! Amazon Q Developer CLI.

use super::{FileKind, Place, Survey};

pub const SURVEY: Survey = Survey {
    id: "amazon-q",
    name: "Amazon Q Developer",
    executables: &["q", "qchat"],
    extensions: &["amazonwebservices.amazon-q-vscode"],
    files: &[
        Place { path: ".amazonq/mcp.json", kind: FileKind::Servers },
        Place { path: ".amazonq/default.json", kind: FileKind::Servers },
        Place { path: "amazonq/mcp.json", kind: FileKind::Servers },
        Place { path: ".amazonq/rules/**.md", kind: FileKind::Rules },
        Place { path: ".amazonq/cli-agents/**.json", kind: FileKind::Settings },
        Place { path: "amazonq/agents/**.json", kind: FileKind::Settings },
        Place { path: "amazonq/cli-agents/**.json", kind: FileKind::Settings },
    ],
    home: &[".aws/amazonq"],
    administrator: &[],
    // The same agents as Kiro's, which grew out of it.
    read: super::kiro::read,
};
