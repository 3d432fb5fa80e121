//! Files that a session wrote from what strangers wrote: marked, whatever ends, until a person has looked at them.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::corner::{Corner, finished, text};

/// The calls that a hooked session of Claude Code is about to make, one after the other. The client is a process of its
/// own: what starts a hook counts as an agent from then on.
fn calls(corner: &Corner, calls: &[(&str, Value)]) {
    let mut body = String::new();
    for (at, (tool, input)) in calls.iter().enumerate() {
        let message = json!({
            "session_id": "s1", "transcript_path": "/nowhere", "cwd": corner.work(), "tool_name": tool,
            "hook_event_name": "PreToolUse", "tool_input": input, "tool_use_id": format!("toolu_{at}"),
        });
        let file = corner.bin().join(format!("message-{at}"));
        std::fs::write(&file, message.to_string()).unwrap();
        let writ = env!("CARGO_BIN_EXE_writ");
        body.push_str(&format!("{writ} hook claude-code <{} || exit 9\n", file.display()));
    }
    let mut client = Command::new(corner.script("client", &body));
    client
        .env_clear()
        .env("HOME", corner.home())
        .env("PATH", "/usr/bin:/bin")
        .env("WRIT_STATE_DIR", corner.state());
    client.current_dir(corner.work()).stdin(Stdio::null());
    let output = finished(client);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_mark_outlives_the_session_and_the_control_plane_and_ends_with_a_persons_word() {
    let mut corner = Corner::with_control_plane();
    corner.register("claude-code");
    let work = corner.work().canonicalize().unwrap();
    std::fs::write(work.join("run.sh"), "echo hi").unwrap();
    // The client never told what the issue says, so nobody can compare what is written after it.
    let issue = json!({"owner": "o", "repo": "r", "issue_number": 5});
    let file = json!({"file_path": work.join("run.sh"), "content": "echo hi"});
    calls(&corner, &[("mcp__github__get_issue", issue), ("Write", file)]);

    corner.kill_serve();
    corner.serve();
    let folder = work.to_str().unwrap();
    let marks = corner.json(["task", "marks", "--workspace", folder, "--json"]);
    let [mark] = marks["marks"].as_array().unwrap().as_slice() else { panic!("{marks}") };
    assert_eq!(mark["path"], json!(work.join("run.sh")));
    assert_eq!(mark["source"], "mcp");
    let task = corner.json(["task", "list", "--all", "--json"])["tasks"][0].clone();
    assert_eq!(task["touched"][0]["source"], "mcp", "{task}");
    let shown = text(&corner.run(["task", "show", task["id"].as_str().unwrap()]));
    assert!(shown.contains("mcp (untrusted)") && shown.contains("github/get_issue"), "{shown}");
    let story = text(&corner.run(["audit", "show", task["id"].as_str().unwrap()]));
    assert!(story.contains("taint-raised") && story.contains("file-marked"), "{story}");

    let path = work.join("run.sh");
    let clear = ["task", "clear-mark", path.to_str().unwrap(), "--workspace", folder];
    assert!(corner.run(clear).status.success());
    assert_eq!(corner.json(["task", "marks", "--workspace", folder, "--json"])["marks"], json!([]));
    let again = corner.run(clear);
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    assert!(text(&again).contains("nothing is marked"), "{}", text(&again));
}

/// Without a supervisor nobody knows how the client was started: what it was started with is read where it runs.
#[test]
fn attack_a_hooked_client_that_was_told_to_ask_nobody_is_known_as_one() {
    let corner = Corner::with_control_plane();
    corner.register("gemini-cli");
    let writ = env!("CARGO_BIN_EXE_writ");
    let levels = ["", "--yolo"].map(|switch| {
        let message = json!({
            "session_id": format!("s{switch}"), "transcript_path": "/nowhere", "cwd": corner.work(), "source": "startup",
            "hook_event_name": "SessionStart", "timestamp": "2026-01-01T00:00:00Z",
        });
        let file = corner.bin().join("message");
        std::fs::write(&file, message.to_string()).unwrap();
        let hook = format!("'{writ}' hook gemini-cli SessionStart <'{}' || exit 9; :", file.display());
        let mut client = Command::new("bash");
        // The name and the switch of the client; what it starts first is a shell, as with the real one.
        let line = format!("exec -a gemini python3 -c 'import subprocess,sys; sys.exit(subprocess.call([\"sh\", \"-c\", sys.argv[1]]))' \"$0\" {switch}");
        client.args(["-c", &line, &hook]);
        client.env_clear().env("HOME", corner.home()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        client.env("WRIT_STATE_DIR", corner.state()).current_dir(corner.work()).stdin(Stdio::null());
        let output = finished(client);
        assert!(output.status.success(), "{}", text(&output));
        let starts = corner.json(["audit", "search", "--event", "session-started", "--json"]);
        let entry = &starts["entries"][0]["entry"]["event"];
        entry["autonomy"].as_u64().unwrap_or_else(|| panic!("{starts}"))
    });
    assert_eq!(levels, [0, 2]);
}

/// A container's first process, or one that a service manager placed in a namespace: the session that all belong to has no
/// number there.
#[test]
fn a_hooked_client_is_known_where_its_session_began_outside_of_the_process_namespace() {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]);
    unshare.arg(std::env::current_exe().unwrap());
    unshare.args(["--exact", "mark::attack_a_hooked_client_that_was_told_to_ask_nobody_is_known_as_one"]);
    let output = finished(unshare);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("1 passed"), "{}", text(&output));
}
