//! The kernel's table of mounts: which folder is shown a second time, and where it is otherwise.

use std::path::{Path, PathBuf};

/// One line of `/proc/self/mountinfo`.
struct Mount {
    device: String,
    /// The folder of the file system that is shown.
    shown: PathBuf,
    /// Where it is shown.
    at: PathBuf,
}

/// The other path of a file that is reached through a bind mount, where the same file system is mounted with that file
/// in view elsewhere. `table` is the text of `/proc/self/mountinfo`.
pub(super) fn origin(table: &str, path: &Path) -> Option<PathBuf> {
    let mounts: Vec<Mount> = table.lines().filter_map(mount).collect();
    // The longest one counts, and the last of several at one place.
    let here = mounts
        .iter()
        .filter(|mount| path.starts_with(&mount.at))
        .max_by_key(|mount| mount.at.components().count())?;
    let inside = here.shown.join(path.strip_prefix(&here.at).ok()?);
    let other = mounts
        .iter()
        .filter(|mount| {
            mount.at != here.at && mount.device == here.device && inside.starts_with(&mount.shown)
        })
        .max_by_key(|mount| mount.shown.components().count())?;
    Some(other.at.join(inside.strip_prefix(&other.shown).ok()?))
}

fn mount(line: &str) -> Option<Mount> {
    let mut fields = line.split(' ').skip(2);
    let device = fields.next()?.to_owned();
    let shown = PathBuf::from(unescaped(fields.next()?)?);
    let at = PathBuf::from(unescaped(fields.next()?)?);
    Some(Mount { device, shown, at })
}

/// Blanks, tabs, line ends and backslashes stand as three octal digits.
fn unescaped(field: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..3)?, 8).ok()?);
        rest = after.get(3..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 22 8:2 / /home rw,relatime - ext4 /dev/sda2 rw
25 24 8:2 /ann/.ssh /home/ann/shop/notes rw,relatime - ext4 /dev/sda2 rw
26 24 8:1 /etc/a\\040b /home/ann/shop/x\\040y rw,relatime - ext4 /dev/sda1 rw
27 24 8:9 /volumes/7 /home/ann/shop/volume rw,relatime - ext4 /dev/sdb1 rw
";

    #[test]
    fn a_folder_that_is_shown_twice_has_another_path() {
        for (path, other) in [
            ("/home/ann/shop/notes/id_rsa", Some("/home/ann/.ssh/id_rsa")),
            ("/home/ann/shop/notes", Some("/home/ann/.ssh")),
            ("/home/ann/shop/x y/z", Some("/etc/a b/z")),
            ("/home/ann/.ssh/id_rsa", Some("/home/ann/shop/notes/id_rsa")),
            ("/home/ann/shop/volume/x", None),
            ("/home/ann/shop/src", None),
            ("/usr/bin/x", None),
        ] {
            assert_eq!(origin(TABLE, Path::new(path)).as_deref(), other.map(Path::new), "{path}");
        }
        assert_eq!(origin("", Path::new("/x")), None);
        assert_eq!(origin("1 2 3\n\n\\", Path::new("/x")), None);
    }
}
