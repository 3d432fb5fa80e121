//! What streams: events, trailers, coded bodies, web sockets, and the end of all of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::world::{Answer, Scene, World, echo, raw, refusal, serve, server_tls, text};
use crate::http::port::{BodyWish, IncidentKind, Treat};
use crate::http::{BodyError, MAX_HELD_BYTES};

/// A body that comes when it is told to.
struct Told(mpsc::UnboundedReceiver<Frame<Bytes>>);

impl Body for Told {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

/// A server whose one answer is told piece by piece.
async fn told(
    tls: &[&str],
    headers: &[(&'static str, &'static str)],
) -> (u16, mpsc::UnboundedSender<Frame<Bytes>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let headers = headers.to_vec();
    let tls = (!tls.is_empty()).then(|| server_tls(&["api.test"], tls));
    let port = serve(tls, move |_| {
        let body = Told(receiver.lock().unwrap().take().unwrap());
        let mut response = Response::new(body.boxed_unsync());
        for (name, value) in &headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        async move { response }
    })
    .await;
    (port, sender)
}

async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 1024];
    let reading = async {
        while !String::from_utf8_lossy(&all).contains(end) {
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "closed after {}", String::from_utf8_lossy(&all));
            all.extend_from_slice(&piece[..count]);
        }
    };
    let _ = timeout(Duration::from_secs(10), reading).await;
    let all = String::from_utf8_lossy(&all).into_owned();
    assert!(all.contains(end), "{end} is not in {all}");
    all
}

async fn ask(scene: &Scene, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(scene.at).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

fn get(port: u16, more: &str) -> String {
    format!("GET http://api.test:{port}/ HTTP/1.1\r\nHost: api.test:{port}\r\n{more}\r\n")
}

#[tokio::test]
async fn an_event_passes_before_the_next_one_exists() {
    for protocols in [&[][..], &["http/1.1"], &["h2"]] {
        let scene = Scene::new().await;
        let (port, events) = told(protocols, &[("content-type", "text/event-stream")]).await;
        let scheme = if protocols.is_empty() { "http" } else { "https" };
        let mut child = tokio::process::Command::new("curl")
            .args(["-sSNk", "--max-time", "20", "--proxy", &format!("http://{}", scene.at)])
            .arg(format!("{scheme}://api.test:{port}/"))
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        for number in 0..3 {
            let event = format!("data: {number}\n\n");
            events.send(Frame::data(event.clone().into())).unwrap();
            let mut got = vec![0; event.len()];
            timeout(Duration::from_secs(10), out.read_exact(&mut got)).await.unwrap().unwrap();
            assert_eq!(String::from_utf8(got).unwrap(), event);
        }
        drop(events);
        assert!(child.wait().await.unwrap().success());
    }
}

#[tokio::test]
async fn trailers_come_back_and_none_leaves() {
    let scene = Scene::new().await;
    let (port, mut got) = raw(
        "0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTrailer: x-check\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\nx-check: 9\r\n\r\n",
    )
    .await;
    let head = format!(
        "POST http://api.test:{port}/ HTTP/1.1\r\nHost: api.test:{port}\r\nTE: trailers\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n"
    );
    let out = scene.say(head.as_bytes()).await;
    let got = got.recv().await.unwrap();
    assert!(got.ends_with("2\r\nhi\r\n0\r\n\r\n") && !got.contains("x-sum"), "{got}");
    assert!(out.ends_with("2\r\nok\r\n0\r\nx-check: 9\r\n\r\n"), "{out}");
    // What is announced is not lost in silence: the request does not leave.
    let scene = Scene::new().await;
    let (port, mut got) = raw("\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let head = format!(
        "POST http://api.test:{port}/ HTTP/1.1\r\nHost: api.test:{port}\r\nTrailer: x-sum\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n"
    );
    let out = scene.say(head.as_bytes()).await;
    assert!(out.starts_with("HTTP/1.1 400 ") && out.contains("`Trailer` announces"), "{out}");
    assert!(got.try_recv().is_err());
    // From the second version to the first.
    let scene = Scene::new().await;
    let (port, frames) = told(&["h2"], &[("trailer", "grpc-status")]).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    frames.send(Frame::data(Bytes::from_static(b"hello"))).unwrap();
    frames.send(Frame::trailers(trailers)).unwrap();
    drop(frames);
    let url = format!("https://api.test:{port}/");
    let (code, out) = scene.curl(&["--http2", "-i", &url]).await;
    assert!(code == 0 && out.contains("hello") && out.contains("grpc-status"), "{code} {out}");
}

#[tokio::test]
async fn a_coded_body_passes_byte_for_byte() {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut coder, &b"hello ".repeat(1000)).unwrap();
    let coded = coder.finish().unwrap();
    for coding in ["gzip", "br", "zstd", "x-unheard-of"] {
        let scene = Scene::new().await;
        let answer = coded.clone();
        let port = serve(None, move |request| {
            let mut response = text(answer.clone());
            response.headers_mut().insert("content-encoding", coding.parse().unwrap());
            response.headers_mut().insert("x-accepted", request.headers()["accept-encoding"].clone());
            async move { response }
        })
        .await;
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let url = format!("http://api.test:{port}/");
        let (code, out) =
            scene.curl(&["-D", "-", "-o", path, "-H", "Accept-Encoding: gzip, br, zstd", &url]).await;
        assert_eq!(code, 0, "{out}");
        assert!(out.contains(&format!("content-encoding: {coding}\r\n")), "{out}");
        assert!(out.contains(&format!("content-length: {}\r\n", coded.len())), "{out}");
        assert!(out.contains("x-accepted: gzip, br, zstd\r\n"), "{out}");
        assert_eq!(std::fs::read(path).unwrap(), coded);
    }
}

