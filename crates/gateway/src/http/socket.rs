//! Web sockets: bytes pass as they come, and what is in their frames is looked through beside the way.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Response, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::body::Flow;
use super::cut::Cut;
use super::exchange::{Engine, redact};
use super::find::Needles;
use super::head::{self, Place};
use super::port::{IncidentKind, Outside};
use super::running::{Direction, Running};
use super::watch::Seen;

/// How long both sides may stay silent.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How long changing the protocol may take.
const CHANGE: Duration = Duration::from_secs(20);
/// What is read at once.
const PIECE_BYTES: usize = 8 << 10;
const EXTENSIONS: &str = "sec-websocket-extensions";

/// Says again what belongs to this connection only. Nothing is compressed, so that it can be looked through.
pub(super) fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.remove(EXTENSIONS);
}

/// Joins both sides after the other one agreed, and gives the answer for the client.
pub(super) fn join<P: Outside>(
    engine: &Arc<Engine<P>>,
    place: &Arc<Place>,
    inside: OnUpgrade,
    mut response: Response<Incoming>,
    running: Arc<Running>,
    (seen, redactions): (Seen, Option<Arc<Needles>>),
    cut: &Cut,
) -> Response<Flow> {
    let outside = hyper::upgrade::on(&mut response);
    let (mut answer, _) = response.into_parts();
    answer.version = Version::HTTP_11;
    answer.extensions.remove::<OnUpgrade>();
    head::strip(&mut answer.headers);
    ask(&mut answer.headers);
    if let Some(needles) = &redactions {
        redact(&mut answer.headers, needles, &running);
    }
    let (engine, place, mut cut) = (Arc::clone(engine), Arc::clone(place), cut.clone());
    tokio::spawn(async move {
        let joined = async {
            let both = async { tokio::try_join!(inside, outside) };
            let (inside, outside) =
                timeout(CHANGE, both).await.map_err(io::Error::other)?.map_err(io::Error::other)?;
            pass(inside, outside, &running, seen, redactions).await
        };
        let ended = tokio::select! {
            () = cut.called() => return,
            ended = joined => ended,
        };
        match ended {
            Ok(()) => running.end(Direction::Down),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let halt = running.take_halt();
                let (kind, name) =
                    halt.map_or((IncidentKind::SecretLeaving, None), |halt| (halt.kind, halt.name));
                engine.incident(kind, &place, name).await;
            }
            Err(error) => tracing::debug!(%error, "a web socket"),
        }
    });
    Response::from_parts(answer, Flow::empty())
}

async fn pass(
    inside: Upgraded,
    outside: Upgraded,
    running: &Running,
    mut seen: Seen,
    redactions: Option<Arc<Needles>>,
) -> io::Result<()> {
    let (from_inside, to_inside) = tokio::io::split(TokioIo::new(inside));
    let (from_outside, to_outside) = tokio::io::split(TokioIo::new(outside));
    let secret = || io::Error::from(io::ErrorKind::PermissionDenied);
    let up = copy(from_inside, to_outside, running, Direction::Up, move |payload| {
        seen.look(payload).map_err(|error| {
            running.stopped(&error);
            secret()
        })
    });
    let mut echoed = redactions.map(super::find::Window::new);
    let down = copy(from_outside, to_inside, running, Direction::Down, move |payload| {
        let is_echo = echoed.as_mut().is_some_and(|window| !window.push(payload).found.is_empty());
        if is_echo {
            running.redacted(1);
            return Err(secret());
        }
        Ok(())
    });
    tokio::try_join!(up, down).map(drop)
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    running: &Running,
    direction: Direction,
    mut look: impl FnMut(Bytes) -> io::Result<()>,
) -> io::Result<()> {
    let mut frames = Frames::default();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = timeout(IDLE, from.read(&mut piece)).await.map_err(io::Error::other)??;
        let taken = piece.get(..count).unwrap_or_default();
        if taken.is_empty() {
            // Who left after the last byte missed nothing.
            let _ = to.shutdown().await;
            return Ok(());
        }
        look(frames.payload(taken)?.into())?;
        running.count(direction, taken.len());
        to.write_all(taken).await?;
        to.flush().await?;
    }
}

/// Reads frames in whatever pieces they come (RFC 6455, section 5.2).
#[derive(Default)]
pub struct Frames {
    /// The head of the next frame, as far as it came: at most 14 bytes.
    head: Vec<u8>,
    left: u64,
    mask: [u8; 4],
    at: usize,
}

// === impl Frames ===

impl Frames {
    /// What these bytes carry, unmasked.
    ///
    /// # Errors
    /// A frame that says it is extended, which nobody agreed to.
    pub fn payload(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if self.left > 0 {
                let mask = self.mask.get(self.at % 4).copied().unwrap_or_default();
                out.push(byte ^ mask);
                self.at = (self.at + 1) % 4;
                self.left -= 1;
                continue;
            }
            self.head.push(*byte);
            self.open()?;
        }
        Ok(out)
    }

    /// Looks whether the head is whole.
    fn open(&mut self) -> io::Result<()> {
        let [first, second, rest @ ..] = self.head.as_slice() else { return Ok(()) };
        if first & 0x70 != 0 {
            return Err(io::Error::other("a frame of an extension that nobody agreed to"));
        }
        let wide = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = if second & 0x80 == 0 { 0 } else { 4 };
        if rest.len() < wide + masked {
            return Ok(());
        }
        let (length, mask) = rest.split_at_checked(wide).unwrap_or((rest, &[]));
        self.left = match wide {
            0 => u64::from(second & 0x7f),
            _ => length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        self.mask = mask.try_into().unwrap_or_default();
        self.at = 0;
        self.head.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
        let flag = if mask.is_some() { 0x80 } else { 0 };
        let mut out = vec![0x82];
        match payload.len() {
            short @ 0..=125 => out.push(flag | short as u8),
            middle @ 126..=0xffff => {
                out.push(flag | 126);
                out.extend((middle as u16).to_be_bytes());
            }
            long => {
                out.push(flag | 127);
                out.extend((long as u64).to_be_bytes());
            }
        }
        let key = mask.unwrap_or_default();
        out.extend(mask.into_iter().flatten());
        out.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
        out
    }

    #[test]
    fn an_extended_frame_is_refused() {
        assert!(Frames::default().payload(&[0xc1, 0]).is_err());
        assert!(Frames::default().payload(&[0x81, 0]).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn payloads_are_read_in_any_pieces(
            payloads in proptest::collection::vec((0_usize..300, proptest::option::of(proptest::prelude::any::<[u8; 4]>())), 0..5),
            step in 1_usize..50,
        ) {
            let mut wire = Vec::new();
            let mut wanted = Vec::new();
            for (length, mask) in payloads {
                let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
                wire.extend(frame(&payload, mask));
                wanted.extend(payload);
            }
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for piece in wire.chunks(step) {
                found.extend(frames.payload(piece).unwrap());
            }
            proptest::prop_assert_eq!(found, wanted);
        }
    }
}
