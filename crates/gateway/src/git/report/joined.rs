//! The server's answer to the part of a push that went on, with the refs that did not.

use super::super::command::{Command, Commands};
use super::super::pkt::{self, Pkt, PktReader};
use super::{MAX_BAND_BYTES, ReportError, one_line, put_band, said};

/// Adds the refs of a push that never went to the server to its answer, while that passes through.
#[derive(Debug)]
pub struct Joined {
    has_bands: bool,
    outer: PktReader,
    inner: PktReader,
    /// The lines to add; empty once they were.
    lines: Vec<u8>,
    /// What is said before everything else; empty once it was.
    says: Vec<u8>,
}

// === impl Joined ===

impl Joined {
    /// `commands` are those that went on; `left` did not, for this reason. `says` is as in [`refusal`].
    #[must_use]
    pub fn new(commands: &Commands, left: &[Command], reason: &str, says: &[String]) -> Self {
        let mut lines = Vec::new();
        for command in left {
            pkt::put(&mut lines, format!("ng {} {}\n", command.name, one_line(reason)).as_bytes());
        }
        let has_bands = commands.capabilities.has("side-band-64k");
        let says = if has_bands { said(says) } else { Vec::new() };
        Self { lines, says, ..Self::with(has_bands) }
    }

    /// For an answer with or without bands, and nothing to add.
    #[must_use]
    pub fn with(has_bands: bool) -> Self {
        let (outer, inner) = (PktReader::default(), PktReader::default());
        Self { has_bands, outer, inner, lines: Vec::new(), says: Vec::new() }
    }

    /// Takes the next bytes of the server's answer, and gives those for the client.
    ///
    /// # Errors
    /// When this is no answer to a push.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ReportError> {
        out.append(&mut self.says);
        while let Some(pkt) = self.outer.next(&mut bytes)? {
            if !self.has_bands {
                self.line(pkt, out)?;
                continue;
            }
            let data = match pkt {
                Pkt::Data(data) => data,
                Pkt::Flush => {
                    pkt::put_flush(out);
                    continue;
                }
                Pkt::Delimiter | Pkt::ResponseEnd => return Err(ReportError::Line),
            };
            match data.split_first() {
                Some((1, mut band)) => {
                    let mut report = Vec::new();
                    while let Some(pkt) = self.inner.next(&mut band)? {
                        self.line(pkt, &mut report)?;
                    }
                    for piece in report.chunks(MAX_BAND_BYTES) {
                        put_band(out, 1, piece);
                    }
                }
                Some((2 | 3, _)) => pkt::put(out, &data),
                Some(_) | None => return Err(ReportError::Line),
            }
        }
        Ok(())
    }

    fn line(&mut self, pkt: Pkt, out: &mut Vec<u8>) -> Result<(), ReportError> {
        match pkt {
            Pkt::Data(data) => pkt::put(out, &data),
            Pkt::Flush => {
                out.append(&mut self.lines);
                pkt::put_flush(out);
            }
            Pkt::Delimiter | Pkt::ResponseEnd => return Err(ReportError::Line),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{CommandReader, Heading, ReportReader, capability::Capabilities};
    use super::*;

    const A: &str = "16c7e42f292c6912e7710c838347ae178b4a0001";
    const NONE: &str = "0000000000000000000000000000000000000000";

    fn commands(bands: &str) -> Commands {
        let offered = "report-status report-status-v2 side-band-64k object-format=sha1";
        let mut reader = CommandReader::new(Capabilities::parse(offered.as_bytes()).unwrap());
        let mut bytes = Vec::new();
        pkt::put(&mut bytes, format!("{NONE} {A} refs/heads/own\0report-status {bands}").as_bytes());
        pkt::put(&mut bytes, format!("{NONE} {A} refs/heads/main").as_bytes());
        pkt::put_flush(&mut bytes);
        assert!(reader.take(&mut bytes.as_slice()).unwrap());
        let Heading::Push(commands) = reader.finish().unwrap() else { panic!("no push") };
        commands
    }

    #[test]
    fn refs_that_stayed_behind_are_told_with_what_the_server_says() {
        for bands in ["side-band-64k", ""] {
            let mut commands = commands(bands);
            let left = vec![commands.list.pop().unwrap()];
            let mut report = Vec::new();
            pkt::put(&mut report, b"unpack ok\n");
            pkt::put(&mut report, b"ok refs/heads/own\n");
            pkt::put_flush(&mut report);
            let answer = if bands.is_empty() {
                report
            } else {
                let mut body = Vec::new();
                put_band(&mut body, 2, b"hello\n");
                for piece in report.chunks(7) {
                    put_band(&mut body, 1, piece);
                }
                pkt::put_flush(&mut body);
                body
            };
            let mut joined =
                Joined::new(&commands, &left, "not yours\nok refs/heads/main", &["why".to_owned()]);
            let mut out = Vec::new();
            for piece in answer.chunks(5) {
                joined.take(piece, &mut out).unwrap();
            }
            let mut reader = ReportReader::new(&commands);
            reader.take(&out).unwrap();
            let report = reader.finish().unwrap();
            assert_eq!(report.unpack, None);
            assert_eq!(report.of("refs/heads/own").unwrap().refused, None);
            let refused = report.of("refs/heads/main").unwrap().refused.as_deref();
            assert_eq!(refused, Some("not yours ok refs/heads/main"));
            assert_eq!(report.refs.len(), 2);
            let text = String::from_utf8_lossy(&out).into_owned();
            assert!(bands.is_empty() || (text.contains("why\n") && text.contains("hello\n")), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_joined_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            for bands in ["side-band-64k", ""] {
                let mut joined = Joined::new(&commands(bands), &[], "", &[]);
                let mut out = Vec::new();
                let _ = joined.take(&bytes, &mut out);
                assert!(out.len() <= bytes.len() * 8 + 64);
            }
        }
    }
}