#[tokio::test]
async fn a_body_is_asked_for_only_after_the_decision() {
    for is_admitted in [true, false] {
        let scene = Scene::with(
            |world| {
                world.admits = Box::new(move |_| if is_admitted { Ok(()) } else { Err(refusal("not this")) });
            },
            |_| {},
        )
        .await;
        let (port, _got) =
            raw("hello", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
        let head = format!(
            "POST http://api.test:{port}/ HTTP/1.1\r\nHost: api.test:{port}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        );
        let mut stream = ask(&scene, &head).await;
        let out = until(&mut stream, "\r\n\r\n").await;
        if is_admitted {
            assert!(out.starts_with("HTTP/1.1 100 "), "{out}");
            stream.write_all(b"hello").await.unwrap();
            assert!(until(&mut stream, "ok").await.contains(" 200 "));
        } else {
            assert!(out.starts_with("HTTP/1.1 403 "), "{out}");
        }
    }
}

/// A server that changes to a web socket and says back whatever comes.
async fn socket() -> u16 {
    serve(None, |mut request| async move {
        assert!(!request.headers().contains_key("sec-websocket-extensions"));
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut io = TokioIo::new(upgrade.await.unwrap());
            let mut piece = [0; 1024];
            while let Ok(count) = io.read(&mut piece).await {
                if count == 0 || io.write_all(&piece[..count]).await.is_err() {
                    break;
                }
            }
        });
        let mut response: Answer = text("");
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        for (name, value) in [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ] {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    })
    .await
}

const ASK_SOCKET: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";

/// A masked text frame.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut out = vec![0x81, 0x80 | u8::try_from(payload.len()).unwrap()];
    out.extend(mask);
    out.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    out
}

#[tokio::test]
async fn a_web_socket_passes_both_ways_and_is_counted() {
    let mut scene = Scene::new().await;
    let port = socket().await;
    let mut stream = ask(&scene, &get(port, ASK_SOCKET)).await;
    let out = until(&mut stream, "\r\n\r\n").await;
    assert!(out.starts_with("HTTP/1.1 101 "), "{out}");
    assert!(out.to_lowercase().contains("sec-websocket-accept: s3ppl"), "{out}");
    let asked = scene.asked().remove(0);
    assert!(asked.headers.contains(&("upgrade".to_owned(), "WebSocket".to_owned())));
    let sent = frame(b"hello");
    for _ in 0..3 {
        stream.write_all(&sent).await.unwrap();
        let mut got = vec![0; sent.len()];
        timeout(Duration::from_secs(10), stream.read_exact(&mut got)).await.unwrap().unwrap();
        assert_eq!(got, sent);
    }
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    let ended = scene.ended().await;
    let bytes = 3 * u64::try_from(sent.len()).unwrap();
    assert_eq!(
        (ended.status, ended.sent_bytes, ended.received_bytes, ended.is_whole),
        (Some(101), bytes, bytes, true)
    );
}

