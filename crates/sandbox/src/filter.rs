//! Which system calls the client and its descendants may make.
//!
//! Ordinary programs use about three hundred calls, and every one of those is an entry into the kernel. What the table
//! below lists is refused, with the reason beside it; so is every call that is newer than what was judged here, and
//! every way into the kernel but the native one: the 32-bit calls of the same machine have other numbers, so a table
//! of numbers says nothing about them.
//!
//! A filter sees numbers, not what pointers lead to. Paths are the business of mounts and file rights.

use libc::c_long;

mod program;

pub(crate) use program::assemble;

/// The newest call of the kernel that was looked at (`removexattrat`, Linux 6.13; the same number on every machine).
/// Programs do without those that came after, as they do on an older kernel.
pub(crate) const NEWEST: u32 = 466;

/// What the caller of a refused call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// "Operation not permitted": the honest one.
    NotPermitted,
    /// "Function not implemented": where programs know what to do without the call.
    NotThere,
    /// "Address family not supported by protocol".
    NoFamily,
}

/// For which arguments a call is refused. Arguments are numbered from 0; the kernel reads 32 bits of those compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Any of these bits is set.
    AnyOf(u32, u32),
    /// None of these bits is set.
    Without(u32, u32),
    /// The argument is one of these.
    Is(u32, &'static [u32]),
    /// The argument is none of these.
    IsNot(u32, &'static [u32]),
    /// The first argument is this, and the second, after these bits are taken out, is none of those.
    Of(u32, u32, u32, &'static [u32]),
    /// Any of these bits is set in one argument, and any of those in another.
    Both((u32, u32), (u32, u32)),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused {
    pub call: c_long,
    pub name: &'static str,
    pub when: When,
    pub answer: Answer,
    /// Why no program inside needs it, or what it would give one that wants out.
    pub reason: &'static str,
}

/// `CLONE_NEW*`, but for the bits that share their place with the signal of `clone`.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
/// The same for `unshare` and `setns`, which know time namespaces too.
const NEW_NAMESPACES_AND_TIME: u32 = NEW_NAMESPACES | 0x80;
const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
/// Flags that ride on the kind of a socket.
const SOCKET_FLAGS: u32 = 0o2_004_000;
const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
/// Routes and addresses, which `getifaddrs` asks for.
const NETLINK_ROUTE: u32 = 0;
const MFD_NOEXEC_SEAL: u32 = 8;
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;
const TIOCCONS: u32 = 0x541d;
const TIOCSETD: u32 = 0x5423;
/// `personality` is asked for its value with this.
const ASK: u32 = u32::MAX;
/// What `personality` may be set to: the ordinary one, that of 32-bit programs, and both with an old version number.
const PERSONALITIES: &[u32] = &[0, 8, 0x0002_0000, 0x0002_0008, ASK];

/// `S_ISUID` and `S_ISGID`: whoever starts such a file becomes its owner, or one of its group.
const GIVES_RIGHTS: u32 = 0o6000;
/// `O_CREAT` and the bit of `O_TMPFILE` that is its own. Without them nobody looks at a mode, and it may be anything.
const MAKES_A_FILE: u32 = 0o100 | 0o20_000_000;

/// Rows that follow from one another stand together.
macro_rules! refuse {
    ($($call:ident, $when:expr, $answer:ident, $reason:literal;)*) => {
        &[$(Refused {
            call: libc::$call,
            name: stringify!($call),
            when: $when,
            answer: Answer::$answer,
            reason: $reason,
        }),*]
    };
}

/// Refused on every machine.
pub(crate) const TABLE: &[Refused] = refuse! {
    // Other processes.
    SYS_ptrace, When::Always, NotPermitted, "reads, writes and steers other processes";
    SYS_process_vm_readv, When::Always, NotPermitted, "reads the memory of other processes";
    SYS_process_vm_writev, When::Always, NotPermitted, "writes the memory of other processes";
    SYS_kcmp, When::Always, NotPermitted, "compares kernel objects of other processes, and tells kernel pointers apart";
    SYS_pidfd_getfd, When::Always, NotPermitted, "takes descriptors out of other processes";
    SYS_process_madvise, When::Always, NotPermitted, "acts on the memory of other processes";
    // Namespaces: each new one opens kernel code that is otherwise root's.
    SYS_unshare, When::AnyOf(0, NEW_NAMESPACES_AND_TIME), NotPermitted, "a user namespace gives every capability inside it";
    SYS_setns, When::Always, NotPermitted, "enters namespaces";
    SYS_clone, When::AnyOf(0, NEW_NAMESPACES), NotPermitted, "as `unshare`";
    SYS_clone3, When::Always, NotThere, "its flags lie in memory, out of a filter's sight; libraries then use `clone`";
    // The view of files.
    SYS_mount, When::Always, NotPermitted, "changes what is seen where";
    SYS_umount2, When::Always, NotPermitted, "takes masks off";
    SYS_pivot_root, When::Always, NotPermitted, "exchanges the root";
    SYS_chroot, When::Always, NotPermitted, "the old way out of a root";
    SYS_open_tree, When::AnyOf(2, 1), NotPermitted, "clones mounts";
    SYS_move_mount, When::Always, NotPermitted, "moves mounts";
    SYS_fsopen, When::Always, NotPermitted, "makes file systems";
    SYS_fsconfig, When::Always, NotPermitted, "makes file systems";
    SYS_fsmount, When::Always, NotPermitted, "makes mounts";
    SYS_fspick, When::Always, NotPermitted, "changes file systems";
    SYS_mount_setattr, When::Always, NotPermitted, "would make read-only mounts writable";
    SYS_name_to_handle_at, When::Always, NotPermitted, "names of files that lead past every path";
    SYS_open_by_handle_at, When::Always, NotPermitted, "opens files past every path; the classic way out of a container";
    SYS_quotactl, When::Always, NotPermitted, "root's";
    SYS_quotactl_fd, When::Always, NotPermitted, "root's";
    SYS_swapon, When::Always, NotPermitted, "root's";
    SYS_swapoff, When::Always, NotPermitted, "root's";
    SYS_fanotify_init, When::Always, NotPermitted, "watches, and holds up, the files of others";
    SYS_lookup_dcookie, When::Always, NotPermitted, "names of files that lead past every path";
    // Files outlive the task, and what their modes give holds for everybody on the machine.
    SYS_fchmod, When::AnyOf(1, GIVES_RIGHTS), NotPermitted, "a program that runs as its owner, long after the task";
    SYS_fchmodat, When::AnyOf(2, GIVES_RIGHTS), NotPermitted, "a program that runs as its owner, long after the task";
    SYS_fchmodat2, When::AnyOf(2, GIVES_RIGHTS), NotPermitted, "a program that runs as its owner, long after the task";
    SYS_openat, When::Both((2, MAKES_A_FILE), (3, GIVES_RIGHTS)), NotPermitted, "a program that runs as its owner, long after the task";
    SYS_mknodat, When::AnyOf(2, GIVES_RIGHTS), NotPermitted, "a program that runs as its owner, long after the task";
    SYS_openat2, When::Always, NotThere, "the mode lies in memory, out of a filter's sight; programs then use `openat`";
    // The kernel itself.
    SYS_bpf, When::Always, NotPermitted, "runs programs in the kernel";
    SYS_perf_event_open, When::Always, NotPermitted, "looks at other processes and the kernel";
    SYS_userfaultfd, When::Always, NotPermitted, "stops the kernel in the middle of a copy, which exploits need";
    SYS_io_uring_setup, When::Always, NotPermitted, "makes calls that no filter sees";
    SYS_io_uring_enter, When::Always, NotPermitted, "makes calls that no filter sees";
    SYS_io_uring_register, When::Always, NotPermitted, "makes calls that no filter sees";
    SYS_init_module, When::Always, NotPermitted, "code for the kernel";
    SYS_finit_module, When::Always, NotPermitted, "code for the kernel";
    SYS_delete_module, When::Always, NotPermitted, "code of the kernel";
    SYS_kexec_load, When::Always, NotPermitted, "another kernel";
    SYS_kexec_file_load, When::Always, NotPermitted, "another kernel";
    SYS_reboot, When::Always, NotPermitted, "root's";
    SYS_syslog, When::Always, NotPermitted, "kernel addresses";
    SYS_acct, When::Always, NotPermitted, "root's";
    SYS_vhangup, When::Always, NotPermitted, "takes the terminal from the user";
    SYS_settimeofday, When::Always, NotPermitted, "the machine's clock";
    SYS_clock_settime, When::Always, NotPermitted, "the machine's clock";
    SYS_sethostname, When::Always, NotPermitted, "the machine's name";
    SYS_setdomainname, When::Always, NotPermitted, "the machine's name";
    // Keyrings of the kernel know nothing of namespaces.
    SYS_add_key, When::Always, NotPermitted, "keyrings are shared with what the user runs outside";
    SYS_request_key, When::Always, NotPermitted, "keyrings are shared, and it starts a program of root's";
    SYS_keyctl, When::Always, NotPermitted, "keyrings are shared with what the user runs outside";
    // Memory that runs.
    SYS_memfd_create, When::Without(1, MFD_NOEXEC_SEAL), NotThere, "a program without a path, on which no file right acts; programs take a file instead";
    SYS_personality, When::IsNot(0, PERSONALITIES), NotPermitted, "switches off random addresses, or makes data run";
    SYS_memfd_secret, When::Always, NotThere, "memory that nobody can look into";
    // Devices and sockets.
    SYS_ioctl, When::Is(1, &[TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD]), NotPermitted, "types into the lent terminal, or takes it over";
    SYS_socket, When::IsNot(0, &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK]), NoFamily, "packets, virtual machines, Bluetooth, kernel crypto: not in any network namespace, or rich in holes";
    SYS_socket, When::Of(AF_INET, 1, SOCKET_FLAGS, &[STREAM, DATAGRAM]), NotPermitted, "raw sockets";
    SYS_socket, When::Of(AF_INET6, 1, SOCKET_FLAGS, &[STREAM, DATAGRAM]), NotPermitted, "raw sockets";
    SYS_socket, When::Of(AF_NETLINK, 2, 0, &[NETLINK_ROUTE]), NotPermitted, "packet filters, audit, crypto, device events";
    SYS_socketpair, When::IsNot(0, &[AF_UNIX]), NoFamily, "only pairs within this machine are of use";
    // Priorities and memory of other processes.
    SYS_move_pages, When::Always, NotPermitted, "moves memory of other processes";
    SYS_migrate_pages, When::Always, NotPermitted, "moves memory of other processes";
    SYS_process_mrelease, When::Always, NotPermitted, "frees the memory of other processes";
};

/// Refused on every machine; younger than the names that our library knows, with the same number everywhere.
pub(crate) const YOUNG: &[Refused] = &[
    young(457, "SYS_statmount", "looks at mounts of other namespaces"),
    young(458, "SYS_listmount", "looks at mounts of other namespaces"),
    young(460, "SYS_lsm_set_self_attr", "changes the label of a security module"),
];

const fn young(call: c_long, name: &'static str, reason: &'static str) -> Refused {
    Refused { call, name, when: When::Always, answer: Answer::NotThere, reason }
}

/// Refused on machines of this kind.
#[cfg(target_arch = "x86_64")]
pub(crate) const MACHINE: &[Refused] = refuse! {
    SYS_chmod, When::AnyOf(1, GIVES_RIGHTS), NotPermitted, "as `fchmod`";
    SYS_open, When::Both((1, MAKES_A_FILE), (2, GIVES_RIGHTS)), NotPermitted, "as `openat`";
    SYS_creat, When::AnyOf(1, GIVES_RIGHTS), NotPermitted, "as `openat`";
    SYS_mknod, When::AnyOf(1, GIVES_RIGHTS), NotPermitted, "as `mknodat`";
    SYS_iopl, When::Always, NotPermitted, "talks to hardware";
    SYS_ioperm, When::Always, NotPermitted, "talks to hardware";
    SYS_modify_ldt, When::Always, NotPermitted, "segments of 16-bit programs, rich in holes";
    SYS_uselib, When::Always, NotThere, "gone";
    SYS_ustat, When::Always, NotThere, "gone";
    SYS_sysfs, When::Always, NotThere, "gone";
    SYS__sysctl, When::Always, NotThere, "gone";
};

/// Refused on machines of this kind.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const MACHINE: &[Refused] = &[];

/// Every row.
pub(crate) fn rows() -> impl Iterator<Item = &'static Refused> {
    TABLE.iter().chain(YOUNG).chain(MACHINE)
}

/// The system calls that are refused, each with the reason; some only with certain arguments.
pub fn refused_calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    rows().map(|row| (row.name.trim_start_matches("SYS_"), row.reason))
}
