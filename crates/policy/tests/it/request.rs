//! Requests as the egress proxy reads them: what they ask for, whoever asks and however it is spelled.

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
        body: if body.is_empty() { Body::None } else { Body::Whole(body.as_bytes().to_vec()) },
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

#[test]
fn what_a_forge_is_asked_to_do_is_what_it_is() {
    const PR: &str = "git-push Repository github.com/acme/shop";
    check(&[
        ("POST https://api.github.com/repos/acme/shop/pulls\n\n{\"title\":\"a\"}", PR),
        ("POST https://api.github.com/repos/Acme/Shop/issues\n\n{\"title\":\"a\"}", PR),
        ("POST https://api.github.com/repos/acme/shop/issues/1/comments\n\n{\"body\":\"hi\"}", PR),
        (
            "PUT https://api.github.com/repos/acme/shop/pulls/7/merge\n\n{}",
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/pulls/7/merge/",
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://API.github.com/repos/acme/shop/pulls/7/merge".replace("API", "api").leak(),
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://api.github.com/Repos/acme/shop/PULLS/7/Merge",
            "publish Repository github.com/acme/shop",
        ),
        (
            "PUT https://git.example/api/v3/repos/acme/shop/pulls/7/merge",
            "publish Repository git.example/acme/shop",
        ),
        ("PUT https://api.acme.ghe.com/repos/a/b/pulls/7/merge", "publish Repository acme.ghe.com/a/b"),
        (
            "POST https://api.github.com/repos/acme/shop/pulls/7/reviews\n\n{\"event\":\"COMMENT\",\"body\":\"x\"}",
            PR,
        ),
        (
            "POST https://api.github.com/repos/acme/shop/pulls/7/reviews\n\n{\"event\":\"APPROVE\"}",
            "identity-change Identity approval at github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/pulls/7/reviews\n\n{\"event\":\"COMMENT\",\"event\":\"APPROVE\"}",
            "identity-change Identity approval at github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/statuses/0a\n\n{}",
            "identity-change Identity approval at github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/releases\n\n{}",
            "publish Repository github.com/acme/shop",
        ),
        (
            "POST https://uploads.github.com/repos/acme/shop/releases/1/assets?name=x",
            "publish Repository github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/actions/workflows/ci.yml/dispatches\n\n{}",
            "deploy Deployment github.com/repos/acme/shop/actions/workflows/ci.yml/dispatches",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/actions/secrets/TOKEN\n\n{}",
            "identity-change Secret TOKEN of github.com/acme/shop",
        ),
        (
            "GET https://api.github.com/repos/acme/shop/secret-scanning/alerts",
            "secret-read Secret secrets of github.com/acme/shop",
        ),
        (
            "DELETE https://api.github.com/repos/acme/shop/branches/main/protection",
            "identity-change Identity protection and settings of github.com/acme/shop",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/branches/release/1/protection\n\n{}",
            "identity-change Identity protection and settings of github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/keys\n\n{}",
            "identity-change Identity keys, hooks and members of github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/hooks\n\n{}",
            "identity-change Identity keys, hooks and members of github.com/acme/shop",
        ),
        (
            "POST https://api.github.com/user/keys\n\n{}",
            "identity-change Identity keys, hooks and members of github.com",
        ),
        ("DELETE https://api.github.com/repos/acme/shop", "destructive Repository github.com/acme/shop"),
        (
            "PATCH https://api.github.com/repos/acme/shop\n\n{\"private\":false}",
            "identity-change Identity protection and settings of github.com/acme/shop",
        ),
        ("POST https://api.github.com/user/repos\n\n{\"private\":true}", "git-push Repository github.com"),
        ("POST https://api.github.com/user/repos\n\n{}", "publish Repository github.com"),
        ("POST https://api.github.com/gists\n\n{}", "publish Repository github.com"),
        (
            "PUT https://api.github.com/repos/acme/shop/contents/src/a.rs\n\n{\"branch\":\"writ/fix-a\",\"content\":\"\"}",
            "git-push Ref github.com/acme/shop#writ/fix-a; write-workspace Path src/a.rs",
        ),
        (
            "PUT https://api.github.com/repos/acme/shop/contents/.github/workflows/ci.yml\n\n{\"content\":\"\"}",
            "git-push Ref github.com/acme/shop#; write-workspace Path .github/workflows/ci.yml",
        ),
        (
            "POST https://api.github.com/repos/acme/shop/git/refs\n\n{\"ref\":\"refs/heads/a\"}",
            "git-push Ref github.com/acme/shop#a",
        ),
        (
            "PATCH https://api.github.com/repos/acme/shop/git/refs/heads/main\n\n{\"sha\":\"0\"}",
            "git-push Ref github.com/acme/shop#main",
        ),
        (
            "PATCH https://api.github.com/repos/acme/shop/git/refs/heads/main\n\n{\"sha\":\"0\",\"force\":true}",
            "git-push Ref github.com/acme/shop#main; destructive Ref github.com/acme/shop#main",
        ),
        (
            "DELETE https://api.github.com/repos/acme/shop/git/refs/tags/v1",
            "git-push Ref github.com/acme/shop#refs/tags/v1; destructive Ref github.com/acme/shop#refs/tags/v1",
        ),
        ("POST https://api.github.com/repos/acme/shop/new-thing\n\n{}", UNKNOWN),
        ("POST https://github.com/acme/shop/pull/7/merge\n\nx=1", UNKNOWN),
        (
            "POST https://github.com/login/oauth/access_token\n\nx=1",
            "identity-change Identity account at github.com",
        ),
        // GitLab
        (
            "PUT https://gitlab.com/api/v4/projects/team%2Fapp/merge_requests/7/merge",
            "publish Repository gitlab.com/team/app",
        ),
        (
            "PUT https://git.example/gitlab/api/v4/projects/12/merge_requests/7/merge",
            "publish Repository git.example/#12",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/team%2Fapp/merge_requests\n\n{\"title\":\"x\"}",
            "git-push Repository gitlab.com/team/app",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/merge_requests/7/notes\n\n{\"body\":\"fine\"}",
            "git-push Repository gitlab.com/#1",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/merge_requests/7/notes\n\n{\"body\":\"fine\\n/merge\"}",
            "publish Repository gitlab.com/#1",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/merge_requests/7/notes?body=/approve",
            "identity-change Identity approval at gitlab.com/#1",
        ),
        ("GET https://gitlab.com/api/v4/projects/1/variables", "secret-read Secret secrets of gitlab.com/#1"),
        (
            "POST https://gitlab.com/api/v4/projects/1/pipeline?ref=main",
            "deploy Deployment gitlab.com/projects/1/pipeline",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/deploy_keys\n\n{}",
            "identity-change Identity keys, hooks and members of gitlab.com/#1",
        ),
        (
            "DELETE https://gitlab.com/api/v4/projects/1/protected_branches/main",
            "identity-change Identity protection and settings of gitlab.com/#1",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/repository/commits\n\n{\"branch\":\"a\",\"actions\":[{\"file_path\":\".gitlab-ci.yml\"}]}",
            "git-push Ref gitlab.com/#1#a; write-workspace Path .gitlab-ci.yml",
        ),
        // Gitea, Bitbucket, Azure DevOps, Gerrit
        (
            "POST https://codeberg.org/api/v1/repos/o/r/pulls/1/merge\n\n{}",
            "publish Repository codeberg.org/o/r",
        ),
        (
            "POST https://git.example/api/v1/repos/o/r/branch_protections\n\n{}",
            "identity-change Identity protection and settings of git.example/o/r",
        ),
        (
            "POST https://api.bitbucket.org/2.0/repositories/w/r/pullrequests/1/merge",
            "publish Repository bitbucket.org/w/r",
        ),
        (
            "POST https://git.example/rest/api/1.0/projects/P/repos/r/pull-requests/1/merge",
            "publish Repository git.example/p/r",
        ),
        (
            "PATCH https://dev.azure.com/org/proj/_apis/git/repositories/r/pullrequests/1\n\n{\"status\":\"completed\"}",
            "publish Repository dev.azure.com/org/proj/_git/r",
        ),
        (
            "PATCH https://dev.azure.com/org/proj/_apis/git/repositories/r/pullrequests/1\n\n{\"title\":\"x\"}",
            "git-push Repository dev.azure.com/org/proj/_git/r",
        ),
        (
            "POST https://dev.azure.com/org/proj/_apis/pipelines/3/runs\n\n{}",
            "deploy Deployment dev.azure.com/org/proj/_apis/pipelines/3/runs",
        ),
        (
            "POST https://x-review.googlesource.com/a/changes/9/submit",
            "publish Repository x-review.googlesource.com",
        ),
        (
            "POST https://x-review.googlesource.com/a/changes/9/revisions/1/review\n\n{\"labels\":{\"Code-Review\":2}}",
            "identity-change Identity approval at x-review.googlesource.com",
        ),
    ]);
}

/// What two readers could take for two requests is none of them.
#[test]
fn a_second_reading_of_a_request_is_unknown() {
    check(&[
        ("PUT https://api.github.com/repos/o/r/pulls/1%2Fmerge", UNKNOWN),
        (
            "PUT https://api.github.com/repos/o/r//pulls/1/merge",
            "publish Repository github.com/o/r; unknown Unknown",
        ),
        (
            "PUT https://api.github.com/repos/o/r/issues/../pulls/1/merge",
            "publish Repository github.com/o/r; unknown Unknown",
        ),
        ("POST https://api.github.com/repos/o/r/issues/1/comments/%2e%2e/x", UNKNOWN),
        (
            "GET https://api.github.com/repos/o/r/issues;/../secret-scanning/alerts",
            "secret-read Secret secrets of github.com/o/r; unknown Unknown",
        ),
        ("GET https://api.github.com/repos/o/r%2Fsecret-scanning%2Falerts", UNKNOWN),
        ("GET https://api.github.com/repos/o/r/pulls/%252e", UNKNOWN),
        ("GET https://api.github.com/repos/o/r/pulls/1/merge\nx-http-method-override: PUT", UNKNOWN),
        (
            "POST https://api.github.com/repos/o/r/issues?_method=DELETE\n\n{}",
            "git-push Repository github.com/o/r; unknown Unknown",
        ),
        ("GET https://dev.azure.com/o/p/_apis/projects/1\nX-HTTP-Method-Override: DELETE", UNKNOWN),
        ("put https://api.github.com/repos/o/r/pulls/1/merge", UNKNOWN),
        ("MKCOL https://api.github.com/repos/o/r", UNKNOWN),
        ("GET https://api.github.com/x\nx-original-url: /y", UNKNOWN),
        ("POST https://api.github.com/graphql\n\n[{\"query\":\"{ a }\"}]", UNKNOWN),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"{ a }\",\"query\":\"mutation { b }\"}",
            UNKNOWN,
        ),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"{ a }\",\"extensions\":{\"persistedQuery\":{}}}",
            UNKNOWN,
        ),
        ("POST https://api.github.com/graphql\n\n{\"id\":\"x\"}", UNKNOWN),
        ("POST https://api.github.com/graphql\n\nquery=%7Ba%7D", UNKNOWN),
        ("POST https://api.github.com/graphql\ncontent-encoding: gzip\n\n{\"query\":\"{ a }\"}", UNKNOWN),
        ("POST https://api.github.com/graphql?query=x\n\n{\"query\":\"{ a }\"}", UNKNOWN),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation { brandNew(input: {}) { x } }\"}",
            UNKNOWN,
        ),
        (
            "POST https://git.example/api/graphql\n\n{\"query\":\"mutation { mergePullRequest(input: {}) { x } }\"}",
            "publish Repository git.example",
        ),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation { a: addStar(input: {}) { x } b: mergePullRequest(input: {}) { x } }\"}",
            "git-push Repository github.com; publish Repository github.com",
        ),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"query A { x } mutation B { deleteRef(input: {}) { x } }\",\"operationName\":\"A\"}",
            "destructive Ref github.com#",
        ),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation M($i: I!) { addPullRequestReview(input: $i) { x } }\",\"variables\":{\"i\":{\"event\":\"APPROVE\"}}}",
            "identity-change Identity approval at github.com",
        ),
        (
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation M($i: I!) { addPullRequestReview(input: $i) { x } }\",\"variables\":{\"i\":{\"event\":\"COMMENT\"}}}",
            "git-push Repository github.com",
        ),
    ]);
    let mut cut = request("POST https://api.github.com/graphql");
    cut.body = Body::Start(b"{\"query\":\"{ a }\"".to_vec());
    assert_eq!(told(cut, &KnownHosts::default()), UNKNOWN);
}

