//! Factory Droid, by documentation.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "factory-droid",
    name: "Factory Droid",
    executables: &["droid"],
    extensions: &[],
    files: &[
        Place { path: ".factory/settings.json", kind: FileKind::Settings },
        Place { path: ".factory/mcp.json", kind: FileKind::Servers },
        Place { path: ".factory/droids/**.md", kind: FileKind::Agent },
        Place { path: ".factory/commands/**", kind: FileKind::Command },
    ],
    home: &[".factory/settings.json", ".factory/mcp.json", ".factory/droids"],
    administrator: &[],
    read,
};

fn read(document: &Node, approval: &mut Approval) {
    for setting in ["autonomyMode", "autonomyLevel", "sessionDefaultSettings.autonomyMode"] {
        approval.word(
            document,
            setting,
            &[
                ("auto-high", ApprovalLevel::Blanket),
                ("high", ApprovalLevel::Blanket),
                ("skip-permissions-unsafe", ApprovalLevel::Blanket),
                ("auto-medium", ApprovalLevel::Scoped),
                ("auto-low", ApprovalLevel::Scoped),
            ],
        );
    }
    if let Some(list) = document.get("commandAllowlist") {
        approval.commands(list, "commandAllowlist");
    }
}
