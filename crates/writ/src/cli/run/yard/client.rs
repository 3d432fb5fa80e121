//! What of a client's own lies in the user's home.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use writ_model::Client;

/// The places of one client.
#[derive(Default)]
pub(super) struct Places {
    /// Its folders: what is changed there ends with the task.
    pub(super) folders: Vec<PathBuf>,
    /// What outlives the task: its login, which it may have to renew. Its sessions are in [`super::session`].
    pub(super) kept: Vec<PathBuf>,
    /// Its settings and whatever else tells it what to run: not to be changed.
    pub(super) settings: Vec<PathBuf>,
}

/// Where they are, whether they exist or not.
pub(super) fn places(client: Client, home: &Path, variable: &dyn Fn(&str) -> Option<OsString>) -> Places {
    let folder = |name: &str, otherwise: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| home.join(otherwise))
    };
    let of = |root: &Path, kept: &[&str], settings: &[&str]| Places {
        folders: vec![root.to_owned()],
        kept: kept.iter().map(|name| root.join(name)).collect(),
        settings: settings.iter().map(|name| root.join(name)).collect(),
    };
    match client {
        Client::ClaudeCode => {
            let root = folder("CLAUDE_CONFIG_DIR", ".claude");
            let mut places = of(
                &root,
                &[".credentials.json"],
                &[
                    "CLAUDE.md",
                    "agents",
                    "commands",
                    "hooks",
                    "keybindings.json",
                    "output-styles",
                    "plugins",
                    "rules",
                    "settings.json",
                    "settings.local.json",
                    "skills",
                    "workflows",
                ],
            );
            // Its state, with the servers it starts; a copy, because it is written at every start.
            places.folders.push(home.join(".claude.json"));
            places
        }
        Client::Cline => of(
            &folder("CLINE_DIR", ".cline"),
            &["data/settings/providers.json"],
            &[
                "hooks",
                "rules",
                "skills",
                "workflows",
                "data/settings/mcp.json",
                "data/settings/cline_mcp_settings.json",
            ],
        ),
        Client::Codex => of(
            &folder("CODEX_HOME", ".codex"),
            &["auth.json"],
            &[
                "AGENTS.md",
                "AGENTS.override.md",
                "config.toml",
                "hooks",
                "hooks.json",
                "prompts",
                "rules",
                "skills",
            ],
        ),
        Client::CopilotCli => of(
            &folder("COPILOT_HOME", ".copilot"),
            &["config.json"],
            &[
                "agents",
                "copilot-instructions.md",
                "hooks",
                "mcp-config.json",
                "plugins",
                "settings.json",
                "skills",
            ],
        ),
        Client::GeminiCli => {
            let root =
                variable("GEMINI_CLI_HOME").map_or_else(|| home.to_owned(), PathBuf::from).join(".gemini");
            of(
                &root,
                &["gemini-credentials.json", "google_accounts.json", "oauth_creds.json"],
                &[
                    "GEMINI.md",
                    "agents",
                    "commands",
                    "extensions",
                    "policies",
                    "settings.json",
                    "skills",
                    "trustedFolders.json",
                ],
            )
        }
        Client::OpenCode => {
            let config = folder("XDG_CONFIG_HOME", ".config").join("opencode");
            let data = folder("XDG_DATA_HOME", ".local/share").join("opencode");
            let mut places = of(
                &config,
                &[],
                &[
                    "AGENTS.md",
                    "agent",
                    "agents",
                    "command",
                    "commands",
                    "config.json",
                    "mode",
                    "modes",
                    "opencode.json",
                    "opencode.jsonc",
                    "plugin",
                    "plugins",
                    "tool",
                    "tools",
                    "tui.json",
                ],
            );
            places.kept.push(data.join("auth.json"));
            places.folders.extend([
                data,
                folder("XDG_STATE_HOME", ".local/state").join("opencode"),
                folder("XDG_CACHE_HOME", ".cache").join("opencode"),
            ]);
            places
        }
        Client::QwenCode => of(
            &folder("QWEN_HOME", ".qwen"),
            &["oauth_creds.json"],
            &[
                "QWEN.md",
                "agents",
                "commands",
                "extensions",
                "settings.json",
                "skills",
                "trustedFolders.json",
            ],
        ),
        Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => {
            Places::default()
        }
    }
}
