//! What bodies go through: on the way out no secret and no placeholder passes, on the way back no value that was lent.

use std::sync::Arc;

use hyper::body::Bytes;
use writ_model::Label;

use super::body::{BodyError, Stage};
use super::decode::{Coding, Decoder};
use super::find::{Needles, Window};
use super::port::Tripwire;
use super::running::Running;

/// What a text that is looked for stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    Placeholder(Label),
    Value(Label),
    /// A placeholder whose value takes its place here.
    Put,
}

/// Looks through what leaves, without changing it but where a placeholder in the body is asked for.
pub(super) struct Outgoing {
    seen: Seen,
    decoder: Option<Decoder>,
    puts: bool,
}

/// Texts and patterns that must not pass.
pub(super) struct Seen {
    window: Window,
    meant: Arc<[Meant]>,
    tripwire: Option<Arc<dyn Tripwire>>,
    /// The end of what the tripwire saw.
    tail: Vec<u8>,
}

/// Takes out of what comes back the values that were lent.
pub(super) struct Redaction {
    window: Window,
    decoder: Option<Decoder>,
    running: Arc<Running>,
}

// === impl Seen ===

impl Seen {
    pub(super) fn new(
        needles: Arc<Needles>,
        meant: Arc<[Meant]>,
        tripwire: Option<Arc<dyn Tripwire>>,
    ) -> Self {
        Self { window: Window::new(needles), meant, tripwire, tail: Vec::new() }
    }

    /// Gives on what is certain to hold nothing.
    pub(super) fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        if let Some(tripwire) = &self.tripwire {
            self.tail.extend_from_slice(&piece);
            if let Some(name) = tripwire.find(&self.tail) {
                return Err(BodyError::Secret(Some(name)));
            }
            let from = self.tail.len().saturating_sub(tripwire.overlap());
            self.tail.drain(..from);
        }
        let passed = self.window.push(piece);
        self.judge(&passed.found)?;
        Ok(passed.bytes)
    }

    pub(super) fn finish(&mut self) -> Result<Bytes, BodyError> {
        let passed = self.window.finish();
        self.judge(&passed.found)?;
        Ok(passed.bytes)
    }

    fn judge(&self, found: &[usize]) -> Result<(), BodyError> {
        for tag in found {
            match self.meant.get(*tag) {
                Some(Meant::Put) => {}
                Some(Meant::Placeholder(name)) => return Err(BodyError::Placeholder(name.clone())),
                Some(Meant::Value(name)) => return Err(BodyError::Secret(Some(name.clone()))),
                None => return Err(BodyError::Secret(None)),
            }
        }
        Ok(())
    }
}

// === impl Outgoing ===

impl Outgoing {
    /// `puts`: values are put into the body. A coded body is looked through beside its way and never changed.
    pub(super) fn new(seen: Seen, coding: Coding, puts: bool) -> Self {
        Self { seen, decoder: coding.decoder(), puts }
    }
}

impl Stage for Outgoing {
    fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        match &mut self.decoder {
            Some(decoder) => {
                // What is no such coding after all is the other side's to refuse, but it is not waved through either.
                let inside = decoder.push(&piece)?;
                self.seen.push(inside)?;
                Ok(piece)
            }
            None => self.seen.push(piece),
        }
    }

    fn finish(&mut self) -> Result<Bytes, BodyError> {
        match self.decoder.take() {
            Some(decoder) => {
                let inside = decoder.finish()?;
                self.seen.push(inside)?;
                self.seen.finish()?;
                Ok(Bytes::new())
            }
            None => self.seen.finish(),
        }
    }

    fn keeps_length(&self) -> bool {
        !self.puts
    }
}

// === impl Redaction ===

impl Redaction {
    pub(super) fn new(needles: Arc<Needles>, coding: Coding, running: Arc<Running>) -> Self {
        Self { window: Window::new(needles), decoder: coding.decoder(), running }
    }

    fn through(&mut self, piece: Bytes) -> Bytes {
        let passed = self.window.push(piece);
        self.running.redacted(passed.found.len());
        passed.bytes
    }
}

impl Stage for Redaction {
    fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        let piece = match &mut self.decoder {
            Some(decoder) => decoder.push(&piece)?,
            None => piece,
        };
        Ok(self.through(piece))
    }

    fn finish(&mut self) -> Result<Bytes, BodyError> {
        let mut left = match self.decoder.take() {
            Some(decoder) => self.through(decoder.finish()?).to_vec(),
            None => Vec::new(),
        };
        let passed = self.window.finish();
        self.running.redacted(passed.found.len());
        left.extend_from_slice(&passed.bytes);
        Ok(left.into())
    }

    fn keeps_length(&self) -> bool {
        false
    }
}
