//! The only `unsafe` of the house: system calls that have no safe wrapper in `rustix` or `std`.
//!
//! Every function here is a thin shape around one call. Nothing here decides anything.

#![expect(unsafe_code, reason = "system calls without a safe wrapper; each block carries its proof")]

use std::ffi::{c_int, c_uint};
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

use rustix::thread::UnshareFlags;

pub mod notify;

/// What the allocator takes for long from the start.
#[cfg(target_env = "gnu")]
const PIECE_BYTES: c_int = 128 << 10;
#[cfg(target_env = "gnu")]
const HEAPS: c_int = 2;

/// Moves the calling thread into new namespaces.
///
/// `FILES` is refused, which is the flag that makes the underlying call unsafe.
pub fn unshare(flags: UnshareFlags) -> io::Result<()> {
    if flags.contains(UnshareFlags::FILES) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the call is unsafe only with `FILES` (descriptors of another thread's table), refused above.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}

/// Has memory that is free go back to the system: what is longer than a piece lies by itself and goes at once, and few heaps
/// keep what is shorter. By itself the allocator learns from one long piece that was freed to keep all of that length, in
/// a heap for each thread. For a process that stays, and now and then takes up much; nothing where the allocator has no
/// such words.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    for (what, value) in [
        (libc::M_MMAP_THRESHOLD, PIECE_BYTES),
        (libc::M_TRIM_THRESHOLD, PIECE_BYTES),
        (libc::M_ARENA_MAX, HEAPS),
    ] {
        // SAFETY: sets a number of the allocator's, under its own lock; no memory that was handed out changes (mallopt(3)).
        unsafe { libc::mallopt(what, value) };
    }
}

/// Marks every descriptor from `first` on close-on-exec, so that nothing inherited reaches the next program.
pub fn close_on_exec_from(first: c_uint) -> io::Result<()> {
    // SAFETY: `close_range` with CLOSE_RANGE_CLOEXEC closes nothing and touches no memory: descriptors owned
    // elsewhere in this process stay valid, only a flag on them changes.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    checked(done)
}

/// Makes a second process of this one, which does `work` and ends with its answer. Of this one's descriptors it keeps
/// the standard streams, with the first of `handed` as its standard input, and `handed`, which this one loses.
///
/// # Errors
/// When the kernel has no more processes for this user, or this process has more than one thread: the others would be
/// missing in the new one with whatever locks they held.
pub fn fork(handed: [OwnedFd; 3], work: impl FnOnce([OwnedFd; 3]) -> u8) -> io::Result<rustix::process::Pid> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::other("a process of several threads cannot be forked"));
    }
    // SAFETY: this process has one thread, which was just counted, so that no lock is held by a thread that the new
    // process does not have.
    let number = unsafe { libc::fork() };
    checked(number.into())?;
    if let Some(new) = rustix::process::Pid::from_raw(number) {
        return Ok(new);
    }
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        close_but(&handed).map_or(BROKEN, |()| work(handed))
    }));
    // SAFETY: ends the process and touches no memory. What the caller owns is not dropped here: it is the other
    // process's, and the descriptors among it are closed.
    unsafe { libc::_exit(c_int::from(done.unwrap_or(BROKEN))) }
}

/// The answer of a process that could not begin its work.
const BROKEN: u8 = 125;

/// Closes all descriptors but some. Only for a process that ends without dropping what it had.
fn close_but(handed: &[OwnedFd; 3]) -> io::Result<()> {
    let [input, _, _] = handed;
    let mut kept = handed.each_ref().map(AsRawFd::as_raw_fd);
    kept.sort_unstable();
    // SAFETY: replaces the standard input, which is nobody's in particular, and closes descriptors whose owners are
    // never used or dropped in this process. Neither touches memory.
    let close = |first: c_uint, last: c_uint| {
        checked(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })
    };
    // SAFETY: as above.
    checked(unsafe { libc::dup2(input.as_raw_fd(), 0) }.into())?;
    let mut first: c_uint = 3;
    for descriptor in kept {
        let number = c_uint::try_from(descriptor).map_err(io::Error::other)?;
        if number > first {
            close(first, number - 1)?;
        }
        first = first.max(number + 1);
    }
    close(first, c_uint::MAX)
}

/// Leaves the session keyring of the login for a new, empty one.
pub fn join_empty_keyring() -> io::Result<()> {
    let anonymous: *const libc::c_char = ptr::null();
    // SAFETY: KEYCTL_JOIN_SESSION_KEYRING reads at most a C string, and a null pointer asks for an anonymous
    // keyring.
    let done = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, anonymous) };
    checked(done)
}

/// Makes the mount that `mount` is the root of read-only, and with `recursive` all mounts below it.
///
/// Only adds the flag: `nosuid`, `nodev` and the rest stay, also those this process may not clear.
pub fn set_read_only(mount: BorrowedFd<'_>, recursive: bool) -> io::Result<()> {
    set_mount(mount, libc::MOUNT_ATTR_RDONLY, 0, recursive)
}

/// Takes the flag of [`set_read_only`] away again, from this mount alone.
///
/// # Errors
/// `EPERM` where the mount came from outside and was read-only there.
pub fn set_writable(mount: BorrowedFd<'_>) -> io::Result<()> {
    set_mount(mount, 0, libc::MOUNT_ATTR_RDONLY, false)
}

