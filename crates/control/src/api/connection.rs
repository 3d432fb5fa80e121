//! One connection: lines in, lines out, many requests at once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use writ_model::Human;

use super::server::Control;
use super::{ApiError, ErrorCode, MAX_LINE_BYTES, MAX_RECORD_LINE_BYTES, Op, Reply, Request, dispatch};

/// Most requests and subscriptions of one connection at once.
const MAX_AT_ONCE: usize = 1_024;
/// Answers that wait for the reader at the other end.
const MAX_WAITING: usize = 256;
/// How long the other end may take to read.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the answers to one request go.
#[derive(Clone)]
pub(super) struct Replies {
    id: u64,
    lines: mpsc::Sender<Reply>,
    /// The process at the other end, while the connection lasts.
    peer: i32,
}

/// The other end is gone, or reads too slowly.
#[derive(Debug)]
pub(super) struct Gone;

/// Says one thing to a connection that is not served.
pub(super) async fn refuse(stream: UnixStream, error: ApiError) {
    let (_, mut write) = stream.into_split();
    let reply = Reply { id: 0, error: Some(error), ..Reply::default() };
    // It is told if it listens; there is nothing else to be done for it.
    let _ = tokio::time::timeout(PATIENCE, write_line(&mut write, &reply)).await;
}

/// Serves a connection until either end closes it.
pub(super) async fn serve(control: Arc<Control>, stream: UnixStream, human: Human) {
    let peer = stream.peer_cred().ok().and_then(|peer| peer.pid()).unwrap_or(0);
    let (read, write) = stream.into_split();
    let (lines, waiting) = mpsc::channel(MAX_WAITING);
    let mut tasks = JoinSet::new();
    let writer = tasks.spawn(write_lines(write, waiting));
    let room = Arc::new(Semaphore::new(MAX_AT_ONCE));
    let mut read = BufReader::new(read);
    // Kept over the turns of the loop: a turn may end in the middle of a line.
    let mut line = Vec::new();
    loop {
        let next = tokio::select! {
            next = next_line(&mut read, &mut line) => next,
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "a request failed inside");
                }
                // Without a writer nobody can be answered.
                if writer.is_finished() { break } else { continue }
            }
        };
        let mut replies = Replies { id: 0, lines: lines.clone(), peer };
        let refused = match next {
            Ok(true) => match parse(&std::mem::take(&mut line), &mut replies.id) {
                Ok(op) => match Arc::clone(&room).try_acquire_owned() {
                    Ok(place) => {
                        let (control, human) = (Arc::clone(&control), human.clone());
                        tasks.spawn(async move {
                            let _place = place;
                            // A caller that is gone needs no answer.
                            let _ = dispatch::answer(&control, &human, op, &replies).await;
                        });
                        continue;
                    }
                    Err(_) => ApiError::new(ErrorCode::Overloaded, "too many requests at once"),
                },
                Err(error) => error,
            },
            Ok(false) | Err(LineError::Io) => break,
            Err(LineError::TooLong) => too_large(MAX_RECORD_LINE_BYTES),
        };
        let nobody = replies.id == 0;
        if replies.error(refused).await.is_err() {
            break;
        }
        if nobody {
            // It belongs to no request, so it was said to the connection as a whole, which ends with it.
            let written = async { while !writer.is_finished() && tasks.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(PATIENCE, written).await;
            break;
        }
    }
    // Ends every subscription of this connection; its supervisors count as gone from here.
    tasks.shutdown().await;
}

enum LineError {
    TooLong,
    Io,
}

/// Reads on to the end of the line, which is left out. False at the end of the stream; a last line without an end does
/// not count. May be dropped and called again.
async fn next_line(read: &mut BufReader<OwnedReadHalf>, line: &mut Vec<u8>) -> Result<bool, LineError> {
    let bound = MAX_RECORD_LINE_BYTES + 1;
    let room = u64::try_from(bound.saturating_sub(line.len())).unwrap_or(0);
    read.take(room).read_until(b'\n', line).await.map_err(|_| LineError::Io)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(true);
    }
    if line.len() >= bound { Err(LineError::TooLong) } else { Ok(false) }
}

/// Reads a request. The id is set as soon as it is known, so that a refusal finds its caller.
fn parse(line: &[u8], id: &mut u64) -> Result<Op, ApiError> {
    #[derive(Deserialize)]
    struct Numbered {
        id: u64,
    }
    let bad = |error: serde_json::Error| {
        ApiError::new(ErrorCode::BadRequest, format!("the line is no request of this protocol: {error}"))
    };
    match serde_json::from_slice::<Request>(line) {
        Ok(request) => {
            *id = request.id;
            match request.op {
                Op::Record(record) => Ok(Op::Record(record)),
                _ if line.len() > MAX_LINE_BYTES => Err(too_large(MAX_LINE_BYTES)),
                op => Ok(op),
            }
        }
        Err(error) => {
            *id = serde_json::from_slice::<Numbered>(line).map_or(0, |numbered| numbered.id);
            Err(bad(error))
        }
    }
}

fn too_large(bound: usize) -> ApiError {
    ApiError::new(ErrorCode::TooLarge, format!("the line is longer than {bound} bytes"))
}

async fn write_lines(mut write: OwnedWriteHalf, mut waiting: mpsc::Receiver<Reply>) {
    while let Some(reply) = waiting.recv().await {
        match tokio::time::timeout(PATIENCE, write_line(&mut write, &reply)).await {
            Ok(Ok(())) if reply.id == 0 => return,
            Ok(Ok(())) => {}
            // A slow reader is cut, so that nothing piles up for it.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

async fn write_line(write: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}

// === impl Replies ===

impl Replies {
    /// The process at the other end, as the system names it; 0 where it does not.
    pub const fn peer(&self) -> i32 {
        self.peer
    }

    pub async fn ok(&self, answer: &impl serde::Serialize) -> Result<(), Gone> {
        match serde_json::to_value(answer) {
            Ok(ok) => self.send(Reply { ok: Some(ok), ..Reply::default() }).await,
            Err(_) => self.error(ApiError::new(ErrorCode::Storage, "could not write the answer")).await,
        }
    }

    pub async fn error(&self, error: ApiError) -> Result<(), Gone> {
        self.send(Reply { error: Some(error), ..Reply::default() }).await
    }

    pub async fn push(&self, news: &impl serde::Serialize) -> Result<(), Gone> {
        let push = serde_json::to_value(news).map_err(|_| Gone)?;
        self.send(Reply { push: Some(push), ..Reply::default() }).await
    }

    /// The subscription is over.
    pub async fn end(&self) -> Result<(), Gone> {
        self.send(Reply { end: true, ..Reply::default() }).await
    }

    async fn send(&self, reply: Reply) -> Result<(), Gone> {
        let reply = Reply { id: self.id, ..reply };
        match tokio::time::timeout(PATIENCE, self.lines.send(reply)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}
