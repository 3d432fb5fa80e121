//! What bodies go through: on the way out no secret and no placeholder passes, on the way back no value that was lent.

use std::sync::Arc;

use hyper::body::Bytes;
use writ_model::Label;

use super::body::{BodyError, Stage};
use super::decode::{Coding, Decoder};
use super::find::{Needles, Window};
use super::lend::{FormParts, MAX_NAME_BYTES, NamesMethod};
use super::port::{Tripwire, Watching};
use super::running::Running;

/// Coded bytes that are held back while what they hold could be a secret. That is a part of one private key at most; more is
/// made to hide something.
const MAX_CODED_BYTES: usize = 64 << 10;

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
    /// Coded bytes of which it is not clear what they hold.
    coded: Vec<u8>,
    puts: bool,
}

/// Texts and patterns that must not pass.
pub(super) struct Seen {
    window: Window,
    meant: Arc<[Meant]>,
    tripwire: Option<Box<dyn Watching>>,
    /// Reads the names of a form, where one could be a second method.
    form: Option<FormParts>,
    /// What could be the beginning of a secret.
    held: Vec<u8>,
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
        Self {
            window: Window::new(needles),
            meant,
            tripwire: tripwire.map(|one| one.watch()),
            form: None,
            held: Vec::new(),
        }
    }

    /// The same, which lets no name of a second method pass.
    pub(super) fn of_form(self) -> Self {
        Self { form: Some(FormParts::new(MAX_NAME_BYTES)), ..self }
    }

    /// Gives on what is certain to hold nothing.
    pub(super) fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        let mut open = 0;
        if let Some(form) = &mut self.form {
            open = form.push(&piece).map_err(|NamesMethod| BodyError::SecondMethod)?;
        }
        if let Some(tripwire) = &mut self.tripwire {
            open = open.max(tripwire.push(&piece).map_err(|name| BodyError::Secret(Some(name)))?);
        }
        let piece = self.certain(piece, open);
        let passed = self.window.push(piece);
        self.judge(&passed.found)?;
        Ok(passed.bytes)
    }

    /// The same where nothing can be held back: what could be a secret counts as one.
    pub(super) fn look(&mut self, piece: Bytes) -> Result<(), BodyError> {
        let secret = |name| BodyError::Secret(Some(name));
        if let Some(tripwire) = &mut self.tripwire
            && tripwire.push(&piece).map_err(secret)? > 0
        {
            tripwire.finish().map_err(secret)?;
        }
        let passed = self.window.push(piece);
        self.judge(&passed.found)
    }

    /// Whether something is held back that could be a secret.
    const fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn finish(&mut self) -> Result<Bytes, BodyError> {
        if let Some(form) = &mut self.form {
            form.finish().map_err(|NamesMethod| BodyError::SecondMethod)?;
        }
        if let Some(tripwire) = &mut self.tripwire {
            tripwire.finish().map_err(|name| BodyError::Secret(Some(name)))?;
        }
        let held = std::mem::take(&mut self.held);
        let mut passed = self.window.push(held.into());
        self.judge(&passed.found)?;
        let mut left = Vec::from(std::mem::take(&mut passed.bytes));
        let passed = self.window.finish();
        self.judge(&passed.found)?;
        left.extend_from_slice(&passed.bytes);
        Ok(left.into())
    }

    /// All that came, but for the last so many bytes.
    fn certain(&mut self, piece: Bytes, open: usize) -> Bytes {
        if open == 0 && self.held.is_empty() {
            return piece;
        }
        self.held.extend_from_slice(&piece);
        let certain = self.held.len().saturating_sub(open);
        self.held.drain(..certain).collect::<Vec<u8>>().into()
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
        Self { seen, decoder: coding.decoder(), coded: Vec::new(), puts }
    }
}

impl Stage for Outgoing {
    fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        match &mut self.decoder {
            Some(decoder) => {
                // What is no such coding after all is the other side's to refuse, but it is not waved through either.
                let inside = decoder.push(&piece)?;
                self.seen.push(inside)?;
                self.coded.extend_from_slice(&piece);
                if self.coded.len() > MAX_CODED_BYTES {
                    return Err(BodyError::Unreadable);
                }
                // What is still in the decoder comes out at the end: until then the last byte stays.
                let last = if self.seen.is_held() { self.coded.len() } else { 1 };
                let certain = self.coded.len().saturating_sub(last);
                Ok(self.coded.drain(..certain).collect::<Vec<u8>>().into())
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
                Ok(std::mem::take(&mut self.coded).into())
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
