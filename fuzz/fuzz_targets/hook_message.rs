//! A client's message: whatever comes in, it is read or refused, and the refusal is one that the client can read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::hook::{HookEvent, parse, refusal};
use writ_model::{Client, ReasonCode};

fuzz_target!(|input: (u8, Option<String>, String)| {
    let (client, event, text) = input;
    let client = Client::HOOKED[usize::from(client) % Client::HOOKED.len()];
    if let Ok(heard) = parse(client, event.as_deref(), &text) {
        assert!(heard.cwd.starts_with('/') && !heard.session.is_empty());
        if let HookEvent::BeforeTool(call) = heard.event {
            assert!(call.cwd.starts_with('/'));
        }
    }
    let no = refusal(client, event.as_deref(), text.as_bytes(), ReasonCode::InputMalformed, &text);
    assert!(no.stdout.is_empty() || serde_json::from_str::<serde_json::Value>(&no.stdout).is_ok());
    // Nothing is said, or something that blocks: some clients read the exit code and standard error alone.
    assert!(no.stderr.is_empty() || no.exit == 2 || !no.stdout.is_empty());
    assert!(!no.stderr.is_empty() || (no.exit == 0 && no.stdout.is_empty()));
});
