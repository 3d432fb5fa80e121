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
//! * A file that cannot be opened from here, as one behind a folder that is a link into a process table. The record says so.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::sys::notify::{self, Notification};

/// Starts that wait to be taken. One more and the programs inside wait.
const QUEUE: usize = 256;
/// Longest path, as the kernel has it.
const MAX_PATH_BYTES: usize = 4096;
/// Links that are followed by hand to what a descriptor holds.
const MAX_LINKS: usize = 8;
/// Most that is read of the arguments.
const MAX_ARGUMENTS: usize = 256;
const MAX_ARGUMENT_BYTES: usize = 4096;
const MAX_ALL_BYTES: usize = 64 << 10;

/// One program that was about to start.
#[derive(Debug)]
pub struct Started {
    /// Process number, as the caller of [`crate::start`] sees it.
    pub pid: u32,
    /// The path as it was asked for; where a descriptor was asked for, what the kernel calls its file.
    pub path: PathBuf,
    /// The file itself, where it could be opened.
    pub file: Option<File>,
    /// What sort of file that is, or why there is none.
    pub found: Found,
    /// The arguments with the program's own name, cut where they are very long.
    pub arguments: Vec<OsString>,
}

/// What a recorder found where a program was to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing is there, so the start fails.
    Missing,
    /// A file with a name.
    Named,
    /// A file that has no name in any folder: memory, or one that was removed.
    Unnamed,
    /// Something that cannot be opened or is no ordinary file, so nobody knows what was in it.
    Unread,
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
        return Started {
            pid,
            path: PathBuf::new(),
            file: None,
            found: Found::Unread,
            arguments: Vec::new(),
        };
    };
    let (directory, path, arguments) = match notification.start() {
        notify::Start::At { path, arguments } => (None, path, arguments),
        notify::Start::Below { directory, path, arguments } => (Some(directory), path, arguments),
    };
    let path =
        text(&memory, path, MAX_PATH_BYTES).map(OsString::from_vec).map(PathBuf::from).unwrap_or_default();
    let arguments = list(&memory, arguments);
    let (path, opened) = match directory {
        // `fexecve`: the descriptor is the program.
        Some(number) if path.as_os_str().is_empty() => held(pid, &format!("fd/{number}")),
        Some(_) | None => match whole(pid, directory, &path) {
            Some(path) => at_path(pid, path),
            None => (path, Err(Found::Unread)),
        },
    };
    let (file, found) = match opened {
        Ok(file) => {
            let found = if is_unnamed(&file) { Found::Unnamed } else { Found::Named };
            (Some(file), found)
        }
        Err(found) => (None, found),
    };
    Started { pid, path, file, found, arguments }
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
    Some(base.join(path).components().collect())
}

/// The file at a path of the client's, through links to what its own descriptors hold: the name of such a file is what
/// the kernel calls it.
fn at_path(pid: u32, path: PathBuf) -> (PathBuf, Result<File, Found>) {
    let mut at = path.clone();
    for _ in 0..MAX_LINKS {
        if let Some(entry) = own_entry(pid, &at) {
            return held(pid, &entry);
        }
        match opened(pid, &at) {
            Err(Found::Missing) => {}
            answer => return (path, answer),
        }
        // Links of the process table lead nowhere for those who are not the client, so they are looked for by hand.
        let Some(next) = link_at(pid, &at) else { break };
        at = at.parent().map_or_else(|| next.clone(), |folder| folder.join(&next));
    }
    (path, Err(Found::Missing))
}

/// The entry of the caller's own process table that a path names: `fd/7`, `exe`.
fn own_entry(pid: u32, path: &Path) -> Option<String> {
    let path = path.components().collect::<PathBuf>();
    let path = path.to_str()?;
    if let Some(number) = path.strip_prefix("/dev/fd/") {
        return numbered(number);
    }
    match path {
        "/dev/stdin" => return Some("fd/0".to_owned()),
        "/dev/stdout" => return Some("fd/1".to_owned()),
        "/dev/stderr" => return Some("fd/2".to_owned()),
        _ => {}
    }
    let (who, mut entry) = path.strip_prefix("/proc/")?.split_once('/')?;
    if !matches!(who, "self" | "thread-self") && own_number(pid)? != who {
        return None;
    }
    if let Some((_, of_thread)) = entry.strip_prefix("task/").and_then(|rest| rest.split_once('/')) {
        entry = of_thread;
    }
    match entry.split_once('/') {
        Some(("fd", number)) => numbered(number),
        None if entry == "exe" => Some(entry.to_owned()),
        Some(_) | None => None,
    }
}

/// A descriptor by its number; `None` for what is no number, as `../exe`.
fn numbered(number: &str) -> Option<String> {
    number.parse::<u32>().ok().map(|number| format!("fd/{number}"))
}

/// The number that the caller has in its own process table.
fn own_number(pid: u32) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_ascii_whitespace().last().map(str::to_owned)
}

/// What an entry of the caller's process table holds, with what the kernel calls it.
fn held(pid: u32, entry: &str) -> (PathBuf, Result<File, Found>) {
    let entry = PathBuf::from(format!("/proc/{pid}/{entry}"));
    let Ok(name) = std::fs::read_link(&entry) else { return (entry, Err(Found::Missing)) };
    // What waits for somebody at its other end is not opened, only what is a file.
    let is_file = std::fs::metadata(&entry).is_ok_and(|found| found.is_file());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, &entry, flags, Mode::empty()).ok().filter(|_| is_file);
    (name, file.map(File::from).ok_or(Found::Unread))
}

fn root_of(pid: u32) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, format!("/proc/{pid}/root"), flags, Mode::empty())
}

fn opened(pid: u32, path: &Path) -> Result<File, Found> {
    let root = root_of(pid).map_err(|_| Found::Unread)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file =
        rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).map_err(|error| {
            match error {
                // A link of the process table is refused as if it led in a circle.
                Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Found::Missing,
                _ => Found::Unread,
            }
        })?;
    let file = File::from(file);
    if file.metadata().is_ok_and(|found| found.is_file()) { Ok(file) } else { Err(Found::Unread) }
}

/// Where the link at the end of a path leads, as it is written there.
fn link_at(pid: u32, path: &Path) -> Option<PathBuf> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link =
        rustix::fs::openat2(root_of(pid).ok()?, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    let text = rustix::fs::readlinkat(link, "", Vec::new()).ok()?;
    Some(PathBuf::from(OsString::from_vec(text.into_bytes())))
}

fn is_unnamed(file: &File) -> bool {
    file.metadata().is_ok_and(|found| found.nlink() == 0)
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
