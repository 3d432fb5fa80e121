//! The control socket's server: accepts, asks who is there, and hands each connection on.
//!
//! Everything is bounded: connections, requests at once, bytes in a line, answers that wait for a slow reader, and the
//! time that reader is given.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::connection::{self, refuse};
use super::{ApiError, ErrorCode, Peer, PeerCheck, PeerRefused};
use crate::office::{Office, SWEEP_EVERY};

/// Most connections at once.
const MAX_CONNECTIONS: usize = 256;
/// Between two looks whether a snapshot is due.
const SNAPSHOT_LOOK_EVERY: Duration = Duration::from_secs(5);

/// What the server needs to know beside the office.
pub struct Control {
    pub office: Arc<Office>,
    pub peers: Arc<dyn PeerCheck>,
    /// Version of the program.
    pub version: String,
    /// Where the public things are served.
    pub public_address: Option<String>,
}

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("a control plane listens on `{0}` already")]
    InUse(PathBuf),
    #[error("`{0}` is in the way and is no socket")]
    InTheWay(PathBuf),
    #[error("could not listen on `{path}`")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Listens on a unix socket that only its user can reach. A stale socket is replaced, one that answers is not.
///
/// # Errors
/// Somebody listens there, something else lies there, or I/O. Needs a tokio runtime.
pub fn bind(path: &Path) -> Result<UnixListener, BindError> {
    let io = |source| BindError::Io { path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(BindError::InTheWay(path.to_owned())),
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(BindError::InUse(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(io(error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    // Made under another name and moved, so that nobody meets it with other permissions.
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let _ = std::fs::remove_file(&draft);
    let made = (|| {
        let listener = UnixListener::bind(&draft)?;
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&draft, path)?;
        Ok(listener)
    })();
    made.map_err(|source| {
        let _ = std::fs::remove_file(&draft);
        io(source)
    })
}

// === impl Control ===

impl Control {
    /// Serves until `stop` is done, then ends every connection and keeps a snapshot.
    ///
    /// # Errors
    /// The socket can no longer accept.
    pub async fn serve(
        self: Arc<Self>,
        listener: UnixListener,
        stop: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&self).sweep());
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        tokio::pin!(stop);
        let ended = loop {
            tokio::select! {
                () = &mut stop => break Ok(()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let (control, room) = (Arc::clone(&self), Arc::clone(&room));
                        tasks.spawn(control.welcome(stream, room));
                    }
                    // The peer is gone again, or there are no file descriptors left: neither lasts.
                    Err(error) if is_passing(&error) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(error) => break Err(error),
                },
                Some(_) = tasks.join_next() => {}
            }
        };
        tasks.shutdown().await;
        let office = Arc::clone(&self.office);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || office.close()).await {
            tracing::warn!(%error, "no snapshot was kept; the next start takes longer");
        }
        ended
    }

    async fn welcome(self: Arc<Self>, stream: UnixStream, room: Arc<Semaphore>) {
        let Ok(_place) = room.try_acquire() else {
            refuse(stream, ApiError::new(ErrorCode::Overloaded, "too many connections")).await;
            return;
        };
        match self.identify(&stream).await {
            Ok(peer) => connection::serve(self, stream, peer.human()).await,
            Err(refused) => {
                let error = ApiError::new(ErrorCode::Forbidden, refused.to_string());
                refuse(stream, error).await;
            }
        }
    }

    async fn identify(&self, stream: &UnixStream) -> Result<Peer, PeerRefused> {
        let known = stream.peer_cred().map_err(|_| PeerRefused::Unknown)?;
        if known.uid() != rustix::process::geteuid().as_raw() {
            return Err(PeerRefused::OtherUser);
        }
        let pid = known.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
        let peer = Peer { uid: known.uid(), pid: pid.ok_or(PeerRefused::Inside)? };
        let peers = Arc::clone(&self.peers);
        // It reads the process's files, which can take its time.
        let checked = tokio::task::spawn_blocking(move || peers.check(&peer)).await;
        checked.unwrap_or(Err(PeerRefused::Unknown)).map(|()| peer)
    }

    /// Ends what is over, and keeps snapshots.
    async fn sweep(self: Arc<Self>) {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looked = tokio::time::Instant::now();
        loop {
            every.tick().await;
            let look = looked.elapsed() >= SNAPSHOT_LOOK_EVERY;
            if look {
                looked = tokio::time::Instant::now();
            }
            let office = Arc::clone(&self.office);
            let swept = tokio::task::spawn_blocking(move || {
                let swept = office.sweep();
                if look { swept.and_then(|()| office.keep_if_due()) } else { swept }
            });
            match swept.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "what is over could not be ended; it is tried again")
                }
                Err(error) => tracing::error!(%error, "the sweep failed"),
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::CONNABORTED | Errno::INTR | Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}
