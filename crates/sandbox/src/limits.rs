//! How much one task may take of the machine.

/// Most processes and threads inside. For an ordinary user the kernel counts them in the yard's own user namespace. For
/// root it counts only in a control group; where there is none, the numbers that processes can have are bounded instead.
pub(crate) const PROCESSES: u64 = 8192;

/// Whether each process namespace of this kernel has a bound of its own on the numbers of its processes (Linux 6.14).
/// Before, the same setting is the whole machine's.
pub(crate) fn numbers_are_own() -> bool {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy();
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 14),
        (Some(_) | None, _) => false,
    }
}

/// Most bytes of each private directory, and of what is changed in copies.
pub const PRIVATE_BYTES: u64 = 2 << 30;

/// Most files of the same.
pub(crate) const PRIVATE_FILES: u64 = 400_000;
