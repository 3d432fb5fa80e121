//! The side that the sandbox sees: connections, and who is asked for in them.

mod tunnel;

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, EXPECT, HOST};
use hyper::http::{HeaderMap, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use writ_model::Scheme;
use writ_policy::Zone;

use super::authority::Authority;
use super::body::Flow;
use super::crowd::{Crowd, Stay, places};
use super::cut::Cut;
use super::exchange::{Engine, accepted, drain};
use super::framing::Watched;
use super::head::Place;
use super::port::{IncidentKind, Outside, Treat};
use super::refuse::{No, Stop};
pub(super) use tunnel::{SILENT_TUNNEL, copy};

/// How long the first bytes in a tunnel, a handshake and the head of a request may take.
pub(super) const OPEN: Duration = Duration::from_secs(20);
/// Streams of one connection of the second version.
const MAX_STREAMS: u32 = 64;
/// Headers of one request.
const MAX_HEADERS: usize = 100;

/// Between two looks at a connection that has sent a part of its first word.
const PEEK: Duration = Duration::from_millis(5);
/// Between two beats of a clock that nobody looks at. The thread that waits is woken for a timer only where none comes before
/// it: with this one, none of a request is the first, and each is set without a system call.
const BEAT: Duration = Duration::from_secs(10);
/// Blank lines before a request, in bytes (RFC 9112, section 2.2, lets a server pass over at least one).
const MAX_BLANK_BYTES: usize = 32;

/// One connection from inside.
pub(super) struct Visit<P> {
    pub(super) engine: Arc<Engine<P>>,
    pub(super) cut: Cut,
    /// Its place among all; tunnels hold it on.
    pub(super) seat: Arc<Seat>,
}

/// A place for a connection.
pub(super) struct Seat {
    _place: OwnedSemaphorePermit,
    pub(super) stay: Arc<Stay>,
}

/// What a listener stands for.
#[derive(Clone)]
pub(super) enum Standing {
    /// A proxy that clients name.
    Proxy,
    /// One place that is spoken to in the first version, in the clear.
    Place(Arc<Place>),
    /// A service of this machine, whatever it speaks.
    Service(Authority),
}

impl<P> Clone for Visit<P> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), cut: self.cut.clone(), seat: Arc::clone(&self.seat) }
    }
}

