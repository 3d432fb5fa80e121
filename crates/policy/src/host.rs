//! Where a host lies on the network, as far as its name tells. The egress boundary resolves names; this only reads
//! them, in every spelling that programs accept for an address.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Where a host lies, by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    /// This machine, by its loopback name or address.
    Loopback,
    /// The services by which clouds hand out credentials, and all link-local addresses.
    Metadata,
    /// Addresses and names that are not reachable from the internet, and ones that mean "any".
    Private,
    /// Everything else.
    Public,
}

/// Names under which clouds serve credentials, without a dot at the end.
const METADATA_NAMES: &[&str] =
    &["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

// === impl Zone ===

impl Zone {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Metadata => "metadata",
            Self::Private => "private",
            Self::Public => "public",
        }
    }

    /// The zone of a host name or address, with or without a port and brackets.
    pub fn of(host: &str) -> Self {
        let host = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        if METADATA_NAMES.contains(&host.as_str()) {
            return Self::Metadata;
        }
        if host == "localhost"
            || host.ends_with(".localhost")
            || host == "ip6-localhost"
            || host == "ip6-loopback"
        {
            return Self::Loopback;
        }
        if let Ok(v6) = host.split('%').next().unwrap_or_default().parse::<Ipv6Addr>() {
            return of_v6(v6);
        }
        if let Some(v4) = read_v4(&host) {
            return of_v4(v4);
        }
        if [".internal", ".local", ".lan", ".intranet", ".home.arpa"].iter().any(|end| host.ends_with(end)) {
            return Self::Private;
        }
        Self::Public
    }
}

fn of_v4(address: Ipv4Addr) -> Zone {
    match address.octets() {
        [169, 254, ..] | [100, 100, 100, 200] | [168, 63, 129, 16] => Zone::Metadata,
        [127, ..] => Zone::Loopback,
        [0, ..] | [10, ..] | [192, 168, ..] => Zone::Private,
        [172, 16..=31, ..] | [100, 64..=127, ..] | [224..=255, ..] => Zone::Private,
        _ => Zone::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Zone {
    if address == Ipv6Addr::LOCALHOST {
        return Zone::Loopback;
    }
    let segments = address.segments();
    let tail = {
        let [.., a, b, c, d] = address.octets();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, ..] => of_v4(tail),
        [0, 0, 0, 0, 0, 0, ..] => of_v4(tail),
        [0xfd00, 0x0ec2, ..] | [0xfe80..=0xfebf, ..] => Zone::Metadata,
        [0xfc00..=0xfdff, ..] | [0xff00..=0xffff, ..] => Zone::Private,
        _ => Zone::Public,
    }
}

/// An address in any form that `inet_aton` takes: one to four numbers, each decimal, octal or hexadecimal.
fn read_v4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = text.split('.').map(read_number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 {
        return None;
    }
    let room = 8 * (4 - first.len() as u32);
    if room < 32 && u64::from(*last) >= 1 << room {
        return None;
    }
    let mut address = *last;
    for (at, number) in first.iter().enumerate() {
        address |= u32::from(u8::try_from(*number).ok()?) << (24 - 8 * at as u32);
    }
    Some(Ipv4Addr::from(address))
}

fn read_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(hexadecimal) => (hexadecimal, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if digits.is_empty() || digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

fn without_port(host: &str) -> &str {
    if let Some(bracketed) = host.strip_prefix('[') {
        return bracketed.split(']').next().unwrap_or(bracketed);
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_has_its_zone() {
        for (host, zone) in [
            ("localhost", Zone::Loopback),
            ("LocalHost.:8080", Zone::Loopback),
            ("app.localhost", Zone::Loopback),
            ("127.0.0.1:3000", Zone::Loopback),
            ("127.1", Zone::Loopback),
            ("2130706433", Zone::Loopback),
            ("0x7f000001", Zone::Loopback),
            ("0177.0.0.1", Zone::Loopback),
            ("[::1]:80", Zone::Loopback),
            ("::ffff:127.0.0.1", Zone::Loopback),
            ("169.254.169.254", Zone::Metadata),
            ("0xa9fea9fe", Zone::Metadata),
            ("2852039166", Zone::Metadata),
            ("0251.0376.0251.0376", Zone::Metadata),
            ("[::ffff:169.254.169.254]", Zone::Metadata),
            ("[::ffff:a9fe:a9fe]", Zone::Metadata),
            ("[64:ff9b::a9fe:a9fe]", Zone::Metadata),
            ("[fd00:ec2::254]", Zone::Metadata),
            ("fe80::1%eth0", Zone::Metadata),
            ("metadata.google.internal.", Zone::Metadata),
            ("100.100.100.200", Zone::Metadata),
            ("0.0.0.0", Zone::Private),
            ("0", Zone::Private),
            ("[::]", Zone::Private),
            ("10.1.2.3", Zone::Private),
            ("172.31.0.1", Zone::Private),
            ("172.32.0.1", Zone::Public),
            ("db.internal", Zone::Private),
            ("printer.local", Zone::Private),
            ("fd12::1", Zone::Private),
            ("example.org", Zone::Public),
            ("127.0.0.1.example.org", Zone::Public),
            ("localhost.example.org", Zone::Public),
            ("93.184.216.34", Zone::Public),
            ("", Zone::Public),
        ] {
            assert_eq!(Zone::of(host), zone, "{host}");
        }
    }
}
