//! What comes over the socket: garbage, too much, half of it.

use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use writ_control::api::client::ClientError;
use writ_control::api::message::*;
use writ_control::api::{ErrorCode, MAX_LINE_BYTES, MAX_RECORD_LINE_BYTES, Request};

use super::server::{Served, code};

#[tokio::test]
async fn garbage_is_refused_and_the_server_lives_on() {
    let served = Served::new().await;
    let cases: [&[u8]; 10] = [
        b"\n",
        b"{\n",
        b"null\n",
        b"\xff\xfe\x00\n",
        b"GET / HTTP/1.1\n",
        br#"{"op":"status"}"#.as_slice(),
        br#"{"id":-1,"op":"status"}"#,
        br#"{"id":1,"op":"nothing.known"}"#,
        br#"{"id":1}"#,
        br#"{"id":1,"op":"status","id":2}"#,
    ];
    for bytes in cases {
        let mut bytes = bytes.to_vec();
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        let answer = served.say(&bytes).await;
        assert_eq!(code(answer.as_ref()), ErrorCode::BadRequest, "{:?}", String::from_utf8_lossy(&bytes));
    }
    assert!(served.client().await.call(StatusAsk {}).await.is_ok());
}

#[tokio::test]
async fn a_refused_request_is_told_under_its_own_id() {
    let served = Served::new().await;
    let answer = served.say(b"{\"id\":77,\"op\":\"no.such\"}\n").await.unwrap();
    assert_eq!(answer["id"], 77);
}

#[tokio::test]
async fn long_lines_are_cut_off() {
    let served = Served::new().await;
    let mut long = b"{\"id\":5,\"op\":\"agent.show\",\"agent\":\"".to_vec();
    long.resize(MAX_LINE_BYTES, b'x');
    long.extend_from_slice(b"\"}\n");
    let answer = served.say(&long).await;
    assert_eq!(code(answer.as_ref()), ErrorCode::TooLarge);
    assert_eq!(answer.unwrap()["id"], 5);

    let endless = vec![b'x'; MAX_RECORD_LINE_BYTES + 2];
    assert_eq!(code(served.say(&endless).await.as_ref()), ErrorCode::TooLarge);
    assert!(served.client().await.call(StatusAsk {}).await.is_ok());
}

#[tokio::test]
async fn half_a_line_is_no_request() {
    let served = Served::new().await;
    let mut stream = UnixStream::connect(&served.socket).await.unwrap();
    let half = br#"{"id":1,"op":"revoke","target":{"owner":"uid:1000"}}"#;
    stream.write_all(half).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "");
}

#[tokio::test]
async fn a_line_may_come_in_pieces_between_answers() {
    let served = Served::new().await;
    let stream = UnixStream::connect(&served.socket).await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read).lines();
    // The rest of the second line comes only after the answer to the first.
    write.write_all(b"{\"id\":1,\"op\":\"status\"}\n{\"id\":2,\"op\":").await.unwrap();
    let first = read.next_line().await.unwrap().unwrap();
    assert!(first.contains("\"id\":1"), "{first}");
    write.write_all(b"\"status\"}\n").await.unwrap();
    let second = read.next_line().await.unwrap().unwrap();
    assert!(second.contains("\"id\":2") && second.contains("\"ok\""), "{second}");
}

#[tokio::test]
async fn many_requests_over_one_connection_find_their_callers() {
    let served = Served::new().await;
    let client = served.client().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..40 {
        let (client, ask) = (client.clone(), served.bench.registration(&format!("agent-{n}")));
        calls.spawn(async move { (n, client.call(ask).await.unwrap()) });
    }
    while let Some(done) = calls.join_next().await {
        let (n, view) = done.unwrap();
        assert_eq!(view.name.as_str(), format!("agent-{n}"));
    }
}

#[tokio::test]
async fn too_many_connections_are_refused_and_room_comes_back() {
    let served = Served::new().await;
    let mut held = Vec::new();
    let refused = loop {
        let client = served.client().await;
        match client.call(StatusAsk {}).await {
            Ok(_) => held.push(client),
            Err(error) => break error,
        }
        assert!(held.len() <= 256);
    };
    assert!(matches!(refused, ClientError::Refused(error) if error.code == ErrorCode::Overloaded));
    assert_eq!(held.len(), 256);
    held.clear();
    while served.client().await.call(StatusAsk {}).await.is_err() {
        tokio::task::yield_now().await;
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reading_of_a_request(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = serde_json::from_slice::<Request>(&bytes);
    }

    #[test]
    fn a_request_that_is_changed_anywhere_is_read_or_refused(at in 0..200_usize, to in any::<u8>()) {
        let ask = AuditSearch { task: None, limit: Some(3), ..AuditSearch::default() };
        let mut line = serde_json::to_vec(&Request { id: 9, op: ask.into() }).unwrap();
        let at = at % line.len();
        line[at] = to;
        let _ = serde_json::from_slice::<Request>(&line);
    }
}
