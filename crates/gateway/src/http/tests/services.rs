//! Services of this machine: whoever speaks HTTP to them is read, however they do, and what is not is decided at least.

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use writ_model::Scheme;

use super::world::{Scene, echo, raw, refusal, server_tls, text};
use crate::http::port::IncidentKind;

async fn curl(scene: &Scene, arguments: &[&str]) -> (i32, String) {
    // No proxy, as a program that was told of none.
    scene.curl(&[&["--noproxy", "*"], arguments].concat()).await
}

/// What came back for these bytes.
async fn said(port: u16, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    // Who speaks HTTP and closes its side has gone.
    if !pieces.concat().windows(5).any(|five| five == b"HTTP/") {
        stream.shutdown().await.unwrap();
    }
    let mut out = Vec::new();
    let _ = stream.read_to_end(&mut out).await;
    out
}

/// A service that speaks only the second version, in the clear.
async fn second() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                let told = format!("{} {:?}", request.uri(), request.version());
                Ok::<_, std::convert::Infallible>(text(told))
            });
            let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

#[tokio::test]
async fn whoever_speaks_http_to_a_service_is_read() {
    let scene = Scene::new().await;
    let port = scene.service(echo(None).await).await;
    let (code, out) = curl(&scene, &[&format!("http://localhost:{port}/a?b"), "-d", "x"]).await;
    assert_eq!(code, 0, "{out}");
    // The inside port is the service's own in a run; here it differs, which is a host that nobody asked for.
    assert!(out.contains("names another host"), "{out}");
    let to = echo(None).await;
    let port = scene.service(to).await;
    let head = format!(
        "POST /a?b HTTP/1.1\r\nHost: localhost:{to}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    );
    for before in ["", "\r\n", "\n\n"] {
        let out = said(port, &[before.as_bytes(), head.as_bytes()]).await;
        let out = String::from_utf8_lossy(&out).into_owned();
        assert!(out.starts_with("HTTP/1.1 200") || !before.is_empty(), "{before:?} {out}");
        assert!(!out.contains("POST /a?b") || scene.asked().last().is_some_and(|asked| asked.path == "/a"));
    }
    let asked = scene.asked();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|one| one.method == "POST" && one.scheme == Scheme::Http && one.port == to));
}

#[tokio::test]
async fn a_place_that_is_stood_in_for_passes_over_blank_lines_and_says_what_it_is() {
    let scene = Scene::new().await;
    let to = echo(None).await;
    let lent = scene.stand_in(&format!("127.0.0.1:{to}")).await;
    let model = scene.stand_in(&format!("model.test:{to}")).await;
    let head = format!("GET /a HTTP/1.1\r\nHost: 127.0.0.1:{to}\r\nConnection: close\r\n\r\n");
    for before in ["", "\r\n", "\r\n\r\n", "\n\n\n"] {
        let out = said(lent, &[before.as_bytes(), head.as_bytes()]).await;
        assert!(out.starts_with(b"HTTP/1.1 200"), "{before:?} {}", String::from_utf8_lossy(&out));
    }
    for (port, words) in [(model, "leads to the client's model"), (lent, "that a credential is lent to")] {
        for odd in
            ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\0\0", "\r\n\r\nPRI * HTTP/2.0\r\n", "\x00"]
        {
            let out = String::from_utf8_lossy(&said(port, &[odd.as_bytes()]).await).into_owned();
            assert!(out.starts_with("HTTP/1.1 400") && out.contains(words), "{odd:?} {out}");
            let (head, body) = out.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{out}");
        }
        let blank = "\r\n".repeat(40);
        let out = said(port, &[blank.as_bytes()]).await;
        assert!(out.starts_with(b"HTTP/1.1 400"), "so many blank lines are no request");
    }
}

