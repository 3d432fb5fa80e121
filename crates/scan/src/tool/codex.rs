//! Codex.

use super::Tool;

pub const TOOL: Tool = Tool {
    project_instructions: &["AGENTS.md", "AGENTS.override.md", ".codex/skills", ".agents/skills"],
    user_instructions: &[".codex/AGENTS.md", ".codex/AGENTS.override.md", ".codex/prompts", ".codex/skills"],
    administrator_instructions: &["/etc/codex/skills"],
    project_servers: &[".codex/config.toml"],
    user_servers: &[".codex/config.toml"],
    administrator_servers: &["/etc/codex/config.toml", "/etc/codex/requirements.toml"],
    project_settings: &[".codex/config.toml"],
    user_settings: &[".codex/config.toml"],
    servers_of: |bytes| {
        let document = document(bytes)?;
        let picked: toml::Table = ["features", "hooks", "mcp_servers", "notify", "shell_environment_policy"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), document.get(name)?.clone())))
            .collect();
        serde_json_canonicalizer::to_vec(&picked).ok()
    },
    model_of: |bytes| document(bytes)?.get("model")?.as_str().map(str::to_owned),
};

fn document(bytes: &[u8]) -> Option<toml::Table> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
