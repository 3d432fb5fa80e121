//! An expression as places: one for each byte of it, and which of them can follow which. A text is followed from place to place,
//! all ways at once, a bit for each. What it turns away is no match; what it lets through is the expression's to judge: long
//! repetitions are cut short, and what stands around a match is not asked about.

use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::View;

/// Most places, one for each bit of a word.
const PLACES: usize = 64;
/// Most repetitions that are told apart: as many as fit, of these.
const REPEATED: [u32; 4] = [16, 8, 4, 1];
/// Most bytes that are followed: places of anchors may follow one another closely.
const FARTHEST: usize = 128;

/// The places of an expression.
#[derive(Clone)]
pub(super) struct Track {
    /// By byte: the places at which it may stand.
    bytes: Box<[u64; 256]>,
    /// By place: those that can follow.
    follow: [u64; PLACES],
    /// How many places there are.
    length: usize,
    /// How often a repetition is laid out at most.
    repeated: u32,
    whole: Part,
}

/// A part of an expression: where it can begin and end, and whether it may be empty.
#[derive(Clone, Copy, Default)]
struct Part {
    first: u64,
    last: u64,
    is_empty: bool,
}

impl Track {
    /// Of an expression. `None` of one that cannot be read, or has too many places.
    pub(super) fn of(expression: &str, config: syntax::Config) -> Option<Self> {
        let hir = syntax::parse_with(expression, &config).ok()?;
        REPEATED.into_iter().find_map(|repeated| {
            let (bytes, follow) = (Box::new([0; 256]), [0; PLACES]);
            let mut track = Self { bytes, follow, length: 0, repeated, whole: Part::default() };
            track.whole = track.part(&hir)?;
            Some(track)
        })
    }

    /// Whether a match could begin here.
    pub(super) fn fits(&self, view: View<'_>, at: usize) -> bool {
        let rest = view.bytes.get(at..).unwrap_or_default();
        let mut next = self.whole.first;
        for byte in rest.iter().take(FARTHEST) {
            let mut here = next & self.bytes.get(usize::from(*byte)).copied().unwrap_or(0);
            if here & self.whole.last != 0 {
                return true;
            }
            if here == 0 {
                return self.whole.is_empty;
            }
            next = 0;
            while here != 0 {
                next |= self.follow.get(here.trailing_zeros() as usize).copied().unwrap_or(0);
                here &= here - 1;
            }
        }
        // So long a text is the expression's to judge, which reads no more than it may.
        rest.len() > FARTHEST || self.whole.is_empty
    }

    fn part(&mut self, hir: &Hir) -> Option<Part> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Some(Part::empty()),
            HirKind::Literal(literal) => literal.0.iter().try_fold(Part::empty(), |all, byte| {
                let next = self.place([(*byte, *byte)])?;
                Some(self.then(all, next))
            }),
            HirKind::Class(Class::Bytes(class)) => {
                self.place(class.ranges().iter().map(|range| (range.start(), range.end())))
            }
            HirKind::Class(Class::Unicode(_)) => None,
            HirKind::Repetition(repetition) => {
                let times = repetition.min.clamp(1, self.repeated);
                let (mut all, mut last) = (Part::empty(), Part::empty());
                for _ in 0..times {
                    last = self.part(&repetition.sub)?;
                    all = self.then(all, last);
                }
                if repetition.max.is_none_or(|most| most > times) {
                    self.then(last, last);
                }
                Some(Part { is_empty: all.is_empty || repetition.min == 0, ..all })
            }
            HirKind::Capture(capture) => self.part(&capture.sub),
            HirKind::Concat(parts) => parts.iter().try_fold(Part::empty(), |all, part| {
                let next = self.part(part)?;
                Some(self.then(all, next))
            }),
            HirKind::Alternation(parts) => parts.iter().try_fold(Part::default(), |all, part| {
                let other = self.part(part)?;
                Some(Part {
                    first: all.first | other.first,
                    last: all.last | other.last,
                    is_empty: all.is_empty || other.is_empty,
                })
            }),
        }
    }

    /// One more place, for these bytes. `None` when there is none left.
    fn place(&mut self, ranges: impl IntoIterator<Item = (u8, u8)>) -> Option<Part> {
        let bit = 1_u64.checked_shl(u32::try_from(self.length).ok()?)?;
        self.length += 1;
        for (first, last) in ranges {
            let bytes = self.bytes.get_mut(usize::from(first)..=usize::from(last));
            bytes.into_iter().flatten().for_each(|places| *places |= bit);
        }
        Some(Part { first: bit, last: bit, is_empty: false })
    }

    /// Two parts that follow one another.
    fn then(&mut self, one: Part, other: Part) -> Part {
        for (place, follow) in self.follow.iter_mut().enumerate() {
            if one.last >> place & 1 == 1 {
                *follow |= other.first;
            }
        }
        Part {
            first: one.first | if one.is_empty { other.first } else { 0 },
            last: other.last | if other.is_empty { one.last } else { 0 },
            is_empty: one.is_empty && other.is_empty,
        }
    }
}

// === impl Part ===

impl Part {
    const fn empty() -> Self {
        Self { first: 0, last: 0, is_empty: true }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use regex_automata::meta::Regex;
    use regex_automata::{Anchored, Input};

    use super::*;

    /// Whether a text fits, of an expression without Unicode.
    fn fits(expression: &str, text: &[u8]) -> bool {
        let config = syntax::Config::new().unicode(false).utf8(false);
        Track::of(expression, config).is_none_or(|track| track.fits(View { bytes: text }, 0))
    }

    #[test]
    fn what_does_not_fit_is_no_match() {
        for (expression, text, expected) in [
            ("ab?c", "ac", true),
            ("ab?c", "abbc", false),
            ("ab*c", "abbbc", true),
            ("a(?:b|cd)e", "acde", true),
            ("a(?:b|cd)e", "ade", false),
            ("(?:user|passwd) {0,3}[:=]", "passwd   = x", true),
            ("(?:user|passwd) {0,3}[:=]", "passwd is = x", false),
            ("[0-9]{3,5}x", "12x", false),
            ("[0-9]{3,5}x", "12345x", true),
            ("[0-9]{40}x", "123", false),
            ("(?i)key=(x+)", "KEY=X", true),
            ("(?:ab|)b", "b", true),
            (r"a\b-b$", "a-b", true),
            ("(ab){2,}c", "ababx", false),
            ("a[^\n]*b", "a c\nb", false),
            ("a?", "x", true),
            ("(?:a{16}){16}", "aaa", false),
            ("(", "an expression that cannot be read", true),
        ] {
            assert_eq!(fits(expression, text.as_bytes()), expected, "{expression} {text}");
        }
    }

    proptest! {
        /// Whatever matches is let through.
        #[test]
        fn no_match_is_turned_away(
            parts in proptest::collection::vec(
                (select(vec!["[abc]", "[ab]", "(?:ab|c|)", "(?:a|b[bc]{0,2})", "[^a]", "abc"]),
                 select(vec!["", "?", "*", "+", "{0,3}", "{2}", "{1,20}", "{18,}"])),
                1..6,
            ),
            text in "[abc]{0,160}",
        ) {
            let expression: String = parts.into_iter().map(|(part, times)| format!("(?:{part}){times}")).collect();
            let syntax = syntax::Config::new().unicode(false).utf8(false);
            let regex = Regex::builder().syntax(syntax).build(&expression).unwrap();
            let matches = regex.is_match(Input::new(&text).anchored(Anchored::Yes));
            prop_assert!(!matches || fits(&expression, text.as_bytes()), "{}", expression);
        }
    }
}
