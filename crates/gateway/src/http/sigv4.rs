//! AWS Signature Version 4, made anew: the agent signs with a placeholder, and what goes out is signed with the key.
//!
//! Source: AWS IAM User Guide, "Create a signed AWS API request", and Amazon S3 API Reference, "Signature calculations".
//! The usual crate brings another library for hashing; this needs what is linked already.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use writ_model::{Scheme, Secret};
use zeroize::Zeroizing;

use super::account::percent_decoded;
use super::lend::encoded;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// Headers that a request may sign. More has no sense.
const MAX_SIGNED: usize = 64;

/// The key that is lent.
pub(super) struct Key<'a> {
    pub(super) access_key: &'a str,
    pub(super) secret_key: &'a Secret,
    pub(super) session_token: Option<&'a Secret>,
}

/// Where a request goes and what it may be signed for.
pub(super) struct For<'a> {
    pub(super) scheme: Scheme,
    /// As in `Host`.
    pub(super) host: &'a str,
    /// Empty: any.
    pub(super) regions: &'a [String],
    pub(super) services: &'a [String],
}

/// Why a request is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    #[error("the signature is not one of AWS Signature Version 4 that can be made anew")]
    Malformed,
    #[error("the key is not lent for this region or service")]
    Scope,
    #[error(
        "each piece of the body is signed, which cannot be made anew; send it whole, or with `UNSIGNED-PAYLOAD`"
    )]
    Pieces,
    #[error("an unsigned body goes over https only")]
    InTheClear,
    #[error("the body is too large to be signed here; send its digest in `x-amz-content-sha256`")]
    TooLarge,
}

/// What the agent signed, as far as it is kept.
struct Scope {
    date: String,
    region: String,
    service: String,
}

/// What the body's part in the signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    Whole(&'a [u8]),
    /// More than is held.
    Large,
}

/// Whether the body itself is needed to sign.
pub(super) fn needs_body(head: &Parts) -> bool {
    !head.headers.contains_key(CONTENT_HASH)
}

/// Signs a request with an origin target anew.
pub(super) fn sign(
    head: &mut Parts,
    to: &For<'_>,
    key: &Key<'_>,
    payload: Payload<'_>,
) -> Result<(), Unsigned> {
    if head.headers.contains_key(AUTHORIZATION) {
        sign_header(head, to, key, payload)
    } else {
        sign_query(head, to, key, payload)
    }
}

fn sign_header(head: &mut Parts, to: &For<'_>, key: &Key<'_>, payload: Payload<'_>) -> Result<(), Unsigned> {
    let old = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let old =
        old.and_then(|value| value.strip_prefix(ALGORITHM)?.strip_prefix(' ')).ok_or(Unsigned::Malformed)?;
    let field = |name: &str| {
        let mut found =
            old.split(',').filter_map(|part| part.trim().split_once('=')).filter(|(own, _)| *own == name);
        found.next().map(|(_, value)| value.to_owned()).filter(|_| found.next().is_none())
    };
    let credential = field("Credential").ok_or(Unsigned::Malformed)?;
    let signed = field("SignedHeaders").ok_or(Unsigned::Malformed)?;
    let scope = Scope::read(&credential, to)?;
    let at = single(&head.headers, &DATE).ok_or(Unsigned::Malformed)?.to_owned();
    scope.check_time(&at)?;
    head.headers.remove(SESSION_TOKEN);
    if let Some(token) = key.session_token {
        // Safe: it goes to the host that the key is for.
        head.headers.insert(SESSION_TOKEN, sensitive(token.expose())?);
    }
    let hash = payload_hash(&head.headers, to, payload, false)?;
    let signed = signed_headers(&signed, &head.headers)?;
    let canonical = canonical(head, to, &scope, &signed, &hash, head.uri.query().unwrap_or_default())?;
    let signature = scope.signature(&at, &canonical, key.secret_key);
    let value = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
        key.access_key,
        scope.text(),
        signed.join(";")
    );
    head.headers.insert(AUTHORIZATION, sensitive(&value)?);
    Ok(())
}

