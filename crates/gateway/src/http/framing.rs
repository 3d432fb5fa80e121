//! Where messages of the first version end, read beside the transport's own reader.
//!
//! That reader takes a request with both a length and a coding, and passes on one of them, so that nobody behind it can
//! tell. Such a request is to be refused and its connection to be closed (RFC 9112, section 6.3), and what says so is here.
//! It changes no byte and holds none back; of a line it keeps its first bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is kept of a line: longer than any of the two names with a length behind it.
const KEPT_BYTES: usize = 128;

/// No request of a connection.
const NONE: usize = usize::MAX;

/// Follows the messages of one connection.
#[derive(Debug, Default)]
pub struct Framing {
    at: At,
    line: Vec<u8>,
    head: Head,
    heads: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    /// So many bytes are left.
    Body(u64),
    /// The line with the size of a chunk (RFC 9112, section 7.1).
    Size,
    Chunk(u64),
    /// The end of the line behind a chunk.
    ChunkEnd,
    Trailers,
    /// What comes is no HTTP, or is refused by every reader.
    Blind,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    is_begun: bool,
    lengths: u32,
    codings: u32,
    length: Option<u64>,
}

/// A stream whose requests are followed while they are read.
pub(super) struct Watched<T> {
    inner: T,
    framing: Framing,
    doubtful: Arc<AtomicUsize>,
}

/// Says of each request of a watched stream, in their order, whether it may be answered.
pub(super) struct Turns {
    next: AtomicUsize,
    /// The first one whose length is said twice.
    doubtful: Arc<AtomicUsize>,
}

// === impl Framing ===

impl Framing {
    /// Takes what came. Gives the number of the first head in it, counted from nought over the connection, that says the
    /// length of its body more than once.
    pub fn push(&mut self, mut bytes: &[u8]) -> Option<usize> {
        let mut found = None;
        while let Some(first) = bytes.first() {
            match self.at {
                At::Blind => return found,
                At::Body(left) | At::Chunk(left) => {
                    let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    bytes = bytes.get(taken..).unwrap_or_default();
                    let left = left.saturating_sub(u64::try_from(taken).unwrap_or(left));
                    self.at = match (self.at, left) {
                        (At::Chunk(_), 0) => At::ChunkEnd,
                        (At::Chunk(_), left) => At::Chunk(left),
                        (_, 0) => At::Head,
                        (_, left) => At::Body(left),
                    };
                }
                At::Head if !self.head.is_begun && self.line.is_empty() && !begins(*first) => {
                    self.at = At::Blind;
                }
                At::Head | At::Size | At::ChunkEnd | At::Trailers => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
                    let kept = part.len().min(KEPT_BYTES.saturating_sub(self.line.len()));
                    self.line.extend_from_slice(part.get(..kept).unwrap_or_default());
                    bytes = match end {
                        Some(end) => {
                            let doubtful = self.line_ends();
                            found = found.or(doubtful);
                            bytes.get(end..).and_then(<[u8]>::split_first).map_or(&[][..], |(_, after)| after)
                        }
                        None => &[],
                    };
                }
            }
        }
        found
    }

    fn line_ends(&mut self) -> Option<usize> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        match self.at {
            At::Head if line.is_empty() && self.head.is_begun => return self.head_ends(),
            At::Head if line.is_empty() => {}
            At::Head if !self.head.is_begun => self.head.is_begun = true,
            At::Head => self.head.take(line),
            At::Size => {
                self.at = match size(line) {
                    Some(0) => At::Trailers,
                    Some(size) => At::Chunk(size),
                    None => At::Blind,
                }
            }
            At::ChunkEnd => self.at = At::Size,
            At::Trailers if line.is_empty() => self.at = At::Head,
            At::Trailers | At::Body(_) | At::Chunk(_) | At::Blind => {}
        }
        None
    }

    fn head_ends(&mut self) -> Option<usize> {
        let Head { is_begun: _, lengths, codings, length } = std::mem::take(&mut self.head);
        let number = self.heads;
        self.heads = self.heads.saturating_add(1);
        self.at = match (codings, lengths, length) {
            (1.., _, _) => At::Size,
            (0, 0, _) | (0, 1, Some(0)) => At::Head,
            (0, 1, Some(length)) => At::Body(length),
            // Refused, and so is all that would come after it.
            (0, _, _) => At::Blind,
        };
        (lengths.saturating_add(codings) > 1).then_some(number)
    }
}

