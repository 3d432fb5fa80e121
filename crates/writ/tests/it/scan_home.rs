//! `writ scan` where variables move folders, and in places beside the home folder.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::corner::{Corner, finished, text};

/// A made-up token, whole only while the test runs.
fn token() -> String {
    ["ghp", "_", "1Bb2Cc3Dd4", "Ee5Ff6Gg7H", "h8Ii9Jj0Kk", "1Ll2Mm"].concat()
}

fn put(folder: &Path, path: &str, content: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The objects of a scan, which tell no value.
fn objects(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", text(output));
    assert!(!text(output).contains(&token()), "{}", text(output));
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_home_that_a_variable_moves_is_looked_at_like_the_usual_one() {
    let corner = Corner::new();
    let alt = corner.home().join("alt");
    put(&alt, "claude/settings.json", "{\"permissions\": {\"defaultMode\": \"bypassPermissions\"}}");
    put(&alt, "claude/.claude.json", "{\"mcpServers\": {\"x\": {\"command\": \"/bin/false\"}}}");
    put(&alt, "claude/.credentials.json", &format!("{{\"accessToken\": \"{}\"}}", token()));
    put(&alt, "claude/projects/-a/b.jsonl", "");
    put(&alt, "codex/config.toml", "approval_policy = \"never\"\n");
    put(&alt, "config/crush/crush.json", "{\"permissions\": {\"skip_requests\": true}}");
    put(&alt, "config/gh/hosts.yml", &format!("github.com:\n  oauth_token: {}\n", token()));
    put(&corner.home(), ".claude/settings.json", "{}");
    let mut command = corner.writ(["scan", "--json"]);
    command.env("CLAUDE_CONFIG_DIR", alt.join("claude")).env("CODEX_HOME", alt.join("codex"));
    command.env("XDG_CONFIG_HOME", alt.join("config")).env("GH_CONFIG_DIR", alt.join("config/gh"));
    let objects = objects(&finished(command));
    let files: Vec<(&str, &str, &str)> = objects
        .iter()
        .filter(|one| one["file"].as_str().is_some_and(|file| file.starts_with('~')))
        .map(|one| ["file", "tool", "approval_level"].map(|key| one[key].as_str().unwrap()).into())
        .collect();
    assert_eq!(
        files,
        [
            ("~/.claude/settings.json", "claude-code", "none"),
            ("~/alt/claude/.claude.json", "claude-code", "none"),
            ("~/alt/claude/settings.json", "claude-code", "blanket"),
            ("~/alt/codex/config.toml", "codex", "blanket"),
            ("~/alt/config/crush/crush.json", "crush", "blanket"),
        ]
    );
    let machine = objects.iter().find(|one| one["credentials"].is_array()).unwrap();
    let places: Vec<&str> =
        machine["credentials"].as_array().unwrap().iter().map(|one| one["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["~/alt/claude/.credentials.json", "~/alt/config/gh/hosts.yml"]);
    assert_eq!(machine["sessions"][0]["tool"], "claude-code");
}
