//! Placeholders: put on where they are for, told of everywhere else, and never seen from inside.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use writ_model::{Account, Label};

use super::world::{Scene, World, raw, serve, server_tls, text};
use crate::http::MAX_HELD_BYTES;
use crate::http::port::{How, IncidentKind, Placeholder, Use};

pub(super) const TOKEN: &str = "writ_placeholder_forge_0a1b2c3d";
const OTHER: &str = "writ_placeholder_other_4e5f6a7b";
const VALUE: &str = "ghx_Real+Value/0123456789~";

fn one(text: &str, name: &str, hosts: &[&str], paths: &[&str], how: &[How]) -> Placeholder {
    let uses = how.iter().map(|how| Use {
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        methods: vec!["GET".to_owned(), "POST".to_owned()],
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        how: how.clone(),
    });
    Placeholder { text: text.to_owned(), name: name.parse().unwrap(), uses: uses.collect() }
}

pub(super) fn placeholders() -> Arc<[Placeholder]> {
    placeholders_at(1)
}

fn placeholders_at(port: u16) -> Arc<[Placeholder]> {
    let how = [
        How::Header(Vec::new()),
        How::Header(vec!["x-own".to_owned()]),
        How::Basic,
        How::Query("ticket".to_owned()),
        How::Body,
    ];
    let forge = format!("forge.test:{port}");
    let other = format!("other.test:{port}");
    Arc::new([
        one(TOKEN, "forge", &[&forge], &["/repos/a"], &how),
        one(OTHER, "other", &[&other], &[], &[How::Header(Vec::new())]),
    ])
}

fn lends(port: u16) -> impl FnOnce(&mut World) {
    move |world| {
        world.placeholders = placeholders_at(port);
        world.values = HashMap::from([("forge".to_owned(), (VALUE.to_owned(), None))]);
    }
}

/// What a server got as its last request.
pub(super) async fn listening(tls: bool) -> (u16, Arc<std::sync::Mutex<Vec<String>>>) {
    let got: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&got);
    let tls = tls.then(|| server_tls(&["forge.test", "other.test"], &["h2", "http/1.1"]));
    let port = serve(tls, move |request| {
        let kept = Arc::clone(&kept);
        async move {
            let (head, body) = request.into_parts();
            let Ok(body) = http_body_util::BodyExt::collect(body).await else { return text("broken") };
            let body = body.to_bytes();
            let headers: Vec<String> = head
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
                .collect();
            let target = head.uri.path_and_query().unwrap();
            let all = format!(
                "{} {target}\n{}\n\n{}",
                head.method,
                headers.join("\n"),
                String::from_utf8_lossy(&body)
            );
            kept.lock().unwrap().push(all);
            text("ok")
        }
    })
    .await;
    (port, got)
}

