//! The caller's end of the control socket: many requests and subscriptions over one connection.
//!
//! The server is trusted as far as the directory that its socket lies in; lines are bounded all the same.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::{ApiError, Ask, MAX_REPLY_LINE_BYTES, Op, Reply, Request};

/// Most pushes that wait for a slow subscriber. One more, and the subscription ends.
const MAX_WAITING_PUSHES: usize = 1_024;

/// How long a connection that cannot be written to any more is still read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("could not connect to the control plane")]
    Connect(#[source] std::io::Error),
    /// The connection broke; whether the request was carried out is not known.
    #[error("the control plane hung up")]
    Gone,
    #[error("the control plane gave an answer that this program does not understand")]
    Answer(#[source] serde_json::Error),
    #[error("could not write the request")]
    Request(#[source] serde_json::Error),
    #[error("the control plane refused: {0}")]
    Refused(ApiError),
}

/// One connection. Cheap to clone; all clones share it. It ends when the last clone and subscription are dropped.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// The pushes of one subscription.
pub struct Subscription<A> {
    pushes: mpsc::Receiver<Reply>,
    /// Keeps the connection open.
    _client: Client,
    answer: PhantomData<fn() -> A>,
}

struct Shared {
    /// Guards the sending half, for the length of one line.
    write: tokio::sync::Mutex<OwnedWriteHalf>,
    next_id: AtomicU64,
    /// Guards who waits for which id; held for one look-up.
    waiting: Arc<Mutex<Waiting>>,
    reader: tokio::task::AbortHandle,
}

#[derive(Default)]
struct Waiting {
    by_id: HashMap<u64, mpsc::Sender<Reply>>,
    /// Set when the connection is over: nothing will be answered any more. An error that the server sent to nobody
    /// in particular says why.
    over: Option<Option<ApiError>>,
}

// === impl Client ===

impl Client {
    /// Connects to the socket at `path`.
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).await.map_err(ClientError::Connect)?;
        let (read, write) = stream.into_split();
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let reader = tokio::spawn(read_replies(read, Arc::clone(&waiting))).abort_handle();
        Ok(Self {
            shared: Arc::new(Shared {
                write: tokio::sync::Mutex::new(write),
                next_id: AtomicU64::new(1),
                waiting,
                reader,
            }),
        })
    }

    /// Asks and waits for the answer. Waits as long as the connection lives: a bound is the caller's.
    pub async fn call<A: Ask>(&self, ask: A) -> Result<A::Answer, ClientError> {
        let (id, mut replies) = self.send(ask.into(), 1).await?;
        let _forget = Forget { waiting: &self.shared.waiting, id };
        let reply = replies.recv().await.ok_or_else(|| self.gone())?;
        parse(answered(reply)?)
    }

    /// Subscribes: the server's yes has come when this returns.
    pub async fn watch<A: Ask>(&self, ask: A) -> Result<Subscription<A::Answer>, ClientError> {
        let (_, mut pushes) = self.send(ask.into(), MAX_WAITING_PUSHES).await?;
        let first = pushes.recv().await.ok_or_else(|| self.gone())?;
        answered(first)?;
        Ok(Subscription { pushes, _client: self.clone(), answer: PhantomData })
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        lock(&self.shared.waiting).over.is_some()
    }

    async fn send(&self, op: Op, room: usize) -> Result<(u64, mpsc::Receiver<Reply>), ClientError> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let mut line = serde_json::to_vec(&Request { id, op }).map_err(ClientError::Request)?;
        line.push(b'\n');
        let (sender, mut receiver) = mpsc::channel(room);
        {
            let mut waiting = lock(&self.shared.waiting);
            if let Some(why) = &waiting.over {
                return Err(why.clone().map_or(ClientError::Gone, ClientError::Refused));
            }
            waiting.by_id.insert(id, sender);
        }
        if self.shared.write.lock().await.write_all(&line).await.is_err() {
            // The server may have hung up with a refusal that is still to be read: the reader's end says which.
            let _ = tokio::time::timeout(LAST_WORDS, receiver.recv()).await;
            lock(&self.shared.waiting).by_id.remove(&id);
            return Err(self.gone());
        }
        Ok((id, receiver))
    }

    fn gone(&self) -> ClientError {
        match &lock(&self.shared.waiting).over {
            Some(Some(why)) => ClientError::Refused(why.clone()),
            Some(None) | None => ClientError::Gone,
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

// === impl Subscription ===

impl<A: serde::de::DeserializeOwned> Subscription<A> {
    /// The next push; nothing when the subscription is over.
    pub async fn next(&mut self) -> Option<Result<A, ClientError>> {
        let reply = self.pushes.recv().await?;
        if reply.end {
            self.pushes.close();
            return None;
        }
        Some(match (reply.push, reply.error) {
            (Some(push), _) => parse(push),
            (None, Some(error)) => Err(ClientError::Refused(error)),
            (None, None) => return None,
        })
    }
}

/// Forgets a request whose caller stopped waiting.
struct Forget<'a> {
    waiting: &'a Mutex<Waiting>,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.waiting).by_id.remove(&self.id);
    }
}

fn answered(reply: Reply) -> Result<serde_json::Value, ClientError> {
    match (reply.ok, reply.error) {
        (Some(ok), None) => Ok(ok),
        (_, Some(error)) => Err(ClientError::Refused(error)),
        (None, None) => Err(ClientError::Gone),
    }
}

fn parse<A: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<A, ClientError> {
    serde_json::from_value(value).map_err(ClientError::Answer)
}

async fn read_replies(read: OwnedReadHalf, waiting: Arc<Mutex<Waiting>>) {
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    let mut why = None;
    loop {
        line.clear();
        let bound = MAX_REPLY_LINE_BYTES as u64 + 1;
        match (&mut read).take(bound).read_until(b'\n', &mut line).await {
            Ok(n) if n > 0 && line.ends_with(b"\n") => {}
            Ok(_) | Err(_) => break,
        }
        let Ok(reply) = serde_json::from_slice::<Reply>(&line) else { break };
        if reply.id == 0 {
            // The server speaks to the connection as a whole: it refuses the peer.
            why = reply.error;
            break;
        }
        let mut waiting = lock(&waiting);
        let id = reply.id;
        let delivered = match waiting.by_id.get(&id) {
            Some(sender) => sender.try_send(reply).is_ok(),
            None => true,
        };
        if !delivered {
            waiting.by_id.remove(&id);
        }
    }
    let mut waiting = lock(&waiting);
    waiting.over = Some(why);
    waiting.by_id.clear();
}

fn lock(waiting: &Mutex<Waiting>) -> std::sync::MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
