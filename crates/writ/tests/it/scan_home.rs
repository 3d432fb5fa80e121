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

fn credentials(objects: &[Value]) -> Vec<String> {
    let machine = objects.iter().find(|one| one["credentials"].is_array()).unwrap();
    let credentials = machine["credentials"].as_array().unwrap().iter();
    credentials
        .map(|one| format!("{} {}", one["place"].as_str().unwrap(), one["what"].as_str().unwrap()))
        .collect()
}

#[test]
fn credentials_of_a_named_folder_are_told_at_any_depth() {
    let corner = Corner::new();
    let tree = corner.bin().join("tree");
    let line = format!("A_TOKEN={}\n", token());
    put(&tree, "a/.git/config", &format!("[remote \"o\"]\n\turl = https://me:{}@h.example/a\n", token()));
    put(&tree, "a/sub/deep/.env", &line);
    put(&tree, "a/.env.example", &line);
    put(&tree, "a/node_modules/x/.env", &line);
    put(&tree, "a/main.tfvars", &format!("db_password = \"{}\"\n", token()));
    put(&tree, ".config/gh/hosts.yml", &format!("github.com:\n  oauth_token: {}\n", token()));
    put(
        &tree,
        "a/.mcp.json",
        &format!(
            "{{\"mcpServers\": {{\"x\": {{\"command\": \"/bin/false\", \"env\": {{\"A_TOKEN\": \"{}\"}}}}}}}}",
            token()
        ),
    );
    let arguments = ["scan", "--json", tree.to_str().unwrap()];
    let seen = objects(&corner.run(arguments));
    assert_eq!(
        credentials(&seen),
        [
            ".config/gh/hosts.yml token",
            "a/.git/config password in an address",
            "a/main.tfvars password",
            "a/sub/deep/.env token",
            "a/.mcp.json hard-coded credential",
        ]
    );
    // One value in all of them.
    let machine = seen.iter().find(|one| one["credentials"].is_array()).unwrap();
    let reuse: Vec<&str> = machine["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["rule"] == "writ/reused-credential")
        .map(|one| one["message"].as_str().unwrap())
        .collect();
    assert!(reuse.len() == 1 && reuse[0].contains("a/.mcp.json"), "{reuse:?}");
}