fn sign_query(head: &mut Parts, to: &For<'_>, key: &Key<'_>, payload: Payload<'_>) -> Result<(), Unsigned> {
    let query = head.uri.query().ok_or(Unsigned::Malformed)?.to_owned();
    let parts: Vec<(&str, &str)> =
        query.split('&').map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    let field = |name: &str| {
        let mut found = parts.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| text(value)).filter(|_| found.next().is_none())
    };
    if field("X-Amz-Algorithm").as_deref() != Some(ALGORITHM) {
        return Err(Unsigned::Malformed);
    }
    let credential = field("X-Amz-Credential").ok_or(Unsigned::Malformed)?;
    let signed = field("X-Amz-SignedHeaders").ok_or(Unsigned::Malformed)?;
    let at = field("X-Amz-Date").ok_or(Unsigned::Malformed)?;
    field("X-Amz-Signature").ok_or(Unsigned::Malformed)?;
    let scope = Scope::read(&credential, to)?;
    scope.check_time(&at)?;
    let mut kept: Vec<String> = Vec::new();
    for (name, value) in &parts {
        match name.to_ascii_lowercase().as_str() {
            "x-amz-credential" => {
                kept.push(format!("{name}={}", encoded(&format!("{}/{}", key.access_key, scope.text()))));
            }
            "x-amz-security-token" | "x-amz-signature" => {}
            _ if value.is_empty() => kept.push((*name).to_owned()),
            _ => kept.push(format!("{name}={value}")),
        }
    }
    if let Some(token) = key.session_token {
        // Safe: it goes to the host that the key is for.
        kept.push(format!("X-Amz-Security-Token={}", encoded(token.expose())));
    }
    let query = Zeroizing::new(kept.join("&"));
    let hash = payload_hash(&head.headers, to, payload, scope.service.starts_with("s3"))?;
    let signed = signed_headers(&signed, &head.headers)?;
    let canonical = canonical(head, to, &scope, &signed, &hash, &query)?;
    let signature = scope.signature(&at, &canonical, key.secret_key);
    let target = Zeroizing::new(format!("{}?{}&X-Amz-Signature={signature}", head.uri.path(), *query));
    head.uri = target.parse().map_err(|_| Unsigned::Malformed)?;
    Ok(())
}

// === impl Scope ===

impl Scope {
    /// Reads `ID/date/region/service/aws4_request`.
    fn read(credential: &str, to: &For<'_>) -> Result<Self, Unsigned> {
        let mut parts = credential.rsplit('/');
        let (end, service, region, date) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("aws4_request"), Some(service), Some(region), Some(date)) = (end, service, region, date)
        else {
            return Err(Unsigned::Malformed);
        };
        let is_word = |word: &str| {
            let fits =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
            !word.is_empty() && word.len() <= 64 && word.bytes().all(fits)
        };
        let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
        if !(is_word(service) && is_word(region) && is_date) {
            return Err(Unsigned::Malformed);
        }
        let among = |all: &[String], one: &str| all.is_empty() || all.iter().any(|own| own == one);
        if !(among(to.regions, region) && among(to.services, service)) {
            return Err(Unsigned::Scope);
        }
        Ok(Self { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() })
    }

    /// The time is of the day that the key is made for, as `20150830T123600Z`.
    fn check_time(&self, at: &str) -> Result<(), Unsigned> {
        let rest = at.strip_prefix(&self.date).and_then(|rest| rest.strip_prefix('T')?.strip_suffix('Z'));
        let is_time =
            rest.is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_digit()));
        if is_time { Ok(()) } else { Err(Unsigned::Malformed) }
    }

    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }

    fn signature(&self, at: &str, canonical: &str, secret: &Secret) -> String {
        let words = format!(
            "{ALGORITHM}\n{at}\n{}\n{}",
            self.text(),
            hex(digest(&SHA256, canonical.as_bytes()).as_ref())
        );
        // Safe: only what is made of it leaves, and that is what it is for.
        let first = Zeroizing::new(format!("AWS4{}", secret.expose()));
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
        for part in [self.date.as_str(), &self.region, &self.service, "aws4_request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        hex(hmac::sign(&key, words.as_bytes()).as_ref())
    }
}

