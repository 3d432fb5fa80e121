//! Names become addresses here and nowhere inside, and an address is looked at before anything connects to it.
//!
//! What was looked at is what is connected to, so a name that leads elsewhere a moment later gains nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use writ_policy::Zone;

use super::authority::Authority;
use super::port::{Resolve, Wait};
use super::refuse::{No, Stop};

/// How long an answer is used again. Short: the system does not say how long it holds.
const KEPT_FOR: Duration = Duration::from_secs(15);
/// Names whose answers are kept.
const MAX_KEPT: usize = 256;
/// Addresses of one name that are looked at.
const MAX_ADDRESSES: usize = 16;
/// How long a look-up may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The resolver of this machine.
#[derive(Debug, Default)]
pub struct SystemResolver;

/// Looks up, checks and remembers for a moment.
pub(super) struct Lookup {
    resolver: Arc<dyn Resolve>,
    kept: Mutex<HashMap<Box<str>, Kept>>,
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

// === impl Lookup ===

impl Lookup {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, kept: Mutex::default() }
    }

    /// Addresses that may be connected to for this host; never an empty list.
    ///
    /// One forbidden address among several refuses all: nobody who means well publishes such a list.
    pub(super) async fn verified(&self, to: &Authority, is_named: bool) -> Result<Vec<IpAddr>, No> {
        let host = to.host();
        if let Some(address) = to.literal() {
            if !is_named {
                return Err(Stop::AddressForbidden.say(format!(
                    "`{host}` is an address. Use the host's name; a person can name an address when a task is started: \
                     writ run --allow-host {host}"
                )));
            }
            return match may_be_reached(address, Named::AsAddress) {
                true => Ok(vec![address]),
                false => Err(forbidden(host)),
            };
        }
        let addresses = self.addresses(host).await?;
        let named = if is_named { Named::AsName } else { Named::Not };
        if addresses.iter().all(|address| may_be_reached(*address, named)) {
            Ok(addresses)
        } else {
            Err(forbidden(host))
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

fn forbidden(host: &str) -> No {
    Stop::AddressForbidden.say(format!(
        "`{host}` leads to a private address, to this machine or to what a machine tells its tenants. A person can name \
         it when a task is started: writ run --allow-host {host}"
    ))
}

/// How a task names a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Not,
    AsName,
    AsAddress,
}

fn may_be_reached(address: IpAddr, named: Named) -> bool {
    let address = address.to_canonical();
    if address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
        return false;
    }
    match Zone::of(&address.to_string()) {
        Zone::Metadata => named == Named::AsAddress,
        Zone::Loopback | Zone::Private => named != Named::Not,
        Zone::Public => !wraps_another(address) || named != Named::Not,
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
    fn an_address_is_reached_only_as_far_as_the_task_names_it() {
        for (address, not, name, literal) in [
            ("93.184.216.34", true, true, true),
            ("2606:2800:220:1::1", true, true, true),
            ("10.0.0.1", false, true, true),
            ("192.168.1.1", false, true, true),
            ("172.16.0.1", false, true, true),
            ("100.64.0.1", false, true, true),
            ("127.0.0.1", false, true, true),
            ("::1", false, true, true),
            ("::ffff:127.0.0.1", false, true, true),
            ("fd12::1", false, true, true),
            ("2002:7f00:1::", false, true, true),
            ("2001:0:1::", false, true, true),
            ("169.254.169.254", false, false, true),
            ("::ffff:169.254.169.254", false, false, true),
            ("64:ff9b::a9fe:a9fe", false, false, true),
            ("fe80::1", false, false, true),
            ("fd00:ec2::254", false, false, true),
            ("100.100.100.200", false, false, true),
            ("168.63.129.16", false, false, true),
            ("0.0.0.0", false, false, false),
            ("::", false, false, false),
            ("255.255.255.255", false, false, false),
            ("224.0.0.1", false, false, false),
            ("ff02::1", false, false, false),
        ] {
            let parsed = address.parse().unwrap();
            let found =
                [Named::Not, Named::AsName, Named::AsAddress].map(|named| may_be_reached(parsed, named));
            assert_eq!(found, [not, name, literal], "{address}");
        }
    }
}
