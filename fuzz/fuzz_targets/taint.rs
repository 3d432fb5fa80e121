//! Any call and any answer: no panic, no runaway, and taint never falls. The text's lines are calls and answers in turn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use writ_model::{CallId, Client, Label, Operation, Timestamp, ToolCall};
use writ_policy::{
    Claim, Footprint, Ground, Lexical, PathKey, PrivateData, Session, SessionKeys, Workspace, actions_of,
};

fuzz_target!(|text: &str| {
    let workspace = Workspace {
        root: "/w".into(),
        home: Some("/home/u".into()),
        scratch: vec!["/tmp".into()],
        own: Vec::new(),
    };
    let private = PrivateData::default();
    let ground = Ground { workspace: &workspace, files: &Lexical, private: &private };
    let mut session = Session::new(SessionKeys { texts: [1; 32], paths: PathKey::new(&[2; 32]) });
    let mut last = session.taint();
    for (at, line) in text.split('\0').take(32).enumerate() {
        let id = CallId::new(Timestamp::from_millis(1), [at as u8; 10]);
        let operation = match at % 3 {
            0 => Operation::Shell { command: line.to_owned() },
            1 => Operation::Fetch { url: line.to_owned() },
            _ => Operation::Write { paths: vec![line.chars().take(40).collect()] },
        };
        let call = ToolCall {
            id,
            client: Client::ClaudeCode,
            tool: Label::lossy("t"),
            client_call: None,
            subagent: None,
            operation,
            cwd: "/w".to_owned(),
            arguments: json!({ "command": line, "content": line }),
        };
        let print = Footprint::of(&call, &actions_of(&call, &workspace, &Lexical), &ground);
        session.before(&print, &ground);
        session.after(&print, &ground);
        session.heard(id, &Claim { output: Some(line), untrusted: at % 5 == 0 });
        assert!(last.is_within(session.taint()));
        last = session.taint();
    }
});