#[tokio::test]
async fn a_placeholder_in_a_web_socket_ends_it() {
    let scene = Scene::with(|world| world.placeholders = super::lending::placeholders(), |_| {}).await;
    let port = socket().await;
    let mut stream = ask(&scene, &get(port, ASK_SOCKET)).await;
    until(&mut stream, "\r\n\r\n").await;
    let text = super::lending::TOKEN.as_bytes();
    let (first, second) = text.split_at(9);
    stream.write_all(&frame(first)).await.unwrap();
    stream.write_all(&frame(second)).await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.len() <= frame(first).len());
    assert_eq!(scene.kinds(), [IncidentKind::PlaceholderElsewhere]);
}

#[tokio::test]
async fn revocation_cuts_everything_within_100_ms() {
    let mut scene = Scene::with(
        |world| {
            world.treat = Box::new(|to| {
                if to.host() == "pass.test" {
                    Treat::Pass(writ_model::Account::Foreign)
                } else {
                    Treat::Inspect
                }
            });
        },
        |_| {},
    )
    .await;
    let (port, events) = told(&[], &[]).await;
    let mut stream = ask(&scene, &get(port, "")).await;
    events.send(Frame::data(Bytes::from_static(b"first"))).unwrap();
    until(&mut stream, "first").await;
    let port = socket().await;
    let mut web = ask(&scene, &get(port, ASK_SOCKET)).await;
    until(&mut web, "\r\n\r\n").await;
    let (silent, _got) = raw("never", b"").await;
    let mut waiting = ask(&scene, &get(silent, "")).await;
    let mut open =
        ask(&scene, &format!("CONNECT api.test:{port} HTTP/1.1\r\nHost: api.test:{port}\r\n\r\n")).await;
    until(&mut open, "\r\n\r\n").await;
    let mut blind =
        ask(&scene, &format!("CONNECT pass.test:{port} HTTP/1.1\r\nHost: pass.test:{port}\r\n\r\n")).await;
    until(&mut blind, "\r\n\r\n").await;
    let begun = Instant::now();
    scene.world.revoke.send(true).unwrap();
    for one in [&mut stream, &mut web, &mut waiting, &mut open, &mut blind] {
        let mut rest = Vec::new();
        let _ = one.read_to_end(&mut rest).await;
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert!(events.is_closed() || events.send(Frame::data(Bytes::from_static(b"x"))).is_ok());
    for _ in 0..4 {
        assert!(!scene.ended().await.is_whole);
    }
    // And nobody is let in any more.
    let gone = TcpStream::connect(scene.at).await;
    if let Ok(mut stream) = gone {
        let _ = stream.write_all(get(port, "").as_bytes()).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
    }
}

#[tokio::test]
async fn revocation_cuts_a_stream_of_the_second_version_within_100_ms() {
    let scene = Scene::new().await;
    let (port, events) = told(&["h2"], &[]).await;
    let url = format!("https://api.test:{port}/");
    let folder = tempfile::tempdir().unwrap();
    let got = folder.path().join("got");
    let (world, at) = (Arc::clone(&scene.world), got.clone());
    let cut = async move {
        events.send(Frame::data(Bytes::from_static(b"first"))).unwrap();
        while !std::fs::read(&at).is_ok_and(|got| got == b"first") {
            tokio::task::yield_now().await;
        }
        world.revoke.send(true).unwrap();
        let begun = Instant::now();
        // The host's side ends with the stream.
        events.closed().await;
        begun.elapsed()
    };
    let arguments = ["--http2", "-sN", "-o", got.to_str().unwrap(), &url];
    let (took, (code, _)) = tokio::join!(cut, scene.curl(&arguments));
    assert!(took < Duration::from_millis(100) && code != 0, "{took:?} {code}");
}

#[tokio::test]
async fn connections_are_bounded() {
    let scene = Scene::with(|_| {}, |set| set.limits.connections = 3).await;
    let tunnel = "CONNECT api.test:1 HTTP/1.1\r\nHost: api.test:1\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = ask(&scene, tunnel).await;
        until(&mut stream, "\r\n\r\n").await;
        open.push(stream);
    }
    // The one that says nothing for the longest time goes, and no other.
    let mut waiting = ask(&scene, tunnel).await;
    until(&mut waiting, "\r\n\r\n").await;
    let mut piece = [0; 1];
    assert_eq!(timeout(SOON, open[0].read(&mut piece)).await.unwrap().unwrap_or(0), 0);
    assert!(timeout(Duration::from_millis(50), open[2].read(&mut piece)).await.is_err());
}

