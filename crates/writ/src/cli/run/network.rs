//! The one way out of the yard.
//!
//! The sandbox hands out sockets that listen inside. One leads to the egress proxy, which looks into what leaves; the
//! others to services of this machine that the client's own settings name as its model, or that a person named. Names are resolved here, so that
//! nothing inside has to ask for one.

use std::ffi::OsString;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;
use writ_gateway::http::port::{Placeholder, Resolve, Wait};
use writ_gateway::http::{Authority, EgressProxy, Settings, SystemResolver, Tokens, UserProxy};
use writ_model::{Bounds, Client, HostPattern};

pub(super) mod canary;
mod confirmed;
mod egress;
mod endpoint;
pub(super) mod model;

pub(super) use confirmed::Confirmed;
pub(super) use egress::{Egress, Hosts, Lending};
pub(super) use endpoint::Endpoint;

/// Where the proxy listens inside, unless a service of the task needs that port.
const PROXY_PORT: u16 = 3128;
/// Where programs ask for addresses of names (RFC 1035, section 4.2).
const NAMES_PORT: u16 = 53;
/// Largest configuration of a client that is looked at.
const MAX_CONFIG_BYTES: u64 = 4 << 20;

/// What may be reached.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Services of this machine, each at the same port inside.
    local: Vec<Endpoint>,
    /// Those among them that are the client's model and speak HTTP in the clear: what passes there is read.
    clear: Vec<Endpoint>,
    /// Hosts by name, through the proxy.
    named: Vec<Endpoint>,
    /// Hosts that a person named for this task.
    also: Vec<HostPattern>,
    /// Services of this machine that something is lent to, so that each request is looked into.
    lent: Vec<Endpoint>,
    /// Taken from files that a task can write.
    taken: Vec<Endpoint>,
    /// What such files name and nobody confirmed, for a person.
    pub(super) told: Vec<String>,
    /// Hosts that the user's own settings name as the model, not those where a client goes by itself.
    set: Vec<Endpoint>,
}

