//! A service of this machine that a person named: programs reach it at its own port inside, without knowing of a proxy.
//!
//! Whoever speaks HTTP to it, in the clear, in TLS or in the second version, is read like anybody else who leaves, so that what
//! is pushed or published there is seen. Only what is no HTTP passes byte by byte, each connection decided and on record.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use writ_model::{Account, Scheme};
use writ_policy::Zone;

use super::authority::{Authority, normal};
use super::front::{OPEN, Visit, copy};
use super::head::Place;
use super::hello::MAX_HELLO_BYTES;
use super::port::Outside;
use super::refuse::No;
use super::rewound::Rewound;
use super::running::{Direction, Turn};
use super::spoken::{MAX_FIRST_LINE_BYTES, Spoken, greeted, spoken};
use super::upstream::Wire;

/// How long a client may say nothing before the service is asked whether it speaks first.
const PAUSE: Duration = Duration::from_millis(200);
/// First bytes of a service that speaks before its client.
const MAX_GREETING_BYTES: usize = 512;

/// What is known of a connection after its first words.
struct Begun {
    spoken: Spoken,
    /// What its client said.
    seen: Vec<u8>,
    /// The service, where it was asked, with what it said.
    greeting: Option<(Box<dyn Wire>, Vec<u8>)>,
}

