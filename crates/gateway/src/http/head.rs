//! The head of one request: read in one way or refused, and without what belongs to one connection only.

use aws_lc_rs::hmac;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::{Method, Version};
use writ_model::{Account, Body, Request, Scheme};
use writ_policy::{Meaning, folded_name};

use super::account::percent_decoded;
use super::authority::Authority;
use super::refuse::{No, Stop};

/// Longest target that is passed on, in bytes.
const MAX_TARGET_BYTES: usize = 8 << 10;
/// Headers that say which operation is asked for, beside method and path, and beside those that name another method, another
/// path or another person ([`Meaning`]).
const TELLING: &[&str] = &[
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "content-encoding",
    "content-length",
    "content-type",
    "destination",
    "git-protocol",
    "mcp-protocol-version",
    "overwrite",
    "range",
    "soapaction",
    "upgrade",
    "user-agent",
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-target",
    "x-github-api-version",
];
/// Headers that say which operation is asked for by being there, and whose value is a credential.
const NAMED: &[&str] = &["x-nuget-apikey"];
/// Stands where the value of one of [`NAMED`] would.
const HIDDEN: &str = "(hidden)";
/// What `Connection` may list (RFC 9110, section 7.6.1): what clients of today name, and nothing that means more than one
/// connection.
const LISTED: &[&str] = &[
    "",
    "close",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];
/// Headers of which every repetition of one request has another value, and which tell no server what to do.
pub(super) const VARYING: &[&str] = &[
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "date",
    "npm-session",
    "sec-websocket-key",
    "traceparent",
    "tracestate",
    "x-amz-date",
];
/// Stand among the headers of a request for all that are not among [`TELLING`]: their names, and the code of names and
/// values under a key of the run (HMAC-SHA-256), by which nobody who reads the record can try weak values. No header that
/// is sent begins with a colon.
pub(crate) const OTHERS: &str = ":others";
pub(crate) const OTHERS_CODE: &str = ":others-hmac";
/// Headers that mean one connection only (RFC 9110, section 7.6.1), and ones that programs treat as such.
const HOP: &[&str] = &[
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Where the requests of a connection go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Spoken to in the second version without having been asked (RFC 9113, section 3.3), because its client is sure of it.
    pub(super) is_second: bool,
}

impl Place {
    pub(super) const fn new(scheme: Scheme, authority: Authority) -> Self {
        Self { scheme, authority, is_second: false }
    }
}

/// A request that was read.
#[derive(Debug)]
pub(super) struct Asked {
    /// Without body and account, which are not known yet.
    pub(super) request: Request,
    /// What is passed on: an origin target, no `Host`, nothing that belongs to one connection.
    pub(super) head: Parts,
    pub(super) is_web_socket: bool,
}

/// Reads a request that came for a known place. The key is the run's own.
pub(super) fn read(mut head: Parts, place: &Place, key: &hmac::Key) -> Result<Asked, No> {
    let no = |text: &str| Err(Stop::RequestMalformed.say(text));
    let Place { scheme, authority, is_second: _ } = place;
    match head.method {
        Method::CONNECT => return no("there is no tunnel within a tunnel"),
        Method::TRACE => return no("TRACE is not passed on"),
        _ if head.method.as_str().eq_ignore_ascii_case("TRACK") => return no("TRACK is not passed on"),
        _ => {}
    }
    if !matches!(head.version, Version::HTTP_10 | Version::HTTP_11 | Version::HTTP_2) {
        return no("this version of HTTP is not spoken here");
    }
    check_host(&head, place)?;
    check_framing(&head)?;
    if head.headers.contains_key(TRAILER) {
        return no(
            "`Trailer` announces fields behind the body, which come after the decision and are not passed on. Send them in the \
             head, or leave `Trailer` out where the server can do without",
        );
    }
    check_names(&head.headers)?;
    let (path, query) = target(&head)?;
    let is_web_socket = check_upgrade(&head)?;
    // The only one that goes on and is taken out here: the transport puts it in again.
    let mut told = upgrades(&head.headers);
    strip(&mut head.headers);
    for name in [HOST, EXPECT] {
        head.headers.remove(name);
    }
    join_cookies(&mut head.headers);
    // What is decided is what is sent: nothing is told that was taken out.
    let mut telling = telling(&head.headers);
    telling.append(&mut told);
    telling.extend(others(&head.headers, key));
    let request = Request {
        method: head.method.to_string(),
        scheme: *scheme,
        host: authority.host().to_owned(),
        port: authority.port(),
        path,
        query,
        headers: telling,
        body: Body::None,
        account: Account::Nobody,
    };
    Ok(Asked { request, head, is_web_socket })
}

fn upgrades(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.get_all(UPGRADE).iter().map(|value| (UPGRADE.to_string(), text(value))).collect()
}

fn is_telling(name: &str) -> bool {
    let is_other = || match Meaning::of_header(name) {
        Some(Meaning::Identity | Meaning::Method | Meaning::Path) => true,
        Some(Meaning::Credential) | None => false,
    };
    TELLING.contains(&name) || is_other()
}

