//! Tunnels: looked into, or passed on for the name that the client's handshake says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use writ_model::{Account, Body, Scheme};

use super::{OPEN, Visit, target};
use crate::http::TLS_BUFFER_BYTES;
use crate::http::authority::{Authority, normal};
use crate::http::body::Flow;
use crate::http::head::Place;
use crate::http::hello::Hello;
use crate::http::port::{IncidentKind, Outside, Treat};
use crate::http::refuse::{No, Stop};
use crate::http::resolve::by_number;
use crate::http::rewound::Rewound;
use crate::http::running::{Direction, Running, Turn};

/// How long a tunnel that nobody looks into may stay silent.
pub(in crate::http) const SILENT_TUNNEL: Duration = Duration::from_secs(60 * 60);

// === impl Visit ===

impl<P: Outside> Visit<P> {
    pub(super) async fn tunnel(self, mut request: Request<Incoming>) -> Result<Response<Flow>, No> {
        let to = target(&request)?;
        let treat = self.engine.outside.treat(&to).await;
        let way = match treat {
            Treat::Refuse(refusal) => return Err(refusal.into()),
            Treat::Inspect if to.literal().is_some() && !self.engine.outside.names(&to) => {
                return Err(by_number(&to));
            }
            Treat::Inspect => None,
            Treat::Pass(account) => Some(self.open(&to, account).await?),
        };
        let upgrade = hyper::upgrade::on(&mut request);
        let over = self.over();
        tokio::spawn(async move {
            let inside = async {
                let upgraded = timeout(OPEN, upgrade).await.map_err(io::Error::other)?;
                let io = TokioIo::new(upgraded.map_err(io::Error::other)?);
                match way {
                    None => self.inspect(io, to).await,
                    Some((running, outside)) => self.pass(io, to, outside, &running).await,
                }
            };
            tokio::select! {
                () = over => {}
                ended = inside => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a tunnel");
                    }
                }
            }
        });
        let mut response = Response::new(Flow::empty());
        *response.status_mut() = StatusCode::OK;
        Ok(response)
    }

    /// Decides a tunnel that nobody looks into, and connects it.
    async fn open(&self, to: &Authority, account: Account) -> Result<(Running, TcpStream), No> {
        let turn = self.engine.turn(to, &self.seat.stay).await?;
        let running = self.admitted(to, account, turn).await?;
        let stream = match self.engine.upstream.tunnel(to, &*self.engine.outside).await {
            Ok(stream) => stream,
            Err(no) => {
                if no.code == Stop::AddressForbidden.name() {
                    let place = Place::new(Scheme::Https, to.clone());
                    self.engine.incident(IncidentKind::AddressForbidden, &place, None).await;
                }
                return Err(no);
            }
        };
        running.answered(StatusCode::OK.as_u16());
        Ok((running, stream))
    }

    /// Decides bytes that nobody looks into.
    pub(in crate::http) async fn admitted(
        &self,
        to: &Authority,
        account: Account,
        turn: Arc<Turn>,
    ) -> Result<Running, No> {
        let request = writ_model::Request {
            method: Method::CONNECT.to_string(),
            scheme: Scheme::Https,
            host: to.host().to_owned(),
            port: to.port(),
            path: "/".to_owned(),
            query: None,
            headers: Vec::new(),
            body: Body::Unread,
            account,
        };
        let pass = self.engine.outside.admit(request).await?;
        Ok(self.engine.running(pass, &Place::new(Scheme::Https, to.clone()), turn))
    }

    /// Passes bytes for the name in the client's first flight.
    async fn pass(
        &self,
        mut inside: TokioIo<hyper::upgrade::Upgraded>,
        to: Authority,
        mut outside: TcpStream,
        running: &Running,
    ) -> io::Result<()> {
        let (hello, name) = timeout(OPEN, first_flight(&mut inside)).await.map_err(io::Error::other)??;
        if name.as_deref().and_then(normal).as_deref() != Some(to.host()) {
            self.mismatch(&to).await;
            return Err(io::Error::other("the handshake names another host than the tunnel"));
        }
        outside.write_all(&hello).await?;
        running.count(Direction::Up, hello.len());
        let (from_inside, to_inside) = tokio::io::split(inside);
        let (from_outside, to_outside) = outside.into_split();
        tokio::try_join!(
            copy(from_inside, to_outside, running, Direction::Up),
            copy(from_outside, to_inside, running, Direction::Down),
        )?;
        running.end(Direction::Down);
        Ok(())
    }

    /// Looks into a tunnel: TLS by a certificate of the run, or requests in the clear.
    async fn inspect(self, mut inside: TokioIo<hyper::upgrade::Upgraded>, to: Authority) -> io::Result<()> {
        let mut first = [0; 1];
        timeout(OPEN, inside.read_exact(&mut first)).await.map_err(io::Error::other)??;
        let inside = Rewound::new(first.to_vec(), inside);
        // A handshake record (RFC 8446, section 5.1); no method begins with it.
        if first != [22] {
            return self.requests(inside, Place::new(Scheme::Http, to), false).await;
        }
        let accepting = LazyConfigAcceptor::new(Acceptor::default(), inside);
        let start = timeout(OPEN, accepting).await.map_err(io::Error::other)??;
        if let Some(name) = start.client_hello().server_name()
            && normal(name).as_deref() != Some(to.host())
        {
            self.mismatch(&to).await;
            return Err(io::Error::other("the handshake names another host than the tunnel"));
        }
        let config = self.engine.identity.server(to.host()).map_err(io::Error::other)?;
        let mut stream = timeout(OPEN, start.into_stream(config)).await.map_err(io::Error::other)??;
        stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        let is_second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        self.requests(stream, Place::new(Scheme::Https, to), is_second).await
    }
}

/// Reads a client's first flight whole, and the name in it.
async fn first_flight(from: &mut (impl AsyncRead + Unpin)) -> io::Result<(Vec<u8>, Option<String>)> {
    let mut hello = Hello::default();
    let mut piece = [0; 2048];
    loop {
        let count = from.read(&mut piece).await?;
        let taken = piece.get(..count).unwrap_or_default();
        if taken.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(name) = hello.push(taken)? {
            return Ok((hello.into_bytes(), name));
        }
    }
}

pub(in crate::http) async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    running: &Running,
    direction: Direction,
) -> io::Result<()> {
    let mut piece = vec![0; 16 << 10];
    loop {
        let count = timeout(SILENT_TUNNEL, from.read(&mut piece)).await.map_err(io::Error::other)??;
        let taken = piece.get(..count).unwrap_or_default();
        if taken.is_empty() {
            // Who left after the last byte missed nothing.
            let _ = to.shutdown().await;
            return Ok(());
        }
        running.count(direction, taken.len());
        to.write_all(taken).await?;
        to.flush().await?;
    }
}