/// More than the ordinary time of a request, and far less than what an unfinished body may take.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn attack_unfinished_bodies_hold_up_nobody_elses_requests() {
    let scene = Scene::with(|world| world.wish = BodyWish::Whole(256 << 10), |_| {}).await;
    let port = echo(None).await;
    let at = format!("api.test:{port}");
    let mut flood = Vec::new();
    for number in 0..600 {
        // A third tells no length, and a third never ends its head.
        let (length, end) = match number % 3 {
            0 => ("Content-Length: 200000", "\r\n\r\nx"),
            1 => ("Transfer-Encoding: chunked", "\r\n\r\n1\r\nx\r\n"),
            _ => ("A: b", ""),
        };
        let mut stream = TcpStream::connect(scene.at).await.unwrap();
        let said = format!("POST http://{at}/flood HTTP/1.1\r\nHost: {at}\r\n{length}{end}");
        stream.write_all(said.as_bytes()).await.unwrap();
        flood.push(stream);
    }
    for (host, body) in
        [("api.test", "small".to_owned()), ("api.test", "x".repeat(100_000)), ("model.test", "m".to_owned())]
    {
        let began = std::time::Instant::now();
        let (code, out) = scene
            .curl(&["-w", "%{http_code}", "--data-binary", &body, &format!("http://{host}:{port}/own")])
            .await;
        assert!(code == 0 && out.ends_with("200"), "{host} {code} {:.300}", out);
        println!("{host} {} bytes: {:?} beside the flood", body.len(), began.elapsed());
        assert!(began.elapsed() < SOON, "{host} {:?}", began.elapsed());
    }
    drop(flood);
}