#[tokio::test]
async fn a_service_that_speaks_tls_is_read_inside_it() {
    let scene = Scene::new().await;
    let to = echo(Some(server_tls(&["127.0.0.1", "localhost"], &["h2", "http/1.1"]))).await;
    let port = scene.service(to).await;
    for (version, name) in [("--http1.1", "localhost"), ("--http2", "127.0.0.1"), ("--no-alpn", "localhost")]
    {
        let host = format!("Host: {name}:{to}");
        let url = format!("https://{name}:{port}/x");
        let (code, out) = curl(&scene, &[version, "-H", &host, &url]).await;
        assert_eq!(code, 0, "{version} {out}");
        assert!(out.starts_with("GET "), "{version} {out}");
    }
    let asked = scene.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one.scheme == Scheme::Https && one.path == "/x"));
    // Another name than this machine's.
    let to = format!("other.test:{port}:127.0.0.1:{port}");
    let (code, _) = curl(&scene, &["-k", "--connect-to", &to, &format!("https://other.test:{port}/")]).await;
    assert_ne!(code, 0);
    assert_eq!(scene.kinds(), [IncidentKind::HostMismatch]);
    // One that cannot prove who it is.
    let to = echo(Some(server_tls(&["other.test"], &["http/1.1"]))).await;
    let port = scene.service(to).await;
    let host = format!("Host: localhost:{to}");
    let (_, out) =
        curl(&scene, &["-w", "%{http_code}", "-H", &host, &format!("https://localhost:{port}/")]).await;
    assert!(out.ends_with("502"), "{out}");
}

#[tokio::test]
async fn a_service_of_the_second_version_is_read() {
    let scene = Scene::new().await;
    let to = second().await;
    let port = scene.service(to).await;
    let (code, out) = curl(
        &scene,
        &[
            "--http2-prior-knowledge",
            "-H",
            &format!("Host: localhost:{to}"),
            &format!("http://localhost:{port}/x"),
        ],
    )
    .await;
    assert_eq!(code, 0, "{out}");
    assert_eq!(out, format!("http://127.0.0.1:{to}/x HTTP/2.0"));
    assert_eq!(scene.asked()[0].path, "/x");
}

#[tokio::test]
async fn what_is_refused_does_not_reach_a_service_whatever_it_speaks() {
    let scene = Scene::with(|world| world.admits = Box::new(|_| Err(refusal("not this"))), |_| {}).await;
    let (to, mut got) = raw("\n", b"yes").await;
    let port = scene.service(to).await;
    let request = format!("PUT /x HTTP/1.1\r\nHost: 127.0.0.1:{to}\r\nConnection: close\r\n\r\n");
    let out = said(port, &[request.as_bytes()]).await;
    assert!(out.starts_with(b"HTTP/1.1 403"), "{}", String::from_utf8_lossy(&out));
    for pieces in [
        &[&b"x\n"[..]][..],
        &[b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", request.as_bytes()],
        &[b"\r\n\r\n\0\r\nQUIT\n", request.as_bytes()],
        &[b"\x80\x2e\x01\x03\x01", request.as_bytes()],
        &[b"\0\0\0\x08\x04\xd2\x16\x2f"],
    ] {
        assert_eq!(said(port, pieces).await, b"");
    }
    assert!(got.try_recv().is_err());
}

#[tokio::test]
async fn what_is_no_http_passes_once_it_is_decided() {
    let mut scene = Scene::new().await;
    let (to, mut got) = raw("\n", b"+OK\r\n").await;
    let port = scene.service(to).await;
    assert_eq!(said(port, &[b"*1\r\n"]).await, b"+OK\r\n");
    assert_eq!(got.recv().await.unwrap(), "*1\r\n");
    let ended = scene.ended().await;
    assert_eq!((ended.sent_bytes, ended.received_bytes), (4, 5));
    // A service that speaks first is heard.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"220 mail.test\r\n").await.unwrap();
            let mut said = [0; 6];
            stream.read_exact(&mut said).await.unwrap();
            stream.write_all(&said).await.unwrap();
        }
    });
    let port = scene.service(to).await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut greeting = [0; 15];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220 mail.test\r\n");
    stream.write_all(b"QUIT\r\n").await.unwrap();
    let mut out = Vec::new();
    stream.read_to_end(&mut out).await.unwrap();
    assert_eq!(out, b"QUIT\r\n");
    assert_eq!(scene.asked().iter().filter(|one| one.method == "CONNECT").count(), 2);
}
