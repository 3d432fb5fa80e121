//! What stops a request because it carries a secret, and what does not though it looks odd.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use writ_model::Label;

use super::lending::listening;
use super::world::{Scene, echo};
use crate::http::Tokens;
use crate::http::port::{IncidentKind, Tripwire, Watching};

/// Put together, so that no scanner takes this file for what it looks for.
fn token() -> String {
    format!("gl{}-{}", "pat", "q7Rk2ZpL9wXc4VbN8mTd")
}

fn drawn(length: usize, letters: &[u8]) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(letters[(state % letters.len() as u64) as usize])
        })
        .collect()
}

struct Pattern;

impl Tripwire for Pattern {
    fn watch(&self) -> Box<dyn Watching> {
        Box::new(Looking(Vec::new()))
    }
}

struct Looking(Vec<u8>);

impl Watching for Looking {
    fn push(&mut self, piece: &[u8]) -> Result<usize, Label> {
        self.0.extend_from_slice(piece);
        let is_found = self.0.windows(16).any(|window| window == b"AKIA0123456789AB");
        if is_found { Err("aws-key".parse().unwrap()) } else { Ok(0) }
    }

    fn finish(&mut self) -> Result<(), Label> {
        Ok(())
    }
}

#[tokio::test]
async fn a_secret_in_a_body_stops_the_request() {
    let port = echo(None).await;
    let url = format!("http://api.test:{port}/");
    let scene = Scene::with(|_| {}, |set| set.tripwire = Some(Arc::new(Pattern))).await;
    let (_, out) = scene.curl(&["-w", "%{http_code}", "-d", "AKIA0123456789A", &url]).await;
    assert!(out.ends_with("AKIA0123456789A200"), "{out}");
    for length in [0, 5000, 200_000] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}AKIA0123456789AB", "x".repeat(length))).unwrap();
        let data = format!("@{}", file.path().display());
        let (_, out) = scene.curl(&["-w", "%{http_code}", "--data-binary", &data, &url]).await;
        assert!(out.contains("aws-key") && out.ends_with("403"), "{length} {out}");
    }
    assert_eq!(scene.kinds(), [IncidentKind::SecretLeaving; 3]);
}

/// What a run has installed: tokens by their issuers' forms, wherever they stand and however the body is cut or packed.
#[tokio::test]
async fn attack_a_token_in_a_body_does_not_leave() {
    let (port, got) = listening(false).await;
    let url = format!("http://api.test:{port}/");
    let scene = Scene::with(|_| {}, |set| set.tripwire = Some(Arc::new(Tokens))).await;
    let token = token();
    let token = token.as_str();
    let packed = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let mut bodies: Vec<(Vec<u8>, Vec<&str>, &str)> = Vec::new();
    for before in [0, 4094, 16 << 10, 300_000] {
        let text = format!("{} {token}\n{}", "x ".repeat(before / 2), "y".repeat(9000));
        bodies.push((packed(&text), vec!["-H", "Content-Encoding: gzip"], "403"));
        bodies.push((text.clone().into_bytes(), vec!["-H", "Transfer-Encoding: chunked"], "403"));
        bodies.push((text.into_bytes(), vec![], "403"));
    }
    bodies.push((packed(token), vec!["-H", "Content-Encoding: br"], "400"));
    bodies.push((packed(token), vec!["-H", "Content-Encoding: gzip, gzip"], "400"));
    bodies.push((b"no token of any form".to_vec(), vec![], "200"));
    for (body, options, wanted) in bodies {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &body).unwrap();
        let data = format!("@{}", file.path().display());
        let arguments = [&["-w", "%{http_code}", "--data-binary", &data][..], &options, &[&url]].concat();
        let (_, out) = scene.curl(&arguments).await;
        assert!(out.ends_with(wanted), "{options:?} {wanted} {out}");
        // A body that was stopped on its way did not come whole, and the token was not in what came.
        assert!(!got.lock().unwrap().iter().any(|got| got.contains(token)));
    }
}

