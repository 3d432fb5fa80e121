//! The way out: the only one a sandbox has. An HTTP proxy that sees each request, asks whether it may go, and puts on
//! what the agent does not hold.
//!
//! ```text
//! let proxy = EgressProxy::new(outside, Settings { … })?;   // once per run
//! write(bundle(&system_pem(), proxy.ca_pem()))              // what programs inside trust
//! proxy.serve(listener).await                               // until revocation, or until dropped
//! ```
//!
//! The way of a request, each step by a type of the one before:
//!
//! ```text
//! bytes → Asked → (placeholders planned, account) → Request → Pass → lent values put on → a checked address → answer
//! ```
//!
//! A [`port::Pass`] is made from an admitted call and from nothing else, and nothing is sent without one. TLS ends here
//! by an authority that is made for the run and goes with it. Names are looked up here; what was looked at is what is
//! connected to. Bodies stream in both directions with bounded buffers; only what a decision asks for is read ahead.
//!
//! Deliberately absent: what is allowed, where credentials come from, and any way to remember them after the run.

pub mod account;
mod authority;
mod body;
mod crowd;
mod cut;
mod decode;
mod exchange;
pub mod find;
pub mod framing;
mod front;
mod git;
pub(crate) mod head;
pub mod hello;
mod identity;
mod java;
pub mod lend;
mod lent;
mod login;
pub(crate) mod model;
mod pool;
pub mod port;
mod refuse;
mod resolve;
mod rewound;
mod running;
mod service;
mod shelf;
mod sigv4;
mod socket;
pub mod spoken;
mod tripwire;
mod upstream;
mod variables;
mod watch;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use rustls::crypto::aws_lc_rs::default_provider;
use tokio::net::TcpListener;
use writ_model::{Scheme, Timestamp};
use writ_policy::Zone;

pub use authority::Authority;
pub use body::{BodyError, Flow};
pub use exchange::Onward;
pub use git::{Address, Addresses, GitWay};
pub use identity::IdentityError;
pub use java::java_store;
pub use login::{Login, Wanted};
pub use refuse::{REASON_HEADER, Stop};
pub use resolve::SystemResolver;
pub use sigv4::Unsigned;
pub use socket::Frames;
pub use tripwire::Tokens;
pub use upstream::{TrustError, UserProxy};
pub use variables::{BUNDLE_VARIABLES, bundle, system_pem, variables};

use exchange::{Engine, Places};
use front::Standing;
use head::Place;
use identity::Identity;
use lend::Known;
use lent::LentValues;
use port::{Divert, Outside, Resolve, Tripwire};
use resolve::Lookup;
use shelf::Shelf;
use upstream::Upstream;

/// Most of one body that is read into memory before a decision. What is longer is kept on disk where a person is asked.
pub const MAX_HELD_BYTES: usize = 4 << 20;
/// Shortest placeholder. A shorter one could stand in a body by chance, and is not looked for.
pub const MIN_PLACEHOLDER_BYTES: usize = 16;

/// Room for all bodies that are read before a decision, in KiB: those that go to the model, and all others.
const MODEL_HELD_KIB: usize = 8 << 10;
const OTHERS_HELD_KIB: usize = 11 << 10;
/// One of so many places for requests is kept for the model.
const MODEL_SHARE: usize = 4;
/// What one side of a connection buffers; the head of a message fits in.
const BUFFER_BYTES: usize = 32 << 10;
/// Plain text that waits to become TLS.
const TLS_BUFFER_BYTES: usize = 16 << 10;
/// What one stream, and all of one connection, may send ahead in the second version.
const STREAM_WINDOW_BYTES: u32 = 128 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 512 << 10;
/// Longest head in the second version, unpacked.
const MAX_HEAD_LIST_BYTES: u32 = 32 << 10;

/// What one run may have open, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections from inside, of each listener. For one more, the one goes that says nothing and waits for nothing.
    pub connections: usize,
    /// Requests at the same time, until they are answered. For one more, the one goes whose body does not come.
    pub requests: usize,
    /// How long a client may say nothing in the middle of a body.
    pub silent_client: Duration,
    /// How long a host may say nothing before and in the middle of an answer.
    pub silent_host: Duration,
}

