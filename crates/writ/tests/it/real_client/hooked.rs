//! Real clients that a person starts on their own, with our hooks installed. Codex is none of them here: it runs a hook only
//! after its user said yes to it in its window.

use writ_model::Client;
use writ_testkit::{Clients, Script, ScriptedModel};

use crate::house::{House, PATIENCE};

/// How far the record says that it acts unasked, started with and without the switches that take all questions away.
fn is_known_by_its_start(client: Client, switches: &[&str]) {
    let levels = [&[][..], switches].map(|kept| {
        let house = House::new();
        let name = client.name();
        house.register(name, name);
        let model = ScriptedModel::start(Script::new().say("done")).unwrap();
        let clients = Clients::find(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
        let mut run = clients.headless(client, &model, &house.stage, super::PROMPT).unwrap();
        house.json(&["install", name, "--yes"]);
        run.args.retain(|word| !switches.iter().any(|switch| word == switch));
        run.args.extend(kept.iter().map(Into::into));
        let ended = run.env("WRIT_STATE_DIR", house.state()).run(PATIENCE).unwrap();
        let activity = house.activity();
        let start = activity.iter().find(|event| event["type"] == "session-started");
        let level = start.and_then(|start| start["autonomy"].as_u64());
        level.unwrap_or_else(|| panic!("{activity:#?}\n{}\n{}", ended.stdout, ended.stderr))
    });
    assert_eq!(levels, [0, 2]);
}

#[test]
fn claude_code_is_known_by_its_start() {
    is_known_by_its_start(Client::ClaudeCode, &["--permission-mode", "bypassPermissions"]);
}

#[test]
fn copilot_cli_is_known_by_its_start() {
    is_known_by_its_start(Client::CopilotCli, &["--allow-all-tools"]);
}

#[test]
fn gemini_cli_is_known_by_its_start() {
    is_known_by_its_start(Client::GeminiCli, &["--approval-mode", "yolo"]);
}

#[test]
fn opencode_is_known_by_its_start() {
    is_known_by_its_start(Client::OpenCode, &["--yolo"]);
}

#[test]
fn qwen_code_is_known_by_its_start() {
    is_known_by_its_start(Client::QwenCode, &["--approval-mode", "yolo"]);
}
