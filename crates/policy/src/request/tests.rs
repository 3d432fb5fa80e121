use proptest::prelude::*;
use writ_model::{Account, Body, EffectClass, Request, Scheme};

use super::wire::Wire;
use super::{KnownHosts, each_text, forge, graphql, read, registry};

fn texts(request: &Request) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    let is_whole = each_text(request, &mut |text| found.push(text.to_owned()));
    (found, is_whole)
}

fn request(method: &str, host: &str, path: &str, query: Option<&str>, body: &[u8]) -> Request {
    Request {
        method: method.to_owned(),
        scheme: Scheme::Https,
        host: host.to_owned(),
        port: 443,
        path: path.to_owned(),
        query: query.map(str::to_owned),
        headers: Vec::new(),
        body: if body.is_empty() { Body::None } else { Body::Whole(body.to_vec().into()) },
        account: Account::Nobody,
    }
}

/// A table that cannot be read would be an empty one.
#[test]
fn the_tables_are_read() {
    assert!(forge::known() > 600, "{}", forge::known());
    assert!(registry::known() > 50, "{}", registry::known());
}

#[test]
fn a_path_has_one_reading_or_is_odd() {
    for (path, read) in [
        ("/", Some("")),
        ("/a", Some("a")),
        ("/a/", Some("a")),
        ("/a/b%20c", Some("a|b c")),
        ("/%61", Some("a")),
        ("/a%2Fb", Some("a/b")),
        ("/@scope%2fname", Some("@scope/name")),
        ("/a//b", None),
        ("//a", None),
        ("/a/./b", None),
        ("/a/../b", None),
        ("/a/%2e%2e/b", None),
        ("/a/.%2e/b", None),
        ("/a/%252e", None),
        ("/a/%2f../b", None),
        ("/a%2f%2e%2e%2fb", None),
        ("/a;x/b", None),
        ("/a%3Bx", None),
        ("/a\\b", None),
        ("/a%5cb", None),
        ("/a%00", None),
        ("/a%0d%0a", None),
        ("/a%", None),
        ("/a%zz", None),
        ("/a%ff", None),
        ("/a%3fb", None),
        ("/a%23b", None),
        ("a", None),
        ("*", None),
        ("", None),
        ("//", None),
    ] {
        let request = request("GET", "x.example", path, None, b"");
        let wire = Wire::of(&request);
        let found = wire.odd.is_none().then(|| wire.segments.join("|"));
        assert_eq!(found.as_deref(), read, "{path}: {:?}", wire.odd);
    }
}

#[test]
fn all_mutations_of_a_document_are_found() {
    for (document, found) in [
        ("{ viewer { login } }", Some("")),
        ("query { a { mergePullRequest } }", Some("")),
        ("subscription { x }", Some("")),
        (
            "mutation { a: mergePullRequest(input: {}) { x } b: addComment(input: {}) { x } }",
            Some("addComment mergePullRequest"),
        ),
        ("query A { x } mutation B { deleteRef(input: {}) { x } }", Some("deleteRef")),
        ("mutation { ...F } fragment F on Mutation { updateRef(input: {}) { x } }", Some("updateRef")),
        ("mutation { ... on Mutation { ... { createRef(input: {}) { x } } } }", Some("createRef")),
        (
            "mutation { ...A } fragment A on Mutation { ...B } fragment B on Mutation { ...A deleteIssue(input: {}) { x } }",
            Some("deleteIssue"),
        ),
        ("mutation { __typename }", Some("")),
        ("mutation M($s: Boolean!) { deleteRef(input: {}) @skip(if: $s) { x } }", Some("deleteRef")),
        ("# mutation\n{ x }", Some("")),
        ("mutation { ...Gone }", None),
        ("fragment F on Mutation { updateRef }", None),
        ("fragment F on M { a } fragment F on M { b } mutation { ...F }", None),
        ("type Query { a: Int }", None),
        ("mutation {", None),
        ("", None),
        ("mutation { a } }", None),
        ("query { a } extend type Mutation { b: Int }", None),
    ] {
        let names = graphql::mutations(document).ok();
        let names = names.map(|names| names.into_iter().collect::<Vec<_>>().join(" "));
        assert_eq!(names.as_deref(), found, "{document}");
    }
    let deep = format!("mutation {}{}", "{ a ".repeat(500), "}".repeat(500));
    assert!(graphql::mutations(&deep).is_err());
    assert!(graphql::mutations(&format!("{{ {} }}", "a ".repeat(30_000))).is_err());
}

proptest! {
    /// Whatever arrives is read, in bounded time.
    #[test]
    fn any_request_is_read(
        method in "[A-Za-z]{0,8}",
        host in prop::sample::select(vec![
            "api.github.com", "github.com", "gitlab.com", "codeberg.org", "api.bitbucket.org", "dev.azure.com",
            "x-review.googlesource.com", "iam.amazonaws.com", "b.s3.eu-west-1.amazonaws.com", "storage.googleapis.com",
            "management.azure.com", "v.vault.azure.net", "x.example", "10.0.0.1", "localhost",
        ]),
        path in "(/(api|v1|v3|v4|repos|projects|apis|%2[ef]|[a-z%.;\\\\]{0,6})){0,8}",
        query in proptest::option::of("[a-z=&%+]{0,20}"),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let request = request(&method, host, &path, query.as_deref(), &body);
        let _ = read(&request, &KnownHosts::default());
        let _ = texts(&request);
        let _ = super::git_service(&request);
    }

    #[test]
    fn any_document_is_read(document in "[a-zA-Z{}()\\[\\]:$.@!\"#, \n]{0,300}") {
        let _ = graphql::mutations(&document);
    }

    /// A spelling that a server could take for a merge is never less than what asks a person.
    #[test]
    fn no_spelling_of_a_merge_is_a_plain_request(
        parts in prop::collection::vec(
            prop::sample::select(vec!["/", "//", "/./", "/x/../", "%2f", "/%2e/", "/;a/", "\\"]), 6),
        escapes in prop::collection::vec(any::<bool>(), 40),
        upper in any::<bool>(),
    ) {
        let words = ["repos", "o", "r", "pulls", "1", "merge"];
        let mut path = String::new();
        let mut escape = escapes.into_iter().cycle();
        for (part, word) in parts.iter().zip(words) {
            path.push_str(if path.is_empty() { "/" } else { part });
            for c in word.chars() {
                match (escape.next().unwrap_or_default(), upper) {
                    (true, _) => path.push_str(&format!("%{:02X}", u32::from(c))),
                    (false, true) => path.push(c.to_ascii_uppercase()),
                    (false, false) => path.push(c),
                }
            }
        }
        let asked = read(&request("PUT", "api.github.com", &path, None, b""), &KnownHosts::default());
        let strict = |effect| matches!(effect, EffectClass::Publish | EffectClass::Unknown);
        prop_assert!(asked.asks.iter().any(|ask| strict(ask.effect)), "{path}: {asked:?}");
    }

    /// Text in a body is among what a request carries out, however the JSON spells it.
    #[test]
    fn what_a_body_says_is_compared(secret in "[a-z]{8,20}") {
        let spelled: String = secret.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        for body in [format!("{{\"a\":[{{\"b\":\"{spelled}\"}}]}}"), format!("[\"{spelled}\"]")] {
            let (found, is_whole) = texts(&request("POST", "x.example", "/", None, body.as_bytes()));
            prop_assert!(is_whole && found.contains(&secret));
        }
    }
}
