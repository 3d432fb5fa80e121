//! Passing bytes on, to where they may go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use writ_model::HostPattern;
use writ_policy::Zone;

use super::Endpoint;

/// Connections of one task at the same time.
const MAX_CONNECTIONS: usize = 512;
/// What is read until the end of a request's head.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// How long a client may take to ask, and a host to answer.
const BOUND: Duration = Duration::from_secs(20);

/// Decides what the proxy connects to.
pub(super) struct Doorman {
    named: Vec<Endpoint>,
    also: Vec<HostPattern>,
    upstream: Option<Endpoint>,
}

/// What a request asks of the proxy.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// A tunnel to a host.
    Tunnel(Endpoint),
    /// One request to a host, in the clear.
    Plain(Endpoint),
    /// Nothing that has a meaning here.
    Nonsense,
}

// === impl Doorman ===

impl Doorman {
    pub(super) const fn new(
        named: Vec<Endpoint>,
        also: Vec<HostPattern>,
        upstream: Option<Endpoint>,
    ) -> Self {
        Self { named, also, upstream }
    }

    fn admits(&self, wanted: &Endpoint) -> bool {
        let named = self.named.contains(wanted);
        named || (!wanted.is_local() && self.also.iter().any(|pattern| pattern.covers(&wanted.to_string())))
    }

    /// Connects, through the user's own proxy where there is one.
    async fn connect(&self, wanted: &Endpoint) -> io::Result<TcpStream> {
        let Some(upstream) = &self.upstream else { return connect(wanted, wanted.is_local()).await };
        let mut stream = connect(upstream, true).await?;
        stream.write_all(format!("CONNECT {wanted} HTTP/1.1\r\nHost: {wanted}\r\n\r\n").as_bytes()).await?;
        let mut head = Vec::new();
        tokio::time::timeout(BOUND, read_head(&mut stream, &mut head)).await.map_err(io::Error::other)??;
        let agreed = head.starts_with(b"HTTP/1.1 200") || head.starts_with(b"HTTP/1.0 200");
        if agreed { Ok(stream) } else { Err(io::Error::other("the upstream proxy refused")) }
    }
}

/// Passes each connection on to a service of this machine.
pub(super) async fn local(listener: TcpListener, endpoint: Endpoint) {
    let endpoint = Arc::new(endpoint);
    accept(listener, move |mut inside| {
        let endpoint = Arc::clone(&endpoint);
        async move {
            let mut outside = connect(&endpoint, true).await?;
            copy_bidirectional(&mut inside, &mut outside).await.map(drop)
        }
    })
    .await;
}

/// Serves the proxy.
pub(super) async fn proxy(listener: TcpListener, doorman: Arc<Doorman>) {
    accept(listener, move |inside| {
        let doorman = Arc::clone(&doorman);
        async move { visit(inside, &doorman).await }
    })
    .await;
}