/// The headers that a decision is shown.
fn telling(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().filter(|(name, _)| is_telling(name.as_str()));
    let shown =
        shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let named = NAMED.iter().filter(|name| headers.contains_key(**name));
    shown.chain(named.map(|name| ((*name).to_owned(), HIDDEN.to_owned()))).collect()
}

/// No header is taken out on the way by being listed, and none is read as another: servers behind CGI's form of names
/// (RFC 3875, section 4.1.18) do not tell `_` from `-`.
fn check_names(headers: &HeaderMap) -> Result<(), No> {
    let no = |text: String| Err(Stop::RequestMalformed.say(text));
    for value in headers.get_all(CONNECTION) {
        let words = value.to_str().unwrap_or("?").split(',').map(str::trim);
        for word in words {
            if !LISTED.contains(&word.to_ascii_lowercase().as_str()) {
                return no(
                    "`Connection` lists a header that means more than this connection. Send it without"
                        .to_owned(),
                );
            }
        }
    }
    let framing = [HOST, CONTENT_LENGTH, EXPECT, TRAILER];
    for name in headers.keys().map(HeaderName::as_str).filter(|name| name.contains(['_', '.'])) {
        let dashed = folded_name(name);
        // With `_`, what is read as a credential counts as one. With `.`, hardly a server reads it so.
        let is_credential = name.contains('.') && Meaning::of_header(name).is_some();
        let is_known = is_telling(&dashed) || [NAMED, HOP].iter().any(|list| list.contains(&dashed.as_str()));
        if is_known || is_credential || framing.iter().any(|known| known.as_str() == dashed) {
            return no(format!(
                "some servers read the header `{name}` as `{dashed}`. Write it with dashes, or leave it out"
            ));
        }
    }
    Ok(())
}

/// What a decision knows of the headers that it is not shown: which there are, and that they are the same again. Values stay
/// here: some are credentials.
fn others(headers: &HeaderMap, key: &hmac::Key) -> Vec<(String, String)> {
    let is_other = |name: &str| !is_telling(name) && !VARYING.contains(&name);
    let mut all: Vec<(&str, &[u8])> = headers
        .iter()
        .filter(|(name, _)| is_other(name.as_str()))
        .map(|(name, value)| (name.as_str(), lasting(name, value.as_bytes())))
        .collect();
    if all.is_empty() {
        return Vec::new();
    }
    // Values of one name keep their order, which has a meaning.
    all.sort_by_key(|(name, _)| *name);
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    for text in all.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
        bytes.extend_from_slice(&text.len().to_be_bytes());
        bytes.extend_from_slice(text);
    }
    let code: String = hmac::sign(key, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    names.dedup();
    vec![(OTHERS.to_owned(), names.join(", ")), (OTHERS_CODE.to_owned(), code)]
}

/// Of a signature that is made anew for every sending, whose it is.
fn lasting<'v>(name: &HeaderName, value: &'v [u8]) -> &'v [u8] {
    if *name == hyper::header::AUTHORIZATION && value.starts_with(b"AWS4-") {
        value.split(|byte| *byte == b'/').next().unwrap_or(value)
    } else {
        value
    }
}

/// Target, `Host` and the connection's own place agree (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
fn check_host(head: &Parts, place: &Place) -> Result<(), No> {
    let Place { scheme, authority, is_second: _ } = place;
    let differs = || {
        let told = format!("this connection is for `{authority}`, and the request names another host");
        Err(Stop::HostMismatch.say(told))
    };
    let is_same = |text: &str| authority.is_written(text, scheme.port());
    if let Some(named) = head.uri.authority()
        && !is_same(named.as_str())
    {
        return differs();
    }
    if let Some(named) = head.uri.scheme_str()
        && named != scheme.to_string()
    {
        return differs();
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Err(Stop::RequestMalformed.say("a request has one host")),
        (Some(host), None) if host.to_str().is_ok_and(is_same) => Ok(()),
        (Some(_), None) => differs(),
        (None, _) if head.version == Version::HTTP_11 => {
            Err(Stop::RequestMalformed.say("a request has a host"))
        }
        (None, _) => Ok(()),
    }
}

/// One length, said in one way. The transport's reader has its own word on this; what it lets through is looked at again.
fn check_framing(head: &Parts) -> Result<(), No> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
    let coding = codings.next();
    let is_chunked = coding.is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    let is_twice = codings.next().is_some() || (lengths.next().is_some() && lengths.next().is_some());
    let is_both = coding.is_some() && head.headers.contains_key(CONTENT_LENGTH);
    if !is_chunked || is_twice || is_both {
        return Err(Stop::RequestMalformed.say("the length of a body is said once, in one way"));
    }
    Ok(())
}

