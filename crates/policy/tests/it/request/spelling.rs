//! One request, however it is spelled, and two readings of one.

use super::*;

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
        ("GET https://api.github.com/repos/o/r/pulls/1/merge\nX_HTTP_METHOD_OVERRIDE: PUT", UNKNOWN),
        ("GET https://api.github.com/repos/o/r/pulls/1/merge\nx-original-uri: /a", UNKNOWN),
        ("GET https://api.github.com/repos/o/r/pulls/1/merge?_method[]=PUT", UNKNOWN),
        ("GET https://api.github.com/repos/o/r/pulls/1/merge?.method=PUT", UNKNOWN),
        (
            "POST https://api.github.com/repos/o/r/issues?_method=DELETE\n\n{}",
            "git-push Repository github.com/o/r; unknown Unknown",
        ),
        (
            "POST https://api.github.com/repos/o/r/issues\n\n{\"_method\":\"DELETE\"}",
            "git-push Repository github.com/o/r; unknown Unknown",
        ),
        (
            "POST https://api.github.com/repos/o/r/issues\ncontent-type: application/x-www-form-urlencoded\n\na=b&.method=DELETE",
            "git-push Repository github.com/o/r; unknown Unknown",
        ),
        (
            "POST https://api.github.com/repos/o/r/issues\ncontent-type: multipart/form-data\n\n--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--",
            "git-push Repository github.com/o/r; unknown Unknown",
        ),
        (
            "POST https://api.github.com/repos/o/r/issues\n\n{\"title\":\"a\",\"body\":\"_method=DELETE\"}",
            "git-push Repository github.com/o/r",
        ),
        (
            "GET https://gitlab.com/api/v4/projects/1\nSudo: root",
            "identity-change Identity account at gitlab.com",
        ),
        (
            "GET https://gitlab.com/api/v4/projects/1?sudo=root",
            "identity-change Identity account at gitlab.com",
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
