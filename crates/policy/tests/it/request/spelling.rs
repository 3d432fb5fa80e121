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
    cut.body = Body::Start(b"{\"query\":\"{ a }\"".to_vec().into());
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
        (
            review,
            "content-type: application/x-www-form-urlencoded, a/b+json",
            "{\"event\":\"COMMENT\",\"x\":\"&event=APPROVE&\"}",
            APPROVES,
        ),
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

/// No length, number of fields or spelling hides a second method where operations are known; what cannot be told counts as one.
#[test]
fn attack_a_second_method_is_found_at_any_depth_of_a_body() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    const PARTS: &str = "content-type: multipart/form-data; boundary=x";
    const JSON: &str = "content-type: application/json";
    let filler: String = (0..65).map(|at| format!("f{at}=x&")).collect();
    let long = format!("a={}&", "x".repeat(17 << 10));
    let part = |lines: &str| format!("--x\r\n{lines}\r\n\r\nDELETE\r\n");
    let named = |name: &str| part(&format!("Content-Disposition: form-data; {name}"));
    let many: String = (0..600).map(|at| named(&format!("name=f{at}"))).collect();
    let bodies = [
        (FORM, "_method=DELETE".to_owned()),
        (FORM, format!("{filler}_method=DELETE")),
        (FORM, format!("{filler}%5Fmethod=DELETE")),
        (FORM, format!("{long}_method=DELETE")),
        (FORM, "a=%zz&_method=DELETE".to_owned()),
        (FORM, "a=1;_method=DELETE".to_owned()),
        (FORM, "a=\u{fffd}& _method[x]=DELETE".to_owned()),
        (FORM, "{\"a\":\"&_method=DELETE&\"}".to_owned()),
        (
            "content-type: application/x-www-form-urlencoded, application/json",
            "a=b&_method=DELETE".to_owned(),
        ),
        (JSON, "{\"_method\":\"DELETE\",\"_method\":\"DELETE\"}".to_owned()),
        (JSON, "{\"a\":1,\"a\":2,\"\\u005fmethod\":\"DELETE\"}".to_owned()),
        (JSON, "{'_method':'DELETE'}".to_owned()),
        (JSON, "{\"a\":1}{\"_method\":\"DELETE\"}".to_owned()),
        ("content-type: application/json; charset=utf-16", "{}".to_owned()),
        ("content-type: application/json\ncontent-encoding: gzip", "x".to_owned()),
        (PARTS, named("name=\"_method\"")),
        (PARTS, format!("{many}{}", named("name=\"_method\""))),
        (PARTS, named("name=\"=?utf-8?B?X21ldGhvZA==?=\"")),
        (PARTS, named("name*0=_me; name*1=thod")),
        (PARTS, named("name=\"_me\\thod\"")),
        (PARTS, part("Content-ID: <_method>")),
        (PARTS, named("a=b\u{b}name=_method")),
    ];
    for (line, what) in [
        ("POST https://gitlab.com/api/v4/projects/1/star", "git-push Repository gitlab.com/#1"),
        ("POST https://gitlab.com/api/v4/projects/1/environments/1", ""),
        ("POST https://any.example/api/v1/gems", "publish Package *"),
        ("POST https://management.azure.com/subscriptions/1/providers/x/y", ""),
    ] {
        for (head, body) in &bodies {
            let found = told(request(&format!("{line}\n{head}\n\n{body}")), &KnownHosts::default());
            assert!(
                found.ends_with(UNKNOWN) && found.starts_with(what),
                "{line} {head} {body:.200}: {found}"
            );
        }
        for head in [FORM, PARTS, JSON, "content-type: text/plain", "x-a: b"] {
            let mut cut = request(&format!("{line}\n{head}"));
            cut.body = Body::Start(b"a=b".to_vec().into());
            assert!(told(cut, &KnownHosts::default()).ends_with(UNKNOWN), "{line} {head}");
        }
    }
}

