//! What a forge has beside git: an interface, and registries of packages.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};

/// A registry of crates says where it is (the sparse protocol of cargo's registries).
const CRATES: &str = "/cargo/config.json";

pub(super) fn answer(
    mut stream: &TcpStream,
    method: &str,
    path: &str,
    writes: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let here = format!("http://{}", stream.local_addr()?);
    let (status, body) = match (method, path.strip_suffix(CRATES)) {
        ("GET" | "HEAD", Some(before)) => {
            let at = format!("{here}{before}/cargo");
            ("200 OK", format!(r#"{{"dl":"{at}/dl","api":"{at}"}}"#))
        }
        ("GET" | "HEAD" | "OPTIONS", None) => ("404 Not Found", "{}".to_owned()),
        _ => {
            writes.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path}"));
            ("201 Created", r#"{"ok":true}"#.to_owned())
        }
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