fn set_mount(mount: BorrowedFd<'_>, set: u64, clear: u64, recursive: bool) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: clear, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a static empty C string, `attributes` lives until the call returns, and its size is
    // passed with it; the kernel only reads both.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            mem::size_of::<libc::mount_attr>(),
        )
    };
    checked(done)
}

/// The version of Landlock that this kernel has.
///
/// # Errors
/// `ENOSYS` or `EOPNOTSUPP` where there is none, or where it is switched off.
pub fn landlock_version() -> io::Result<i32> {
    const ASK_FOR_VERSION: c_uint = 1;
    let nothing: *const libc::c_void = ptr::null();
    // SAFETY: with this flag the call reads no memory, and only returns a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, ASK_FOR_VERSION) };
    checked(version)?;
    i32::try_from(version).map_err(io::Error::other)
}

/// Switches the loopback interface of the calling thread's network on.
pub fn switch_loopback_on() -> io::Result<()> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: a request of zeros is a valid one; the name fits with its end, and the flags are the part of the union
    // that this command reads.
    let done = unsafe {
        let mut request: libc::ifreq = mem::zeroed();
        for (place, letter) in request.ifr_name.iter_mut().zip(*b"lo") {
            *place = letter.cast_signed();
        }
        request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request)
    };
    checked(done.into())
}

/// Puts a filter of system calls on the calling thread and all that it starts, for good. With `listened`, returns the
/// end at which the filter's notifications arrive.
///
/// # Errors
/// `EACCES` while new privileges can still be had.
pub fn filter_calls(program: &[libc::sock_filter], listened: bool) -> io::Result<Option<OwnedFd>> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let whole = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    let flags = if listened { libc::SECCOMP_FILTER_FLAG_NEW_LISTENER } else { 0 };
    // SAFETY: the kernel reads `len` steps from `filter`, which is exactly the slice, copies them, and writes nothing.
    let done =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const whole) };
    checked(done)?;
    if !listened {
        return Ok(None);
    }
    let descriptor = c_int::try_from(done).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us (close-on-exec), and nobody else knows its number.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// Blocks the signals a terminal or a service manager sends, in the calling thread.
///
/// A yard stage must outlive Ctrl-C (the client decides what that means) and must be able to take the terminal
/// back from the background, which `SIGTTOU` would stop.
pub fn block_outside_signals() -> io::Result<()> {
    change_mask(
        libc::SIG_BLOCK,
        &[
            libc::SIGHUP,
            libc::SIGINT,
            libc::SIGQUIT,
            libc::SIGTERM,
            libc::SIGTTIN,
            libc::SIGTTOU,
            libc::SIGUSR1,
            libc::SIGUSR2,
        ],
    )
}

/// Finishes `command` between `fork` and `exec`: its process group gets the terminal, then no signal is blocked.
///
/// The group is made by [`CommandExt::process_group`], which `std` applies before the hook runs.
pub fn before_exec(command: &mut Command, terminal: Option<OwnedFd>) {
    let hook = move || {
        if let Some(terminal) = &terminal {
            rustix::termios::tcsetpgrp(terminal, rustix::process::getpgrp())?;
        }
        change_mask(libc::SIG_SETMASK, &[])?;
        // So that the recorder outside can see which program it becomes. Nobody else is inside yet.
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)?;
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe work is allowed. The hook makes four system calls
    // (ioctl, getpgrp, sigprocmask, prctl), allocates nothing, takes no lock, and runs in a single-threaded copy.
    unsafe { command.pre_exec(hook) };
}

/// Process number of the peer at the time it connected, as seen from here (unix(7), `SO_PEERCRED`); nothing for one in a process
/// namespace that is not below ours, for whom the kernel says 0.
pub fn peer_number(socket: BorrowedFd<'_>) -> io::Result<Option<i32>> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = mem::size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: both pointers are to live locals, and `length` is the exact size of what `credentials` can hold.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    checked(done.into())?;
    Ok(Some(credentials.pid).filter(|pid| *pid > 0))
}

/// Process descriptor of the peer at the time it connected; immune to reuse of its number.
///
/// # Errors
/// `ENOPROTOOPT` before Linux 6.5.
pub fn peer_pidfd(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut descriptor: c_int = -1;
    let mut length = mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: both pointers are to live locals, and `length` is the exact size of what `descriptor` can hold.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERPIDFD,
            (&raw mut descriptor).cast(),
            &raw mut length,
        )
    };
    checked(done.into())?;
    if descriptor < 0 {
        return Err(io::Error::other("the kernel returned no process descriptor"));
    }
    // SAFETY: the kernel has just installed this descriptor for us, and nobody else knows its number.
    let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
    rustix::io::fcntl_setfd(owned.as_fd(), rustix::io::FdFlags::CLOEXEC)?;
    Ok(owned)
}

fn change_mask(how: c_int, signals: &[c_int]) -> io::Result<()> {
    // SAFETY: `sigemptyset` writes the whole set before it is read, every number is a valid signal constant, and
    // the old mask is not asked for.
    let refused = unsafe {
        let mut set = mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        let mut set = set.assume_init();
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        libc::pthread_sigmask(how, &raw const set, ptr::null_mut())
    };
    if refused == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(refused)) }
}

fn checked(returned: libc::c_long) -> io::Result<()> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