#[test]
fn a_body_that_names_no_method_is_read_as_what_it_is() {
    let line = "POST https://gitlab.com/api/v4/projects/1/star";
    const PUSHES: &str = "git-push Repository gitlab.com/#1";
    let note = "{\"body\":\"x&_method=DELETE;_method=PUT name=\\\"_method\\\" \",\"http_method\":\"GET\"}";
    let part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"_method=?.png\"\r\n\r\nmethod\r\n--x--";
    for (head, body) in [
        ("content-type: application/json", note.to_owned()),
        ("content-type: application/vnd.github+json; charset=utf-8", note.to_owned()),
        ("content-type: application/x-ndjson", format!("{note}\n{note}\n")),
        ("content-type: application/json", format!("{{\"a\":\"{}\"}}", "method ".repeat(30_000))),
        ("content-type: application/json", "not JSON".to_owned()),
        (
            "content-type: application/x-www-form-urlencoded",
            format!("{}b=_method", "a=method&".repeat(2_000)),
        ),
        ("content-type: multipart/form-data; boundary=x", part.to_owned()),
    ] {
        let found = told(request(&format!("{line}\n{head}\n\n{body}")), &KnownHosts::default());
        assert_eq!(found, PUSHES, "{head} {body:.200}");
    }
    for head in
        ["content-type: application/octet-stream", "content-type: image/png", "content-type: application/zip"]
    {
        let mut cut = request(&format!("{line}\n{head}"));
        cut.body = Body::Start(vec![b'x'; 256 << 10].into());
        assert_eq!(told(cut, &KnownHosts::default()), PUSHES, "{head}");
    }
}

/// What one reader takes for JSON is a form to another, where it does not say which it is.
#[test]
fn attack_a_form_within_json_is_a_second_reading() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    let hidden = "{\"query\":\"{ a }\",\"variables\":{\"x\":\"&query=mutation{deleteRef(input:{}){x}}&\"}}";
    let upload = "{\"operation\":\"download\",\"x\":\"&operation=upload&\"}";
    let lfs = "POST https://github.com/acme/shop.git/info/lfs/objects/batch";
    check(&[
        (format!("POST https://gitlab.com/api/graphql\n{FORM}\n\n{hidden}").leak(), UNKNOWN),
        (
            format!("POST https://gitlab.com/api/graphql\ncontent-type: application/json\n\n{hidden}").leak(),
            "",
        ),
        (format!("{lfs}\n{FORM}\n\n{upload}").leak(), UNKNOWN),
        (
            format!("{lfs}\ncontent-type: application/vnd.git-lfs+json\n\n{upload}").leak(),
            "network Ref github.com/acme/shop#",
        ),
    ]);
}

/// As long a body as is read, made to be slow.
#[test]
fn hostile_bodies_are_read_in_bounded_time() {
    // What is not optimised takes a small part of it.
    let bytes = if cfg!(debug_assertions) { 128 << 10 } else { 4 << 20 };
    let fill = |piece: &str| piece.repeat(bytes / piece.len());
    let parts = "content-type: multipart/form-data; boundary=x";
    for (head, body) in [
        ("a: b", fill("%5f%6d%65&")),
        ("a: b", fill("_amethod=&")),
        ("a: b", fill("&")),
        ("a: b", fill("%3a%3a%3a=&")),
        (parts, fill("content-disposition:name=\":action\"\n\nfile_upload\n")),
        (parts, fill("content-disposition")),
        (parts, fill(&format!("name={}\n", "=method".repeat(1000)))),
        (parts, fill(&format!("name={}\n", "='".repeat(400)))),
        (parts, fill("name=")),
        (parts, fill("content-disposition: name=name=name=name=name=name=name=name=\n")),
        ("content-type: application/json", format!("[{}0]", fill("[],"))),
        ("content-type: application/json", fill("{\"method\":1}")),
    ] {
        for host in ["any.example/", "any.example/legacy", "gitlab.com/api/v4/projects/1/star"] {
            let sent = request(&format!("POST https://{host}\n{head}\n\n{body}"));
            let began = std::time::Instant::now();
            let _ = told(sent, &KnownHosts::default());
            let took = began.elapsed();
            println!("{host} {body:.30}: {took:?}");
            assert!(took < std::time::Duration::from_secs(3), "{host} {body:.40}: {took:?}");
        }
    }
}