/// The headers that are signed: those that the agent signed and that are still there, and all that say how AWS works.
fn signed_headers(signed: &str, headers: &HeaderMap) -> Result<Vec<String>, Unsigned> {
    let mut all: Vec<String> = signed.split(';').map(str::to_ascii_lowercase).collect();
    if !all.iter().any(|name| name == "host") || all.len() > MAX_SIGNED {
        return Err(Unsigned::Malformed);
    }
    all.retain(|name| name == "host" || headers.contains_key(name.as_str()));
    all.extend(headers.keys().map(HeaderName::to_string).filter(|name| name.starts_with("x-amz-")));
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn canonical(
    head: &Parts,
    to: &For<'_>,
    scope: &Scope,
    signed: &[String],
    hash: &str,
    query: &str,
) -> Result<Zeroizing<String>, Unsigned> {
    let mut out = Zeroizing::new(format!("{}\n", head.method));
    let path = head.uri.path();
    if scope.service.starts_with("s3") {
        out.push_str(&segments(path, |segment| encoded_bytes(&percent_decoded(segment.as_bytes(), false))));
    } else {
        // Empty segments are left out, and what was encoded once is encoded again.
        let mut path = path.to_owned();
        while path.contains("//") {
            path = path.replace("//", "/");
        }
        out.push_str(&segments(&path, |segment| encoded_bytes(segment.as_bytes())));
    }
    let mut parts: Vec<(String, String)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| {
            let again = |text: &str| encoded_bytes(&percent_decoded(text.as_bytes(), false));
            (again(name), again(value))
        })
        .collect();
    parts.sort_unstable();
    let parts: Vec<String> = parts.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    out.push('\n');
    out.push_str(&parts.join("&"));
    out.push('\n');
    for name in signed {
        let value = if *name == HOST.as_str() { to.host.to_owned() } else { header(&head.headers, name)? };
        let _ = writeln!(out, "{name}:{value}");
    }
    let _ = write!(out, "\n{}\n{hash}", signed.join(";"));
    Ok(out)
}

fn header(headers: &HeaderMap, name: &str) -> Result<String, Unsigned> {
    let mut values = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| Unsigned::Malformed)?;
        values.push(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
    }
    Ok(values.join(","))
}

fn payload_hash(
    headers: &HeaderMap,
    to: &For<'_>,
    payload: Payload<'_>,
    is_unsigned: bool,
) -> Result<String, Unsigned> {
    let Some(said) = headers.get(CONTENT_HASH) else {
        return match payload {
            _ if is_unsigned => Ok("UNSIGNED-PAYLOAD".to_owned()),
            Payload::Whole(bytes) => Ok(hex(digest(&SHA256, bytes).as_ref())),
            Payload::Large => Err(Unsigned::TooLarge),
        };
    };
    let said = said.to_str().ok().filter(|_| single(headers, &CONTENT_HASH).is_some());
    match said.ok_or(Unsigned::Malformed)? {
        unsigned @ ("UNSIGNED-PAYLOAD" | "STREAMING-UNSIGNED-PAYLOAD-TRAILER") => match to.scheme {
            Scheme::Http => Err(Unsigned::InTheClear),
            Scheme::Https => Ok(unsigned.to_owned()),
        },
        streamed if streamed.starts_with("STREAMING-") => Err(Unsigned::Pieces),
        hash if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(hash.to_owned()),
        _ => Err(Unsigned::Malformed),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())?.to_str().ok()
}

fn sensitive(text: &str) -> Result<HeaderValue, Unsigned> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Unsigned::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

fn segments(path: &str, each: impl Fn(&str) -> String) -> String {
    path.split('/').map(each).collect::<Vec<_>>().join("/")
}

fn text(value: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(value.as_bytes(), false)).into_owned()
}

fn encoded_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests;
