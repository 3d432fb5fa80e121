//! Watches from outside that what is kept from the agent still is the same file.
//!
//! What is kept lies under a mount inside. When somebody outside takes such a file away or puts another in its place, the
//! kernel takes the mount away as well, in every mount namespace (`mount_namespaces(7)`), and the agent could write or
//! read what is there then. Nothing inside can cause that: a mount point is busy there. So whoever did it is no agent of
//! this run, and the run ends: what it was allowed rests on protection that is gone.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::sync::oneshot;

/// Most folders that are watched by one run; the kernel gives each user a number of them.
const MOST_FOLDERS: usize = 2_048;
/// Most files and folders that are looked at.
const MOST_KEPT: usize = 20_000;
/// Between two looks at all of them: the kernel tells of no change on some file systems.
const LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// Bytes of news that are read at once.
const NEWS_BYTES: usize = 16 << 10;

/// What makes a file the same one. A number is given again when a file is gone, so its birth counts too, where it is
/// known.
type Identity = (u64, u64, Option<SystemTime>);

/// What is watched, as it was before the run.
#[derive(Debug, Default)]
pub(in crate::cli::run) struct Vigil {
    kept: BTreeMap<PathBuf, Identity>,
    news: Option<OwnedFd>,
    folders: HashMap<i32, PathBuf>,
    /// Every folder of them is watched.
    whole: bool,
}

/// Watching goes on until this is dropped.
pub(in crate::cli::run) struct Watching {
    _stop: UnixStream,
    replaced: oneshot::Receiver<PathBuf>,
}

// === impl Vigil ===

impl Vigil {
    /// Takes note of what is kept below some folders. Names that are absent are nobody's.
    pub(in crate::cli::run) fn of(roots: &[PathBuf], kept: &[PathBuf]) -> Self {
        let mut vigil = Self { whole: true, ..Self::default() };
        for path in kept {
            let end = path.canonicalize().ok().filter(|end| end != path);
            for path in std::iter::once(path.clone()).chain(end) {
                // The folders around it, for a move of one of them moves what is kept out of its place.
                for around in path.ancestors() {
                    if roots.iter().any(|root| around.starts_with(root) && around != root) {
                        vigil.keep(around);
                    }
                }
            }
        }
        vigil.news = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        vigil.whole &= vigil.news.is_some();
        let Some(news) = &vigil.news else { return vigil };
        let flags = WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        let folders: std::collections::BTreeSet<&Path> =
            vigil.kept.keys().filter_map(|path| path.parent()).collect();
        for folder in folders {
            match inotify::add_watch(news, folder, flags) {
                Ok(number) if vigil.folders.len() < MOST_FOLDERS => {
                    vigil.folders.insert(number, folder.to_owned());
                }
                Ok(_) | Err(_) => {
                    vigil.whole = false;
                    break;
                }
            }
        }
        vigil
    }

    fn keep(&mut self, path: &Path) {
        if self.kept.contains_key(path) {
            return;
        }
        if self.kept.len() >= MOST_KEPT {
            self.whole = false;
            return;
        }
        if let Some(identity) = identity(path) {
            self.kept.insert(path.to_owned(), identity);
        }
    }

    /// What a person has to know; nothing when everything is watched.
    pub(in crate::cli::run) fn told(&self) -> Option<&'static str> {
        (!self.whole).then_some(
            "not every file that is kept from the agent is watched at once (this machine has no watches left, or there are \
             too many files): the others are looked at each second, so do not replace such files while the task goes on",
        )
    }

    /// Watches, on a thread of its own.
    ///
    /// # Errors
    /// When there is no thread.
    pub(in crate::cli::run) fn watch(self) -> std::io::Result<Watching> {
        let (stop, stopped) = UnixStream::pair()?;
        let (tell, replaced) = oneshot::channel();
        std::thread::Builder::new().name("vigil".to_owned()).spawn(move || {
            if let Some(path) = self.first_replaced(&stopped) {
                // Nobody listens any more when something else ended the run.
                let _ = tell.send(path);
            }
        })?;
        Ok(Watching { _stop: stop, replaced })
    }

    /// Waits for the first that is not what it was; nothing when told to stop.
    fn first_replaced(&self, stopped: &UnixStream) -> Option<PathBuf> {
        let between = Duration::from_secs(LOOK.tv_sec.unsigned_abs());
        let mut looked: Option<Instant> = None;
        loop {
            let mut waits = vec![PollFd::new(stopped, PollFlags::IN)];
            waits.extend(self.news.as_ref().map(|news| PollFd::new(news, PollFlags::IN)));
            if looked.is_some()
                && let Err(error) = poll(&mut waits, Some(&LOOK))
                && error != Errno::INTR
            {
                return self.kept.keys().next().cloned();
            }
            if waits.first().is_some_and(|stop| !stop.revents().is_empty()) {
                return None;
            }
            let (named, unclear) = self.news();
            if named.is_some() {
                return named;
            }
            if unclear || looked.is_none_or(|at| at.elapsed() >= between) {
                looked = Some(Instant::now());
                let other = self.kept.iter().find(|(path, was)| identity(path).as_ref() != Some(*was));
                if let Some((path, _)) = other {
                    return Some(path.clone());
                }
            }
        }
    }

    /// What the kernel says went away; and whether it said something that is only understood by looking.
    fn news(&self) -> (Option<PathBuf>, bool) {
        let Some(news) = &self.news else { return (None, false) };
        let mut space = [MaybeUninit::<u8>::uninit(); NEWS_BYTES];
        let mut reader = inotify::Reader::new(news, &mut space);
        let mut unclear = false;
        while let Ok(event) = reader.next() {
            match (self.folders.get(&event.wd()), event.file_name()) {
                (Some(folder), Some(name)) => {
                    let path = folder.join(OsStr::from_bytes(name.to_bytes()));
                    if self.kept.contains_key(&path) {
                        return (Some(path), false);
                    }
                }
                (Some(_), None) | (None, _) => unclear = true,
            }
        }
        (None, unclear)
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let found = path.symlink_metadata().ok()?;
    Some((found.dev(), found.ino(), found.created().ok()))
}

// === impl Watching ===

impl Watching {
    /// The first file that was replaced; waits for ever where none is.
    pub(in crate::cli::run) async fn replaced(&mut self) -> PathBuf {
        match (&mut self.replaced).await {
            Ok(path) => path,
            Err(_) => std::future::pending().await,
        }
    }
}