#[tokio::test]
async fn a_placeholder_becomes_its_value_where_it_is_for() {
    let (port, got) = listening(true).await;
    let basic = |text: &str| format!("Authorization: Basic {}", BASE64_STANDARD.encode(text));
    let own = format!("https://forge.test:{port}/repos/a");
    for (arguments, wanted) in [
        (
            vec!["-H".to_owned(), format!("Authorization: Bearer {TOKEN}")],
            format!("authorization: Bearer {VALUE}"),
        ),
        (
            vec!["-H".to_owned(), format!("Authorization: token {TOKEN}")],
            format!("authorization: token {VALUE}"),
        ),
        (vec!["-H".to_owned(), format!("X-Api-Key: {TOKEN}")], format!("x-api-key: {VALUE}")),
        (vec!["-H".to_owned(), format!("X-Own: {TOKEN}")], format!("x-own: {VALUE}")),
        (vec!["-H".to_owned(), basic(&format!("git:{TOKEN}"))], basic(&format!("git:{VALUE}"))),
        (vec!["-H".to_owned(), basic(&format!("{TOKEN}:x"))], String::new()),
        (vec!["-d".to_owned(), format!("secret={TOKEN}&x={TOKEN}")], format!("\n\nsecret={VALUE}&x={VALUE}")),
    ] {
        let scene = Scene::with(lends(port), |_| {}).await;
        let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
        all.extend(["-w", "%{http_code}", own.as_str()]);
        let (_, out) = scene.curl(&all).await;
        assert_eq!(out, "ok200", "{arguments:?}");
        let got = got.lock().unwrap().pop().unwrap();
        assert!(!got.contains(TOKEN), "{got}");
        if wanted.contains(VALUE) {
            assert!(got.contains(&wanted), "{got}");
        } else {
            let inside: Vec<u8> = got
                .lines()
                .find_map(|line| line.strip_prefix("authorization: Basic "))
                .map(|inside| BASE64_STANDARD.decode(inside).unwrap())
                .unwrap();
            assert!(String::from_utf8(inside).unwrap().contains(VALUE), "{got}");
        }
        assert!(scene.kinds().is_empty());
        let account = scene.asked().pop().unwrap().account;
        assert_eq!(account, Account::Lent("forge".parse::<Label>().unwrap()));
        assert_eq!(*scene.world.lends.lock().unwrap(), 1);
    }
    let scene = Scene::with(lends(port), |_| {}).await;
    let (_, out) = scene.curl(&[&format!("{own}?a=b&ticket={TOKEN}")]).await;
    assert_eq!(out, "ok");
    assert!(
        got.lock()
            .unwrap()
            .pop()
            .unwrap()
            .starts_with("GET /repos/a?a=b&ticket=ghx_Real%2BValue%2F0123456789~\n")
    );
}

#[tokio::test]
async fn a_placeholder_anywhere_else_is_told_of_and_goes_nowhere() {
    let (port, got) = listening(true).await;
    let (clear, mut heard) = raw("\r\n\r\n", b"").await;
    let base = format!("https://forge.test:{port}/repos/a");
    let header = |text: &str| vec!["-H".to_owned(), text.to_owned()];
    let encoded: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let twice = encoded.replace('%', "%25");
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let coded = BASE64_STANDARD.encode(format!("xy{TOKEN}z"));
    let gzip = {
        let mut coder = GzEncoder::new(Vec::new(), Compression::best());
        std::io::Write::write_all(&mut coder, format!("a{TOKEN}b").as_bytes()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), coder.finish().unwrap()).unwrap();
        file
    };
    let gzip_data = format!("@{}", gzip.path().display());
    let mut cases: Vec<(String, Vec<String>)> = vec![
        // Another host, path, method.
        (format!("https://other.test:{port}/repos/a"), header(&bearer)),
        (format!("https://forge.test:{port}/repos/ab"), header(&bearer)),
        (format!("https://forge.test:{port}/"), header(&bearer)),
        (base.clone(), [header(&bearer), vec!["-X".to_owned(), "DELETE".to_owned()]].concat()),
        // Another place.
        (base.clone(), header(&format!("User-Agent: {TOKEN}"))),
        (base.clone(), header(&format!("X-Own: a {TOKEN} b"))),
        (base.clone(), header(&format!("Authorization: Bearer {TOKEN}x"))),
        (base.clone(), header(&format!("Cookie: a=b; c={TOKEN}"))),
        (base.clone(), header(&format!("Authorization: Bearer {encoded}"))),
        (base.clone(), header(&format!("Authorization: Bearer {coded}"))),
        (
            base.clone(),
            header(&format!("Authorization: Basic {}", BASE64_STANDARD.encode(format!("{TOKEN}:{OTHER}")))),
        ),
        (
            base.clone(),
            header(&format!("Authorization: Basic {}", BASE64_STANDARD.encode(format!("a:{OTHER}")))),
        ),
        (base.clone(), header(&format!("Authorization: Bearer {OTHER}"))),
        (format!("{base}/{TOKEN}"), Vec::new()),
        (format!("{base}/{encoded}"), Vec::new()),
        (format!("{base}/{twice}"), Vec::new()),
        (format!("{base}?x={TOKEN}"), Vec::new()),
        (format!("{base}?{TOKEN}=x"), Vec::new()),
        (format!("{base}?ticket=a{TOKEN}"), Vec::new()),
        (format!("{base}?x={coded}"), Vec::new()),
        // A body that is not for it, as it is, in base64, compressed.
        (format!("https://other.test:{port}/"), vec!["-d".to_owned(), format!("a={TOKEN}")]),
        (format!("https://other.test:{port}/"), vec!["-d".to_owned(), format!("a={coded}")]),
        (
            format!("https://other.test:{port}/"),
            vec![
                "-H".to_owned(),
                "Content-Encoding: gzip".to_owned(),
                "--data-binary".to_owned(),
                gzip_data.clone(),
            ],
        ),
        (
            base.clone(),
            vec!["-H".to_owned(), "Content-Encoding: gzip".to_owned(), "--data-binary".to_owned(), gzip_data],
        ),
        (base.clone(), vec!["-d".to_owned(), format!("a={OTHER}")]),
    ];
    // In the clear nothing is lent.
    cases.push((format!("http://forge.test:{clear}/repos/a"), header(&bearer)));
    for (url, arguments) in &cases {
        let scene = Scene::with(lends(port), |_| {}).await;
        let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
        all.extend(["-w", "%{http_code}", url.as_str()]);
        let (_, out) = scene.curl(&all).await;
        assert!(
            out.contains("Writ: the placeholder of `") && out.ends_with("403"),
            "{url} {arguments:?} {out}"
        );
        assert_eq!(scene.kinds(), [IncidentKind::PlaceholderElsewhere], "{url} {arguments:?}");
        let in_body =
            arguments.iter().any(|argument| argument.starts_with("-d") || argument.starts_with("--data"));
        assert!(in_body || *scene.world.lends.lock().unwrap() == 0);
        for got in got.lock().unwrap().drain(..) {
            assert!(!got.contains(TOKEN) && !got.contains(VALUE), "{got}");
        }
    }
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn what_is_not_lent_is_not_sent() {
    let (port, got) = listening(true).await;
    let scene = Scene::with(
        |world| {
            lends(port)(world);
            world.values.clear();
        },
        |_| {},
    )
    .await;
    let url = format!("https://forge.test:{port}/repos/a");
    let (_, out) = scene.curl(&["-i", "-H", &format!("Authorization: Bearer {TOKEN}"), &url]).await;
    assert!(out.contains("writ-reason: credential-unavailable"), "{out}");
    assert!(got.lock().unwrap().is_empty());
}

