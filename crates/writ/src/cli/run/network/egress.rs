//! The way out of a run: what the egress proxy asks of its supervisor.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use writ_control::api::message::{SecretLend, SecretLent};
use writ_gateway::http::port::{
    BodyWish, Boundary, Ended, How, Incident, Lend, Lent, NotLent, Pass, Placeholder, Prospect, Refusal,
    Treat, Tunnels, Use,
};
use writ_gateway::http::{Authority, MAX_HELD_BYTES};
use writ_gateway::{Door, WayOut};
use writ_model::{Account, Body, HostPattern, Label, Operation, Outcome, Request, Scheme, Secret};
use writ_policy::Zone;

use super::Endpoint;
use crate::wire::{Held, Wire};

/// So much of a body whose length nobody tells is read before a decision. One that is told is read whole, where it may be.
const LOOKED_AT_BYTES: usize = 256 << 10;
/// How long the control plane may take to give a value.
const LENDING: Duration = Duration::from_secs(5);

/// What one run may reach, and who decides it.
pub(in crate::cli::run) struct Egress {
    door: Arc<Door<Wire>>,
    way: Arc<WayOut>,
    hosts: Hosts,
    lending: Lending,
    /// Becomes true when the task has ended, or when its sender is gone.
    ended: watch::Receiver<bool>,
}

/// Who named which hosts.
pub(in crate::cli::run) struct Hosts {
    /// Hosts that the client talks to its model at.
    pub(in crate::cli::run) model: Vec<Endpoint>,
    /// Those among them that are no model, but services of this machine that a credential is put on for.
    pub(in crate::cli::run) lent: Vec<Endpoint>,
    /// Those among them that the user's own settings name.
    pub(in crate::cli::run) set: Vec<Endpoint>,
    /// Services of this machine.
    pub(in crate::cli::run) services: Vec<Endpoint>,
    /// Hosts that a person named for this task.
    pub(in crate::cli::run) also: Vec<HostPattern>,
    /// Hosts that a person said are not looked into.
    pub(in crate::cli::run) unseen: Vec<HostPattern>,
    /// Those of the model that are looked into: the client is known to trust the run's own authority.
    pub(in crate::cli::run) read: Vec<Endpoint>,
    /// Where the remotes of the workspace are, as policies name hosts.
    pub(in crate::cli::run) remotes: Vec<String>,
    /// Where the user's own configuration says that names lead.
    pub(in crate::cli::run) pins: Vec<(String, IpAddr)>,
}

/// What the agent holds in place of credentials, and who is asked for a value at the moment of sending. Nothing is kept
/// here, so that what was revoked, removed or rotated counts with the next request.
#[derive(Clone)]
pub(in crate::cli::run) struct Lending {
    pub(in crate::cli::run) placeholders: Arc<[Placeholder]>,
    pub(in crate::cli::run) held: Arc<Held>,
}

// === impl Egress ===

impl Egress {
    pub(in crate::cli::run) fn new(
        door: Arc<Door<Wire>>,
        way: Arc<WayOut>,
        hosts: Hosts,
        lending: Lending,
        ended: watch::Receiver<bool>,
    ) -> Self {
        Self { door, way, hosts, lending, ended }
    }

    fn lends_to(&self, to: &Authority) -> bool {
        self.lending.placeholders.iter().any(|placeholder| is_for(placeholder, to.host(), to.port()))
    }
}

// === impl Hosts ===

impl Hosts {
    fn is_model(&self, to: &Authority) -> bool {
        is_among(&self.model, to)
    }

    /// It stood in the workspace's own configuration before the task began.
    fn is_remote(&self, to: &Authority) -> bool {
        let (clear, secure) = (to.short(Scheme::Http), to.short(Scheme::Https));
        Zone::of(to.host()) != Zone::Metadata && self.remotes.iter().any(|at| *at == clear || *at == secure)
    }

    fn is_by_person(&self, host: &str, port: u16) -> bool {
        let written = format!("{host}:{port}");
        self.also.iter().any(|pattern| pattern.covers(&written))
    }

    fn names(&self, to: &Authority) -> bool {
        self.is_model(to)
            || is_among(&self.services, to)
            || self.is_remote(to)
            || self.is_by_person(to.host(), to.port())
    }

