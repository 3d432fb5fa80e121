//! What is asked about, and what a refusal looks like.

use std::sync::{Arc, OnceLock};

use hyper::http::request;
use hyper::{Request, Response};
use writ_model::{Account, Body, Scheme};

use super::world::{Scene, World, echo, raw, refusal, server_tls};
use crate::http::port::{BodyWish, Boundary as _, Divert, Ended, IncidentKind, Treat, Wait};
use crate::http::{Authority, Flow, Onward, UserProxy};

#[tokio::test]
async fn a_request_in_the_clear_is_decided_and_passed() {
    let mut scene = Scene::new().await;
    let port = echo(None).await;
    let (code, out) =
        scene.curl(&[&format!("http://api.test:{port}/a/b?c=d"), "-H", "Proxy-Authorization: x"]).await;
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("GET /a/b?c=d HTTP/1.1\n"), "{out}");
    assert!(out.contains(&format!("host: api.test:{port}\n")), "{out}");
    assert!(!out.to_lowercase().contains("proxy-"), "{out}");
    let asked = scene.asked().remove(0);
    assert_eq!(asked.authority(), format!("api.test:{port}"));
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str(), asked.query.as_deref()),
        ("GET", "/a/b", Some("c=d"))
    );
    assert_eq!((asked.scheme, asked.body, asked.account), (Scheme::Http, Body::None, Account::Nobody));
    let Ended { status, sent_bytes, received_bytes, redactions, is_whole } = scene.ended().await;
    assert_eq!((status, sent_bytes, redactions, is_whole), (Some(200), 0, 0, true));
    assert_eq!(received_bytes, u64::try_from(out.len()).unwrap());
}

#[tokio::test]
async fn inside_tls_each_request_is_decided() {
    for protocols in [&["http/1.1"][..], &["h2", "http/1.1"]] {
        for version in ["--http1.1", "--http2"] {
            let mut scene = Scene::new().await;
            let port = echo(Some(server_tls(&["api.test"], protocols))).await;
            let url = format!("https://api.test:{port}/x");
            let (code, out) = scene
                .curl(&[
                    version,
                    &url,
                    "-d",
                    "hello",
                    "--next",
                    "-sS",
                    "-k",
                    "--proxy",
                    &format!("http://{}", scene.at),
                    &url,
                ])
                .await;
            assert_eq!(code, 0, "{out}");
            let spoken = if protocols[0] == "h2" { "HTTP/2.0" } else { "HTTP/1.1" };
            assert!(out.contains(spoken) && out.contains("\n\nhello"), "{out}");
            let asked = scene.asked();
            assert_eq!(asked.len(), 2);
            assert_eq!((asked[0].method.as_str(), asked[1].method.as_str()), ("POST", "GET"));
            assert_eq!((asked[0].scheme, &asked[0].body), (Scheme::Https, &Body::Unread));
            assert!(scene.ended().await.is_whole && scene.ended().await.is_whole);
        }
    }
}

#[tokio::test]
async fn a_refusal_says_why_in_the_form_that_was_asked_for() {
    let scene =
        Scene::with(|world| world.admits = Box::new(|_| Err(refusal("ask a person for `x`"))), |_| {}).await;
    let (port, mut got) = raw("\r\n\r\n", b"").await;
    let tls = format!("https://api.test:{port}/x");
    let clear = format!("http://api.test:{port}/x");
    for url in [&tls, &clear] {
        let (_, out) = scene.curl(&["-i", url]).await;
        assert!(out.contains(" 403") && out.contains("writ-reason: organisation"), "{out}");
        assert!(out.contains("text/plain") && out.ends_with("Writ: ask a person for `x`\n"), "{out}");
        let (_, out) = scene.curl(&["-H", "Accept: application/json", url]).await;
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["error"]["code"], "organisation");
        assert_eq!(json["message"], "ask a person for `x`");
        // The answer is heard, whatever was still being sent.
        let big = "x".repeat(1 << 20);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &big).unwrap();
        let data = format!("@{}", file.path().display());
        for expect in ["Expect: 100-continue", "Expect:"] {
            let (code, out) =
                scene.curl(&["-w", "%{http_code}", "-H", expect, "--data-binary", &data, url]).await;
            assert_eq!(code, 0, "{url} {expect} {out}");
            assert!(out.ends_with("403"), "{out}");
        }
    }
    assert!(got.try_recv().is_err(), "nothing reached the other side");
}

