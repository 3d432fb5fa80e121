//! Gemini CLI: the way of logging in can only be told by its settings file.

use std::io;

use serde_json::json;

use super::{DUMMY_KEY, Recipe, words};
use crate::{ScriptedModel, Stage};

pub(super) fn recipe(name: &str, model: &ScriptedModel, stage: &Stage, prompt: &str) -> io::Result<Recipe> {
    let settings = json!({
        "general": {"disableAutoUpdate": true, "disableUpdateNag": true},
        "privacy": {"usageStatisticsEnabled": false},
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
        "telemetry": {"enabled": false},
    });
    stage.put(&stage.home().join(".gemini/settings.json"), &settings.to_string())?;
    let args = words(["-m", name, "-p", prompt, "--output-format", "json", "--approval-mode", "yolo"]);
    let env = vec![("GEMINI_API_KEY", DUMMY_KEY.into()), ("GOOGLE_GEMINI_BASE_URL", model.url().into())];
    Ok(Recipe { program: "gemini", args, env })
}
