//! The way out of a run: what the egress proxy asks of its supervisor.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use writ_control::api::message::{SecretLend, SecretLent};
use writ_gateway::http::Authority;
use writ_gateway::http::port::{
    BodyWish, Boundary, Ended, How, Incident, Lend, Lent, NotLent, Pass, Placeholder, Refusal, Treat,
    Tunnels, Use,
};
use writ_gateway::{Door, WayOut};
use writ_model::{Body, HostPattern, Label, Operation, Outcome, Request, Scheme, Secret};
use writ_policy::Zone;

use super::Endpoint;
use crate::wire::{Held, Wire};

/// So much of a body is read before a decision.
const LOOKED_AT_BYTES: usize = 256 << 10;
/// How long the control plane may take to give a value.
const LENDING: Duration = Duration::from_secs(5);

/// What one run may reach, and who decides it.
pub(in crate::cli::run) struct Egress {
    door: Arc<Door<Wire>>,
    way: Arc<WayOut>,
    /// Hosts that the client talks to its model at.
    model: Vec<Endpoint>,
    /// Hosts that a person named for this task.
    also: Vec<HostPattern>,
    /// Where the remotes of the workspace are, as policies name hosts.
    remotes: Vec<String>,
    lending: Lending,
    /// Becomes true when the task has ended, or when its sender is gone.
    ended: watch::Receiver<bool>,
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
        model: Vec<Endpoint>,
        also: Vec<HostPattern>,
        remotes: Vec<String>,
        lending: Lending,
        ended: watch::Receiver<bool>,
    ) -> Self {
        Self { door, way, model, also, remotes, lending, ended }
    }

    fn is_model(&self, to: &Authority) -> bool {
        self.model.iter().any(|model| *model.host == *to.host() && model.port == to.port())
    }

    fn lends_to(&self, to: &Authority) -> bool {
        self.lending.placeholders.iter().any(|placeholder| is_for(placeholder, to.host(), to.port()))
    }

    /// A person named the host, or it stood in the workspace's own configuration before the task began.
    fn is_named(&self, to: &Authority) -> bool {
        let short = |scheme| to.short(scheme);
        if Zone::of(to.host()) != Zone::Metadata
            && self.remotes.iter().any(|at| *at == short(Scheme::Http) || *at == short(Scheme::Https))
        {
            return true;
        }
        let written = format!("{}:{}", to.host(), to.port());
        self.also.iter().any(|pattern| pattern.covers(&written))
    }
}

impl Boundary for Egress {
    fn wants(&self, request: &Request) -> BodyWish {
        match request.body {
            Body::None => BodyWish::None,
            // Some servers read a body whatever the method is.
            Body::Unread | Body::Start(_) | Body::Whole(_) => BodyWish::Whole(LOOKED_AT_BYTES),
        }
    }

    async fn admit(&self, request: Request) -> Result<Pass, Refusal> {
        self.door.leave(&self.way, Operation::Request(Box::new(request))).await.map(Pass::new)
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
        self.door.incident(&self.way, kind.name(), told).await;
    }

    fn revoked(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }
}

impl Tunnels for Egress {
    /// What the client says to its model elsewhere passes as it is; everything else is looked into, request by request.
    /// Where something is lent, its model is looked into as well.
    async fn treat(&self, to: &Authority) -> Treat {
        let is_here = super::is_loopback(to.host());
        if self.is_model(to) && !is_here && !self.lends_to(to) { Treat::Pass } else { Treat::Inspect }
    }

    fn names(&self, to: &Authority) -> bool {
        self.is_model(to) || self.is_named(to)
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
