//! What the way out asks of others: whether a request may go, how a host is treated, and what is lent for it.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use hyper::Response;
use hyper::http::request;
use tokio::sync::watch;
use writ_model::{HostPattern, Label, ReasonCode, Request, Secret, ToolCall};

use super::authority::Authority;
use super::body::Flow;
use super::exchange::Onward;
use crate::admit::Admitted;

/// A request may go out: policy allows it and the record holds that. There is no other way to make one.
#[derive(Debug)]
pub struct Pass(Admitted<ToolCall>);

/// A request may not go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: ReasonCode,
    /// What may be done instead, for the agent.
    pub text: String,
}

/// How much of a body a decision needs. What is not asked for is not held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyWish {
    None,
    /// Its first bytes, at most so many.
    Start(usize),
    /// All of it, where it has at most so many bytes; else so much of its start.
    Whole(usize),
}

/// What would become of a request, by a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    Admitted,
    /// A person would be asked.
    Asked,
    Refused,
}

/// What became of a request that went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What the other side answered; `None` where it did not.
    pub status: Option<u16>,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    /// Values that were taken out of the answer.
    pub redactions: u64,
    /// False where one side left, was cut off or broke before the end.
    pub is_whole: bool,
}

/// Something that a person should hear of, whether or not anything left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub kind: IncidentKind,
    /// Where it would have gone, with a port that is not the usual one.
    pub host: String,
    /// The credential that it is about, or the finder's name for it.
    pub name: Option<Label>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncidentKind {
    /// A name led to an address that the task does not name.
    AddressForbidden,
    /// A request with a credential that Writ did not place was refused.
    ForeignCredential,
    /// Target, server name and host of one connection differ.
    HostMismatch,
    /// A placeholder went where what it stands for is not for.
    PlaceholderElsewhere,
    /// A secret stood in what was leaving.
    SecretLeaving,
}

/// Decides and records. Every request is asked about once, before a byte of it leaves.
pub trait Boundary: Send + Sync + 'static {
    /// How much of the body the decision needs. At most [`super::MAX_HELD_BYTES`] are given.
    fn wants(&self, request: &Request) -> BodyWish;

    /// Decides and records. The pass exists only when the decision is as durable as its effects ask for.
    fn admit(&self, request: Request) -> impl Future<Output = Result<Pass, Refusal>> + Send;

    /// What would become of it as it is. Only looked at: nothing is recorded or spent, and [`Self::admit`] decides. Asked
    /// where all of a long body could make a difference.
    fn prospect(&self, request: &Request) -> impl Future<Output = Prospect> + Send;

    /// Says what became of an admitted request: exactly once for each pass, unless the process dies.
    fn ended(&self, pass: Pass, ended: Ended) -> impl Future<Output = ()> + Send;

    fn incident(&self, incident: Incident) -> impl Future<Output = ()> + Send;

    /// Becomes true when everything has to end at once; a sender that is gone means the same.
    fn revoked(&self) -> watch::Receiver<bool>;
}

/// How the connections to a host are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treat {
    Refuse(Refusal),
    /// Looked into: each request is decided.
    Inspect,
    /// Bytes pass as they are, for the name that the client's handshake says. Nothing is lent; whose login they carry is what
    /// the judge is told: a person's word stands for [`writ_model::Account::Nobody`].
    Pass(writ_model::Account),
}

pub trait Tunnels: Send + Sync + 'static {
    /// Asked for each connection and each request in the clear. Records what it refuses.
    fn treat(&self, to: &Authority) -> impl Future<Output = Treat> + Send;

    /// Whether the task names this very host, so that it may be written as an address.
    fn names(&self, to: &Authority) -> bool;

    /// Whether a name may lead to this address of this machine or of a private network: the task says so of the address, or
    /// of the name as one from near by. Addresses by which clouds hand out credentials are reached by no name.
    fn may_lead(&self, to: &Authority, address: IpAddr) -> bool;

    /// Whether what goes there is looked through for credentials by their form: not what a client says to its own model,
    /// which is shown everything that the agent reads.
    fn is_watched(&self, to: &Authority) -> bool;
}

/// What an agent holds in place of a credential.
#[derive(Clone, Debug)]
pub struct Placeholder {
    /// Unlike anything else: at least [`super::MIN_PLACEHOLDER_BYTES`] letters, digits, `-` and `_`.
    pub text: String,
    /// What it stands for.
    pub name: Label,
    /// Where it is for. Nowhere else.
    pub uses: Vec<Use>,
}