#[tokio::test]
async fn values_that_come_back_are_taken_out() {
    let basic = BASE64_STANDARD.encode(format!("git:{VALUE}"));
    let gzip = |text: &str| {
        let mut coder = GzEncoder::new(Vec::new(), Compression::default());
        std::io::Write::write_all(&mut coder, text.as_bytes()).unwrap();
        coder.finish().unwrap()
    };
    let deflate = |text: &str| {
        let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
        std::io::Write::write_all(&mut coder, text.as_bytes()).unwrap();
        coder.finish().unwrap()
    };
    let plain = format!("a {VALUE} b {basic} c ghx_Real+Val d");
    for (coding, body) in
        [(None, plain.clone().into_bytes()), (Some("gzip"), gzip(&plain)), (Some("deflate"), deflate(&plain))]
    {
        let answer = Bytes::from(body);
        let port = serve(Some(server_tls(&["forge.test"], &["http/1.1"])), move |request| {
            assert_eq!(request.headers()["accept-encoding"], "identity");
            let mut response = text(answer.clone());
            response.headers_mut().insert("x-echo", request.headers()["authorization"].clone());
            if let Some(coding) = coding {
                response.headers_mut().insert("content-encoding", coding.parse().unwrap());
            }
            async move { response }
        })
        .await;
        let mut scene = Scene::with(lends(port), |_| {}).await;
        let url = format!("https://forge.test:{port}/repos/a");
        let bearer = format!("Authorization: Bearer {TOKEN}");
        let (_, out) = scene.curl(&["-i", "-H", &bearer, "-H", "Accept-Encoding: gzip", &url]).await;
        assert!(!out.contains(VALUE) && !out.contains("content-encoding"), "{out}");
        assert!(out.contains(&format!("x-echo: Bearer {TOKEN}")), "{out}");
        assert!(out.contains(&format!("a {TOKEN} b ")) && out.ends_with(" c ghx_Real+Val d"), "{out}");
        assert!(!out.contains(basic.get(8..24).unwrap()), "{out}");
        assert_eq!(scene.ended().await.redactions, 3);
    }
    // What cannot be looked through does not come back.
    let port = serve(Some(server_tls(&["forge.test"], &["http/1.1"])), |_| async {
        let mut response = text("x");
        response.headers_mut().insert("content-encoding", "br".parse().unwrap());
        response
    })
    .await;
    let scene = Scene::with(lends(port), |_| {}).await;
    let url = format!("https://forge.test:{port}/repos/a");
    let (_, out) = scene.curl(&["-i", "-H", &format!("Authorization: Bearer {TOKEN}"), &url]).await;
    assert!(out.contains("502") && out.contains("answer-unreadable"), "{out}");
}