/// More than there is room for at once: who waits for room is not taken for one that says nothing.
#[tokio::test]
async fn slow_uploads_next_to_each_other_all_arrive() {
    let scene = Scene::with(|world| world.wish = BodyWish::Whole(MAX_HELD_BYTES), |_| {}).await;
    let port = echo(None).await;
    let at = format!("api.test:{port}");
    let slow = |pieces: usize| {
        let (proxy, at) = (scene.at, at.clone());
        async move {
            let mut stream = TcpStream::connect(proxy).await.unwrap();
            let length = pieces << 10;
            let head =
                format!("POST http://{at}/own HTTP/1.1\r\nHost: {at}\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // As fast as a slow line.
            let mut beat = tokio::time::interval(Duration::from_millis(25));
            for _ in 0..pieces {
                beat.tick().await;
                stream.write_all(&[b'x'; 1 << 10]).await.unwrap();
            }
            until(&mut stream, "\r\n\r\n").await
        }
    };
    let all: tokio::task::JoinSet<String> = (0..6).map(|number| slow(24 + number)).collect();
    for answer in all.join_all().await {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// A person may think about many small requests at once: each keeps room for what it has, not for what it might have.
#[tokio::test]
async fn small_bodies_that_wait_for_a_person_leave_room_for_others() {
    let world = |world: &mut World| {
        world.wish = BodyWish::Whole(MAX_HELD_BYTES);
        world.gate = Arc::new(Semaphore::new(0));
    };
    let scene = Scene::with(world, |_| {}).await;
    let port = echo(None).await;
    let at = format!("api.test:{port}");
    let mut waiting = Vec::new();
    for number in 0..20 {
        let body = if number % 2 == 0 {
            "Content-Length: 2\r\n\r\n{}"
        } else {
            "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        };
        waiting.push(ask(&scene, &format!("POST http://{at}/own HTTP/1.1\r\nHost: {at}\r\n{body}")).await);
    }
    let all_asked = async {
        while scene.world.asked.lock().unwrap().len() < waiting.len() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, all_asked).await.unwrap();
    scene.world.gate.add_permits(waiting.len());
    for mut stream in waiting {
        assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn attack_answers_that_nobody_reads_hold_up_nobody_elses_requests() {
    // More than the buffers of a connection hold.
    static LARGE: [u8; 24 << 20] = [7; 24 << 20];
    let scene = Scene::with(|_| {}, |set| set.limits.requests = 16).await;
    let port = serve(None, |request| async move {
        let large = Full::new(Bytes::from_static(&LARGE)).map_err(|never| match never {});
        match request.uri().path() {
            "/large" => Response::new(large.boxed_unsync()),
            _ => text("own"),
        }
    })
    .await;
    let at = format!("api.test:{port}");
    let asked = format!("GET http://{at}/large HTTP/1.1\r\nHost: {at}\r\n\r\n");
    let mut flood = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(scene.at).await.unwrap();
        stream.write_all(asked.as_bytes()).await.unwrap();
        flood.push(stream);
    }
    // All places are taken once so many answers have begun.
    for stream in flood.iter_mut().take(8) {
        let mut first = [0; 12];
        timeout(SOON, stream.read_exact(&mut first)).await.unwrap().unwrap();
    }
    for _ in 0..4 {
        let began = Instant::now();
        let (code, out) = scene.curl(&["-w", "%{http_code}", &format!("http://{at}/own")]).await;
        assert!(code == 0 && out == "own200", "{code} {out:.300}");
        println!("{:?} beside answers that nobody reads", began.elapsed());
    }
    // Who reads gets it whole, though it takes its time.
    let mut reading = TcpStream::connect(scene.at).await.unwrap();
    reading.write_all(asked.as_bytes()).await.unwrap();
    let (mut piece, mut got) = (vec![0; 1 << 20], 0);
    while got < LARGE.len() {
        let count = timeout(SOON, reading.read(&mut piece)).await.unwrap().unwrap();
        assert!(count > 0, "after {got} bytes");
        got += count;
    }
    drop(flood);
}

#[tokio::test]
async fn attack_a_request_that_its_client_gave_up_does_not_go_out_later() {
    for version in ["--http1.1", "--http2"] {
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let own = Arc::clone(&gate);
        let scene = Scene::with(move |world| world.gate = own, |_| {}).await;
        let (sender, mut got) = mpsc::unbounded_channel();
        let port = serve(Some(server_tls(&["api.test"], &["http/1.1"])), move |request| {
            sender.send(request.uri().path().to_owned()).unwrap();
            async { text("done") }
        })
        .await;
        let url = |path: &str| format!("https://api.test:{port}/{path}");
        for body in [&[][..], &["--data", "x"]] {
            let mut arguments = vec![version, "--max-time", "0.5"];
            arguments.extend(body);
            let given_up = url("given-up");
            arguments.push(&given_up);
            let (code, out) = scene.curl(&arguments).await;
            assert_eq!(code, 28, "{version} {out}");
        }
        assert_eq!(scene.asked().len(), 2, "both were waiting for their decision");
        gate.add_permits(1_000);
        let (code, out) = scene.curl(&[version, &url("wanted")]).await;
        assert!(code == 0 && out == "done", "{version} {code} {out}");
        assert_eq!(got.recv().await.as_deref(), Some("/wanted"), "{version}");
        assert!(got.try_recv().is_err(), "{version}");
    }
}

#[tokio::test]
async fn a_host_that_dies_gives_less_and_never_more() {
    for (answer, wanted, is_502) in [
        (&b""[..], "", true),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "", true),
        (b"nonsense\r\n\r\n", "", true),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "hello", false),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello", false),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", "hello", false),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "", true),
    ] {
        let mut scene = Scene::new().await;
        let (port, _got) = raw("\r\n\r\n", answer).await;
        let (code, out) = scene.curl(&["-w", "%{http_code}", &format!("http://api.test:{port}/")]).await;
        if is_502 {
            assert!(code == 0 && out.ends_with("502"), "{code} {out}");
        } else {
            assert!(code == 18 || code == 56, "{code} {out}");
            assert!(out.starts_with(wanted) && out.contains("200"), "{out}");
        }
        assert!(!scene.ended().await.is_whole);
    }
}
