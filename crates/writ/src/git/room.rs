//! One push's objects beside the mirror of its remote, looked at by git's own commands.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use writ_gateway::git::{
    Arriving, Changes, GitError, MAX_PACK_BYTES, NewCommits, NewObjects, ObjectKind, Oid, Piece, ReadBounds,
    Room,
};

use super::run::{Ended, Input, Run, Running};
use super::{FETCH_WITHIN, LOOK_WITHIN, MAX_MIRROR_BYTES, Remote, Routes, answer, clean, lock};

/// Most new commits and new objects that are listed, and most bytes of a listing.
const MAX_COMMITS: usize = 1_000;
const MAX_OBJECTS: usize = 100_000;
const MAX_LISTING_BYTES: usize = 32 << 20;
/// Each fetch leaves a pack; more than these are made into one.
const MAX_PACKS: usize = 50;
/// The ref of the mirror that is the remote's default branch.
const DEFAULT: &str = "refs/remote/default";
/// Most that git may allocate at once: a delta can promise an object of any size.
const ALLOCATE: &str = "512m";
/// What is larger than this is not taken into memory where git can do without.
const SETTINGS: &[&str] = &["core.bigFileThreshold=16m", "pack.threads=1", "core.packedGitLimit=256m"];
/// What is in a room is lost with it; what the mirror takes over is written through then.
const IN_A_ROOM: &[&str] = &["core.fsync=none"];
const PIECE_BYTES: usize = 64 << 10;

/// A room, which ends with all that is in it.
pub(crate) struct GitRoom {
    folder: PathBuf,
    objects: PathBuf,
    mirror: PathBuf,
    mirror_lock: PathBuf,
    remote: String,
    routes: Arc<Routes>,
    /// Held as long as the room is in use, so that nobody sweeps it away.
    _held: File,
}

/// Which objects a run of git sees.
#[derive(Clone, Copy)]
enum Sees {
    Both,
    Mirror,
    Room,
}

// === impl GitRoom ===

impl GitRoom {
    pub(super) fn new(
        folder: PathBuf,
        mirror: PathBuf,
        mirror_lock: PathBuf,
        remote: String,
        routes: Arc<Routes>,
    ) -> Result<Self, GitError> {
        let failed =
            |error: std::io::Error| GitError::Unavailable(format!("could not make room for a push: {error}"));
        let objects = folder.join("objects");
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
        let held = File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(folder.join("held"))
            .map_err(failed)?;
        flock(&held, FlockOperation::NonBlockingLockExclusive).map_err(|error| failed(error.into()))?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(objects.join("pack"))
            .map_err(failed)?;
        Ok(Self { folder, objects, mirror, mirror_lock, remote, routes, _held: held })
    }