// === impl Head ===

impl Head {
    fn take(&mut self, line: &[u8]) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().unwrap_or_default().trim_ascii();
        let value = parts.next().unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths = self.lengths.saturating_add(1);
            self.length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings = self.codings.saturating_add(1);
        }
    }
}

/// Whether a request may begin with this: a letter of a method, or a line that is passed over (RFC 9112, section 2.2).
const fn begins(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b'\r' | b'\n')
}

fn size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let text = std::str::from_utf8(line.get(..digits)?).ok()?;
    u64::from_str_radix(text, 16).ok()
}

// === impl Watched ===

impl<T> Watched<T> {
    pub(super) fn new(inner: T) -> (Self, Turns) {
        let doubtful = Arc::new(AtomicUsize::new(NONE));
        let turns = Turns { next: AtomicUsize::new(0), doubtful: Arc::clone(&doubtful) };
        (Self { inner, framing: Framing::default(), doubtful }, turns)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = out.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, out))?;
        let came = out.filled().get(before..).unwrap_or_default();
        if let Some(number) = this.framing.push(came) {
            this.doubtful.fetch_min(number, Ordering::SeqCst);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

// === impl Turns ===

impl Turns {
    /// Whether the next request is read by everybody in one way. Called once for each, in their order.
    pub(super) fn next_is_clear(&self) -> bool {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        number < self.doubtful.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What stands before the request that is looked at, each a whole message or nothing.
    const BEFORE: &[&str] = &[
        "",
        "\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "POST / HTTP/1.1\r\ncontent-length:  5 \r\n\r\nhello",
        "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 42\r\n\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n00A\r\n\r\n\r\nGET / \r\n0\r\nA: b\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    ];
    const DOUBTFUL: &[&str] = &[
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nA: b\r\nCONTENT-LENGTH: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\nContent-Length: 5\nContent-Length: 5\n\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];

    fn push(bytes: &[u8], cut: usize) -> Option<usize> {
        let mut framing = Framing::default();
        bytes.chunks(cut.max(1)).filter_map(|part| framing.push(part)).next()
    }

    #[test]
    fn a_length_that_is_said_twice_is_seen_wherever_it_stands() {
        for first in BEFORE {
            for second in BEFORE {
                let before = format!("{first}{second}");
                let heads = before.matches(" HTTP/1.1").count();
                for cut in [1, 2, 3, 7, 64, 4096] {
                    assert_eq!(push(before.as_bytes(), cut), None, "{before:?} {cut}");
                    for doubtful in DOUBTFUL {
                        let all = format!("{before}{doubtful}");
                        assert_eq!(push(all.as_bytes(), cut), Some(heads), "{all:?} {cut}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_http_is_passed_over() {
        for start in [&b"\x16\x03\x01"[..], b"\x81\x05", b"\0"] {
            let all = [start, b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n\r\n"].concat();
            assert_eq!(push(&all, 4), None);
        }
    }

    proptest! {
        #[test]
        fn how_it_is_cut_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 1_usize..50) {
            prop_assert_eq!(push(&bytes, cut), push(&bytes, bytes.len()));
        }

        #[test]
        fn any_lines_keep_a_bounded_part(text in "[A-Z /:0-9\r\n]{0,400}") {
            let mut framing = Framing::default();
            framing.push(text.as_bytes());
            prop_assert!(framing.line.len() <= KEPT_BYTES);
        }
    }
}
