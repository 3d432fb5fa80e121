//! The commands that need no control plane: `classify`, `check`, `policy validate`, `completion`.

use serde_json::{Value, json};

use crate::corner::{Corner, fed, text};

#[test]
fn lines_are_answered_in_order_whatever_they_hold() {
    let corner = Corner::new();
    let input = "{\"id\":1,\"command\":\"cargo test\"}\n{\"id\":\"two\",\"command\":\"sudo rm -rf /\",\"more\":true}\nnot json\n{\"id\":4}\n\n{\"id\":5,\"command\":\"\\ud800\"}\n{\"id\":6,\"command\":\"ls\"}";
    let output = fed(corner.writ(["classify", "--json"]), input.as_bytes());
    assert!(output.status.success(), "{}", text(&output));
    let lines: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let ids: Vec<&Value> = lines.iter().map(|line| &line["id"]).collect();
    assert_eq!(json!(ids), json!([1, "two", null, 4, null, 6]));
    let labels: Vec<&Value> = lines.iter().map(|line| &line["label"]).collect();
    assert_eq!(json!(labels), json!(["build-test", "destructive", "unknown", "unknown", "unknown", "read"]));
    assert!(lines.iter().all(|line| line["v"] == 1));
}

#[test]
fn what_would_be_decided_shows_in_the_exit_code() {
    let corner = Corner::new();
    for (arguments, code) in [
        (&["--kind", "feature", "--command", "ls"][..], 0),
        (&["--kind", "feature", "--command", "git push origin HEAD:refs/heads/elsewhere"], 4),
        (&["--kind", "feature", "--command", "echo eA== | base64 -d | sh"], 3),
        (&["--kind", "feature", "--action", "write-workspace", "--resource", "path:notes.txt"], 0),
        (&["--kind", "review", "--action", "write-workspace", "--resource", "path:notes.txt"], 4),
        (&["--kind", "feature", "--action", "read", "--resource", "nonsense"], 2),
        (&["--kind", "feature", "--action", "read"], 2),
        (&["--command", "ls"], 2),
        (&["--kind", "feature"], 2),
    ] {
        let output = corner.run(["check"].iter().chain(arguments));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
    }
    let answer: Value =
        serde_json::from_slice(&corner.run(["check", "--kind", "docs", "--command", "ls", "--json"]).stdout)
            .unwrap();
    assert_eq!((&answer["v"], &answer["decision"]["verdict"]), (&json!(1), &json!("allow")));
}

#[test]
fn policies_are_validated_and_what_is_wrong_is_named() {
    let corner = Corner::new();
    assert!(corner.run(["policy", "validate"]).status.success());
    let folder = corner.bin().join("policies");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("mine.cedar");
    std::fs::write(&file, "permit(principal, action, resource) when { principal.nothing };").unwrap();
    let output = corner.run(["policy", "validate", folder.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["usable"], false);
    assert_eq!(report["findings"][0]["file"], "mine.cedar");
    let config = corner.home().join(".config/writ");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(
        config.join("config.toml"),
        format!("[policy]\norganisation = \"{}\"\n", folder.display()),
    )
    .unwrap();
    let serve = corner.run(["serve"]);
    assert_eq!(serve.status.code(), Some(1), "{}", text(&serve));
    assert!(text(&serve).contains("writ policy validate"), "{}", text(&serve));
}

#[test]
fn completions_are_printed() {
    let corner = Corner::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = corner.run(["completion", shell]);
        assert!(output.status.success() && output.stdout.len() > 1_000, "{shell}");
    }
}

#[test]
fn each_effect_shows_the_part_of_the_command_it_was_read_from() {
    let corner = Corner::new();
    let command = "true && grüße; npm publish && curl -H 'Authorization: Bearer abc' https://x.example";
    let output = corner.run(["classify", "--json", command]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let why = answer["why"].as_array().unwrap();
    assert_eq!(why.len(), answer["effects"].as_array().unwrap().len(), "{answer}");
    for part in why {
        let at = |name: &str| usize::try_from(part[name].as_u64().unwrap()).unwrap();
        assert!(command.get(at("start")..at("end")).is_some(), "{part}");
        assert!(
            !part["rule"].as_str().unwrap().is_empty() && !part["says"].as_str().unwrap().is_empty(),
            "{part}"
        );
    }
    assert!(
        why.iter().any(|part| part["text"] == "npm publish" && part["rule"] == "command.npm"),
        "{answer}"
    );
    let said = text(&corner.run(["classify", command]));
    for part in ["in \"npm publish\"", "(command.npm)", "Authorization: Bearer [redacted]"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("abc") && !answer.to_string().contains("abc"), "{said}{answer}");
}
