//! OpenCode: our plugin, named by an inline configuration for a run, or in a plugin folder.
//!
//! OpenCode goes on without a plugin that does not load. For a run, the same inline configuration therefore allows only
//! a model provider that does not exist, and the plugin lifts that once it is there.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::json;
use super::{
    Change, HookCommand, Host, Injection, Level, Run, SetupError, System, client_timeout, flag_values,
};
use crate::hook::OPENCODE_PLUGIN;

/// Stands in the plugin where its settings go.
const PLACEHOLDER: &str = "\"__WRIT_SETTINGS__\"";
/// How our plugin starts, by which an installed one is known.
const FIRST_LINE: &str = "// Writ inside OpenCode: every tool call is asked about before it runs, and runs only after a plain yes.";
/// The only provider while the plugin has not run. There is none of this name.
const NO_PROVIDER: &str = "writ-plugin-not-loaded";
const CONTENT_VARIABLE: &str = "OPENCODE_CONFIG_CONTENT";

pub(super) const LOGIN: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "OPENAI_API_KEY",
    "OPENCODE_API_KEY",
    "OPENCODE_CONFIG",
    "OPENCODE_CONFIG_DIR",
    "OPENCODE_DISABLE_AUTOUPDATE",
    "OPENCODE_DISABLE_LSP_DOWNLOAD",
    "OPENCODE_DISABLE_MODELS_FETCH",
    "OPENROUTER_API_KEY",
    "npm_config_offline",
];

pub(super) fn login_files(host: &Host<'_>) -> Vec<PathBuf> {
    let data = (host.variable)("XDG_DATA_HOME").map_or_else(|| host.home.join(".local/share"), PathBuf::from);
    vec![data.join("opencode/auth.json")]
}

fn folder(host: &Host<'_>) -> PathBuf {
    (host.variable)("XDG_CONFIG_HOME")
        .map_or_else(|| host.home.join(".config"), PathBuf::from)
        .join("opencode")
}

pub(super) fn inject(host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    if let Some((argument, _)) = flag_values(run.arguments, &["--pure"]).next() {
        return Err(SetupError::Argument { argument: argument.to_owned() });
    }
    let inline = Path::new(CONTENT_VARIABLE);
    let given = (host.variable)(CONTENT_VARIABLE).filter(|text| !text.trim().is_empty());
    let mut config = match &given {
        Some(text) => json::value(inline, text)?,
        None => json!({}),
    };
    let fields = config.as_object_mut().ok_or_else(|| SetupError::Unreadable {
        path: inline.to_owned(),
        why: "it holds no object".to_owned(),
    })?;
    let providers = match fields.remove("enabled_providers") {
        Some(providers) => Some(providers),
        None => configured_providers(host)?,
    };
    let file = run.folder.join("writ.js");
    let file = file.to_str().ok_or_else(|| SetupError::Path(file.clone()))?.to_owned();
    let mut plugins = fields.get("plugin").and_then(Value::as_array).cloned().unwrap_or_default();
    // Last, so that what the plugins before it made of the arguments is what is judged.
    plugins.push(format!("file://{file}").into());
    fields.insert("plugin".to_owned(), Value::Array(plugins));
    fields.insert("enabled_providers".to_owned(), json!([NO_PROVIDER]));
    Ok(Injection {
        files: vec![(PathBuf::from("writ.js"), plugin(run.command, Some(providers))?)],
        private: None,
        set: vec![(CONTENT_VARIABLE.to_owned(), config.to_string())],
        unset: vec!["OPENCODE_PURE"],
        arguments: run.arguments.to_vec(),
    })
}

/// The user's own list of providers, which the plugin puts back.
fn configured_providers(host: &Host<'_>) -> Result<Option<Value>, SetupError> {
    let mut files = vec![host.workspace.join("opencode.json"), host.workspace.join("opencode.jsonc")];
    files.extend((host.variable)("OPENCODE_CONFIG").map(PathBuf::from));
    files.extend(
        ["opencode.json", "opencode.jsonc", "config.json"].iter().map(|name| folder(host).join(name)),
    );
    for path in files {
        let Some(text) = (host.read)(&path) else { continue };
        if let Some(providers) = json::value(&path, &text)?.get("enabled_providers") {
            return Ok(Some(providers.clone()));
        }
    }
    Ok(None)
}

/// The plugin's text. `lift` is for runs: the providers to put back, `None` inside for the client's default.
fn plugin(command: &HookCommand, lift: Option<Option<Value>>) -> Result<String, SetupError> {
    let settings = json!({
        "program": command.program()?,
        "arguments": command.options()?,
        "deadline_millis": u64::try_from(client_timeout(command).as_millis()).unwrap_or(u64::MAX),
        "lift_providers": lift.is_some(),
        "enabled_providers": lift.flatten(),
    });
    Ok(OPENCODE_PLUGIN.replacen(PLACEHOLDER, &settings.to_string(), 1))
}

fn file(level: Level, system: System, host: &Host<'_>) -> PathBuf {
    let folder = match (level, system) {
        (Level::User, _) => folder(host),
        (Level::Managed, System::Linux) => PathBuf::from("/etc/opencode"),
        (Level::Managed, System::MacOs) => PathBuf::from("/Library/Application Support/opencode"),
    };
    folder.join("plugin/writ.js")
}

pub(super) fn install(
    level: Level,
    system: System,
    host: &Host<'_>,
    command: &HookCommand,
) -> Result<Vec<Change>, SetupError> {
    let path = file(level, system, host);
    let before = (host.read)(&path);
    if before.as_deref().is_some_and(|text| !is_ours(text)) {
        return Err(SetupError::Unreadable { path, why: "it is there and is not Writ's plugin".to_owned() });
    }
    Ok(vec![Change { path, before, after: Some(plugin(command, None)?) }])
}

pub(super) fn uninstall(level: Level, system: System, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    let path = file(level, system, host);
    Ok((host.read)(&path)
        .filter(|text| is_ours(text))
        .map(|before| Change { path, before: Some(before), after: None })
        .into_iter()
        .collect())
}

fn is_ours(text: &str) -> bool {
    text.starts_with(FIRST_LINE)
}
