//! One push from the client's first byte to a body for the server, or to a refusal that git shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use writ_model::{Account, Push};

use super::advertisement::Advertisement;
use super::capability::Capabilities;
use super::command::{Command, CommandError, CommandReader, Commands, Heading};
use super::inflate::{InflateError, Inflater};
use super::inspect::{Inspected, inspect};
use super::report::{self, Report};
use super::room::{GitError, Mirrors, NewCommits, Room};
use super::spool::{Arriving, Spool, SpoolError, SpoolReader};

/// Most remotes whose capabilities are remembered, most pushes that lie on disk at once, most that are looked at.
const MAX_REMOTES: usize = 256;
const MAX_PUSHES: usize = 8;
const MAX_INSPECTIONS: usize = 2;
/// Longest time that a push is looked at, and most bytes that are taken and thrown away after a refusal.
const INSPECT_WITHIN: Duration = Duration::from_secs(180);
const MAX_DRAINED_BYTES: u64 = super::spool::MAX_PACK_BYTES + (1 << 30);

/// Why a push is refused before anybody is asked about it.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Inflate(#[from] InflateError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the refs of this repository were not asked for before the push")]
    NotAdvertised,
    #[error("the pack holds {0} objects that no pushed ref reaches")]
    Strays(usize),
    #[error("a push that only deletes carries no pack")]
    PackBesideDeletes,
    #[error("{MAX_PUSHES} pushes are under way already; wait for one to end")]
    TooMany,
    #[error("the body goes on for more than {MAX_DRAINED_BYTES} bytes")]
    Endless,
    #[error("the push could not be looked at within {INSPECT_WITHIN:?}")]
    Late,
}

/// How a body is encoded on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Gzip,
}

/// Takes pushes of one task.
pub struct PushDoor<M: Mirrors> {
    inner: Arc<Inner<M>>,
}

struct Inner<M> {
    mirrors: M,
    /// What servers said they can, by remote. Guarded for the time of one look-up.
    offered: Mutex<BTreeMap<String, Capabilities>>,
    pushes: Arc<Semaphore>,
    inspections: Arc<Semaphore>,
}

/// A push that is being received.
pub struct Intake<M: Mirrors> {
    inner: Arc<Inner<M>>,
    remote: String,
    account: Account,
    inflater: Option<Inflater>,
    taken: u64,
    state: State<M::Room>,
}

enum State<R> {
    /// Boxed, because it is the larger one by far and soon over.
    Commands(Box<CommandReader>),
    Pack {
        commands: Commands,
        laid: Laid<R>,
    },
    Failed {
        commands: Option<Commands>,
        error: PushError,
    },
}

/// Where the objects of a push lie. Ends with all of it.
struct Laid<R> {
    spool: Option<Spool>,
    /// The one task by which the pack gets into the room while it arrives; ended with this.
    taking: JoinSet<Result<Known, GitError>>,
    room: Arc<R>,
    _permit: OwnedSemaphorePermit,
}

/// Whether the objects of a push are in its room: not where they build on some that are not here.
type Known = bool;

/// What a request to receive-pack turned out to be.
pub enum Received<M: Mirrors> {
    /// The client looks whether it may speak at all: an empty answer with status 200 says yes.
    Probe,
    Push(Box<Prepared<M::Room>>),
    Refused(Refused),
}

/// A push that is not passed on, whatever anybody decides.
#[derive(Debug)]
pub struct Refused {
    pub error: PushError,
    /// The answer for the client with status 200, where its request was understood far enough that git shows it.
    pub body: Option<Vec<u8>>,
}

/// A push that lies here whole, and was looked at.
pub struct Prepared<R> {
    push: Push,
    commits: NewCommits,
    commands: Commands,
    /// What the client asked for beside them, and does not go on.
    left: Vec<Command>,
    laid: Laid<R>,
    inspections: Arc<Semaphore>,
}

/// The body of a push on its way to the server. The room lives as long.
pub struct Forward<R> {
    head: Vec<u8>,
    length: u64,
    pack: Option<SpoolReader>,
    laid: Laid<R>,
}

// === impl PushDoor ===