    /// A name that everybody can buy leads near only by the address that a person named beside it, or where the user's own
    /// settings, or the repository's, name the host: then into a private network, and never to this machine.
    fn may_lead(&self, to: &Authority, address: IpAddr) -> bool {
        let bare = address.to_canonical();
        let written = match bare {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        if self.names(to) && self.names_address(&written, to.port()) {
            return true;
        }
        if self.pins.iter().any(|(name, pinned)| *name == *to.host() && pinned.to_canonical() == bare) {
            return true;
        }
        let zone = Zone::of(to.host());
        let is_single = !to.host().contains('.');
        match Zone::of(&written) {
            Zone::Metadata => false,
            Zone::Loopback => {
                self.names(to) && (zone == Zone::Loopback || zone == Zone::Private || is_single)
            }
            Zone::Private | Zone::Public => {
                let is_near = zone == Zone::Private || (is_single && zone == Zone::Public);
                (self.names(to) && is_near) || is_among(&self.set, to) || self.is_remote(to)
            }
        }
    }

    /// A person wrote this very address, not a pattern that happens to cover it.
    fn names_address(&self, written: &str, port: u16) -> bool {
        let with_port = format!("{written}:{port}");
        self.also.iter().any(|pattern| {
            !pattern.as_str().starts_with('*') && (pattern.covers(&with_port) || pattern.as_str() == written)
        })
    }
}

/// The length of a body, where the head tells one that can be read before a decision.
fn told_length(request: &Request) -> Option<usize> {
    let (_, told) = request.headers.iter().find(|(name, _)| name == "content-length")?;
    told.parse().ok().filter(|length| (1..=MAX_HELD_BYTES).contains(length))
}

fn is_among(all: &[Endpoint], to: &Authority) -> bool {
    all.iter().any(|one| *one.host == *to.host() && one.port == to.port())
}

impl Boundary for Egress {
    fn wants(&self, request: &Request) -> BodyWish {
        match request.body {
            Body::None => BodyWish::None,
            // Some servers read a body whatever the method is.
            Body::Unread | Body::Start(_) | Body::Long { .. } | Body::Whole(_) => {
                BodyWish::Whole(told_length(request).unwrap_or(LOOKED_AT_BYTES))
            }
        }
    }

    async fn admit(&self, request: Request) -> Result<Pass, Refusal> {
        self.door.leave(&self.way, Operation::Request(Box::new(request))).await.map(Pass::new)
    }

    async fn prospect(&self, request: &Request) -> Prospect {
        self.door.prospect(&self.way, Operation::Request(Box::new(request.clone()))).await
    }

    async fn ended(&self, pass: Pass, ended: Ended) {
        let Ended { status, sent_bytes, received_bytes, redactions, is_whole } = ended;
        let outcome = if is_whole && status.is_some() { Outcome::Succeeded } else { Outcome::Failed };
        let told = json!({
            "status": status,
            "sent": sent_bytes,
            "received": received_bytes,
            "redacted": redactions,
            "whole": is_whole,
        });
        self.door.left(&self.way, pass.admitted(), outcome, told).await;
    }

    async fn incident(&self, incident: Incident) {
        let Incident { kind, host, name } = incident;
        tracing::warn!(?kind, host, "an incident on the way out");
        let told = json!({ "host": host, "name": name.map(|name| name.as_str().to_owned()) });
        self.door.incident(&self.way, kind, told).await;
    }

    fn revoked(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }
}

impl Tunnels for Egress {
    /// What the client says to its model is read where the client is known to trust the run's own authority, or where something
    /// is lent; elsewhere, and where it logs in, it passes as it is. Everything else is looked into, request by request.
    async fn treat(&self, to: &Authority) -> Treat {
        let is_here = super::is_loopback(to.host());
        let written = format!("{}:{}", to.host(), to.port());
        if !is_here && self.hosts.unseen.iter().any(|pattern| pattern.covers(&written)) {
            // Whose login goes there is what the person left to the client.
            return Treat::Pass(Account::Nobody);
        }
        let is_read = is_among(&self.hosts.read, to) || self.lends_to(to);
        if self.hosts.is_model(to) && !is_here && !is_read {
            Treat::Pass(Account::Foreign)
        } else {
            Treat::Inspect
        }
    }

    fn names(&self, to: &Authority) -> bool {
        self.hosts.names(to)
    }

    fn may_lead(&self, to: &Authority, address: IpAddr) -> bool {
        self.hosts.may_lead(to, address)
    }

    fn is_watched(&self, to: &Authority) -> bool {
        !self.hosts.is_model(to) || is_among(&self.hosts.lent, to)
    }
}

impl Lend for Egress {
    fn placeholders(&self) -> Arc<[Placeholder]> {
        Arc::clone(&self.lending.placeholders)
    }

