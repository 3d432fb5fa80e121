//! What a connection speaks, by its first bytes.
//!
//! Whoever speaks HTTP is to be read, so what a server could take for HTTP counts as such: blank lines before a request, any
//! letters of a method, a version that does not exist. What is taken for something else is what no server of HTTP would answer.

/// Bytes of a first line after which nothing more is waited for.
pub const MAX_FIRST_LINE_BYTES: usize = 16 << 10;

/// What the second version begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What a proxy says before the bytes of its client, in its second form.
const PROXIED: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the first bytes of a client say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// Not enough of them.
    Unclear,
    /// A request of the first version, or something like it.
    Http,
    /// The preface of the second version.
    SecondHttp,
    /// A handshake (RFC 8446, section 5.1).
    Tls,
    /// Something that is not let through: it would hide what comes after, or never ends.
    Hidden,
    /// Not HTTP.
    Other,
}

/// Says what a client speaks.
#[must_use]
pub fn spoken(bytes: &[u8]) -> Spoken {
    match bytes {
        [] | [22] => return Spoken::Unclear,
        [22, 3, ..] => return Spoken::Tls,
        // A hello in the form of a version that nobody should speak, which some servers still take (RFC 5246, appendix E.2).
        [first, _, 1, 3, ..] if first & 0x80 != 0 => return Spoken::Hidden,
        [first] | [first, _] if first & 0x80 != 0 => return Spoken::Unclear,
        [first, _, 1] if first & 0x80 != 0 => return Spoken::Unclear,
        _ => {}
    }
    if bytes.starts_with(PROXIED) || bytes.starts_with(b"PROXY ") {
        return Spoken::Hidden;
    }
    if bytes.starts_with(PREFACE) {
        return Spoken::SecondHttp;
    }
    let is_long = bytes.len() >= MAX_FIRST_LINE_BYTES;
    let more = if is_long { Spoken::Hidden } else { Spoken::Unclear };
    if [PREFACE, PROXIED, b"PROXY "].iter().any(|known| known.starts_with(bytes)) {
        return more;
    }
    let begin = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    let line = bytes.get(begin..).unwrap_or_default();
    if line.is_empty() {
        return more;
    }
    // The first byte that ends the line, or that text does not have, decides: what comes after it changes nothing, however
    // the bytes are cut into pieces.
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r') || byte.is_ascii_control() && !is_space(*byte);
    let Some(end) = line.iter().position(ends) else { return more };
    let head = line.get(..end).unwrap_or_default();
    let is_whole = matches!(line.get(end), Some(b'\n' | b'\r'));
    if is_request_line(head) || !is_whole && begins_request(head) { Spoken::Http } else { Spoken::Other }
}

/// What some server parts or trims words by: white space of ASCII, and what Python's `split` takes for such besides.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | 0x1c..=0x20)
}

/// What the first bytes of a server say that speaks before its client does.
#[must_use]
pub fn greeted(bytes: &[u8]) -> Spoken {
    let is_answer = b"HTTP/".starts_with(bytes.get(..bytes.len().min(5)).unwrap_or_default());
    match bytes {
        [] => Spoken::Unclear,
        // Some send their settings at once: a frame of that type, on no stream (RFC 9113, sections 4.1 and 6.5).
        [0, _, _, 4, 0, 0, 0, 0, 0, ..] => Spoken::SecondHttp,
        [0, ..] if bytes.len() < 9 => Spoken::Unclear,
        _ if is_answer && bytes.len() < 5 => Spoken::Unclear,
        _ if is_answer => Spoken::Http,
        _ => Spoken::Other,
    }
}

/// A method and a target, with or without a version (RFC 9112, section 3).
fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.split(|byte| is_space(*byte)).filter(|word| !word.is_empty());
    let is_method = words.next().is_some_and(|word| word.iter().all(u8::is_ascii_alphabetic));
    let is_target = words
        .next()
        .is_some_and(|word| word.starts_with(b"/") || word.windows(3).any(|three| three == b"://"));
    names_http(line) || (is_method && is_target)
}

/// A method and the beginning of a target.
fn begins_request(line: &[u8]) -> bool {
    let method = line.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    method > 0 && line.get(method).copied().is_some_and(is_space)
}