impl<M: Mirrors> PushDoor<M> {
    pub fn new(mirrors: M) -> Self {
        Self {
            inner: Arc::new(Inner {
                mirrors,
                offered: Mutex::default(),
                pushes: Arc::new(Semaphore::new(MAX_PUSHES)),
                inspections: Arc::new(Semaphore::new(MAX_INSPECTIONS)),
            }),
        }
    }

    /// Remembers what the server of a remote said it can. Its advertisement must have been read to the end.
    ///
    /// # Errors
    /// When the advertisement is not whole.
    pub fn advertised(
        &self,
        remote: &str,
        advertisement: Advertisement,
    ) -> Result<(), super::AdvertisementError> {
        let capabilities = advertisement.finish()?;
        let mut offered = self.inner.offered.lock().unwrap_or_else(PoisonError::into_inner);
        if offered.len() >= MAX_REMOTES && !offered.contains_key(remote) {
            offered.pop_first();
        }
        offered.insert(remote.to_owned(), capabilities);
        Ok(())
    }

    /// Begins to receive a push to this remote, in the name of this account.
    #[must_use]
    pub fn receive(&self, remote: &str, account: Account, encoding: Encoding) -> Intake<M> {
        let offered = self.inner.offered.lock().unwrap_or_else(PoisonError::into_inner).get(remote).cloned();
        let state = match offered {
            Some(offered) => State::Commands(Box::new(CommandReader::new(offered))),
            None => State::Failed { commands: None, error: PushError::NotAdvertised },
        };
        Intake {
            inner: Arc::clone(&self.inner),
            remote: remote.to_owned(),
            account,
            inflater: (encoding == Encoding::Gzip).then(Inflater::default),
            taken: 0,
            state,
        }
    }
}

// === impl Intake ===

impl<M: Mirrors> Intake<M> {
    /// Takes the next bytes of the body. What is wrong with them is said at the end, because git shows an answer only
    /// when it could send all it wanted.
    ///
    /// # Errors
    /// When there is no end in sight; the connection is to be closed.
    pub async fn take(&mut self, mut bytes: &[u8]) -> Result<(), PushError> {
        self.taken = self.taken.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.taken > MAX_DRAINED_BYTES {
            return Err(PushError::Endless);
        }
        let Some(mut inflater) = self.inflater.take() else {
            self.plain(bytes).await;
            return Ok(());
        };
        let mut piece = Vec::new();
        loop {
            match inflater.next(&mut bytes, &mut piece) {
                Ok(true) => self.plain(&piece).await,
                Ok(false) => break,
                Err(error) => {
                    self.fail(error.into()).await;
                    break;
                }
            }
        }
        self.inflater = Some(inflater);
        Ok(())
    }

    /// Looks at the push, once the whole body was taken.
    pub async fn finish(mut self) -> Received<M> {
        if let Some(inflater) = &mut self.inflater
            && let Err(error) = inflater.finish()
        {
            self.fail(error.into()).await;
        }
        let (commands, mut laid) = match self.state {
            State::Failed { commands, error } => {
                return Received::Refused(Refused::of(commands.as_ref(), error));
            }
            State::Commands(reader) => {
                return match reader.finish() {
                    Ok(Heading::Probe) => Received::Probe,
                    Ok(Heading::Push(_)) => Received::Refused(Refused::of(None, CommandError::End.into())),
                    Err(error) => Received::Refused(Refused::of(None, error.into())),
                };
            }
            State::Pack { commands, laid } => (commands, laid),
        };
        let looked =
            tokio::time::timeout(INSPECT_WITHIN, look(&self.inner.inspections, &commands, &mut laid));
        let seen = match looked.await.unwrap_or(Err(PushError::Late)) {
            Ok(seen) => seen,
            Err(error) => {
                laid.taking.shutdown().await;
                return Received::Refused(Refused::of(Some(&commands), error));
            }
        };
        let push = Push {
            remote: self.remote,
            updates: seen.updates,
            options: commands.options.clone(),
            paths: seen.paths,
            commits: Vec::new(),
            // Which they are is not known here.
            more_commits: true,
            is_cut: seen.is_cut,
            findings: seen.findings.list,
            account: self.account,
        };
        let (inspections, commits) = (Arc::clone(&self.inner.inspections), seen.commits);
        Received::Push(Box::new(Prepared { push, commits, commands, left: Vec::new(), laid, inspections }))
    }