#[tokio::test]
async fn a_tunnel_is_refused_with_words() {
    let scene = Scene::with(
        |world| world.treat = Box::new(|_| Treat::Refuse(refusal("only the model is reached"))),
        |_| {},
    )
    .await;
    let out = scene.say(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n").await;
    assert!(out.starts_with("HTTP/1.1 403 ") && out.ends_with("Writ: only the model is reached\n"), "{out}");
    let out = scene.say(b"GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n").await;
    assert!(out.starts_with("HTTP/1.1 403 "), "{out}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "x".repeat(1 << 20)).unwrap();
    let data = format!("@{}", file.path().display());
    let (code, out) = scene
        .curl(&["-w", "%{http_code}", "-H", "Expect:", "--data-binary", &data, "http://api.test/"])
        .await;
    assert!(code == 0 && out.ends_with("403"), "{code} {out}");
    assert!(scene.asked().is_empty());
}

#[tokio::test]
async fn a_decision_sees_as_much_of_a_body_as_it_asks_for() {
    for (wish, sent, wanted) in [
        (BodyWish::None, "hello", Body::Unread),
        (BodyWish::Start(2), "hello", Body::Start(b"he"[..].into())),
        (BodyWish::Whole(100), "hello", Body::Whole(b"hello"[..].into())),
        (BodyWish::Whole(5), "hello", Body::Whole(b"hello"[..].into())),
        (BodyWish::Whole(4), "hello", Body::Start(b"hell"[..].into())),
        (BodyWish::Whole(100), "", Body::None),
    ] {
        let scene = Scene::with(|world| world.wish = wish, |_| {}).await;
        let port = echo(None).await;
        for coding in ["Transfer-Encoding: chunked", "X-Plain: yes"] {
            let (code, out) =
                scene.curl(&[&format!("http://api.test:{port}/"), "-H", coding, "-d", sent]).await;
            assert_eq!(code, 0, "{out}");
            assert!(out.ends_with(&format!("\n\n{sent}")), "{out}");
            let got = scene.asked().pop().unwrap().body;
            let is_empty_chunked = sent.is_empty() && coding.starts_with("Transfer");
            if is_empty_chunked {
                assert_eq!(got, Body::Whole(hyper::body::Bytes::new()));
            } else {
                assert_eq!(got, wanted, "{wish:?}");
            }
        }
    }
}

#[tokio::test]
async fn credentials_that_nobody_lent_are_told_of() {
    let scene = Scene::with(
        |world| {
            world.admits = Box::new(|request| match request.account {
                Account::Foreign => Err(refusal("a credential of another")),
                Account::Nobody | Account::Lent(_) => Ok(()),
            });
        },
        |_| {},
    )
    .await;
    let port = echo(None).await;
    let plain = format!("http://api.test:{port}/");
    for (url, header) in [
        (plain.clone(), "Authorization: Bearer xyz"),
        (plain.clone(), "Cookie: session=xyz"),
        (plain.clone(), "Private-Token: xyz"),
        (plain.clone(), "X-Api-Key: xyz"),
        (format!("{plain}?access_token=xyz"), "A: b"),
        (format!("{plain}?X-Amz-Signature=xyz"), "A: b"),
    ] {
        let (_, out) = scene.curl(&["-w", "%{http_code}", "-H", header, &url]).await;
        assert!(out.ends_with("403"), "{header} {url} {out}");
        let asked = scene.asked().pop().unwrap();
        assert_eq!(asked.account, Account::Foreign);
        // Letters that no digest is written with.
        assert!(!asked.headers.iter().any(|(_, value)| value.contains("xyz")));
    }
    assert_eq!(scene.kinds(), [IncidentKind::ForeignCredential; 6]);
    let (_, out) = scene.curl(&["-w", "%{http_code}", &plain]).await;
    assert!(out.ends_with("200"), "{out}");
}

/// Takes pushes, and sends them to another path of the same place.
#[derive(Default)]
struct Pushes(OnceLock<Arc<World>>);

impl Divert for Pushes {
    fn takes(&self, request: &writ_model::Request) -> bool {
        request.path.ends_with("/git-receive-pack")
    }

    fn handle(
        &self,
        request: writ_model::Request,
        mut head: request::Parts,
        body: Flow,
        onward: Onward,
    ) -> Wait<'_, Response<Flow>> {
        Box::pin(async move {
            let pass = self.0.get().unwrap().admit(request).await.unwrap();
            head.uri = "/elsewhere".parse().unwrap();
            onward.send(pass, Request::from_parts(head, body)).await
        })
    }
}

#[tokio::test]
async fn a_door_of_its_own_gets_what_it_takes_and_nothing_else() {
    let pushes = Arc::new(Pushes::default());
    let divert = Arc::clone(&pushes);
    let mut scene = Scene::with(|_| {}, |set| set.diverts = vec![divert]).await;
    let _ = pushes.0.set(Arc::clone(&scene.world));
    let port = echo(Some(server_tls(&["forge.test"], &["h2"]))).await;
    for (path, wanted) in
        [("/a/git-receive-pack", "POST https://forge.test"), ("/a/git-upload-pack", "/a/git-up")]
    {
        let url = format!("https://forge.test:{port}{path}");
        let (code, out) = scene.curl(&["-d", "pack", &url]).await;
        assert_eq!(code, 0, "{out}");
        assert!(out.contains(wanted) && out.ends_with("\n\npack"), "{out}");
        assert_eq!(out.contains("/elsewhere"), path.contains("receive"), "{out}");
        assert!(scene.ended().await.is_whole);
    }
    assert_eq!(scene.asked().len(), 2);
}

#[tokio::test]
async fn the_users_own_proxy_is_gone_through() {
    let beyond = Scene::new().await;
    let port = echo(Some(server_tls(&["api.test"], &["http/1.1"]))).await;
    let (to, pem) = (beyond.at.to_string(), beyond.ca_pem());
    let scene = Scene::with(
        |world| world.names = false,
        |set| {
            set.user_proxy = Some(UserProxy { to: Authority::parse(&to, None).unwrap(), credential: None });
            set.extra_trust_pem = Some(pem);
        },
    )
    .await;
    let (code, out) = scene.curl(&[&format!("https://api.test:{port}/x")]).await;
    assert!(code == 0 && out.contains("/x"), "{out}");
    assert_eq!((scene.asked().len(), beyond.asked().len()), (1, 1));
}
