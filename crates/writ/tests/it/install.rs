//! `writ install`: shows first, writes once, takes back exactly what it put there.

use std::path::{Path, PathBuf};

use crate::corner::{Corner, text};

const CLIENTS: [&str; 11] = [
    "claude-code",
    "cline",
    "codex",
    "copilot-cli",
    "cursor",
    "gemini-cli",
    "kiro",
    "opencode",
    "qwen-code",
    "vscode",
    "windsurf",
];

/// Every file below, with what is in it.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn nothing_is_written_unasked_and_all_of_it_can_be_undone() {
    for client in CLIENTS {
        let corner = Corner::new();
        let before = files(&corner.home());
        let shown = corner.run(["install", client]);
        assert_eq!(shown.status.code(), Some(3), "{client}: {}", text(&shown));
        assert!(text(&shown).contains("+++ ") && text(&shown).contains("writ"), "{client}: {}", text(&shown));
        assert_eq!(files(&corner.home()), before, "{client}");

        let written = corner.run(["install", client, "--yes"]);
        assert!(written.status.success(), "{client}: {}", text(&written));
        let installed = files(&corner.home());
        assert_ne!(installed, before, "{client}");

        let again = corner.run(["install", client, "--yes"]);
        assert!(again.status.success(), "{client}");
        assert!(text(&again).contains("there already"), "{client}: {}", text(&again));
        assert_eq!(files(&corner.home()), installed, "{client}");

        let undone = corner.run(["install", client, "--undo", "--yes"]);
        assert!(undone.status.success(), "{client}: {}", text(&undone));
        let left: Vec<_> = files(&corner.home());
        assert!(
            !left.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("writ")),
            "{client}: {left:?}"
        );
    }
}

#[test]
fn what_the_user_had_stays() {
    let corner = Corner::new();
    let folder = corner.home().join(".claude");
    std::fs::create_dir(&folder).unwrap();
    let had = "{\n  \"model\": \"opus\",\n  \"hooks\": {\n    \"PreToolUse\": [\n      { \"hooks\": [{ \"type\": \"command\", \"command\": \"mine\" }] }\n    ]\n  }\n}\n";
    std::fs::write(folder.join("settings.json"), had).unwrap();
    let report = corner.json(["install", "claude-code", "--yes", "--json"]);
    assert_eq!((&report["v"], &report["written"]), (&1.into(), &true.into()));
    let after: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("settings.json")).unwrap()).unwrap();
    assert_eq!(after["model"], "opus");
    assert!(after["hooks"]["PreToolUse"].to_string().contains("mine"));
    assert!(after["hooks"]["PreToolUse"].to_string().contains("hook"));
    assert!(corner.run(["install", "claude-code", "--undo", "--yes"]).status.success());
    let back: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("settings.json")).unwrap()).unwrap();
    assert_eq!(back, serde_json::from_str::<serde_json::Value>(had).unwrap());
}

#[test]
fn a_file_that_cannot_be_read_is_not_replaced() {
    let corner = Corner::new();
    let folder = corner.home().join(".claude");
    std::fs::create_dir(&folder).unwrap();
    for bytes in [&b"{ not json"[..], b"\xff\xfe{}", b"[]"] {
        std::fs::write(folder.join("settings.json"), bytes).unwrap();
        let output = corner.run(["install", "claude-code", "--yes"]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert_eq!(std::fs::read(folder.join("settings.json")).unwrap(), bytes);
    }
}
