//! As much of HTTP/1.1 (RFC 9112) as git and its server speak: a head, and a body that streams.

use std::io::{BufRead, Read, Take};

/// Longest head, in bytes.
const MAX_HEAD_BYTES: u64 = 64 << 10;

/// The head of a request or of an answer.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The first line, as sent.
    pub first: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

/// The body behind a head.
pub enum Incoming<R> {
    Chunked { from: R, left: u64, is_over: bool },
    Sized(Take<R>),
}

// === impl Head ===

impl Head {
    /// Reads one head; `None` when the other side closed before it.
    ///
    /// # Errors
    /// When the connection fails, or the head is none.
    pub fn read(from: &mut impl BufRead) -> std::io::Result<Option<Self>> {
        let mut from = from.take(MAX_HEAD_BYTES);
        let mut head = Self::default();
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                return if head.first.is_empty() { Ok(None) } else { Err(broken("the head ends too early")) };
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                return Ok(Some(head));
            }
            if head.first.is_empty() {
                line.clone_into(&mut head.first);
            } else {
                let (name, value) = line.split_once(':').ok_or_else(|| broken("a header has no colon"))?;
                head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }

    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The body behind it. Without a length there is none.
    pub fn body<R: BufRead>(&self, from: R) -> Incoming<R> {
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Incoming::Chunked { from, left: 0, is_over: false };
        }
        let length = self.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        Incoming::Sized(from.take(length))
    }
}

// === impl Incoming ===

impl<R: BufRead> Read for Incoming<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let (from, left, is_over) = match self {
            Self::Sized(body) => return body.read(into),
            Self::Chunked { from, left, is_over } => (from, left, is_over),
        };
        if *is_over {
            return Ok(0);
        }
        if *left == 0 {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let size = line.trim_end().split(';').next().unwrap_or_default();
            *left = u64::from_str_radix(size, 16).map_err(|_| broken("a chunk has no size"))?;
            if *left == 0 {
                *is_over = true;
                let mut end = String::new();
                return from.read_line(&mut end).map(|_| 0);
            }
        }
        let count = from.take(*left).read(into)?;
        *left -= u64::try_from(count).unwrap_or_default();
        if count == 0 {
            return Err(broken("a chunk ends too early"));
        }
        if *left == 0 {
            let mut end = String::new();
            from.read_line(&mut end)?;
        }
        Ok(count)
    }
}

fn broken(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned())
}
