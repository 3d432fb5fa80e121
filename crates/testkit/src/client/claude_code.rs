//! Claude Code: everything by flag and environment, nothing in its home.

use super::{DUMMY_KEY, Recipe, words};
use crate::ScriptedModel;

pub(super) fn recipe(name: &str, model: &ScriptedModel, prompt: &str) -> Recipe {
    let args = words([
        "-p",
        prompt,
        "--model",
        name,
        "--output-format",
        "stream-json",
        "--verbose",
        "--permission-mode",
        "bypassPermissions",
    ]);
    let env = vec![
        ("ANTHROPIC_API_KEY", DUMMY_KEY.into()),
        ("ANTHROPIC_BASE_URL", model.url().into()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".into()),
        ("DISABLE_AUTOUPDATER", "1".into()),
        ("DISABLE_TELEMETRY", "1".into()),
        // Without it, the permission mode is refused to the superuser.
        ("IS_SANDBOX", "1".into()),
    ];
    Recipe { program: "claude", args, env }
}
