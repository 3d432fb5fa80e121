//! OpenClaw.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "openclaw",
    name: "OpenClaw",
    executables: &["openclaw", "clawdbot"],
    extensions: &[],
    files: &[
        Place { path: "openclaw.json", kind: FileKind::Settings },
        Place { path: ".clawdbot/clawdbot.json", kind: FileKind::Settings },
        Place { path: ".openclaw/exec-approvals.json", kind: FileKind::Settings },
        Place { path: ".openclaw/skills/**/SKILL.md", kind: FileKind::Skill },
    ],
    home: &[
        ".openclaw/openclaw.json",
        ".openclaw/exec-approvals.json",
        ".openclaw/skills",
        ".clawdbot/clawdbot.json",
    ],
    administrator: &[],
    read,
};

fn read(document: &Node, approval: &mut Approval) {
    for setting in ["tools.exec.security", "agents.defaults.tools.exec.security", "defaults.security"] {
        approval.word(
            document,
            setting,
            &[("full", ApprovalLevel::Blanket), ("allowlist", ApprovalLevel::Scoped)],
        );
    }
    for setting in ["tools.exec.ask", "agents.defaults.tools.exec.ask", "defaults.ask"] {
        approval.word(document, setting, &[("off", ApprovalLevel::Blanket)]);
    }
    approval.switch(document, "tools.elevated.enabled", ApprovalLevel::Scoped);
}
