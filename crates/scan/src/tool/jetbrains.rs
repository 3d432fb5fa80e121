//! JetBrains AI Assistant and Junie, by documentation.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "jetbrains-ai",
    name: "JetBrains AI / Junie",
    executables: &["junie"],
    extensions: &[],
    files: &[
        Place { path: ".junie/guidelines.md", kind: FileKind::Instructions },
        Place { path: ".junie/AGENTS.md", kind: FileKind::Instructions },
        Place { path: ".junie/mcp/mcp.json", kind: FileKind::Servers },
        Place { path: ".junie/mcp.json", kind: FileKind::Servers },
        Place { path: ".junie/allowlist.json", kind: FileKind::Settings },
        Place { path: ".junie/**.md", kind: FileKind::Rules },
        Place { path: ".aiassistant/rules/**.md", kind: FileKind::Rules },
        Place { path: ".ai/mcp/mcp.json", kind: FileKind::Servers },
        Place { path: ".idea/workspace.xml", kind: FileKind::Settings },
        Place { path: "options/llm.mcpServers.xml", kind: FileKind::Servers },
    ],
    home: &[".ai/mcp/mcp.json", ".junie/mcp/mcp.json", ".junie/allowlist.json", ".junie/guidelines.md"],
    administrator: &[],
    read,
};

fn read(document: &Node, approval: &mut Approval) {
    approval.word(document, "defaultBehavior", &[("allow", ApprovalLevel::Blanket)]);
    approval.switch(document, "allowAll", ApprovalLevel::Blanket);
    for holder in document.get("rules").map_or(&[][..], Node::members) {
        for rule in holder.node.get("rules").unwrap_or(&holder.node).items() {
            if rule.get("action").and_then(Node::text) == Some("allow") {
                approval.scoped(rule.line, "rules: allow");
            }
        }
    }
}
