//! When a credential ends: as its file says, as a JWT says of itself, or as the vendor's own prefix tells.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use writ_model::Timestamp;

use crate::document::Node;

use super::Life;

/// Longest JWT that is read, in bytes.
const MAX_JWT_BYTES: usize = 64 << 10;
/// Numbers from here on are milliseconds: as seconds they would be the year 5138.
const LEAST_MILLIS: f64 = 1e11;
/// Before 2001 nothing of this kind ended.
const LEAST_SECONDS: f64 = 1e9;
/// Prefixes of tokens that live for hours, by their vendors' published formats.
const SHORT: &[&str] = &["ASIA", "ghs_", "ghu_", "ya29.", "vcp_", "hvb."];
/// Prefixes of tokens that live until they are revoked.
const LONG: &[&str] =
    &["AKIA", "ghp_", "gho_", "hf_", "npm_", "pypi-", "sk-", "xoxb-", "xoxp-", "AIza", "cio", "dop_v1_"];
/// Names under which files write when something ends, without separators and in lower case.
const NAMES: &[&str] = &[
    "accesstokenexpiry",
    "expires",
    "expiresat",
    "expiration",
    "expirationtime",
    "expireson",
    "expiry",
    "expirydate",
    "oauth2expirydate",
    "tokenexpiry",
];

/// What a value tells by itself.
pub(super) fn of_value(value: &[u8]) -> (Life, Option<Timestamp>) {
    let Ok(text) = std::str::from_utf8(value) else { return (Life::Unknown, None) };
    if let Some(end) = jwt_end(text) {
        return (Life::Short, Some(end));
    }
    if SHORT.iter().any(|head| text.starts_with(head)) {
        return (Life::Short, None);
    }
    if LONG.iter().any(|head| text.starts_with(head)) {
        return (Life::Long, None);
    }
    (Life::Unknown, None)
}

/// The same of a value that is kept: one without an end of its own stays until somebody revokes it.
pub(super) fn of_kept(value: &[u8]) -> (Life, Option<Timestamp>) {
    match of_value(value) {
        (Life::Unknown, None) => (Life::Long, None),
        known => known,
    }
}

/// The `exp` of a JSON Web Token (RFC 7519, section 4.1.4), not verified: it is told, never relied on.
pub fn jwt_end(token: &str) -> Option<Timestamp> {
    if token.len() > MAX_JWT_BYTES || !token.starts_with("ey") {
        return None;
    }
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    moment(&claims.get("exp")?.to_string())
}

/// The end that a map gives for what is in it.
pub(super) fn of_map(map: &Node) -> Option<Timestamp> {
    map.members()
        .iter()
        .filter(|member| {
            let name: String = member.key.chars().filter(char::is_ascii_alphanumeric).collect();
            NAMES.contains(&name.to_ascii_lowercase().as_str())
        })
        .find_map(|member| moment(&member.node.scalar()?))
}

/// A time as files write it: RFC 3339, the same with `UTC` at its end, or a number of seconds or milliseconds.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_matches('"');
    if let Ok(number) = text.parse::<f64>() {
        if !(LEAST_SECONDS..=1e15).contains(&number) {
            return None;
        }
        let millis = if number >= LEAST_MILLIS { number } else { number * 1e3 };
        #[expect(clippy::cast_possible_truncation, reason = "it is below 1e15, as was looked at")]
        return Some(Timestamp::from_millis(millis as i64));
    }
    let text = text.strip_suffix("UTC").map_or(text.to_owned(), |head| format!("{}Z", head.trim()));
    text.parse().ok()
}
