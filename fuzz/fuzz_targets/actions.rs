//! Any arguments of a tool and any path become actions: no panic, no runaway, and never none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_model::{CallId, Client, Label, Operation, Timestamp, ToolCall};
use writ_policy::{Lexical, Workspace, actions_of};

fuzz_target!(|input: (&str, &str, u8)| {
    let (text, cwd, which) = input;
    let operation = match which % 4 {
        0 => Operation::Read { paths: vec![text.to_owned()] },
        1 => Operation::Write { paths: vec![text.to_owned()] },
        2 => Operation::Search { folders: vec![".".to_owned()], pattern: Some(text.to_owned()) },
        _ => Operation::Mcp { server: "x".to_owned(), tool: cwd.to_owned() },
    };
    let now = Timestamp::from_millis(1);
    let call = ToolCall {
        id: CallId::new(now, [1; 10]),
        client: Client::ClaudeCode,
        tool: Label::lossy("x"),
        client_call: None,
        subagent: None,
        operation,
        cwd: format!("/{cwd}"),
        arguments: serde_json::from_str(text).unwrap_or_default(),
    };
    let workspace = Workspace { root: "/w".into(), home: Some("/home/u".into()), ..Workspace::default() };
    assert!(!actions_of(&call, &workspace, &Lexical).is_empty());
});
