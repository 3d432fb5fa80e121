//! Policies from a folder.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{Belongs, Found, MAX_BYTES, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, OrganisationError};

/// Reads a folder that is to be in force: one that only its owner, who is this user or root, can write.
pub(crate) fn trusted(folder: &Path) -> Result<Found, OrganisationError> {
    let real = folder.canonicalize().map_err(|source| unreadable(folder, source))?;
    for above in real.ancestors().skip(1) {
        let found = above.symlink_metadata().map_err(|source| unreadable(above, source))?;
        // In a folder like /tmp, where everybody may write, nobody may move another's things.
        if found.mode() & 0o1002 == 0o002 {
            return Err(OrganisationError::OthersCanWrite(above.to_owned()));
        }
    }
    Reading { must_be_ours: true, ..Reading::default() }.whole(&real)
}

/// Reads a folder, or one file, that is only to be looked at.
pub(crate) fn any(path: &Path) -> Result<Found, OrganisationError> {
    Reading::default().whole(path)
}

/// A folder as it is read.
#[derive(Default)]
struct Reading {
    must_be_ours: bool,
    files: usize,
    bytes: u64,
    found: Found,
}

// === impl Reading ===

impl Reading {
    fn whole(mut self, path: &Path) -> Result<Found, OrganisationError> {
        let metadata = path.metadata().map_err(|source| unreadable(path, source))?;
        if metadata.is_dir() {
            self.folder(path, path, 0)?;
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            self.file(path, name)?;
        }
        self.found.sorted(|| path.display().to_string())
    }

    fn folder(&mut self, root: &Path, folder: &Path, depth: usize) -> Result<(), OrganisationError> {
        if depth > MAX_DEPTH {
            return Err(OrganisationError::TooDeep(root.display().to_string()));
        }
        self.check(folder, &folder.symlink_metadata().map_err(|source| unreadable(folder, source))?)?;
        for entry in std::fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
            let path = entry.map_err(|source| unreadable(folder, source))?.path();
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            // What is hidden, as a repository's own folder, is no policy.
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                continue;
            }
            let metadata = path.symlink_metadata().map_err(|source| unreadable(&path, source))?;
            if metadata.is_symlink() {
                return Err(OrganisationError::Link(path));
            }
            if metadata.is_dir() {
                self.folder(root, &path, depth + 1)?;
            } else if Belongs::of(&name).is_some() {
                self.check(&path, &metadata)?;
                self.file(&path, name)?;
            }
        }
        Ok(())
    }

    fn check(&self, path: &Path, metadata: &Metadata) -> Result<(), OrganisationError> {
        if !self.must_be_ours {
            return Ok(());
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() && metadata.uid() != 0 {
            return Err(OrganisationError::ForeignOwner(path.to_owned()));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(OrganisationError::OthersCanWrite(path.to_owned()));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), OrganisationError> {
        // Neither through a link that was put there since, nor waiting for the writer of a pipe.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = File::options()
            .read(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
            .open(path)
            .map_err(|source| unreadable(path, source))?;
        let metadata = file.metadata().map_err(|source| unreadable(path, source))?;
        if !metadata.is_file() {
            return Err(unreadable(path, std::io::Error::other("it is no plain file")));
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|source| unreadable(path, source))?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > MAX_FILE_BYTES {
            return Err(OrganisationError::TooLarge(path.display().to_string()));
        }
        self.files += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.files > MAX_FILES {
            return Err(OrganisationError::TooMany(path.parent().unwrap_or(path).display().to_string()));
        }
        if self.bytes > MAX_BYTES {
            return Err(OrganisationError::TooMuch(path.parent().unwrap_or(path).display().to_string()));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| OrganisationError::NoText(path.display().to_string()))?;
        self.found.take(name, text);
        Ok(())
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> OrganisationError {
    OrganisationError::Unreadable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("teams")).unwrap();
        for (name, text) in
            [("b.cedar", "b"), ("teams/a.cedar", "a"), ("b.tests.toml", ""), ("README.md", "read me")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
            let mode = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(folder.path().join(name), mode).unwrap();
        }
        std::fs::set_permissions(folder.path().join("teams"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        folder
    }

    #[test]
    fn a_folder_is_read_with_what_lies_below_it() {
        let folder = folder();
        let found = trusted(folder.path()).unwrap();
        let names: Vec<&str> = found.policies.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["b.cedar", "teams/a.cedar"]);
        assert_eq!(found.tests.len(), 1);
        assert_eq!(any(folder.path()).unwrap(), found);
        assert_eq!(any(&folder.path().join("b.cedar")).unwrap().policies.len(), 1);
    }

    #[test]
    fn what_others_could_write_is_not_in_force() {
        for (name, mode) in [("", 0o777), ("", 0o770), ("teams", 0o757), ("teams/a.cedar", 0o666)] {
            let folder = folder();
            let path = folder.path().join(name);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = trusted(folder.path());
            assert!(
                matches!(refused, Err(OrganisationError::OthersCanWrite(_))),
                "{name} {mode:o}: {refused:?}"
            );
            assert!(any(folder.path()).is_ok(), "{name} {mode:o}");
        }
    }

    #[test]
    fn a_folder_below_one_that_others_can_write_is_not_in_force() {
        let above = tempfile::tempdir().unwrap();
        let inside = above.path().join("policies");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(inside.join("a.cedar"), "").unwrap();
        std::fs::set_permissions(above.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(trusted(&inside), Err(OrganisationError::OthersCanWrite(_))));
    }

    #[test]
    fn links_pipes_and_nothing_at_all_are_refused() {
        let folder = folder();
        symlink("b.cedar", folder.path().join("c.cedar")).unwrap();
        assert!(matches!(any(folder.path()), Err(OrganisationError::Link(_))));
        std::fs::remove_file(folder.path().join("c.cedar")).unwrap();
        symlink("/etc", folder.path().join("more")).unwrap();
        assert!(matches!(any(folder.path()), Err(OrganisationError::Link(_))));
        std::fs::remove_file(folder.path().join("more")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("p.cedar"), rustix::fs::Mode::RUSR).unwrap();
        assert!(matches!(any(folder.path()), Err(OrganisationError::Unreadable { .. })));
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(any(empty.path()), Err(OrganisationError::Empty(_))));
        assert!(matches!(any(&empty.path().join("none")), Err(OrganisationError::Unreadable { .. })));
    }

    #[test]
    fn bounds_hold() {
        let large = tempfile::tempdir().unwrap();
        let too_much = " ".repeat(usize::try_from(MAX_FILE_BYTES).unwrap() + 1);
        std::fs::write(large.path().join("a.cedar"), too_much).unwrap();
        assert!(matches!(any(large.path()), Err(OrganisationError::TooLarge(_))));
        let deep = tempfile::tempdir().unwrap();
        let bottom = deep.path().join("a/".repeat(MAX_DEPTH + 1));
        std::fs::create_dir_all(&bottom).unwrap();
        assert!(matches!(any(deep.path()), Err(OrganisationError::TooDeep(_))));
        let binary = tempfile::tempdir().unwrap();
        std::fs::write(binary.path().join("a.cedar"), [0xff, 0xfe]).unwrap();
        assert!(matches!(any(binary.path()), Err(OrganisationError::NoText(_))));
    }
}