/// Published forms that the former, shorter table did not have, wherever the length of a body is known.
#[tokio::test]
async fn attack_no_request_with_a_secret_is_completed() {
    let (port, got) = listening(false).await;
    let url = format!("http://api.test:{port}/");
    let scene = Scene::with(|_| {}, |set| set.tripwire = Some(Arc::new(Tokens))).await;
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
    let key = format!("-----BEGIN {0} KEY-----\n{1}-----END {0} KEY-----", "PRIVATE", line.repeat(24));
    let secrets = [
        token(),
        format!("{}_{}", "dop_v1", drawn(64, b"0123456789abcdef")),
        format!("PMAK-{}-{}", drawn(24, b"0123456789abcdef"), drawn(34, b"0123456789abcdef")),
        key,
    ];
    let wide: Vec<u8> = token().bytes().flat_map(|byte| [byte, 0]).collect();
    let mut bodies: Vec<Vec<u8>> = vec![wide];
    for secret in &secrets {
        for before in [0, 4095, 40_000] {
            bodies.push(format!("{} {secret}", "words ".repeat(before / 6)).into_bytes());
        }
        bodies.push(format!("{{\"a\":\"{secret}\"}}").into_bytes());
    }
    for body in bodies {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &body).unwrap();
        let data = format!("@{}", file.path().display());
        let (_, out) = scene.curl(&["-i", "--data-binary", &data, &url]).await;
        let about = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert!(out.contains("writ-reason: secret-leaving"), "{about}: {out}");
        assert!(out.contains("Take it out") && out.contains("writ secret add"), "{out}");
        assert!(got.lock().unwrap().iter().all(|got| got == "broken"), "{about}");
    }
}

/// What ordinary work uploads.
#[test]
fn what_only_looks_like_a_secret_leaves() {
    let (hex, base64) =
        (b"0123456789abcdef", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    let mut texts = vec![
        format!("{{\"integrity\":\"sha512-{}==\",\"resolved\":\"https://r.test/a.tgz\"}}", drawn(86, base64)).repeat(40),
        format!("name = \"a\"\nchecksum = \"{}\"\n", drawn(64, hex)).repeat(100),
        format!("requests==2.0 --hash=sha256:{}\n", drawn(64, hex)).repeat(50),
        format!("commit {}\ntree {}\n", drawn(40, hex), drawn(40, hex)).repeat(50),
        "550e8400-e29b-41d4-a716-446655440000,6ba7b810-9dad-11d1-80b4-00c04fd430c8\n".repeat(60),
        "!function(e,t){var n=e.key||t.token,r=\"sk-\"+n;return r.password=null}(window,document);".repeat(200),
        format!("<img src=\"data:image/png;base64,iVBORw0KGgo{}\">", drawn(90_000, base64)),
        format!("{{\"sourcesContent\":[\"const key = process.env.API_KEY\"],\"mappings\":\"{}\"}}", drawn(50_000, base64)),
        "export GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nAKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        "const fake = 'ghp_1a2B3c4D5e1a2B3c4D5e1a2B3c4D5e1a2B3c'; // of no account: its checksum is wrong".to_owned(),
        "password = hunter2\napi_key: changeme\ntoken=${TOKEN}\nAuthorization: Bearer <your token>".to_owned(),
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----".to_owned(),
        "See `-----BEGIN PRIVATE KEY-----` in the manual.".to_owned(),
    ];
    texts.push(drawn(200_000, base64));
    texts.push(BASE64_STANDARD.encode(drawn(100_000, base64)));
    for text in texts {
        let about: String = text.chars().take(60).collect();
        assert_eq!(Tokens.find(text.as_bytes()), None, "{about}");
        let mut watching = Tokens.watch();
        for piece in text.as_bytes().chunks(1000) {
            watching.push(piece).unwrap();
        }
        watching.finish().unwrap();
    }
}