    fn command(&self, sees: Sees, arguments: &[&str]) -> Command {
        let settings = match sees {
            Sees::Mirror => SETTINGS.to_vec(),
            Sees::Room | Sees::Both => [SETTINGS, IN_A_ROOM].concat(),
        };
        let mut command = clean(&self.mirror, &["PATH"], &settings, "");
        command.args(arguments).env("GIT_ALLOC_LIMIT", ALLOCATE);
        match sees {
            Sees::Mirror => {}
            Sees::Room => {
                command.env("GIT_OBJECT_DIRECTORY", &self.objects);
            }
            Sees::Both => {
                command
                    .env("GIT_OBJECT_DIRECTORY", &self.objects)
                    // A quarantine in git's own sense: no ref can be written from within.
                    .env("GIT_QUARANTINE_PATH", &self.objects)
                    .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.mirror.join("objects"));
            }
        }
        command
    }

    async fn list(&self, what: &'static str, arguments: &[&str], input: Input) -> Result<Ended, GitError> {
        let run = Run::new(what, LOOK_WITHIN).answers(MAX_LISTING_BYTES);
        run.of(self.command(Sees::Both, arguments), input).await?.good_or_missing()
    }

    async fn fetch(&self, remote: &Remote, with_default: bool) -> Result<(), GitError> {
        let settings = [
            "http.followRedirects=false",
            "fetch.fsckObjects=false",
            "fetch.unpackLimit=1",
            "pack.threads=1",
        ];
        let mut command =
            clean(&self.mirror, &["PATH", "SSL_CERT_DIR", "SSL_CERT_FILE"], &settings, "http:https");
        // By its environment: arguments are for everybody to read.
        for (at, header) in remote.headers.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{at}"), "http.extraHeader");
            // Exposed to git, which sends it to the one address that it was given for.
            command.env(format!("GIT_CONFIG_VALUE_{at}"), header.expose());
        }
        command.env("GIT_CONFIG_COUNT", remote.headers.len().to_string());
        command.args([
            "fetch",
            "--quiet",
            "--force",
            "--prune",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--",
            &remote.url,
            "+refs/heads/*:refs/remote/heads/*",
            "+refs/tags/*:refs/remote/tags/*",
        ]);
        if with_default {
            command.arg(format!("+HEAD:{DEFAULT}"));
        }
        let run = Run::new("fetch", FETCH_WITHIN).fills(&self.mirror, MAX_MIRROR_BYTES);
        run.of(command, Input::Nothing).await?.good().map(drop)
    }

    /// How many objects of the room are in nobody's reach: not in the list, and not in the mirror.
    async fn strays(&self, reached: &[(Oid, Box<str>)]) -> Result<usize, GitError> {
        let mut packs = std::fs::read_dir(self.objects.join("pack")).into_iter().flatten();
        if packs.next().is_none() {
            return Ok(0);
        }
        let arguments =
            ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered", "--buffer"];
        let run = Run::new("cat-file", LOOK_WITHIN).answers(MAX_LISTING_BYTES);
        let all = run.of(self.command(Sees::Room, &arguments), Input::Nothing).await?.good()?;
        if all.is_cut {
            return Err(GitError::Bound("the pack holds too many objects".to_owned()));
        }
        let reached: BTreeSet<Oid> = reached.iter().map(|(oid, _)| *oid).collect();
        let mut ask = Vec::new();
        for (oid, _) in answer::objects(&all.answer, false)? {
            if !reached.contains(&oid) {
                ask.extend_from_slice(format!("{oid}\n").as_bytes());
            }
        }
        if ask.is_empty() {
            return Ok(0);
        }
        let run = Run::new("cat-file", LOOK_WITHIN).answers(MAX_LISTING_BYTES);
        let command = self.command(Sees::Mirror, &["cat-file", "--batch-check", "--buffer"]);
        let found = run.of(command, Input::Bytes(ask)).await?.good()?;
        Ok(found.answer.split(|byte| *byte == b'\n').filter(|line| line.ends_with(b" missing")).count())
    }
}

impl Room for GitRoom {
    fn folder(&self) -> &Path {
        &self.folder
    }

