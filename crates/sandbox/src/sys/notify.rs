//! Notifications of a filter: somebody inside is stopped in a call until it is said how to go on.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::checked;

/// A call that waits.
#[derive(Debug, Clone, Copy)]
pub struct Notification {
    /// Names the call.
    pub id: u64,
    /// Who makes it, in the namespace of the receiver.
    pub pid: u32,
    call: i32,
    arguments: [u64; 6],
}

/// The two forms of starting a program. Numbers are addresses in the memory of the caller.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    At { path: u64, arguments: u64 },
    Below { directory: i32, path: u64, arguments: u64 },
}

// === impl Notification ===

impl Notification {
    /// How the program is named.
    pub fn start(&self) -> Start {
        let [first, second, third, ..] = self.arguments;
        if i64::from(self.call) == libc::SYS_execveat {
            // The kernel reads the lower half.
            let directory = (first & u64::from(u32::MAX)) as u32;
            Start::Below { directory: directory.cast_signed(), path: second, arguments: third }
        } else {
            Start::At { path: first, arguments: second }
        }
    }
}

/// Waits for the next call. `None`: the caller has died while it was read.
///
/// # Errors
/// When nobody is left who could make one.
pub fn receive(listener: BorrowedFd<'_>) -> io::Result<Option<Notification>> {
    let mut ready = [rustix::event::PollFd::new(&listener, rustix::event::PollFlags::IN)];
    match rustix::event::poll(&mut ready, None) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    if ready.iter().any(|one| one.revents().contains(rustix::event::PollFlags::HUP)) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // SAFETY: the kernel wants the structure zeroed, which is a valid value of it, and writes exactly its size.
    let (done, found) = unsafe {
        let mut found: libc::seccomp_notif = mem::zeroed();
        let done = libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut found);
        (done, found)
    };
    match checked(done.into()) {
        Ok(()) => Ok(Some(Notification {
            id: found.id,
            pid: found.pid,
            call: found.data.nr,
            arguments: found.data.args,
        })),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the call still waits, so that what was read of its caller was the caller's.
pub fn is_valid(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the kernel reads one number.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) == 0 }
}

/// Lets the kernel go on with the call.
///
/// # Errors
/// When nobody listens any more. A caller that has died is no error.
pub fn go_on(listener: BorrowedFd<'_>, id: u64) -> io::Result<()> {
    let answer = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: 0,
        flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
    };
    // SAFETY: the kernel reads one such structure.
    let done =
        unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const answer) };
    match checked(done.into()) {
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