fn names_http(line: &[u8]) -> bool {
    line.windows(5).any(|five| five.eq_ignore_ascii_case(b"HTTP/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn http_is_known_by_its_first_line_whatever_stands_before() {
        for (bytes, wanted) in [
            (&b""[..], Spoken::Unclear),
            (b"G", Spoken::Unclear),
            (b"GET / HTTP/1.1", Spoken::Unclear),
            (b"GET / HTTP/1.1\r\n", Spoken::Http),
            (b"\r\n\r\nPUT /x HTTP/1.1\r\n", Spoken::Http),
            (b" \t\nget /x http/1.1\n", Spoken::Http),
            (b"M-SEARCH * HTTP/1.1\r\n", Spoken::Http),
            (b"GET /x\r\n", Spoken::Http),
            (b"POST http://a/b\n", Spoken::Http),
            (b"GET /\0 HTTP/1.1\r\n", Spoken::Http),
            (b"GET / HTTP/9.9\n", Spoken::Http),
            (b"GET\t/\x0bHTTP/1.1\n", Spoken::Http),
            (b"PUT /x HTTP/1.1\rHost: a\r", Spoken::Http),
            (b"GET /\0", Spoken::Http),
            (b"GET\x0b/x HTTP/1.1\n", Spoken::Http),
            (b"\x1cGET /x HTTP/1.1\n", Spoken::Http),
            (b"\x1cGET\x1f/x\0", Spoken::Http),
            (b"AMQP\0\0\x09\x01", Spoken::Other),
            (b"\x13cHTTP/", Spoken::Other),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n", Spoken::Unclear),
            (PREFACE, Spoken::SecondHttp),
            (b"PRI * HTTP/2.0\r\n\r\nXX", Spoken::Http),
            (b"\x16", Spoken::Unclear),
            (b"\x16\x03\x01\x02\x00", Spoken::Tls),
            (b"\x80\x2e\x01\x03\x01", Spoken::Hidden),
            (b"\x80\x2e", Spoken::Unclear),
            (b"\x80\x2e\x02\x03\x01", Spoken::Other),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\nPUT /x HTTP/1.1\r\n", Spoken::Hidden),
            (PROXIED, Spoken::Hidden),
            (b"x\n", Spoken::Other),
            (b"*1\r\n$4\r\nPING\r\n", Spoken::Other),
            (b"PING\r\n", Spoken::Other),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", Spoken::Other),
            (b"EHLO a.test\r\n", Spoken::Other),
            (b"SSH-2.0-x\r\n", Spoken::Other),
        ] {
            assert_eq!(spoken(bytes), wanted, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(spoken(&vec![b'a'; MAX_FIRST_LINE_BYTES]), Spoken::Hidden);
        assert_eq!(spoken(&vec![b'\n'; MAX_FIRST_LINE_BYTES]), Spoken::Hidden);
    }

    #[test]
    fn a_server_that_greets_is_no_server_of_http() {
        for (bytes, wanted) in [
            (&b""[..], Spoken::Unclear),
            (b"220 mail.test\r\n", Spoken::Other),
            (b"HT", Spoken::Unclear),
            (b"HTTP/1.1 408 ", Spoken::Http),
            (b"\0\0\x12\x04\0\0\0\0\0", Spoken::SecondHttp),
            (b"\0\0", Spoken::Unclear),
            (b"J\0\0\0\x0a8.0", Spoken::Other),
        ] {
            assert_eq!(greeted(bytes), wanted, "{bytes:?}");
        }
    }

    proptest! {
        /// What is clear stays what it is when more comes, and a request is one however its bytes come.
        #[test]
        fn more_bytes_change_no_mind(bytes in proptest::collection::vec(any::<u8>(), 0..64), more in any::<u8>()) {
            let before = spoken(&bytes);
            let mut after = bytes.clone();
            after.push(more);
            if before != Spoken::Unclear {
                prop_assert!(spoken(&after) == before, "{before:?} {:?}", spoken(&after));
            }
        }

        #[test]
        fn a_request_is_never_taken_for_something_else(
            before in "[\r\n \t]{0,6}",
            method in "[A-Z]{3,8}",
            target in "/[!-~]{0,20}",
            cut in 0_usize..60,
        ) {
            let line = format!("{before}{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            prop_assert!(matches!(spoken(line.as_bytes()), Spoken::Http | Spoken::Hidden));
            let part = &line.as_bytes()[..cut.min(line.len())];
            prop_assert!(matches!(spoken(part), Spoken::Unclear | Spoken::Http | Spoken::Hidden));
        }
    }
}
