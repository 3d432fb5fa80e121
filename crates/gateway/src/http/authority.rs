//! Host and port, as a target, a `Host` header or a server name says them: read in one way or not at all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use writ_model::Scheme;

/// Longest name of a host, in bytes (RFC 1035, section 2.3.4).
const MAX_NAME_BYTES: usize = 253;

/// A host in normal form with its port: lower case, no dot at the end, the sixth version in brackets, one of the fourth
/// in the clothes of the sixth as itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Authority {
    host: Arc<str>,
    port: u16,
}

// === impl Authority ===

impl Authority {
    /// Reads `host:port`, or `host` where a port is usual. No user, no escapes, no number that only some read as an
    /// address.
    #[must_use]
    pub fn parse(text: &str, usual: Option<u16>) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            Some(_) | None => (text, None),
        };
        let port = match port {
            Some(digits) => read_port(digits)?,
            None => usual?,
        };
        let found = Self { host: normal(host)?, port };
        // A name that the judge reads otherwise, or not at all (`xn--` and what is no Punycode), is none.
        let judged = writ_policy::host_of(&format!("https://{found}/"))?;
        (judged == found.short(Scheme::Https)).then_some(found)
    }

    /// Whether a text, read in the same way, is this one.
    #[must_use]
    pub(super) fn is_written(&self, text: &str, usual: u16) -> bool {
        // What is normal reads as itself, which is what clients write.
        let port = match text.strip_prefix(&*self.host) {
            Some("") => Some(usual),
            Some(rest) => rest.strip_prefix(':').and_then(read_port),
            None => None,
        };
        port == Some(self.port) || Self::parse(text, Some(usual)).as_ref() == Some(self)
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address, where the host is one and not a name.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Without the port where that is the scheme's own: what stands in `Host` (RFC 9112, section 3.2).
    #[must_use]
    pub fn short(&self, scheme: Scheme) -> String {
        if self.port == scheme.port() { self.host.to_string() } else { self.to_string() }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn read_port(digits: &str) -> Option<u16> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port > 0)
}

/// The normal form of a host, without a port.
pub(super) fn normal(host: &str) -> Option<Arc<str>> {
    if let Some(bare) = host.strip_prefix('[') {
        let address: Ipv6Addr = bare.strip_suffix(']')?.parse().ok()?;
        return Some(match address.to_ipv4_mapped() {
            Some(address) => address.to_string().into(),
            None => format!("[{address}]").into(),
        });
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(address.to_string().into());
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_name = !host.is_empty() && host.len() <= MAX_NAME_BYTES && host.bytes().all(fits);
    let has_labels = host.split('.').all(|label| !label.is_empty() && label.len() <= 63);
    // What ends in a number is an address to some: `127.1`, `0x7f.1`, `2130706433` (URL Standard, "ends in a number").
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (is_name && has_labels && !is_number).then(|| host.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_in_one_way_or_not_at_all() {
        for (text, usual, wanted) in [
            ("a.b:443", None, Some("a.b:443")),
            ("A.B.:443", None, Some("a.b:443")),
            ("a.b", Some(80), Some("a.b:80")),
            ("a.b", None, None),
            ("127.0.0.1:80", None, Some("127.0.0.1:80")),
            ("[::1]:80", None, Some("[::1]:80")),
            ("[0:0::1]", Some(80), Some("[::1]:80")),
            ("[::ffff:10.0.0.1]:80", None, Some("10.0.0.1:80")),
            ("user@a.b:443", None, None),
            ("a.b:0", None, None),
            ("a.b:65536", None, None),
            ("a.b:+1", None, None),
            ("a.b:", Some(80), None),
            ("a.b:1:2", None, None),
            ("127.1:80", None, None),
            ("0x7f.1:80", None, None),
            ("a.0x7f:80", None, None),
            ("2130706433:80", None, None),
            ("010.0.0.1:80", None, None),
            ("::1:80", None, None),
            ("[fe80::1%eth0]:80", None, None),
            ("a..b:80", None, None),
            (".:80", None, None),
            (":80", None, None),
            ("a b:80", None, None),
            ("a%2eb:80", None, None),
            ("\u{e4}.b:80", None, None),
            ("a.b\r\n:80", None, None),
            ("xn--bcher-kva.test:80", None, Some("xn--bcher-kva.test:80")),
            ("a.xn--0xxxnd-nh:80", None, None),
            ("", Some(80), None),
        ] {
            let found = Authority::parse(text, usual).map(|found| found.to_string());
            assert_eq!(found.as_deref(), wanted, "{text:?}");
        }
    }

    proptest::proptest! {
        /// Whatever stands behind a host that is known, it is that one only where it reads as that one.
        #[test]
        fn a_text_is_another_where_it_reads_so(rest in "[a-c.:0-9\\[\\]@+]{0,6}", usual in 79_u16..82) {
            let known = Authority::parse("a.b:80", None).unwrap();
            let text = format!("a.b{rest}");
            let read = Authority::parse(&text, Some(usual));
            proptest::prop_assert_eq!(known.is_written(&text, usual), read.as_ref() == Some(&known), "{}", text);
        }

        #[test]
        fn what_is_read_reads_back_as_itself(text in "[a-zA-Z0-9@:/.\\[\\]%#?_x-]{0,40}") {
            if let Some(found) = Authority::parse(&text, Some(443)) {
                let again = Authority::parse(&found.to_string(), None);
                proptest::prop_assert_eq!(again.as_ref(), Some(&found));
                proptest::prop_assert!(found.is_written(&text, 443));
                // The judge reads the same host, so that a rule about one is about the other.
                let judged = writ_policy::host_of(&format!("https://{found}/"));
                proptest::prop_assert_eq!(judged, Some(found.short(Scheme::Https)));
            }
        }
    }
}
