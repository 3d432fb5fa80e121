//! A run in memory with its proxy, and servers for it to go to.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use writ_model::{CallId, Client, Label, Operation, ReasonCode, Secret, Timestamp, ToolCall};

use crate::admit::Admitted;
use crate::http::port::*;
use crate::http::{Authority, BodyError, EgressProxy, Settings};

pub(super) const NOW: i64 = 1_795_306_510_162;

type Admits = Box<dyn Fn(&writ_model::Request) -> Result<(), Refusal> + Send + Sync>;

pub(super) struct World {
    pub(super) asked: Mutex<Vec<writ_model::Request>>,
    pub(super) incidents: Mutex<Vec<Incident>>,
    pub(super) lends: Mutex<u32>,
    ended: mpsc::UnboundedSender<Ended>,
    pub(super) placeholders: Arc<[Placeholder]>,
    pub(super) values: HashMap<String, (String, Option<String>)>,
    pub(super) revoke: watch::Sender<bool>,
    pub(super) admits: Admits,
    pub(super) wish: BodyWish,
    /// What a look says.
    pub(super) prospect: Box<dyn Fn(&writ_model::Request) -> Prospect + Send + Sync>,
    /// A decision takes a permit of this, so that it can be made to wait.
    pub(super) gate: Arc<Semaphore>,
    pub(super) treat: Box<dyn Fn(&Authority) -> Treat + Send + Sync>,
    pub(super) names: bool,
    /// Addresses near by that a name may lead to; without them, all if it is named.
    pub(super) near: Option<Vec<IpAddr>>,
}

pub(super) struct Scene {
    pub(super) world: Arc<World>,
    pub(super) at: SocketAddr,
    pub(super) ended: mpsc::UnboundedReceiver<Ended>,
    ca: tempfile::NamedTempFile,
    proxy: Arc<EgressProxy<World>>,
    serving: Mutex<tokio::task::JoinSet<()>>,
}

pub(super) fn refusal(text: &str) -> Refusal {
    Refusal { reason: ReasonCode::Organisation, text: text.to_owned() }
}

impl Boundary for World {
    fn wants(&self, _request: &writ_model::Request) -> BodyWish {
        self.wish
    }

    async fn admit(&self, request: writ_model::Request) -> Result<Pass, Refusal> {
        self.asked.lock().unwrap().push(request.clone());
        self.gate.acquire().await.unwrap().forget();
        (self.admits)(&request)?;
        let at = Timestamp::from_millis(NOW);
        Ok(Pass::new(Admitted::for_test(ToolCall {
            id: CallId::new(at, [1; 10]),
            client: Client::Other,
            tool: "request".parse().unwrap(),
            client_call: None,
            subagent: None,
            operation: Operation::Request(Box::new(request)),
            cwd: "/".into(),
            arguments: serde_json::Value::Null,
        })))
    }

    async fn prospect(&self, request: &writ_model::Request) -> Prospect {
        (self.prospect)(request)
    }

    async fn ended(&self, _pass: Pass, ended: Ended) {
        let _ = self.ended.send(ended);
    }

    async fn incident(&self, incident: Incident) {
        self.incidents.lock().unwrap().push(incident);
    }

    fn revoked(&self) -> watch::Receiver<bool> {
        self.revoke.subscribe()
    }
}

impl Tunnels for World {
    async fn treat(&self, to: &Authority) -> Treat {
        (self.treat)(to)
    }

    fn names(&self, _to: &Authority) -> bool {
        self.names
    }

    fn is_watched(&self, to: &Authority) -> bool {
        to.host() != "model.test"
    }

    fn may_lead(&self, _to: &Authority, address: IpAddr) -> bool {
        self.near.as_ref().map_or(self.names, |near| near.contains(&address))
    }
}

impl Lend for World {
    fn placeholders(&self) -> Arc<[Placeholder]> {
        Arc::clone(&self.placeholders)
    }

    async fn lend(&self, name: &Label, _pass: &Pass) -> Result<Lent, NotLent> {
        *self.lends.lock().unwrap() += 1;
        match self.values.get(name.as_str()) {
            Some((value, None)) => Ok(Lent::Text(Secret::new(value.clone()))),
            Some((id, Some(key))) => Ok(Lent::Aws {
                access_key: id.clone(),
                secret_key: Secret::new(key.clone()),
                session_token: None,
            }),
            None => Err(NotLent(name.to_string())),
        }
    }
}

