//! Credentials by their published forms, found in what leaves: a tripwire, not a promise.

use writ_model::Label;
use writ_scan::secret::{Detector, Guard};

use super::port::{Tripwire, Watching};

/// Finds what the secrets detector is sure of by its form alone: tokens that their issuers made recognisable, with their
/// checksums where they have one, and private keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens;

struct Looking {
    plain: Guard,
    /// The same without the zeros, once something looks like UTF-16: there a zero stands beside each letter.
    wide: Option<Guard>,
}

// === impl Tokens ===

impl Tripwire for Tokens {
    fn watch(&self) -> Box<dyn Watching> {
        Box::new(Looking { plain: Guard::new(Detector::shipped()), wide: None })
    }
}

// === impl Looking ===

impl Watching for Looking {
    fn push(&mut self, piece: &[u8]) -> Result<usize, Label> {
        let held = self.plain.push(piece).map_err(named)?;
        let zeros = piece.iter().filter(|byte| **byte == 0).count();
        // Text has a zero for each letter; what has fewer is of another kind.
        if self.wide.is_none() && zeros > 0 && zeros * 4 >= piece.len() {
            self.wide = Some(Guard::new(Detector::shipped()));
        }
        let Some(wide) = &mut self.wide else { return Ok(held) };
        let letters: Vec<u8> = piece.iter().copied().filter(|byte| *byte != 0).collect();
        let letters_held = wide.push(&letters).map_err(named)?;
        // Each letter with its zero, and one that was cut off.
        Ok(if letters_held == 0 { held } else { held.max(2 * letters_held + 1) })
    }

    fn finish(&mut self) -> Result<(), Label> {
        self.plain.finish().map_err(named)?;
        self.wide.as_mut().map_or(Ok(()), Guard::finish).map_err(named)
    }
}

fn named(rule: &'static str) -> Label {
    Label::lossy(rule)
}
