//! Roo Code and its fork Kilo Code.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "roo-code",
    name: "Roo Code",
    executables: &["roo"],
    extensions: &["rooveterinaryinc.roo-cline"],
    files: &[
        Place { path: ".roo/mcp.json", kind: FileKind::Servers },
        Place { path: "rooveterinaryinc.roo-cline/settings/mcp_settings.json", kind: FileKind::Servers },
        Place { path: ".roomodes", kind: FileKind::Settings },
        Place { path: ".roorules", kind: FileKind::Instructions },
        Place { path: ".roo/rules/**", kind: FileKind::Rules },
        Place { path: ".roo/rules-*/**", kind: FileKind::Rules },
        Place { path: ".roo/commands/**", kind: FileKind::Command },
        Place { path: ".roo/skills/**/SKILL.md", kind: FileKind::Skill },
    ],
    home: &[".roo", ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"],
    administrator: &[],
    read,
};

pub const KILO: Survey = Survey {
    id: "kilo-code",
    name: "Kilo Code",
    executables: &["kilo", "kilocode"],
    extensions: &["kilocode.kilo-code"],
    files: &[
        Place { path: ".kilocode/mcp.json", kind: FileKind::Servers },
        Place { path: "kilocode.kilo-code/settings/mcp_settings.json", kind: FileKind::Servers },
        Place { path: ".kilocodemodes", kind: FileKind::Settings },
        Place { path: ".kilocode/rules/**", kind: FileKind::Rules },
        Place { path: ".kilocode/workflows/**", kind: FileKind::Command },
    ],
    home: &[".kilocode"],
    administrator: &[],
    read,
};

/// https://docs.roocode.com/features/auto-approving-actions. Commands still pass a list of their heads, unless it is a star.
fn read(document: &Node, approval: &mut Approval) {
    for holder in ["", "globalSettings."] {
        let setting = |name: &str| format!("{holder}{name}");
        approval.switch(document, &setting("yoloMode"), ApprovalLevel::Blanket);
        for name in [
            "alwaysAllowExecute",
            "alwaysAllowMcp",
            "alwaysAllowWrite",
            "alwaysAllowBrowser",
            "alwaysAllowSubtasks",
        ] {
            approval.switch(document, &setting(name), ApprovalLevel::Scoped);
        }
        if let Some(list) = document.setting(&setting("allowedCommands")) {
            approval.commands(list, "allowedCommands");
        }
    }
}
