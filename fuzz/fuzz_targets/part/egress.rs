//! A request that leaves, as a call of its own.

use writ_model::{Action, CallId, Client, Label, Operation, Request, Timestamp, ToolCall};
use writ_policy::{KnownHosts, Lexical, Workspace, actions_with};

pub fn actions(request: Request, known: &KnownHosts) -> Vec<Action> {
    let call = ToolCall {
        id: CallId::new(Timestamp::from_millis(0), [0; 10]),
        client: Client::ClaudeCode,
        tool: Label::lossy("egress"),
        client_call: None,
        subagent: None,
        operation: Operation::Request(Box::new(request)),
        cwd: "/w".to_owned(),
        arguments: serde_json::Value::Null,
    };
    let workspace = Workspace { root: "/w".into(), home: None, scratch: Vec::new(), own: Vec::new() };
    actions_with(&call, &workspace, &Lexical, known)
}
