//! Requests as the egress proxy reads them: what they ask for, whoever asks and however it is spelled.

mod answer;
mod cloud;
mod forge;
mod git;
mod registry;
mod spelling;

use std::fmt::Write as _;

use writ_model::{
    Account, Action, ApprovalLevel, Body, Label, Operation, Request, Scheme, Supervision, TaskKind,
};
use writ_policy::{Forge, GitStep, Judgement, KnownHosts, Lexical, actions_with, git_service};

use crate::ground::{call, judge, moment, workspace};

/// `METHOD address`, then lines of headers and, behind an empty line, the body. As in HTTP, so that a table can be read.
pub fn request(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, address) = lines.next().unwrap().split_once(' ').unwrap();
    let (scheme, rest) = address.split_once("://").unwrap();
    let scheme = if scheme == "http" { Scheme::Http } else { Scheme::Https };
    let (authority, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().unwrap()),
        None => (authority, scheme.port()),
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (rest, None),
    };
    let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned()));
    Request {
        method: method.to_owned(),
        scheme,
        host: host.to_owned(),
        port,
        path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        query,
        headers: headers.collect(),
        body: if body.is_empty() { Body::None } else { Body::Whole(body.as_bytes().to_vec().into()) },
        account: Account::Nobody,
    }
}

fn actions(request: Request, known: &KnownHosts) -> Vec<Action> {
    actions_with(&call(Operation::Request(Box::new(request))), &workspace(), &Lexical, known)
}

/// All but the host, in few words: `publish Repository github.com/o/r`.
fn told(request: Request, known: &KnownHosts) -> String {
    let mut told = String::new();
    for action in actions(request, known) {
        let kind = action.resource.kind();
        if kind == "Host" {
            continue;
        }
        let name = if kind == "Unknown" { String::new() } else { action.resource.name() };
        write!(told, "{} {kind} {name}; ", action.effect.name()).unwrap();
    }
    told.trim_end_matches([';', ' ']).replace(&format!("{}/", crate::ground::ROOT), "")
}

fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, expected)| (text, expected, told(request(text), &KnownHosts::default())))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(text, expected, found)| format!("{text}\n  expected {expected:?}\n  found    {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const UNKNOWN: &str = "unknown Unknown";

#[test]
fn ordinary_requests_only_reach_their_host() {
    check(&[
        ("GET https://example.org/", ""),
        ("HEAD https://example.org/a//b/../c", ""),
        ("GET https://example.org/a;b?_method=x", ""),
        ("POST https://example.org/api/things\n\n{\"a\":1}", ""),
        ("PUT https://example.org/things/1\n\n{\"a\":1}", ""),
        ("DELETE https://example.org/things/1", ""),
        ("PROPFIND https://example.org/things/1", ""),
        ("put https://registry.example/left-pad\n\n{}", UNKNOWN),
        ("Post https://example.org/api/things\n\n{}", UNKNOWN),
        ("PUBLISH https://example.org/api/things", UNKNOWN),
        ("PUT https://search.example/index\n\n{\"settings\":{}}", ""),
        ("POST https://example.org/graphql\n\n{\"query\":\"mutation { a }\"}", ""),
        ("GET https://registry.example/left-pad", ""),
        ("GET https://registry.example/@scope%2fname", ""),
        ("GET https://registry.example/left-pad/-/left-pad-1.3.0.tgz", ""),
        ("GET https://registry.example/simple/requests/", ""),
        ("GET https://registry.example/api/v1/crates/serde/1.0.0/download", ""),
        ("GET https://registry.example/v2/library/alpine/manifests/latest", ""),
        ("HEAD https://registry.example/v2/library/alpine/blobs/sha256:00", ""),
        ("GET https://registry.example/org/example/app/1.0/app-1.0.pom", ""),
        ("POST https://registry.example/-/npm/v1/security/advisories/bulk\n\n{}", ""),
        ("GET https://api.github.com/repos/o/r/pulls?state=open", ""),
        ("GET https://api.github.com/repos/o/r/contents/.github/workflows/ci.yml", ""),
        ("GET https://api.github.com/user", ""),
        ("GET https://api.github.com/repos/o/r/actions/secrets", ""),
        ("POST https://api.github.com/graphql\n\n{\"query\":\"{ viewer { login } }\"}", ""),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"query Q($n: Int!) { a(n: $n) }\",\"operationName\":\"Q\",\"variables\":{\"n\":1}}",
            "",
        ),
        ("GET https://gitlab.com/api/v4/projects/team%2Fapp/merge_requests", ""),
        ("GET https://github.com/o/r/releases/download/v1/x.tar.gz", ""),
        ("GET https://raw.githubusercontent.com/o/r/main/README.md", ""),
        // What the proxy sees of loopback is a service of the machine around the sandbox.
        (
            "POST http://localhost:8080/api/v1/repos/o/r/pulls/1/merge",
            "publish Repository localhost:8080/o/r",
        ),
        ("PUT http://127.0.0.1:3000/repos/o/r/pulls/1/merge", ""),
    ]);
}
