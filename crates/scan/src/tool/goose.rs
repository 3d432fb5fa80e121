//! Goose.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "goose",
    name: "Goose",
    executables: &["goose", "goosed"],
    extensions: &[],
    files: &[
        Place { path: ".goosehints", kind: FileKind::Instructions },
        Place { path: "goose/config.yaml", kind: FileKind::Settings },
        Place { path: ".goose/config.yaml", kind: FileKind::Settings },
        Place { path: "goose/permission.yaml", kind: FileKind::Settings },
        Place { path: ".goose/recipes/**", kind: FileKind::Command },
    ],
    home: &[".config/goose/config.yaml", ".config/goose/permission.yaml", ".config/goose/.goosehints"],
    administrator: &[],
    read,
};

/// https://block.github.io/goose/docs/guides/goose-permissions.
fn read(document: &Node, approval: &mut Approval) {
    approval.word(
        document,
        "GOOSE_MODE",
        &[("auto", ApprovalLevel::Blanket), ("smart_approve", ApprovalLevel::Scoped)],
    );
    for holder in ["user", "smart_approve"] {
        if let Some(list) = document.at(&[holder, "always_allow"]) {
            approval.list(list, "always_allow");
        }
    }
}