    async fn lend(&self, name: &Label, _pass: &Pass) -> Result<Lent, NotLent> {
        self.lending.value(name).await
    }
}

// === impl Lending ===

impl Lending {
    /// The value of a credential, from the control plane, which records that it was lent.
    pub(in crate::cli::run) async fn value(&self, name: &Label) -> Result<Lent, NotLent> {
        let not_lent = || NotLent(name.as_str().to_owned());
        let asked = self.held.call(|writ| SecretLend { writ, name: name.clone() });
        let SecretLent { value } = match tokio::time::timeout(LENDING, asked).await {
            Ok(Ok(lent)) => lent,
            Ok(Err(error)) => {
                tracing::warn!(%name, error = &error as &dyn std::error::Error, "a credential is not lent");
                return Err(not_lent());
            }
            Err(_) => return Err(not_lent()),
        };
        // Safe: it goes to the proxy, which puts it on for the host that it is bound to.
        let text = value.expose();
        let is_signed = |one: &Use| matches!(one.how, How::SigV4 { .. });
        let placeholder = self.placeholders.iter().find(|placeholder| placeholder.name == *name);
        if !placeholder.is_some_and(|placeholder| placeholder.uses.iter().any(is_signed)) {
            return Ok(Lent::Text(Secret::new(text.to_owned())));
        }
        let mut parts = text.splitn(3, ':');
        let (access_key, secret_key) = parts.next().zip(parts.next()).ok_or_else(not_lent)?;
        Ok(Lent::Aws {
            access_key: access_key.to_owned(),
            secret_key: Secret::new(secret_key.to_owned()),
            session_token: parts.next().map(|token| Secret::new(token.to_owned())),
        })
    }
}

/// Whether a placeholder is for a host at all.
pub(super) fn is_for(placeholder: &Placeholder, host: &str, port: u16) -> bool {
    let written = format!("{host}:{port}");
    placeholder.uses.iter().any(|one| one.hosts.iter().any(|pattern| pattern.covers(&written)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_near_only_where_somebody_said_so() {
        let endpoint = |text: &str| Endpoint::of_authority(text).unwrap();
        let hosts = |also: &[&str]| Hosts {
            model: vec![endpoint("api.usual.test:443"), endpoint("llm.corp.test:443")],
            lent: Vec::new(),
            set: vec![endpoint("llm.corp.test:443")],
            services: Vec::new(),
            read: Vec::new(),
            unseen: Vec::new(),
            pins: vec![("pinned.test".to_owned(), "10.0.0.9".parse().unwrap())],
            also: also.iter().map(|host| host.parse().unwrap()).collect(),
            remotes: vec!["git.corp.test".to_owned()],
        };
        for (also, to, address, wanted) in [
            // A name that anybody can have made.
            (&["files.example"][..], "files.example:443", "10.0.0.1", false),
            (&["files.example"], "files.example:443", "127.0.0.1", false),
            (&["files.example", "10.0.0.1"], "files.example:443", "10.0.0.1", true),
            (&["files.example", "10.0.0.1"], "files.example:443", "10.0.0.2", false),
            (&["files.example", "127.0.0.1:443"], "files.example:443", "127.0.0.1", true),
            (&["files.example", "127.0.0.1:80"], "files.example:443", "127.0.0.1", false),
            (&["files.example", "[::1]"], "files.example:443", "::1", true),
            (&["10.0.0.1"], "files.example:443", "10.0.0.1", false),
            (&["*.example"], "files.example:443", "10.0.0.1", false),
            // One that means a place near by.
            (&["localhost:8080"], "localhost:8080", "127.0.0.1", true),
            (&["localhost:8080"], "localhost:8080", "10.0.0.1", false),
            (&["db.internal:5432"], "db.internal:5432", "10.0.0.1", true),
            (&["registry:5000"], "registry:5000", "172.17.0.2", true),
            (&[], "db.internal:5432", "10.0.0.1", false),
            // The user's own settings, and the repository's.
            (&[], "llm.corp.test:443", "10.0.0.1", true),
            (&[], "llm.corp.test:443", "127.0.0.1", false),
            (&[], "git.corp.test:443", "10.0.0.1", true),
            (&[], "git.corp.test:443", "127.0.0.1", false),
            (&["pinned.test"], "pinned.test:443", "10.0.0.9", true),
            (&["pinned.test"], "pinned.test:443", "10.0.0.8", false),
            // Where a client goes by itself is a public service.
            (&[], "api.usual.test:443", "10.0.0.1", false),
            (&["*.example", "169.254.169.254"], "a.example:443", "fe80::1", false),
        ] {
            let to = Authority::parse(to, None).unwrap();
            let found = hosts(also).may_lead(&to, address.parse().unwrap());
            assert_eq!(found, wanted, "{also:?} {to} {address}");
        }
    }
}
