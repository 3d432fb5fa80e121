//! What the way costs. The figures are printed:
//! `cargo test --release -p writ-gateway --lib http::tests::speed -- --nocapture --test-threads 1`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body, Bytes, Frame};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::world::{Scene, outside, serve, server_tls, text};
use crate::http::BodyError;

/// Bytes that never come from anywhere.
struct Endless(usize);

impl Body for Endless {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        static PIECE: [u8; 16 << 10] = [7; 16 << 10];
        if self.0 == 0 {
            return Poll::Ready(None);
        }
        self.0 -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

fn trusting(pem: &str) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn sender<T>(io: T) -> http1::SendRequest<Empty<Bytes>>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// The median of one request after another on one connection.
async fn one_by_one(
    mut sender: http1::SendRequest<Empty<Bytes>>,
    uri: &str,
    host: &str,
    count: usize,
) -> Duration {
    let mut all = Vec::new();
    for _ in 0..count {
        let request = Request::get(uri).header("host", host).body(Empty::new()).unwrap();
        let begun = Instant::now();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
        all.push(begun.elapsed());
        sender.ready().await.unwrap();
    }
    all.sort_unstable();
    all[all.len() / 2]
}

async fn tunnel(scene: &Scene, host: &str) -> TcpStream {
    let mut stream = TcpStream::connect(scene.at).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream
}

async fn secured(scene: &Scene, host: &str) -> tokio_rustls::client::TlsStream<TcpStream> {
    let name = ServerName::try_from("api.test").unwrap();
    let ca = std::fs::read_to_string(scene.ca_path()).unwrap();
    trusting(&ca).connect(name, tunnel(scene, host).await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures() {
    let count = if cfg!(debug_assertions) { 50 } else { 3000 };
    let scene = Scene::new().await;
    let clear = serve(None, |_| async { text("hello") }).await;
    let tls = serve(Some(server_tls(&["api.test"], &["http/1.1"])), |_| async { text("hello") }).await;
    let (clear_host, tls_host) = (format!("api.test:{clear}"), format!("api.test:{tls}"));

    let stream = |port: u16| async move {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    };
    let direct = one_by_one(sender(stream(clear).await).await, "/", &clear_host, count).await;
    let proxied = one_by_one(
        sender(stream(scene.at.port()).await).await,
        &format!("http://{clear_host}/"),
        &clear_host,
        count,
    )
    .await;
    println!("in the clear, kept alive, median: direct {direct:?}, through {proxied:?}");

    let name = ServerName::try_from("api.test").unwrap();
    let straight = trusting(&outside().ca_pem).connect(name, stream(tls).await).await.unwrap();
    let direct = one_by_one(sender(straight).await, "/", &tls_host, count).await;
    let through = one_by_one(sender(secured(&scene, &tls_host).await).await, "/", &tls_host, count).await;
    println!("TLS, kept alive, median: direct {direct:?}, looked into {through:?}");

    let rounds = count / 10;
    let begun = Instant::now();
    for _ in 0..rounds {
        let name = ServerName::try_from("api.test").unwrap();
        let straight = trusting(&outside().ca_pem).connect(name, stream(tls).await).await.unwrap();
        one_by_one(sender(straight).await, "/", &tls_host, 1).await;
    }
    let direct = begun.elapsed() / u32::try_from(rounds).unwrap();
    let begun = Instant::now();
    for _ in 0..rounds {
        one_by_one(sender(secured(&scene, &tls_host).await).await, "/", &tls_host, 1).await;
    }
    let through = begun.elapsed() / u32::try_from(rounds).unwrap();
    println!("a new connection and one request, mean: direct {direct:?}, looked into {through:?}");

    let pieces = count * 4;
    let big = serve(Some(server_tls(&["api.test"], &["http/1.1"])), move |_| async move {
        Response::new(Endless(pieces).boxed_unsync())
    })
    .await;
    let host = format!("api.test:{big}");
    let name = ServerName::try_from("api.test").unwrap();
    let straight = trusting(&outside().ca_pem).connect(name, stream(big).await).await.unwrap();
    let mut rates = Vec::new();
    for sender in [sender(straight).await, sender(secured(&scene, &host).await).await] {
        let begun = Instant::now();
        one_by_one(sender, "/", &host, 1).await;
        let megabytes = (pieces * (16 << 10)) as f64 / 1e6;
        rates.push(megabytes / begun.elapsed().as_secs_f64());
    }
    println!("one download: direct {:.0} MB/s, looked into {:.0} MB/s", rates[0], rates[1]);
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A hundred transfers at once, each to a client that reads slowly. The servers behind are counted too: they run here.
#[tokio::test]
async fn a_hundred_streams_stay_within_32_mib() {
    let scene = Scene::new().await;
    let port = serve(Some(server_tls(&["api.test"], &["h2", "http/1.1"])), |_| async {
        Response::new(Endless(64 << 10).boxed_unsync())
    })
    .await;
    // Whatever is made once.
    scene.curl(&["-r", "0-1", "-m", "1", &format!("https://api.test:{port}/")]).await;
    let before = resident_kib();
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = tokio::process::Command::new("curl")
            .args([
                "-sSNk",
                "--max-time",
                "60",
                "--limit-rate",
                "200k",
                "--proxy",
                &format!("http://{}", scene.at),
            ])
            .arg(format!("https://api.test:{port}/"))
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let out = client.stdout.take().unwrap();
        clients.push((client, out));
    }
    for (_, out) in &mut clients {
        let mut got = vec![0; 64 << 10];
        out.read_exact(&mut got).await.unwrap();
    }
    let grown = resident_kib().saturating_sub(before);
    println!("100 transfers at once: {:.1} MiB more than none", grown as f64 / 1024.0);
    assert!(grown < 32 << 10, "{grown} KiB");
}

/// The proxy alone, for `bench/egress.py`, on as many threads as a run has for it: everything is allowed and nothing recorded.
/// Ends with its input.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "serves a benchmark"]
async fn serves_until_its_input_ends() {
    let trusted = std::env::var_os("WRIT_BENCH_TRUST").map(|file| std::fs::read(file).unwrap());
    let scene = Scene::with(|_| {}, |settings| settings.extra_trust_pem = trusted).await;
    println!("\nready {} {}", scene.at, scene.ca_path().display());
    let until_told = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    tokio::task::spawn_blocking(until_told).await.unwrap().unwrap();
}
