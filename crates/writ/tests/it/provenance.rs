//! `writ provenance`: who acted in commits.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::corner::{Corner, fed, text};

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(folder: &Path, author: &str, message: &str) {
    let author = format!("--author={author}");
    git(
        folder,
        &[
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.org",
            "commit",
            "-q",
            "--allow-empty",
            &author,
            "-m",
            message,
        ],
    );
}

#[test]
fn commits_are_answered_in_order() {
    let corner = Corner::new();
    let input = "{\"id\":1,\"author_name\":\"Ada\",\"author_email\":\"a@b.example\",\"message\":\"Fix\\n\\nMade-with: Cursor\"}\nno\n{\"id\":3,\"author_name\":null}";
    let output = fed(corner.writ(["provenance", "classify", "--json"]), input.as_bytes());
    assert!(output.status.success(), "{}", text(&output));
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    let said: Vec<_> = lines.iter().map(|line| (&line["id"], &line["label"], &line["agents"])).collect();
    assert_eq!(
        json!(said),
        json!([[1, "agent-assisted", ["cursor"]], [null, "unknown", []], [3, "human-or-undisclosed", []]])
    );
}

#[test]
fn a_history_is_read_and_its_settings_start_nothing() {
    let corner = Corner::new();
    let work = corner.work();
    git(&work, &["init", "-q", "-b", "main"]);
    commit(&work, "Ada <ada@example.org>", "Begin");
    commit(&work, "Ada <ada@example.org>", "Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
    commit(&work, "jules <161369871+google-labs-jules[bot]@users.noreply.github.com>", "Work");
    git(&work, &["pack-refs", "--all"]);
    // Programs that git would start in this repository.
    let trap = work.join("trap");
    let started = work.join("started");
    std::fs::write(&trap, format!("#!/bin/sh\ntouch {}\n", started.display())).unwrap();
    git(&work, &["update-index", "--refresh"]);
    let trap = trap.display().to_string();
    for (key, value) in [
        ("core.fsmonitor", trap.as_str()),
        ("core.pager", &trap),
        ("log.showSignature", "true"),
        ("gpg.program", &trap),
        ("core.alternateRefsCommand", &trap),
        ("core.sshCommand", &trap),
    ] {
        git(&work, &["config", key, value]);
    }
    std::fs::create_dir(work.join("below")).unwrap();
    for folder in [".", "below"] {
        let output = corner.run(["provenance", "log", "--json", folder]);
        assert!(output.status.success(), "{}", text(&output));
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
        let said: Vec<_> = lines.iter().map(|line| (&line["subject"], &line["agents"])).collect();
        assert_eq!(json!(said), json!([["Work", ["jules"]], ["Fix", ["claude-code"]], ["Begin", []]]));
    }
    let output = corner.run(["provenance", "log", "--commits", "--number", "2"]);
    assert!(text(&output).contains("claude-code") && text(&output).contains("goes on"), "{}", text(&output));
    assert!(!started.exists());
    assert_eq!(corner.run(["provenance", "log", "/"]).status.code(), Some(1));
}
