//! Aider.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "aider",
    name: "Aider",
    executables: &["aider"],
    extensions: &[],
    files: &[
        Place { path: ".aider.conf.yml", kind: FileKind::Settings },
        Place { path: ".aider.model.settings.yml", kind: FileKind::Settings },
    ],
    home: &[".aider.conf.yml"],
    administrator: &[],
    read,
};

/// https://aider.chat/docs/config/aider_conf.html: `yes-always` answers every question, those about commands included.
fn read(document: &Node, approval: &mut Approval) {
    for setting in ["yes-always", "yes"] {
        approval.switch(document, setting, ApprovalLevel::Blanket);
    }
    for setting in ["auto-test", "auto-lint"] {
        approval.switch(document, setting, ApprovalLevel::Scoped);
    }
}
