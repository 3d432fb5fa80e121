//! The resolver that a sandbox sees: it knows `localhost` and no other name, and asks nobody.
//!
//! Names are resolved by the egress proxy, for what was decided. A program that asks by itself goes around the proxy and
//! would reach nothing: it hears so at once, and that it asked is told once per name. Nothing of a question is ever passed
//! on, so that names carry nothing out.
//!
//! ```text
//! serve(hearers, listeners, told).await                 // RFC 1035 over datagrams and connections, until dropped
//! ```

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

mod answer;
#[cfg(test)]
mod tests;

pub use answer::{Answer, answer};

/// Longest question that is read. One name and what belongs to it takes less than 300 bytes; the rest is room for options.
pub const MAX_QUESTION_BYTES: usize = 1232;
/// Names of one run that are told of.
pub const MAX_TOLD_NAMES: usize = 256;
/// Names that wait to be told of; more at once are not told of.
const MAX_WAITING_NAMES: usize = 32;
/// Connections at a time.
const MAX_CONNECTIONS: usize = 16;
/// How long a connection may be silent.
const SILENT: Duration = Duration::from_secs(5);
/// After an error of the socket itself.
const PAUSE: Duration = Duration::from_millis(50);

/// Which names were told of.
struct Told {
    known: Mutex<HashSet<String>>,
    to: mpsc::Sender<String>,
}

// === impl Told ===

impl Told {
    fn take(&self, name: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_TOLD_NAMES || known.contains(&name) {
            return;
        }
        // One that found no room is told of when it is asked for again.
        if self.to.try_send(name.clone()).is_ok() {
            known.insert(name);
        }
    }
}

/// Answers on these sockets until the future is dropped. Each name is given to `tell` once, up to [`MAX_TOLD_NAMES`].
pub async fn serve<F>(hearers: Vec<UdpSocket>, listeners: Vec<TcpListener>, mut tell: impl FnMut(String) -> F)
where
    F: Future<Output = ()>,
{
    let (to, mut waiting) = mpsc::channel(MAX_WAITING_NAMES);
    let told = Arc::new(Told { known: Mutex::default(), to });
    let mut serving = JoinSet::new();
    for hearer in hearers {
        serving.spawn(hear(hearer, Arc::clone(&told)));
    }
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    for listener in listeners {
        serving.spawn(listen(listener, Arc::clone(&told), Arc::clone(&places)));
    }
    drop(told);
    while let Some(name) = waiting.recv().await {
        tell(name).await;
    }
}

async fn hear(hearer: UdpSocket, told: Arc<Told>) {
    // One byte more than is read, so that what is too long shows.
    let mut question = vec![0; MAX_QUESTION_BYTES + 1];
    loop {
        let Ok((count, from)) = hearer.recv_from(&mut question).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let Some(found) = question.get(..count).and_then(answer) else { continue };
        // Who asked may be gone, or may not read: it is not waited for.
        let _ = hearer.try_send_to(&found.bytes, from);
        if let Some(name) = found.asked {
            told.take(name);
        }
    }
}

async fn listen(listener: TcpListener, told: Arc<Told>, places: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let told = Arc::clone(&told);
        connections.spawn(async move {
            let ended = converse(stream, &told).await;
            tracing::debug!(?ended, "a connection to the resolver");
            drop(place);
        });
    }
}

/// Questions with their lengths before them (RFC 1035, section 4.2.2).
async fn converse(mut stream: TcpStream, told: &Told) -> io::Result<()> {
    loop {
        let length = timeout(SILENT, stream.read_u16()).await??;
        let mut question = vec![0; usize::from(length)];
        if question.len() > MAX_QUESTION_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        timeout(SILENT, stream.read_exact(&mut question)).await??;
        let Some(found) = answer(&question) else { return Err(io::ErrorKind::InvalidData.into()) };
        let length = u16::try_from(found.bytes.len()).map_err(io::Error::other)?;
        let framed = [&length.to_be_bytes(), found.bytes.as_slice()].concat();
        timeout(SILENT, stream.write_all(&framed)).await??;
        if let Some(name) = found.asked {
            told.take(name);
        }
    }
}
