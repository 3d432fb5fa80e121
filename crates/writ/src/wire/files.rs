//! The host's files, as far as doors and judge may look at them: what stands at a path, and digests of what would run.

mod mounts;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use writ_gateway::port::FileDigests;
use writ_model::Digest;
use writ_policy::{Entry, Name, Status};

/// Larger files have no digest: what runs them is then not bound to their content, and the caller treats it as unknown.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// How much of the table of mounts is read.
const MAX_MOUNTS_BYTES: u64 = 1 << 20;

/// The host's file system.
pub(crate) struct Files;

// === impl Files ===

impl FileDigests for Files {
    fn digest(&self, path: &Path) -> Option<Digest> {
        // Without waiting for a writer: a pipe in place of the file must not hold the door up.
        let no_wait = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).ok()?;
        let file = File::options().read(true).custom_flags(no_wait).open(path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return None;
        }
        let mut file = file.take(MAX_FILE_BYTES + 1);
        let mut context = Context::new(&SHA256);
        let mut chunk = vec![0; 64 << 10];
        let mut total = 0_u64;
        loop {
            let count = file.read(&mut chunk).ok()?;
            if count == 0 {
                break;
            }
            total += u64::try_from(count).ok()?;
            context.update(chunk.get(..count)?);
        }
        if total > MAX_FILE_BYTES {
            return None;
        }
        context.finish().as_ref().try_into().ok().map(Digest::new)
    }

    fn text(&self, root: &Path, path: &Path) -> Option<String> {
        writ_policy::Files::text(self, root, path, writ_policy::MAX_LOOK_BYTES)
    }
}

impl writ_policy::Files for Files {
    fn text(&self, root: &Path, path: &Path, most: u64) -> Option<String> {
        let below = path.strip_prefix(root).ok()?;
        let folder =
            rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        // Without waiting for a writer, and through no link that leads out of the folder.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let file = File::from(rustix::fs::openat2(folder, below, flags, Mode::empty(), resolve).ok()?);
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > most {
            return None;
        }
        let mut text = String::new();
        file.take(most + 1).read_to_string(&mut text).ok()?;
        (text.len() as u64 <= most).then_some(text)
    }

    fn entry(&self, path: &Path) -> Entry {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => {
                std::fs::read_link(path).map_or(Entry::Unreadable, Entry::Link)
            }
            Ok(_) => Entry::Plain,
            Err(error) if error.kind() == ErrorKind::NotFound => Entry::Missing,
            // A step below something that is no folder leads nowhere, as the kernel says too.
            Err(error) if error.kind() == ErrorKind::NotADirectory => Entry::Missing,
            Err(_) => Entry::Unreadable,
        }
    }

    fn status(&self, path: &Path) -> Option<Status> {
        let wanted = StatxFlags::INO | StatxFlags::NLINK | StatxFlags::MNT_ID | StatxFlags::TYPE;
        let found = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, wanted).ok()?;
        let device = u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor);
        // A folder's count tells of the folders in it.
        let is_folder = FileType::from_raw_mode(found.stx_mode.into()) == FileType::Directory;
        let names = if is_folder { 1 } else { found.stx_nlink.into() };
        Some(Status { file: (device, found.stx_ino), names, mount: found.stx_mnt_id })
    }

    fn origin(&self, path: &Path) -> Option<PathBuf> {
        let mut text = String::new();
        let table = File::open("/proc/self/mountinfo").ok()?;
        table.take(MAX_MOUNTS_BYTES).read_to_string(&mut text).ok()?;
        mounts::origin(&text, path)
    }

    fn names(&self, folder: &Path, most: usize) -> Vec<Name> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        entries
            .take(most)
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                Some(Name { name: entry.file_name().into_string().ok()?, is_folder })
            })
            .collect()
    }
}

/// The host's file system, as a run shows it: these files are empty inside, by their real paths.
pub(crate) struct Masked(pub(crate) BTreeSet<PathBuf>);

// === impl Masked ===

impl writ_policy::Files for Masked {
    fn entry(&self, path: &Path) -> Entry {
        Files.entry(path)
    }

    fn status(&self, path: &Path) -> Option<Status> {
        Files.status(path)
    }