/// The task's sockets with what they lead to. Dropped, every connection ends.
pub(super) struct Served(#[expect(dead_code, reason = "held, so that it ends with this")] JoinSet<()>);

// === impl Reach ===

impl Reach {
    /// What the client of a task has to reach: what its own settings name as its model, else where it goes by itself.
    pub(super) fn of(
        client: Client,
        home: &Path,
        variable: &dyn Fn(&str) -> Option<OsString>,
        arguments: &[String],
        bounds: Option<&Bounds>,
        confirmed: &Confirmed,
    ) -> Self {
        let mut all: Vec<Endpoint> = Vec::new();
        let texts = endpoint::variables(client).iter().filter_map(|name| variable(name)?.into_string().ok());
        all.extend(
            texts.flat_map(|text| Endpoint::of_url(&text).into_iter().chain(endpoint::in_text(&text))),
        );
        let files = endpoint::files(client, home, variable);
        let texts = files.iter().filter_map(|file| crate::config::read_text(file, MAX_CONFIG_BYTES));
        all.extend(texts.flat_map(|text| endpoint::in_text(&text)));
        all.extend(arguments.iter().flat_map(|argument| endpoint::in_text(argument)));
        let mut set: Vec<Endpoint> = all.iter().filter(|found| !found.is_local()).cloned().collect();
        all.extend(endpoint::usual(client));
        let (mut taken, mut told) = (Vec::new(), Vec::new());
        for file in endpoint::open_files(client, home, variable) {
            let text = crate::config::read_text(&file, MAX_CONFIG_BYTES).unwrap_or_default();
            let (known, refused) = confirmed.parted(endpoint::in_text(&text));
            // What a client goes to by itself, and what other settings name, needs no word.
            told.extend(
                refused.iter().filter(|host| !all.contains(host)).map(|host| confirmed::told(&file, host)),
            );
            taken.extend(known);
        }
        all.extend(taken.iter().cloned());
        let mut clear: Vec<Endpoint> =
            all.iter().filter(|found| found.is_clear && found.is_local()).cloned().collect();
        clear.sort();
        clear.dedup();
        let also: Vec<HostPattern> =
            bounds.into_iter().flat_map(|bounds| bounds.hosts.iter().flatten()).cloned().collect();
        let (mut local, mut named): (Vec<Endpoint>, Vec<Endpoint>) =
            all.into_iter().partition(Endpoint::is_local);
        // A host that a person named is no model: it is looked into.
        let by_person = also.iter().filter_map(|pattern| Endpoint::of_authority(pattern.as_str()));
        local.extend(by_person.filter(Endpoint::is_local));
        for list in [&mut local, &mut named, &mut set] {
            list.sort();
            list.dedup();
        }
        Self { local, clear, named, also, lent: Vec::new(), taken, told, set }
    }

    /// The same, where these placeholders are for.
    pub(super) fn lending(mut self, placeholders: &[Placeholder]) -> Self {
        let is_lent = |to: &&Endpoint| placeholders.iter().any(|one| egress::is_for(one, &to.host, to.port));
        self.lent = self.local.iter().filter(is_lent).cloned().collect();
        self
    }

    /// What was taken from files that a task can write.
    pub(super) fn taken(&self) -> &[Endpoint] {
        &self.taken
    }

    /// Ports to listen at inside.
    pub(super) fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.local.iter().map(|endpoint| endpoint.port).collect();
        ports.push(self.proxy_port());
        ports.extend(self.names_ports());
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Ports where datagrams are heard inside: names are asked for there, unless a service of the task needs that port.
    pub(super) fn names_ports(&self) -> Vec<u16> {
        let is_taken = self.local.iter().any(|endpoint| endpoint.port == NAMES_PORT);
        if is_taken { Vec::new() } else { vec![NAMES_PORT] }
    }

    /// Variables by which programs inside find the proxy, and what they trust.
    pub(super) fn variables(&self, bundle: &Path) -> Vec<(&'static str, String)> {
        let proxy = format!("http://127.0.0.1:{}", self.proxy_port());
        let store = java_store(bundle);
        writ_gateway::http::variables(&bundle.to_string_lossy(), &proxy, Some(&store.to_string_lossy()))
    }

    /// Where the client's model is: hosts by name, and services of this machine that are looked into.
    pub(super) fn model(&self) -> Vec<Endpoint> {
        let mut all: Vec<Endpoint> =
            self.named.iter().chain(&self.clear).chain(&self.lent).cloned().collect();
        all.sort();
        all.dedup();
        all
    }

    /// Services of this machine that are looked into for what is lent to them alone: no model, so they take no place from it.
    pub(super) fn lent(&self) -> Vec<Endpoint> {
        let is_model = |to: &&Endpoint| self.named.contains(to) || self.clear.contains(to);
        self.lent.iter().filter(|to| !is_model(to)).cloned().collect()
    }

    /// What the user's own settings of the client name, its model above all: what goes there is part of every task.
    pub(super) fn of_client(&self) -> Vec<Endpoint> {
        let by_person = |to: &&Endpoint| !self.also.iter().any(|pattern| pattern.covers(&to.to_string()));
        let services = self.local.iter().filter(by_person);
        let mut all: Vec<Endpoint> = self.named.iter().chain(&self.clear).chain(services).cloned().collect();
        all.sort();
        all.dedup();
        all
    }

    /// Services of this machine, each at its own port inside.
    pub(super) fn services(&self) -> Vec<Endpoint> {
        self.local.clone()
    }

    /// Hosts that the user's own settings name, so that they may be in a private network.
    pub(super) fn set(&self) -> Vec<Endpoint> {
        self.set.clone()
    }

    /// Hosts of the model whose TLS ends here, so that what is said to it is read: those that the user's own settings name, and
    /// those of the vendors' interfaces. Where a client logs in nothing needs to be seen.
    pub(super) fn read(&self, client: Client) -> Vec<Endpoint> {
        if !endpoint::trusts_ours(client) {
            return Vec::new();
        }
        self.named.iter().filter(|to| self.set.contains(to) || endpoint::is_interface(to)).cloned().collect()
    }

    /// Hosts that a person named for this task.
    pub(super) fn also(&self) -> Vec<HostPattern> {
        self.also.clone()
    }

    /// Every host, for the plan.
    pub(super) fn hosts(&self) -> Vec<String> {
        let named = self.local.iter().chain(&self.named).map(ToString::to_string);
        let mut hosts: Vec<String> =
            named.chain(self.also.iter().map(|host| host.as_str().to_owned())).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Serves the sockets of the sandbox until the result is dropped. Names that are asked for are given to `looked_up`.
    pub(super) fn serve<F: Future<Output = ()> + Send + 'static>(
        self,
        listeners: Vec<TcpListener>,
        hearers: Vec<UdpSocket>,
        proxy: EgressProxy<Egress>,
        looked_up: impl FnMut(String) -> F + Send + 'static,
    ) -> std::io::Result<Served> {
        let names = self.names_ports();
        let (mut asked, mut heard) = (Vec::new(), Vec::new());
        for hearer in hearers {
            hearer.set_nonblocking(true)?;
            heard.push(tokio::net::UdpSocket::from_std(hearer)?);
        }
        let port_of_proxy = self.proxy_port();
        let proxy = Arc::new(proxy);
        let mut served = JoinSet::new();
        for listener in listeners {
            let port = listener.local_addr()?.port();
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let clear = self.clear.iter().find(|endpoint| endpoint.port == port);
            if let Some(place) = clear.and_then(model::authority) {
                let proxy = Arc::clone(&proxy);
                served.spawn(async move { proxy.serve_for(listener, place).await });
                continue;
            }
            match self.local.iter().find(|endpoint| endpoint.port == port) {
                Some(endpoint) => {
                    let Some(to) = model::authority(endpoint) else { continue };
                    let (proxy, is_lent) = (Arc::clone(&proxy), self.lent.contains(endpoint));
                    served.spawn(async move {
                        match is_lent {
                            true => proxy.serve_for(listener, to).await,
                            false => proxy.serve_service(listener, to).await,
                        }
                    });
                }
                None if port == port_of_proxy => {
                    let proxy = Arc::clone(&proxy);
                    served.spawn(async move { proxy.serve(listener).await });
                }
                None if names.contains(&port) => asked.push(listener),
                None => {}
            }
        }
        served.spawn(writ_gateway::names::serve(heard, asked, looked_up));
        Ok(Served(served))
    }

    pub(super) fn proxy_port(&self) -> u16 {
        let taken = |port: u16| self.local.iter().any(|endpoint| endpoint.port == port);
        (PROXY_PORT..).find(|port| !taken(*port)).unwrap_or(PROXY_PORT)
    }
}

/// What a thread for it may use: policies are asked deep within a request, and refuse where little is left.
const STACK_BYTES: usize = 8 << 20;

/// A thread for what leaves, apart from those that supervise: however long something is looked through, a revocation is heard.
pub(super) struct Threads(Option<Runtime>);

// === impl Threads ===

impl Threads {
    pub(super) fn new() -> std::io::Result<Self> {
        // Of two, each would wake the other several times for each request.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ways-out")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    pub(super) fn handle(&self) -> Option<Handle> {
        self.0.as_ref().map(|runtime| runtime.handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Whoever drops it is in a runtime, and waits for none.
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// Where the same certificates lie in the form that Java reads.
pub(super) fn java_store(bundle: &Path) -> PathBuf {
    bundle.with_extension("jks")
}

/// What the proxy works with: this machine's trust and names, and the user's own proxy.
pub(super) fn settings(now: writ_model::Timestamp, pins: Vec<(String, IpAddr)>) -> Settings {
    let extra = std::env::var_os("NODE_EXTRA_CA_CERTS");
    let extra = extra.and_then(|path| crate::config::read_text(Path::new(&path), MAX_CONFIG_BYTES));
    Settings {
        extra_trust_pem: extra.map(String::into_bytes),
        user_proxy: upstream(),
        tripwire: Some(Arc::new(Tokens)),
        resolve: Arc::new(Pinned { pins, system: SystemResolver }),
        ..Settings::at(now)
    }
}

/// What the user's own configuration says of names, and the system's resolver for all others.
struct Pinned {
    pins: Vec<(String, IpAddr)>,
    system: SystemResolver,
}

impl Resolve for Pinned {
    fn addresses<'a>(&'a self, name: &'a str) -> Wait<'a, std::io::Result<Vec<IpAddr>>> {
        match self.pins.iter().find(|(known, _)| known == name) {
            Some((_, address)) => Box::pin(std::future::ready(Ok(vec![*address]))),
            None => self.system.addresses(name),
        }
    }
}

/// The proxy that this user has to go through, where there is one.
fn upstream() -> Option<UserProxy> {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter_map(std::env::var_os)
        .filter_map(|value| value.into_string().ok())
        .find_map(|value| {
            let rest = value.strip_prefix("http://")?;
            let authority = rest.split(['/', '?', '#']).next()?;
            let (credential, authority) = match authority.rsplit_once('@') {
                Some((credential, authority)) => (Some(credential.to_owned()), authority),
                None => (None, authority),
            };
            let to = Authority::parse(authority, Some(80))?;
            Some(UserProxy { to, credential: credential.map(writ_model::Secret::new) })
        })
}

/// Whether an address leads to this machine alone.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A folder of the user's, named by a variable or below the home.
fn folder(home: &Path, variable: Option<OsString>, otherwise: &str) -> PathBuf {
    variable.map(PathBuf::from).filter(|path| path.is_absolute()).unwrap_or_else(|| home.join(otherwise))
}
