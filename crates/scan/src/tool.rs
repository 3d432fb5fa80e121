//! What each client reads: one file per client, as data.

mod claude_code;
mod cline;
mod codex;
mod copilot_cli;
mod cursor;
mod gemini_cli;
mod kiro;
mod opencode;
mod qwen_code;
mod vscode;
mod windsurf;

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
    /// What a configuration file gives the client to run or to obey: MCP servers, hooks, plugins, variables. In
    /// canonical form; `None` when it is no such file.
    pub servers_of: fn(&[u8]) -> Option<Vec<u8>>,
    /// The model that a settings file names.
    pub model_of: fn(&[u8]) -> Option<String>,
}

/// What is known of a client; nothing of a program without an adapter.
pub fn of(client: Client) -> Option<Tool> {
    match client {
        Client::ClaudeCode => Some(claude_code::TOOL),
        Client::Cline => Some(cline::TOOL),
        Client::Codex => Some(codex::TOOL),
        Client::CopilotCli => Some(copilot_cli::TOOL),
        Client::Cursor => Some(cursor::TOOL),
        Client::GeminiCli => Some(gemini_cli::TOOL),
        Client::Kiro => Some(kiro::TOOL),
        Client::OpenCode => Some(opencode::TOOL),
        Client::QwenCode => Some(qwen_code::TOOL),
        Client::VsCode => Some(vscode::TOOL),
        Client::Windsurf => Some(windsurf::TOOL),
        Client::Other => None,
    }
}

/// JSON with comments and trailing commas, as editors and these clients write it.
fn json(bytes: &[u8]) -> Option<serde_json::Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    jsonc_parser::parse_to_serde_value::<serde_json::Value>(text, &jsonc_parser::ParseOptions::default()).ok()
}

/// Some members of a JSON object in canonical form, those left out that are empty.
fn members(document: &serde_json::Value, names: &[&str]) -> Option<Vec<u8>> {
    let is_empty = |value: &serde_json::Value| match value {
        serde_json::Value::Object(object) => object.is_empty(),
        serde_json::Value::Array(array) => array.is_empty(),
        serde_json::Value::Null => true,
        _ => false,
    };
    let picked: serde_json::Map<_, _> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), document.get(name)?.clone())))
        .filter(|(_, value)| !is_empty(value))
        .collect();
    serde_json_canonicalizer::to_vec(&picked).ok()
}
