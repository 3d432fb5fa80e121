//! Codex: the model provider can only be told by its configuration file.

use std::io;

use super::{DUMMY_KEY, Recipe, words};
use crate::{ScriptedModel, Stage};

pub(super) fn recipe(name: &str, model: &ScriptedModel, stage: &Stage, prompt: &str) -> io::Result<Recipe> {
    let config = format!(
        r#"model_provider = "scripted"
check_for_update_on_startup = false

[model_providers.scripted]
name = "scripted"
base_url = "{}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"

[features]
enable_request_compression = false

[analytics]
enabled = false
"#,
        model.url(),
    );
    stage.put(&stage.home().join(".codex/config.toml"), &config)?;
    let args = words(["exec", "--json", "--skip-git-repo-check", "-m", name, prompt]);
    Ok(Recipe { program: "codex", args, env: vec![("OPENAI_API_KEY", DUMMY_KEY.into())] })
}
