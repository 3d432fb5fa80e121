//! Hosts: one normal form for every spelling, and where a host lies on the network as far as its name tells. The egress
//! boundary resolves names; this only reads them.
//!
//! Programs disagree on what an odd address means, and an agent chooses the program. So an address is read the way the
//! URL standard says, and what other readers could take for another host is not read at all: the call is then unknown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Longest address that is read, in bytes.
const URL_BYTES: usize = 8192;

/// Longest name of a host, in bytes.
const HOST_BYTES: usize = 253;

/// Schemes of the web, with their ports.
const WEB: &[(&str, u16)] = &[("http", 80), ("https", 443), ("ws", 80), ("wss", 443)];

/// Schemes of other programs that copy, clone and log in, with their ports.
const OTHERS: &[(&str, u16)] = &[
    ("ftp", 21),
    ("git", 9418),
    ("git+http", 80),
    ("git+https", 443),
    ("git+ssh", 22),
    ("rsync", 873),
    ("scp", 22),
    ("sftp", 22),
    ("ssh", 22),
    ("ssh+git", 22),
    ("telnet", 23),
];

/// The host of an address of the web in its normal form: `example.org`, `example.org:8080`, `127.0.0.1`, `[::1]`.
/// `None` for anything else, and for anything that two programs could read differently.
pub fn host_of(url: &str) -> Option<String> {
    let (scheme, authority) = parts(url)?;
    let port = default_port(scheme, WEB)?;
    of_authority(authority, Some(port))
}

/// The host of an address of any scheme.
pub(crate) fn of_address(url: &str) -> Option<String> {
    let (scheme, authority) = parts(url)?;
    let port = default_port(scheme, WEB).or_else(|| default_port(scheme, OTHERS));
    of_authority(authority, port)
}

/// A host as a program takes it on its command line: a name or address, perhaps with a user in front and a port behind.
pub(crate) fn of_word(word: &str) -> Option<String> {
    if word.contains("://") {
        return of_address(word);
    }
    match word.rsplit('@').next().unwrap_or_default().parse::<Ipv6Addr>() {
        Ok(address) => Some(normal_v6(address)),
        Err(_) => of_authority(word, None),
    }
}

/// Scheme and authority of an address. The rest of it says nothing of where it leads.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://").filter(|_| url.len() <= URL_BYTES)?;
    Some((scheme, rest.split(['/', '?', '#']).next()?))
}

fn default_port(scheme: &str, schemes: &[(&str, u16)]) -> Option<u16> {
    schemes.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name)).map(|(_, port)| *port)
}

