//! The other side: connected to at an address that was looked at, by a certificate that was checked, and kept for the
//! next request to the same place.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::http::uri;
use hyper::{Request, Response, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use writ_model::{Scheme, Secret};

use super::authority::Authority;
use super::body::Flow;
use super::cut::Cut;
use super::head::Place;
use super::pool::{Pool, Sender, Spot};
use super::port::Tunnels;
use super::refuse::{No, Stop};
use super::resolve::Lookup;

/// How long connecting to one address may take, and shaking hands.
const CONNECT: Duration = Duration::from_secs(10);
/// Waiting connections that are tried before a new one is opened.
const MAX_TRIES: usize = 4;
/// Longest answer of the user's own proxy to a `CONNECT`.
const MAX_PROXY_ANSWER_BYTES: usize = 8 << 10;

/// The proxy that this user has to go through.
pub struct UserProxy {
    pub to: Authority,
    /// `user:password`, for `Basic`.
    pub credential: Option<Secret>,
}

/// What trusted certificates come from.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("the additional certificates cannot be read")]
    Extra(#[source] rustls::pki_types::pem::Error),
    #[error("the additional certificates cannot be used")]
    Unusable(#[source] rustls::Error),
    #[error("no certificate is trusted on this machine")]
    Nothing,
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

pub(super) struct Upstream {
    lookup: Lookup,
    proxy: Option<UserProxy>,
    /// With both versions, with the first alone for web sockets, and with none for what is no HTTP.
    tls: [Arc<ClientConfig>; 3],
    pool: Arc<Pool>,
}

/// What came of a sending.
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    /// Keeps the connection, when the answer was read to its end.
    pub(super) keep: Option<Box<dyn FnOnce() + Send>>,
}

pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// The certificates that this machine trusts, with the additional ones.
pub(super) fn trust(
    provider: &Arc<CryptoProvider>,
    extra_pem: Option<&[u8]>,
) -> Result<[Arc<ClientConfig>; 3], TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in CertificateDer::pem_slice_iter(extra_pem.unwrap_or_default()) {
        let certificate = certificate.map_err(TrustError::Extra)?;
        roots.add(certificate).map_err(TrustError::Unusable)?;
    }
    if roots.is_empty() {
        return Err(TrustError::Nothing);
    }
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (mut first, plain) = (config.clone(), config.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    first.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok([Arc::new(config), Arc::new(first), Arc::new(plain)])
}

// === impl Upstream ===

impl Upstream {
    pub(super) fn new(lookup: Lookup, proxy: Option<UserProxy>, tls: [Arc<ClientConfig>; 3]) -> Self {
        Self { lookup, proxy, tls, pool: Arc::default() }
    }

    /// Sends a request with an origin target. `tunnels` says what may be near.
    pub(super) async fn send(
        &self,
        place: &Place,
        tunnels: &impl Tunnels,
        mut request: Request<Flow>,
        is_web_socket: bool,
        cut: &Cut,
    ) -> Result<Answered, No> {
        let spots = self.spots(place, tunnels).await?;
        if !is_web_socket {
            // A connection that the other side closed in the meantime took nothing: another one gets the request.
            for _ in 0..MAX_TRIES {
                let Some((spot, sender)) = self.pool.take(&spots) else { break };
                match self.pass(place, spot, sender, request, is_web_socket).await {
                    Ok(answered) => return Ok(answered),
                    Err(Unsent::Whole(back)) => request = *back,
                    Err(Unsent::Failed(no)) => return Err(no),
                }
            }
        }
        let (spot, sender) = self.open(place, spots, is_web_socket, cut).await?;
        match self.pass(place, spot, sender, request, is_web_socket).await {
            Ok(answered) => Ok(answered),
            Err(Unsent::Whole(_)) => Err(failed(&place.authority, "it closed the connection")),
            Err(Unsent::Failed(no)) => Err(no),
        }
    }

    /// A connection for bytes that nobody looks into.
    pub(super) async fn tunnel(&self, to: &Authority, tunnels: &impl Tunnels) -> Result<TcpStream, No> {
        let place = Place { scheme: Scheme::Https, authority: to.clone(), is_second: false };
        let spots = self.spots(&place, tunnels).await?;
        self.reach(to, &spots).await.map(|(_, stream)| stream)
    }

    /// The same inside TLS, as a client of the other side that proves who it is.
    pub(super) async fn secure_tunnel(
        &self,
        to: &Authority,
        tunnels: &impl Tunnels,
    ) -> Result<TlsStream<TcpStream>, No> {
        let stream = self.tunnel(to, tunnels).await?;
        let [_, _, plain] = &self.tls;
        shake(to, stream, plain).await
    }

    /// Where a place is, each address looked at.
    async fn spots(&self, place: &Place, tunnels: &impl Tunnels) -> Result<Vec<Spot>, No> {
        let spot = |address| Spot { place: place.clone(), address };
        let is_near = place.authority.literal().is_some() || !super::is_public_name(place.authority.host());
        // A name is the user's proxy's to look up; what is near is not reached through it.
        if self.proxy.is_some() && !is_near {
            return Ok(vec![spot(None)]);
        }
        let addresses = self.lookup.verified(&place.authority, tunnels).await?;
        Ok(addresses.into_iter().map(|address| spot(Some(address))).collect())
    }

    async fn open(
        &self,
        place: &Place,
        spots: Vec<Spot>,
        is_web_socket: bool,
        cut: &Cut,
    ) -> Result<(Spot, Sender), No> {
        let to = &place.authority;
        let (spot, stream) = self.reach(to, &spots).await?;
        let (wire, is_second): (Box<dyn Wire>, bool) = match place.scheme {
            Scheme::Http => (Box::new(stream), place.is_second),
            Scheme::Https => {
                let [both, first, _] = &self.tls;
                let stream = shake(to, stream, if is_web_socket { first } else { both }).await?;
                let is_second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                (Box::new(stream), is_second)
            }
        };
        let sender = handshake(TokioIo::new(wire), is_second, cut.clone()).await;
        Ok((spot, sender.map_err(|error| failed(to, &error.to_string()))?))
    }

    async fn reach(&self, to: &Authority, spots: &[Spot]) -> Result<(Spot, TcpStream), No> {
        let mut last = failed(to, "it has no address");
        for spot in spots {
            let reached = match (spot.address, &self.proxy) {
                (Some(address), _) => connect(SocketAddr::new(address, to.port())).await,
                (None, Some(proxy)) => proxy.connect(to).await,
                (None, None) => continue,
            };
            match reached {
                Ok(stream) => return Ok((spot.clone(), stream)),
                Err(error) => last = failed(to, &error.to_string()),
            }
        }
        Err(last)
    }

    async fn pass(
        &self,
        place: &Place,
        spot: Spot,
        sender: Sender,
        request: Request<Flow>,
        is_web_socket: bool,
    ) -> Result<Answered, Unsent> {
        match sender {
            Sender::First(mut sender) => {
                let request = for_first(request, place)?;
                let response = match sender.try_send_request(request).await {
                    Ok(response) => response,
                    Err(mut error) => {
                        return Err(match error.take_message() {
                            Some(back) => Unsent::Whole(Box::new(back)),
                            None => Unsent::Failed(failed(&place.authority, &error.into_error().to_string())),
                        });
                    }
                };
                let pool = Arc::clone(&self.pool);
                let keep: Option<Box<dyn FnOnce() + Send>> =
                    (!is_web_socket).then(|| Box::new(move || pool.give_when_ready(spot, sender)) as _);
                Ok(Answered { response, keep })
            }
            Sender::Second(mut sender) => {
                let request = for_second(request, place)?;
                self.pool.give(spot, Sender::Second(sender.clone()));
                match sender.try_send_request(request).await {
                    Ok(response) => Ok(Answered { response, keep: None }),
                    Err(mut error) => Err(match error.take_message() {
                        Some(back) => Unsent::Whole(Box::new(back)),
                        None => Unsent::Failed(failed(&place.authority, &error.into_error().to_string())),
                    }),
                }
            }
        }
    }
}

/// Shakes hands with a host that proves to be the one of this name.
async fn shake(
    to: &Authority,
    stream: TcpStream,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, No> {
    let bare = to.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| failed(to, "its name is in no certificate"))?;
    let connector = TlsConnector::from(Arc::clone(config));
    let mut stream = timeout(CONNECT, connector.connect(name, stream))
        .await
        .map_err(|_| failed(to, "it did not shake hands in time"))?
        .map_err(|error| failed(to, &error.to_string()))?;
    stream.get_mut().1.set_buffer_limit(Some(super::TLS_BUFFER_BYTES));
    Ok(stream)
}

/// A request that nobody answered.
enum Unsent {
    /// Nothing of it left.
    Whole(Box<Request<Flow>>),
    Failed(No),
}

/// Says in the words of each version where a request goes.
fn for_first(mut request: Request<Flow>, place: &Place) -> Result<Request<Flow>, Unsent> {
    let unsaid = |_| Unsent::Failed(failed(&place.authority, "the request cannot be written"));
    let mut parts = uri::Parts::default();
    parts.path_and_query = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| unsaid(()))?;
    *request.version_mut() = Version::HTTP_11;
    let host = place.authority.short(place.scheme).parse().map_err(|_| unsaid(()))?;
    request.headers_mut().insert(hyper::header::HOST, host);
    Ok(request)
}

fn for_second(mut request: Request<Flow>, place: &Place) -> Result<Request<Flow>, Unsent> {
    let unsaid = || Unsent::Failed(failed(&place.authority, "the request cannot be written"));
    let mut parts = uri::Parts::default();
    parts.path_and_query = request.uri().path_and_query().cloned();
    parts.scheme = Some(match place.scheme {
        Scheme::Http => uri::Scheme::HTTP,
        Scheme::Https => uri::Scheme::HTTPS,
    });
    parts.authority = Some(place.authority.short(place.scheme).parse().map_err(|_| unsaid())?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| unsaid())?;
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(hyper::header::HOST);
    Ok(request)
}

async fn handshake<T>(io: TokioIo<T>, is_second: bool, mut cut: Cut) -> hyper::Result<Sender>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if is_second {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(super::STREAM_WINDOW_BYTES)
            .initial_connection_window_size(super::CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(super::BUFFER_BYTES)
            .max_header_list_size(super::MAX_HEAD_LIST_BYTES)
            .keep_alive_interval(Duration::from_secs(30))
            .handshake(io)
            .await?;
        tokio::spawn(async move {
            tokio::select! {
                () = cut.called() => {}
                ended = connection => note(ended),
            }
        });
        return Ok(Sender::Second(sender));
    }
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .max_buf_size(super::BUFFER_BYTES)
        .handshake(io)
        .await?;
    tokio::spawn(async move {
        tokio::select! {
            () = cut.called() => {}
            ended = connection.with_upgrades() => note(ended),
        }
    });
    Ok(Sender::First(sender))
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the outside");
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = timeout(CONNECT, TcpStream::connect(address)).await.map_err(io::Error::other)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn failed(to: &Authority, why: &str) -> No {
    Stop::UpstreamFailed.say(format!("`{to}` cannot be reached: {why}"))
}

/// What an agent is told about a placeholder at the wrong place.
pub(super) fn elsewhere(name: &writ_model::Label) -> No {
    Stop::CredentialElsewhere.say(format!(
        "the placeholder of `{name}` stands where that credential is not for. It is put on for its own host, path and \
         method, and where its tool puts it; elsewhere it stands for nothing"
    ))
}

// === impl UserProxy ===

impl UserProxy {
    /// A tunnel through it (RFC 9110, section 9.3.6).
    async fn connect(&self, to: &Authority) -> io::Result<TcpStream> {
        let host = self.to.host().trim_start_matches('[').trim_end_matches(']');
        let found: Vec<IpAddr> =
            tokio::net::lookup_host((host, self.to.port())).await?.map(|address| address.ip()).collect();
        let mut last = io::Error::other("the user's proxy has no address");
        for address in found {
            match connect(SocketAddr::new(address, self.to.port())).await {
                Ok(mut stream) => {
                    timeout(CONNECT, self.ask(&mut stream, to)).await.map_err(io::Error::other)??;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn ask(&self, stream: &mut TcpStream, to: &Authority) -> io::Result<()> {
        use base64::Engine as _;
        let mut asked = zeroize::Zeroizing::new(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n"));
        if let Some(credential) = &self.credential {
            // Safe: it goes to the proxy that the user set up with it.
            let encoded = base64::prelude::BASE64_STANDARD.encode(credential.expose());
            asked.push_str(&format!("Proxy-Authorization: Basic {encoded}\r\n"));
        }
        asked.push_str("\r\n");
        stream.write_all(asked.as_bytes()).await?;
        // Byte by byte: what follows the head is the tunnel's.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= MAX_PROXY_ANSWER_BYTES {
                return Err(io::Error::other("the user's proxy answers without end"));
            }
            head.push(stream.read_u8().await?);
        }
        let agreed = [&b"HTTP/1.1 200"[..], b"HTTP/1.0 200"].iter().any(|yes| head.starts_with(yes));
        if agreed { Ok(()) } else { Err(io::Error::other("the user's proxy refused")) }
    }
}
