//! Tools of which a scan knows where their files lie, and nothing of settings that take questions away.

use super::{FileKind, Place, Survey};

const fn survey(
    id: &'static str,
    name: &'static str,
    executables: &'static [&'static str],
    files: &'static [Place],
    home: &'static [&'static str],
) -> Survey {
    Survey { id, name, executables, extensions: &[], files, home, administrator: &[], read: |_, _| {} }
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
pub const IFLOW: Survey = survey(
    "iflow",
    "iFlow CLI",
    &["iflow"],
    &[settings(".iflow/settings.json"), instructions("IFLOW.md")],
    &[".iflow/settings.json", ".iflow/IFLOW.md"],
);
pub const KIMI: Survey = survey(
    "kimi",
    "Kimi CLI",
    &["kimi"],
    &[servers(".kimi/mcp.json"), settings(".kimi/config.toml")],
    &[".kimi/mcp.json", ".kimi/config.toml"],
);
/// https://www.librechat.ai/docs/configuration/librechat_yaml.
pub const LIBRECHAT: Survey =
    survey("librechat", "LibreChat", &[], &[settings("librechat.yaml"), settings("librechat.yml")], &[]);
pub const LM_STUDIO: Survey =
    survey("lm-studio", "LM Studio", &["lms"], &[servers(".lmstudio/mcp.json")], &[".lmstudio/mcp.json"]);
pub const MISTRAL_VIBE: Survey = survey(
    "mistral-vibe",
    "Mistral Vibe",
    &["vibe"],
    &[settings(".vibe/config.toml"), rules(".vibe/prompts/**.md")],
    &[".vibe/config.toml", ".vibe/prompts"],
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
pub const ROVO_DEV: Survey = survey(
    "rovo-dev",
    "Rovo Dev",
    &["rovodev"],
    &[servers(".rovodev/mcp.json"), settings(".rovodev/config.yml")],
    &[".rovodev/mcp.json", ".rovodev/config.yml"],
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
