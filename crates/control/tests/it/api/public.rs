//! Loopback HTTP: what is public, to this machine, and nothing else.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use writ_control::api::public;
use writ_ledger::note::VerifyingKey;
use writ_ledger::{Checkpoint, Hash, Stream};

use crate::office::bench::Bench;

async fn served(bench: &Bench) -> SocketAddr {
    let listener = public::bind(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(public::serve(listener, bench.office.clone(), std::future::pending()));
    address
}

async fn ask(address: SocketAddr, request: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let split = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, answer[split + 4..].to_vec())
}

async fn get(address: SocketAddr, path: &str) -> (u16, String, Vec<u8>) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn a_stranger_can_check_the_log_over_http() {
    let bench = Bench::new();
    let task = bench.task();
    for _ in 0..300 {
        bench.allow(&task).unwrap();
    }
    let address = served(&bench).await;
    assert!(address.ip().is_loopback());
    assert_eq!(get(address, "/health").await.0, 200);

    let keys: serde_json::Value = serde_json::from_slice(&get(address, "/keys").await.2).unwrap();
    assert_eq!(keys["writs"]["keys"][0]["alg"], "ES256");
    let key = VerifyingKey::parse(keys["checkpoints"]["activity"].as_str().unwrap()).unwrap();
    let (status, head, note) = get(address, "/activity/checkpoint").await;
    assert_eq!(status, 200);
    assert!(head.contains("text/plain; charset=utf-8"), "{head}");
    let origin = bench.office.origin().of(Stream::Activity);
    let checkpoint = Checkpoint::verify(&note, &origin, &key).unwrap();
    assert_eq!(checkpoint.size(), 300);

    let (status, head, tile) = get(address, "/activity/tile/0/000").await;
    assert_eq!((status, tile.len()), (200, 256 * 32));
    assert!(head.contains("immutable"), "{head}");
    let (status, _, bundle) = get(address, "/activity/tile/entries/000").await;
    assert_eq!(status, 200);
    let length = usize::from(u16::from_be_bytes([bundle[0], bundle[1]]));
    assert_eq!(Hash::leaf(&bundle[2..2 + length]).as_bytes()[..], tile[..32]);
    assert_eq!(get(address, "/activity/tile/0/001.p/44").await.2.len(), 44 * 32);
}

#[tokio::test]
async fn there_is_nothing_else() {
    let bench = Bench::new();
    bench.task();
    let address = served(&bench).await;
    let missing = [
        "/",
        "/agents",
        "/secrets/checkpoint",
        "/control/tile/0/001",
        "/control/tile/0/000.p/255",
        "/control/tile/0/0",
        "/control/tile/../../keys",
        "/control/tile/0/..%2f..",
        "/control/checkpoint/",
        "/vault",
    ];
    for path in missing {
        assert_eq!(get(address, path).await.0, 404, "{path}");
    }
    let post =
        format!("POST /keys HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_eq!(ask(address, &post).await.0, 405);
}

#[tokio::test]
async fn another_hosts_name_is_refused() {
    let bench = Bench::new();
    let address = served(&bench).await;
    let hosts = [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "0.0.0.0",
    ];
    for host in hosts {
        let request = format!("GET /keys HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(address, &request).await.0, 421, "{host}");
    }
    let twice = "GET /keys HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(ask(address, twice).await.0 >= 400);
    let none = "GET /keys HTTP/1.0\r\n\r\n";
    assert_eq!(ask(address, none).await.0, 421);
    for host in ["localhost", "127.0.0.1:1", "[::1]:8080"] {
        let request = format!("GET /keys HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(address, &request).await.0, 200, "{host}");
    }
}
