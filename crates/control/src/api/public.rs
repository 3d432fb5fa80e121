//! Loopback HTTP for what is public anyway: both logs as C2SP tiles, the keys, and that the control plane lives.
//!
//! Reading only, on 127.0.0.1 only. A page on the internet can make a browser ask here under a name of its own that
//! leads to this machine; so a request must name a loopback host.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use writ_ledger::Stream;
use writ_ledger::storage::ReadError;
use writ_ledger::tile::{TileId, TilePath};

use crate::office::Office;

/// Most requests that read at once; more wait.
const MAX_AT_ONCE: usize = 32;

#[derive(Clone)]
struct Public {
    office: Arc<Office>,
    room: Arc<Semaphore>,
}

/// Listens on loopback. Port 0 takes a free one.
///
/// # Errors
/// The port is taken, or I/O.
pub async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Serves until `stop` is done.
///
/// # Errors
/// The socket can no longer accept.
pub async fn serve(
    listener: TcpListener,
    office: Arc<Office>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(office)).with_graceful_shutdown(stop).await
}

fn router(office: Arc<Office>) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/keys", get(keys))
        .route("/{log}/checkpoint", get(checkpoint))
        .route("/{log}/tile/{*path}", get(tile))
        .with_state(Public { office, room: Arc::new(Semaphore::new(MAX_AT_ONCE)) })
        .layer(middleware::from_fn(loopback_only))
}

/// Refuses requests that name any other host than this machine.
async fn loopback_only(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_loopback(host),
        (None, _) | (Some(_), Some(_)) => false,
    };
    // A request line may name a host of its own.
    let line = request.uri().authority().is_none_or(|authority| is_loopback_host(authority.host()));
    if named && line {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "ask for 127.0.0.1\n").into_response()
    }
}

fn is_loopback(host: &HeaderValue) -> bool {
    let Ok(text) = host.to_str() else { return false };
    let name = match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => text,
    };
    is_loopback_host(name)
}

fn is_loopback_host(name: &str) -> bool {
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

async fn keys(State(public): State<Public>) -> Response {
    let vkey = |stream| public.office.verifying_key(stream).to_text();
    let keys = serde_json::json!({
        "writs": public.office.jwks(),
        "checkpoints": { "activity": vkey(Stream::Activity), "control": vkey(Stream::Control) },
    });
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], keys.to_string()).into_response()
}

async fn checkpoint(State(public): State<Public>, Path(log): Path<String>) -> Response {
    let Ok(stream) = Stream::try_from(log.as_str()) else { return not_found() };
    let note = public.office.ledger().head(stream).checkpoint;
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")], note).into_response()
}

async fn tile(State(public): State<Public>, Path((log, path)): Path<(String, String)>) -> Response {
    let Ok(stream) = Stream::try_from(log.as_str()) else { return not_found() };
    let Ok(path) = TilePath::parse(&format!("tile/{path}")) else { return not_found() };
    let Ok(_place) = public.room.acquire().await else { return not_found() };
    let read = tokio::task::spawn_blocking(move || read(&public.office, stream, path)).await;
    match read {
        Ok(Ok(Some(bytes))) => {
            let headers = [
                (CONTENT_TYPE, "application/octet-stream"),
                (CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, bytes).into_response()
        }
        Ok(Ok(None) | Err(ReadError::BeyondEnd { .. })) => not_found(),
        Ok(Err(ReadError::Damaged { .. } | ReadError::Engine(_))) | Err(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "the log could not be read\n").into_response()
        }
    }
}

/// What is asked for, if a checkpoint that was given away covers it.
fn read(office: &Office, stream: Stream, path: TilePath) -> Result<Option<Vec<u8>>, ReadError> {
    let published = office.ledger().head(stream).size;
    match path {
        TilePath::Entries { index, width } => {
            let there = TileId { level: 0, index }.width(published);
            (width <= there).then(|| office.ledger().bundle(stream, index, width)).transpose()
        }
        TilePath::Hashes { id, width } => {
            let there = id.width(published);
            (width <= there).then(|| office.ledger().tile(stream, id, width)).transpose()
        }
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}