/// Path and query, as sent.
fn target(head: &Parts) -> Result<(String, Option<String>), No> {
    let malformed = |text: &str| Stop::RequestMalformed.say(text);
    let path = head.uri.path();
    let query = head.uri.query();
    if path.len() + query.map_or(0, str::len) > MAX_TARGET_BYTES {
        return Err(malformed("the address is too long"));
    }
    let is_asterisk = path == "*" && head.method == Method::OPTIONS;
    if !(path.starts_with('/') || is_asterisk) {
        return Err(malformed("a path starts with a slash"));
    }
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !plain(path) || !query.is_none_or(plain) {
        return Err(malformed("an address has no blanks, control characters, backslashes or raw bytes"));
    }
    if path.split('/').any(is_dots) || holds_nothing(path) {
        return Err(malformed("a path has no `.` and `..` in it; write where it leads"));
    }
    Ok((path.to_owned(), query.map(str::to_owned)))
}

/// A segment that some take out of a path, in any spelling (RFC 3986, section 5.2.4). Parameters of a segment are left
/// out by some before, and blanks and control characters too.
pub(super) fn is_dots(segment: &str) -> bool {
    let segment = segment.split(';').next().unwrap_or_default();
    let decoded = percent_decoded(segment.as_bytes(), false);
    let text = String::from_utf8_lossy(&decoded);
    let mut left = text.chars().filter(|c| !c.is_whitespace() && !c.is_control());
    matches!((left.next(), left.next(), left.next()), (Some('.'), None | Some('.'), None))
}

/// Encoded line ends, zeros, backslashes, and slashes beside dots: what some servers decode before they look.
fn holds_nothing(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let dots = lower.replace("%2e", ".").replace("%5c", "/").replace("%2f", "/");
    ["%00", "%0a", "%0d"].iter().any(|byte| lower.contains(byte))
        || (dots != lower && dots.split('/').any(is_dots))
}

/// Whether it asks for a web socket (RFC 6455, section 4.1). No other change of protocol is passed on. The offer to go on in
/// the second version, which curl and what is built on it make in the clear, is let drop, as every server may (RFC 9110,
/// section 7.8): it goes no further than here.
fn check_upgrade(head: &Parts) -> Result<bool, No> {
    let Some(wanted) = head.headers.get(UPGRADE) else { return Ok(false) };
    let is_alone = head.headers.get_all(UPGRADE).iter().count() == 1;
    if is_alone && wanted.as_bytes().eq_ignore_ascii_case(b"h2c") {
        return Ok(false);
    }
    let asks = head
        .headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    let fits = is_alone
        && asks
        && wanted.as_bytes().eq_ignore_ascii_case(b"websocket")
        && head.method == Method::GET
        && head.version == Version::HTTP_11
        && head.headers.contains_key("sec-websocket-key")
        && !head.headers.contains_key(CONTENT_LENGTH)
        && !head.headers.contains_key(TRANSFER_ENCODING);
    if fits { Ok(true) } else { Err(Stop::RequestMalformed.say("only web sockets are upgraded to here")) }
}

/// Takes out what belongs to one connection. Trailers stay announced.
pub(super) fn strip(headers: &mut HeaderMap) {
    let wants_trailers = headers
        .get_all(TE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("trailers"));
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|word| word.trim().parse().ok())
        .filter(|name| ![CONTENT_LENGTH, HOST, TRAILER].contains(name))
        .collect();
    for name in listed {
        headers.remove(name);
    }
    let hop: Vec<HeaderName> = headers.keys().filter(|name| HOP.contains(&name.as_str())).cloned().collect();
    for name in hop {
        headers.remove(name);
    }
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// One header again, where a client of the second version split it (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let all: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if all.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_a_header_that_is_not_shown_is_told_apart() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let told_with = |key: &hmac::Key, headers: &[(&str, &str)]| {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
                })
                .collect();
            others(&map, key)
        };
        let told = |headers: &[(&str, &str)]| told_with(&key, headers);
        let first = told(&[("x-op", "harmless"), ("cookie", "a=b")]);
        assert_eq!(first[0], (OTHERS.to_owned(), "cookie, x-op".to_owned()));
        assert!(first.iter().all(|(_, value)| !value.contains("harmless") && !value.contains("a=b")));
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]);
        assert_ne!(told_with(&other, &[("x-op", "harmless"), ("cookie", "a=b")]), first, "another run");
        for same in [
            &[("cookie", "a=b"), ("x-op", "harmless")][..],
            &[("x-op", "harmless"), ("cookie", "a=b"), ("date", "today"), ("traceparent", "00")],
        ] {
            assert_eq!(told(same), first);
        }
        for other in [
            &[("x-op", "EVIL"), ("cookie", "a=b")][..],
            &[("x-op", "harmless")],
            &[("x-op", "harmless"), ("cookie", "a=b"), ("x-more", "root")],
            &[("x-op", "harmless"), ("cookie", "a=b"), ("if-match", "*")],
            &[("x-op", "harmless"), ("x-op", "harmless"), ("cookie", "a=b")],
        ] {
            assert_ne!(told(other), first, "{other:?}");
        }
        let signed =
            |tail: &str| told(&[("authorization", &format!("AWS4-HMAC-SHA256 Credential=AK/{tail}"))]);
        assert_eq!(signed("1"), signed("2"));
        assert!(told(&[("accept", "x")]).is_empty());
    }
}
