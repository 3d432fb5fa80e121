//! Connections to the outside that wait for the next request, each bound to the address that was looked at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use tokio::time::Instant;

use super::authority::Authority;
use super::body::Flow;
use super::head::Place;

/// How long a connection waits.
const IDLE: Duration = Duration::from_secs(60);
/// Connections of the first version that wait for one place.
const MAX_PER_SPOT: usize = 4;
/// Connections that wait at all.
const MAX_WAITING: usize = 64;

/// A place at an address; without one where the user's proxy looks names up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) address: Option<IpAddr>,
}

pub(super) enum Sender {
    First(http1::SendRequest<Flow>),
    Second(http2::SendRequest<Flow>),
}

#[derive(Default)]
pub(super) struct Pool {
    /// By host and port; held for no longer than a look.
    waiting: Mutex<HashMap<Authority, Vec<Waiting>>>,
}

struct Waiting {
    spot: Spot,
    sender: Sender,
    since: Instant,
}

// === impl Pool ===

impl Pool {
    /// A connection to one of these addresses that is still there.
    pub(super) fn take(&self, spots: &[Spot]) -> Option<(Spot, Sender)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let of_host = waiting.get_mut(&spots.first()?.place.authority)?;
        of_host.retain(Waiting::is_alive);
        let at = of_host.iter().rposition(|one| spots.contains(&one.spot))?;
        let Waiting { spot, sender, since } = of_host.swap_remove(at);
        // The second version carries many at once.
        if let Sender::Second(shared) = &sender {
            of_host.push(Waiting { spot: spot.clone(), sender: Sender::Second(shared.clone()), since });
        }
        Some((spot, sender))
    }

    pub(super) fn give(&self, spot: Spot, sender: Sender) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, of_host| {
            of_host.retain(Waiting::is_alive);
            !of_host.is_empty()
        });
        if waiting.values().map(Vec::len).sum::<usize>() >= MAX_WAITING {
            return;
        }
        let of_host = waiting.entry(spot.place.authority.clone()).or_default();
        let same = of_host.iter().filter(|one| one.spot == spot);
        let is_shared = matches!(sender, Sender::Second(_))
            && same.clone().any(|one| matches!(one.sender, Sender::Second(_)));
        if !is_shared && same.count() < MAX_PER_SPOT {
            of_host.push(Waiting { spot, sender, since: Instant::now() });
        }
    }

    /// Gives it back as soon as it can take another request, unless that does not come.
    pub(super) fn give_when_ready(self: &Arc<Self>, spot: Spot, mut sender: http1::SendRequest<Flow>) {
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let ready = tokio::time::timeout(Duration::from_secs(5), sender.ready()).await;
            if matches!(ready, Ok(Ok(()))) {
                pool.give(spot, Sender::First(sender));
            }
        });
    }
}

// === impl Waiting ===

impl Waiting {
    fn is_alive(&self) -> bool {
        match &self.sender {
            Sender::First(sender) => !sender.is_closed() && self.since.elapsed() < IDLE,
            Sender::Second(sender) => !sender.is_closed(),
        }
    }
}
