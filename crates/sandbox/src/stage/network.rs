//! A network with nothing on it but the loopback address, and the sockets at which the supervisor listens there.
//!
//! A socket belongs to the network it was made in, whoever holds it: the supervisor accepts what the client connects
//! to, outside, and passes on what it wants to pass on. Nothing else leads out.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use crate::sys;

/// Switches the loopback address on and listens at each port, at both versions of the address. In order: for each port
/// the fourth version, then the sixth where this kernel has it.
pub(super) fn with_loopback(ports: &[u16]) -> io::Result<Vec<TcpListener>> {
    sys::switch_loopback_on()?;
    at_loopback(ports, TcpListener::bind)
}

/// The same for datagrams, once the loopback address is on.
pub(super) fn hearing(ports: &[u16]) -> io::Result<Vec<UdpSocket>> {
    at_loopback(ports, UdpSocket::bind)
}

fn at_loopback<T>(ports: &[u16], bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<Vec<T>> {
    let mut sockets = Vec::new();
    for port in ports {
        sockets.push(bind((IpAddr::from(Ipv4Addr::LOCALHOST), *port).into())?);
        match bind((IpAddr::from(Ipv6Addr::LOCALHOST), *port).into()) {
            Ok(socket) => sockets.push(socket),
            // A kernel, or a host, without that version.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sockets)
}
