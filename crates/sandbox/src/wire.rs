//! The words between the supervisor and the stages of the yard, over a socket pair that no client ever holds.
//!
//! Both ends are the same binary. An end that closes means that stage has died, and the other one acts on it.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::layer::{Layer, Refusal};
use crate::plan::Plan;

/// Largest frame. Linux gives a program at most 6 MiB of arguments and environment; JSON may quadruple bytes that are
/// not UTF-8.
const MAX_FRAME_BYTES: usize = 32 << 20;

/// Most descriptors in one message.
pub(crate) const MAX_DESCRIPTORS: usize = 32;

/// First frame down.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Enter {
    /// Process number of the sender, as the receiver sees its parent.
    pub parent: i32,
    pub plan: Plan,
}

/// Towards the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Down {
    /// Start the client, in the foreground of the terminal or not. With job control, a stop of the client is a stop
    /// of everything inside, and is reported.
    Go { foreground: bool, job_control: bool },
    /// Let everything run again after a stop.
    Resume { foreground: bool },
    /// Send this signal to the client.
    Signal(i32),
    /// Before the client starts: connect to this port of the loopback address inside, say this, and tell what was
    /// answered.
    Try { port: u16, word: Vec<u8> },
}

/// Towards the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Up {
    /// More layers are in force.
    Applied(Vec<Layer>),
    /// A layer is not in force; the sender ends.
    Refused(Refusal),
    /// Process number of the yard's first process, as the supervisor sees it.
    First(i32),
    /// So many listening sockets follow, those of [`crate::Profile::listen`] in order.
    Listeners(usize),
    /// So many sockets for datagrams follow, those of [`crate::Profile::hear`] in order.
    Hearers(usize),
    /// What was answered to [`Down::Try`], or why nothing was.
    Tried(Result<Vec<u8>, String>),
    /// One descriptor follows, at which the starts of programs arrive.
    Recorder,
    /// Everything is in force; waiting for [`Down::Go`].
    Ready,
    /// The client runs.
    Started,
    /// The client could not be started; the sender ends.
    NotStarted(String),
    /// Everything inside is stopped because the client was, by this signal.
    Stopped(i32),
    /// The client ended by itself.
    Exited(i32),
    /// The client was ended by a signal.
    Signalled(i32),
}

/// Writes one frame.
pub(crate) fn send<T: Serialize>(mut socket: &UnixStream, message: &T) -> io::Result<()> {
    socket.write_all(&frame(message)?)
}

/// Writes two frames at once, so that whoever reads them wakes once.
pub(crate) fn send_both<T: Serialize>(mut socket: &UnixStream, first: &T, second: &T) -> io::Result<()> {
    let mut both = frame(first)?;
    both.append(&mut frame(second)?);
    socket.write_all(&both)
}

fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= MAX_FRAME_BYTES)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the plan is too large"))?;
    let mut frame = Vec::with_capacity(body.len().saturating_add(4));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&body);
    Ok(frame)
}

/// Reads one frame. `None` when the other end is gone.
pub(crate) fn receive<T: DeserializeOwned>(mut socket: &UnixStream) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match socket.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too large"));
    }
    let mut body = vec![0; length];
    match socket.read_exact(&mut body) {
        Ok(()) => Ok(Some(serde_json::from_slice(&body)?)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Hands descriptors over, at most [`MAX_DESCRIPTORS`].
pub(crate) fn send_descriptors(socket: &UnixStream, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes the descriptors that [`send_descriptors`] handed over, exactly so many.
pub(crate) fn receive_descriptors(socket: &UnixStream, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut taken = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            taken.extend(descriptors);
        }
    }
    if taken.len() == count {
        Ok(taken)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "descriptors are missing"))
    }
}

/// The same for a number of descriptors that is known beforehand.
pub(crate) fn receive_exactly<const N: usize>(socket: &UnixStream) -> io::Result<[OwnedFd; N]> {
    receive_descriptors(socket, N)?
        .try_into()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "descriptors are missing"))
}

/// The control socket of a stage: its standard input, moved to a descriptor that no child inherits.
pub(crate) fn from_stdin() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}