/// What a server makes of a body is its own matter: some go by the media type, some by the body.
#[test]
fn a_field_is_read_whatever_the_media_type_says() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    const APPROVES: &str = "identity-change Identity approval at github.com/acme/shop";
    let review = "POST https://api.github.com/repos/acme/shop/pulls/7/reviews";
    let patch = "PATCH https://api.github.com/repos/acme/shop/git/refs/heads/feat";
    let put = "PUT https://api.github.com/repos/acme/shop/contents/src/a.rs";
    let forced = "git-push Ref github.com/acme/shop#feat; destructive Ref github.com/acme/shop#feat";
    let wrong: Vec<String> = [
        (review, FORM, "{\"event\":\"APPROVE\"}", APPROVES),
        (review, FORM, "\u{feff}{\"event\":\"APPROVE\"}", APPROVES),
        (review, FORM, " {\"event\":\"COMMENT\",\"event\":\"APPROVE\"}", APPROVES),
        (review, FORM, "{\"event\":\"COMMENT\"}&event=APPROVE", APPROVES),
        (review, FORM, "{\"event\":\"COMMENT\"}", "git-push Repository github.com/acme/shop"),
        (review, FORM, "event=APPROVE", APPROVES),
        (review, FORM, "event=COMMENT", "git-push Repository github.com/acme/shop"),
        (review, "content-type: text/plain", "event=APPROVE", APPROVES),
        (review, "content-type: text/plain", "{\"event\":\"APPROVE\"}", APPROVES),
        (review, "content-type: text/plain", "who knows", APPROVES),
        (
            review,
            "content-type: application/json\nContent-Type: application/x-www-form-urlencoded",
            "{\"event\":\"COMMENT\"}",
            "identity-change Identity approval at github.com/acme/shop; unknown Unknown",
        ),
        (patch, FORM, "{\"sha\":\"aa\",\"force\":true}", forced),
        (patch, FORM, "sha=aa&force=1", forced),
        (patch, FORM, "{\"sha\":\"aa\"}", "git-push Ref github.com/acme/shop#feat"),
        (patch, "content-type: text/plain", "x", forced),
        (
            put,
            FORM,
            "{\"message\":\"x\",\"branch\":\"main\"}",
            "git-push Ref github.com/acme/shop#main; write-workspace Path src/a.rs",
        ),
        (
            put,
            "content-encoding: gzip",
            "{\"branch\":\"feat\"}",
            "git-push Ref github.com/acme/shop#; write-workspace Path src/a.rs; unknown Unknown",
        ),
        (
            put,
            FORM,
            "branch=feat&branch=main",
            "git-push Ref github.com/acme/shop#; write-workspace Path src/a.rs; unknown Unknown",
        ),
    ]
    .into_iter()
    .map(|(line, head, body, expected)| (format!("{line}\n{head}\n\n{body}"), expected))
    .map(|(text, expected)| (told(request(&text), &KnownHosts::default()), text, expected))
    .filter(|(found, _, expected)| found != expected)
    .map(|(found, text, expected)| format!("{text}\n  expected {expected:?}\n  found    {found:?}"))
    .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn variables_are_read_as_a_text_too() {
    const NOTE: &str = "mutation N($i: I!) { createNote(input: $i) { x } }";
    let note = |variables: serde_json::Value| {
        let body = serde_json::json!({ "query": NOTE, "variables": variables });
        let text = format!("POST https://gitlab.com/api/graphql\n\n{body}");
        told(request(&text), &KnownHosts::default())
    };
    let merges = "publish Repository gitlab.com";
    assert_eq!(note(serde_json::json!({"i":{"body":"/merge"}})), merges);
    assert_eq!(note("{\"i\":{\"body\":\"/merge\"}}".into()), merges);
    assert_eq!(note("{\"i\":{\"body\":\"\\u002fmerge\"}}".into()), merges);
    assert_eq!(note("{\"i\":{\"body\":\"fine\"}}".into()), "git-push Repository gitlab.com");
    for unread in ["{\"i\":1,\"i\":2}", "\"{}\"", "[", "x"] {
        assert_eq!(note(unread.into()), UNKNOWN, "{unread}");
    }
}

