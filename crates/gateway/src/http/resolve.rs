//! Names become addresses here and nowhere inside, and an address is looked at before anything connects to it.
//!
//! What was looked at is what is connected to, so a name that leads elsewhere a moment later gains nothing. An address near
//! by (of this machine, of a private network) is reached by a name only where the task says so of that very address; and what a
//! name led to near by when it was first asked for is all that it leads to near by for the rest of the run.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use writ_policy::Zone;

use super::authority::Authority;
use super::port::{Resolve, Tunnels, Wait};
use super::refuse::{No, Stop};

/// How long an answer is used again. Short: the system does not say how long it holds.
const KEPT_FOR: Duration = Duration::from_secs(15);
/// Names whose answers are kept.
const MAX_KEPT: usize = 256;
/// Addresses of one name that are looked at.
const MAX_ADDRESSES: usize = 16;
/// Names whose near addresses are kept for the run. Beyond, no other name leads near.
const MAX_PINNED: usize = 256;
/// How long a look-up may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The resolver of this machine.
#[derive(Debug, Default)]
pub struct SystemResolver;

/// Looks up, checks and remembers for a moment.
pub(super) struct Lookup {
    resolver: Arc<dyn Resolve>,
    kept: Mutex<HashMap<Box<str>, Kept>>,
    /// Where near by a name led when it was first asked for. Guarded for one look.
    pinned: Mutex<HashMap<Box<str>, Vec<IpAddr>>>,
}

struct Kept {
    at: Instant,
    addresses: Vec<IpAddr>,
}

// === impl SystemResolver ===

impl Resolve for SystemResolver {
    fn addresses<'a>(&'a self, name: &'a str) -> Wait<'a, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip().to_canonical()).take(MAX_ADDRESSES).collect())
        })
    }
}

/// Why an address that nobody named is not reached.
pub(super) fn by_number(to: &Authority) -> No {
    Stop::AddressForbidden.say(format!(
        "`{}` is an address. Use the host's name; a person can name an address when a task is started: writ run \
         --allow-host {}",
        to.host(),
        named(to.host(), to),
    ))
}

// === impl Lookup ===

impl Lookup {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, kept: Mutex::default(), pinned: Mutex::default() }
    }

    /// Addresses that may be connected to for this host; never an empty list.
    ///
    /// One forbidden address among several refuses all: nobody who means well publishes such a list.
    pub(super) async fn verified(&self, to: &Authority, tunnels: &impl Tunnels) -> Result<Vec<IpAddr>, No> {
        let host = to.host();
        if let Some(address) = to.literal() {
            if !tunnels.names(to) {
                return Err(by_number(to));
            }
            return match sort(address) {
                Sort::Anywhere => Err(forbidden(to, &[])),
                Sort::Metadata | Sort::Near | Sort::Public => Ok(vec![address]),
            };
        }
        let addresses = self.addresses(host).await?;
        let near: Vec<IpAddr> =
            addresses.iter().copied().filter(|address| sort(*address) != Sort::Public).collect();
        let may = |address: &IpAddr| sort(*address) == Sort::Near && tunnels.may_lead(to, *address);
        if near.iter().all(may) && self.is_pinned(host, &near) {
            Ok(addresses)
        } else {
            Err(forbidden(to, &near))
        }
    }

    /// Whether a name led to these near addresses from the beginning.
    fn is_pinned(&self, host: &str, near: &[IpAddr]) -> bool {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        match pinned.get(host) {
            Some(first) => near.iter().all(|address| first.contains(address)),
            None if pinned.len() < MAX_PINNED => {
                pinned.insert(host.into(), near.to_vec());
                true
            }
            None => near.is_empty(),
        }
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, No> {
        let now = Instant::now();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Kept { at, addresses }) = kept.get(host)
                && now.duration_since(*at) < KEPT_FOR
            {
                return Ok(addresses.clone());
            }
        }
        let unknown = || Stop::UpstreamFailed.say(format!("`{host}` has no address here"));
        let found = timeout(PATIENCE, self.resolver.addresses(host)).await.map_err(|_| unknown())?;
        let mut found = found.map_err(|_| unknown())?;
        found.truncate(MAX_ADDRESSES);
        if found.is_empty() {
            return Err(unknown());
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(host.into(), Kept { at: now, addresses: found.clone() });
        Ok(found)
    }
}

/// How a person writes a host for this task: with a port that is not a usual one.
fn named(host: &str, to: &Authority) -> String {
    match to.port() {
        80 | 443 => host.to_owned(),
        port => format!("{host}:{port}"),
    }
}

fn forbidden(to: &Authority, near: &[IpAddr]) -> No {
    let host = to.host();
    let written = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let hint = match near.first() {
        Some(address) => format!(
            ". A person can name that address too when a task is started: writ run --allow-host {} --allow-host {}",
            named(host, to),
            named(&written(address), to),
        ),
        None => String::new(),
    };
    Stop::AddressForbidden.say(format!(
        "`{host}` leads to a private address, to this machine or to what a machine tells its tenants, or leads there only \
         now{hint}"
    ))
}

/// What an address is to somebody who connects from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// None that means one machine.
    Anywhere,
    /// Where clouds hand out credentials, and link-local addresses: reached where a person wrote the address.
    Metadata,
    /// This machine, a private network, and what may lead into one.
    Near,
    Public,
}

fn sort(address: IpAddr) -> Sort {
    let address = address.to_canonical();
    if address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
        return Sort::Anywhere;
    }
    match Zone::of_address(address) {
        Zone::Metadata => Sort::Metadata,
        Zone::Loopback | Zone::Private => Sort::Near,
        Zone::Public if wraps_another(address) => Sort::Near,
        Zone::Public => Sort::Public,
    }
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

/// Addresses of the sixth version that hold one of the fourth (RFC 3056, RFC 4380, RFC 8215), so that a router may
/// lead back into a private network.
fn wraps_another(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => {
            matches!(address.segments(), [0x2002, ..] | [0x2001, 0, ..] | [0x64, 0xff9b, 1, ..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_one_sort() {
        for (address, wanted) in [
            ("93.184.216.34", Sort::Public),
            ("2606:2800:220:1::1", Sort::Public),
            ("10.0.0.1", Sort::Near),
            ("192.168.1.1", Sort::Near),
            ("172.16.0.1", Sort::Near),
            ("100.64.0.1", Sort::Near),
            ("127.0.0.1", Sort::Near),
            ("::1", Sort::Near),
            ("::ffff:127.0.0.1", Sort::Near),
            ("fd12::1", Sort::Near),
            ("2002:7f00:1::", Sort::Near),
            ("2001:0:1::", Sort::Near),
            ("169.254.169.254", Sort::Metadata),
            ("::ffff:169.254.169.254", Sort::Metadata),
            ("64:ff9b::a9fe:a9fe", Sort::Metadata),
            ("fe80::1", Sort::Metadata),
            ("fd00:ec2::254", Sort::Metadata),
            ("100.100.100.200", Sort::Metadata),
            ("168.63.129.16", Sort::Metadata),
            ("0.0.0.0", Sort::Anywhere),
            ("::", Sort::Anywhere),
            ("255.255.255.255", Sort::Anywhere),
            ("224.0.0.1", Sort::Anywhere),
            ("ff02::1", Sort::Anywhere),
        ] {
            assert_eq!(sort(address.parse().unwrap()), wanted, "{address}");
        }
    }
}
