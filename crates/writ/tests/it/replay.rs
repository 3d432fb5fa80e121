//! `writ replay`: chains in, answers out, in step, without a control plane and without a trace.

use serde_json::{Value, json};

use crate::corner::{Corner, fed, text};

fn lines(output: &std::process::Output) -> Vec<Value> {
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn chain(id: &str) -> Value {
    json!({
        "id": id,
        "task": "mend the fence",
        "more": true,
        "scope": {"read_paths": ["./**"], "write_paths": ["src/**"], "network_hosts": ["docs.example.org"], "x": 1},
        "steps": [
            {"tool": "web_fetch", "args": {"url": "https://docs.example.org/"}, "output_trust": "untrusted"},
            {"tool": "edit_file", "args": {"path": "src/fence.rs"}},
            {"tool": "edit_file", "args": {"path": "other/fence.rs"}},
            {"tool": "bash", "args": {"command": "cat ~/.ssh/id_rsa"}},
        ],
    })
}

#[test]
fn every_line_has_its_answer_and_a_bad_one_takes_nothing_with_it() {
    let corner = Corner::new();
    let broken = [
        "not json",
        "[]",
        r#"{"id":"a"}"#,
        r#"{"id":"b","scope":{},"steps":[{}]}"#,
        r#"{"id":"c","scope":{"deny_read":[4]},"steps":[]}"#,
    ];
    let mut input: Vec<String> = vec![chain("one").to_string(), String::new()];
    input.extend(broken.map(str::to_owned));
    input.push(chain("two").to_string());
    let output = fed(corner.writ(["replay", "--json"]), input.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let lines = lines(&output);
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|line| line["v"] == 1));
    let expected = json!(["allow", "allow", "step_up", "step_up"]);
    for (line, id) in [(&lines[0], "one"), (&lines[6], "two")] {
        assert_eq!(line["id"], id);
        assert_eq!(line["decisions"].as_array().unwrap().len(), 4);
        assert_eq!(line["decisions"][0], expected[0]);
        assert_eq!(line["decisions"][1], expected[1]);
        assert_ne!(line["decisions"][2], "allow");
        assert_ne!(line["decisions"][3], "allow");
    }
    for line in &lines[1..6] {
        assert_eq!(line["id"], Value::Null);
        assert!(!line["error"].as_str().unwrap().is_empty());
    }
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    for number in [3, 4, 5, 6, 7] {
        assert!(complaints.contains(&format!("line {number}: ")), "{complaints}");
    }
    assert_eq!(std::fs::read_dir(corner.state()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn people_get_a_table_and_what_it_would_take() {
    let corner = Corner::new();
    let file = corner.work().join("chains.ndjson");
    std::fs::write(&file, chain("fence").to_string()).unwrap();
    let output = corner.run(["replay", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let shown = text(&output);
    for word in [
        "fence",
        "STEP",
        "web_fetch",
        "src/fence.rs",
        "step_up",
        "one-person",
        "the task names what may be changed",
    ] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    let missing = corner.run(["replay", "nowhere.ndjson"]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing));
}

#[test]
fn bad_bounds_start_nothing() {
    let corner = Corner::new();
    corner.cast("exit 0");
    let folder = corner.work();
    let written = |name: &str, content: &str| {
        let file = folder.join(name);
        std::fs::write(&file, content).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let unknown = written("unknown.toml", "writes = [\"src/**\"]\n");
    let broken = written("broken.json", "{\"hosts\": [\"https://example.org/\"]}");
    let cases: [(&[&str], &str); 7] = [
        (&["--bounds", &unknown], "writes"),
        (&["--bounds", &broken], "is no host"),
        (&["--bounds", "nowhere.toml"], "nowhere.toml"),
        (&["--allow-host", "https://x"], "is no host"),
        (&["--allow-mcp", "forge"], "SERVER/TOOL"),
        (&["--stop-on", "boredom"], "no condition"),
        (&["--effect", "deploy"], "no task of kind docs"),
    ];
    for (flags, expected) in cases {
        let run = ["run", "--kind", "docs", "--task", "x"].iter().chain(flags).chain(&["--", "claude"]);
        let output = corner.run(run.copied().collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {}", text(&output));
        let told = text(&output);
        assert!(told.contains(expected), "{flags:?}: {told}");
        assert_eq!(std::fs::read_dir(corner.state()).unwrap().count(), 0, "{flags:?}");
    }
}
