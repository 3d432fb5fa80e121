//! GraphQL documents: whatever stands beside it, a mutation that merges is seen, or the whole is not understood.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_model::{Account, Action, Body, Request, Scheme};
use writ_policy::KnownHosts;

#[path = "part/egress.rs"]
mod egress;

const MERGE: &str =
    "mutation m { x: mergePullRequest(input: {pullRequestId: \"PR_1\"}) { clientMutationId } }";

fn asked(document: &str) -> Vec<Action> {
    let request = Request {
        method: "POST".to_owned(),
        scheme: Scheme::Https,
        host: "api.github.com".to_owned(),
        port: 443,
        path: "/graphql".to_owned(),
        query: None,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Body::Whole(serde_json::json!({ "query": document }).to_string().into()),
        account: Account::Nobody,
    };
    egress::actions(request, &KnownHosts::default())
}

fuzz_target!(|text: &str| {
    assert!(!asked(text).is_empty());
    let only_read = asked("query q { viewer { login } }");
    for document in [format!("{MERGE}\n{text}"), format!("{text}\n{MERGE}")] {
        assert_ne!(asked(&document), only_read, "{document}");
    }
});
