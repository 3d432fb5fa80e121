//! Continue.

use super::{FileKind, Place, Survey};
use crate::approval::Approval;
use crate::document::Node;

pub const SURVEY: Survey = Survey {
    id: "continue",
    name: "Continue",
    executables: &["cn"],
    extensions: &["continue.continue"],
    files: &[
        Place { path: ".continue/config.yaml", kind: FileKind::Settings },
        Place { path: ".continue/config.yml", kind: FileKind::Settings },
        Place { path: ".continue/config.json", kind: FileKind::Settings },
        Place { path: ".continue/environment.json", kind: FileKind::Settings },
        Place { path: ".continue/permissions.yaml", kind: FileKind::Settings },
        Place { path: ".continue/mcpServers/**", kind: FileKind::Servers },
        Place { path: ".continue/rules/**", kind: FileKind::Rules },
        Place { path: ".continue/prompts/**", kind: FileKind::Command },
        Place { path: ".continue/agents/**", kind: FileKind::Agent },
        Place { path: ".continuerules", kind: FileKind::Instructions },
        Place { path: ".continuerc.json", kind: FileKind::Settings },
    ],
    home: &[
        ".continue/config.yaml",
        ".continue/config.json",
        ".continue/permissions.yaml",
        ".continue/mcpServers",
        ".continue/rules",
        ".continue/agents",
    ],
    administrator: &[],
    read,
};

/// https://docs.continue.dev/cli/tool-permissions.
fn read(document: &Node, approval: &mut Approval) {
    if let Some(list) = document.get("allow") {
        approval.list(list, "allow");
    }
}
