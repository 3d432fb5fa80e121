//! What each client reads: one file per client, as data.

mod claude_code;
mod codex;
mod gemini_cli;
mod opencode;

use writ_model::Client;

/// The files that shape a client's behaviour. Paths are relative to the workspace or the home folder, but for the
/// administrator's, which are absolute. A path may name a folder: then every file below it counts.
pub struct Tool {
    pub project_instructions: &'static [&'static str],
    pub user_instructions: &'static [&'static str],
    pub administrator_instructions: &'static [&'static str],
    pub project_servers: &'static [&'static str],
    pub user_servers: &'static [&'static str],
    pub administrator_servers: &'static [&'static str],
    pub project_settings: &'static [&'static str],
    pub user_settings: &'static [&'static str],
    /// The MCP servers that a configuration file names, in canonical form; `None` when it is no such file.
    pub servers_of: fn(&[u8]) -> Option<Vec<u8>>,
    /// The model that a settings file names.
    pub model_of: fn(&[u8]) -> Option<String>,
}

/// What is known of a client; nothing of a program without an adapter.
pub fn of(client: Client) -> Option<Tool> {
    match client {
        Client::ClaudeCode => Some(claude_code::TOOL),
        Client::Codex => Some(codex::TOOL),
        Client::GeminiCli => Some(gemini_cli::TOOL),
        Client::OpenCode => Some(opencode::TOOL),
        Client::Other => None,
    }
}

/// JSON with comments and trailing commas, as editors and these clients write it.
fn json(bytes: &[u8]) -> Option<serde_json::Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    jsonc_parser::parse_to_serde_value::<serde_json::Value>(text, &jsonc_parser::ParseOptions::default()).ok()
}

/// One member of a JSON object in canonical form; the empty object where there is none.
fn member(document: &serde_json::Value, name: &str) -> Option<Vec<u8>> {
    let empty = serde_json::json!({});
    serde_json_canonicalizer::to_vec(document.get(name).unwrap_or(&empty)).ok()
}
