//! What people read while the story goes on: short lines, a coloured word where it is worth one. Nothing with `--json`.

use std::fmt;
use std::io;

use crate::screen;

/// Prints, or keeps quiet.
pub(super) struct Teller {
    pub(super) json: bool,
}

/// What became of something, by the colour of its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Stopped,
    Waiting,
    Plain,
}

// === impl Teller ===

impl Teller {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// The title of a part.
    pub(super) fn part(&mut self, title: &str) -> io::Result<()> {
        self.print(format_args!("\n\x1b[1m{title}\x1b[0m"))
    }

    /// One fact: a word and what it is about. Colours reach terminals only.
    pub(super) fn fact(&mut self, tone: Tone, word: &str, about: impl fmt::Display) -> io::Result<()> {
        let (on, off) = tone.codes();
        self.print(format_args!("  {on}{word:<9}{off} {about}"))
    }

    /// A second line to the fact above.
    pub(super) fn also(&mut self, about: impl fmt::Display) -> io::Result<()> {
        self.print(format_args!("  {:<9} {about}", ""))
    }

    pub(super) fn note(&mut self, text: impl fmt::Display) -> io::Result<()> {
        self.print(text)
    }

    fn print(&mut self, text: impl fmt::Display) -> io::Result<()> {
        if self.json { Ok(()) } else { screen::line(text) }
    }
}

// === impl Tone ===

impl Tone {
    const fn codes(self) -> (&'static str, &'static str) {
        match self {
            Self::Good => ("\x1b[32m", "\x1b[0m"),
            Self::Stopped => ("\x1b[31m", "\x1b[0m"),
            Self::Waiting => ("\x1b[33m", "\x1b[0m"),
            Self::Plain => ("", ""),
        }
    }
}
