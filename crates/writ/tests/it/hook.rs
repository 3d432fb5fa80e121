//! The hook process fails closed, whatever is wrong, in the form that its client honours, and in time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::corner::{Corner, Guest, fed, finished, text};

/// What each client sends before a tool call.
const CALLS: [(&str, &str); 7] = [
    (
        "claude-code",
        r#"{"session_id":"s","cwd":"/w","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t"}"#,
    ),
    (
        "codex",
        r#"{"session_id":"s","cwd":"/w","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t"}"#,
    ),
    (
        "gemini-cli",
        r#"{"session_id":"s","cwd":"/w","hook_event_name":"BeforeTool","tool_name":"run_shell_command","tool_input":{"command":"ls"}}"#,
    ),
    (
        "opencode",
        r#"{"hook_event_name":"tool.execute.before","session":"s","directory":"/w","input":{"tool":"bash","callID":"c"},"output":{"args":{"command":"ls"}}}"#,
    ),
    (
        "qwen-code",
        r#"{"session_id":"s","cwd":"/w","hook_event_name":"PreToolUse","tool_name":"run_shell_command","tool_input":{"command":"ls"},"tool_use_id":"t"}"#,
    ),
    (
        "cursor",
        r#"{"conversation_id":"s","workspace_roots":["/w"],"hook_event_name":"preToolUse","tool_name":"Shell","tool_input":{"command":"ls"},"tool_use_id":"t"}"#,
    ),
    (
        "vscode",
        r#"{"sessionId":"s","cwd":"/w","hookEventName":"PreToolUse","tool_name":"run_in_terminal","tool_input":{"command":"ls"},"tool_use_id":"t"}"#,
    ),
];

/// A reply that lets Claude Code run the call.
const LETS_THROUGH: &str =
    r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#;

fn hook(corner: &Corner, client: &str, options: &[&str], input: &[u8]) -> Output {
    fed(corner.writ(["hook", client].iter().chain(options)), input)
}

/// Refused in words and in code: exit 2 blocks in every client with command hooks, the JSON beside it says why.
fn refused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", text(output));
    let said = text(output);
    assert!(said.contains(reason), "no `{reason}` in {said}");
    assert!(!said.contains("\"allow\""), "{said}");
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert!(answer.is_object(), "{said}");
}

/// A server that treats each of its visitors alike, for as long as the test runs.
fn server(path: &Path, answer: impl Fn(std::os::unix::net::UnixStream) + Send + 'static) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
}

fn read_line(stream: &std::os::unix::net::UnixStream) {
    let mut line = String::new();
    let _ = BufReader::new(stream).read_line(&mut line);
}

#[test]
fn every_client_is_refused_when_nobody_answers() {
    let corner = Corner::new();
    for (client, input) in CALLS {
        refused(&hook(&corner, client, &[], input.as_bytes()), "control-unreachable");
    }
}

#[test]
fn input_that_is_no_event_is_refused() {
    let corner = Corner::new();
    server(&corner.state().join("hook.sock"), |mut stream| {
        read_line(&stream);
        let _ = stream.write_all(b"{\"exit\":0,\"stdout\":\"\\\"allow\\\"\",\"stderr\":\"\"}\n");
    });
    for (client, _) in CALLS {
        refused(&hook(&corner, client, &["E"], b""), "input-malformed");
        refused(&hook(&corner, client, &["E"], b" \n\t"), "input-malformed");
        refused(&hook(&corner, client, &["E"], b"{\"a\":\"\xff\xfe\"}"), "input-malformed");
    }
}

#[test]
fn a_hundred_megabytes_are_refused_without_being_kept() {
    let corner = Corner::new();
    let input = vec![b'x'; 100 << 20];
    for (client, _) in CALLS {
        refused(&hook(&corner, client, &[], &input), "input-too-large");
    }
}