async fn accept<F: Future<Output = io::Result<()>> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> F,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut visits = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let visit = serve(stream);
                visits.spawn(async move {
                    if let Err(error) = visit.await {
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

async fn visit(mut inside: TcpStream, doorman: &Doorman) -> io::Result<()> {
    let mut head = Vec::new();
    let end =
        tokio::time::timeout(BOUND, read_head(&mut inside, &mut head)).await.map_err(io::Error::other)??;
    let (first, after) = (head.get(..end).unwrap_or_default(), head.get(end..).unwrap_or_default());
    let asked = asked(first);
    let wanted = match &asked {
        Asked::Tunnel(wanted) | Asked::Plain(wanted) => wanted,
        Asked::Nonsense => {
            return say(&mut inside, "400 Bad Request", "this is not what a proxy is asked").await;
        }
    };
    if !doorman.admits(wanted) {
        let told = format!(
            "Writ: `{wanted}` is not reached in this task, only the model is. A person can name more hosts when a task \
             is started: writ run --allow-host {}",
            wanted.host
        );
        return say(&mut inside, "403 Forbidden", &told).await;
    }
    let mut outside = match doorman.connect(wanted).await {
        Ok(outside) => outside,
        Err(error) => {
            let told = format!("Writ: `{wanted}` does not answer: {error}");
            return say(&mut inside, "502 Bad Gateway", &told).await;
        }
    };
    match asked {
        Asked::Tunnel(_) => {
            inside.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            outside.write_all(after).await?;
        }
        Asked::Plain(_) | Asked::Nonsense => outside.write_all(&head).await?,
    }
    copy_bidirectional(&mut inside, &mut outside).await.map(drop)
}

/// Reads at least the head of a request, and returns where it ends.
async fn read_head(stream: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(at + 4);
        }
        if head.len() >= MAX_HEAD_BYTES {
            return Err(io::Error::other("the head of a request is too long"));
        }
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(piece.get(..count).unwrap_or_default());
    }
}

fn asked(head: &[u8]) -> Asked {
    let line = head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.unwrap_or_default().split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let whole = words.next().is_none() && matches!(version, Some("HTTP/1.1" | "HTTP/1.0"));
    let found = match (method, target) {
        (Some("CONNECT"), Some(target)) => Endpoint::of_authority(target).map(Asked::Tunnel),
        (Some(_), Some(target)) if target.starts_with("http://") => {
            Endpoint::of_url(target).map(Asked::Plain)
        }
        (Some(_) | None, Some(_) | None) => None,
    };
    found.filter(|_| whole).unwrap_or(Asked::Nonsense)
}

/// Connects to a name that is looked up here. A name that leads to this machine is followed only with `local`.
async fn connect(endpoint: &Endpoint, local: bool) -> io::Result<TcpStream> {
    let Endpoint { host, port } = endpoint;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    tokio::time::timeout(BOUND, async {
        let addresses = tokio::net::lookup_host((host, *port)).await?;
        let mut last = io::Error::other("it has no address that may be reached");
        for address in addresses.filter(|address| may_be_reached(address, local)) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    })
    .await
    .map_err(io::Error::other)?
}

/// Not what a machine tells its tenants about themselves, whatever name leads there.
fn may_be_reached(address: &SocketAddr, local: bool) -> bool {
    let address = address.ip().to_canonical();
    let name = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    match Zone::of(&name) {
        Zone::Loopback => local,
        Zone::Metadata => false,
        Zone::Private | Zone::Public => {
            !address.is_unspecified() && !address.is_multicast() && !is_everybody(address)
        }
    }
}

fn is_everybody(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

async fn say(stream: &mut TcpStream, status: &str, told: &str) -> io::Result<()> {
    let length = told.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{told}\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_in_one_way_or_refused() {
        let endpoint = |host: &str, port| Endpoint { host: host.into(), port };
        for (head, wanted) in [
            ("CONNECT a.b:443 HTTP/1.1\r\n\r\n", Asked::Tunnel(endpoint("a.b", 443))),
            ("GET http://a.b/x HTTP/1.1\r\nHost: c.d\r\n\r\n", Asked::Plain(endpoint("a.b", 80))),
            ("CONNECT a.b HTTP/1.1\r\n\r\n", Asked::Nonsense),
            ("CONNECT a.b:443\r\n\r\n", Asked::Nonsense),
            ("CONNECT a.b:443 HTTP/1.1 x\r\n\r\n", Asked::Nonsense),
            ("CONNECT u@a.b:443 HTTP/1.1\r\n\r\n", Asked::Nonsense),
            ("GET /x HTTP/1.1\r\n\r\n", Asked::Nonsense),
            ("GET https://a.b/ HTTP/1.1\r\n\r\n", Asked::Nonsense),
            ("\u{0}", Asked::Nonsense),
            ("", Asked::Nonsense),
        ] {
            assert_eq!(asked(head.as_bytes()), wanted, "{head:?}");
        }
    }

    #[test]
    fn only_what_is_named_is_admitted() {
        let endpoint = |host: &str, port| Endpoint { host: host.into(), port };
        let doorman = Doorman::new(
            vec![endpoint("api.m.org", 443)],
            vec!["*.docs.rs".parse().unwrap(), "127.0.0.1".parse().unwrap()],
            None,
        );
        for (host, port, wanted) in [
            ("api.m.org", 443, true),
            ("api.m.org", 22, false),
            ("x.api.m.org", 443, false),
            ("a.docs.rs", 443, true),
            ("a.docs.rs", 8443, false),
            ("169.254.169.254", 80, false),
            ("127.0.0.1", 443, false),
        ] {
            assert_eq!(doorman.admits(&endpoint(host, port)), wanted, "{host}:{port}");
        }
        for (address, wanted) in [
            ("169.254.169.254:80", false),
            ("[fe80::1]:80", false),
            ("[::ffff:169.254.169.254]:80", false),
            ("[fd00:ec2::254]:80", false),
            ("100.100.100.200:80", false),
            ("168.63.129.16:80", false),
            ("127.0.0.1:80", false),
            ("[::ffff:127.0.0.1]:80", false),
            ("10.0.0.1:80", true),
            ("93.184.216.34:443", true),
        ] {
            assert_eq!(may_be_reached(&address.parse().unwrap(), false), wanted, "{address}");
        }
    }

    proptest::proptest! {
        /// Whatever is asked, only a name and a port come out of it that read back as themselves.
        #[test]
        fn any_request_is_read(head in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            if let Asked::Tunnel(wanted) | Asked::Plain(wanted) = asked(&head) {
                proptest::prop_assert_eq!(Endpoint::of_authority(&wanted.to_string()), Some(wanted));
            }
        }

        #[test]
        fn any_target_is_read(target in "[a-zA-Z0-9@:/.\\[\\]%#?_-]{0,40}") {
            let head = format!("CONNECT {target} HTTP/1.1\r\n\r\n");
            if let Asked::Tunnel(wanted) = asked(head.as_bytes()) {
                proptest::prop_assert!(!wanted.host.contains(['@', '/', '#', '?', '%']));
            }
        }
    }
}
