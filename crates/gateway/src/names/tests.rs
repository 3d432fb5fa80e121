use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;

use super::{Answer, MAX_QUESTION_BYTES, answer, serve};

const NO_SUCH_NAME: u8 = 3;
const MALFORMED: u8 = 1;

fn asked(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    message
}

/// Code, count of answers, and their last bytes.
fn parts(found: &Answer) -> (u8, u8, &[u8]) {
    (found.bytes[3] & 15, found.bytes[7], &found.bytes[found.bytes.len().saturating_sub(4)..])
}

#[test]
fn only_this_machine_has_addresses() {
    for (name, kind, code, answers, told) in [
        ("example.org", 1, NO_SUCH_NAME, 0, Some("example.org")),
        ("EXAMPLE.org", 28, NO_SUCH_NAME, 0, Some("example.org")),
        ("example.org", 65, 0, 0, Some("example.org")),
        ("_8443._foo.example.org", 64, 0, 0, Some("_8443._foo.example.org")),
        ("example.org", 16, NO_SUCH_NAME, 0, Some("example.org")),
        ("localhost", 1, 0, 1, None),
        ("localhost", 28, 0, 1, None),
        ("localhost", 15, 0, 0, None),
        ("a.LocalHost", 1, 0, 1, None),
        ("localhost.example", 1, NO_SUCH_NAME, 0, Some("localhost.example")),
        ("169.254.169.254", 1, NO_SUCH_NAME, 0, Some("169.254.169.254")),
        ("", 2, NO_SUCH_NAME, 0, Some(".")),
        ("a b\n.x", 1, NO_SUCH_NAME, 0, Some("a\\032b\\010.x")),
    ] {
        let question = asked(name, kind);
        let found = answer(&question).unwrap();
        assert_eq!(
            (parts(&found).0, parts(&found).1, found.asked.as_deref()),
            (code, answers, told),
            "{name} {kind}"
        );
        assert_eq!(found.bytes[..2], question[..2], "{name}");
        assert_eq!(
            found.bytes[12..question.len()],
            question[12..],
            "{name}: the question stands in the answer"
        );
    }
    assert_eq!(parts(&answer(&asked("localhost", 1)).unwrap()).2, [127, 0, 0, 1]);
}

#[test]
fn attack_what_is_no_plain_question_is_refused() {
    let pointer = [&asked("", 1)[..12], &[0xc0, 12, 0, 1, 0, 1]].concat();
    let after_label = [&asked("", 1)[..12], &[1, b'a', 0xc0, 12, 0, 1, 0, 1]].concat();
    let long_label = [&asked("", 1)[..12], &[64], &[b'a'; 64], &[0, 0, 1, 0, 1]].concat();
    let long_name = asked(&"a.".repeat(128), 1);
    let mut two = asked("a.b", 1);
    two[5] = 2;
    let cut = asked("a.b", 1)[..14].to_vec();
    let mut wide = asked("a.b", 1);
    wide.resize(MAX_QUESTION_BYTES + 1, 0);
    for message in [pointer, after_label, long_label, long_name, two, cut, wide] {
        let found = answer(&message).unwrap();
        assert_eq!((parts(&found).0, found.bytes.len(), found.asked), (MALFORMED, 12, None), "{message:?}");
    }
    let mut update = asked("a.b", 1);
    update[2] = 5 << 3;
    assert_eq!(parts(&answer(&update).unwrap()).0, 4);
    let mut answered = asked("a.b", 1);
    answered[2] |= 0x80;
    assert_eq!(answer(&answered), None);
    assert_eq!(answer(&[0; 11]), None);
}

proptest! {
    /// Whatever is asked, the answer is short, an answer, and carries no address but this machine's.
    #[test]
    fn any_bytes_have_a_short_answer(message in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Some(found) = answer(&message) {
            prop_assert!(found.bytes.len() <= 300 && found.bytes[2] & 0x80 != 0);
            prop_assert!(found.asked.is_none_or(|name| name.len() <= 1020));
            prop_assert_eq!(answer(&found.bytes), None);
        }
    }
}

#[tokio::test]
async fn both_ways_answer_and_each_name_is_told_once() {
    let hearer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (by_datagram, by_connection) = (hearer.local_addr().unwrap(), listener.local_addr().unwrap());
    let (tell, mut told) = mpsc::unbounded_channel();
    let serving = tokio::spawn(serve(vec![hearer], vec![listener], move |name| {
        tell.send(name).unwrap();
        std::future::ready(())
    }));
    for name in ["a.test", "A.test", "b.test", "localhost"] {
        let question = asked(name, 1);
        let wanted = answer(&question).unwrap().bytes;
        assert_eq!(by_udp(by_datagram, &question).await, wanted);
        let mut stream = TcpStream::connect(by_connection).await.unwrap();
        for _ in 0..2 {
            stream.write_u16(u16::try_from(question.len()).unwrap()).await.unwrap();
            stream.write_all(&question).await.unwrap();
            let mut found = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut found).await.unwrap();
            assert_eq!(found, wanted);
        }
    }
    // What is no question ends the connection.
    let mut stream = TcpStream::connect(by_connection).await.unwrap();
    stream.write_all(&[0xff; 4]).await.unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert_eq!(told.recv().await.as_deref(), Some("a.test"));
    assert_eq!(told.recv().await.as_deref(), Some("b.test"));
    serving.abort();
    assert!(told.recv().await.is_none());
}

async fn by_udp(to: SocketAddr, question: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(question, to).await.unwrap();
    let mut found = vec![0; 600];
    let count = tokio::time::timeout(Duration::from_secs(5), socket.recv(&mut found)).await.unwrap().unwrap();
    found.truncate(count);
    found
}