    async fn plain(&mut self, mut bytes: &[u8]) {
        loop {
            match &mut self.state {
                State::Failed { .. } => return,
                State::Pack { laid, .. } => {
                    if bytes.is_empty() {
                        return;
                    }
                    let taken = match &mut laid.spool {
                        Some(spool) => spool.take(bytes).await.map_err(PushError::Spool),
                        None => Err(PushError::PackBesideDeletes),
                    };
                    if let Err(error) = taken {
                        self.fail(error).await;
                    }
                    return;
                }
                State::Commands(reader) => match reader.take(&mut bytes) {
                    Ok(false) => return,
                    Ok(true) => self.lay().await,
                    Err(error) => self.fail(error.into()).await,
                },
            }
        }
    }

    /// Makes room for a push whose commands are known.
    async fn lay(&mut self) {
        let gone = State::Failed { commands: None, error: CommandError::End.into() };
        let State::Commands(reader) = std::mem::replace(&mut self.state, gone) else { return };
        let commands = match reader.finish() {
            Ok(Heading::Push(commands)) => commands,
            Ok(Heading::Probe) => return,
            Err(error) => return self.fail(error.into()).await,
        };
        self.state = match self.laid(&commands).await {
            Ok(laid) => State::Pack { commands, laid },
            Err(error) => State::Failed { commands: Some(commands), error },
        };
    }

    async fn laid(&self, commands: &Commands) -> Result<Laid<M::Room>, PushError> {
        let permit = Arc::clone(&self.inner.pushes).try_acquire_owned().map_err(|_| PushError::TooMany)?;
        let room = self.inner.mirrors.open(&self.remote, commands.format).await?;
        let room = Arc::new(room);
        let (mut spool, mut arriving) = (None, None);
        if commands.have_pack() {
            let made = Spool::within(room.folder()).await?;
            arriving = Some(made.arriving().await?);
            spool = Some(made);
        }
        let mut taking = JoinSet::new();
        taking.spawn(take_in(Arc::clone(&room), arriving));
        Ok(Laid { spool, taking, room, _permit: permit })
    }

    /// The first thing that is wrong is the reason. What was taken by then is gone when this returns.
    async fn fail(&mut self, error: PushError) {
        let gone = State::Failed { commands: None, error: PushError::Late };
        self.state = match std::mem::replace(&mut self.state, gone) {
            State::Commands(_) => State::Failed { commands: None, error },
            State::Pack { commands, mut laid } => {
                laid.taking.shutdown().await;
                State::Failed { commands: Some(commands), error }
            }
            State::Failed { commands, error } => State::Failed { commands, error },
        };
    }
}

