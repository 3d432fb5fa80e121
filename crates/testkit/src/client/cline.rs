//! Cline: the model provider is told by the file that its own `auth` command writes.

use std::io;

use serde_json::json;

use super::{DUMMY_KEY, Recipe, words};
use crate::{ScriptedModel, Stage};

pub(super) fn recipe(name: &str, model: &ScriptedModel, stage: &Stage, prompt: &str) -> io::Result<Recipe> {
    let providers = json!({
        "version": 1,
        "lastUsedProvider": "openai-compatible",
        "providers": {"openai-compatible": {
            "settings": {
                "provider": "openai-compatible",
                "apiKey": DUMMY_KEY,
                "model": name,
                "baseUrl": format!("{}/v1", model.url()),
            },
            "updatedAt": "2026-01-01T00:00:00.000Z",
            "tokenSource": "manual",
        }},
    });
    stage.put(&stage.home().join(".cline/data/settings/providers.json"), &providers.to_string())?;
    let args = words(["--json", "-P", "openai", prompt]);
    Ok(Recipe { program: "cline", args, env: vec![("CLINE_NO_AUTO_UPDATE", "1".into())] })
}
