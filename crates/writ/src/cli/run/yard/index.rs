//! What version control has: each path of git's index with the digest of what was added.
//!
//! An index lies in the workspace, so whoever works there can write one. A path in it says nothing by itself: only who knew a
//! file can name its digest. So a file counts as everybody's when it is, byte for byte, what the index says it is.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use aws_lc_rs::digest::{self, Algorithm};

/// Largest index that is read.
const MAX_INDEX_BYTES: u64 = 256 << 20;
/// Largest file that is compared.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Longest path that is taken, as the kernel takes no longer ones.
const MAX_PATH_BYTES: usize = 4096;
/// Most bytes of all paths together: version 4 writes down only in what a path differs from the one before.
const MAX_PATHS_BYTES: usize = 256 << 20;
/// Numbers of an entry before its digest: times, device, inode, mode, owner and size (gitformat-index(5)).
const NUMBERS: usize = 40;
/// Set where an entry has sixteen more bits.
const EXTENDED: u16 = 0x4000;

/// Paths below the workspace with their digests.
#[derive(Debug, Default)]
pub(in crate::cli::run) struct Index {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Folders that stand for all that is in them (gitformat-index(5), "Sparse Directory Entries"), each with its slash.
    folders: Vec<Vec<u8>>,
    /// How long a digest is.
    digest_bytes: usize,
    /// There is one, and it is not understood or too large.
    unread: bool,
}

// === impl Index ===

impl Index {
    /// The index of a repository's folder. One that is not there, or that is not understood, has nothing.
    pub(in crate::cli::run) fn of(folder: &Path) -> Self {
        let path = folder.join("index");
        let bytes = crate::config::read_bytes(&path, MAX_INDEX_BYTES).unwrap_or_default();
        let parsed = [20, 32].into_iter().find_map(|digest_bytes| Self::parsed(&bytes, digest_bytes));
        parsed.unwrap_or_else(|| Self { unread: path.symlink_metadata().is_ok(), ..Self::default() })
    }

    /// Whether there is one that could not be read.
    pub(in crate::cli::run) const fn is_unread(&self) -> bool {
        self.unread
    }

    /// Whether the file at `path` is what the index has under `below`.
    pub(in crate::cli::run) fn has(&self, path: &Path, below: &Path) -> bool {
        let Some(wanted) = self.entries.get(below.as_os_str().as_encoded_bytes()) else { return false };
        let Some(bytes) = crate::config::read_bytes(path, MAX_FILE_BYTES) else { return false };
        let algorithm: &Algorithm =
            if self.digest_bytes == 20 { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 };
        let mut context = digest::Context::new(algorithm);
        context.update(format!("blob {}\0", bytes.len()).as_bytes());
        context.update(&bytes);
        context.finish().as_ref() == wanted.as_slice()
    }

    /// The digest of what the index has under `below`.
    pub(in crate::cli::run) fn digest(&self, below: &Path) -> Option<&[u8]> {
        self.entries.get(below.as_os_str().as_encoded_bytes()).map(Vec::as_slice)
    }

    /// Whether it has files in a folder. One that could not be read may have files in any.
    pub(in crate::cli::run) fn has_below(&self, folder: &Path) -> bool {
        let beginning = [folder.as_os_str().as_encoded_bytes(), b"/"].concat();
        let first =
            self.entries.range::<[u8], _>((Bound::Included(beginning.as_slice()), Bound::Unbounded)).next();
        let is_within = |whole: &Vec<u8>| beginning.starts_with(whole) || whole.starts_with(&beginning);
        self.unread
            || first.is_some_and(|(path, _)| path.starts_with(&beginning))
            || self.folders.iter().any(is_within)
    }

    /// The paths that it has.
    pub(in crate::cli::run) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.entries.keys().map(|path| Path::new(OsStr::from_bytes(path)))
    }

    /// Whether it has nothing, or is not understood.
    pub(in crate::cli::run) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.folders.is_empty()
    }

    /// Reads versions 2, 3 and 4. The digest at the end tells whether the length of digests was guessed right.
    pub(super) fn parsed(bytes: &[u8], digest_bytes: usize) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(digest_bytes)?)?;
        let algorithm: &Algorithm =
            if digest_bytes == 20 { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 };
        // Git may be told not to reckon it, and then leaves zeros.
        let is_left_out = digest_bytes == 20 && sum.iter().all(|byte| *byte == 0);
        if !is_left_out && digest::digest(algorithm, body).as_ref() != sum {
            return None;
        }
        let mut rest = body.strip_prefix(b"DIRC")?;
        let version = number(&mut rest)?;
        let count = number(&mut rest)?;
        if !matches!(version, 2..=4) {
            return None;
        }
        let mut entries = BTreeMap::new();
        let mut folders = Vec::new();
        let mut path: Vec<u8> = Vec::new();
        let mut left = MAX_PATHS_BYTES;
        for _ in 0..count {
            let start = rest.len();
            let (numbers, after) = rest.split_at_checked(NUMBERS)?;
            let (digest, after) = after.split_at_checked(digest_bytes)?;
            let (flags, mut after) = after.split_first_chunk::<2>()?;
            if u16::from_be_bytes(*flags) & EXTENDED != 0 {
                after = after.get(2..)?;
            }
            let dropped = if version == 4 { offset(&mut after)? } else { path.len() };
            path.truncate(path.len().checked_sub(dropped)?);
            let end = after.iter().position(|byte| *byte == 0)?;
            path.extend_from_slice(after.get(..end)?);
            if path.len() > MAX_PATH_BYTES {
                return None;
            }
            left = left.checked_sub(path.len())?;
            after = after.get(end + 1..)?;
            if version != 4 {
                // Each entry fills up to eight bytes, with at least one zero.
                let used = start - after.len();
                after = after.get(used.next_multiple_of(8) - used..)?;
            }
            rest = after;
            // A link has where it leads to as its content.
            let is_file =
                numbers.get(24..28).is_some_and(|mode| mode.get(2).is_some_and(|high| high >> 4 == 8));
            if is_file {
                entries.insert(path.clone(), digest.to_vec());
            } else if path.ends_with(b"/") {
                folders.push(path.clone());
            }
        }
        // What says that the rest lies in another file, or that the entries mean something else, cannot be passed over.
        while let Some((name, after)) = rest.split_first_chunk::<4>() {
            rest = after;
            let size = usize::try_from(number(&mut rest)?).ok()?;
            if !name.first().is_some_and(u8::is_ascii_uppercase) && name != b"sdir" {
                return None;
            }
            rest = rest.get(size..)?;
        }
        Some(Self { entries, folders, digest_bytes, unread: false })
    }
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (first, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_be_bytes(*first))
}

