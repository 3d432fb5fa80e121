//! The name in a client's first flight (RFC 8446, section 4.1.2; RFC 6066, section 3), in whatever pieces it comes.

use std::io;

use rustls::server::Acceptor;

/// Longest first flight of a client's handshake.
pub(super) const MAX_HELLO_BYTES: usize = 32 << 10;

/// A handshake of which not more than the first flight is read.
#[derive(Default)]
pub struct Hello {
    acceptor: Acceptor,
    seen: Vec<u8>,
}

impl Hello {
    /// Takes the next bytes. `None` until the first flight is whole, then the name that it asks for, if it asks for one.
    ///
    /// # Errors
    ///
    /// What is no handshake, and one of more than 32 KiB.
    pub fn push(&mut self, mut bytes: &[u8]) -> io::Result<Option<Option<String>>> {
        if self.seen.len().saturating_add(bytes.len()) > MAX_HELLO_BYTES {
            return Err(io::Error::other("a handshake without end"));
        }
        self.seen.extend_from_slice(bytes);
        while !bytes.is_empty() {
            self.acceptor.read_tls(&mut bytes)?;
        }
        match self.acceptor.accept() {
            Ok(Some(accepted)) => Ok(Some(accepted.client_hello().server_name().map(str::to_owned))),
            Ok(None) => Ok(None),
            Err((error, _)) => Err(io::Error::other(error)),
        }
    }

    /// All bytes that were taken, for whoever the handshake is with.
    pub fn into_bytes(self) -> Vec<u8> {
        self.seen
    }
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hello({} bytes)", self.seen.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A first flight that asks for a name: a record, a hello of version 1.2 with one suite, and its one extension.
    fn flight(name: &str) -> Vec<u8> {
        let short = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
        let entry = [&[0][..], &short(name.len()), name.as_bytes()].concat();
        let list = [&short(entry.len())[..], &entry].concat();
        let extension = [&[0, 0][..], &short(list.len()), &list].concat();
        let signatures = [0, 13, 0, 4, 0, 2, 4, 3];
        let extensions = [&extension[..], &signatures].concat();
        let body =
            [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0], &short(extensions.len()), &extensions]
                .concat();
        let message = [&[1, 0][..], &short(body.len()), &body].concat();
        [&[22, 3, 1][..], &short(message.len()), &message].concat()
    }

    proptest! {
        #[test]
        fn a_name_is_read_in_any_pieces(cuts in proptest::collection::vec(1_usize..40, 1..20)) {
            let whole = flight("api.example");
            let (mut hello, mut rest, mut name) = (Hello::default(), whole.as_slice(), None);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                prop_assert!(name.is_none());
                name = hello.push(now).unwrap();
                rest = later;
            }
            prop_assert_eq!(name, Some(Some("api.example".to_owned())));
            prop_assert_eq!(hello.into_bytes(), whole);
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = Hello::default().push(&bytes);
        }
    }

    #[test]
    fn a_handshake_has_an_end() {
        let mut hello = Hello::default();
        // A message of 16 MiB is announced; records of it go on.
        let record = [&[22, 3, 1, 0x10, 0x00, 1, 0xFF, 0xFF, 0xFF][..], &[0; 4092]].concat();
        let more = [&[22, 3, 1, 0x10, 0x00][..], &[0; 4096]].concat();
        let refused = std::iter::once(&record)
            .chain(std::iter::repeat(&more))
            .take(9)
            .any(|piece| hello.push(piece).is_err());
        assert!(refused);
    }
}
