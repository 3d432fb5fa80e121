//! The way out of a run: what the egress proxy asks of its supervisor.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use writ_gateway::http::Authority;
use writ_gateway::http::port::{
    BodyWish, Boundary, Ended, Incident, Lend, Lent, NotLent, Pass, Placeholder, Refusal, Treat, Tunnels,
};
use writ_gateway::{Door, WayOut};
use writ_model::{HostPattern, Label, Operation, Outcome, Request};

use super::Endpoint;
use crate::wire::Wire;

/// So much of a body is read before a decision.
const LOOKED_AT_BYTES: usize = 256 << 10;

/// What one run may reach, and who decides it.
pub(in crate::cli::run) struct Egress {
    door: Arc<Door<Wire>>,
    way: Arc<WayOut>,
    /// Hosts that the client talks to its model at.
    model: Vec<Endpoint>,
    /// Hosts that a person named for this task.
    also: Vec<HostPattern>,
    lending: Lending,
    /// Becomes true when the task has ended, or when its sender is gone.
    ended: watch::Receiver<bool>,
}

/// The credentials of a run, by name, and what the agent holds in their place.
#[derive(Default)]
pub(in crate::cli::run) struct Lending {
    pub(in crate::cli::run) placeholders: Arc<[Placeholder]>,
    pub(in crate::cli::run) values: BTreeMap<Label, writ_model::Secret>,
}

// === impl Egress ===

impl Egress {
    pub(in crate::cli::run) fn new(
        door: Arc<Door<Wire>>,
        way: Arc<WayOut>,
        model: Vec<Endpoint>,
        also: Vec<HostPattern>,
        lending: Lending,
        ended: watch::Receiver<bool>,
    ) -> Self {
        Self { door, way, model, also, lending, ended }
    }

    fn is_model(&self, to: &Authority) -> bool {
        self.model.iter().any(|model| *model.host == *to.host() && model.port == to.port())
    }

    fn is_named(&self, to: &Authority) -> bool {
        let written = format!("{}:{}", to.host(), to.port());
        self.also.iter().any(|pattern| pattern.covers(&written))
    }
}

impl Boundary for Egress {
    fn wants(&self, request: &Request) -> BodyWish {
        match request.method.as_str() {
            "GET" | "HEAD" | "OPTIONS" => BodyWish::None,
            _ => BodyWish::Whole(LOOKED_AT_BYTES),
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
    /// What the client says to its model passes as it is; everything else is looked into, request by request.
    async fn treat(&self, to: &Authority) -> Treat {
        if self.is_model(to) { Treat::Pass } else { Treat::Inspect }
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
        let value = self.lending.values.get(name).ok_or_else(|| NotLent(name.as_str().to_owned()))?;
        // Safe: it goes to the proxy, which puts it on for the host that it is bound to.
        Ok(Lent::Text(writ_model::Secret::new(value.expose().to_owned())))
    }
}
