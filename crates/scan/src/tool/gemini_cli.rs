//! Gemini CLI.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "GEMINI.md",
        ".gemini/GEMINI.md",
        ".gemini/commands",
        ".gemini/agents",
        ".gemini/skills",
    ],
    user_instructions: &[
        ".gemini/GEMINI.md",
        ".gemini/commands",
        ".gemini/agents",
        ".gemini/extensions",
        ".gemini/skills",
    ],
    administrator_instructions: &[],
    project_servers: &[".gemini/settings.json", ".gemini/.env"],
    user_servers: &[".gemini/settings.json"],
    administrator_servers: &["/etc/gemini-cli/settings.json"],
    project_settings: &[".gemini/settings.json"],
    user_settings: &[".gemini/settings.json"],
    servers_of: |bytes| members(&json(bytes)?, &["hooks", "hooksConfig", "mcpServers", "tools"]),
    model_of: |bytes| match json(bytes)?.get("model")? {
        serde_json::Value::String(name) => Some(name.clone()),
        model => model.get("name")?.as_str().map(str::to_owned),
    },
};

pub const SURVEY: Survey = Survey {
    id: "gemini-cli",
    name: "Gemini CLI",
    executables: &["gemini"],
    extensions: &["google.geminicodeassist", "google.gemini-cli-vscode-ide-companion"],
    files: &[
        Place { path: "GEMINI.md", kind: FileKind::Instructions },
        Place { path: ".gemini/GEMINI.md", kind: FileKind::Instructions },
        Place { path: ".gemini/settings.json", kind: FileKind::Settings },
        Place { path: "gemini-cli/settings.json", kind: FileKind::Settings },
        Place { path: "gemini-cli/system-defaults.json", kind: FileKind::Settings },
        Place { path: ".gemini/config.yaml", kind: FileKind::Settings },
        Place { path: ".gemini/styleguide.md", kind: FileKind::Instructions },
        Place { path: "gemini-cli/policies/**.toml", kind: FileKind::Policy },
        Place { path: ".gemini/policies/**.toml", kind: FileKind::Policy },
        Place { path: ".gemini/commands/**.toml", kind: FileKind::Command },
        Place { path: ".gemini/agents/**.md", kind: FileKind::Agent },
        Place { path: ".gemini/skills/**/SKILL.md", kind: FileKind::Skill },
        Place { path: "gemini-extension.json", kind: FileKind::Manifest },
    ],
    home: &[
        ".gemini/settings.json",
        ".gemini/GEMINI.md",
        ".gemini/policies",
        ".gemini/commands",
        ".gemini/extensions",
        ".gemini/skills",
    ],
    administrator: &["/etc/gemini-cli"],
    read,
};

/// https://github.com/google-gemini/gemini-cli: docs/reference/configuration.md and policy-engine.md.
fn read(document: &Node, approval: &mut Approval) {
    const MODES: &[(&str, ApprovalLevel)] = &[
        ("yolo", ApprovalLevel::Blanket),
        ("auto_edit", ApprovalLevel::Scoped),
        ("auto-edit", ApprovalLevel::Scoped),
        ("autoEdit", ApprovalLevel::Scoped),
    ];
    for setting in ["general.defaultApprovalMode", "tools.approvalMode", "approvalMode"] {
        approval.word(document, setting, MODES);
    }
    for setting in ["tools.autoAccept", "autoAccept", "yolo", "general.yolo"] {
        approval.switch(document, setting, ApprovalLevel::Blanket);
    }
    for setting in ["tools.allowed", "allowedTools", "permissions.allow"] {
        if let Some(list) = document.setting(setting) {
            approval.list(list, setting);
        }
    }
    // The policy engine's rules: an `allow` for the shell without a prefix lets every command through.
    for rule in document.get("rule").map_or(&[][..], Node::items) {
        let said = |key: &str| rule.get(key).and_then(Node::text);
        if said("decision") != Some("allow") {
            continue;
        }
        let narrowed =
            ["commandPrefix", "commandRegex", "argsPattern"].iter().any(|key| rule.get(key).is_some());
        let tools = rule.get("toolName").map(Node::texts).unwrap_or_default();
        let wide = tools.is_empty() || tools.iter().any(|tool| ["*", "run_shell_command"].contains(tool));
        if wide && !narrowed && rule.get("mcpName").is_none() {
            approval.blanket(rule.line, "rule: allow every command");
        } else {
            approval.scoped(rule.line, "rule: allow");
        }
    }
}