    async fn refresh(&self) -> Result<(), GitError> {
        let Some(remote) = (self.routes)(&self.remote).await else {
            return Err(GitError::Unavailable("there is no way to fetch from this remote".to_owned()));
        };
        let _lock = lock(&self.mirror_lock, FETCH_WITHIN).await?;
        match self.fetch(&remote, true).await {
            Ok(()) => {}
            // The default branch of an empty repository, and of some others, is not there.
            Err(GitError::Unavailable(said)) if said.contains("couldn't find remote ref HEAD") => {
                self.fetch(&remote, false).await?;
            }
            Err(error) => return Err(error),
        }
        let packs = std::fs::read_dir(self.mirror.join("objects/pack")).into_iter().flatten().flatten();
        let is_pack = |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|end| end == "pack");
        if packs.filter(is_pack).count() > MAX_PACKS {
            let command = self.command(Sees::Mirror, &["repack", "-a", "-d", "-q"]);
            Run::new("repack", FETCH_WITHIN).of(command, Input::Nothing).await?.good()?;
        }
        Ok(())
    }

    async fn index(&self, pack: Arriving) -> Result<(), GitError> {
        let most = format!("--max-input-size={MAX_PACK_BYTES}");
        let arguments = ["index-pack", "--stdin", "--fix-thin", "--fsck-objects", "--threads=1", &most];
        let run = Run::new("index-pack", LOOK_WITHIN).fills(&self.objects, MAX_PACK_BYTES * 2);
        let ended = run.of(self.command(Sees::Both, &arguments), Input::Arriving(pack)).await?;
        match ended.code {
            Some(0) if !ended.has_more && answer::is_name_of_a_pack(&ended.answer) => Ok(()),
            Some(0) => Err(GitError::Pack("more follows it".to_owned())),
            Some(_) if ended.said.contains("unresolved delta") => Err(GitError::Bases),
            Some(_) => Err(GitError::Pack(ended.said)),
            None => Err(GitError::Bound("`git index-pack` was ended".to_owned())),
        }
    }

    async fn adopt(&self) -> Result<(), GitError> {
        let failed = |error: std::io::Error| GitError::Unavailable(format!("could not keep a pack: {error}"));
        let _lock = lock(&self.mirror_lock, LOOK_WITHIN).await?;
        let to = self.mirror.join("objects/pack");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&to).map_err(failed)?;
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.objects.join("pack"))
            .map_err(failed)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        // The index comes last: with it the pack begins to count.
        files.sort_by_key(|path| path.extension().is_some_and(|end| end == "idx"));
        let moved = move || -> std::io::Result<()> {
            for file in files {
                File::open(&file)?.sync_all()?;
                if let Some(name) = file.file_name() {
                    std::fs::rename(&file, to.join(name))?;
                }
            }
            Ok(())
        };
        let moved = tokio::task::spawn_blocking(moved).await;
        moved.map_err(|error| failed(std::io::Error::other(error)))?.map_err(failed)
    }

    async fn contains(&self, new: Oid, old: Oid) -> Result<bool, GitError> {
        let arguments = ["merge-base", "--is-ancestor", &old.to_string(), &new.to_string()];
        let run = Run::new("merge-base", LOOK_WITHIN);
        let ended = run.of(self.command(Sees::Both, &arguments), Input::Nothing).await?;
        match ended.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            Some(_) | None => Err(GitError::Missing(ended.said)),
        }
    }

    async fn default_branch(&self) -> Result<Option<Oid>, GitError> {
        let name = format!("{DEFAULT}^{{commit}}");
        let arguments = ["rev-parse", "--quiet", "--verify", "--end-of-options", &name];
        let run = Run::new("rev-parse", LOOK_WITHIN);
        let ended = run.of(self.command(Sees::Both, &arguments), Input::Nothing).await?;
        Ok(Oid::parse(ended.answer.trim_ascii_end()))
    }

    async fn objects(&self, tips: &[Oid]) -> Result<NewObjects, GitError> {
        let arguments = ["rev-list", "--objects", "--stdin", "--not", "--all"];
        let ended = self.list("rev-list", &arguments, Input::Bytes(lines(tips))).await?;
        let mut found = NewObjects {
            list: answer::objects(&ended.answer, ended.is_cut)?,
            is_cut: ended.is_cut,
            strays: 0,
        };
        // One name can be met twice: a tip that is named by two refs.
        found.is_cut |= found.list.len() > MAX_OBJECTS;
        if !found.is_cut {
            found.strays = self.strays(&found.list).await?;
        }
        found.list.truncate(MAX_OBJECTS);
        Ok(found)
    }

    async fn commits(&self, tips: &[Oid]) -> Result<NewCommits, GitError> {
        let count = format!("--max-count={}", MAX_COMMITS + 1);
        let arguments =
            ["rev-list", "--stdin", "--no-commit-header", &count, answer::COMMIT_FORMAT, "--not", "--all"];
        let ended = self.list("rev-list", &arguments, Input::Bytes(lines(tips))).await?;
        let mut list = answer::commits(&ended.answer)?;
        let is_cut = ended.is_cut || list.len() > MAX_COMMITS;
        list.truncate(MAX_COMMITS);
        Ok(NewCommits { list, is_cut })
    }

    async fn changes_of(&self, commits: &[Oid]) -> Result<Changes, GitError> {
        let arguments = [
            "diff-tree",
            "--stdin",
            "-r",
            "-c",
            "--root",
            "--raw",
            "-z",
            "--no-renames",
            "--no-commit-id",
            "--no-ext-diff",
            "--no-textconv",
        ];
        let ended = self.list("diff-tree", &arguments, Input::Bytes(lines(commits))).await?;
        answer::changes(&ended.answer, ended.is_cut)
    }

    async fn changes_between(&self, old: Oid, new: Oid) -> Result<Changes, GitError> {
        let (old, new) = (old.to_string(), new.to_string());
        let arguments = ["diff-tree", "-r", "--raw", "-z", "--no-renames", "--no-ext-diff", &old, &new];
        let ended = self.list("diff-tree", &arguments, Input::Nothing).await?;
        answer::changes(&ended.answer, ended.is_cut)
    }

    async fn read(
        &self,
        oids: &[Oid],
        bounds: ReadBounds,
        sink: &mut (dyn FnMut(Piece<'_>) + Send),
    ) -> Result<bool, GitError> {
        if oids.is_empty() {
            return Ok(false);
        }
        let mut running = Running::start(self.command(Sees::Both, &["cat-file", "--batch", "--buffer"]))?;
        let (stdin, stdout) = (running.0.stdin.take(), running.0.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(GitError::Unavailable("`git cat-file` has no input or output".to_owned()));
        };
        let ask = lines(oids);
        let write = async move {
            let _ = stdin.write_all(&ask).await;
            drop(stdin);
        };
        let work = async { tokio::join!(write, pieces(stdout, oids, bounds, sink)).1 };
        tokio::time::timeout(LOOK_WITHIN, work)
            .await
            .map_err(|_| GitError::Bound(format!("`git cat-file` took longer than {LOOK_WITHIN:?}")))?
    }
}

impl Drop for GitRoom {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "the objects of a push could not be removed");
        }
    }
}

