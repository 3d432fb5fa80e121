//! Copilot CLI: a model provider of one's own by environment, so that nobody has to log in.

use super::{DUMMY_KEY, Recipe, words};
use crate::ScriptedModel;

pub(super) fn recipe(name: &str, model: &ScriptedModel, prompt: &str) -> Recipe {
    let args = words(["-p", prompt, "--allow-all-tools", "--no-color", "--log-level", "none"]);
    let env = vec![
        ("COPILOT_AUTO_UPDATE", "false".into()),
        ("COPILOT_MODEL", name.into()),
        ("COPILOT_OFFLINE", "true".into()),
        ("COPILOT_PROVIDER_API_KEY", DUMMY_KEY.into()),
        ("COPILOT_PROVIDER_BASE_URL", format!("{}/v1", model.url()).into()),
    ];
    Recipe { program: "copilot", args, env }
}
