//! The mount table, read to find every other path by which a hidden directory can be reached.
//!
//! A mask covers one path. A bind mount made on the host (`/home` also at `/data/home`, say) shows the same directory
//! under another name, so each such name has to be masked too.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// One line of `/proc/self/mountinfo`, as far as it is needed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MountEntry {
    /// Device of the file system, `major:minor`.
    device: Vec<u8>,
    /// Directory of the file system that is mounted.
    root: PathBuf,
    /// Where it is mounted.
    pub point: PathBuf,
    /// Kind of file system.
    pub kind: Vec<u8>,
}

/// The mount table of the calling process, in mount order.
pub(super) fn table() -> io::Result<Vec<MountEntry>> {
    parse(&fs::read("/proc/self/mountinfo")?)
}

/// Paths other than `hidden` that may show `hidden` or a part of it.
///
/// They are candidates: a later mount may cover one. The caller compares inodes.
pub(super) fn other_names(table: &[MountEntry], hidden: &Path) -> Vec<PathBuf> {
    let holder = table
        .iter()
        .enumerate()
        .filter(|(_, mount)| hidden.starts_with(&mount.point))
        .max_by_key(|(order, mount)| (mount.point.components().count(), *order));
    let Some((_, holder)) = holder else { return Vec::new() };
    let Ok(below) = hidden.strip_prefix(&holder.point) else { return Vec::new() };
    let inside = joined(&holder.root, below);
    table
        .iter()
        .filter(|mount| mount.device == holder.device)
        .filter_map(|mount| match (inside.strip_prefix(&mount.root), mount.root.strip_prefix(&inside)) {
            (Ok(rest), _) => Some(joined(&mount.point, rest)),
            (Err(_), Ok(_)) => Some(mount.point.clone()),
            (Err(_), Err(_)) => None,
        })
        .filter(|name| !name.starts_with(hidden))
        .collect()
}

fn joined(base: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { base.to_owned() } else { base.join(rest) }
}

fn parse(text: &[u8]) -> io::Result<Vec<MountEntry>> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(entry).collect()
}

fn entry(line: &[u8]) -> io::Result<MountEntry> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "a line of the mount table has no meaning");
    let mut fields = line.split(|byte| *byte == b' ').skip(2);
    let device = fields.next().ok_or_else(malformed)?.to_vec();
    let root = unescaped(fields.next().ok_or_else(malformed)?);
    let point = unescaped(fields.next().ok_or_else(malformed)?);
    let kind = fields.skip_while(|field| *field != b"-").nth(1).ok_or_else(malformed)?.to_vec();
    Ok(MountEntry { device, root, point, kind })
}

/// Undoes the kernel's `\040` form of blanks, tabs, line ends and backslashes.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| {
            digits.iter().try_fold(0_u8, |value, digit| match digit {
                b'0'..=b'7' => value.checked_mul(8)?.checked_add(digit - b'0'),
                _ => None,
            })
        });
        match octal {
            Some(byte) => {
                out.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(out))
}

/// Whether `path` is where something is mounted.
pub(super) fn is_mount_point(table: &[MountEntry], path: &Path) -> bool {
    table.iter().any(|mount| mount.point.as_os_str().as_bytes() == path.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
30 22 254:0 /home /data/home\\040copy rw - ext4 /dev/vda rw
31 22 254:0 /home/u/state/deep /mnt/deep rw master:3 propagate_from:2 - ext4 /dev/vda rw
32 22 0:44 / /home rw - tmpfs none rw
33 22 254:0 /home /home rw - ext4 /dev/vda rw
34 22 0:50 / /srv/chroot/proc rw - proc proc rw
";

    fn names(hidden: &str) -> Vec<String> {
        let table = parse(TABLE).unwrap();
        other_names(&table, Path::new(hidden)).iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn every_other_name_of_a_directory_is_found() {
        assert_eq!(names("/home/u/state"), ["/data/home copy/u/state", "/mnt/deep"]);
        assert_eq!(names("/var/lib/writ"), [""; 0]);
        assert_eq!(names("/proc/sys"), [""; 0]);
    }

    #[test]
    fn escapes_are_undone_and_bad_ones_kept() {
        for (written, meant) in
            [("a\\040b", "a b"), ("a\\134b", "a\\b"), ("a\\04", "a\\04"), ("a\\999", "a\\999"), ("", "")]
        {
            assert_eq!(unescaped(written.as_bytes()), Path::new(meant), "{written}");
        }
    }

    #[test]
    fn a_line_that_stops_early_is_an_error() {
        for line in ["22 1", "22 1 254:0 / /", "22 1 254:0 / / rw shared:1 -"] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
