//! Passing bytes on to a service of this machine.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Endpoint;

/// Connections of one task at the same time.
const MAX_CONNECTIONS: usize = 512;
/// How long a service may take to answer.
const BOUND: Duration = Duration::from_secs(20);

/// Passes each connection on to a service of this machine.
pub(super) async fn local(listener: TcpListener, endpoint: Endpoint) {
    let endpoint = Arc::new(endpoint);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut visits = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((inside, _)) => {
                let endpoint = Arc::clone(&endpoint);
                visits.spawn(async move {
                    if let Err(error) = visit(inside, &endpoint).await {
                        tracing::debug!(%error, "a connection from inside");
                    }
                    drop(place);
                });
            }
            // Out of descriptors, mostly: others have to end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        while visits.try_join_next().is_some() {}
    }
}

async fn visit(mut inside: TcpStream, endpoint: &Endpoint) -> io::Result<()> {
    let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
    let connected = tokio::time::timeout(BOUND, TcpStream::connect((host, endpoint.port))).await;
    let mut outside = connected.map_err(io::Error::other)??;
    if !outside.peer_addr()?.ip().to_canonical().is_loopback() {
        return Err(io::Error::other("a service of this machine is elsewhere"));
    }
    copy_bidirectional(&mut inside, &mut outside).await.map(drop)
}
