//! Against the published vectors: what was signed with the same key comes out as it went in.

use hyper::Request;

use super::*;

const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const S3_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn head(text: &str) -> (Parts, String, &str) {
    let (lines, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = lines.lines();
    let mut words = lines.next().unwrap().split(' ');
    let mut builder = Request::builder().method(words.next().unwrap()).uri(words.next().unwrap());
    let mut host = String::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        if name.eq_ignore_ascii_case("host") {
            host = value.trim().to_owned();
        } else {
            builder = builder.header(name, value.trim_start());
        }
    }
    (builder.body(()).unwrap().into_parts().0, host, body)
}

fn again(text: &str, key: &str, id: &str) -> Result<(Parts, Parts), Unsigned> {
    let (mut parts, host, body) = head(text);
    let (before, _, _) = head(text);
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let token = parts
        .headers
        .get(SESSION_TOKEN)
        .map(|value| value.to_str().unwrap().to_owned())
        .or_else(|| {
            query.split('&').find_map(|part| part.strip_prefix("X-Amz-Security-Token=").map(self::text))
        })
        .map(Secret::new);
    // What the agent signed with is of no account.
    if let Some(old) = parts.headers.get(AUTHORIZATION) {
        let mut old = old.to_str().unwrap().replace(id, "writ_placeholder_00");
        old.truncate(old.find("Signature=").unwrap());
        parts.headers.insert(AUTHORIZATION, format!("{old}Signature=00").parse().unwrap());
    }
    let to = For { scheme: Scheme::Https, host: &host, regions: &[], services: &[] };
    let secret = Secret::new(key.to_owned());
    let key = Key { access_key: id, secret_key: &secret, session_token: token.as_ref() };
    let payload = Payload::Whole(body.as_bytes());
    sign(&mut parts, &to, &key, payload)?;
    Ok((before, parts))
}

fn sorted(query: Option<&str>) -> Vec<&str> {
    let mut all: Vec<&str> =
        query.unwrap_or_default().split('&').map(|part| part.trim_end_matches('=')).collect();
    all.sort_unstable();
    all
}

#[test]
fn the_published_suite_is_signed_as_published() {
    let suite = include_str!("../../../tests/data/sigv4.txt");
    let mut count = 0;
    for vector in suite.split("=== ").skip(1) {
        let (name, text) = vector.split_once('\n').unwrap();
        let text = text.strip_suffix("\n\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text);
        let (before, after) =
            again(text, KEY, "AKIDEXAMPLE").unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(before.headers.get(AUTHORIZATION), after.headers.get(AUTHORIZATION), "{name}");
        assert_eq!(sorted(before.uri.query()), sorted(after.uri.query()), "{name}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

/// The examples of the Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header" and "Using
/// Query Parameters".
#[test]
fn the_documented_requests_to_s3_are_signed_as_documented() {
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let signed = |line: &str, more: &str, names: &str, signature: &str| {
        format!(
            "{line} HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nx-amz-date: 20130524T000000Z\n{more}Authorization: \
             AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders={names}, \
             Signature={signature}\n\n"
        )
    };
    let empty = format!("x-amz-content-sha256: {EMPTY}\n");
    for text in [
        signed(
            "GET /test.txt",
            &format!("Range: bytes=0-9\n{empty}"),
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        signed(
            "PUT /test%24file.text",
            "Date: Fri, 24 May 2013 00:00:00 GMT\nx-amz-storage-class: REDUCED_REDUNDANCY\nx-amz-content-sha256: \
             44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\n",
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        signed(
            "GET /?lifecycle",
            &empty,
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        signed(
            "GET /?max-keys=2&prefix=J",
            &empty,
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
        "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3\
         %2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
         aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n\n"
            .to_owned(),
    ] {
        let (before, after) = again(&text, S3_KEY, "AKIAIOSFODNN7EXAMPLE").unwrap();
        assert_eq!(before.headers.get(AUTHORIZATION), after.headers.get(AUTHORIZATION), "{text}");
        assert_eq!(sorted(before.uri.query()), sorted(after.uri.query()), "{text}");
    }
}

#[test]
fn what_cannot_be_signed_is_refused_with_a_reason() {
    let request = |credential: &str, more: &str| {
        format!(
            "PUT /a HTTP/1.1\nHost: b.test\nx-amz-date: 20130524T000000Z\n{more}Authorization: AWS4-HMAC-SHA256 \
             Credential={credential}, SignedHeaders=host;x-amz-date, Signature=00\n\nbody"
        )
    };
    let scope = "AKID/20130524/us-east-1/s3/aws4_request";
    for (text, wanted) in [
        (request(scope, ""), None),
        (request(scope, "x-amz-content-sha256: UNSIGNED-PAYLOAD\n"), None),
        (request(scope, "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"), None),
        (
            request(scope, "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n"),
            Some(Unsigned::Pieces),
        ),
        (request(scope, "x-amz-content-sha256: nonsense\n"), Some(Unsigned::Malformed)),
        (request("AKID/20130523/us-east-1/s3/aws4_request", ""), Some(Unsigned::Malformed)),
        (request("AKID/20130524/us-east-1/aws4_request", ""), Some(Unsigned::Malformed)),
        (request("AKID/20130524/US/s3/aws4_request", ""), Some(Unsigned::Malformed)),
        (request("AKID/20130524/us-east-1/s3/aws5_request", ""), Some(Unsigned::Malformed)),
        (request(scope, "").replace("HMAC-SHA256", "ECDSA-P256-SHA256"), Some(Unsigned::Malformed)),
        (request(scope, "").replace("host;", ""), Some(Unsigned::Malformed)),
        (request(scope, "").replace("x-amz-date: ", "x-any: "), Some(Unsigned::Malformed)),
    ] {
        assert_eq!(again(&text, KEY, "AKID").err(), wanted, "{text}");
    }
    let (mut parts, host, _) = head(Box::leak(request(scope, "").into_boxed_str()));
    let regions = ["eu-central-1".to_owned()];
    let to = For { scheme: Scheme::Https, host: &host, regions: &regions, services: &[] };
    let secret = Secret::new(KEY.to_owned());
    let key = Key { access_key: "AKID", secret_key: &secret, session_token: None };
    assert_eq!(sign(&mut parts, &to, &key, Payload::Whole(b"")), Err(Unsigned::Scope));
}