/// Brings the mirror up to the remote and takes the pack into the room, while the client still sends it.
async fn take_in<R: Room>(room: Arc<R>, pack: Option<Arriving>) -> Result<Known, GitError> {
    if let Err(error) = room.refresh().await {
        // Less is known then, and what is not known counts as the worst.
        tracing::warn!(%error, "the mirror of a remote is not up to date");
    }
    let Some(pack) = pack else { return Ok(true) };
    match room.index(pack).await {
        Ok(()) => Ok(true),
        Err(GitError::Bases) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn look<R: Room>(
    inspections: &Semaphore,
    commands: &Commands,
    laid: &mut Laid<R>,
) -> Result<Inspected, PushError> {
    if let Some(spool) = &mut laid.spool {
        spool.finish().await?;
    }
    let is_known = match laid.taking.join_next().await {
        Some(Ok(taken)) => taken?,
        Some(Err(error)) => return Err(GitError::Unavailable(error.to_string()).into()),
        None => return Err(GitError::Unavailable("nobody took the pack in".to_owned()).into()),
    };
    let _permit = inspections.acquire().await.map_err(|_| PushError::TooMany)?;
    let seen = inspect(&*laid.room, commands, is_known).await;
    if seen.strays > 0 { Err(PushError::Strays(seen.strays)) } else { Ok(seen) }
}

// === impl Refused ===

impl Refused {
    fn of(commands: Option<&Commands>, error: PushError) -> Self {
        let body = commands.map(|commands| report::refused_pack(commands, &error.to_string()));
        Self { error, body }
    }
}

// === impl Prepared ===

impl<R: Room> Prepared<R> {
    /// What is decided on.
    #[must_use]
    pub fn push(&self) -> &Push {
        &self.push
    }

    /// The commits that it brings, for the record.
    #[must_use]
    pub fn commits(&self) -> &NewCommits {
        &self.commits
    }

    /// What the client asked for: the old and new tips stand here, and whether it is all or nothing.
    #[must_use]
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The answer that refuses it, with one reason per ref in the order of [`Self::commands`], where there is one. Refs
    /// that were taken out are refused with it.
    #[must_use]
    pub fn refuse(self, reasons: &[Option<String>], says: &[String]) -> Vec<u8> {
        let Self { mut commands, left, .. } = self;
        commands.list.extend(left);
        report::refusal(&commands, reasons, says)
    }

    /// Takes out the refs that are not to be kept, in the order of [`Self::commands`], and looks at the rest as a push of its
    /// own. Says whether that could be done; nothing has changed where not. It cannot where the push is atomic, or where
    /// the pack holds objects that no ref of the rest reaches: they would lie at the server all the same.
    pub async fn narrow(&mut self, keep: &[bool]) -> bool {
        if self.commands.is_atomic() || keep.len() != self.commands.list.len() {
            return false;
        }
        let is_kept = |at: usize| keep.get(at).copied().unwrap_or(false);
        let mut rest = self.commands.clone();
        let mut at = 0..;
        rest.list.retain(|_| at.next().is_some_and(is_kept));
        if rest.list.is_empty() || (self.laid.spool.is_some() && !rest.have_pack()) {
            return false;
        }
        let looked = tokio::time::timeout(INSPECT_WITHIN, async {
            let _permit = self.inspections.acquire().await.ok()?;
            Some(inspect(&*self.laid.room, &rest, true).await)
        });
        let Ok(Some(seen)) = looked.await else { return false };
        if seen.strays > 0 || seen.is_cut {
            return false;
        }
        let mut at = 0..;
        self.left.extend(self.commands.list.iter().filter(|_| !at.next().is_some_and(is_kept)).cloned());
        self.commands = rest;
        self.push.updates = seen.updates;
        self.push.paths = seen.paths;
        self.push.findings = seen.findings.list;
        self.commits = seen.commits;
        true
    }

    /// What was taken out.
    #[must_use]
    pub fn left(&self) -> &[Command] {
        &self.left
    }

    /// The body for the server, not encoded.
    ///
    /// # Errors
    /// When the pack cannot be read any more.
    pub async fn forward(self) -> Result<Forward<R>, PushError> {
        let head = self.commands.bytes();
        let (pack, bytes) = match &self.laid.spool {
            Some(spool) => (Some(spool.reader().await?), spool.bytes()),
            None => (None, 0),
        };
        let length = bytes.saturating_add(u64::try_from(head.len()).unwrap_or(u64::MAX));
        Ok(Forward { head, length, pack, laid: self.laid })
    }
}

// === impl Forward ===

impl<R: Room> Forward<R> {
    /// Bytes of the whole body.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next piece, at most 1 MiB; `None` at the end.
    ///
    /// # Errors
    /// When the disk fails: the request must be broken off, so that the server takes nothing.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, PushError> {
        if !self.head.is_empty() {
            return Ok(Some(std::mem::take(&mut self.head)));
        }
        match &mut self.pack {
            None => Ok(None),
            Some(reader) => Ok(Some(reader.next().await?).filter(|piece| !piece.is_empty())),
        }
    }

    /// Ends the push with what the server said of it. Where it took everything, the mirror keeps the objects; that it
    /// does not is no failure of the push.
    pub async fn finish(self, report: &Report) {
        let is_whole = report.unpack.is_none()
            && !report.refs.is_empty()
            && report.refs.iter().all(|status| status.refused.is_none());
        if is_whole
            && self.laid.spool.is_some()
            && let Err(error) = self.laid.room.adopt().await
        {
            tracing::warn!(%error, "the mirror does not keep the objects of a push");
        }
    }
}
