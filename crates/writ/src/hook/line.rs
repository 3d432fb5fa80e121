//! One line to a unix socket and one line back, each step held to the same deadline by `poll`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with, sockopt,
};

/// Why a line was not carried.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("it holds more than {0} bytes")]
    TooLarge(usize),
    #[error("there was no answer in time")]
    Late,
    #[error("the socket belongs to another user")]
    ForeignSocket,
    #[error("the other end closed the connection without an answer")]
    Ended,
    #[error("{0}")]
    Io(io::Error),
}

/// A connection to the hook socket.
pub(super) struct Line {
    socket: OwnedFd,
}

// === impl Line ===

impl Line {
    /// Connects, and refuses a socket that another user put there.
    ///
    /// The peer's own credentials would not do: seen from inside a sandbox, the supervisor has no process number.
    pub(super) fn connect(path: &Path, until: Instant) -> Result<Self, LineError> {
        let address = SocketAddrUnix::new(path)?;
        if rustix::fs::stat(path)?.st_uid != rustix::process::geteuid().as_raw() {
            return Err(LineError::ForeignSocket);
        }
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // A full queue of connections makes `connect` wait, and this is what bounds that wait.
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(left(until)?))?;
        match connect(&socket, &address) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::INPROGRESS) => return Err(LineError::Late),
            Err(errno) => return Err(errno.into()),
        }
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Self { socket })
    }

    pub(super) fn send(&mut self, mut bytes: &[u8], until: Instant) -> Result<(), LineError> {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::AGAIN) => ready(&self.socket, PollFlags::OUT, until)?,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// The bytes up to the first line feed, at most `limit`.
    pub(super) fn receive(&mut self, limit: usize, until: Instant) -> Result<Vec<u8>, LineError> {
        let mut line = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            ready(&self.socket, PollFlags::IN, until)?;
            let got = match recv(&self.socket, &mut chunk, RecvFlags::empty()) {
                Ok((0, _)) => return Err(LineError::Ended),
                Ok((count, _)) => chunk.get(..count).unwrap_or_default(),
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            match got.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    line.extend_from_slice(got.get(..end).unwrap_or_default());
                    return Ok(line);
                }
                None => line.extend_from_slice(got),
            }
            if line.len() > limit {
                return Err(LineError::TooLarge(limit));
            }
        }
    }
}

/// Reads standard input to its end into `input`, at most `limit` bytes.
pub(super) fn read_input(input: &mut Vec<u8>, limit: usize, until: Instant) -> Result<(), LineError> {
    let stdin = io::stdin();
    let stdin = stdin.as_fd();
    let mut chunk = vec![0; 64 << 10];
    loop {
        ready(&stdin, PollFlags::IN, until)?;
        match rustix::io::read(stdin, &mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) if input.len() + count > limit => return Err(LineError::TooLarge(limit)),
            Ok(count) => input.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Waits until the descriptor can be used, has ended, or the deadline is reached.
fn ready(fd: &impl AsFd, flags: PollFlags, until: Instant) -> Result<(), LineError> {
    loop {
        let left = left(until)?;
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(fd, flags)], Some(&timeout)) {
            Ok(0) => return Err(LineError::Late),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn left(until: Instant) -> Result<Duration, LineError> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(LineError::Late),
        left => Ok(left),
    }
}

// === impl LineError ===

impl From<Errno> for LineError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}