/// Serves until everything is revoked, or the future is dropped.
pub(super) async fn serve<P: Outside>(engine: Arc<Engine<P>>, listener: TcpListener, standing: Standing) {
    let all = Arc::new(Semaphore::new(engine.limits.connections));
    let seats = Crowd::default();
    let (_end, receiver) = watch::channel(false);
    let cut = Cut::new(receiver);
    let mut revoked = Cut::new(engine.outside.revoked());
    // Who says nothing goes first, then who does not say the rest.
    let make_room = || seats.send_one_away() || engine.others.expected.send_one_away();
    let mut beating = pin!(beat());
    loop {
        let next = async {
            let accepted = listener.accept().await;
            (places(&all, 1, SILENT_TUNNEL, make_room).await, accepted)
        };
        let (place, accepted) = tokio::select! {
            biased;
            // The sender goes with this function, and with it every connection.
            () = revoked.called() => return,
            next = next => next,
            never = &mut beating => match never {},
        };
        let Some(place) = place else { continue };
        match accepted {
            Ok((stream, _)) => {
                let seat = Arc::new(Seat { _place: place, stay: seats.enter() });
                let visit = Visit { engine: Arc::clone(&engine), cut: cut.clone(), seat };
                match standing.clone() {
                    Standing::Proxy => drop(tokio::spawn(visit.welcome(stream))),
                    Standing::Place(place) => drop(tokio::spawn(visit.stand_in(stream, place))),
                    Standing::Service(to) => drop(tokio::spawn(visit.service(stream, to))),
                }
            }
            // Out of descriptors, mostly: others have to end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn beat() -> Infallible {
    loop {
        tokio::time::sleep(BEAT).await;
    }
}

impl<P: Outside> Visit<P> {
    /// Returns when everything ends, or others need the place of a connection that says nothing.
    pub(super) fn over(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mut cut, left) = (self.cut.clone(), self.seat.stay.left());
        async move {
            tokio::select! {
                () = cut.called() => {}
                () = left => {}
            }
        }
    }

    async fn welcome(self, stream: TcpStream) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let over = self.over();
        let (stream, turns) = Watched::new(stream);
        let service = service_fn(move |request: Request<Incoming>| {
            let (visit, is_clear) = (self.clone(), turns.next_is_clear());
            async move {
                Ok::<_, Infallible>(if is_clear { visit.asked(request).await } else { ambiguous(&request) })
            }
        });
        let connection = first_version().serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::select! {
            () = over => {}
            ended = connection => note(ended),
        }
    }

    /// Requests for one place, from who takes us for it.
    async fn stand_in(self, mut stream: TcpStream, place: Arc<Place>) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let over = self.over();
        let visit = async {
            if !speaks(&stream).await {
                let is_model = !self.engine.outside.is_watched(&place.authority);
                let told = stream.write_all(not_spoken(is_model).as_bytes()).await;
                tracing::debug!(?told, "no HTTP/1.1 on the way to a service");
                return;
            }
            let place = Place::clone(&place);
            if let Err(error) = self.requests(stream, place, false).await {
                tracing::debug!(%error, "a connection to a place of its own");
            }
        };
        tokio::select! {
            () = over => {}
            () = visit => {}
        }
    }

    /// What a client asks of a proxy: a tunnel, or one request in the clear.
    async fn asked(self, request: Request<Incoming>) -> Response<Flow> {
        let asked = accepted(request.headers());
        let done = if request.method() == Method::CONNECT {
            self.tunnel(request).await
        } else {
            self.in_the_clear(request).await
        };
        done.unwrap_or_else(|no| no.respond(&asked))
    }

    async fn in_the_clear(self, request: Request<Incoming>) -> Result<Response<Flow>, No> {
        let uri = request.uri();
        let authority = match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority)) => Authority::parse(authority.as_str(), Some(80)),
            (_, _) => None,
        };
        let Some(authority) = authority else {
            return Err(
                Stop::RequestMalformed.say("a proxy is asked for `CONNECT host:port` or `http://host/…`")
            );
        };
        match self.engine.outside.treat(&authority).await {
            Treat::Refuse(refusal) => {
                // Its body is read to a bound and forgotten, so that the answer is heard.
                if !request.headers().contains_key(EXPECT) {
                    let body = Flow::incoming(request.into_body(), self.engine.limits.silent_client);
                    tokio::spawn(drain(body));
                }
                return Err(refusal.into());
            }
            Treat::Inspect | Treat::Pass(_) => {}
        }
        let place = Arc::new(Place::new(Scheme::Http, authority));
        Ok(self.engine.answer(place, (self.cut, &self.seat.stay), request).await)
    }

    /// Requests for one place, read one by one.
    pub(super) async fn requests<I>(self, io: I, place: Place, is_second: bool) -> io::Result<()>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let place = Arc::new(place);
        let seat = Arc::clone(&self.seat);
        // In the second version each frame says its own length.
        let (io, turns) = Watched::new(io);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (visit, place) = (self.clone(), Arc::clone(&place));
            let is_clear = is_second || turns.next_is_clear();
            async move {
                if !is_clear {
                    return Ok::<_, Infallible>(ambiguous(&request));
                }
                same_machine(&mut request, &place.authority);
                let Visit { engine, cut, seat } = visit;
                Ok(engine.answer(place, (cut, &seat.stay), request).await)
            }
        });
        let io = TokioIo::new(io);
        let ended = if is_second {
            second_version().serve_connection(io, service).await
        } else {
            first_version().serve_connection(io, service).with_upgrades().await
        };
        drop(seat);
        note(ended);
        Ok(())
    }

    pub(super) async fn mismatch(&self, to: &Authority) {
        let place = Place::new(Scheme::Https, to.clone());
        self.engine.incident(IncidentKind::HostMismatch, &place, None).await;
    }
}

/// What a connection is told that speaks something else.
fn not_spoken(is_model: bool) -> String {
    let to = match is_model {
        true => "the client's model",
        false => "a service of this machine that a credential is lent to",
    };
    let told = format!("Writ: this way leads to {to}, and only HTTP/1.1 in the clear is spoken here\n");
    format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nwrit-reason: {}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{told}",
        Stop::RequestMalformed.name(),
        told.len(),
    )
}

