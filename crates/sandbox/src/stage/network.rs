//! A network with nothing on it but the loopback address, and the sockets at which the supervisor listens there.
//!
//! A socket belongs to the network it was made in, whoever holds it: the supervisor accepts what the client connects
//! to, outside, and passes on what it wants to pass on. Nothing else leads out.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use crate::sys;

/// Switches the loopback address on and listens at each port, at both versions of the address. In order: for each port
/// the fourth version, then the sixth where this kernel has it.
pub(super) fn with_loopback(ports: &[u16]) -> io::Result<Vec<TcpListener>> {
    sys::switch_loopback_on()?;
    let mut listeners = Vec::new();
    for port in ports {
        listeners.push(TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, *port)))?);
        match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, *port))) {
            Ok(listener) => listeners.push(listener),
            // A kernel, or a host, without that version.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}