/// What is particular to a run.
pub struct Settings {
    /// Certificates begin a day before.
    pub now: Timestamp,
    /// Certificates, as PEM, that are trusted beside the system's.
    pub extra_trust_pem: Option<Vec<u8>>,
    pub user_proxy: Option<UserProxy>,
    pub resolve: Arc<dyn Resolve>,
    pub tripwire: Option<Arc<dyn Tripwire>>,
    /// Doors of their own, asked in this order.
    pub diverts: Vec<Arc<dyn Divert>>,
    pub limits: Limits,
    /// Where bodies lie that are too long for memory while a person is asked about them. Without it none is asked about.
    pub shelf: Option<PathBuf>,
}

/// The proxy cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("the run's own authority")]
    Identity(#[from] IdentityError),
    #[error("no random bytes for the run's own key")]
    Random,
    #[error("what is trusted outside")]
    Trust(#[from] TrustError),
}

/// The proxy of one run.
pub struct EgressProxy<P>(Arc<Engine<P>>);

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            // More than requests, so that a connection can always come in.
            connections: 288,
            requests: 256,
            silent_client: Duration::from_secs(120),
            silent_host: Duration::from_secs(600),
        }
    }
}

// === impl Settings ===

impl Settings {
    /// The system's resolver and trust, nothing in between.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            extra_trust_pem: None,
            user_proxy: None,
            resolve: Arc::new(SystemResolver),
            tripwire: None,
            diverts: Vec::new(),
            limits: Limits::default(),
            shelf: None,
        }
    }
}

// === impl EgressProxy ===

impl<P: Outside> EgressProxy<P> {
    /// Makes the run's authority and reads what is trusted. Placeholders are asked for once, here.
    ///
    /// # Errors
    /// When there is no authority to be made, or nothing to trust outside.
    pub fn new(outside: Arc<P>, settings: Settings) -> Result<Self, ProxyError> {
        let Settings { now, extra_trust_pem, user_proxy, resolve, tripwire, diverts, limits, shelf } =
            settings;
        let provider = Arc::new(default_provider());
        let tls = upstream::trust(&provider, extra_trust_pem.as_deref())?;
        let known = Known::new(outside.placeholders());
        let key =
            hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(|_| ProxyError::Random)?;
        Ok(Self(Arc::new(Engine {
            outside,
            identity: Identity::new(now, provider)?,
            upstream: Upstream::new(Lookup::new(resolve), user_proxy, tls),
            known,
            lent: LentValues::default(),
            tripwire,
            diverts,
            limits,
            shelf: shelf.map(Shelf::new),
            key,
            model: Places::new(limits.requests.div_ceil(MODEL_SHARE), MODEL_HELD_KIB),
            others: Places::new(limits.requests - limits.requests / MODEL_SHARE, OTHERS_HELD_KIB),
        })))
    }

    /// The certificate of the run's authority. Its key stays here.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.0.identity.pem()
    }

    /// Serves until everything is revoked. When it ends, or is dropped, every connection ends.
    pub async fn serve(&self, listener: TcpListener) {
        front::serve(Arc::clone(&self.0), listener, Standing::Proxy).await;
    }

    /// Serves a listener that stands in for one place: requests in the clear with an origin target, as that place itself
    /// would get them (RFC 9112, section 3.2.1). What is no HTTP/1.1 ends with 400. Ends as [`EgressProxy::serve`] does.
    pub async fn serve_for(&self, listener: TcpListener, place: Authority) {
        let place = Arc::new(Place::new(Scheme::Http, place));
        front::serve(Arc::clone(&self.0), listener, Standing::Place(place)).await;
    }

    /// Serves a listener that stands in for a service of this machine, whatever it speaks: who speaks HTTP is read, in TLS and
    /// in the second version too; what is no HTTP is decided and then passed byte by byte. Ends as [`EgressProxy::serve`] does.
    pub async fn serve_service(&self, listener: TcpListener, to: Authority) {
        front::serve(Arc::clone(&self.0), listener, Standing::Service(to)).await;
    }
}

/// Whether a name is one of the public network's.
fn is_public_name(host: &str) -> bool {
    Zone::of(host) == Zone::Public
}
