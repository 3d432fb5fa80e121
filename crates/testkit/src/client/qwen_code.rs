//! Qwen Code: the way of logging in can only be told by its settings file.

use std::io;

use serde_json::json;

use super::{DUMMY_KEY, Recipe, words};
use crate::{ScriptedModel, Stage};

pub(super) fn recipe(name: &str, model: &ScriptedModel, stage: &Stage, prompt: &str) -> io::Result<Recipe> {
    let settings = json!({
        "general": {"disableAutoUpdate": true},
        "privacy": {"usageStatisticsEnabled": false},
        "security": {"auth": {"selectedType": "openai"}},
    });
    stage.put(&stage.home().join(".qwen/settings.json"), &settings.to_string())?;
    let args = words(["-p", prompt, "--output-format", "json", "--approval-mode", "yolo"]);
    let env = vec![
        ("OPENAI_API_KEY", DUMMY_KEY.into()),
        ("OPENAI_BASE_URL", format!("{}/v1", model.url()).into()),
        ("OPENAI_MODEL", name.into()),
    ];
    Ok(Recipe { program: "qwen", args, env })
}