/// Where a credential goes, and how.
#[derive(Clone, Debug)]
pub struct Use {
    pub hosts: Vec<HostPattern>,
    /// Empty: any.
    pub methods: Vec<String>,
    /// What a path starts with, up to a `/` or its end. Empty: any.
    pub paths: Vec<String>,
    pub how: How,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// In a header that carries credentials, or in one of these, as it stands there.
    Header(Vec<String>),
    /// As name or password of `Authorization: Basic` (RFC 7617).
    Basic,
    /// As the value of this part of the query.
    Query(String),
    /// Anywhere in the body.
    Body,
    /// As the access key of AWS Signature Version 4: the request is signed anew. Regions and services that it may be
    /// used for; empty: any.
    SigV4 { regions: Vec<String>, services: Vec<String> },
}

/// A credential at the moment of sending.
pub enum Lent {
    Text(Secret),
    Aws { access_key: String, secret_key: Secret, session_token: Option<Secret> },
}

/// Why nothing is lent. The request is refused.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not lent")]
pub struct NotLent(pub String);

pub trait Lend: Send + Sync + 'static {
    /// The placeholders of this run.
    fn placeholders(&self) -> Arc<[Placeholder]>;

    /// The value, for a request that was admitted. Called once for each sending.
    fn lend(&self, name: &Label, pass: &Pass) -> impl Future<Output = Result<Lent, NotLent>> + Send;
}

/// All that the way out needs of the supervisor.
pub trait Outside: Boundary + Tunnels + Lend {}

impl<T: Boundary + Tunnels + Lend> Outside for T {}

/// A future that a port gives where one of several kinds is chosen at run time.
pub type Wait<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Looks names up. Each answer is checked before anything connects to it, and what was checked is connected to.
pub trait Resolve: Send + Sync + 'static {
    /// # Errors
    /// When the name has no address, or nobody answers.
    fn addresses<'a>(&'a self, name: &'a str) -> Wait<'a, std::io::Result<Vec<IpAddr>>>;
}

/// Finds secrets in what leaves.
pub trait Tripwire: Send + Sync + 'static {
    /// A look at one stream.
    fn watch(&self) -> Box<dyn Watching>;

    /// The name of what stands in bytes that are there as a whole.
    fn find(&self, whole: &[u8]) -> Option<Label> {
        let mut watching = self.watch();
        watching.push(whole).err().or_else(|| watching.finish().err())
    }
}

/// A look at one stream. What it holds in memory is bounded.
pub trait Watching: Send + Sync {
    /// Takes the next piece, and gives how many of the last bytes could be a secret, or the beginning of one: they are held
    /// back until it is clear.
    ///
    /// # Errors
    /// The name of the secret that stands in what came.
    fn push(&mut self, piece: &[u8]) -> Result<usize, Label>;

    /// Ends the stream.
    ///
    /// # Errors
    /// The name of the secret that stands at its end.
    fn finish(&mut self) -> Result<(), Label>;
}

/// A door of its own for some requests, as pushes to a repository. It decides them itself.
pub trait Divert: Send + Sync + 'static {
    fn takes(&self, request: &Request) -> bool;

    /// Answers the request. Something goes out only through `onward`, with a pass.
    fn handle(
        &self,
        request: Request,
        head: request::Parts,
        body: Flow,
        onward: Onward,
    ) -> Wait<'_, Response<Flow>>;
}

// === impl IncidentKind ===

impl IncidentKind {
    /// Every kind, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::AddressForbidden,
        Self::ForeignCredential,
        Self::HostMismatch,
        Self::PlaceholderElsewhere,
        Self::SecretLeaving,
    ];

    /// The stable name, as in the ledger.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddressForbidden => "address-forbidden",
            Self::ForeignCredential => "foreign-credential",
            Self::HostMismatch => "host-mismatch",
            Self::PlaceholderElsewhere => "placeholder-elsewhere",
            Self::SecretLeaving => "secret-leaving",
        }
    }
}

// === impl Pass ===

impl Pass {
    pub const fn new(admitted: Admitted<ToolCall>) -> Self {
        Self(admitted)
    }

    pub const fn admitted(&self) -> &Admitted<ToolCall> {
        &self.0
    }
}