/// `usual`: the port that is not worth naming.
fn of_authority(authority: &str, usual: Option<u16>) -> Option<String> {
    // A backslash is a slash to some, blanks and control characters are left out by some.
    if authority.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return None;
    }
    let written = authority.rsplit('@').next()?;
    let (host, port) = match written.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (written, None),
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse::<u16>().ok()?),
        Some(_) => return None,
    };
    let host = match Host::parse(host).ok()? {
        Host::Domain(name) => normal_name(&name)?,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => normal_v6(address),
    };
    Some(match port.filter(|port| Some(*port) != usual) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

fn normal_name(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_name = !name.is_empty() && name.len() <= HOST_BYTES && name.bytes().all(fits);
    // An empty label is left out by some resolvers and refused by others.
    (is_name && !name.split('.').any(str::is_empty)).then(|| name.to_ascii_lowercase())
}

/// An address of version 4 in the clothes of version 6 is itself.
fn normal_v6(address: Ipv6Addr) -> String {
    match address.to_ipv4_mapped() {
        Some(address) => address.to_string(),
        None => format!("[{address}]"),
    }
}

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
            return Self::of_address(v6.into());
        }
        if let Some(v4) = read_v4(&host) {
            return Self::of_address(v4.into());
        }
        if [".internal", ".local", ".lan", ".intranet", ".home.arpa"].iter().any(|end| host.ends_with(end)) {
            return Self::Private;
        }
        Self::Public
    }

    pub fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
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

    /// The same host, the same form, in whatever way it is written.
    #[test]
    fn every_spelling_of_a_host_has_one_form() {
        for (url, host) in [
            ("https://example.org/a?b#c", Some("example.org")),
            ("HTTP://Example.ORG:8080", Some("example.org:8080")),
            ("https://example.org:443/", Some("example.org")),
            ("https://example.org:80/", Some("example.org:80")),
            ("http://example.org:/", Some("example.org")),
            ("https://example.org./", Some("example.org")),
            ("https://user:word@example.org/", Some("example.org")),
            ("https://a@b@example.org/", Some("example.org")),
            ("https://api.github.com@attacker.example/", Some("attacker.example")),
            ("https://api.github.com:443@attacker.example/", Some("attacker.example")),
            ("https://example.org#@localhost/", Some("example.org")),
            ("https://example.org?@localhost/", Some("example.org")),
            ("https://ex%61mple.org/", Some("example.org")),
            ("https://ex\u{e4}mple.org/", Some("xn--exmple-cua.org")),
            ("https://EX\u{c4}MPLE.org/", Some("xn--exmple-cua.org")),
            ("https://\u{ff11}27.0.0.1/", Some("127.0.0.1")),
            ("https://127\u{3002}0.0.1/", Some("127.0.0.1")),
            ("http://127.1/", Some("127.0.0.1")),
            ("http://2130706433/", Some("127.0.0.1")),
            ("http://0x7f.1/", Some("127.0.0.1")),
            ("http://0177.0.0.1:3000/", Some("127.0.0.1:3000")),
            ("http://[::1]:80/x", Some("[::1]")),
            ("http://[0:0::0:1]/", Some("[::1]")),
            ("http://[::ffff:169.254.169.254]/", Some("169.254.169.254")),
            ("http://[::ffff:a9fe:a9fe]/", Some("169.254.169.254")),
            ("https://localhost\\@example.org/", None),
            ("https://exa mple.org/", None),
            ("https://example.org\t/", None),
            ("https://example.org:99999/", None),
            ("https://example.org:8o/", None),
            ("https://a..b/", None),
            ("https://{localhost,example.org}/", None),
            ("https://1.2.3.4.5/", None),
            ("https://[::1/", None),
            ("https://[fe80::1%25eth0]/", None),
            ("https://exa%00mple.org/", None),
            ("https://exa%2fmple.org/", None),
            ("https:///x", None),
            ("https://:80/", None),
            ("//example.org/", None),
            ("example.org", None),
            ("file:///etc/passwd", None),
            ("ftp://example.org/", None),
            ("javascript:alert(1)", None),
            ("", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn a_host_on_a_command_line_has_the_same_form() {
        for (word, host) in [
            ("example.org", Some("example.org")),
            ("git@Example.org", Some("example.org")),
            ("example.org:22", Some("example.org:22")),
            ("::1", Some("[::1]")),
            ("::ffff:127.0.0.1", Some("127.0.0.1")),
            ("0x7f000001", Some("127.0.0.1")),
            ("ssh://git@example.org:22/x.git", Some("example.org")),
            ("sftp://example.org:2222/", Some("example.org:2222")),
            ("xyz://example.org:2222/", Some("example.org:2222")),
            ("web-1", Some("web-1")),
            ("?", None),
            ("a?b", None),
            ("$HOST", None),
            ("", None),
        ] {
            assert_eq!(of_word(word).as_deref(), host, "{word}");
        }
    }

    proptest::proptest! {
        /// Where the URL standard reads another host, or none, we read none.
        #[test]
        fn a_host_is_read_as_the_standard_reads_it(text in "https?://[a-z0-9.:@%\\[\\]?#/\\\\x-]{0,30}") {
            if let Some(host) = host_of(&text) {
                let standard = url::Url::parse(&text).unwrap();
                let theirs = standard.host_str().unwrap().trim_end_matches('.').to_owned();
                let theirs = theirs.trim_matches(['[', ']']).parse::<Ipv6Addr>().map_or(theirs, normal_v6);
                let theirs = standard.port().map_or(theirs.clone(), |port| format!("{theirs}:{port}"));
                proptest::prop_assert_eq!(host, theirs);
            }
        }

        /// A normal form is its own normal form.
        #[test]
        fn the_normal_form_is_normal(text in "\\PC{0,40}") {
            if let Some(host) = of_word(&text) {
                let again = of_word(&host);
                proptest::prop_assert_eq!(again.as_deref(), Some(host.as_str()));
            }
        }
    }

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
