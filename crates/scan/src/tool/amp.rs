//! Amp.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, is_everything};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "amp",
    name: "Amp",
    executables: &["amp"],
    extensions: &["sourcegraph.amp"],
    files: &[
        Place { path: ".amp/settings.json", kind: FileKind::Settings },
        Place { path: ".amp/settings.jsonc", kind: FileKind::Settings },
        Place { path: ".config/amp/settings.json", kind: FileKind::Settings },
        Place { path: ".config/amp/settings.jsonc", kind: FileKind::Settings },
        Place { path: "ampcode/managed-settings.json", kind: FileKind::Settings },
        Place { path: ".amp/toolbox/**", kind: FileKind::Plugin },
    ],
    home: &[".config/amp/settings.json", ".config/amp/settings.jsonc", ".config/amp/AGENTS.md"],
    administrator: &["/etc/ampcode"],
    read,
};

/// https://ampcode.com/manual#permissions.
fn read(document: &Node, approval: &mut Approval) {
    super::vscode::switches(document, approval);
}

/// The rules of Amp, which stand in editors' settings too.
pub(super) fn permissions(document: &Node, approval: &mut Approval) {
    for rule in document.setting("amp.permissions").map_or(&[][..], Node::items) {
        let said = |key: &str| rule.get(key).and_then(Node::text);
        if said("action") != Some("allow") {
            continue;
        }
        let tool = said("tool").unwrap_or("*");
        if (tool == "Bash" || is_everything(tool)) && rule.get("matches").is_none() {
            approval.blanket(rule.line, "amp.permissions: allow every command");
        } else {
            approval.scoped(rule.line, format!("amp.permissions: allow {tool}"));
        }
    }
}