#[tokio::test]
async fn a_value_is_found_across_the_pieces_of_an_answer() {
    let (first, second) = VALUE.split_at(7);
    let answer: &'static [u8] = Box::leak(
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\na {first}\r\n{:x}\r\n{second}\r\n2\r\n b\r\n0\r\n\r\n",
            second.len()
        )
        .into_bytes()
        .into_boxed_slice(),
    );
    let (port, _got) = raw("\r\n\r\n", answer).await;
    let scene = Scene::with(
        |world| {
            world.placeholders = Arc::new([one(
                TOKEN,
                "forge",
                &[&format!("127.0.0.1:{port}")],
                &[],
                &[How::Header(Vec::new())],
            )]);
            world.values = HashMap::from([("forge".to_owned(), (VALUE.to_owned(), None))]);
        },
        |_| {},
    )
    .await;
    let url = format!("http://127.0.0.1:{port}/");
    let (_, out) = scene.curl(&["-H", &format!("X-Api-Key: {TOKEN}"), &url]).await;
    assert_eq!(out, format!("a {TOKEN} b"));
}

#[tokio::test]
async fn a_value_that_was_lent_does_not_leave_again() {
    let (port, got) = listening(true).await;
    let scene = Scene::with(lends(port), |_| {}).await;
    let url = format!("https://forge.test:{port}/repos/a");
    let (_, out) = scene.curl(&["-H", &format!("Authorization: Bearer {TOKEN}"), &url]).await;
    assert_eq!(out, "ok");
    got.lock().unwrap().clear();
    let away = format!("https://other.test:{port}/");
    let coded = BASE64_STANDARD.encode(format!("a{VALUE}"));
    for arguments in [
        ["-d".to_owned(), format!("x={VALUE}")],
        ["-d".to_owned(), format!("x={coded}")],
        ["-H".to_owned(), format!("X-Any: {VALUE}")],
        ["-H".to_owned(), format!("X-Any: {coded}")],
    ] {
        let (_, out) = scene.curl(&["-w", "%{http_code}", &arguments[0], &arguments[1], &away]).await;
        assert!(out.ends_with("403"), "{arguments:?} {out}");
    }
    assert!(!got.lock().unwrap().iter().any(|got| got.contains(VALUE)));
    assert_eq!(scene.kinds(), [IncidentKind::SecretLeaving; 4]);
}

