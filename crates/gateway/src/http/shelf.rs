//! Bodies on disk: what is too long to be held in memory while a person is asked about it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use aws_lc_rs::digest::{self, SHA256};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, AsyncSeekExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use writ_model::Digest;
use writ_policy::{FormParts, MAX_HELD_NAME_BYTES, ends_in_file};

use super::body::BodyError;
use crate::aside;

/// Longest body that is kept, in bytes.
pub const MAX_KEPT_BYTES: u64 = 512 << 20;
/// Room for all of one run, in MiB.
const ROOM_MIB: usize = 1 << 10;
/// What the head of a part takes at most, with the whole of a short value: a name that stands nearer to the end of the start may
/// have been cut.
const MAX_PART_HEAD_BYTES: usize = 8 << 10;
/// How much is read from the disk at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Why a body is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotKept {
    #[error("it is longer than {MAX_KEPT_BYTES} bytes")]
    TooLong,
    #[error("there is no room for another body")]
    Full,
    #[error("it could not be kept")]
    Disk(#[source] io::Error),
    #[error("it did not come to its end")]
    Broken(#[source] BodyError),
}

/// Where bodies are kept.
pub(super) struct Shelf {
    folder: PathBuf,
    room: Arc<Semaphore>,
    next: AtomicU64,
}

/// A body that is being laid down. Its file has no name.
pub(super) struct Laying {
    file: File,
    bytes: u64,
    digest: digest::Context,
    form: FormParts,
    /// How many names its start has; nothing where one is not whole, or names a method.
    names: Option<u64>,
    room: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

/// All of a body behind its start: what is left of it to be sent.
pub(super) struct Laid {
    file: File,
    left: u64,
    _room: Option<OwnedSemaphorePermit>,
}

/// In place of a body that was read and not kept.
pub(super) struct Lost;

/// What is known of a body that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) bytes: u64,
    pub(super) digest: Digest,
    pub(super) has_all_names: bool,
}

// === impl Shelf ===

impl Shelf {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, room: Arc::new(Semaphore::new(ROOM_MIB)), next: AtomicU64::new(0) }
    }

    /// Begins with the start of a body, which stays in memory. `is_form`: names of parts count.
    pub(super) async fn lay(&self, start: &[u8], is_form: bool) -> Result<Laying, NotKept> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("body-{}-{number}", std::process::id()));
        // In one step: nobody gives up between the two.
        let file = tokio::task::spawn_blocking(move || {
            let file = options().open(&path)?;
            std::fs::remove_file(&path).map(|()| file)
        });
        let file = file.await.map_err(io::Error::other).and_then(|file| file).map_err(NotKept::Disk)?;
        let (form, names) = match is_form {
            true => aside::OTHERS.look(start.len(), || heads(start)).await,
            false => (FormParts::new(MAX_HELD_NAME_BYTES), None),
        };
        let mut digest = digest::Context::new(&SHA256);
        digest.update(start);
        let (file, bytes) = (File::from_std(file), length(start));
        Ok(Laying { file, bytes, digest, form, names, room: Arc::clone(&self.room), taken: None })
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create_new(true).read(true).write(true).mode(0o600);
    options
}

/// How many names there are in the start of a form; nothing unless it ends in a file.
fn heads(start: &[u8]) -> (FormParts, Option<u64>) {
    let mut form = FormParts::new(MAX_HELD_NAME_BYTES);
    let (heads, tail) = start.split_at(start.len().saturating_sub(MAX_PART_HEAD_BYTES));
    let mut names = form.push(heads).is_ok().then(|| form.names());
    names = names.filter(|names| form.push(tail).is_ok() && form.names() == *names);
    let names = names.filter(|_| ends_in_file(start));
    (form, names)
}

// === impl Laying ===

impl Laying {
    pub(super) async fn take(&mut self, piece: &[u8]) -> Result<(), NotKept> {
        self.bytes = self.bytes.saturating_add(length(piece));
        if self.bytes > MAX_KEPT_BYTES {
            return Err(NotKept::TooLong);
        }
        let mib = usize::try_from(self.bytes.div_ceil(1 << 20)).unwrap_or(usize::MAX);
        let taken = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if let Some(more) = u32::try_from(mib.saturating_sub(taken)).ok().filter(|more| *more > 0) {
            let more = Arc::clone(&self.room).try_acquire_many_owned(more).map_err(|_| NotKept::Full)?;
            match &mut self.taken {
                Some(taken) => taken.merge(more),
                None => self.taken = Some(more),
            }
        }
        if self.names.is_some() && self.form.push(piece).is_err() {
            self.names = None;
        }
        self.digest.update(piece);
        self.file.write_all(piece).await.map_err(NotKept::Disk)
    }

    /// What is known of all of it, and what lies here of it, from its beginning.
    pub(super) async fn finish(mut self) -> Result<(Extent, Laid), NotKept> {
        self.file.flush().await.map_err(NotKept::Disk)?;
        let end = self.file.stream_position().await.map_err(NotKept::Disk)?;
        self.file.rewind().await.map_err(NotKept::Disk)?;
        let mut digest = [0; 32];
        digest.iter_mut().zip(self.digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
        let has_all_names =
            self.names.is_some_and(|names| self.form.finish().is_ok() && self.form.names() == names);
        let extent = Extent { bytes: self.bytes, digest: Digest::new(digest), has_all_names };
        Ok((extent, Laid { file: self.file, left: end, _room: self.taken }))
    }
}

// === impl Laid ===

impl Body for Laid {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let mut piece = vec![0; wanted];
        let mut buffer = ReadBuf::new(&mut piece);
        let read = ready!(Pin::new(&mut self.file).poll_read(cx, &mut buffer));
        let filled = buffer.filled().len();
        if let Err(error) = read {
            return Poll::Ready(Some(Err(BodyError::Broken(error.into()))));
        }
        if filled == 0 {
            let error = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Poll::Ready(Some(Err(BodyError::Broken(error.into()))));
        }
        piece.truncate(filled);
        self.left -= length(&piece);
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

// === impl Lost ===

impl Body for Lost {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(Some(Err(BodyError::Broken("it was not kept".into()))))
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