/// Whether a connection begins as a request of the first version: with the letters of a method, after blank lines or none,
/// and not with the words of the second (RFC 9113, section 3.4).
async fn speaks(stream: &TcpStream) -> bool {
    let mut start = [0; MAX_BLANK_BYTES + 4];
    let known = async {
        loop {
            match stream.peek(&mut start).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => {
                    let seen = start.get(..count).unwrap_or_default();
                    let blank = seen.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                    let word = seen.get(blank..).unwrap_or_default();
                    let word = word.get(..word.len().min(4)).unwrap_or_default();
                    let is_method = word.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ');
                    if !is_method || !b"PRI ".starts_with(word) {
                        return Some(is_method);
                    }
                    if word.len() == 4 || count == start.len() {
                        return Some(false);
                    }
                    // So far it could be either; a peek returns at once, so this waits for more to come.
                    tokio::time::sleep(PEEK).await;
                }
            }
        }
    };
    matches!(timeout(OPEN, known).await, Ok(Some(true)))
}

/// The answer to a request that says the length of its body twice. Nothing after it is read (RFC 9112, section 6.3).
fn ambiguous(request: &Request<Incoming>) -> Response<Flow> {
    let no = Stop::RequestMalformed.say("the length of a body is said once, in one way");
    let mut response = no.respond(&accepted(request.headers()));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A service of this machine is asked for by any of the machine's own names; to the service it is the one that was set.
fn same_machine(request: &mut Request<Incoming>, place: &Authority) {
    let is_own = |to: &Authority| Zone::of(to.host()) == Zone::Loopback;
    if !is_own(place) {
        return;
    }
    let is_same = |text: &str| {
        Authority::parse(text, Some(place.port())).is_some_and(|to| is_own(&to) && to.port() == place.port())
    };
    let hosts = request.headers().get_all(HOST).iter().count();
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if hosts == 1
        && host.is_some_and(is_same)
        && let Ok(value) = HeaderValue::from_str(&place.to_string())
    {
        request.headers_mut().insert(HOST, value);
    }
    // In the second version it stands in the target (RFC 9113, section 8.3.1).
    if request.version() == hyper::Version::HTTP_2
        && request.uri().authority().is_some_and(|to| is_same(to.as_str()))
    {
        let mut parts = request.uri().clone().into_parts();
        if let Ok(own) = place.to_string().parse() {
            parts.authority = Some(own);
            if let Ok(uri) = hyper::Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
}

/// Where a tunnel is asked to (RFC 9112, section 3.2.3). A `Host` beside it says the same.
fn target(request: &Request<Incoming>) -> Result<Authority, No> {
    let malformed = || Stop::RequestMalformed.say("a tunnel is asked for as `CONNECT host:port`");
    let uri = request.uri();
    if uri.scheme().is_some() || uri.path_and_query().is_some_and(|rest| !rest.as_str().is_empty()) {
        return Err(malformed());
    }
    let text = uri.authority().ok_or_else(malformed)?.as_str();
    let to = Authority::parse(text, None).ok_or_else(malformed)?;
    check_same(request.headers(), &to)?;
    Ok(to)
}

fn check_same(headers: &HeaderMap, to: &Authority) -> Result<(), No> {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let read = |text: &str| {
        // Without a port it can only mean the target's own.
        Authority::parse(text, Some(to.port()))
    };
    let is_same = first.is_none_or(|host| host.to_str().ok().and_then(read).as_ref() == Some(to));
    if is_same && second.is_none() {
        Ok(())
    } else {
        Err(Stop::HostMismatch.say(format!("the tunnel is for `{to}`, and `Host` names another")))
    }
}

fn first_version() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(OPEN)
        .max_buf_size(super::BUFFER_BYTES)
        .max_headers(MAX_HEADERS)
        .preserve_header_case(true)
        // Who closes has gone: what is not yet decided, or not yet sent, is not wanted any more.
        .half_close(false)
        .auto_date_header(false);
    builder
}

fn second_version() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(super::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(super::CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(super::BUFFER_BYTES)
        .max_header_list_size(super::MAX_HEAD_LIST_BYTES)
        .keep_alive_interval(Duration::from_secs(60))
        .auto_date_header(false);
    builder
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection from inside");
    }
}
