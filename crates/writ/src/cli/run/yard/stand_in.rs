//! What stands in, for the time of a run, for files that git obeys and that are not there: nothing can be made inside
//! where something lies already that may not be written.
//!
//! A file that appears in `.git` is obeyed by the person's next `git status` outside, while the task still goes on; to
//! tell of it at the end would be late.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::repository;

/// Below a repository's folder, with what git makes of nothing.
const FILES: [(&str, &str); 5] =
    // Its own folder is the common one.
    [
        ("commondir", ".\n"),
        ("config.worktree", ""),
        ("info/attributes", ""),
        ("objects/info/alternates", ""),
        ("objects/info/http-alternates", ""),
    ];
const FOLDERS: [&str; 2] = ["hooks", "info"];

/// What was put into a repository. Dropped, it is taken away again, as far as it is still what was put.
#[derive(Debug, Default)]
pub(in crate::cli::run) struct StandIns {
    folders: Vec<PathBuf>,
    files: Vec<(PathBuf, &'static str)>,
}

// === impl StandIns ===

impl StandIns {
    /// Puts them into every repository that the workspace leads to: its own, that of a worktree, its submodules, remotes
    /// that are folders.
    pub(in crate::cli::run) fn put(workspace: &Path) -> Self {
        let mut put = Self::default();
        for folder in repository::of(workspace).folders {
            put.fill(&folder);
        }
        put
    }

    fn fill(&mut self, folder: &Path) {
        let is_repository =
            folder.symlink_metadata().is_ok_and(|found| found.is_dir()) && folder.join("HEAD").is_file();
        if !is_repository {
            return;
        }
        // Where the file system is read-only, nothing can be made inside either.
        for name in FOLDERS {
            let path = folder.join(name);
            if fs::create_dir(&path).is_ok() {
                self.folders.push(path);
            }
        }
        for (name, text) in FILES {
            let path = folder.join(name);
            let Ok(mut file) = fs::File::create_new(&path) else { continue };
            self.files.push((path, text));
            let _ = file.write_all(text.as_bytes());
        }
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        for (path, text) in &self.files {
            if fs::read(path).is_ok_and(|found| found == text.as_bytes()) {
                drop(fs::remove_file(path));
            }
        }
        for path in self.folders.iter().rev() {
            // Not when something lies in it by now.
            drop(fs::remove_dir(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_absent_is_absent_again_and_what_was_there_stays() {
        let root = tempfile::tempdir().unwrap();
        let git = root.path().join(".git");
        drop(StandIns::put(root.path()));
        assert!(!git.exists());
        for folder in ["objects/info", "info"] {
            fs::create_dir_all(git.join(folder)).unwrap();
        }
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(git.join("info/attributes"), "own").unwrap();
        let put = StandIns::put(root.path());
        assert_eq!(fs::read(git.join("commondir")).unwrap(), b".\n");
        assert!(git.join("hooks").is_dir() && git.join("objects/info/alternates").is_file());
        fs::write(git.join("objects/info/alternates"), "a person's own, meanwhile").unwrap();
        drop(put);
        for name in ["commondir", "hooks", "objects/info/http-alternates"] {
            assert!(!git.join(name).exists(), "{name}");
        }
        assert_eq!(fs::read(git.join("info/attributes")).unwrap(), b"own");
        assert!(git.join("objects/info/alternates").exists());
    }
}