#[tokio::test]
async fn a_credential_in_a_body_is_somebodys() {
    use crate::http::port::BodyWish;
    let (port, _got) = listening(true).await;
    let scene = Scene::with(
        |world| {
            lends(port)(world);
            world.wish = BodyWish::Whole(64 << 10);
        },
        |_| {},
    )
    .await;
    for (data, kind, wanted) in [
        ("a=b", "application/x-www-form-urlencoded", Account::Nobody),
        ("a=b&client_secret=abc", "application/x-www-form-urlencoded", Account::Foreign),
        (r#"{"a":{"apiKey":"abc"}}"#, "application/json", Account::Foreign),
        (r#"{"a":{"apiKey":"abc"}}"#, "text/plain", Account::Foreign),
    ] {
        let kind = format!("Content-Type: {kind}");
        let _ = scene.curl(&["-H", &kind, "-d", data, &format!("https://other.test:{port}/")]).await;
        assert_eq!(scene.asked().pop().unwrap().account, wanted, "{data}");
    }
    // Where the body is the place for it, a placeholder is Writ's own.
    let own = format!(r#"{{"token":"{TOKEN}"}}"#);
    let _ = scene.curl(&["-d", &own, &format!("https://forge.test:{port}/repos/a")]).await;
    assert_eq!(scene.asked().pop().unwrap().account, Account::Lent("forge".parse().unwrap()));
}

#[tokio::test]
async fn a_signature_is_made_anew_with_the_key_that_is_lent() {
    let (port, got) = listening(true).await;
    let key = "writ_placeholder_cloud_8c9d0e1f";
    let sign = |regions: &[&str]| How::SigV4 {
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        services: vec!["s3".to_owned()],
    };
    let hosts = [format!("forge.test:{port}")];
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    for (regions, service, host, wanted) in [
        (&["eu-west-1"][..], "s3", "forge.test", "200"),
        (&["us-east-1"], "s3", "forge.test", "403"),
        (&["eu-west-1"], "iam", "forge.test", "403"),
        (&["eu-west-1"], "s3", "other.test", "403"),
    ] {
        let scene = Scene::with(
            |world| {
                world.placeholders = Arc::new([one(key, "cloud", &hosts, &[], &[sign(regions)])]);
                world.values = HashMap::from([(
                    "cloud".to_owned(),
                    ("AKIDREAL".to_owned(), Some("a-secret-key-of-the-cloud".to_owned())),
                )]);
            },
            |_| {},
        )
        .await;
        let url = format!("https://{host}:{port}/bucket/a%20b?list-type=2");
        let user = format!("{key}:{key}");
        let sort = format!("aws:amz:eu-west-1:{service}");
        let (_, out) =
            scene.curl(&["-w", "%{http_code}", "--aws-sigv4", &sort, "-u", &user, "-d", "hello", &url]).await;
        assert!(out.ends_with(wanted), "{host} {service} {out}");
        match got.lock().unwrap().pop() {
            Some(got) => {
                assert!(wanted == "200" && !got.contains(key), "{got}");
                assert!(got.contains("authorization: AWS4-HMAC-SHA256 Credential=AKIDREAL/"), "{got}");
                assert!(got.ends_with("\n\nhello"), "{got}");
                assert_eq!(scene.asked().pop().unwrap().account, Account::Lent("cloud".parse().unwrap()));
            }
            None => assert_eq!(wanted, "403"),
        }
    }
}

/// As many as there is room for: what is held already is signed from where it lies.
#[tokio::test]
async fn long_bodies_that_are_signed_anew_at_once_do_not_wait_for_each_other() {
    const UPLOADS: usize = 2;
    let (port, got) = listening(true).await;
    let key = "writ_placeholder_cloud_8c9d0e1f";
    let host = format!("forge.test:{port}");
    let scene = Scene::with(
        |world| {
            let how = How::SigV4 { regions: Vec::new(), services: Vec::new() };
            world.placeholders = Arc::new([one(key, "cloud", &[&host], &[], &[how])]);
            let value = ("AKIDREAL".to_owned(), Some("a-secret-key-of-the-cloud".to_owned()));
            world.values = HashMap::from([("cloud".to_owned(), value)]);
            world.wish = crate::http::port::BodyWish::Whole(MAX_HELD_BYTES);
            world.gate = Arc::new(Semaphore::new(0));
        },
        |_| {},
    )
    .await;
    let body = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(body.path(), vec![b'x'; MAX_HELD_BYTES]).unwrap();
    let data = format!("@{}", body.path().display());
    let (url, user) = (format!("https://{host}/bucket/a"), format!("{key}:{key}"));
    let asked = [
        "-w",
        "%{http_code}",
        "--aws-sigv4",
        "aws:amz:eu-west-1:kinesis",
        "-H",
        "Expect:",
        "-u",
        &user,
        "--data-binary",
        &data,
        &url,
    ];
    let all_asked = async {
        while scene.asked().len() < UPLOADS {
            tokio::task::yield_now().await;
        }
        scene.world.gate.add_permits(UPLOADS);
    };
    let uploads = async { tokio::join!(scene.curl(&asked), scene.curl(&asked), all_asked) };
    // Less than a body that finds no room waits for it.
    let (first, second, ()) = timeout(Duration::from_secs(20), uploads).await.unwrap();
    for (_, out) in [first, second] {
        assert!(out.ends_with("200"), "{out}");
    }
    assert_eq!(got.lock().unwrap().len(), UPLOADS);
}

#[tokio::test]
async fn attack_a_credential_is_not_put_on_a_request_that_could_be_another() {
    let (port, got) = listening(true).await;
    let scene = Scene::with(
        |world| {
            lends(port)(world);
            world.wish = crate::http::port::BodyWish::Whole(1024);
        },
        |_| {},
    )
    .await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let at = |rest: &str| format!("https://forge.test:{port}/repos/a{rest}");
    let plain = at("/b");
    let kept = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = kept.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        format!("@{}", path.display())
    };
    let packed = {
        let mut coder = GzEncoder::new(Vec::new(), Compression::best());
        std::io::Write::write_all(&mut coder, b"_method=DELETE").unwrap();
        file("packed", &coder.finish().unwrap())
    };
    let long = file("long", format!("a={}&_method=DELETE", "x".repeat(300_000)).as_bytes());
    let longer = file("longer", format!("a={}&_method=DELETE", "x".repeat(2 << 20)).as_bytes());
    let (packed, long) = (
        ["--data-binary", &packed, "-H", "Content-Encoding: gzip"],
        ["--data-binary", &long, "-H", "Transfer-Encoding: chunked"],
    );
    let too_long = ["--data-binary", &longer, "-H", "Transfer-Encoding: chunked"];
    // A form in parts that is too long to be read ahead is stopped on its way; its part of that name does not arrive.
    let part = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let large = part("content", &"x y=z; ".repeat(1 << 20));
    let of_form = "Content-Type: multipart/form-data; boundary=x";
    let good = file("good", format!("{large}{}--x--\r\n", part("name", "a")).as_bytes());
    let bad = file("bad", format!("{large}{}--x--\r\n", part("_method", "DELETE")).as_bytes());
    for how in ["Expect:", "Transfer-Encoding: chunked"] {
        let (_, out) =
            scene.curl(&["-H", &bearer, "-H", of_form, "-H", how, "--data-binary", &good, &at("/b")]).await;
        assert_eq!(out, "ok", "{how}");
        assert!(got.lock().unwrap().pop().unwrap().contains(VALUE));
        let (_, out) =
            scene.curl(&["-H", &bearer, "-H", of_form, "-H", how, "--data-binary", &bad, &at("/b")]).await;
        assert!(out.contains("names another method"), "{how} {out}");
        assert!(
            got.lock().unwrap().drain(..).all(|got| got == "broken" || !got.contains("_method")),
            "{how}"
        );
    }
    let odd: Vec<(String, &[&str])> = vec![
        (at("/b"), &["-H", "X-HTTP-Method-Override: DELETE"]),
        (at("/b"), &["-H", "X-Method-Override: DELETE"]),
        (at("/b"), &["-H", "X-HTTP-Method: DELETE"]),
        (at("/c"), &["-H", "X-Original-URL: /admin"]),
        (at("/c"), &["-H", "X-Rewrite-URL: /admin"]),
        (at("/c"), &["-H", "X-Forwarded-Prefix: /admin"]),
        (at("/c"), &["-H", "X-Forwarded-Path: /admin"]),
        (at("/b?_method=DELETE"), &[]),
        (at("/b?%5fmethod=DELETE"), &[]),
        (at("/b"), &["-d", "a=b&_method=DELETE"]),
        (at("/b"), &["-F", "_method=DELETE"]),
        (at("/b?_method[]=DELETE"), &["-g"]),
        (at("/b"), &["-d", "{\"_method\":\"DELETE\"}", "-H", "Content-Type: application/json"]),
        (at("/b"), &packed),
        (at("/b"), &long),
        (at("/b"), &too_long),
        (
            at("/b"),
            &[
                "-H",
                "Content-Type: multipart/form-data; boundary=x",
                "--data-binary",
                "--x\r\nContent-Disposition: form-data; name=_method; a=b\r\n\r\nDELETE\r\n--x--",
            ],
        ),
        (at("/b"), &["-X", "GET", "-d", "{}"]),
        (at("/%252e%252e/admin"), &["--path-as-is"]),
        (at("/%c0%ae%c0%ae/x"), &["--path-as-is"]),
        (at("/%u002e%u002e/x"), &["--path-as-is"]),
    ];
    for (url, more) in &odd {
        let mut arguments = vec!["-w", "%{http_code}", "-H", &bearer, url];
        arguments.extend(*more);
        let (_, out) = scene.curl(&arguments).await;
        assert!(out.contains("is not put on") && !out.ends_with("200"), "{url} {more:?} {out}");
    }
    assert!(got.lock().unwrap().is_empty());
    let (_, out) = scene.curl(&["-H", &bearer, &plain]).await;
    assert_eq!(out, "ok");
    assert!(got.lock().unwrap().pop().unwrap().contains(VALUE));
    // Nobody lends anything, and it is an ordinary request.
    let (_, out) = scene.curl(&["-H", "X-HTTP-Method-Override: GET", &plain]).await;
    assert_eq!(out, "ok");
    // A key of NuGet's is told by its name, and bytes of no form are not looked through.
    let key = format!("X-NuGet-ApiKey: {TOKEN}");
    let bytes = "Content-Type: application/octet-stream";
    let (_, out) = scene.curl(&["-H", &key, "-H", bytes, "--data-binary", &longer, &plain]).await;
    assert_eq!(out, "ok");
    let told = scene.asked().pop().unwrap().headers;
    assert!(told.contains(&("x-nuget-apikey".to_owned(), "(hidden)".to_owned())), "{told:?}");
}

#[tokio::test]
async fn attack_a_value_does_not_come_back_beside_the_body() {
    let answer: &'static [u8] = Box::leak(
        format!(
            "HTTP/1.1 200 {VALUE}\r\nTrailer: x-check\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
             2\r\nok\r\n0\r\nx-check: {VALUE}\r\n\r\n"
        )
        .into_bytes()
        .into_boxed_slice(),
    );
    let (port, mut got) = raw("\r\n\r\n", answer).await;
    let scene = Scene::with(
        |world| {
            lends(port)(world);
            world.placeholders = Arc::new([one(
                TOKEN,
                "forge",
                &[&format!("localhost:{port}")],
                &[],
                &[How::Header(Vec::new())],
            )]);
        },
        |_| {},
    )
    .await;
    let head = format!(
        "GET http://localhost:{port}/ HTTP/1.1\r\nHost: localhost:{port}\r\nTE: trailers\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    );
    let out = scene.say(head.as_bytes()).await;
    assert!(got.recv().await.unwrap().contains(VALUE));
    assert!(!out.contains(VALUE) && out.contains(&format!("x-check: {TOKEN}")), "{out}");
}

#[tokio::test]
async fn attack_a_placeholder_or_token_in_another_dress_does_not_leave() {
    let (port, got) = listening(true).await;
    let scene =
        Scene::with(lends(port), |settings| settings.tripwire = Some(Arc::new(crate::http::Tokens))).await;
    let url = format!("https://other.test:{port}/x");
    let escaped = TOKEN.replace('_', "\\u005f");
    let coded = TOKEN.replace('_', "%5f");
    let name = format!("{TOKEN}: x");
    let agent = format!("User-Agent: gl{}-{}", "pat", "q7Rk2ZpL9wXc4VbN8mTd");
    for more in [
        ["-d", &format!("{{\"a\":\"{escaped}\"}}")],
        ["-d", &format!("a={coded}")],
        ["-H", &name],
        ["-H", &agent],
    ] {
        let mut arguments = vec!["-i", &url];
        arguments.extend(more);
        let (_, out) = scene.curl(&arguments).await;
        assert!(out.contains("writ-reason: "), "{more:?} {out}");
    }
    assert!(got.lock().unwrap().iter().all(|all| all == "broken" || !all.contains("x: 1")));
    assert!(got.lock().unwrap().is_empty(), "{:?}", got.lock().unwrap());
}
