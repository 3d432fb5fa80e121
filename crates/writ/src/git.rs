//! The git door's port, kept over the real program: mirrors of remotes, and rooms in which pushes are looked at.
//!
//! ```text
//! FOLDER/DIGEST/mirror.git     what the remote gave or took, and nothing else
//! FOLDER/DIGEST/room-N-N/      the objects of one push: removed when it was decided, or when its supervisor is gone
//! ```
//!
//! Git runs with an environment of our own: no configuration of system, user or agent, no hooks, no replaced objects, no
//! grafts, no way out but the one fetch, an end in time, and bounds on what it says, keeps and allocates.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use writ_gateway::git::{GitError, Mirrors, ObjectFormat};
use writ_gateway::http::port::Wait;
use writ_model::Secret;

use crate::wire::sha256;

mod answer;
pub(crate) mod base;
pub(crate) mod blob;
mod clean;
pub(crate) mod history;
mod room;
mod run;

pub(crate) use clean::clean;
pub(crate) use room::GitRoom;
pub(crate) use run::size_of;
use run::{Input, Run};

/// Longest time that a fetch may take, and that one waits for another of the same mirror.
const FETCH_WITHIN: Duration = Duration::from_secs(120);
/// Longest time of anything else.
const LOOK_WITHIN: Duration = Duration::from_secs(60);
/// Most bytes of a mirror.
const MAX_MIRROR_BYTES: u64 = 8 << 30;
/// How often a lock is tried again.
const LOCK_AGAIN: Duration = Duration::from_millis(10);

/// Where a remote is fetched from.
pub(crate) struct Remote {
    /// Of `http://` or `https://`.
    pub(crate) url: String,
    /// Headers that let the supervisor in there, as `Name: value`. Given to git by its environment, which only this user
    /// sees, and never by its arguments.
    pub(crate) headers: Vec<Secret>,
}

/// Says where a remote, as `forge.example/team/app`, is fetched from; `None` when it is not. Asked for each fetch, so that
/// a credential that was taken back counts with the next one.
pub(crate) type Routes = Box<dyn Fn(&str) -> Wait<'static, Option<Remote>> + Send + Sync>;

/// The mirrors of one state directory.
pub(crate) struct GitMirrors {
    folder: PathBuf,
    routes: std::sync::Arc<Routes>,
    /// Tells rooms of this process apart.
    rooms: AtomicU64,
}

// === impl GitMirrors ===

impl GitMirrors {
    /// Mirrors below this folder, which no agent sees.
    pub(crate) fn new(folder: &Path, routes: Routes) -> Self {
        Self { folder: folder.to_owned(), routes: std::sync::Arc::new(routes), rooms: AtomicU64::new(0) }
    }
}

impl Mirrors for GitMirrors {
    type Room = GitRoom;

    async fn open(&self, remote: &str, format: ObjectFormat) -> Result<GitRoom, GitError> {
        let name = sha256(format!("{remote}\n{}", format.name()).as_bytes()).to_string();
        let folder = self.folder.join(name.get(..24).unwrap_or(&name));
        private_folder(&folder)?;
        let lock = lock(&folder.join("lock"), LOOK_WITHIN).await?;
        sweep(&folder);
        let mirror = folder.join("mirror.git");
        if !mirror.join("HEAD").is_file() {
            let mut command = clean(&mirror, &["PATH"], &[], "");
            command.args(["init", "--quiet", "--bare", "--template=", "--initial-branch=none"]);
            command.arg(format!("--object-format={}", format.name()));
            Run::new("init", LOOK_WITHIN).of(command, Input::Nothing).await?.good()?;
        }
        let number = self.rooms.fetch_add(1, Ordering::Relaxed);
        let room = GitRoom::new(
            folder.join(format!("room-{}-{number}", std::process::id())),
            mirror,
            folder.join("lock"),
            remote.to_owned(),
            std::sync::Arc::clone(&self.routes),
        )?;
        drop(lock);
        Ok(room)
    }
}

/// Removes rooms that nobody is in any more: whoever is holds the room's lock.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_room = entry.file_name().to_str().is_some_and(|name| name.starts_with("room-"));
        let free = || {
            let Ok(held) = File::open(entry.path().join("held")) else { return true };
            flock(&held, FlockOperation::NonBlockingLockExclusive).is_ok()
        };
        if is_room && free() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn private_folder(folder: &Path) -> Result<(), GitError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| GitError::Unavailable(format!("could not use `{}`: {error}", folder.display())))
}

/// Holds this file as long as it lives; others wait, at most so long.
async fn lock(path: &Path, within: Duration) -> Result<File, GitError> {
    let failed =
        |error: std::io::Error| GitError::Unavailable(format!("could not use `{}`: {error}", path.display()));
    let file =
        File::options().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(failed)?;
    let start = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if start.elapsed() < within => {
                tokio::time::sleep(LOCK_AGAIN).await;
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(GitError::Bound("another push holds the mirror".to_owned()));
            }
            Err(error) => return Err(failed(error.into())),
        }
    }
}

#[cfg(test)]
mod tests;