#[test]
fn an_answer_that_is_not_ours_lets_nothing_through() {
    let quoted = serde_json::to_string(LETS_THROUGH).unwrap();
    for (name, answer) in [
        ("raw decision", format!("{LETS_THROUGH}\n")),
        ("no line", String::new()),
        ("empty line", "\n".to_owned()),
        ("no json", "yes\n".to_owned()),
        ("half a line", format!("{{\"exit\":0,\"stdout\":{quoted},\"stderr\":\"\"}}")),
        ("other code", format!("{{\"exit\":1,\"stdout\":{quoted},\"stderr\":\"\"}}\n")),
        ("unknown field", format!("{{\"exit\":0,\"stdout\":{quoted},\"stderr\":\"\",\"more\":1}}\n")),
        ("endless", "x".repeat(4 << 20)),
    ] {
        let corner = Corner::new();
        let bytes = answer.clone().into_bytes();
        server(&corner.state().join("hook.sock"), move |mut stream| {
            read_line(&stream);
            let _ = stream.write_all(&bytes);
        });
        for (client, input) in CALLS {
            let output = hook(&corner, client, &[], input.as_bytes());
            assert_eq!(output.status.code(), Some(2), "{name}: {}", text(&output));
            assert!(
                text(&output).contains("control-unreachable") || text(&output).contains("input-too-large"),
                "{name}"
            );
            assert!(!text(&output).contains("\"allow\""), "{name}");
        }
    }
}

#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    let corner = Corner::new();
    let socket = corner.state().join("hook.sock");
    server(&socket, |stream| {
        read_line(&stream);
        std::mem::forget(stream);
    });
    for (client, input) in CALLS {
        let start = Instant::now();
        refused(&hook(&corner, client, &["--deadline", "1"], input.as_bytes()), "not-in-time");
        assert!(start.elapsed() < Duration::from_secs(5), "{client}");
    }
}

#[test]
fn a_server_that_takes_no_connection_is_given_up_in_time() {
    let corner = Corner::new();
    let listener = UnixListener::bind(corner.state().join("hook.sock")).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _queued: Vec<_> = (0..4)
        .map(|_| {
            let mut command = corner.writ(["hook", "claude-code", "--deadline", "30"]);
            Guest(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
        })
        .collect();
    let start = Instant::now();
    let (client, input) = CALLS[0];
    refused(&hook(&corner, client, &["--deadline", "1"], input.as_bytes()), "not-in-time");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn input_that_never_ends_is_given_up_in_time() {
    let corner = Corner::new();
    let mut child = corner
        .writ(["hook", "claude-code", "PreToolUse", "--deadline", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let held_open = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(held_open);
    refused(&output, "not-in-time");
}

#[test]
fn without_a_home_there_is_a_refusal_that_says_so() {
    let corner = Corner::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_writ"));
    command.args(["hook", "claude-code"]).env_clear().current_dir(corner.work());
    let output = fed(command, CALLS[0].1.as_bytes());
    refused(&output, "control-unreachable");
    assert!(text(&output).contains("HOME"), "{}", text(&output));
}

#[test]
fn a_closed_standard_input_is_a_refusal() {
    let corner = Corner::new();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$0\" hook claude-code PreToolUse <&-", env!("CARGO_BIN_EXE_writ")]);
    command.env_clear().env("HOME", corner.home());
    refused(&finished(command), "input-malformed");
}

#[test]
fn an_answer_that_cannot_be_printed_is_a_block() {
    let corner = Corner::new();
    server(&corner.state().join("hook.sock"), |mut stream| {
        read_line(&stream);
        let _ = stream.write_all(b"{\"exit\":0,\"stdout\":\"{}\",\"stderr\":\"\"}\n");
    });
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$0\" hook claude-code PreToolUse >/dev/full", env!("CARGO_BIN_EXE_writ")]);
    command.env_clear().env("HOME", corner.home()).env("WRIT_STATE_DIR", corner.state());
    assert_eq!(fed(command, CALLS[0].1.as_bytes()).status.code(), Some(2));
}

