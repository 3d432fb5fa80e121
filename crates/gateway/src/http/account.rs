//! In whose name a request speaks, as far as its head shows: where credentials stand.

use hyper::HeaderMap;

/// Headers that carry credentials, in lower case. `Proxy-Authorization` is for us and is never passed on.
pub const CREDENTIAL_HEADERS: &[&str] = &[
    "api-key",
    "apikey",
    "authorization",
    "circle-token",
    "cookie",
    "dd-api-key",
    "dd-application-key",
    "deploy-token",
    "fastly-key",
    "job-token",
    "ocp-apim-subscription-key",
    "private-token",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-api-token",
    "x-auth-key",
    "x-auth-token",
    "x-consul-token",
    "x-figma-token",
    "x-functions-key",
    "x-github-token",
    "x-gitlab-token",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-honeycomb-team",
    "x-jfrog-art-api",
    "x-ms-authorization-auxiliary",
    "x-nuget-apikey",
    "x-redmine-api-key",
    "x-registry-auth",
    "x-rundeck-auth-token",
    "x-s3-session-token",
    "x-shopify-access-token",
    "x-tableau-auth",
    "x-token",
    "x-vault-token",
    "xi-api-key",
];

/// Parts of a query that carry credentials, in lower case.
pub const CREDENTIAL_QUERY: &[&str] = &[
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth",
    "auth_token",
    "awsaccesskeyid",
    "client_secret",
    "job_token",
    "key",
    "oauth_token",
    "password",
    "private_token",
    "refresh_token",
    "sig",
    "signature",
    "subscription-key",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-api-key",
    "x-goog-credential",
    "x-goog-signature",
];

/// Whether a header carries credentials, by its name in lower case.
pub(super) fn is_credential_header(name: &str) -> bool {
    CREDENTIAL_HEADERS.binary_search(&name).is_ok()
}

/// Whether a part of a query carries credentials, by its decoded name.
pub(super) fn is_credential_key(key: &str) -> bool {
    CREDENTIAL_QUERY.binary_search(&key.to_ascii_lowercase().as_str()).is_ok()
}

/// Whether the head carries a credential, other than those that the two lists name as ours.
pub(super) fn is_foreign(
    headers: &HeaderMap,
    query: Option<&str>,
    own_headers: &[String],
    own_keys: &[String],
) -> bool {
    let in_headers = headers.iter().any(|(name, value)| {
        let is_empty = value.as_bytes().iter().all(u8::is_ascii_whitespace);
        is_credential_header(name.as_str())
            && !is_empty
            && !own_headers.iter().any(|own| own == name.as_str())
    });
    let in_query = pairs(query.unwrap_or_default()).any(|(key, value)| {
        let key = decoded(key);
        !value.is_empty() && is_credential_key(&key) && !own_keys.contains(&key)
    });
    // Two of the same are two accounts, whichever the other side reads.
    let is_twice = headers
        .keys()
        .any(|name| is_credential_header(name.as_str()) && headers.get_all(name).iter().count() > 1);
    in_headers || in_query || is_twice
}

/// Names and values of a query, as sent. Some take `;` for `&`.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split(['&', ';']).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Percent-decoded (RFC 3986, section 2.1), with `+` as a blank; what is no UTF-8 is replaced.
pub(super) fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(text.as_bytes(), true)).into_owned()
}

/// Percent-decoded once.
pub(super) fn percent_decoded(bytes: &[u8], plus_is_blank: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                rest = ahead;
            }
            (b'+', _, _) if plus_is_blank => out.push(b' '),
            (byte, _, _) => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order() {
        assert!(CREDENTIAL_HEADERS.is_sorted());
        assert!(CREDENTIAL_QUERY.is_sorted());
    }

    #[test]
    fn percent_signs_are_read_once() {
        for (text, wanted) in [
            ("a%41", "aA"),
            ("%2541", "%41"),
            ("%4", "%4"),
            ("%", "%"),
            ("%zz", "%zz"),
            ("a+b", "a b"),
            ("%%41", "%A"),
        ] {
            assert_eq!(decoded(text), wanted);
        }
    }

    #[test]
    fn credentials_are_known_by_their_place() {
        for (name, value, query, wanted) in [
            ("accept", "*/*", None, false),
            ("authorization", "Bearer x", None, true),
            ("authorization", " ", None, false),
            ("cookie", "a=b", None, true),
            ("private-token", "x", None, true),
            ("x-amz-security-token", "x", None, true),
            ("accept", "*/*", Some("a=b&access_token=x"), true),
            ("accept", "*/*", Some("a=b&Access%5FToken=x"), true),
            ("accept", "*/*", Some("a=b;key=x"), true),
            ("accept", "*/*", Some("X-Amz-Signature=x"), true),
            ("accept", "*/*", Some("key="), false),
            ("accept", "*/*", Some("keys=x"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(is_foreign(&headers, query, &[], &[]), wanted, "{name}: {value} {query:?}");
        }
    }
}
