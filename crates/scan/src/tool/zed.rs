//! Zed.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "zed",
    name: "Zed",
    executables: &["zed", "zeditor"],
    extensions: &[],
    files: &[
        Place { path: ".zed/settings.json", kind: FileKind::Settings },
        Place { path: ".config/zed/settings.json", kind: FileKind::Settings },
        Place { path: ".rules", kind: FileKind::Instructions },
    ],
    home: &[".config/zed/settings.json"],
    administrator: &[],
    read,
};

/// Settings of an editor that speak of its agent.
pub(crate) fn speaks_of_agents(document: &Node) -> bool {
    ["agent", "agent_servers", "assistant", "context_servers", "edit_predictions", "language_models"]
        .iter()
        .any(|key| document.get(key).is_some())
}

/// https://zed.dev/docs/ai/agent-settings and …/tool-permissions.
fn read(document: &Node, approval: &mut Approval) {
    for setting in ["agent.always_allow_tool_actions", "assistant.always_allow_tool_actions"] {
        approval.switch(document, setting, ApprovalLevel::Blanket);
    }
    approval.word(document, "agent.tool_permissions.default", &[("allow", ApprovalLevel::Blanket)]);
    let tools = document.at(&["agent", "tool_permissions", "tools"]);
    for tool in tools.map_or(&[][..], Node::members) {
        let all = if tool.key == "terminal" { ApprovalLevel::Blanket } else { ApprovalLevel::Scoped };
        for setting in ["default", "default_mode"] {
            approval.word(&tool.node, setting, &[("allow", all)]);
        }
        for rule in tool.node.get("always_allow").map_or(&[][..], Node::items) {
            approval.scoped(rule.line, "always_allow");
        }
    }
}
