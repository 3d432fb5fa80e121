//! Whether this kernel lays a private layer over a directory for an ordinary user.

/// Since this version an in-memory file system keeps the marks that the upper layer needs.
const SINCE: (u32, u32) = (6, 6);

/// Whether copies can be written. Otherwise they are read-only.
pub(crate) fn can_be_laid() -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let known = std::fs::read_to_string("/proc/filesystems")
        .is_ok_and(|list| list.lines().any(|line| line.trim_end().ends_with("\toverlay")));
    version >= SINCE && known
}
