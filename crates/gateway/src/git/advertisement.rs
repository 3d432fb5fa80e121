//! What a server says before a push: its refs and what it can (gitprotocol-http, "Smart Server Response").
//!
//! The advertisement passes through while it is checked line by line; a long one is never held. Capabilities that the
//! door does not know are taken out of its first line.

use super::capability::Capabilities;
use super::oid::{ObjectFormat, Oid};
use super::pkt::{self, Pkt, PktError, PktReader};

/// Most refs of one repository.
const MAX_REFS: u64 = 4_000_000;
const SERVICE: &[u8] = b"# service=git-receive-pack";

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvertisementError {
    #[error("the server's list of refs is not in packet lines")]
    Pkt(#[from] PktError),
    #[error("the server's list of refs does not begin with its service")]
    Service,
    #[error("the server's list of refs holds a line that is no ref")]
    Line,
    #[error("the server names objects by a hash function that nobody here knows")]
    Format,
    #[error("the server's capabilities cannot be read")]
    Capabilities,
    #[error("the server has more than {MAX_REFS} refs")]
    TooMany,
    #[error("the server's list of refs ends too early, or goes on behind its end")]
    End,
    #[error("the server refused: {0}")]
    Refused(String),
}

/// Passes an advertisement of receive-pack on, and reads it.
#[derive(Debug, Default)]
pub struct Advertisement {
    pkts: PktReader,
    at: At,
    offered: Option<(Capabilities, ObjectFormat)>,
    refs: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Service,
    ServiceEnd,
    First,
    Refs,
    End,
}

// === impl Advertisement ===

impl Advertisement {
    /// Checks the next bytes and appends to `out` what the client gets of them.
    ///
    /// # Errors
    /// When this is no advertisement of receive-pack: the answer must not go on.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), AdvertisementError> {
        while let Some(pkt) = self.pkts.next(&mut bytes)? {
            self.line(pkt, out)?;
        }
        Ok(())
    }

    /// What the server can, once all bytes were taken.
    ///
    /// # Errors
    /// When the end is missing.
    pub fn finish(self) -> Result<Capabilities, AdvertisementError> {
        if self.at != At::End || !self.pkts.is_between() {
            return Err(AdvertisementError::End);
        }
        self.offered.map(|(offered, _)| offered).ok_or(AdvertisementError::End)
    }

    fn line(&mut self, pkt: Pkt, out: &mut Vec<u8>) -> Result<(), AdvertisementError> {
        match (self.at, pkt) {
            (At::Service, Pkt::Data(data)) => {
                if data.strip_suffix(b"\n").unwrap_or(&data) != SERVICE {
                    return Err(AdvertisementError::Service);
                }
                pkt::put(out, &data);
                self.at = At::ServiceEnd;
            }
            (At::ServiceEnd, Pkt::Flush) => {
                pkt::put_flush(out);
                self.at = At::First;
            }
            (At::First, Pkt::Data(data)) if data.strip_suffix(b"\n").unwrap_or(&data) == b"version 1" => {
                pkt::put(out, &data);
            }
            (At::First, Pkt::Data(data)) => self.first(&data, out)?,
            (At::Refs, Pkt::Data(data)) => {
                self.refs += 1;
                if self.refs > MAX_REFS {
                    return Err(AdvertisementError::TooMany);
                }
                let format = self.offered.as_ref().map(|(_, format)| *format);
                let line = pkt::text(&data).ok_or(AdvertisementError::Line)?;
                let is_ref = match line.strip_prefix("shallow ") {
                    Some(oid) => Oid::parse(oid.as_bytes()).map(Oid::format) == format,
                    None => line.split_once(' ').is_some_and(|(oid, name)| {
                        Oid::parse(oid.as_bytes()).map(Oid::format) == format && is_plain(name)
                    }),
                };
                if !is_ref {
                    return Err(AdvertisementError::Line);
                }
                pkt::put(out, &data);
            }
            (At::Refs, Pkt::Flush) => {
                pkt::put_flush(out);
                self.at = At::End;
            }
            (At::Service | At::ServiceEnd, _) => return Err(AdvertisementError::Service),
            (At::First | At::Refs, _) => return Err(AdvertisementError::Line),
            (At::End, _) => return Err(AdvertisementError::End),
        }
        Ok(())
    }

    /// The line that carries the capabilities: `OID REF NUL LIST`.
    fn first(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), AdvertisementError> {
        if let Some(said) = data.strip_prefix(b"ERR ") {
            let said: String =
                String::from_utf8_lossy(said).chars().filter(|c| !c.is_control()).take(300).collect();
            return Err(AdvertisementError::Refused(said));
        }
        let data = data.strip_suffix(b"\n").unwrap_or(data);
        let mut parts = data.splitn(2, |byte| *byte == 0);
        let (Some(head), Some(list)) = (parts.next(), parts.next()) else {
            return Err(AdvertisementError::Capabilities);
        };
        let offered = Capabilities::parse(list).ok_or(AdvertisementError::Capabilities)?.known();
        let format = offered.format().ok_or(AdvertisementError::Format)?;
        let head = std::str::from_utf8(head).map_err(|_| AdvertisementError::Line)?;
        let (oid, name) = head.split_once(' ').ok_or(AdvertisementError::Line)?;
        if Oid::parse(oid.as_bytes()).map(Oid::format) != Some(format) || !is_plain(name) {
            return Err(AdvertisementError::Line);
        }
        pkt::put(out, format!("{head}\0 {}\n", offered.list()).as_bytes());
        self.offered = Some((offered, format));
        self.at = At::Refs;
        Ok(())
    }
}

/// Servers list what is no ref, as `.have` and `capabilities^{}`; what no line may hold is a space or a control.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_control() || c == ' ')
}

/// An advertisement that refuses: git shows `fatal: remote error: TEXT`.
#[must_use]
pub fn refused(service: &str, says: &str) -> Vec<u8> {
    let mut body = Vec::new();
    pkt::put(&mut body, format!("# service={service}\n").as_bytes());
    pkt::put_flush(&mut body);
    pkt::put(&mut body, format!("ERR {}\n", super::report::one_line(says)).as_bytes());
    body
}
