//! What programs start inside, as the kernel tells it before each start.
//!
//! The kernel stops whoever is about to start a program, tells here, and goes on when it is told to. It is told to
//! always: what is read of the caller's memory may be changed by another thread before the kernel reads it again, so
//! this is good for a record and bad for a decision. What may run at all is a matter of file rights.
//!
//! # What a record misses
//!
//! * Code that runs without a start: scripts that an interpreter reads, libraries, plugins, memory made to run, and a
//!   program that the dynamic loader was told to load.
//! * The true path, where a caller races with itself; the record then holds another one that was there a moment ago.
//! * A file that was changed between its start and its reading.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use crate::sys::notify::{self, Notification};

/// Starts that wait to be taken. One more and the programs inside wait.
const QUEUE: usize = 256;
/// Longest path, as the kernel has it.
const MAX_PATH_BYTES: usize = 4096;
/// Most that is read of the arguments.
const MAX_ARGUMENTS: usize = 256;
const MAX_ARGUMENT_BYTES: usize = 4096;
const MAX_ALL_BYTES: usize = 64 << 10;

/// One program that was about to start.
#[derive(Debug)]
pub struct Started {
    /// Process number, as the caller of [`crate::start`] sees it.
    pub pid: u32,
    /// The path as it was asked for.
    pub path: PathBuf,
    /// The file at that path; nothing where it could not be opened, so that the start has failed as well.
    pub file: Option<File>,
    /// The arguments with the program's own name, cut where they are very long.
    pub arguments: Vec<OsString>,
}

/// The starts of programs in one yard, in order.
#[derive(Debug)]
pub struct Recorder {
    starts: Receiver<Started>,
}

// === impl Recorder ===

impl Recorder {
    /// Listens on a thread of its own, until the yard has ended or nobody takes the starts any more. Programs start in
    /// both cases no longer.
    pub(crate) fn begin(notifications: OwnedFd) -> io::Result<Self> {
        let (tell, starts) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("yard-recorder".to_owned())
            .spawn(move || while listen(&notifications, &tell).is_ok() {})?;
        Ok(Self { starts })
    }

    /// Waits for the next start. Nothing when the yard has ended.
    #[must_use]
    pub fn next(&self) -> Option<Started> {
        self.starts.recv().ok()
    }

    /// Waits for the next start, and takes those that wait behind it, at most `most` in all. Empty when the yard has
    /// ended.
    #[must_use]
    pub fn next_few(&self, most: usize) -> Vec<Started> {
        self.next().into_iter().chain(self.starts.try_iter().take(most.saturating_sub(1))).collect()
    }
}

/// Takes one notification, and lets the program start.
fn listen(notifications: &OwnedFd, tell: &SyncSender<Started>) -> io::Result<()> {
    let Some(notification) = notify::receive(notifications.as_fd())? else { return Ok(()) };
    let started = looked_at(&notification);
    // Whoever has died in between may have given its number to another: then what was read is not to be believed.
    if !notify::is_valid(notifications.as_fd(), notification.id) {
        return Ok(());
    }
    tell.send(started).map_err(io::Error::other)?;
    notify::go_on(notifications.as_fd(), notification.id)
}

fn looked_at(notification: &Notification) -> Started {
    let pid = notification.pid;
    let Some(memory) = File::open(format!("/proc/{pid}/mem")).ok() else {
        return Started { pid, path: PathBuf::new(), file: None, arguments: Vec::new() };
    };
    let (directory, path, arguments) = match notification.start() {
        notify::Start::At { path, arguments } => (None, path, arguments),
        notify::Start::Below { directory, path, arguments } => (Some(directory), path, arguments),
    };
    let path =
        text(&memory, path, MAX_PATH_BYTES).map(OsString::from_vec).map(PathBuf::from).unwrap_or_default();
    let arguments = list(&memory, arguments);
    let path = whole(pid, directory, &path);
    let file = path.as_deref().and_then(|path| opened(pid, path));
    Started { pid, path: path.unwrap_or_default(), file, arguments }
}

/// The path from the client's root.
fn whole(pid: u32, directory: Option<i32>, path: &Path) -> Option<PathBuf> {
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    let base = match directory {
        Some(number) if number != libc::AT_FDCWD => format!("/proc/{pid}/fd/{number}"),
        Some(_) | None => format!("/proc/{pid}/cwd"),
    };
    // Read in the client's own view, which is what the path means there.
    let base = std::fs::read_link(base).ok()?;
    // Without the dots that say "here"; two dots can mean something behind a link.
    Some(if path.as_os_str().is_empty() { base } else { base.join(path).components().collect() })
}

fn opened(pid: u32, path: &Path) -> Option<File> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, format!("/proc/{pid}/root"), flags, Mode::empty()).ok()?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    let file = File::from(file);
    file.metadata().is_ok_and(|found| found.is_file()).then_some(file)
}

fn list(memory: &File, mut address: u64) -> Vec<OsString> {
    let mut found = Vec::new();
    let mut all: usize = 0;
    while found.len() < MAX_ARGUMENTS && all < MAX_ALL_BYTES {
        let mut pointer = [0; 8];
        if memory.read_exact_at(&mut pointer, address).is_err() {
            break;
        }
        let pointer = u64::from_ne_bytes(pointer);
        let Some(argument) =
            Some(pointer).filter(|at| *at != 0).and_then(|at| text(memory, at, MAX_ARGUMENT_BYTES))
        else {
            break;
        };
        all = all.saturating_add(argument.len());
        found.push(OsString::from_vec(argument));
        address = address.saturating_add(8);
    }
    found
}

/// Bytes up to the one that is zero, read page by page, because what follows may not be there.
fn text(memory: &File, address: u64, most: usize) -> Option<Vec<u8>> {
    const PAGE: u64 = 4096;
    let mut found = Vec::new();
    let mut at = address;
    while found.len() < most {
        let left = usize::try_from(PAGE - at % PAGE).ok()?;
        let mut piece = vec![0; left.min(most - found.len())];
        memory.read_exact_at(&mut piece, at).ok()?;
        let end = piece.iter().position(|byte| *byte == 0);
        piece.truncate(end.unwrap_or(piece.len()));
        at = at.checked_add(u64::try_from(piece.len()).ok()?)?;
        found.append(&mut piece);
        if end.is_some() {
            break;
        }
    }
    Some(found)
}
