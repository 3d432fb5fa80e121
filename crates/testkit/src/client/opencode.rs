//! OpenCode: the model provider can only be told by its configuration. The user's own file is used for it, so that
//! the variables which carry configuration stay free for what is injected per run.

use std::io;

use serde_json::json;

use super::{DUMMY_KEY, Recipe, words};
use crate::{ScriptedModel, Stage};

pub(super) fn recipe(name: &str, model: &ScriptedModel, stage: &Stage, prompt: &str) -> io::Result<Recipe> {
    let model_name = format!("scripted/{name}");
    let config = json!({
        "autoupdate": false,
        "model": model_name,
        "small_model": model_name,
        "provider": {"scripted": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "scripted",
            "options": {"baseURL": format!("{}/v1", model.url()), "apiKey": DUMMY_KEY},
            "models": {name: {"name": name, "tool_call": true}},
        }},
        "share": "disabled",
    });
    stage.put(&stage.home().join(".config/opencode/opencode.json"), &config.to_string())?;
    // It would install a package into its configuration directory at every start.
    stage.put(&stage.home().join(".npmrc"), "offline=true\n")?;
    let env = vec![
        ("OPENCODE_DISABLE_AUTOUPDATE", "1".into()),
        ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1".into()),
        ("OPENCODE_DISABLE_MODELS_FETCH", "1".into()),
    ];
    // `--auto`: without anybody to ask, a permission in question is refused.
    Ok(Recipe { program: "opencode", args: words(["run", "--format", "json", "--auto", prompt]), env })
}
