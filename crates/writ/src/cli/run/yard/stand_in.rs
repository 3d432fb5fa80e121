//! What stands in, for the time of a run, for files that git obeys and folders that editors and clients look into, and
//! that are not there: nothing can be made inside where something lies already that may not be written.
//!
//! A file that appears in `.git` is obeyed by the person's next `git status` outside, while the task still goes on; an
//! editor that is open reads its settings at once. To tell of it at the end would be late. In the working tree folders
//! stand in and no files, because git takes no note of an empty folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, OFlags, flock};

use super::super::inventory::Inventory;
use super::repository::{self, Repository};
use super::trail::follow;

/// Below a repository's folder, with what git makes of nothing.
const FILES: [(&str, &str); 6] =
    // Its own folder is the common one.
    [
        ("commondir", ".\n"),
        ("config", ""),
        ("config.worktree", ""),
        ("info/attributes", ""),
        ("objects/info/alternates", ""),
        ("objects/info/http-alternates", ""),
    ];
/// Longer than any of those texts.
const MAX_TEXT_BYTES: u64 = 64;
const FOLDERS: [&str; 4] = ["branches", "hooks", "info", "remotes"];

/// Below the workspace: what editors and clients that are open outside read again by themselves.
pub(super) const AT_ROOT: [&str; 6] = [".claude", ".cursor", ".devcontainer", ".idea", ".vscode", ".zed"];

/// What was put into a workspace. Dropped, it is taken away again, as far as it is still what was put and no other run
/// needs it.
#[derive(Debug, Default)]
pub(in crate::cli::run) struct StandIns {
    held: Vec<Held>,
    list: Option<Arc<Inventory>>,
}

/// One of them. Every run that relies on it has a shared lock on it, so that the last one takes it away.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    /// The text of a file; nothing for a folder.
    text: Option<&'static str>,
    file: File,
}

// === impl StandIns ===

impl StandIns {
    /// Puts them into every repository that the workspace leads to, into places that settings name and that are absent,
    /// and into the workspace, for names that `is_closed` says may not be made.
    /// What is put is on the list before.
    pub(super) fn put(
        workspace: &Path,
        repository: &Repository,
        list: Option<Arc<Inventory>>,
        is_closed: &dyn Fn(&Path) -> bool,
    ) -> Self {
        let mut put = Self { held: Vec::new(), list };
        for folder in &repository.folders {
            put.fill(folder);
        }
        let named = &repository.named;
        let named =
            named.folders.iter().map(|path| (path, true)).chain(named.files.iter().map(|path| (path, false)));
        for (path, is_folder) in named {
            put.block(workspace, path, is_folder);
        }
        for path in AT_ROOT.map(|name| workspace.join(name)) {
            if is_closed(&path) {
                put.folder(path);
            }
        }
        put
    }

    /// What was put, or is held for another run.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.held.iter().map(|held| held.path.as_path())
    }

    fn fill(&mut self, folder: &Path) {
        let is_repository =
            folder.symlink_metadata().is_ok_and(|found| found.is_dir()) && repository::looks_taken(folder);
        if !is_repository {
            return;
        }
        for name in FOLDERS {
            self.folder(folder.join(name));
        }
        for (name, text) in FILES {
            self.file(folder.join(name), text);
        }
    }

    /// Makes the first part of a path in the workspace that is not there.
    fn block(&mut self, workspace: &Path, path: &Path, is_folder: bool) {
        let Some(trail) = follow(path) else { return };
        let Some(missing) = trail.missing.filter(|path| path.starts_with(workspace)) else {
            // What another run put there is needed by this one too.
            let end = trail.end;
            if end.starts_with(workspace) && end != workspace {
                let text = (!end.is_dir()).then_some("");
                let _ = self.hold(end, text, false);
            }
            return;
        };
        // What another run put there has nothing in it.
        if missing
            .parent()
            .is_some_and(|around| around != workspace && self.hold(around.to_owned(), None, false))
        {
            return;
        }
        if is_folder || missing != trail.end {
            self.folder(missing);
        } else {
            self.file(missing, "");
        }
    }

    // Where the file system is read-only, nothing can be made inside either.

    fn folder(&mut self, path: PathBuf) {
        self.announce(&path, None);
        let made = fs::create_dir(&path).is_ok();
        let _ = self.hold(path, None, made);
    }

    fn file(&mut self, path: PathBuf, text: &'static str) {
        self.announce(&path, Some(text));
        let made = File::create_new(&path).map(|mut file| file.write_all(text.as_bytes())).is_ok();
        let _ = self.hold(path, Some(text), made);
    }

    fn announce(&self, path: &Path, text: Option<&str>) {
        if let Some(list) = self.list.as_ref().filter(|_| path.symlink_metadata().is_err()) {
            list.announce(path, text);
        }
    }

    /// Holds what was made, and what another run made that is still there. Whether it is held.
    fn hold(&mut self, path: PathBuf, text: Option<&'static str>, made: bool) -> bool {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let Ok(file) = File::options().read(true).custom_flags(flags).open(&path) else { return false };
        // What nobody holds is a person's own.
        if !made && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return false;
        }
        let _ = flock(&file, FlockOperation::NonBlockingLockShared);
        // Also what another run made: the last one takes it away.
        if let Some(list) = &self.list {
            list.know(&path, text, &file);
        }
        self.held.push(Held { path, text, file });
        true
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        for Held { path, text, file } in self.held.drain(..).rev() {
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            match text {
                Some(text)
                    if crate::config::read_bytes(&path, MAX_TEXT_BYTES)
                        .is_some_and(|found| found == text.as_bytes()) =>
                {
                    drop(fs::remove_file(path));
                }
                Some(_) => {}
                // Not when something lies in it by now.
                None => drop(fs::remove_dir(path)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path) -> StandIns {
        StandIns::put(root, &repository::of(root, &[], None), None, &|path| path != root.join(".zed"))
    }

    #[test]
    fn what_was_absent_is_absent_again_and_what_was_there_stays() {
        let root = tempfile::tempdir().unwrap();
        let git = root.path().join(".git");
        drop(put(root.path()));
        assert!(!git.exists());
        for folder in ["objects/info", "info"] {
            fs::create_dir_all(git.join(folder)).unwrap();
        }
        fs::create_dir(root.path().join(".idea")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(git.join("info/attributes"), "own").unwrap();
        fs::write(git.join("config"), "[core]\n\thooksPath = own/hooks\n[include]\n\tpath = ../own.cfg\n")
            .unwrap();
        let first = put(root.path());
        assert_eq!(fs::read(git.join("commondir")).unwrap(), b".\n");
        assert!(git.join("hooks").is_dir() && git.join("objects/info/alternates").is_file());
        for name in [".vscode", "own"] {
            assert!(root.path().join(name).is_dir(), "{name}");
        }
        assert!(root.path().join("own.cfg").is_file() && !root.path().join(".zed").exists());
        fs::write(git.join("objects/info/alternates"), "a person's own, meanwhile").unwrap();
        // Another run in the same place relies on the same.
        let second = put(root.path());
        drop(first);
        for name in [".vscode", ".git/commondir", ".git/hooks", "own"] {
            assert!(root.path().join(name).exists(), "{name}");
        }
        drop(second);
        for name in
            ["commondir", "hooks", "objects/info/http-alternates", "../.vscode", "../own", "../own.cfg"]
        {
            assert!(!git.join(name).exists(), "{name}");
        }
        assert_eq!(fs::read(git.join("info/attributes")).unwrap(), b"own");
        assert!(git.join("objects/info/alternates").exists() && root.path().join(".idea").exists());
    }
}
