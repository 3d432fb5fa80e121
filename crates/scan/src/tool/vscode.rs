//! VS Code in agent mode, by documentation.

use super::{FileKind, Place, Survey, Tool, json, members};
use crate::approval::{Approval, ApprovalLevel, is_everything};
use crate::document::Node;

pub const TOOL: Tool = Tool {
    project_instructions: &[
        "AGENTS.md",
        "CLAUDE.md",
        ".github/agents",
        ".github/copilot-instructions.md",
        ".github/hooks",
        ".github/instructions",
        ".github/prompts",
        ".github/skills",
    ],
    user_instructions: &[".copilot/agents", ".copilot/hooks", ".copilot/instructions", ".copilot/skills"],
    administrator_instructions: &[],
    project_servers: &[
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".mcp.json",
        ".vscode/mcp.json",
        ".vscode/settings.json",
    ],
    user_servers: &[".claude/settings.json", ".config/Code/User/mcp.json", ".config/Code/User/settings.json"],
    administrator_servers: &[],
    project_settings: &[],
    user_settings: &[],
    servers_of: |bytes| {
        members(
            &json(bytes)?,
            &[
                "chat.hookFilesLocations",
                "chat.mcp.access",
                "chat.tools.autoApprove",
                "chat.tools.global.autoApprove",
                "chat.tools.terminal.autoApprove",
                "chat.useHooks",
                "disableAllHooks",
                "hooks",
                "mcp",
                "mcpServers",
                "servers",
            ],
        )
    },
    model_of: |_| None,
};

pub const SURVEY: Survey = Survey {
    id: "vscode-copilot",
    name: "VS Code (agent mode)",
    executables: &["code", "code-insiders"],
    extensions: &[],
    files: &[
        Place { path: ".vscode/mcp.json", kind: FileKind::Servers },
        Place { path: "Code/User/mcp.json", kind: FileKind::Servers },
        Place { path: "Code - Insiders/User/mcp.json", kind: FileKind::Servers },
        Place { path: ".vscode/settings.json", kind: FileKind::Settings },
        Place { path: "Code/User/settings.json", kind: FileKind::Settings },
        Place { path: "Code - Insiders/User/settings.json", kind: FileKind::Settings },
        Place { path: "VSCodium/User/settings.json", kind: FileKind::Settings },
        Place { path: "User/mcp.json", kind: FileKind::Servers },
        Place { path: "User/settings.json", kind: FileKind::Settings },
        Place { path: "User/profiles/*/mcp.json", kind: FileKind::Servers },
        Place { path: "User/profiles/*/settings.json", kind: FileKind::Settings },
        Place { path: "*.code-workspace", kind: FileKind::Settings },
        Place { path: ".devcontainer/devcontainer.json", kind: FileKind::Settings },
        Place { path: ".devcontainer/*/devcontainer.json", kind: FileKind::Settings },
        Place { path: ".devcontainer.json", kind: FileKind::Settings },
    ],
    home: &[
        ".config/Code/User/settings.json",
        ".config/Code/User/mcp.json",
        ".config/Code - Insiders/User/settings.json",
        ".config/Code - Insiders/User/mcp.json",
        ".config/VSCodium/User/settings.json",
        ".vscode/mcp.json",
    ],
    administrator: &["/etc/vscode"],
    read,
};

/// Heads of settings that speak of agents. A file of editor settings without any is none of an agent's.
const AGENT_SETTINGS: &[&str] = &[
    "aider.",
    "amp.",
    "antigravity.",
    "augment.",
    "chat.",
    "claude",
    "cline.",
    "codeium.",
    "cody.",
    "continue.",
    "cursor.",
    "geminicodeassist.",
    "github.copilot",
    "inlineChat.",
    "kilo-code.",
    "kiroAgent",
    "mcp",
    "openai.",
    "roo-cline.",
    "windsurf.",
    "zencoder.",
];

/// Whether editor settings say anything of agents.
pub(crate) fn speaks_of_agents(document: &Node) -> bool {
    let inner = document.at(&["customizations", "vscode"]);
    let settings = inner.and_then(|inner| inner.get("settings"));
    // A workspace of several folders keeps them so.
    let shared = document.get("settings");
    [Some(document), inner, settings, shared].into_iter().flatten().any(|node| {
        node.members().iter().any(|member| AGENT_SETTINGS.iter().any(|head| member.key.starts_with(head)))
    }) || inner
        .and_then(|inner| inner.get("extensions"))
        .is_some_and(|list| list.items().iter().filter_map(Node::text).any(super::is_agent_extension))
}

fn read(document: &Node, approval: &mut Approval) {
    switches(document, approval);
    for path in [&["customizations", "vscode", "settings"][..], &["settings"]] {
        if let Some(settings) = document.at(path) {
            switches(settings, approval);
        }
    }
}

/// Settings by which VS Code and the agents in it run things unasked:
/// https://code.visualstudio.com/docs/copilot/reference/copilot-settings and each extension's manifest.
pub(super) fn switches(document: &Node, approval: &mut Approval) {
    super::amp::permissions(document, approval);
    for setting in [
        "chat.tools.autoApprove",
        "chat.tools.global.autoApprove",
        "amp.dangerouslyAllowAll",
        "claudeCode.allowDangerouslySkipPermissions",
        "claude-code.allowDangerouslySkipPermissions",
        "geminicodeassist.agentYoloMode",
        "github.copilot.chat.agent.autoApprove",
    ] {
        approval.switch(document, setting, ApprovalLevel::Blanket);
    }
    for setting in ["claudeCode.initialPermissionMode", "claude-code.initialPermissionMode"] {
        approval.word(
            document,
            setting,
            &[("bypassPermissions", ApprovalLevel::Blanket), ("acceptEdits", ApprovalLevel::Scoped)],
        );
    }
    approval.word(
        document,
        "chat.permissions.default",
        &[("autopilot", ApprovalLevel::Blanket), ("autoApprove", ApprovalLevel::Blanket)],
    );
    for setting in [
        "windsurf.autoExecutionPolicy",
        "antigravity.terminalAutoExecution",
        "windsurf.cascadeCommandsAutoExecution",
    ] {
        approval.word(
            document,
            setting,
            &[("turbo", ApprovalLevel::Blanket), ("auto", ApprovalLevel::Scoped)],
        );
    }
    for setting in [
        "roo-cline.allowedCommands",
        "kilo-code.allowedCommands",
        "kiroAgent.trustedCommands",
        "windsurf.cascadeCommandsAllowList",
        "amp.commands.allowlist",
    ] {
        if let Some(list) = document.setting(setting) {
            approval.commands(list, setting);
        }
    }
    for setting in [
        "chat.tools.terminal.autoApprove",
        "chat.tools.edits.autoApprove",
        "chat.tools.urls.autoApprove",
        "chat.tools.eligibleForAutoApproval",
        "github.copilot.chat.agent.terminal.allowList",
    ] {
        let Some(map) = document.setting(setting) else { continue };
        for member in map.members() {
            let lets = member.node.is_true() || member.node.get("approve").is_some_and(Node::is_true);
            let commands = setting.contains("terminal");
            if lets && commands && is_everything(&member.key) {
                approval.blanket(member.line, format!("{setting}: {}", member.key));
            } else if lets && !setting.contains("eligible") {
                approval.scoped(member.line, format!("{setting}: {}", member.key));
            }
        }
        if map.is_true() {
            approval.blanket(map.line, format!("{setting} = true"));
        }
    }
}
