//! A guard at a stream that goes on: says at once that a secret stands in what came, in little memory.
//!
//! Only shapes count, and only where nothing else has their form ([`Confidence::High`]): whoever stops a stream has to be
//! right. A [`super::Scanner`] finds more, later, and in more memory.

use super::anchor::Anchor;
use super::{Confidence, Detector, View, window};

/// How far a shape looks back from its anchor.
const BEHIND: usize = 1 << 10;
/// No anchor is longer.
const ANCHOR: usize = 64;
/// Anchors that are looked at again with what follows. More, within the reach of one shape, are made to take time; then the
/// oldest are let go.
const MAX_OPEN: usize = 64;
/// With more anchors than these, small pieces are put together before they are looked at.
const FEW: usize = 8;
/// So many bytes, then.
const BATCH: usize = 256;

/// Looks through one stream.
pub struct Guard {
    detector: &'static Detector,
    /// The bytes that an anchor could still need.
    held: Vec<u8>,
    /// Up to where anchors were looked for, within `held`.
    seen: usize,
    /// Places in `held` and shapes of anchors of which more bytes could make a secret.
    open: Vec<(usize, u16)>,
    /// Up to where `held` was looked at.
    looked: usize,
    /// How many of these could be a secret that goes on.
    touching: usize,
}

// === impl Guard ===

impl Guard {
    pub fn new(detector: &'static Detector) -> Self {
        Self { detector, held: Vec::new(), seen: 0, open: Vec::new(), looked: 0, touching: 0 }
    }

    /// Takes the next piece. Gives how many of the last bytes could be a secret, or could become one with what follows: whoever
    /// holds these back lets no secret end.
    ///
    /// # Errors
    /// The name of the rule by which a secret stands in what came.
    pub fn push(&mut self, piece: &[u8]) -> Result<usize, &'static str> {
        self.held.extend_from_slice(piece);
        let fresh = self.held.len() - self.looked;
        if self.open.len() > FEW && fresh < BATCH {
            return Ok(self.touching + fresh);
        }
        self.look()?;
        self.let_go();
        Ok(self.touching)
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// The name of the rule by which a secret stands at its end.
    pub fn finish(&mut self) -> Result<(), &'static str> {
        self.look()?;
        // A byte that no secret has: what touched the end is whole.
        let touching = std::mem::take(&mut self.touching);
        if touching == 0 {
            return Ok(());
        }
        self.held.push(0);
        self.look()
    }

    fn look(&mut self) -> Result<(), &'static str> {
        let Self { detector, held, seen, open, looked, touching } = self;
        let view = View { bytes: held };
        let end = held.len();
        detector.anchors.each(held, *seen, end, |at, anchor| match anchor {
            Anchor::Shape(which) => open.push((at, which)),
            Anchor::Word(_) => {}
        });
        (*looked, *touching) = (end, 0);
        for (at, which) in open.iter() {
            let shape = detector.shapes.get(usize::from(*which));
            let Some(found) = shape.and_then(|shape| shape.find(view, *at)) else { continue };
            match found.confidence {
                Confidence::High if found.end < end => return Err(found.rule),
                Confidence::High => *touching = (*touching).max(end - found.start),
                Confidence::Medium | Confidence::Low => {}
            }
        }
        *seen = end.saturating_sub(ANCHOR).max(*seen);
        // Those behind `seen` are looked for again.
        let until = *seen;
        open.retain(|(at, _)| *at < until && *at + window::AHEAD > end);
        let most = open.len().saturating_sub(MAX_OPEN);
        open.drain(..most);
        Ok(())
    }

    /// Lets go of what nothing can look at any more.
    fn let_go(&mut self) {
        let first = self.open.first().map_or(self.seen, |(at, _)| (*at).min(self.seen));
        let gone = first.saturating_sub(BEHIND);
        self.held.drain(..gone);
        self.seen -= gone;
        self.looked -= gone;
        self.open.iter_mut().for_each(|(at, _)| *at -= gone);
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard({} held)", self.held.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::mention;

    /// Put together, so that no scanner takes this file for what it looks for.
    fn token() -> String {
        format!("gl{}-{}", "pat", "q7Rk2ZpL9wXc4VbN8mTd")
    }

    fn key() -> String {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
        format!("-----BEGIN {0} KEY-----\n{1}-----END {0} KEY-----\n", "PRIVATE", line.repeat(20))
    }

    /// What is found, and what had left before.
    fn through(text: &[u8], step: usize) -> (Option<&'static str>, usize) {
        let mut guard = Guard::new(Detector::shipped());
        let mut came = 0;
        let mut left = 0;
        for piece in text.chunks(step) {
            came += piece.len();
            match guard.push(piece) {
                Ok(touching) => left = left.max(came - touching),
                Err(rule) => return (Some(rule), left),
            }
        }
        (guard.finish().err(), left)
    }

    #[test]
    fn attack_a_secret_does_not_end_however_it_is_cut() {
        for secret in [token(), key()] {
            for (before, after) in [(0, 0), (0, 300), (5000, 0), (5000, 40_000)] {
                let text = format!("{}{secret}{}", "a b ".repeat(before / 4), " c d".repeat(after / 4));
                let end = before + secret.trim_end().len();
                for step in [1, 7, 16, 4096, 1 << 20] {
                    let (found, left) = through(text.as_bytes(), step);
                    assert!(found.is_some() && left < end, "{before} {after} {step}: {found:?} {left}");
                }
            }
        }
    }

    #[test]
    fn what_is_longer_than_a_secret_is_none() {
        let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        for step in [1, 13, 40, 4096] {
            assert_eq!(through(hash.repeat(50).as_bytes(), step), (None, hash.len() * 50));
        }
    }

    #[test]
    fn little_is_held() {
        let mut guard = Guard::new(Detector::shipped());
        let piece = format!("{} glpat- AKIA pypi-Ag ", "words and numbers 0123456789 ".repeat(140));
        for _ in 0..2000 {
            guard.push(piece.as_bytes()).unwrap();
            assert!(
                guard.held.len() <= window::AHEAD + BEHIND + 2 * piece.len() && guard.open.len() <= MAX_OPEN
            );
        }
    }

    proptest! {
        /// What a scanner is sure of by a shape, a guard finds, in any pieces; and nothing else.
        #[test]
        fn it_agrees_with_the_scanner(
            before in "[ -~\n]{0,200}",
            after in "[ -~\n]{0,200}",
            secret in prop_oneof![Just(token()), Just(String::new()), Just(format!("{}/", token()))],
            step in 1_usize..300,
        ) {
            let text = format!("{before}{secret}{after}");
            let sure = Detector::shipped().find(text.as_bytes()).into_iter().any(|finding| {
                finding.confidence == Confidence::High && !mention::RULES.contains(&finding.rule)
            });
            prop_assert_eq!(through(text.as_bytes(), step).0.is_some(), sure);
        }
    }
}
