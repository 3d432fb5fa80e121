//! What Java trusts: it reads no file of certificates as others do, but a store in a form of its own.
//!
//! The older form (`JKS`), because every Java reads it, whatever it writes itself. Its layout is that of
//! `sun.security.provider.JavaKeyStore`: a head, entries, and a digest over a word and all before it.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
/// An entry that is trusted, and holds no key.
const TRUSTED: u32 = 2;
/// What Java's own store of certificates has for a password. It keeps nothing secret: the digest shows damage.
const PASSWORD: &str = "changeit";
/// Goes into the digest behind the password.
const SALT: &[u8] = b"Mighty Aphrodite";

/// A store of these certificates (PEM), for `javax.net.ssl.trustStore`. What cannot be read is left out.
#[must_use]
pub fn java_store(pem: &str) -> Vec<u8> {
    let certificates: Vec<Vec<u8>> = certificates(pem).collect();
    let mut store = Vec::new();
    for number in [MAGIC, VERSION, u32::try_from(certificates.len()).unwrap_or_default()] {
        store.extend(number.to_be_bytes());
    }
    for (at, certificate) in certificates.iter().enumerate() {
        let Ok(length) = u32::try_from(certificate.len()) else { continue };
        store.extend(TRUSTED.to_be_bytes());
        put(&mut store, &format!("c{at}"));
        // When it was put there, which nobody asks.
        store.extend(0_u64.to_be_bytes());
        put(&mut store, "X.509");
        store.extend(length.to_be_bytes());
        store.extend(certificate);
    }
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for letter in PASSWORD.encode_utf16() {
        digest.update(&letter.to_be_bytes());
    }
    digest.update(SALT);
    digest.update(&store);
    store.extend(digest.finish().as_ref());
    store
}

/// A short text with its length in front.
fn put(store: &mut Vec<u8>, text: &str) {
    store.extend(u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
    store.extend(text.as_bytes());
}

fn certificates(pem: &str) -> impl Iterator<Item = Vec<u8>> {
    pem.split("-----BEGIN CERTIFICATE-----").skip(1).filter_map(|part| {
        let body: String = part.split("-----END").next()?.split_ascii_whitespace().collect();
        BASE64_STANDARD.decode(body).ok().filter(|der| u32::try_from(der.len()).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_holds_each_certificate_once() {
        let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let store =
            java_store(&[pem("AAEC\nAw=="), "words".to_owned(), pem("not base64!"), pem("BAU=")].concat());
        assert_eq!(store[..12], [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 2]);
        let entry = |der: &[u8]| store.windows(der.len()).filter(|part| *part == der).count();
        assert_eq!((entry(&[0, 0, 0, 4, 0, 1, 2, 3]), entry(&[0, 0, 0, 2, 4, 5])), (1, 1));
        assert_eq!(java_store("").len(), 12 + 20);
    }
}
