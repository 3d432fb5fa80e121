//! A served office.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use writ_control::api::client::{Client, ClientError};
use writ_control::api::server::{Control, bind};
use writ_control::api::{ApiError, ErrorCode, Peer, PeerCheck, PeerRefused};

use crate::office::bench::Bench;

/// Says where the next peer stands.
#[derive(Default)]
pub(crate) struct Peers {
    inside: AtomicBool,
}

impl PeerCheck for Peers {
    fn check(&self, _peer: &Peer) -> Result<(), PeerRefused> {
        if self.inside.load(Ordering::Relaxed) { Err(PeerRefused::Inside) } else { Ok(()) }
    }
}

pub(crate) struct Served {
    pub(crate) bench: Bench,
    pub(crate) socket: PathBuf,
    peers: Arc<Peers>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Served {
    pub(crate) async fn new() -> Self {
        Self::on(Bench::new()).await
    }

    pub(crate) async fn on(bench: Bench) -> Self {
        let socket = bench.home().join("control.sock");
        let peers = Arc::new(Peers::default());
        let listener = bind(&socket).unwrap();
        let control = Arc::new(Control {
            office: Arc::clone(&bench.office),
            peers: peers.clone(),
            version: "0.0.0".into(),
            public_address: None,
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let serving = tokio::spawn(control.serve(listener, stopped));
        Self { bench, socket, peers, stop: Some(stop), serving }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.socket).await.unwrap()
    }

    /// From here on, whoever connects stands inside a sandbox.
    pub(crate) fn peers_are_inside(&self) {
        self.peers.inside.store(true, Ordering::Relaxed);
    }

    pub(crate) async fn stop(mut self) -> Bench {
        self.stop.take().unwrap().send(()).unwrap();
        self.serving.await.unwrap().unwrap();
        self.bench
    }

    /// Writes lines as they are and reads the first answer.
    pub(crate) async fn say(&self, bytes: &[u8]) -> Option<Value> {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        let (read, mut write) = stream.into_split();
        // A server that has heard enough hangs up in the middle.
        let _ = write.write_all(bytes).await;
        let mut line = String::new();
        BufReader::new(read).read_line(&mut line).await.ok()?;
        serde_json::from_str(&line).ok()
    }
}

#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ApiError {
    match result {
        Err(ClientError::Refused(error)) => error,
        other => panic!("it should have been refused: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn code(answer: Option<&Value>) -> ErrorCode {
    let error = answer.and_then(|answer| answer.get("error")).unwrap_or_else(|| panic!("{answer:?}"));
    serde_json::from_value::<ApiError>(error.clone()).unwrap().code
}
