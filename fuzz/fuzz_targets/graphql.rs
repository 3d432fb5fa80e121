//! GraphQL documents: whatever stands beside it, a mutation that merges is seen, or the whole is not understood.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_model::{Account, Action, Body, CallId, Client, Label, Operation, Request, Scheme, Timestamp, ToolCall};
use writ_policy::{KnownHosts, Lexical, Workspace, actions_with};

const MERGE: &str = "mutation m { x: mergePullRequest(input: {pullRequestId: \"PR_1\"}) { clientMutationId } }";

fn asked(document: &str) -> Vec<Action> {
    let request = Request {
        method: "POST".to_owned(),
        scheme: Scheme::Https,
        host: "api.github.com".to_owned(),
        port: 443,
        path: "/graphql".to_owned(),
        query: None,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Body::Whole(serde_json::json!({ "query": document }).to_string().into_bytes()),
        account: Account::Nobody,
    };
    let now = Timestamp::from_millis(0);
    let call = ToolCall {
        id: CallId::new(now, [0; 10]),
        client: Client::ClaudeCode,
        tool: Label::lossy("egress"),
        client_call: None,
        subagent: None,
        operation: Operation::Request(Box::new(request)),
        cwd: "/w".to_owned(),
        arguments: serde_json::Value::Null,
    };
    let workspace = Workspace { root: "/w".into(), home: None, scratch: Vec::new(), own: Vec::new() };
    actions_with(&call, &workspace, &Lexical, &KnownHosts::default())
}

fuzz_target!(|text: &str| {
    assert!(!asked(text).is_empty());
    let only_read = asked("query q { viewer { login } }");
    for document in [format!("{MERGE}\n{text}"), format!("{text}\n{MERGE}")] {
        assert_ne!(asked(&document), only_read, "{document}");
    }
});