/// Reads `cat-file --batch`: a heading, the object, a line feed.
async fn pieces(
    stdout: tokio::process::ChildStdout,
    oids: &[Oid],
    bounds: ReadBounds,
    sink: &mut (dyn FnMut(Piece<'_>) + Send),
) -> Result<bool, GitError> {
    let broken =
        || GitError::Unavailable("`git cat-file` answered with something else than expected".to_owned());
    let failed = |error: std::io::Error| GitError::Unavailable(error.to_string());
    let mut from = BufReader::with_capacity(PIECE_BYTES, stdout);
    let mut piece = vec![0; PIECE_BYTES];
    let (mut is_cut, mut total) = (false, 0_u64);
    for at in 0..oids.len() {
        let mut heading = String::new();
        (&mut from).take(256).read_line(&mut heading).await.map_err(failed)?;
        let mut words = heading.trim_end().split(' ').skip(1);
        let kind = match words.next() {
            Some("blob") => ObjectKind::Blob,
            Some("commit") => ObjectKind::Commit,
            Some("tag") => ObjectKind::Tag,
            Some("tree") => ObjectKind::Tree,
            Some("missing") => return Err(GitError::Missing("an object of the push".to_owned())),
            Some(_) | None => return Err(broken()),
        };
        let size: u64 = words.next().and_then(|size| size.parse().ok()).ok_or_else(broken)?;
        let mut done = 0_u64;
        is_cut |= size > bounds.each;
        if size == 0 {
            sink(Piece { at, kind, from: 0, bytes: &[] });
        }
        while done < size {
            let wanted = usize::try_from(size - done).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let into = piece.get_mut(..wanted).ok_or_else(broken)?;
            let count = from.read(into).await.map_err(failed)?;
            if count == 0 {
                return Err(broken());
            }
            let counted = u64::try_from(count).unwrap_or(u64::MAX);
            total = total.saturating_add(counted);
            if total > bounds.all {
                return Ok(true);
            }
            // Beyond its bound an object is only got out of the way.
            if done < bounds.each {
                sink(Piece { at, kind, from: done, bytes: into.get(..count).unwrap_or_default() });
            }
            done += counted;
        }
        let mut end = [0];
        from.read_exact(&mut end).await.map_err(failed)?;
    }
    Ok(is_cut)
}

fn lines(oids: &[Oid]) -> Vec<u8> {
    oids.iter().flat_map(|oid| format!("{oid}\n").into_bytes()).collect()
}
