//! Crush.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "crush",
    name: "Crush",
    executables: &["crush"],
    extensions: &[],
    files: &[
        Place { path: "crush.json", kind: FileKind::Settings },
        Place { path: ".crush.json", kind: FileKind::Settings },
        Place { path: "CRUSH.md", kind: FileKind::Instructions },
    ],
    home: &[".config/crush/crush.json"],
    administrator: &[],
    read,
};

fn read(document: &Node, approval: &mut Approval) {
    for setting in ["permissions.skip_requests", "skip_requests"] {
        approval.switch(document, setting, ApprovalLevel::Blanket);
    }
    if let Some(list) = document.at(&["permissions", "allowed_tools"]) {
        approval.list(list, "permissions.allowed_tools");
    }
}
