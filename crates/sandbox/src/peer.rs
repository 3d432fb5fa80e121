//! Who is at the other end of a socket: a process in the caller's own namespaces, or one inside some sandbox.
//!
//! The control plane takes approvals only from outside every sandbox. A yard hides its socket; this is the second
//! lock, and the only one for a client that was started without a yard.

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

use crate::sys;

mod stat;

pub(crate) use stat::stat_of;

/// How far up the parents are followed. A deeper chain is not judged.
const MAX_ANCESTORS: usize = 128;

/// A namespace that matters for who can reach what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// What is mounted where.
    Mount,
    /// Which processes exist.
    Pid,
    /// Which identities exist.
    User,
}

/// Where a peer lives, as seen by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerOrigin {
    /// In the same user, process and mount namespaces as the caller.
    Outside(Peer),
    /// In at least one other namespace: inside a yard or another container. Never an approver.
    Inside {
        /// The peer.
        peer: Peer,
        /// What differs.
        differs: Vec<Namespace>,
    },
    /// Cannot be told, because it has ended or cannot be read. To be treated as inside.
    Unknown {
        /// Its process number, where one was given.
        pid: Option<i32>,
        /// What stood in the way.
        reason: String,
    },
}

/// One process, with its parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The process.
    pub process: Process,
    /// User it runs as, in the caller's namespace.
    pub uid: u32,
    /// Session it belongs to. It survives the death of parents, unless the process made a new one.
    pub session: i32,
    /// Parents, nearest first. A process that let its parent die is adopted, so a short list proves nothing.
    pub ancestors: Vec<Process>,
}

/// A process number with the time it started: together they name one process for as long as the machine is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Process {
    /// Process number in the caller's namespace.
    pub pid: i32,
    /// Start time in clock ticks since boot, as the kernel counts them.
    pub started_ticks: u64,
}

/// Judges the process that connected `socket`.
///
/// From Linux 6.5 on, the process is held by a descriptor since it connected. Before that its number is used, which
/// an attacker who exits at once could have reused; there the caller should judge right after accepting.
#[must_use]
pub fn origin_of(socket: BorrowedFd<'_>) -> PeerOrigin {
    let unknown = |pid, error: io::Error| PeerOrigin::Unknown { pid, reason: error.to_string() };
    let pid = match sys::peer_number(socket) {
        Ok(Some(pid)) => pid,
        Ok(None) => return unknown(None, io::Error::other("it has no process number here")),
        Err(error) => return unknown(None, error),
    };
    let handle = match sys::peer_pidfd(socket) {
        Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => open(pid),
        handle => handle,
    };
    handle.map_or_else(|error| unknown(Some(pid), error), |handle| judge(pid, &handle))
}

/// Judges process `pid`, as it is now.
#[must_use]
pub fn seen_from_inside(pid: i32) -> PeerOrigin {
    match open(pid) {
        Ok(handle) => judge(pid, &handle),
        Err(error) => PeerOrigin::Unknown { pid: Some(pid), reason: error.to_string() },
    }
}

/// The caller itself, with its parents.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn myself() -> io::Result<Peer> {
    read(rustix::process::getpid().as_raw_nonzero().get())
}

fn judge(pid: i32, handle: &OwnedFd) -> PeerOrigin {
    let judged = read(pid).and_then(|peer| Ok((peer, differing(pid)?)));
    // Only now: as long as the handle is alive, the number has meant this process all the while.
    let outcome = judged.and_then(|judged| still_alive(handle).map(|()| judged));
    match outcome {
        Ok((peer, differs)) if differs.is_empty() => PeerOrigin::Outside(peer),
        Ok((peer, differs)) => PeerOrigin::Inside { peer, differs },
        Err(error) => PeerOrigin::Unknown { pid: Some(pid), reason: error.to_string() },
    }
}

fn read(pid: i32) -> io::Result<Peer> {
    let own = stat_of(pid)?;
    let uid = fs::metadata(format!("/proc/{pid}/stat"))?.uid();
    let mut ancestors = Vec::new();
    let mut child = own;
    let mut child_pid = pid;
    while child.parent != 0 {
        if ancestors.len() == MAX_ANCESTORS {
            return Err(io::Error::other("it has too many ancestors to judge"));
        }
        let parent = stat_of(child.parent)?;
        // The chain holds only if the child still has this parent after the parent was read.
        if stat_of(child_pid)?.parent != child.parent {
            return Err(io::Error::other("its ancestors are changing"));
        }
        ancestors.push(Process { pid: child.parent, started_ticks: parent.started_ticks });
        child_pid = child.parent;
        child = parent;
    }
    let process = Process { pid, started_ticks: own.started_ticks };
    Ok(Peer { process, uid, session: own.session, ancestors })
}

fn differing(pid: i32) -> io::Result<Vec<Namespace>> {
    let mut differs = Vec::new();
    for (name, namespace) in [("mnt", Namespace::Mount), ("pid", Namespace::Pid), ("user", Namespace::User)] {
        let own = fs::metadata(format!("/proc/self/ns/{name}"))?;
        let other = fs::metadata(format!("/proc/{pid}/ns/{name}"))?;
        if (own.dev(), own.ino()) != (other.dev(), other.ino()) {
            differs.push(namespace);
        }
    }
    Ok(differs)
}

/// A descriptor of process `pid`, which must be a process and not a group.
pub(crate) fn open(pid: i32) -> io::Result<OwnedFd> {
    let pid = Some(pid).filter(|pid| *pid > 0).and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

fn still_alive(handle: &OwnedFd) -> io::Result<()> {
    let mut ready = [PollFd::new(handle, PollFlags::IN)];
    if rustix::event::poll(&mut ready, Some(&Timespec::default()))? == 0 {
        Ok(())
    } else {
        Err(io::Error::other("the process has ended"))
    }
}

// === impl Peer ===

impl Peer {
    /// Whether this is `other` or was started, at any remove, by it.
    #[must_use]
    pub fn descends_from(&self, other: Process) -> bool {
        self.process == other || self.ancestors.contains(&other)
    }
}

// === impl Process ===

impl Process {
    /// Whether it leads a session that has a terminal, as a person's own shell does.
    ///
    /// # Errors
    /// When it has ended, or its state cannot be read.
    pub fn leads_terminal(self) -> io::Result<bool> {
        let now = stat_of(self.pid)?;
        if now.started_ticks != self.started_ticks {
            return Err(io::Error::other("the process has ended"));
        }
        Ok(now.session == self.pid && now.has_terminal)
    }
}
