//! Who plays the agent: a real client on a scripted model, or the rehearsal's own.
//!
//! A real client gets a home of its own, a key that is none, and a model on loopback: nothing that it says can reach its
//! vendor, and nothing of the user's account is in its reach.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde_json::json;
use writ_model::Client;

use super::house::{House, search};
use super::rehearsal;
use super::turns::TASK;
use crate::cli::run::find_program;
use crate::failure::Failure;

/// No model checks it, and it looks like no real key.
const NO_KEY: &str = "dummy";
/// How each client's program is called.
const PROGRAMS: [(Client, &str); 4] = [
    (Client::ClaudeCode, "claude"),
    (Client::Codex, "codex"),
    (Client::GeminiCli, "gemini"),
    (Client::OpenCode, "opencode"),
];

/// The agent of this performance.
pub(super) enum Cast {
    Real {
        client: Client,
        program: PathBuf,
    },
    /// Plays a recorded session of Claude Code; with the reason why it does.
    Rehearsal {
        why: &'static str,
    },
}

/// The command that makes the client do what it is asked and end.
pub(super) struct Part {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) variables: Vec<(&'static str, OsString)>,
}

// === impl Cast ===

impl Cast {
    pub(super) fn rehearsal(why: &'static str) -> Self {
        Self::Rehearsal { why }
    }

    /// The first client on PATH.
    pub(super) fn found() -> Self {
        let found = PROGRAMS.into_iter().find_map(|(client, name)| Some((client, on_path(name)?)));
        found.map_or(Self::Rehearsal { why: "no client is on PATH" }, |(client, program)| Self::Real {
            client,
            program,
        })
    }

    /// This client and no other.
    pub(super) fn named(wanted: Client) -> Result<Self, Failure> {
        let name = PROGRAMS.into_iter().find_map(|(client, name)| (client == wanted).then_some(name));
        let program = name.and_then(on_path);
        program.map(|program| Self::Real { client: wanted, program }).ok_or_else(|| {
            Failure::usage(format_args!("{wanted} is not on PATH"))
                .hint("install it, or see the rehearsal with `writ demo --rehearsal`")
        })
    }

    pub(super) const fn is_real(&self) -> bool {
        matches!(self, Self::Real { .. })
    }

    /// Whose wire format is spoken.
    pub(super) const fn client(&self) -> Client {
        match self {
            Self::Real { client, .. } => *client,
            Self::Rehearsal { .. } => Client::ClaudeCode,
        }
    }

    /// The name that the agent is registered under.
    pub(super) const fn agent(&self) -> &'static str {
        match self {
            Self::Real { client, .. } => client.name(),
            Self::Rehearsal { .. } => "rehearsal",
        }
    }

    /// Prepares the home of the client and gives its command. `model` is the address of the scripted model.
    pub(super) fn part(&self, house: &House, model: &str) -> Result<Part, Failure> {
        match self {
            Self::Rehearsal { .. } => {
                Ok(Part { program: rehearsal::prepare(house)?, arguments: Vec::new(), variables: Vec::new() })
            }
            Self::Real { client: Client::ClaudeCode, program } => Ok(claude_code(program.clone(), model)),
            Self::Real { client: Client::Codex, program } => codex(house, program.clone(), model),
            Self::Real { client: Client::GeminiCli, program } => gemini_cli(house, program.clone(), model),
            Self::Real { client: Client::OpenCode, program } => opencode(house, program.clone(), model),
            Self::Real {
                client:
                    Client::Cline
                    | Client::CopilotCli
                    | Client::Cursor
                    | Client::Kiro
                    | Client::QwenCode
                    | Client::VsCode
                    | Client::Windsurf
                    | Client::Other,
                ..
            } => Err(Failure::usage("no such client")),
        }
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    find_program(OsStr::new(name), search().as_deref())
}

fn claude_code(program: PathBuf, model: &str) -> Part {
    let arguments = ["-p", TASK, "--model", "scripted", "--permission-mode", "bypassPermissions"];
    let variables = [
        ("ANTHROPIC_API_KEY", NO_KEY),
        ("ANTHROPIC_BASE_URL", model),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("DISABLE_TELEMETRY", "1"),
        // Without it, the permission mode is refused to the superuser.
        ("IS_SANDBOX", "1"),
    ];
    Part::new(program, &arguments, &variables)
}

fn codex(house: &House, program: PathBuf, model: &str) -> Result<Part, Failure> {
    let provider = format!(
        "model_provider = \"scripted\"\ncheck_for_update_on_startup = false\n\n\
         [model_providers.scripted]\nname = \"scripted\"\nbase_url = \"{model}/v1\"\nwire_api = \"responses\"\n\
         env_key = \"OPENAI_API_KEY\"\n\n\
         [features]\nenable_request_compression = false\n\n[analytics]\nenabled = false\n"
    );
    house.put(&house.home().join(".codex/config.toml"), &provider)?;
    // With a model name that it does not know, it offers its shell tool directly.
    let arguments = ["exec", "--skip-git-repo-check", "-m", "scripted", TASK];
    Ok(Part::new(program, &arguments, &[("OPENAI_API_KEY", NO_KEY)]))
}

fn gemini_cli(house: &House, program: PathBuf, model: &str) -> Result<Part, Failure> {
    let settings = json!({
        "general": {"disableAutoUpdate": true, "disableUpdateNag": true},
        "privacy": {"usageStatisticsEnabled": false},
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
        "telemetry": {"enabled": false},
    });
    house.put(&house.home().join(".gemini/settings.json"), &settings.to_string())?;
    let arguments = ["-m", "gemini-2.5-flash", "-p", TASK, "--approval-mode", "yolo"];
    Ok(Part::new(program, &arguments, &[("GEMINI_API_KEY", NO_KEY), ("GOOGLE_GEMINI_BASE_URL", model)]))
}

fn opencode(house: &House, program: PathBuf, model: &str) -> Result<Part, Failure> {
    let provider = json!({
        "autoupdate": false,
        "model": "scripted/scripted",
        "small_model": "scripted/scripted",
        "provider": {"scripted": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "scripted",
            "options": {"baseURL": format!("{model}/v1"), "apiKey": NO_KEY},
            "models": {"scripted": {"name": "scripted", "tool_call": true}},
        }},
        "share": "disabled",
    });
    house.put(&house.home().join(".config/opencode/opencode.json"), &provider.to_string())?;
    // It would fetch a package for its configuration folder at every start.
    house.put(&house.home().join(".npmrc"), "offline=true\n")?;
    let variables = [
        ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
        ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
        ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
    ];
    // Without anybody to ask, what its own permissions question is refused; ours stand in front of them.
    Ok(Part::new(program, &["run", "--auto", TASK], &variables))
}

// === impl Part ===

impl Part {
    fn new(program: PathBuf, arguments: &[&str], variables: &[(&'static str, &str)]) -> Self {
        Self {
            program,
            arguments: arguments.iter().map(OsString::from).collect(),
            variables: variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect(),
        }
    }
}
