//! Standard streams that are files are not handed over: between the client and the file lies a pipe, and the supervisor
//! copies.
//!
//! Whoever holds a descriptor of a file can open the file again by `/proc/self/fd`, to read what others wrote to it, to
//! empty it, or to write to what was only meant to be read. A pipe gives nothing but what passes.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::start::Streams;

/// What copies while the client runs.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    /// Each says when everything that was written is in its file.
    done: Vec<mpsc::Receiver<()>>,
}

// === impl Relays ===

impl Relays {
    /// Puts a pipe in the place of each stream that is a file.
    ///
    /// # Errors
    /// When no descriptor or no thread is left.
    pub(crate) fn between(streams: Streams) -> io::Result<(Streams, Self)> {
        let Streams { stdin, stdout, stderr } = streams;
        let mut relays = Self::default();
        let stdin = if is_file(&stdin) { fed(stdin)? } else { stdin };
        // One pipe for both, so that what was written first comes first.
        let is_one = is_file(&stdout) && is_same(&stdout, &stderr);
        let stdout = relays.taken(stdout)?;
        let stderr = if is_one { stdout.try_clone()? } else { relays.taken(stderr)? };
        Ok((Streams { stdin, stdout, stderr }, relays))
    }

    /// What is written to the end that is returned goes to `to`, where that is a file.
    fn taken(&mut self, to: OwnedFd) -> io::Result<OwnedFd> {
        if !is_file(&to) {
            return Ok(to);
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (tell, told) = mpsc::sync_channel(1);
        self.done.push(told);
        copy(read, to, "yard-output", move || {
            let _ = tell.send(());
        })?;
        Ok(write)
    }

    /// Whether nothing is copied to a file.
    pub(crate) const fn is_none(&self) -> bool {
        self.done.is_empty()
    }

    /// Waits until what was written is in its file, once nobody is left who writes; for at most `bound`.
    pub(crate) fn end(self, bound: Duration) {
        let until = Instant::now() + bound;
        for done in self.done {
            // A file that takes so long keeps the rest.
            let _ = done.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }
}

/// The end from which the client reads what is in the file.
fn fed(from: OwnedFd) -> io::Result<OwnedFd> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    // It ends with the file, or when nobody is left who reads.
    copy(from, write, "yard-input", || ())?;
    Ok(read)
}

/// Copies until either side ends. A file that takes no more closes the pipe, so that who writes is told.
fn copy(from: OwnedFd, to: OwnedFd, name: &str, done: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (mut from, mut to) = (File::from(from), File::from(to));
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        drop((from, to));
        done();
    })?;
    Ok(())
}

/// Whether a stream has contents of its own, which can be read again. What cannot be looked at counts as none: it is no open
/// descriptor.
fn is_file(stream: &OwnedFd) -> bool {
    rustix::fs::fstat(stream).is_ok_and(|found| {
        matches!(FileType::from_raw_mode(found.st_mode), FileType::RegularFile | FileType::BlockDevice)
    })
}

fn is_same(one: &OwnedFd, other: &OwnedFd) -> bool {
    let of = |stream: &OwnedFd| rustix::fs::fstat(stream.as_fd()).map(|found| (found.st_dev, found.st_ino));
    matches!((of(one), of(other)), (Ok(one), Ok(other)) if one == other)
}
