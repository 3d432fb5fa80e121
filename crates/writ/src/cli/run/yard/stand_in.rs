//! What stands in, for the time of a run, for files that git obeys and folders that editors and clients look into, and
//! that are not there: nothing can be made inside where something lies already that may not be written.
//!
//! A file that appears in `.git` is obeyed by the person's next `git status` outside, while the task still goes on; an
//! editor that is open reads its settings at once. To tell of it at the end would be late. In the working tree folders
//! stand in and no files, because git takes no note of an empty folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use super::super::inventory::{Inventory, Known, put_away_one};
use super::super::note::{Guard, Note, Sort};
use super::super::straight::{Identity, Place};
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
const FOLDERS: [&str; 4] = ["branches", "hooks", "info", "remotes"];

/// Below the workspace: what editors and clients that are open outside read again by themselves.
pub(super) const AT_ROOT: [&str; 6] = [".claude", ".cursor", ".devcontainer", ".idea", ".vscode", ".zed"];

/// What was put into a workspace. Dropped, it is taken away again, as far as it is still what was put and no other run
/// needs it.
#[derive(Debug, Default)]
pub(in crate::cli::run) struct StandIns {
    held: Vec<Held>,
    /// Where it is written down that they are put. Nothing is put before there is one.
    list: Option<Arc<Inventory>>,
}

/// One of them. Every run that relies on it takes part in a note on it, so that the last one takes it away.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    /// The text of a file; nothing for a folder.
    text: Option<&'static str>,
    identity: Identity,
    /// Nothing where none could be written; what this run did not make itself has one.
    note: Option<Note>,
}

// === impl StandIns ===

impl StandIns {
    /// Puts them into every repository that the workspace leads to, into places that settings name and that are absent,
    /// and into the workspace, for names that `is_closed` says may not be made.
    /// What is put is on the list before.
    pub(super) fn put(
        workspace: &Path,
        repository: &Repository,
        list: Arc<Inventory>,
        is_closed: &dyn Fn(&Path) -> bool,
    ) -> Self {
        // Without it another run could end at this moment and take something away that this one relies on, which would end
        // this one.
        let _guard = Guard::hold(list.runs());
        let mut put = Self { held: Vec::new(), list: Some(list) };
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
        let made = Place::of(&path).and_then(|place| place.make_folder()).is_ok();
        let _ = self.hold(path, None, made);
    }

    fn file(&mut self, path: PathBuf, text: &'static str) {
        self.announce(&path, Some(text));
        let made = Place::of(&path).and_then(|place| place.make_file());
        let made = made.and_then(|mut file| file.write_all(text.as_bytes())).is_ok();
        let _ = self.hold(path, Some(text), made);
    }

    fn announce(&self, path: &Path, text: Option<&str>) {
        if let Some(list) = self.list.as_ref().filter(|_| path.symlink_metadata().is_err()) {
            list.announce(path, text);
        }
    }

