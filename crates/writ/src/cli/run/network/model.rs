//! The ways to the client's model, as far as they are looked into.
//!
//! A model on this machine is spoken to in the clear, so each request is read. Hosts by name are spoken to by TLS, and not
//! every client trusts an authority of ours: what goes there passes as it is, unless a credential is lent for it.

use std::sync::Arc;

use writ_gateway::http::Authority;
use writ_gateway::{Door, ModelDoor, WayOut};
use writ_model::Client;

use super::{Endpoint, Reach};
use crate::wire::Wire;

/// The door of a run's models.
pub(in crate::cli::run) fn door(
    reach: &Reach,
    client: Client,
    door: &Arc<Door<Wire>>,
    way: &Arc<WayOut>,
) -> ModelDoor<Wire> {
    let places = reach.model().iter().filter_map(authority).collect();
    // A service that something is lent to need not be a model.
    let own = reach.clear.iter().chain(&reach.read(client)).filter_map(authority).collect();
    ModelDoor::new(Arc::clone(door), Arc::clone(way), places, own)
}

/// An endpoint as the proxy names it.
pub(super) fn authority(endpoint: &Endpoint) -> Option<Authority> {
    Authority::parse(&endpoint.to_string(), None)
}