/// Every name leads here, unless it is told otherwise.
#[derive(Default)]
pub(super) struct Names(pub(super) Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Resolve for Names {
    fn addresses<'a>(&'a self, name: &'a str) -> Wait<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let mut told = self.0.lock().unwrap();
            match told.get_mut(name) {
                Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
                Some(answers) => Ok(answers[0].clone()),
                None => Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
            }
        })
    }
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    pub(super) async fn with(world: impl FnOnce(&mut World), settings: impl FnOnce(&mut Settings)) -> Self {
        let (sender, ended) = mpsc::unbounded_channel();
        let mut own = World {
            asked: Mutex::default(),
            incidents: Mutex::default(),
            lends: Mutex::default(),
            ended: sender,
            placeholders: Arc::new([]),
            values: HashMap::new(),
            revoke: watch::Sender::new(false),
            admits: Box::new(|_| Ok(())),
            wish: BodyWish::None,
            prospect: Box::new(|_| Prospect::Admitted),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            treat: Box::new(|_| Treat::Inspect),
            names: true,
            near: None,
        };
        world(&mut own);
        let world = Arc::new(own);
        let mut set = Settings::at(Timestamp::from_millis(NOW));
        set.extra_trust_pem = Some(outside().ca_pem.clone().into_bytes());
        set.resolve = Arc::new(Names::default());
        settings(&mut set);
        let proxy = Arc::new(EgressProxy::new(Arc::clone(&world), set).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn({
            let proxy = Arc::clone(&proxy);
            async move { proxy.serve(listener).await }
        });
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), proxy.ca_pem()).unwrap();
        Self { world, at, ended, ca, proxy, serving: Mutex::new(serving) }
    }

    /// A port that stands in for a service of this machine.
    pub(super) async fn service(&self, to: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (proxy, to) = (Arc::clone(&self.proxy), format!("127.0.0.1:{to}"));
        let to = Authority::parse(&to, None).unwrap();
        self.serving.lock().unwrap().spawn(async move { proxy.serve_service(listener, to).await });
        port
    }

    /// A port that stands in for one place, as that of the client's model.
    pub(super) async fn stand_in(&self, to: &str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (proxy, to) = (Arc::clone(&self.proxy), Authority::parse(to, None).unwrap());
        self.serving.lock().unwrap().spawn(async move { proxy.serve_for(listener, to).await });
        port
    }

    pub(super) fn ca_path(&self) -> &std::path::Path {
        self.ca.path()
    }

    pub(super) fn ca_pem(&self) -> Vec<u8> {
        std::fs::read(self.ca.path()).unwrap()
    }

    /// Runs curl through the proxy; gives its exit code and what it printed.
    pub(super) async fn curl(&self, arguments: &[&str]) -> (i32, String) {
        let proxy = format!("http://{}", self.at);
        let ca = self.ca.path().to_str().unwrap().to_owned();
        let output = tokio::process::Command::new("curl")
            .env_clear()
            .args(["-sS", "--max-time", "20", "--proxy", &proxy, "--cacert", &ca])
            .args(arguments)
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    /// Speaks to the proxy byte by byte; gives what came until it closed or nothing came for a moment.
    pub(super) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut out = Vec::new();
        loop {
            let patience = if out.is_empty() { Duration::from_secs(10) } else { Duration::from_millis(300) };
            match tokio::time::timeout(patience, stream.read_buf(&mut out)).await {
                Ok(Ok(count)) if count > 0 => {}
                _ => return String::from_utf8_lossy(&out).into_owned(),
            }
        }
    }

    pub(super) async fn ended(&mut self) -> Ended {
        tokio::time::timeout(Duration::from_secs(10), self.ended.recv()).await.unwrap().unwrap()
    }

    pub(super) fn kinds(&self) -> Vec<IncidentKind> {
        self.world.incidents.lock().unwrap().iter().map(|incident| incident.kind).collect()
    }

    pub(super) fn asked(&self) -> Vec<writ_model::Request> {
        self.world.asked.lock().unwrap().clone()
    }
}

/// The public network's own authority, made once.
pub(super) struct Outside {
    pub(super) ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

pub(super) fn outside() -> &'static Outside {
    static OUTSIDE: std::sync::OnceLock<Outside> = std::sync::OnceLock::new();
    OUTSIDE.get_or_init(|| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca_pem = params.self_signed(&key).unwrap().pem();
        Outside { ca_pem, issuer: Issuer::new(params, key) }
    })
}

pub(super) fn server_tls(names: &[&str], protocols: &[&str]) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &outside().issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

pub(super) type Answer = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>>;

pub(super) fn text(text: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(text.into()).map_err(|never| match never {}).boxed_unsync())
}

/// A server that speaks HTTP in the version that the client asks for.
pub(super) async fn serve<F>(
    tls: Option<TlsAcceptor>,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) -> u16
where
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let (tls, answer) = (tls.clone(), answer.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async move { Ok::<_, std::convert::Infallible>(answer.await) }
                });
                let first = hyper::server::conn::http1::Builder::new();
                match tls {
                    None => drop(first.serve_connection(TokioIo::new(stream), service).with_upgrades().await),
                    Some(tls) => {
                        let Ok(stream) = tls.accept(stream).await else { return };
                        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                            let second = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                            let _ = second.serve_connection(TokioIo::new(stream), service).await;
                        } else {
                            let _ =
                                first.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
                        }
                    }
                }
            });
        }
    });
    port
}

/// A server that answers each connection with these bytes once it saw `until`, and hands out what it got.
pub(super) async fn raw(
    until: &'static str,
    answer: &'static [u8],
) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut got = Vec::new();
                let mut piece = [0; 4096];
                while !String::from_utf8_lossy(&got).contains(until) {
                    match stream.read(&mut piece).await {
                        Ok(count) if count > 0 => got.extend_from_slice(&piece[..count]),
                        _ => break,
                    }
                }
                let _ = sender.send(String::from_utf8_lossy(&got).into_owned());
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, receiver)
}

/// A server that says what it was asked: method, path and each header, then the body.
pub(super) async fn echo(tls: Option<TlsAcceptor>) -> u16 {
    serve(tls, |request| async move {
        let (head, body) = request.into_parts();
        let mut out = format!("{} {} {:?}\n", head.method, head.uri, head.version).into_bytes();
        for (name, value) in &head.headers {
            out.extend_from_slice(format!("{name}: ").as_bytes());
            out.extend_from_slice(value.as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
        if let Ok(body) = body.collect().await {
            out.extend_from_slice(&body.to_bytes());
        }
        text(out)
    })
    .await
}