    /// Holds what was made, and what another run made that is still there. Whether it is held.
    fn hold(&mut self, path: PathBuf, text: Option<&'static str>, made: bool) -> bool {
        let Some(list) = &self.list else { return false };
        let opened = Place::of(&path).and_then(|place| place.open(OFlags::RDONLY));
        let Some(identity) = opened.ok().and_then(|file| Identity::of(&file)) else { return false };
        let note = match Note::take(list.runs(), Sort::StandIn, &path) {
            Ok((mut note, _)) if made => {
                let written = serde_json::to_string(&identity).is_ok_and(|text| note.write(&text).is_ok());
                // One that says nothing is relied on by nobody else.
                Some(note).filter(|_| written)
            }
            Ok((mut note, is_first)) => {
                let known = note.read().ok().and_then(|text| serde_json::from_str::<Identity>(&text).ok());
                // What no run made is a person's own, whatever lock somebody has on it.
                if is_first || known != Some(identity) {
                    let _ = note.is_last();
                    return false;
                }
                Some(note)
            }
            Err(_) if made => None,
            Err(_) => return false,
        };
        // Also what another run made: the last one takes it away.
        list.know(&path, text, identity);
        self.held.push(Held { path, text, identity, note });
        true
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        // Without it two could both take themselves for the last one, which does no harm.
        let _guard = self.list.as_ref().map(|list| Guard::hold(list.runs()));
        for Held { path, text, identity, note } in self.held.drain(..).rev() {
            if note.is_none_or(|note| note.is_last()) {
                put_away_one(&path, text, Known::By(identity));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use rustix::fs::{FlockOperation, flock};

    use super::*;

    fn put(root: &Path, run: &str) -> StandIns {
        let runs = root.with_extension("state").join("run");
        fs::create_dir_all(&runs).unwrap();
        let list = Arc::new(Inventory::begin(&runs, run).unwrap());
        StandIns::put(root, &repository::of(root, &[], None), list, &|path| path != root.join(".zed"))
    }

    /// A workspace in a folder of its own, so that there is a place beside it.
    fn workspace() -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("work");
        fs::create_dir(&root).unwrap();
        (outer, root)
    }

    #[test]
    fn what_was_absent_is_absent_again_and_what_was_there_stays() {
        let (_outer, root) = workspace();
        let git = root.join(".git");
        drop(put(&root, "one"));
        assert!(!git.exists());
        for folder in ["objects/info", "info"] {
            fs::create_dir_all(git.join(folder)).unwrap();
        }
        fs::create_dir(root.join(".idea")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(git.join("info/attributes"), "own").unwrap();
        fs::write(git.join("config"), "[core]\n\thooksPath = own/hooks\n[include]\n\tpath = ../own.cfg\n")
            .unwrap();
        let first = put(&root, "one");
        assert_eq!(fs::read(git.join("commondir")).unwrap(), b".\n");
        assert!(git.join("hooks").is_dir() && git.join("objects/info/alternates").is_file());
        for name in [".vscode", "own"] {
            assert!(root.join(name).is_dir(), "{name}");
        }
        assert!(root.join("own.cfg").is_file() && !root.join(".zed").exists());
        fs::write(git.join("objects/info/alternates"), "a person's own, meanwhile").unwrap();
        // Another run in the same place relies on the same.
        let second = put(&root, "two");
        drop(first);
        for name in [".vscode", ".git/commondir", ".git/hooks", "own"] {
            assert!(root.join(name).exists(), "{name}");
        }
        drop(second);
        for name in
            ["commondir", "hooks", "objects/info/http-alternates", "../.vscode", "../own", "../own.cfg"]
        {
            assert!(!git.join(name).exists(), "{name}");
        }
        assert_eq!(fs::read(git.join("info/attributes")).unwrap(), b"own");
        assert!(git.join("objects/info/alternates").exists() && root.join(".idea").exists());
        let left = fs::read_dir(root.with_extension("state").join("run")).unwrap().flatten();
        let notes = left.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "note"));
        assert_eq!(notes.count(), 0);
    }

    #[test]
    fn attack_a_lock_from_inside_makes_nothing_of_a_persons_go() {
        let (_outer, root) = workspace();
        for folder in [".git/objects/info", ".git/refs", ".git/info", ".idea"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for (name, text) in [(".git/HEAD", "ref: refs/heads/main\n"), (".git/info/attributes", "")] {
            fs::write(root.join(name), text).unwrap();
        }
        // The agent of one run holds all that it can open, a person's own and what stands in.
        let first = put(&root, "one");
        let names = [".idea", ".git/info/attributes", ".vscode", ".git/hooks"];
        let locks = names.map(|name| {
            let file = File::open(root.join(name)).unwrap();
            flock(&file, FlockOperation::LockShared).unwrap();
            file
        });
        drop(put(&root, "two"));
        assert_eq!(names.map(|name| root.join(name).exists()), [true; 4]);
        drop(first);
        assert_eq!(names.map(|name| root.join(name).exists()), [true, true, false, false]);
        drop(locks);
    }

    #[test]
    fn attack_a_link_around_what_stands_in_leads_to_nothing_that_goes() {
        let (outer, root) = workspace();
        for folder in [".git/objects", ".git/refs", "ci", "../other/hooks"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(root.join(".git/config"), "[core]\n\thooksPath = ci/hooks\n").unwrap();
        let put = put(&root, "one");
        assert!(root.join("ci/hooks").is_dir());
        fs::rename(root.join("ci"), root.join("moved")).unwrap();
        std::os::unix::fs::symlink("../other", root.join("ci")).unwrap();
        drop(put);
        assert!(outer.path().join("other/hooks").is_dir());
    }
}
