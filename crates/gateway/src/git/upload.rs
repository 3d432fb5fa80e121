//! Requests for refs and objects: the only thing that upload-pack may be asked.
//!
//! Three versions of the protocol. The second names a command in its first line (gitprotocol-v2); the earlier two say at
//! once what they want (gitprotocol-pack). The request passes through while it is checked line by line.

use super::oid::Oid;
use super::pkt::{self, Pkt, PktError, PktReader};

/// Most bytes of one request: a long negotiation says again what it said before.
const MAX_REQUEST_BYTES: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    #[error("the request is not in packet lines")]
    Pkt(#[from] PktError),
    #[error("`{0}` is no command that git servers are asked for here")]
    Command(String),
    #[error("the request holds a line that nobody here knows: `{0}`")]
    Line(String),
    #[error("the request is longer than {MAX_REQUEST_BYTES} bytes")]
    TooLong,
    #[error("the request ends too early, or goes on behind its end")]
    End,
    #[error(transparent)]
    Inflate(#[from] super::inflate::InflateError),
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upload {
    /// Places of bundles, which the client then fetches by itself: another request at the proxy.
    BundleUri,
    Fetch,
    /// Objects without a command, as the first two versions ask.
    FetchOld,
    LsRefs,
    ObjectInfo,
    /// Nothing: a client looks whether it may speak at all.
    Probe,
}

/// Checks one request.
#[derive(Debug, Default)]
pub struct UploadReader {
    pkts: PktReader,
    at: At,
    taken: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    First,
    /// Between the command and its arguments.
    Capabilities(Upload),
    Arguments(Upload),
    /// Wants and haves of the first two versions, with flushes between them.
    Old,
    Done(Upload),
}

/// Lines of the first part of a command.
const CAPABILITIES: &[&str] = &["agent=", "server-option=", "object-format=", "session-id="];
/// Lines that are a word alone, or a word with something behind it, by command.
const LS_REFS: &[&str] = &["peel", "symrefs", "unborn", "ref-prefix "];
const OBJECT_INFO: &[&str] = &["size", "oid "];
const FETCH: &[&str] = &[
    "want ",
    "have ",
    "done",
    "thin-pack",
    "no-progress",
    "include-tag",
    "ofs-delta",
    "shallow ",
    "deepen ",
    "deepen-relative",
    "deepen-since ",
    "deepen-not ",
    "filter ",
    "want-ref ",
    "sideband-all",
    "packfile-uris ",
    "wait-for-done",
];
const OLD: &[&str] =
    &["want ", "have ", "done", "shallow ", "deepen ", "deepen-since ", "deepen-not ", "filter "];
/// Lines of which the word behind the first is the name of an object.
const WITH_OID: &[&str] = &["want ", "have ", "shallow ", "oid "];

// === impl Upload ===

impl Upload {
    fn of(command: &str) -> Option<Self> {
        match command {
            "bundle-uri" => Some(Self::BundleUri),
            "fetch" => Some(Self::Fetch),
            "ls-refs" => Some(Self::LsRefs),
            "object-info" => Some(Self::ObjectInfo),
            _ => None,
        }
    }

    const fn lines(self) -> &'static [&'static str] {
        match self {
            Self::BundleUri | Self::Probe => &[],
            Self::Fetch => FETCH,
            Self::FetchOld => OLD,
            Self::LsRefs => LS_REFS,
            Self::ObjectInfo => OBJECT_INFO,
        }
    }
}

// === impl UploadReader ===

impl UploadReader {
    /// Checks the next bytes, which may go on when nothing is said against them.
    ///
    /// # Errors
    /// When this is nothing that upload-pack may be asked: the request must not go on.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        self.taken = self.taken.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.taken > MAX_REQUEST_BYTES {
            return Err(UploadError::TooLong);
        }
        while let Some(pkt) = self.pkts.next(&mut bytes)? {
            self.line(&pkt)?;
        }
        Ok(())
    }

    /// What was asked for, once all bytes were taken.
    ///
    /// # Errors
    /// When the end is missing.
    pub fn finish(self) -> Result<Upload, UploadError> {
        match self.at {
            At::Done(upload) if self.pkts.is_between() => Ok(upload),
            At::Old if self.pkts.is_between() => Ok(Upload::FetchOld),
            At::Done(_) | At::Old | At::First | At::Capabilities(_) | At::Arguments(_) => {
                Err(UploadError::End)
            }
        }
    }

    fn line(&mut self, pkt: &Pkt) -> Result<(), UploadError> {
        let data = match (pkt, self.at) {
            (Pkt::Data(data), _) => data,
            (Pkt::Flush, At::First) => return self.goes(At::Done(Upload::Probe)),
            (Pkt::Flush, At::Capabilities(upload) | At::Arguments(upload)) => {
                return self.goes(At::Done(upload));
            }
            (Pkt::Flush, At::Old) => return Ok(()),
            (Pkt::Delimiter, At::Capabilities(upload)) => return self.goes(At::Arguments(upload)),
            (Pkt::Flush | Pkt::Delimiter | Pkt::ResponseEnd, _) => return Err(UploadError::End),
        };
        let line = pkt::text(data).ok_or_else(|| unknown(data))?;
        match self.at {
            At::First => match line.strip_prefix("command=") {
                Some(command) => {
                    let upload = Upload::of(command)
                        .ok_or_else(|| UploadError::Command(super::report::one_line(command)))?;
                    self.goes(At::Capabilities(upload))
                }
                None => {
                    self.at = At::Old;
                    known(line, OLD)
                }
            },
            At::Capabilities(_) => known(line, CAPABILITIES),
            At::Arguments(upload) => known(line, upload.lines()),
            At::Old => known(line, OLD),
            At::Done(_) => Err(UploadError::End),
        }
    }

    fn goes(&mut self, at: At) -> Result<(), UploadError> {
        self.at = at;
        Ok(())
    }
}

/// A line is one of these words, whole or with something behind it.
fn known(line: &str, words: &[&str]) -> Result<(), UploadError> {
    let refused = || unknown(line.as_bytes());
    if line.chars().any(char::is_control) {
        return Err(refused());
    }
    let word = words
        .iter()
        .find(|word| if word.ends_with([' ', '=']) { line.starts_with(**word) } else { line == **word })
        .ok_or_else(refused)?;
    if WITH_OID.contains(word) {
        let rest = line.strip_prefix(word).unwrap_or_default();
        // The first line of the earlier versions has capabilities behind the name.
        let oid = rest.split(' ').next().unwrap_or_default();
        Oid::parse(oid.as_bytes()).ok_or_else(refused)?;
    }
    Ok(())
}

fn unknown(line: &[u8]) -> UploadError {
    let shown = String::from_utf8_lossy(line.get(..80).unwrap_or(line));
    UploadError::Line(super::report::one_line(&shown))
}
