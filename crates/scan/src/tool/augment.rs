//! Augment Code.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, is_everything};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "augment",
    name: "Augment Code",
    executables: &["auggie"],
    extensions: &["augment.vscode-augment"],
    files: &[
        Place { path: ".augment/settings.json", kind: FileKind::Settings },
        Place { path: ".augment-guidelines", kind: FileKind::Instructions },
        Place { path: ".augment/rules/**.md", kind: FileKind::Rules },
        Place { path: ".augment/commands/**.md", kind: FileKind::Command },
    ],
    home: &[".augment/settings.json", ".augment/rules"],
    administrator: &[],
    read,
};

/// https://docs.augmentcode.com/cli/permissions.
fn read(document: &Node, approval: &mut Approval) {
    let rules = document.get("toolPermissions").or_else(|| document.get("tool-permissions"));
    for rule in rules.map_or(&[][..], Node::items) {
        if rule.at(&["permission", "type"]).and_then(Node::text) != Some("allow") {
            continue;
        }
        let tool = rule.get("toolName").or_else(|| rule.get("tool-name")).and_then(Node::text).unwrap_or("*");
        let narrowed = rule.get("shellInputRegex").or_else(|| rule.get("shell-input-regex")).is_some();
        if (tool == "launch-process" || is_everything(tool)) && !narrowed {
            approval.blanket(rule.line, "toolPermissions: allow every command");
        } else if !["view", "codebase-retrieval", "grep-search"].contains(&tool) {
            approval.scoped(rule.line, format!("toolPermissions: allow {tool}"));
        }
    }
}