impl<P: Outside> Visit<P> {
    /// Serves one connection to a service.
    pub(super) async fn service(self, stream: TcpStream, to: Authority) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let over = self.over();
        let visit = async {
            if let Err(error) = self.begin(stream, to).await {
                tracing::debug!(%error, "a connection to a service of this machine");
            }
        };
        tokio::select! {
            () = over => {}
            () = visit => {}
        }
    }

    async fn begin(self, mut stream: TcpStream, to: Authority) -> io::Result<()> {
        let begun = self.first_words(&mut stream, &to, Scheme::Http).await?;
        if begun.spoken != Spoken::Tls {
            return self.go_on(stream, begun, to, Scheme::Http).await;
        }
        let accepting = LazyConfigAcceptor::new(Acceptor::default(), Rewound::new(begun.seen, stream));
        let start = timeout(OPEN, accepting).await.map_err(io::Error::other)??;
        let name = match start.client_hello().server_name().map(normal) {
            // To who asks for no name it is what it was named.
            None => to.host().into(),
            Some(Some(name)) if *name == *to.host() || Zone::of(&name) == Zone::Loopback => name,
            Some(_) => {
                self.mismatch(&to).await;
                return Err(io::Error::other("the handshake names another host than this machine"));
            }
        };
        let config = self.engine.identity.server(&name).map_err(io::Error::other)?;
        let mut inside = timeout(OPEN, start.into_stream(config)).await.map_err(io::Error::other)??;
        inside.get_mut().1.set_buffer_limit(Some(super::TLS_BUFFER_BYTES));
        if inside.get_ref().1.alpn_protocol() == Some(b"h2") {
            let place = Place::new(Scheme::Https, to);
            return self.requests(inside, place, true).await;
        }
        let begun = self.first_words(&mut inside, &to, Scheme::Https).await?;
        self.go_on(inside, begun, to, Scheme::Https).await
    }

    async fn go_on<I>(self, inside: I, begun: Begun, to: Authority, scheme: Scheme) -> io::Result<()>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Begun { spoken, seen, greeting } = begun;
        match spoken {
            Spoken::Unclear | Spoken::Hidden => Err(io::Error::other("what is said cannot be read")),
            Spoken::Http => {
                let place = Place::new(scheme, to);
                self.requests(Rewound::new(seen, inside), place, false).await
            }
            Spoken::SecondHttp => {
                let place = Place { is_second: scheme == Scheme::Http, ..Place::new(scheme, to) };
                self.requests(Rewound::new(seen, inside), place, true).await
            }
            // Within TLS there is no second one to be read.
            Spoken::Tls | Spoken::Other => self.blindly(inside, seen, greeting, to, scheme).await,
        }
    }

    /// Passes what is no HTTP, once it is decided and on record.
    async fn blindly<I>(
        self,
        inside: I,
        seen: Vec<u8>,
        greeting: Option<(Box<dyn Wire>, Vec<u8>)>,
        to: Authority,
        scheme: Scheme,
    ) -> io::Result<()>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let refused = |no: No| io::Error::other(no.text);
        // A person named the service: whatever its own protocol logs in with is for it.
        // Its listener is its own, so it takes nobody's place but another connection's to the same service.
        let seat = self.seat.stay.hold().ok_or(io::ErrorKind::ConnectionAborted)?;
        let turn = Arc::new(Turn { _place: None, seat, readers: None });
        let running = self.admitted(&to, Account::Nobody, turn).await.map_err(refused)?;
        let (mut outside, greeting) = match greeting {
            Some(greeting) => greeting,
            None => (self.connect(&to, scheme).await.map_err(refused)?, Vec::new()),
        };
        running.answered(200);
        let (from_inside, mut to_inside) = tokio::io::split(inside);
        to_inside.write_all(&greeting).await?;
        running.count(Direction::Down, greeting.len());
        outside.write_all(&seen).await?;
        running.count(Direction::Up, seen.len());
        let (from_outside, to_outside) = tokio::io::split(outside);
        tokio::try_join!(
            copy(from_inside, to_outside, &running, Direction::Up),
            copy(from_outside, to_inside, &running, Direction::Down),
        )?;
        running.end(Direction::Down);
        Ok(())
    }

    async fn connect(&self, to: &Authority, scheme: Scheme) -> Result<Box<dyn Wire>, No> {
        let (upstream, outside) = (&self.engine.upstream, &*self.engine.outside);
        Ok(match scheme {
            Scheme::Http => Box::new(upstream.tunnel(to, outside).await?),
            Scheme::Https => Box::new(upstream.secure_tunnel(to, outside).await?),
        })
    }

    /// Listens until it is clear what is spoken. Where the client waits, the service may speak first, as those for mail and
    /// many databases do, and then it is none of HTTP.
    async fn first_words<I>(&self, inside: &mut I, to: &Authority, scheme: Scheme) -> io::Result<Begun>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut seen = Vec::new();
        if let Ok(heard) = timeout(PAUSE, hear(inside, &mut seen)).await {
            return Ok(Begun { spoken: heard?, seen, greeting: None });
        }
        if !seen.is_empty() {
            let spoken = timeout(OPEN, hear(inside, &mut seen)).await.map_err(io::Error::other)??;
            return Ok(Begun { spoken, seen, greeting: None });
        }
        let refused = |no: No| io::Error::other(no.text);
        let mut outside = self.connect(to, scheme).await.map_err(refused)?;
        let mut greeting = Vec::new();
        let first = async {
            tokio::select! {
                heard = hear(inside, &mut seen) => heard.map(|spoken| (spoken, false)),
                heard = greet(&mut outside, &mut greeting) => heard.map(|spoken| (spoken, true)),
            }
        };
        let (spoken, is_service) =
            timeout(super::front::SILENT_TUNNEL, first).await.map_err(io::Error::other)??;
        Ok(match (is_service, spoken) {
            // A byte of the client's may have come in the same moment: it goes on after the greeting.
            (true, Spoken::Other) => Begun { spoken, seen, greeting: Some((outside, greeting)) },
            (true, _) => Begun { spoken: Spoken::Hidden, seen, greeting: None },
            // What the service said in the same moment is not to be lost.
            (false, Spoken::Other) => Begun { spoken, seen, greeting: Some((outside, greeting)) },
            (false, _) => Begun { spoken, seen, greeting: None },
        })
    }
}

/// Reads until it is clear what a client speaks. Cancelled, what was read stays in `seen`.
async fn hear(inside: &mut (impl AsyncRead + Unpin), seen: &mut Vec<u8>) -> io::Result<Spoken> {
    loop {
        match spoken(seen) {
            Spoken::Unclear => {}
            clear => return Ok(clear),
        }
        if seen.len() >= MAX_HELLO_BYTES.max(MAX_FIRST_LINE_BYTES) {
            return Ok(Spoken::Hidden);
        }
        if inside.read_buf(seen).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn greet(outside: &mut (impl AsyncRead + Unpin), said: &mut Vec<u8>) -> io::Result<Spoken> {
    loop {
        match greeted(said) {
            Spoken::Unclear if said.len() >= MAX_GREETING_BYTES => return Ok(Spoken::Hidden),
            Spoken::Unclear => {}
            clear => return Ok(clear),
        }
        if outside.read_buf(said).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
