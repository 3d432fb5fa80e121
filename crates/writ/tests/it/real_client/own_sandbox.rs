//! Clients with a sandbox of their own, which cannot start inside ours: it is off, on record, and what they would not run
//! for other reasons they do not run now.

use serde_json::json;
use writ_model::Client;
use writ_testkit::{Invocation, Script};

use super::{PATIENCE, Play};
use crate::house::House;

/// What the client's own rules forbid and Writ allows.
const FORBIDDEN: &str = "touch forbidden.txt";

/// Settings of the user's that the driver has no need of, over those that it wrote.
fn set(play: &Play, file: &str, settings: &serde_json::Value) {
    let path = play.house.stage.home().join(file);
    let text = std::fs::read(&path).unwrap_or_else(|_| b"{}".to_vec());
    let mut all: serde_json::Value = serde_json::from_slice(&text).unwrap();
    merge(&mut all, settings);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, all.to_string()).unwrap();
}

fn merge(all: &mut serde_json::Value, more: &serde_json::Value) {
    match (all.as_object_mut(), more.as_object()) {
        (Some(all), Some(more)) => {
            for (key, value) in more {
                merge(all.entry(key).or_insert(json!({})), value);
            }
        }
        _ => *all = more.clone(),
    }
}

fn played() -> Play {
    let script = Script::new().shell("echo ran > allowed.txt").shell(FORBIDDEN).say("done");
    Play::new(House::new(), script)
}

/// What was done, what was told, and what is on record.
fn is_off(play: &Play, run: &Invocation, client: Client, by: &str) {
    let ended = run.run(PATIENCE).unwrap();
    let story = play.story(&ended);
    assert!(ended.status.success(), "{story}");
    assert_eq!(play.made("allowed.txt").as_deref(), Some("ran\n"), "{story}");
    let told = format!("the sandbox of {client} itself is off, by {by}");
    assert!(ended.stderr.contains(&told), "{story}");
    // Its model reads at the start what git inside cannot change, where the client was shown to pass that on.
    let reads = |play: &Play| {
        play.model.exchanges().iter().any(|one| one.body.to_string().contains("Git cannot change them"))
    };
    assert_eq!(reads(play), client != Client::QwenCode, "{story}");
    let by = by.replace('=', ":");
    let tasks = play.house.json(&["task", "list", "--all"]);
    assert_eq!(tasks["tasks"][0]["client_sandbox_off"], by, "{tasks}");
    let found = play.house.json(&["audit", "search", "--event", "client-sandbox-off"]);
    assert_eq!(found["entries"][0]["entry"]["event"]["by"], by, "{found}");
}

/// What Writ lets through, the client's own rules still stop.
fn is_forbidden(play: &Play) {
    assert_eq!(play.made("forbidden.txt"), None, "{:#?}", play.model.results());
    assert_eq!(play.model.results().len(), 2, "{:#?}", play.model.results());
}

fn forbids(play: &Play) {
    let rules = play.house.stage.home().join(".codex/rules/default.rules");
    std::fs::create_dir_all(rules.parent().unwrap()).unwrap();
    std::fs::write(rules, "prefix_rule(pattern=[\"touch\"], decision=\"forbidden\")\n").unwrap();
}

#[test]
fn codex_runs_without_its_own_and_keeps_its_rules() {
    let play = played();
    let run = play.run(Client::Codex, &[]);
    forbids(&play);
    is_off(&play, &run, Client::Codex, "sandbox_mode=danger-full-access");
    is_forbidden(&play);
    let shown = play.run(Client::Codex, &["--dry-run"]).run(PATIENCE).unwrap();
    assert!(shown.stdout.contains("the sandbox of codex itself is off, by sandbox_mode"), "{}", shown.stdout);
}

#[test]
fn what_a_person_tells_codex_of_its_sandbox_is_left_and_told() {
    let play = played();
    let run = play.run(Client::Codex, &[]).arg("--sandbox").arg("workspace-write");
    let ended = run.run(PATIENCE).unwrap();
    let story = play.story(&ended);
    assert!(ended.stderr.contains("is as `--sandbox workspace-write` says"), "{story}");
    assert_eq!(play.made("allowed.txt"), None, "it cannot start here\n{story}");
    let tasks = play.house.json(&["task", "list", "--all"]);
    assert!(tasks["tasks"][0]["client_sandbox_off"].is_null(), "{tasks}");
}

#[test]
fn claude_code_runs_without_its_own_and_keeps_its_rules() {
    let play = played();
    let run = play.run(Client::ClaudeCode, &[]);
    let settings = json!({
        "permissions": {"deny": [format!("Bash({FORBIDDEN})")]},
        "sandbox": {"enabled": true, "failIfUnavailable": true, "allowUnsandboxedCommands": false},
    });
    set(&play, ".claude/settings.json", &settings);
    is_off(&play, &run, Client::ClaudeCode, "sandbox.enabled=false");
    is_forbidden(&play);
}

#[test]
fn gemini_cli_runs_without_its_own_and_keeps_its_rules() {
    let play = played();
    let run = play.run(Client::GeminiCli, &[]);
    let settings = json!({"security": {"toolSandboxing": true}, "tools": {"sandbox": "docker"}});
    set(&play, ".gemini/settings.json", &settings);
    let rules = play.house.stage.home().join(".gemini/policies/own.toml");
    std::fs::create_dir_all(rules.parent().unwrap()).unwrap();
    let rule = "[[rule]]\ntoolName = \"run_shell_command\"\ncommandPrefix = \"touch\"\ndecision = \"deny\"\npriority = 900\n";
    std::fs::write(rules, rule).unwrap();
    is_off(&play, &run, Client::GeminiCli, "GEMINI_SANDBOX=false");
    is_forbidden(&play);
}

#[test]
fn qwen_code_runs_without_its_own() {
    let play = played();
    let run = play.run(Client::QwenCode, &[]);
    set(&play, ".qwen/settings.json", &json!({"tools": {"sandbox": "docker"}}));
    is_off(&play, &run, Client::QwenCode, "QWEN_SANDBOX=false");
}