    fn origin(&self, path: &Path) -> Option<PathBuf> {
        Files.origin(path)
    }

    fn text(&self, root: &Path, path: &Path, most: u64) -> Option<String> {
        if self.is_blank(path) { None } else { writ_policy::Files::text(&Files, root, path, most) }
    }

    fn is_blank(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    fn names(&self, folder: &Path, most: usize) -> Vec<Name> {
        Files.names(folder, most)
    }
}

/// SHA-256 of bytes in hand.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref());
    Digest::new(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_readable_file_has_a_digest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("script.sh");
        std::fs::write(&file, "abc").unwrap();
        let digest = Files.digest(&file).unwrap().to_string();
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Files.digest(folder.path()), None);
        assert_eq!(Files.digest(&folder.path().join("missing")), None);
        assert_eq!(Files.digest(Path::new("/dev/zero")), None);
    }

    #[test]
    fn only_small_text_of_the_folder_is_read() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("Makefile"), "secret").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        std::fs::write(at("sub/Makefile"), "all:").unwrap();
        std::fs::write(at("large"), vec![b'x'; 65]).unwrap();
        std::fs::write(at("binary"), [0xff, 0xfe]).unwrap();
        std::os::unix::fs::symlink(outside.path(), at("out")).unwrap();
        std::os::unix::fs::symlink(at("sub/Makefile"), at("absolute")).unwrap();
        std::os::unix::fs::symlink("sub/Makefile", at("within")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        let text = |name: &str| writ_policy::Files::text(&Files, folder.path(), &at(name), 64);
        assert_eq!(text("sub/Makefile").as_deref(), Some("all:"));
        assert_eq!(text("within").as_deref(), Some("all:"));
        for name in ["out/Makefile", "absolute", "large", "binary", "pipe", "sub", "missing", "sub/../../x"] {
            assert_eq!(text(name), None, "{name}");
        }
        assert_eq!(writ_policy::Files::text(&Files, folder.path(), Path::new("/etc/passwd"), 64 << 10), None);
    }

    #[test]
    fn a_pipe_does_not_hold_the_door_up() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(Files.digest(&pipe), None);
    }

    /// A second name of a file is told by its numbers, a folder has one name, and nothing is no file.
    #[test]
    fn a_hard_link_is_the_file_itself() {
        use writ_policy::Files as _;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        std::fs::write(at("key"), "x").unwrap();
        std::fs::write(at("other"), "x").unwrap();
        std::fs::hard_link(at("key"), at("notes.txt")).unwrap();
        let (key, notes) = (Files.status(&at("key")).unwrap(), Files.status(&at("notes.txt")).unwrap());
        assert_eq!((key.file, key.names), (notes.file, 2));
        assert_eq!(Files.status(&at("other")).unwrap().names, 1);
        assert_eq!(Files.status(&at("sub")).unwrap().names, 1);
        assert_eq!(Files.status(&at("missing")), None);
        assert_eq!(Files.origin(&at("key")), None);
        let mut names: Vec<_> =
            Files.names(folder.path(), 10).into_iter().map(|entry| (entry.name, entry.is_folder)).collect();
        names.sort();
        let found: Vec<_> = names.iter().map(|(name, is_folder)| (name.as_str(), *is_folder)).collect();
        assert_eq!(found, [("key", false), ("notes.txt", false), ("other", false), ("sub", true)]);
        assert_eq!(Files.names(folder.path(), 2).len(), 2);
        assert_eq!(Files.names(&at("missing"), 2), []);

        // As the judge sees it.
        let workspace = writ_policy::Workspace {
            root: folder.path().to_owned(),
            home: Some(at("home")),
            ..writ_policy::Workspace::default()
        };
        std::fs::create_dir_all(at("home/.ssh")).unwrap();
        std::fs::hard_link(at("key"), at("home/.ssh/id_rsa")).unwrap();
        let root = folder.path().to_str().unwrap();
        let placed = workspace.place(&Files, root, "notes.txt").unwrap();
        assert!(placed.iter().any(|placed| placed.place == writ_model::Place::Secret), "{placed:?}");
    }
}
