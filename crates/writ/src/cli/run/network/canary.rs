//! The ways out, tried from inside the finished sandbox before the client starts: each has to refuse what nobody allowed.

use std::io;

use writ_gateway::http::REASON_HEADER;

/// A name that nobody has (RFC 6761, section 6.4).
const HOST: &str = "writ-canary.invalid";
/// An address that leads nowhere (RFC 5737).
const ADDRESS: &str = "192.0.2.1:443";
/// A branch of a repository that is not there, taken away: what git sends for it, and nothing that has to be looked into.
const PUSH: &str = "0088aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0000000000000000000000000000000000000000 refs/heads/canary\0 report-status agent=writ/canary0000";

/// Something that has to be refused.
struct Trial {
    /// Its stable name.
    name: &'static str,
    /// Which door, in words for a person.
    door: &'static str,
    /// What is asked, in words for a person.
    asks: String,
    word: Vec<u8>,
}

/// Tries each way out through the proxy at `port`. `answer` says something from inside, and returns what is answered.
///
/// # Errors
/// Which door did not refuse, and what came instead.
pub(in crate::cli::run) fn passed(
    port: u16,
    mut answer: impl FnMut(u16, &[u8]) -> io::Result<Vec<u8>>,
) -> Result<(), String> {
    for Trial { name: _, door, asks, word } in trials() {
        let told =
            answer(port, &word).map_err(|error| format!("the {door} did not answer `{asks}`: {error}"))?;
        if !is_refused(&told) {
            let first = told.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let first = String::from_utf8_lossy(first.get(..first.len().min(120)).unwrap_or_default());
            return Err(format!("the {door} did not refuse `{asks}`: {}", first.escape_debug()));
        }
    }
    Ok(())
}

/// What is tried, in order: its stable name, which door has to refuse it, and what is asked there.
pub(in crate::cli) fn each() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    trials().into_iter().map(|Trial { name, door, asks, word: _ }| (name, door, asks))
}

fn trials() -> [Trial; 4] {
    let request = |line: String, more: &str, body: &str| {
        let host = line.split(' ').nth(1).map_or(HOST, |to| if to == ADDRESS { ADDRESS } else { HOST });
        format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n{body}").into_bytes()
    };
    let trial = |name, door, asks: String, more: &str, body: &str| Trial {
        name,
        door,
        word: request(asks.clone(), more, body),
        asks,
    };
    let of_git =
        format!("Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {}\r\n", PUSH.len());
    [
        trial("name", "egress proxy", format!("GET http://{HOST}/"), "", ""),
        trial("address", "egress proxy", format!("CONNECT {ADDRESS}"), "", ""),
        trial(
            "push-asked",
            "git door",
            format!("GET http://{HOST}/canary.git/info/refs?service=git-receive-pack"),
            "",
            "",
        ),
        trial("push", "git door", format!("POST http://{HOST}/canary.git/git-receive-pack"), &of_git, PUSH),
    ]
}

/// Whether our own refusal came. Nobody else says the reason: an answer of the other side is one whatever it says, and a
/// push is refused in git's own words.
fn is_refused(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.split(' ').next()).unwrap_or_default();
    let has_reason = lines
        .any(|line| line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case(REASON_HEADER)));
    match status {
        "200" => body.contains("ng refs/heads/canary ") && !body.contains("ok refs/heads/canary"),
        _ => has_reason && status.len() == 3 && status.starts_with(['4', '5']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: &[u8] = b"HTTP/1.1 403 Forbidden\r\nwrit-reason: step-up\r\n\r\nWrit: no\n";
    const GIT_NO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-git-receive-pack-result\r\n\r\n\
        0030unpack ok\n0030ng refs/heads/canary refused\n0000";

    /// What stands for a proxy that lets one thing through, or is not there.
    #[test]
    fn attack_a_way_out_that_is_open_stops_the_start() {
        type Answers = [io::Result<&'static [u8]>; 4];
        let gone = || Err(io::ErrorKind::ConnectionRefused.into());
        let table: [(Answers, Option<&str>); 10] = [
            ([Ok(NO), Ok(NO), Ok(NO), Ok(NO)], None),
            ([Ok(NO), Ok(NO), Ok(NO), Ok(GIT_NO)], None),
            ([Ok(b"HTTP/1.1 200 OK\r\n\r\nhello"), Ok(NO), Ok(NO), Ok(NO)], Some("GET http://")),
            ([Ok(NO), Ok(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(NO), Ok(NO)], Some("CONNECT 192.0.2.1")),
            (
                [Ok(NO), Ok(NO), Ok(NO), Ok(b"HTTP/1.1 200 OK\r\n\r\n0000ok refs/heads/canary\n")],
                Some("git door"),
            ),
            ([Ok(NO), Ok(NO), Ok(NO), Ok(b"HTTP/1.1 404 Not Found\r\n\r\n")], Some("git door")),
            (
                [
                    Ok(b"HTTP/1.1 403 Forbidden\r\nserver: other\r\n\r\nwrit-reason: x"),
                    Ok(NO),
                    Ok(NO),
                    Ok(NO),
                ],
                Some("GET"),
            ),
            ([Ok(b""), Ok(NO), Ok(NO), Ok(NO)], Some("GET")),
            ([Ok(NO), Ok(b"HTTP/1.1 4"), Ok(NO), Ok(NO)], Some("CONNECT")),
            ([gone(), Ok(NO), Ok(NO), Ok(NO)], Some("did not answer")),
        ];
        for (answers, wanted) in table {
            let mut answers = answers.into_iter();
            let found = passed(3128, |_, _| answers.next().unwrap().map(<[u8]>::to_vec));
            match (&found, wanted) {
                (Ok(()), None) => {}
                (Err(told), Some(wanted)) => assert!(told.contains(wanted), "{told}"),
                _ => panic!("{found:?} {wanted:?}"),
            }
        }
    }

    #[test]
    fn the_push_is_one_line_of_git() {
        let (length, rest) = PUSH.split_at(4);
        assert_eq!(usize::from_str_radix(length, 16).unwrap() + 4, PUSH.len(), "with the flush after it");
        assert!(rest.ends_with("0000"));
    }
}
