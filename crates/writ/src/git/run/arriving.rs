//! A pack that git reads while it is received, and whether it read all of it: what lies behind a pack would go on to the server
//! with it, looked at by nobody.

use std::io::{self, PipeReader, Read as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe::Sender;
use tokio::sync::oneshot;
use writ_gateway::git::Arriving;

/// What git reads from. Our own hold on its reading end keeps what git leaves there.
pub(super) struct Pipe {
    into: Sender,
    ours: PipeReader,
}

// === impl Pipe ===

impl Pipe {
    /// With the end that git gets.
    pub(super) fn new() -> io::Result<(Self, Stdio)> {
        let (ours, into) = io::pipe()?;
        let theirs = ours.try_clone()?;
        Ok((Self { into: Sender::from_owned_fd(OwnedFd::from(into))?, ours }, Stdio::from(theirs)))
    }

    /// Hands on what arrives, until its end, which it tells, or until git is `gone`. Says whether there is more than git read:
    /// beside this, git prints what it had taken in and did not want.
    pub(super) async fn feed(
        self,
        mut pack: Arriving,
        ended: oneshot::Sender<()>,
        mut gone: oneshot::Receiver<()>,
    ) -> io::Result<bool> {
        let Self { mut into, mut ours } = self;
        loop {
            // A git that is done may be so before the end was told.
            let piece = pack.next().await?;
            if piece.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                written = into.write_all(&piece) => written?,
                _ = &mut gone => return Ok(true),
            }
        }
        drop(into);
        let _ = ended.send(());
        let _ = gone.await;
        // Nobody can write any more, so that this does not wait.
        Ok(ours.read(&mut [0])? > 0)
    }
}
