//! The secrets detector: finds credentials in a stream of bytes, in whatever pieces it comes.
//!
//! ```text
//! let mut scanner = Scanner::new(Detector::shipped());
//! for piece in pieces { found.extend(scanner.push(piece)); }
//! found.extend(scanner.finish());
//! ```
//!
//! Two ways lead to a finding. A *shape* is a published format that begins with a text of its own, and is checked to the
//! end, with its checksum where it has one; shapes are data, in `secret/shapes.toml`. A *mention* is a word such as
//! `token` or the name of a service, followed by a value that looks drawn and not written: structure and entropy count
//! only there. Whatever a value is, no finding holds it: only where it stands.

use std::sync::LazyLock;

mod anchor;
mod check;
mod guard;
mod local;
mod mark;
mod mention;
mod place;
mod same;
mod shape;
mod tree;
mod value;
mod wide;
mod window;

#[cfg(test)]
mod tests;

pub use guard::Guard;
pub use local::{is_default_pair, is_local};
pub use mark::{Marker, redact};
pub use place::{Lines, Place};
pub(crate) use same::value_bits;
pub use tree::{FileFinding, Note, Survey, files_below, survey, survey_files};
pub use window::Scanner;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Looks like one by its surroundings; a person should look.
    Low,
    /// Has the form of one, and stands where one would.
    Medium,
    /// Has a form that nothing else has, or its checksum is right.
    High,
}

/// Where a secret stands: never what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// First byte of the secret value, from the beginning of the stream.
    pub start: u64,
    /// First byte after it.
    pub end: u64,
    /// The stable name of the rule.
    pub rule: &'static str,
    pub confidence: Confidence,
}

/// The rules, ready to be used by any number of threads.
pub struct Detector {
    anchors: anchor::Anchors,
    shapes: Vec<shape::Shape>,
}

/// The bytes that a rule may look at, and the place in them.
#[derive(Clone, Copy)]
struct View<'a> {
    bytes: &'a [u8],
}

/// A finding within a view.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Found {
    start: usize,
    end: usize,
    rule: &'static str,
    confidence: Confidence,
}

// === impl Confidence ===

impl Confidence {
    /// The stable word of reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

// === impl Finding ===

impl Finding {
    /// Whether it has a published format, and is no mere mention. Its checksum can still be wrong: then the confidence is low.
    pub fn has_format(&self) -> bool {
        !mention::RULES.contains(&self.rule)
    }

    /// Whether it is given out to be published, and only shown so that somebody can look.
    pub fn is_public(&self) -> bool {
        self.rule.ends_with("-public")
    }
}

// === impl Detector ===

static SHIPPED: LazyLock<Detector> = LazyLock::new(|| {
    let shapes = shape::shipped();
    let anchors = anchor::Anchors::new(&shapes);
    Detector { anchors, shapes }
});

impl Detector {
    /// The rules that Writ ships.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Finds secrets in bytes that are there as a whole. The same as a scanner finds that gets them in pieces.
    pub fn find(&'static self, bytes: &[u8]) -> Vec<Finding> {
        let mut scanner = Scanner::new(self);
        let mut found = scanner.push(bytes);
        found.extend(scanner.finish());
        found
    }

    /// Names of all rules, in the order of the table.
    pub fn rules(&self) -> impl Iterator<Item = &'static str> {
        let public = self.shapes.iter().filter_map(|shape| shape.public_id);
        self.shapes.iter().map(|shape| shape.id).chain(public).chain(mention::RULES)
    }

    /// Gives what is found at anchors that begin in `from..until` of a view.
    fn look(&self, view: View<'_>, from: usize, until: usize, mut found: impl FnMut(Found)) {
        self.anchors.each(view.bytes, from, until, |at, anchor| {
            let one = match anchor {
                anchor::Anchor::Shape(which) => {
                    self.shapes.get(usize::from(which)).and_then(|shape| shape.find(view, at))
                }
                anchor::Anchor::Word(word) => mention::find(view, at, word),
            };
            // A form that nothing else has is one wherever it stands.
            if let Some(one) = one
                && (one.confidence == Confidence::High || view.is_text(one.start, one.end))
            {
                found(one);
            }
        });
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Detector({} shapes)", self.shapes.len())
    }
}

// === impl View ===

impl<'a> View<'a> {
    /// The byte there; zero where nothing is.
    fn at(self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or(0)
    }

    fn before(self, index: usize) -> u8 {
        index.checked_sub(1).map_or(0, |index| self.at(index))
    }

    /// As much of the range as is there.
    fn slice(self, from: usize, until: usize) -> &'a [u8] {
        let until = until.min(self.bytes.len());
        self.bytes.get(from.min(until)..until).unwrap_or_default()
    }

    /// Whether a value could have been written there by somebody: in images, archives and other compressed bytes there are all
    /// short words, and behind some of them what looks drawn. A program's texts end with zeros, and in a database lengths stand
    /// before them.
    fn is_text(self, start: usize, end: usize) -> bool {
        let value = self.slice(start, end);
        let plain = value.iter().take_while(|byte| byte.is_ascii() && !is_strange(**byte)).count();
        if plain >= PLAIN {
            return true;
        }
        // What ends a text ends no line, so that more may count as the value.
        let written = value.split(|byte| is_strange(*byte)).next().unwrap_or_default();
        let letters = |pair: &[u8]| matches!(pair, [0..=0x7f, 0xc0..=0xff, 0..=0x7f]);
        let is_written = match std::str::from_utf8(written) {
            Ok(_) => written.len() >= value.len().min(MIN_WRITTEN),
            // A few letters of a language, in a charset of one byte each.
            Err(_) => {
                let high = written.iter().filter(|byte| !byte.is_ascii()).count();
                let alone = written.windows(3).filter(|pair| letters(pair)).count();
                written.len() >= value.len().min(MIN_WRITTEN) && high == alone && high <= written.len() / 4
            }
        };
        let around =
            [self.slice(start.saturating_sub(AROUND), start), self.slice(end, end.saturating_add(AROUND))];
        let strange = around.into_iter().flatten().filter(|byte| **byte != 0 && is_strange(**byte)).count();
        is_written && strange <= MAX_STRANGE
    }

    /// The bytes of one line around a place, no more than `reach` to either side.
    fn line(self, at: usize, reach: usize) -> &'a [u8] {
        let before = self.slice(at.saturating_sub(reach), at);
        let from = at - before.iter().rev().position(|byte| *byte == b'\n').unwrap_or(before.len());
        let after = self.slice(at, at.saturating_add(reach));
        let until = at + after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
        self.slice(from, until)
    }
}

/// How far around a value is looked whether it stands in a text.
const AROUND: usize = 32;
/// So much of it in ASCII stands nowhere by chance.
const PLAIN: usize = 12;
/// So much of it has to be a text.
const MIN_WRITTEN: usize = 8;
/// Most bytes around it that no text has.
const MAX_STRANGE: usize = 3;

/// Whether a byte stands in no text: control characters, but for white space and what begins colours.
const fn is_strange(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t'..=b'\r' | 0x1b)
}

/// Whether a byte can stand inside a name.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
