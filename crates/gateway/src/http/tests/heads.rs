//! Requests that two readers could read differently: refused, or passed on in one way.

use super::world::{Scene, raw};

/// What is sent, with `@` for the host and `~` for its port, and what the other side may get: nothing, or a head without
/// these words.
const ATTACKS: &[(&str, Option<&[&str]>)] = &[
    // Two lengths (RFC 9112, section 6.3).
    (
        "POST http://@/ HTTP/1.1\r\nHost: @\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
        None,
    ),
    (
        "POST http://@/ HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
        None,
    ),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", None),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", None),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nContent-Length: +5\r\n\r\nhello", None),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nContent-Length: 5, 5\r\n\r\nhello", None),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", None),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", None),
    (
        "POST http://@/ HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        None,
    ),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", None),
    ("POST http://@/ HTTP/1.0\r\nHost: @\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
    // Hosts.
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nHost: evil.test\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: evil.test\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\n\r\n", None),
    ("GET http://user@@/ HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@:x/ HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET https://@/ HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET ftp://@/ HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET / HTTP/1.1\r\nHost: @\r\n\r\n", None),
    // Lines.
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nA: b\r\n c: evil\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nA: b\rEvil: c\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nA: b\x00c\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nA b: c\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\n: c\r\n\r\n", None),
    ("GET http://@/ evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/\x01 HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/ HTTP/2.0\r\nHost: @\r\n\r\n", None),
    ("G\tT http://@/ HTTP/1.1\r\nHost: @\r\n\r\n", None),
    // Paths.
    ("GET http://@/a/../evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/a/%2e%2E/evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/a/..;x/evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/a/.%2e%2fevil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/a/..%5cevil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/a\\..\\evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/a%00evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/a%0d%0aevil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    // Methods and protocols.
    ("TRACE http://@/ HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("TRACK http://@/ HTTP/1.1\r\nHost: @\r\n\r\n", None),
    (
        "GET http://@/ HTTP/1.1\r\nHost: @\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
        // An offer that a server may pass over; it goes no further.
        Some(&["upgrade", "settings", "h2c"]),
    ),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n", None),
    (
        "POST http://@/ HTTP/1.1\r\nHost: @\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nContent-Length: 4\r\n\r\nevil",
        None,
    ),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
    // What is for one connection only, and what is for us, stays here.
    (
        "GET http://@/ HTTP/1.1\r\nHost: @\r\nConnection: close, TE\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\nProxy-Authorization: b\r\nTE: gzip\r\n\r\n",
        Some(&["evil", "connection", "keep-alive", "proxy", "te: "]),
    ),
    // A header that is listed would be decided and not sent.
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nConnection: close, X-Evil\r\nX-Evil: 1\r\n\r\n", None),
    (
        "POST http://@/ HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\nConnection: content-type\r\nContent-Length: 2\r\n\r\n{}",
        None,
    ),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nRange: a\r\nConnection: close\r\nConnection: Range\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nConnection: raénge\r\n\r\n", None),
    // Names that servers read with dashes.
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nX_HTTP_METHOD_OVERRIDE: DELETE\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nX.HTTP.Method.Override: DELETE\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nPrivate.Token: abc\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nX-HTTP_Method-Override: DELETE\r\n\r\n", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nX_Original_URI: /evil\r\n\r\n", None),
    (
        "POST http://@/ HTTP/1.1\r\nHost: @\r\nContent_Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        None,
    ),
    ("POST http://@/ HTTP/1.1\r\nHost: @\r\nTransfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}", None),
    ("GET http://@/ HTTP/1.1\r\nHost: @\r\nSession_Id: a\r\n\r\n", Some(&["evil"])),
    // Dots, once blanks and controls are off.
    ("GET http://@/ro/..%20/evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/ro/..%09/evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/ro/.%20./evil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/ro/..%20%2fevil HTTP/1.1\r\nHost: @\r\n\r\n", None),
    ("GET http://@/x#evil HTTP/1.1\r\nHost: @\r\n\r\n", Some(&["evil", "#"])),
];

#[tokio::test]
async fn no_request_is_read_in_two_ways() {
    for (attack, passes) in ATTACKS {
        let scene = Scene::new().await;
        let (port, mut got) =
            raw("\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        let out = scene.say(attack.replace('@', &format!("api.test:{port}")).as_bytes()).await;
        match (passes, got.try_recv()) {
            (None, Ok(got)) => panic!("{attack:?} was passed on as {got:?}"),
            (None, Err(_)) => assert!(!out.contains(" 200 "), "{attack:?} {out}"),
            (Some(without), Ok(got)) => {
                let got = got.to_lowercase();
                assert!(!without.iter().any(|word| got.contains(word)), "{attack:?} became {got:?}");
                assert_eq!(got.matches("host:").count(), 1, "{got}");
            }
            (Some(_), Err(_)) => assert!(!out.is_empty(), "{attack:?} was neither passed on nor answered"),
        }
        assert!(!scene.asked().iter().any(|asked| asked.path.contains("evil")), "{attack:?}");
    }
}

#[tokio::test]
async fn attack_a_second_request_with_two_lengths_is_refused_and_ends_its_connection() {
    let scene = Scene::new().await;
    let (port, mut got) =
        raw("\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let at = format!("api.test:{port}");
    let first = format!(
        "POST http://{at}/first HTTP/1.1\r\nHost: {at}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    );
    let second = format!(
        "POST http://{at}/evil HTTP/1.1\r\nHost: {at}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    );
    let third = format!("GET http://{at}/evil HTTP/1.1\r\nHost: {at}\r\n\r\n");
    let out = scene.say(format!("{first}{second}{third}").as_bytes()).await;
    let (_, after) = out.split_once(" 200 OK").unwrap();
    assert!(after.contains(" 400 ") && after.contains("writ-reason: request-malformed"), "{out}");
    assert_eq!(out.matches("HTTP/1.1 ").count(), 2, "{out}");
    assert!(got.recv().await.unwrap().contains("/first"));
    assert!(got.try_recv().is_err());
    assert_eq!(scene.asked().len(), 1);
    // Inside a tunnel too.
    let tunnel =
        format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n{}", second.replace(&format!("http://{at}"), ""));
    let out = scene.say(tunnel.as_bytes()).await;
    assert!(out.contains("writ-reason: request-malformed"), "{out}");
    assert!(got.try_recv().is_err());
}

#[tokio::test]
async fn heads_are_bounded() {
    let scene = Scene::new().await;
    let (port, mut got) = raw("\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let head =
        |rest: &str| format!("GET http://api.test:{port}/ HTTP/1.1\r\nHost: api.test:{port}\r\n{rest}\r\n");
    for attack in [
        head(&"A: b\r\n".repeat(101)),
        head(&format!("A: {}\r\n", "b".repeat(64 << 10))),
        format!(
            "GET http://api.test:{port}/{} HTTP/1.1\r\nHost: api.test:{port}\r\n\r\n",
            "a".repeat(9 << 10)
        ),
        "A".repeat(1 << 17),
    ] {
        let out = scene.say(attack.as_bytes()).await;
        assert!(!out.contains(" 200 "), "{out}");
    }
    assert!(got.try_recv().is_err());
    assert!(scene.asked().is_empty());
}

#[tokio::test]
async fn a_tunnel_is_asked_for_in_one_way() {
    let scene = Scene::new().await;
    for (target, host) in [
        ("api.test", "api.test"),
        ("api.test:0", "api.test:0"),
        ("api.test:443", "evil.test:443"),
        ("api.test:443", "api.test:80"),
        ("u@api.test:443", "api.test:443"),
        ("api.test:443/x", "api.test:443"),
        ("http://api.test:443", "api.test:443"),
        ("/", "api.test:443"),
        ("api.test:443?x", "api.test:443"),
    ] {
        let out = scene.say(format!("CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await;
        assert!(out.starts_with("HTTP/1.1 4"), "{target} {host} {out}");
    }
}
