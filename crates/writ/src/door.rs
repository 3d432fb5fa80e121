//! The hook socket: one frame in, one reply out, from processes that belong here.
//!
//! Not trusted: any process of this user can connect where the socket can be seen. So each is judged by the system's
//! word for it, not its own, before its frame is read; frames, their time and their number are bounded. A visitor that
//! leaves before its answer takes its question along: nothing more is spent or waited for in its name.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use writ_gateway::hook::{Frame, HookReply, MAX_FRAME_BYTES, refusal};
use writ_model::ReasonCode;

/// Most visitors at once. One more waits in the socket's own queue, within its own deadline.
const MAX_VISITORS: usize = 64;
/// Longest time a visitor may take to say what it has to say.
const MAX_SAYING: Duration = Duration::from_secs(30);

/// What answers the frames.
pub(crate) trait Answers: Send + Sync + 'static {
    /// The process at the other end, as seen from here, if it belongs here.
    fn admitted(&self, stream: &UnixStream) -> Option<u32>;

    /// The answer to one frame; `pid` is the visitor's process, as seen from here.
    fn answer(&self, frame: Frame<'_>, pid: Option<u32>) -> impl Future<Output = HookReply> + Send;
}

/// Binds the socket for this user alone. What a dead process left at the path goes away first.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // The folder is the user's alone (0700), so nobody slips in between these two calls.
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the socket until this future is dropped.
pub(crate) async fn serve<A: Answers>(listener: UnixListener, answers: Arc<A>) {
    let places = Arc::new(Semaphore::new(MAX_VISITORS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the hook socket took no connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            if let Err(error) = receive(stream, answers.as_ref()).await {
                tracing::debug!(%error, "a hook process left without its answer");
            }
            drop(place);
        });
    }
}

async fn receive<A: Answers>(stream: UnixStream, answers: &A) -> io::Result<()> {
    let Some(pid) = answers.admitted(&stream) else {
        let peer = stream.peer_cred().ok();
        tracing::warn!(?peer, "a process that does not belong here spoke to the hook socket");
        return Ok(());
    };
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    let bound = u64::try_from(MAX_FRAME_BYTES).unwrap_or(u64::MAX) + 1;
    let mut bounded = (&mut read).take(bound);
    let said = tokio::time::timeout(MAX_SAYING, bounded.read_until(b'\n', &mut line)).await;
    said.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let reply = match Frame::from_line(&line) {
        Ok(frame) => {
            tokio::select! {
                reply = answers.answer(frame, Some(pid)) => reply,
                // Anything further, above all the end of the stream, means that nobody waits for this answer.
                _ = read.read_u8() => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        Err(error) => {
            // Without a frame there is no client whose form could be used; this one blocks in most.
            let (client, detail) = (writ_model::Client::ClaudeCode, error.to_string());
            refusal(client, None, &[], ReasonCode::InputMalformed, &detail).into()
        }
    };
    write.write_all(&reply.to_line()).await
}
