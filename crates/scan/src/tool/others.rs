//! Tools of which a scan knows where their files lie, and of few the settings that take questions away.

use super::{FileKind, Place, Survey};
use crate::approval::{Approval, ApprovalLevel};
use crate::document::Node;

const fn survey(
    id: &'static str,
    name: &'static str,
    executables: &'static [&'static str],
    files: &'static [Place],
    home: &'static [&'static str],
) -> Survey {
    Survey { id, name, executables, extensions: &[], files, home, administrator: &[], read: |_, _| {} }
}

/// The same of a tool whose settings let things run unasked.
const fn reads(survey: Survey, read: fn(&Node, &mut Approval)) -> Survey {
    Survey { read, ..survey }
}

const fn servers(path: &'static str) -> Place {
    Place { path, kind: FileKind::Servers }
}

const fn settings(path: &'static str) -> Place {
    Place { path, kind: FileKind::Settings }
}

const fn instructions(path: &'static str) -> Place {
    Place { path, kind: FileKind::Instructions }
}

const fn rules(path: &'static str) -> Place {
    Place { path, kind: FileKind::Rules }
}

pub const BOLT: Survey = survey("bolt", "Bolt", &[], &[instructions(".bolt/prompt")], &[]);
/// Which servers of its catalogues are switched on: https://docs.docker.com/reference/cli/docker/mcp/gateway/run.
pub const DOCKER_MCP: Survey = survey(
    "docker-mcp",
    "Docker MCP Toolkit",
    &[],
    &[servers(".docker/mcp/registry.yaml")],
    &[".docker/mcp/registry.yaml"],
);
pub const DEVIN: Survey = survey("devin", "Devin", &["devin"], &[rules(".devin/**.md")], &[]);
/// https://fast-agent.ai/ref/config_file/.
pub const FAST_AGENT: Survey = survey(
    "fast-agent",
    "fast-agent",
    &["fast-agent"],
    &[settings("fastagent.config.yaml"), settings("fast-agent.config.yaml")],
    &[],
);
pub const FIREBENDER: Survey =
    survey("firebender", "Firebender", &[], &[settings("firebender.json")], &[".firebender/firebender.json"]);
pub const GROK: Survey = survey(
    "grok",
    "Grok CLI",
    &["grok"],
    &[settings(".grok/settings.json"), settings(".grok/user-settings.json"), instructions(".grok/GROK.md")],
    &[".grok/user-settings.json"],
);
pub const HERMES: Survey = survey(
    "hermes",
    "Hermes Agent",
    &["hermes"],
    &[settings(".hermes/config.yaml")],
    &[".hermes/config.yaml"],
);
/// https://platform.iflow.cn/en/cli/configuration/settings.
pub const IFLOW: Survey = reads(
    survey(
        "iflow",
        "iFlow CLI",
        &["iflow"],
        &[settings(".iflow/settings.json"), instructions("IFLOW.md")],
        &[".iflow/settings.json", ".iflow/IFLOW.md"],
    ),
    iflow,
);
/// https://moonshotai.github.io/kimi-cli/en/configuration/config-files.html and …/kimi-code/…
pub const KIMI: Survey = reads(
    survey(
        "kimi",
        "Kimi CLI",
        &["kimi"],
        &[servers(".kimi/mcp.json"), settings(".kimi/config.toml"), settings(".kimi-code/config.toml")],
        &[".kimi/mcp.json", ".kimi/config.toml", ".kimi-code/config.toml"],
    ),
    kimi,
);
/// https://www.librechat.ai/docs/configuration/librechat_yaml.
pub const LIBRECHAT: Survey =
    survey("librechat", "LibreChat", &[], &[settings("librechat.yaml"), settings("librechat.yml")], &[]);
pub const LM_STUDIO: Survey =
    survey("lm-studio", "LM Studio", &["lms"], &[servers(".lmstudio/mcp.json")], &[".lmstudio/mcp.json"]);
/// https://docs.mistral.ai/vibe/code/safety-approvals-permissions.
pub const MISTRAL_VIBE: Survey = reads(
    survey(
        "mistral-vibe",
        "Mistral Vibe",
        &["vibe"],
        &[settings(".vibe/config.toml"), rules(".vibe/prompts/**.md")],
        &[".vibe/config.toml", ".vibe/prompts"],
    ),
    vibe,
);
pub const OPENHANDS: Survey = survey(
    "openhands",
    "OpenHands",
    &["openhands"],
    &[
        rules(".openhands/microagents/**.md"),
        Place { path: ".openhands/skills/**.md", kind: FileKind::Skill },
        servers(".openhands/mcp.json"),
        settings(".openhands/config.toml"),
    ],
    &[".openhands/mcp.json", ".openhands/config.toml", ".openhands/microagents"],
);
pub const REPLIT: Survey = survey("replit", "Replit Agent", &[], &[instructions("replit.md")], &[]);
/// https://support.atlassian.com/rovo/docs/use-tools-in-rovo-dev-cli.
pub const ROVO_DEV: Survey = reads(
    survey(
        "rovo-dev",
        "Rovo Dev",
        &["rovodev"],
        &[servers(".rovodev/mcp.json"), settings(".rovodev/config.yml")],
        &[".rovodev/mcp.json", ".rovodev/config.yml"],
    ),
    rovo_dev,
);
// Its program's name is another program's on most systems.
pub const VOID: Survey = survey("void", "Void", &[], &[servers(".void/mcp.json")], &[".void/mcp.json"]);
pub const WARP: Survey = survey(
    "warp",
    "Warp",
    &[],
    &[instructions("WARP.md"), servers(".warp/mcp.json"), servers(".warp/.mcp.json")],
    &[".warp/mcp.json", ".warp/.mcp.json"],
);

fn iflow(document: &Node, approval: &mut Approval) {
    approval.word(
        document,
        "approvalMode",
        &[("yolo", ApprovalLevel::Blanket), ("autoEdit", ApprovalLevel::Scoped)],
    );
}

fn kimi(document: &Node, approval: &mut Approval) {
    approval.switch(document, "default_yolo", ApprovalLevel::Blanket);
    approval.word(
        document,
        "default_permission_mode",
        &[("yolo", ApprovalLevel::Blanket), ("auto", ApprovalLevel::Blanket)],
    );
}

fn vibe(document: &Node, approval: &mut Approval) {
    approval.switch(document, "auto_approve", ApprovalLevel::Blanket);
    for tool in document.get("tools").map_or(&[][..], Node::members) {
        let level = if tool.key == "bash" { ApprovalLevel::Blanket } else { ApprovalLevel::Scoped };
        approval.word(&tool.node, "permission", &[("always", level)]);
    }
}

fn rovo_dev(document: &Node, approval: &mut Approval) {
    let Some(permissions) = document.get("toolPermissions") else { return };
    approval.switch(permissions, "allowAll", ApprovalLevel::Blanket);
    approval.word(permissions, "default", &[("allow", ApprovalLevel::Blanket)]);
    if let Some(shell) = permissions.get("bash") {
        approval.word(shell, "default", &[("allow", ApprovalLevel::Blanket)]);
        for command in shell.get("commands").map_or(&[][..], Node::items) {
            let allowed = command.get("permission").and_then(Node::text) == Some("allow");
            if let Some(pattern) = command.get("command").filter(|_| allowed)
                && let Some(text) = pattern.text()
            {
                approval.command(text, pattern.line, "toolPermissions.bash");
            }
        }
    }
}