#[test]
fn publishing_is_publishing_at_any_host() {
    const FORM: &str = "content-type: multipart/form-data; boundary=x\n\n--x\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\r\n--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nShop\r\n--x--";
    check(&[
        ("PUT https://any.example/shop\n\n{\"name\":\"shop\",\"_attachments\":{}}", "publish Package shop"),
        ("PUT https://any.example/@acme%2fshop\n\n{\"_attachments\":{}}", "publish Package @acme/shop"),
        (
            "PUT https://any.example/npm/team/shop\n\n{\"name\":\"shop\",\"versions\":{},\"dist-tags\":{}}",
            "publish Package shop",
        ),
        ("DELETE https://any.example/shop/-rev/3-a", "destructive Package shop"),
        ("PUT https://any.example/shop/-rev/3-a\n\n{}", "destructive Package shop"),
        ("DELETE https://any.example/shop/-/shop-1.tgz/-rev/3-a", "destructive Package shop"),
        ("PUT https://any.example/-/package/shop/dist-tags/latest\n\n\"1\"", "publish Package shop"),
        (
            "PUT https://any.example/-/user/org.couchdb.user:a\n\n{}",
            "identity-change Identity account at any.example",
        ),
        (format!("POST https://any.example/upload\n{FORM}").leak(), "publish Package shop"),
        ("PUT https://any.example/api/v1/crates/new\n\nx", "publish Package *"),
        ("PUT http://127.0.0.1:8080/api/v1/crates/new\n\nx", "publish Package *"),
        (
            "PUT https://any.example/api/v1/crates/new\n\n\x19\0\0\0{\"name\":\"a\",\"vers\":\"1.0\"}",
            "publish Package a@1.0",
        ),
        ("DELETE https://any.example/api/v1/crates/shop/1.0.0/yank", "destructive Package shop@1.0.0"),
        (
            "PUT https://any.example/api/v1/crates/shop/owners\n\n{}",
            "identity-change Identity account at any.example",
        ),
        ("POST https://any.example/api/v1/gems\n\nx", "publish Package *"),
        ("DELETE https://any.example/api/v1/gems/yank?gem_name=x", "destructive Package *"),
        ("PUT https://any.example/api/v2/package/\n\nx", "publish Package *"),
        ("PUT https://any.example/v2/acme/shop/manifests/1.0\n\n{}", "publish Package acme/shop@1.0"),
        ("POST https://any.example/v2/acme/shop/blobs/uploads/", "publish Package acme/shop"),
        ("PATCH https://any.example/v2/acme/shop/blobs/uploads/7\n\nx", "publish Package acme/shop"),
        ("DELETE https://any.example/v2/acme/shop/manifests/1.0", "destructive Package acme/shop@1.0"),
        (
            "PUT https://any.example/maven/org/acme/shop/1.0/shop-1.0.jar\n\nx",
            "publish Package maven.org.acme:shop@1.0",
        ),
        ("POST https://any.example/api/v1/publisher/upload?name=x\n\nx", "publish Package *"),
        ("POST https://any.example/api/-/publish\n\nx", "publish Package *"),
        ("GET https://any.example/api/packages/versions/new", "publish Package *"),
    ]);
    let mut cut = request("PUT https://any.example/shop");
    cut.body = Body::Start(b"{\"_id\":\"shop\",\"dist-tags\":{".to_vec());
    assert_eq!(told(cut, &KnownHosts::default()), "publish Package shop");
    let mut cut = request("POST https://any.example/upload\ncontent-type: multipart/form-data; boundary=x");
    cut.body = Body::Start(b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".to_vec());
    assert_eq!(told(cut, &KnownHosts::default()), UNKNOWN);
}

/// No depth of path, media type or protocol of its own hides a package that others will use.
#[test]
fn publishing_is_found_by_its_shape_alone() {
    const DOCUMENT: &str = "{\"name\":\"shop\",\"versions\":{},\"dist-tags\":{},\"_attachments\":{}}";
    let part = |name: &str, file: &str| {
        format!(
            "\ncontent-type: multipart/form-data; boundary=x\n\n--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\nx\r\n--x--"
        )
    };
    let cases = [
        (format!("PUT http://127.0.0.1:4873/a/b/c/d/e/f/g/h/shop\n\n{DOCUMENT}"), "publish Package shop"),
        (format!("PUT https://any.example/\n\n{DOCUMENT}"), "publish Package shop"),
        (
            format!("PUT https://any.example/shop\ncontent-type: text/plain\n\n{DOCUMENT}"),
            "publish Package shop",
        ),
        (
            "PUT https://any.example/a/b/c/d/e/f/g/shop\ncontent-encoding: gzip\n\nx".into(),
            "publish Package shop",
        ),
        (
            format!("PUT https://any.example/repository/nuget-hosted/{}", part("package", "x")),
            "publish Package *",
        ),
        ("PUT https://any.example/repository/hosted\nx-nuget-apikey: k\n\nx".into(), "publish Package *"),
        (
            format!("POST https://any.example/service/rest/v1/components?repository=r{}", part("a", "x")),
            "publish Package *",
        ),
        (
            format!("POST https://any.example/upload{}", part("file", "shop-1.gem")),
            "publish Package shop-1.gem",
        ),
        (
            format!("POST https://any.example/api/1/k/upload{}", part("rockspec_file", "x")),
            "publish Package *",
        ),
        (
            format!("POST https://any.example/x{}", part("package", "shop-1.tar.gz")),
            "publish Package shop-1.tar.gz",
        ),
        (
            "POST https://any.example/api/scopes/acme/packages/shop/versions/1.0.0\n\nx".into(),
            "publish Package shop@1.0.0",
        ),
        (
            "PUT https://any.example/acme/shop/1.0.0\naccept: application/vnd.swift.registry.v1+json\n\nx"
                .into(),
            "publish Package acme.shop.1.0.0",
        ),
        (
            "PUT https://any.example/v2/conans/shop/1.0/_/_/revisions/1/files/conanfile.py\n\nx".into(),
            "publish Package *",
        ),
        (
            "PUT https://any.example/api/packages/acme/generic/shop/1.0/tool\n\nx".into(),
            "publish Package shop/1.0/tool",
        ),
        (
            "POST https://any.example/\n\n:action=remove_pkg&name=shop&version=1".into(),
            "destructive Package *",
        ),
        ("POST https://any.example/\n\n%3Aaction=file_upload".into(), "publish Package *"),
        ("DELETE https://any.example/gems/shop-1.gem".into(), "destructive Package *"),
        ("PUT https://any.example/things/report.zip\n\nx".into(), ""),
        ("PUT https://any.example/things/1\ncontent-type: image/png\n\nx".into(), ""),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
    check(&cases);
    for end in ["whl", "tgz", "tar.gz", "gem", "jar", "pom", "nupkg", "crate", "deb", "rpm", "apk"] {
        let put = told(
            request(&format!("PUT https://any.example/a/b/c/d/e/f/x.{end}\n\nx")),
            &KnownHosts::default(),
        );
        assert!(put.starts_with("publish Package"), "{end}: {put}");
    }
    let mut cut = request("PUT https://any.example/a/b/c/d/e/f/g/shop\ncontent-type: text/plain");
    cut.body = Body::Start(b"{\"readme\":\"long".to_vec());
    assert_eq!(told(cut, &KnownHosts::default()), "publish Package shop");
    // The machine's own registry is somebody's registry too.
    let own = Request {
        account: Account::Foreign,
        ..request(&format!("PUT http://127.0.0.1:4873/a/b/c/d/e/f/shop\n\n{DOCUMENT}"))
    };
    assert_eq!(answer(TaskKind::Feature, own), "-");
}

#[test]
fn a_forge_is_known_by_its_interface_at_any_depth() {
    check(&[
        (
            "POST http://127.0.0.1:7990/rest/keys/1.0/projects/P/repos/r/ssh\n\n{}",
            "identity-change Identity keys, hooks and members of 127.0.0.1:7990",
        ),
        (
            "PUT https://any.example/bb/rest/access-tokens/1.0/users/a\n\n{}",
            "identity-change Identity keys, hooks and members of any.example",
        ),
        ("POST https://any.example/rest/new-part/latest/x\n\n{}", UNKNOWN),
        ("POST https://any.example/a/changes/1/submit\n\n{}", "publish Repository any.example"),
        ("POST https://any.example/x/y/z/changes/1/submit\n\n{}", "publish Repository any.example"),
        (
            "PUT https://any.example/a/b/c/d/e/f/api/v4/projects/1/merge_requests/7/merge\n\n{}",
            "publish Repository any.example/#1",
        ),
        (
            "PUT https://any.example/a/b/c/d/e/f/api/v3/repos/o/r/pulls/7/merge\n\n{}",
            "publish Repository any.example/o/r",
        ),
        ("GET https://any.example/rest/of/the/path", ""),
        ("POST https://any.example/rest/v1/things\n\n{}", ""),
    ]);
}

#[test]
fn planes_of_clouds_are_read_by_service_and_action() {
    let aws =
        |target: &str| format!("POST https://x.eu-west-1.amazonaws.com/\nx-amz-target: {target}\n\n{{}}");
    for (target, expected) in [
        ("secretsmanager.GetSecretValue", "secret-read Secret"),
        ("AmazonSSM.GetParameters", "network CloudAccount aws"),
        ("DynamoDB_20120810.GetItem", "network CloudAccount aws"),
        ("DynamoDB_20120810.DeleteTable", "destructive CloudAccount aws"),
        ("DynamoDB_20120810.PutItem", "deploy Deployment"),
        ("X.CreateGrant", "identity-change Identity"),
        ("X.GetResourcePolicy", "network CloudAccount aws"),
        ("X.PutResourcePolicy", "identity-change Identity"),
        ("X.Frobnicate", UNKNOWN),
        ("X.", UNKNOWN),
    ] {
        let found = told(request(&aws(target)), &KnownHosts::default());
        assert!(found.starts_with(expected), "{target}: {found}");
    }
    const FORM: &str = "\ncontent-type: application/x-www-form-urlencoded\n\n";
    let form = |host: &str, body: &str| format!("POST https://{host}/{FORM}{body}");
    for (text, expected) in [
        (form("iam.amazonaws.com", "Action=CreateUser&UserName=x"), "identity-change Identity"),
        (form("iam.amazonaws.com", "Action=ListUsers"), "network CloudAccount"),
        (form("sts.amazonaws.com", "Version=1&Action=AssumeRole"), "identity-change Identity"),
        (form("sts.eu-west-1.amazonaws.com", "Action=GetCallerIdentity"), "network CloudAccount"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=DescribeInstances"), "network CloudAccount"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=TerminateInstances"), "destructive CloudAccount"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=RunInstances"), "deploy Deployment"),
        (form("ec2.eu-west-1.amazonaws.com", "Action=DescribeInstances&Action=RunInstances"), UNKNOWN),
        (form("ec2.eu-west-1.amazonaws.com", "%41ction=RunInstances&x=1"), "deploy Deployment"),
        ("GET https://ec2.eu-west-1.amazonaws.com/?Action=RunInstances".into(), "deploy Deployment"),
        ("POST https://ssm.eu-west-1.amazonaws.com/\nx-amz-target: AmazonSSM.GetParameter\n\n{}".into(), "secret-read Secret"),
        ("GET https://b.s3.eu-west-1.amazonaws.com/key".into(), "network CloudAccount"),
        ("PUT https://b.s3.eu-west-1.amazonaws.com/key\n\nx".into(), "deploy Deployment"),
        ("PUT https://b.s3.eu-west-1.amazonaws.com/?policy\n\nx".into(), "identity-change Identity"),
        ("DELETE https://s3.eu-west-1.amazonaws.com/b/key".into(), "destructive CloudAccount"),
        ("POST https://b.s3.eu-west-1.amazonaws.com/?delete\n\nx".into(), "destructive CloudAccount"),
        ("POST https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations\n\n{}".into(), "deploy Deployment"),
        ("GET https://secretmanager.googleapis.com/v1/projects/p/secrets/s/versions/latest:access".into(), "secret-read Secret"),
        ("GET https://secretmanager.googleapis.com/v1/projects/p/secrets".into(), "network CloudAccount gcp"),
        ("POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a:generateAccessToken\n\n{}".into(), "identity-change Identity"),
        ("POST https://cloudresourcemanager.googleapis.com/v1/projects/p:setIamPolicy\n\n{}".into(), "identity-change Identity"),
        ("POST https://cloudresourcemanager.googleapis.com/v1/projects/p:getIamPolicy\n\n{}".into(), "network CloudAccount"),
        ("POST https://run.googleapis.com/v2/projects/p/locations/l/services\n\n{}".into(), "deploy Deployment"),
        ("POST https://europe-west1-run.googleapis.com/apis/x\n\n{}".into(), "deploy Deployment gcp run"),
        ("DELETE https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/i".into(), "destructive CloudAccount"),
        ("POST https://www.googleapis.com/batch/x\n\n{}".into(), UNKNOWN),
        ("GET https://management.azure.com/subscriptions/s/resourceGroups".into(), "network CloudAccount azure"),
        ("PUT https://management.azure.com/subscriptions/s/resourceGroups/g\n\n{}".into(), "deploy Deployment"),
        ("DELETE https://management.azure.com/subscriptions/s/resourceGroups/g".into(), "destructive CloudAccount"),
        ("PUT https://management.azure.com/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/a\n\n{}".into(), "identity-change Identity"),
        ("POST https://management.azure.com/subscriptions/s/x/LISTKEYS".into(), "secret-read Secret"),
        ("GET https://v.vault.azure.net/secrets/a/b".into(), "secret-read Secret"),
        ("GET https://v.vault.azure.net/secrets".into(), "network CloudAccount"),
        ("POST https://graph.microsoft.com/v1.0/applications/1/addPassword\n\n{}".into(), "identity-change Identity"),
        ("GET https://k.example:6443/api/v1/namespaces/a/pods".into(), "network Deployment"),
        ("GET https://k.example:6443/api/v1/namespaces/a/secrets".into(), "secret-read Secret"),
        ("GET https://k.example:6443/api/v1/namespaces/a/pods/p/exec?command=sh".into(), "deploy Deployment"),
        ("PATCH https://k.example/apis/apps/v1/namespaces/a/deployments/d\n\n{}".into(), "deploy Deployment"),
        ("DELETE https://k.example/api/v1/namespaces/a".into(), "destructive Deployment"),
        ("POST https://k.example/apis/rbac.authorization.k8s.io/v1/clusterrolebindings\n\n{}".into(), "identity-change Identity"),
        ("POST https://k.example/api/v1/namespaces/a/serviceaccounts/s/token\n\n{}".into(), "identity-change Identity"),
        ("POST https://k.example/apis/authorization.k8s.io/v1/selfsubjectaccessreviews\n\n{}".into(), "network Deployment"),
        ("GET https://k.example/k8s/clusters/c/api/v1/secrets".into(), "secret-read Secret"),
        ("GET https://k.example/api/v1/namespaces/a/%73ecrets".into(), "secret-read Secret"),
        ("GET https://k.example/api/v1/pods\nimpersonate-user: root".into(), "identity-change Identity"),
    ] {
        let found = told(request(&text), &KnownHosts::default());
        assert!(found.starts_with(expected), "{text}: {found}");
    }
}

#[test]
fn git_is_named_and_its_pushes_are_handed_on() {
    for (text, step, repository) in [
        (
            "GET https://github.com/o/r.git/info/refs?service=git-upload-pack",
            GitStep::FetchRefs,
            "github.com/o/r",
        ),
        ("POST https://github.com/o/r/git-upload-pack\n\nx", GitStep::Fetch, "github.com/o/r"),
        (
            "GET https://github.com/o/r/info/refs?service=git-receive-pack",
            GitStep::PushRefs,
            "github.com/o/r",
        ),
        (
            "POST https://forge.example:8443/t/a.git/git-receive-pack\n\nx",
            GitStep::Push,
            "forge.example:8443/t/a",
        ),
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{}",
            GitStep::LargeFiles,
            "github.com/o/r",
        ),
        ("GET https://github.com/o/r/info/refs", GitStep::Dumb, "github.com/o/r"),
        (
            "GET https://github.com/o/r/info/refs?service=git-upload-pack&service=git-receive-pack",
            GitStep::Dumb,
            "github.com/o/r",
        ),
        ("GET https://github.com/o/r.git/objects/info/packs", GitStep::Dumb, "github.com/o/r"),
    ] {
        let found = git_service(&request(text)).unwrap();
        assert_eq!(
            (found.step, found.repository.as_str(), found.is_plain),
            (step, repository, true),
            "{text}"
        );
    }
    for text in [
        "GET https://github.com/o/r",
        "GET https://x.example/info",
        "POST https://x.example/upload-pack\n\nx",
    ] {
        assert_eq!(git_service(&request(text)), None, "{text}");
    }
    let odd = git_service(&request("POST https://github.com/o/x/../r/git-receive-pack\n\nx")).unwrap();
    assert!(!odd.is_plain && odd.step == GitStep::Push);
    let hidden = git_service(&request("POST https://github.com/o/r%2Fgit-receive-pack\n\nx")).unwrap();
    assert!(!hidden.is_plain);
    check(&[
        ("GET https://github.com/o/r/info/refs?service=git-upload-pack", "network Ref github.com/o/r#"),
        ("POST https://github.com/o/r/git-receive-pack\n\nx", "git-push Unknown"),
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{\"operation\":\"upload\"}",
            "git-push Ref github.com/o/r#",
        ),
        (
            "POST https://github.com/o/r.git/info/lfs/objects/batch\n\n{\"operation\":\"download\"}",
            "network Ref github.com/o/r#",
        ),
        ("POST https://github.com/o/r.git/info/lfs/objects/batch\n\n[]", UNKNOWN),
        ("GET https://github.com/o/r.git/objects/info/packs", UNKNOWN),
        (
            "POST https://github.com/o/r/git-upload-pack\ncontent-type: application/x-git-upload-pack-request\n\nx",
            "network Ref github.com/o/r#",
        ),
        (
            "POST https://github.com/o/x/../r/git-upload-pack\ncontent-type: application/x-git-upload-pack-request\n\nx",
            "network Ref github.com/o/r#; unknown Unknown",
        ),
    ]);
}

/// An operation of a forge, or anything else, under an address that ends like git's is no fetch.
#[test]
fn what_only_ends_like_git_is_what_it_is() {
    const OWN: &str = "content-type: application/x-git-upload-pack-request";
    let mut wrong = Vec::new();
    for (address, head, expected) in [
        ("POST https://github.com/o/r.git/git-upload-pack", "", UNKNOWN),
        ("POST https://github.com/o/r.git/git-upload-pack", "content-type: application/json", UNKNOWN),
        (
            "POST https://github.com/o/r.git/git-upload-pack",
            "content-type: application/x-git-upload-pack-request; charset=utf-8",
            UNKNOWN,
        ),
        (
            "POST https://github.com/o/r.git/git-upload-pack",
            "content-type: application/x-git-upload-pack-request\ncontent-type: application/json",
            UNKNOWN,
        ),
        (
            "POST https://github.com/o/r.git/git-upload-pack",
            "content-type: application/x-git-receive-pack-request",
            UNKNOWN,
        ),
        (
            "POST https://github.com/o/r/releases/git-upload-pack",
            OWN,
            "network Ref github.com/o/r/releases#; unknown Unknown",
        ),
        (
            "POST https://api.github.com/repos/o/r/git-upload-pack",
            OWN,
            "network Ref api.github.com/repos/o/r#; unknown Unknown",
        ),
        (
            "PUT https://api.github.com/repos/o/r/contents/git-upload-pack",
            OWN,
            "unknown Unknown ; git-push Ref github.com/o/r#; write-workspace Path git-upload-pack",
        ),
        (
            "PUT https://api.github.com/repos/o/r/actions/secrets/git-receive-pack",
            "",
            "unknown Unknown ; identity-change Secret",
        ),
        (
            "POST https://gitlab.com/api/v4/projects/1/repository/tags/git-upload-pack",
            OWN,
            "network Ref gitlab.com/api/v4/projects/1/repository/tags#; unknown Unknown",
        ),
        (
            "DELETE https://registry.example/v2/library/app/manifests/git-upload-pack",
            OWN,
            "unknown Unknown ; destructive Package",
        ),
        ("POST https://git.example/team/app.git/git-upload-pack", OWN, "network Ref git.example/team/app#"),
    ] {
        let text = format!("{address}\n{head}\n\nx").replace("\n\n\n", "\n\n");
        let found = told(request(&text), &KnownHosts::default());
        let is_same = found == expected || (expected != UNKNOWN && found.starts_with(expected));
        if !is_same {
            wrong.push(format!("{address} {head}\n  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hosts_that_are_set_up_are_what_they_are() {
    let known = KnownHosts {
        forges: vec![("127.0.0.1:3000".into(), Forge::Gitea), ("code.corp.example".into(), Forge::Gitlab)],
        governed: vec!["api.corp.example".into()],
        origin: Some("forge.example/team/app".into()),
    };
    for (text, expected) in [
        (
            "POST http://127.0.0.1:3000/api/v1/repos/o/r/pulls/1/merge",
            "publish Repository 127.0.0.1:3000/o/r",
        ),
        ("POST http://127.0.0.1:3000/api/v1/repos/o/r/new", UNKNOWN),
        ("POST https://code.corp.example/o/r/x\n\nx", UNKNOWN),
        ("POST https://api.corp.example/x\n\n{}", ""),
        ("GET https://forge.example/team/app.git/info/refs?service=git-upload-pack", "network Ref origin#"),
        (
            "GET https://forge.example/team/other.git/info/refs?service=git-upload-pack",
            "network Ref forge.example/team/other#",
        ),
    ] {
        assert_eq!(told(request(text), &known), expected, "{text}");
    }
    // A host that only looks like a forge's name.
    check(&[("PUT https://api.github.com.evil.example/repos/o/r/pulls/1/merge", "")]);
}

fn answer(kind: TaskKind, request: Request) -> String {
    let known = KnownHosts { origin: Some("github.com/acme/shop".into()), ..KnownHosts::default() };
    let judge = judge(kind, Supervision::Governed).knowing(known);
    let judgement = judge.judge(call(Operation::Request(Box::new(request))), &moment(), &Lexical);
    match (judgement.ruling().decision.approval, &judgement) {
        (Some(ApprovalLevel::OnePerson), _) => "one".to_owned(),
        (Some(ApprovalLevel::AnotherPerson), _) => "other".to_owned(),
        (Some(ApprovalLevel::TwoPeople), _) => "two".to_owned(),
        (Some(ApprovalLevel::Role), _) => "role".to_owned(),
        (None, Judgement::Permit(_)) => "allow".to_owned(),
        (None, Judgement::Denied(_) | Judgement::StepUp(_)) => "-".to_owned(),
    }
}

#[test]
fn shipped_profiles_answer_requests() {
    const KINDS: [TaskKind; 5] =
        [TaskKind::Feature, TaskKind::Docs, TaskKind::Release, TaskKind::Ops, TaskKind::Review];
    for (text, answers) in [
        ("GET https://github.com/acme/shop.git/info/refs?service=git-upload-pack", ["allow"; 5]),
        // Outside the sandbox it is a service of the machine around it, which a person names.
        ("GET http://localhost:3000/", ["one"; 5]),
        ("GET https://api.github.com/repos/acme/shop/pulls", ["one"; 5]),
        ("POST https://api.github.com/repos/acme/shop/pulls\n\n{}", ["one"; 5]),
        ("PUT https://api.github.com/repos/acme/shop/pulls/1/merge", ["other", "-", "one", "other", "-"]),
        ("POST https://api.github.com/repos/acme/shop/releases\n\n{}", ["other", "-", "one", "other", "-"]),
        ("POST https://api.github.com/repos/acme/shop/dispatches\n\n{}", ["-", "-", "one", "one", "-"]),
        ("PUT https://api.github.com/repos/acme/shop/actions/secrets/A\n\n{}", ["-", "-", "-", "other", "-"]),
        (
            "DELETE https://api.github.com/repos/acme/shop/branches/main/protection",
            ["-", "-", "-", "other", "-"],
        ),
        ("POST https://api.github.com/repos/acme/shop/keys\n\n{}", ["-", "-", "-", "other", "-"]),
        ("POST https://api.github.com/repos/acme/shop/hooks\n\n{}", ["-", "-", "-", "other", "-"]),
        ("PUT https://any.example/api/v1/crates/new\n\nx", ["other", "-", "one", "other", "-"]),
        (
            "PATCH https://k.example/apis/apps/v1/namespaces/a/deployments/d\n\n{}",
            ["-", "-", "one", "one", "-"],
        ),
        ("DELETE https://k.example/api/v1/namespaces/a", ["-", "-", "-", "two", "-"]),
    ] {
        let found = KINDS.map(|kind| answer(kind, request(text)));
        assert_eq!(found, answers, "{text}");
    }
}

#[test]
fn a_credential_that_writ_did_not_place_is_refused_where_it_matters() {
    let foreign = |text: &str| Request { account: Account::Foreign, ..request(text) };
    let lent = |text: &str| Request { account: Account::Lent(Label::lossy("forge")), ..request(text) };
    for (text, answers) in [
        ("GET https://api.github.com/repos/acme/shop/pulls", ["one", "-"]),
        ("POST https://api.github.com/gists\n\n{}", ["other", "-"]),
        ("GET https://git.example/api/v4/projects/1", ["one", "-"]),
        ("GET https://github.com/acme/shop.git/info/refs?service=git-upload-pack", ["allow", "-"]),
        ("GET https://b.s3.eu-west-1.amazonaws.com/k", ["one", "-"]),
        ("PUT https://any.example/shop\n\n{\"_attachments\":{}}", ["other", "-"]),
        ("POST https://api.github.com.evil.example/x\n\nx", ["one", "one"]),
        ("GET http://localhost:3000/", ["one", "one"]),
    ] {
        let found = [answer(TaskKind::Feature, lent(text)), answer(TaskKind::Feature, foreign(text))];
        assert_eq!(found, answers, "{text}");
    }
    let judge = judge(TaskKind::Feature, Supervision::Governed);
    let request = foreign("GET https://api.github.com/user");
    let judgement = judge.judge(call(Operation::Request(Box::new(request))), &moment(), &Lexical);
    let Judgement::Denied(denial) = judgement else { panic!("not denied") };
    assert!(denial.to_agent().contains("Writ puts on the task's own"), "{}", denial.to_agent());
}

/// A command that writes a request out asks for what the request asks for.
#[test]
fn a_command_and_the_request_it_sends_are_one_thing() {
    let of_command = |command: &str| {
        let operation = Operation::Shell { command: command.to_owned() };
        writ_policy::actions_of(&call(operation), &workspace(), &Lexical)
    };
    for (command, sent) in [
        ("gh api -X PUT repos/o/r/pulls/1/merge", "PUT https://api.github.com/repos/o/r/pulls/1/merge"),
        (
            "gh api --method=PUT /repos/o/r/pulls/1/merge",
            "PUT https://api.github.com/repos/o/r/pulls/1/merge",
        ),
        (
            "curl -X PUT https://api.github.com/repos/o/r/pulls/1/merge",
            "PUT https://api.github.com/repos/o/r/pulls/1/merge",
        ),
        (
            "curl -sXPUT -H 'Accept: x' https://api.github.com/repos/o/r/pulls/1/merge -d '{}'",
            "PUT https://api.github.com/repos/o/r/pulls/1/merge\n\n{}",
        ),
        (
            "gh api repos/o/r/releases -f tag_name=v1",
            "POST https://api.github.com/repos/o/r/releases\n\n{\"tag_name\":\"v1\"}",
        ),
        (
            "gh api repos/o/r/pulls/1/reviews -f event=APPROVE",
            "POST https://api.github.com/repos/o/r/pulls/1/reviews\n\n{\"event\":\"APPROVE\"}",
        ),
        (
            "gh api repos/o/r/secret-scanning/alerts",
            "GET https://api.github.com/repos/o/r/secret-scanning/alerts",
        ),
        ("gh api --hostname git.example -X DELETE repos/o/r", "DELETE https://git.example/api/v3/repos/o/r"),
        (
            "gh api graphql -f query='mutation { mergePullRequest(input: {}) { x } }'",
            "POST https://api.github.com/graphql\n\n{\"query\":\"mutation { mergePullRequest(input: {}) { x } }\"}",
        ),
        (
            "glab api -X PUT projects/1/merge_requests/7/merge",
            "PUT https://gitlab.com/api/v4/projects/1/merge_requests/7/merge",
        ),
        (
            "curl -X POST https://gitlab.com/api/v4/projects/1/pipeline?ref=main",
            "POST https://gitlab.com/api/v4/projects/1/pipeline?ref=main",
        ),
        (
            "curl -T app-1.0.jar https://any.example/org/acme/app/1.0/app-1.0.jar",
            "PUT https://any.example/org/acme/app/1.0/app-1.0.jar\n\nx",
        ),
        (
            "curl -F ':action=file_upload' -F name=shop https://any.example/",
            "POST https://any.example/\ncontent-type: multipart/form-data\n\nform-data; name=\":action\"\n\nx\nform-data; name=\"name\"\n\nshop\n",
        ),
        (
            "curl https://k.example/api/v1/namespaces/a/secrets",
            "GET https://k.example/api/v1/namespaces/a/secrets",
        ),
        (
            "curl -d 'Action=CreateUser' https://iam.amazonaws.com/",
            "POST https://iam.amazonaws.com/\ncontent-type: application/x-www-form-urlencoded\n\nAction=CreateUser",
        ),
    ] {
        let by_command = of_command(command);
        for action in actions(request(sent), &KnownHosts::default()) {
            if action.resource.kind() == "Host" {
                continue;
            }
            let has =
                by_command.iter().any(|own| own.effect == action.effect && own.resource == action.resource);
            assert!(has, "{command} is not {action:?}: {by_command:#?}");
        }
    }
    // What only a run tells is left to the program's own row.
    for command in [
        "gh api -X DELETE \"repos/$REPO\"",
        "gh api -X DELETE \"repos/o/$NAME\"",
        "curl -X DELETE https://api.github.com/repos/o/$NAME",
    ] {
        let found = of_command(command);
        assert!(found.iter().any(|own| own.effect.name() == "git-push"), "{command}");
        assert!(!found.iter().any(|own| own.effect.name() == "destructive"), "{command}");
    }
}
