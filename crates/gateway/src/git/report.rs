//! What a server answers to a push: per ref, whether it moved, and why not (gitprotocol-pack, "Report Status").
//!
//! Refusals of our own take the same form, so that git shows the reason beside the ref. The real server's answer is
//! read while it passes through, so that the record says what happened and not what was hoped for.

use super::command::{Command, Commands};
use super::pkt::{self, MAX_PKT_BYTES, Pkt, PktError, PktReader};

mod joined;

pub use joined::Joined;

/// Longest reason beside a ref, and longest line of what is said before, in characters.
const MAX_REASON_CHARS: usize = 300;
/// Most lines that are said before.
const MAX_SAID_LINES: usize = 64;
/// Most refs of an answer that are kept: one push has no more.
const MAX_STATUS: usize = super::command::MAX_COMMANDS;
/// Most bytes of a band in one line.
const MAX_BAND_BYTES: usize = MAX_PKT_BYTES - 5;
/// Said of refs that nobody refused, in a push of which another was.
const BESIDE: &str = "not pushed because another ref of this push was refused";

/// What became of one ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub name: String,
    /// `None` when it moved, else the server's reason.
    pub refused: Option<String>,
}

/// What the server said of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was wrong with the pack, if anything was.
    pub unpack: Option<String>,
    pub refs: Vec<Status>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    #[error("the server's answer is not in packet lines")]
    Pkt(#[from] PktError),
    #[error("the server's answer holds a line that is no status")]
    Line,
    #[error("the server broke off: {0}")]
    Fatal(String),
    #[error("the server's answer names more than {MAX_STATUS} refs")]
    TooMany,
    #[error("the server's answer ends too early")]
    End,
}

/// Reads an answer to a push while it passes through.
#[derive(Debug)]
pub struct ReportReader {
    has_bands: bool,
    outer: PktReader,
    inner: PktReader,
    unpack: Option<Option<String>>,
    refs: Vec<Status>,
    is_over: bool,
}

// === impl Report ===

impl Report {
    /// What the server said of this ref; `None` when nothing.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Status> {
        self.refs.iter().find(|status| status.name == name)
    }
}

// === impl ReportReader ===

impl ReportReader {
    /// For the answer to a push that was sent with these commands.
    #[must_use]
    pub fn new(commands: &Commands) -> Self {
        Self::with(commands.capabilities.has("side-band-64k"))
    }

    /// For an answer with or without bands.
    #[must_use]
    pub fn with(has_bands: bool) -> Self {
        Self {
            has_bands,
            outer: PktReader::default(),
            inner: PktReader::default(),
            unpack: None,
            refs: Vec::new(),
            is_over: false,
        }
    }

    /// Reads the next bytes.
    ///
    /// # Errors
    /// When this is no answer to a push; what became of the refs is not known then.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), ReportError> {
        while let Some(pkt) = self.outer.next(&mut bytes)? {
            if !self.has_bands {
                self.line(pkt)?;
                continue;
            }
            let data = match pkt {
                Pkt::Data(data) => data,
                Pkt::Flush => continue,
                Pkt::Delimiter | Pkt::ResponseEnd => return Err(ReportError::Line),
            };
            match data.split_first() {
                Some((1, mut band)) => {
                    while let Some(pkt) = self.inner.next(&mut band)? {
                        self.line(pkt)?;
                    }
                }
                Some((2, _)) => {}
                Some((3, said)) => return Err(ReportError::Fatal(one_line(&String::from_utf8_lossy(said)))),
                Some(_) | None => return Err(ReportError::Line),
            }
        }
        Ok(())
    }

    /// What the server said, once all bytes were taken.
    ///
    /// # Errors
    /// When the end is missing.
    pub fn finish(self) -> Result<Report, ReportError> {
        match self.unpack {
            Some(unpack) if self.is_over && self.outer.is_between() && self.inner.is_between() => {
                Ok(Report { unpack, refs: self.refs })
            }
            Some(_) | None => Err(ReportError::End),
        }
    }

    fn line(&mut self, pkt: Pkt) -> Result<(), ReportError> {
        let data = match pkt {
            Pkt::Data(data) if !self.is_over => data,
            Pkt::Flush => {
                self.is_over = true;
                return Ok(());
            }
            Pkt::Data(_) | Pkt::Delimiter | Pkt::ResponseEnd => return Err(ReportError::Line),
        };
        let line = String::from_utf8_lossy(data.strip_suffix(b"\n").unwrap_or(&data)).into_owned();
        let (word, rest) = line.split_once(' ').ok_or(ReportError::Line)?;
        match (word, &self.unpack) {
            ("unpack", None) => self.unpack = Some((rest != "ok").then(|| one_line(rest))),
            ("ok", Some(_)) => self.status(rest, None)?,
            ("ng", Some(_)) => {
                let (name, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                self.status(name, Some(one_line(reason)))?;
            }
            // The second version tells more of the ref before it, as another name that it got.
            ("option", Some(_)) if !self.refs.is_empty() => {}
            _ => return Err(ReportError::Line),
        }
        Ok(())
    }

    fn status(&mut self, name: &str, refused: Option<String>) -> Result<(), ReportError> {
        if self.refs.len() == MAX_STATUS {
            return Err(ReportError::TooMany);
        }
        self.refs.push(Status { name: one_line(name), refused });
        Ok(())
    }
}