/// A number of seven bits a byte, where each byte but the last adds one (gitformat-pack(5), "offset encoding").
fn offset(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for turn in 0..9 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        if turn > 0 {
            value = value.checked_add(1)?;
        }
        value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let done = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output();
        let done = done.unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn a_file_is_tracked_by_its_whole_path_and_its_bytes() {
        for (format, version) in
            [("sha1", "2"), ("sha1", "3"), ("sha1", "4"), ("sha256", "2"), ("sha256", "4")]
        {
            let root = tempfile::tempdir().unwrap();
            git(root.path(), &["init", "-q", "--object-format", format]);
            for name in
                ["config/prod.env", ".env", "config/.env", "changed.pem", "a/very/long/path/of/a/tls.key"]
            {
                let path = root.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, name).unwrap();
            }
            let added = ["config/prod.env", "config/.env", "changed.pem", "a/very/long/path/of/a/tls.key"];
            git(root.path(), &[&["add"][..], &added].concat());
            git(root.path(), &["update-index", "--index-version", version]);
            if version == "3" {
                std::fs::write(root.path().join("later"), "").unwrap();
                git(root.path(), &["add", "--intent-to-add", "later"]);
            }
            std::fs::write(root.path().join("changed.pem"), "another").unwrap();
            let index = Index::of(&root.path().join(".git"));
            for (name, wanted) in [
                ("config/prod.env", true),
                ("config/.env", true),
                ("a/very/long/path/of/a/tls.key", true),
                (".env", false),
                ("env", false),
                ("changed.pem", false),
                ("nothing", false),
            ] {
                let found = index.has(&root.path().join(name), Path::new(name));
                assert_eq!(found, wanted, "{format} {version} {name}");
            }
        }
    }

    #[test]
    fn an_index_of_folders_alone_is_not_empty() {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "-q"]);
        std::fs::create_dir(root.path().join("a")).unwrap();
        std::fs::write(root.path().join("a/b"), "").unwrap();
        git(root.path(), &["add", "a"]);
        let who = ["-c", "user.name=n", "-c", "user.email=n@example.org"];
        git(root.path(), &[&who[..], &["commit", "-q", "-m", "m"]].concat());
        git(root.path(), &["sparse-checkout", "set", "--sparse-index", "elsewhere"]);
        let index = Index::of(&root.path().join(".git"));
        assert_eq!(index.paths().count(), 0);
        assert!(!index.is_empty());
        assert!(index.has_below(Path::new("a")) && index.has_below(Path::new("a/b")));
        assert!(!index.has_below(Path::new("b")));
    }

    #[test]
    fn attack_an_index_of_growing_paths_is_given_up() {
        for (count, is_fine) in [(80_u32, true), (82, false), (40_000, false)] {
            let mut bytes = [&b"DIRC"[..], &4_u32.to_be_bytes(), &count.to_be_bytes()].concat();
            for _ in 0..count {
                // Drops nothing of the path before, and adds fifty bytes.
                bytes.extend([0; NUMBERS + 20 + 2 + 1]);
                bytes.extend([b'a'; 50]);
                bytes.push(0);
            }
            bytes.extend([0; 20]);
            let root = tempfile::tempdir().unwrap();
            std::fs::write(root.path().join("index"), bytes).unwrap();
            assert_eq!(Index::of(root.path()).is_unread(), !is_fine, "{count}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_an_index_holds_is_read_or_refused(mut bytes: Vec<u8>, version in 0_u8..6, count: u8) {
            bytes.splice(0..0, [b'D', b'I', b'R', b'C', 0, 0, 0, version, 0, 0, 0, count]);
            bytes.extend([0; 20]);
            for digest_bytes in [20, 32] {
                let _ = Index::parsed(&bytes, digest_bytes);
            }
        }
    }
}