#[test]
fn a_command_line_that_is_not_understood_blocks_and_prints_nothing_to_the_client() {
    let corner = Corner::new();
    for arguments in [
        &["hook", "nobody"][..],
        &["hook", "other"],
        &["hook", "claude-code", "--allow"],
        &["hook", "claude-code", "--deadline", "never"],
        &["hook", "claude-code", "--socket", "relative.sock"],
    ] {
        let output = fed(corner.writ(arguments), CALLS[0].1.as_bytes());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_session_that_ends_is_never_held_up() {
    let corner = Corner::new();
    for (client, event) in
        [("claude-code", "SessionEnd"), ("gemini-cli", "SessionEnd"), ("codex", "SessionEnd")]
    {
        let input =
            format!(r#"{{"session_id":"s","cwd":"/w","hook_event_name":"{event}","reason":"other"}}"#);
        let output = hook(&corner, client, &[event], input.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{client}: {}", text(&output));
    }
}

#[test]
fn a_reply_is_printed_as_it_came_and_the_frame_is_as_specified() {
    let corner = Corner::new();
    let socket = corner.bin().join("other.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        stream.write_all(b"{\"exit\":0,\"stdout\":\"out\\u00e9\",\"stderr\":\"err\"}\n").unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()
    });
    let (client, input) = CALLS[0];
    let socket = socket.to_str().unwrap();
    let output =
        hook(&corner, client, &["PreToolUse", "--socket", socket, "--deadline", "20"], input.as_bytes());
    assert_eq!(
        (output.status.code(), &*output.stdout, &*output.stderr),
        (Some(0), "outé".as_bytes(), &b"err"[..])
    );
    let frame = server.join().unwrap();
    assert_eq!(frame, serde_json::json!({"v": 1, "client": client, "event": "PreToolUse", "payload": input}));
}

/// These honour one thing alone, the answer or the exit code: that one says no, whatever is wrong.
#[test]
fn a_client_that_reads_one_thing_alone_is_refused_by_it() {
    for (client, event, exit, denied) in [
        ("cline", "PreToolUse", 0, r#""cancel":true"#),
        ("copilot-cli", "preToolUse", 0, r#"{"permissionDecision":"deny""#),
        ("kiro", "PreToolUse", 2, ""),
        ("windsurf", "pre_run_command", 2, ""),
    ] {
        for input in [&b""[..], b"{", b"\xff\xfe", b"{}", b"[1]"] {
            let corner = Corner::new();
            let output = hook(&corner, client, &[event, "--deadline", "5"], input);
            assert_eq!(output.status.code(), Some(exit), "{client}: {}", text(&output));
            assert!(String::from_utf8_lossy(&output.stdout).contains(denied), "{client}: {}", text(&output));
            assert!(!output.stderr.is_empty(), "{client}");
        }
    }
}

/// The folder that the process was started in goes with the messages of the client that does not tell it.
#[test]
fn windsurf_is_told_apart_by_the_folder_of_its_hook() {
    let corner = Corner::new();
    let socket = corner.bin().join("w.sock");
    let (sender, frames) = std::sync::mpsc::channel();
    server(&socket, move |stream| {
        let mut line = String::new();
        let _ = BufReader::new(&stream).read_line(&mut line);
        let _ = sender.send(line);
        let _ = (&stream).write_all(b"{\"exit\":0,\"stdout\":\"\",\"stderr\":\"\"}\n");
    });
    let message =
        br#" {"agent_action_name":"pre_read_code","trajectory_id":"t","tool_info":{"file_path":"/w/a"}}"#;
    let output = hook(&corner, "windsurf", &["pre_read_code", "--socket", socket.to_str().unwrap()], message);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let frame: serde_json::Value = serde_json::from_str(&frames.recv().unwrap()).unwrap();
    let payload: serde_json::Value = serde_json::from_str(frame["payload"].as_str().unwrap()).unwrap();
    assert!(payload["writ_hook_folder"].as_str().unwrap().starts_with('/'), "{payload}");
    assert_eq!(payload["trajectory_id"], "t");
}
