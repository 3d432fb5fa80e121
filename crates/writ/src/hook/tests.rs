use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(Into::into).collect()
}

#[test]
fn the_command_line_is_read_in_any_order() {
    let call = |event: Option<&str>, seconds| Call {
        client: Client::ClaudeCode,
        event: event.map(str::to_owned),
        socket: None,
        deadline: Duration::from_secs(seconds),
    };
    for (line, expected) in [
        ("hook claude-code", call(None, 590)),
        ("hook claude-code --deadline 5", call(None, 5)),
        ("hook claude-code --deadline=5 PreToolUse", call(Some("PreToolUse"), 5)),
        ("hook claude-code PreToolUse --deadline 5", call(Some("PreToolUse"), 5)),
        (
            "hook claude-code PreToolUse --socket /run/hook.sock --deadline 5",
            Call { socket: Some("/run/hook.sock".into()), ..call(Some("PreToolUse"), 5) },
        ),
    ] {
        assert_eq!(parsed(&words(line)), Ok(expected), "{line}");
    }
}

#[test]
fn a_command_line_that_is_not_understood_is_an_error() {
    for line in [
        "hook",
        "hook nobody",
        "hook other",
        "hook claude-code --deadline",
        "hook claude-code --deadline 0",
        "hook claude-code --deadline -1",
        "hook claude-code --deadline 86401",
        "hook claude-code --deadlines 5",
        "hook claude-code --socket",
        "hook claude-code --socket hook.sock",
        "hook claude-code --allow",
        "hook claude-code one two",
    ] {
        assert!(parsed(&words(line)).is_err(), "{line}");
    }
}

#[test]
fn a_panic_is_a_refusal_in_the_clients_form() {
    panic::set_hook(Box::new(|_| {}));
    for client in Client::HOOKED {
        let call = Call { client, event: None, socket: None, deadline: DEFAULT_DEADLINE };
        let mut input = br#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{}}"#.to_vec();
        let reply = guarded(&call, &mut input, |_, _| panic!("inside")).unwrap();
        let refused = refused(
            &call,
            &input,
            &Failure { reason: ReasonCode::HookFailed, detail: "the hook process panicked".to_owned() },
        );
        assert_eq!(reply, refused);
        assert!(reply.stdout.contains("hook-failed") || reply.stderr.contains("hook-failed"), "{reply:?}");
    }
}