/// An answer that refuses every ref of a push. `reasons` stand in the order of the commands; a ref without one is
/// refused because of the others. `says` is shown as `remote:` lines before, where the client takes them.
#[must_use]
pub fn refusal(commands: &Commands, reasons: &[Option<String>], says: &[String]) -> Vec<u8> {
    let of_refs = commands.list.iter().enumerate().map(|(at, command)| {
        let reason = reasons.get(at).and_then(Option::as_deref).unwrap_or(BESIDE);
        (command, reason)
    });
    written(commands, "ok", of_refs, says)
}

/// An answer that refuses a push because of its pack.
#[must_use]
pub fn refused_pack(commands: &Commands, reason: &str) -> Vec<u8> {
    written(commands, reason, commands.list.iter().map(|command| (command, "unpacker error")), &[])
}

fn written<'a>(
    commands: &Commands,
    unpack: &str,
    refs: impl Iterator<Item = (&'a Command, &'a str)>,
    says: &[String],
) -> Vec<u8> {
    let mut report = Vec::new();
    pkt::put(&mut report, format!("unpack {}\n", one_line(unpack)).as_bytes());
    for (command, reason) in refs {
        pkt::put(&mut report, format!("ng {} {}\n", command.name, one_line(reason)).as_bytes());
    }
    pkt::put_flush(&mut report);
    if !commands.capabilities.has("side-band-64k") {
        return report;
    }
    let mut body = said(says);
    for piece in report.chunks(MAX_BAND_BYTES) {
        put_band(&mut body, 1, piece);
    }
    pkt::put_flush(&mut body);
    body
}

/// Lines that git shows as `remote:`.
fn said(says: &[String]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in says.iter().flat_map(|line| wrapped(line)).take(MAX_SAID_LINES) {
        put_band(&mut lines, 2, format!("{}\n", one_line(&line)).as_bytes());
    }
    lines
}

fn put_band(into: &mut Vec<u8>, band: u8, data: &[u8]) {
    let mut line = Vec::with_capacity(data.len() + 1);
    line.push(band);
    line.extend_from_slice(data);
    pkt::put(into, &line);
}

/// The text in lines that each fit, cut between words where there are any.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        // A word of more than a line goes on in the next.
        for piece in chars.chunks(MAX_REASON_CHARS) {
            if length > 0 && length + 1 + piece.len() > MAX_REASON_CHARS {
                lines.push(String::new());
                length = 0;
            }
            let Some(line) = lines.last_mut() else { return lines };
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.extend(piece);
            length += piece.len();
        }
    }
    lines
}

/// The text as one short line without controls, so that nothing in it can pass for another line or for a terminal's
/// command.
pub(super) fn one_line(text: &str) -> String {
    let safe = |c: char| {
        let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || is_hidden { ' ' } else { c }
    };
    text.trim().chars().take(MAX_REASON_CHARS).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_keeps_all_its_words_and_no_line_is_too_long() {
        let long = "x".repeat(700);
        for text in [
            "",
            "one line",
            &"word ".repeat(500),
            &format!("a {long} b"),
            &format!("{}\u{202e}é", "é ".repeat(400)),
        ] {
            let lines = wrapped(text);
            assert!(lines.iter().all(|line| line.chars().count() <= MAX_REASON_CHARS), "{lines:?}");
            let joined: String = lines.concat().split_whitespace().collect();
            assert_eq!(joined, text.split_whitespace().collect::<String>());
        }
    }
}
