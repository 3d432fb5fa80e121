//! What each client reads: one file per client, as data.

mod aider;
mod amazon_q;
mod amp;
mod antigravity;
mod augment;
mod claude_code;
mod claude_desktop;
mod cline;
mod codex;
mod continue_dev;
mod copilot_cli;
mod crush;
mod cursor;
mod factory;
mod gemini_cli;
mod goose;
mod jetbrains;
mod kiro;
mod openclaw;
mod opencode;
mod others;
mod pi;
mod place;
mod qwen_code;
mod roo_code;
mod shared;
mod trae;
mod vscode;
mod windsurf;
mod zed;

use writ_model::Client;

use crate::approval::Approval;
use crate::document::Node;

pub(crate) use codex::rules as codex_rules;
pub(crate) use place::Catalogue;
pub use place::{FileKind, Place};
pub(crate) use vscode::speaks_of_agents as editor_speaks_of_agents;
pub(crate) use zed::speaks_of_agents as zed_speaks_of_agents;

/// What a scan knows of a tool: where its files are, and how to read in them what it may do unasked.
pub struct Survey {
    /// Stable name in reports.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// Names of its programs.
    pub executables: &'static [&'static str],
    /// Its extensions in editors of the VS Code family: `publisher.name`, in lower case.
    pub extensions: &'static [&'static str],
    /// Its files, wherever they lie in a tree.
    pub files: &'static [Place],
    /// Files and folders below the home folder in which its user-level files lie.
    pub home: &'static [&'static str],
    /// Files and folders of the administrator.
    pub administrator: &'static [&'static str],
    /// Finds in a settings document what the tool may do without a question.
    pub read: fn(&Node, &mut Approval),
}

/// Every tool that a scan knows. Where several could claim a file, the earlier one does.
pub const SURVEYS: &[Survey] = &[
    claude_code::SURVEY,
    claude_desktop::SURVEY,
    codex::SURVEY,
    cursor::SURVEY,
    antigravity::SURVEY,
    gemini_cli::SURVEY,
    copilot_cli::SURVEY,
    vscode::SURVEY,
    windsurf::SURVEY,
    cline::SURVEY,
    roo_code::SURVEY,
    roo_code::KILO,
    opencode::SURVEY,
    qwen_code::SURVEY,
    kiro::SURVEY,
    amazon_q::SURVEY,
    openclaw::SURVEY,
    pi::SURVEY,
    continue_dev::SURVEY,
    amp::SURVEY,
    jetbrains::SURVEY,
    aider::SURVEY,
    goose::SURVEY,
    zed::SURVEY,
    factory::SURVEY,
    augment::SURVEY,
    crush::SURVEY,
    trae::SURVEY,
    others::BOLT,
    others::DEVIN,
    others::DOCKER_MCP,
    others::FAST_AGENT,
    others::FIREBENDER,
    others::GROK,
    others::HERMES,
    others::IFLOW,
    others::KIMI,
    others::LIBRECHAT,
    others::LM_STUDIO,
    others::MISTRAL_VIBE,
    others::OPENHANDS,
    others::REPLIT,
    others::ROVO_DEV,
    others::VOID,
    others::WARP,
    shared::AGENTS_MD,
    shared::GENERIC_MCP,
];

/// Whether an extension of an editor is an agent.
fn is_agent_extension(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    SURVEYS.iter().any(|survey| survey.extensions.contains(&id.as_str()))
}

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

/// The client that a scan's name of a tool stands for.
pub fn client_of(tool: &str) -> Client {
    match tool {
        "github-copilot" => Client::CopilotCli,
        "vscode-copilot" => Client::VsCode,
        tool => tool.parse().unwrap_or(Client::Other),
    }
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
