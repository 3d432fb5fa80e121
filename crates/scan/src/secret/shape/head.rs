//! The head of an expression: which bytes may stand at the first places of whatever it matches. Most anchors stand in
//! ordinary words, which one look at the next few bytes tells, and no expression is built for them.

use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::View;

/// Places that are looked at: the text of an anchor and most of what must follow it. The first that does not fit ends the look.
const LONGEST: usize = 64;

/// Bytes of a run that are looked at: places of anchors may follow one another closely, each at the beginning of the same run.
const FARTHEST: usize = 256;

/// A set of bytes for each of the first places, and what comes behind them.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    sets: Vec<Set>,
    run: Option<Run>,
}

/// Bytes of one set, any number up to the most, and then one of another set.
#[derive(Clone, Debug)]
struct Run {
    of: Set,
    most: usize,
    then: Set,
    /// What begins with that one.
    next: Box<Head>,
    /// Whether no byte is of both sets: then there is one place only where it can stand.
    apart: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set([u64; 4]);

/// The first places of a part of an expression, and whether these are all that it has.
struct Places {
    sets: Vec<Set>,
    whole: bool,
    /// What comes behind them, where that is known.
    run: Option<Run>,
}

// === impl Head ===

impl Head {
    /// Of an expression. Of one that cannot be read, everything fits.
    pub(super) fn of(expression: &str, config: syntax::Config) -> Self {
        let Ok(hir) = syntax::parse_with(expression, &config) else { return Self::default() };
        let Places { sets, run, .. } = places(&hir);
        Self { sets, run }
    }

    /// Whether a match could begin here.
    #[inline]
    pub(super) fn fits(&self, view: View<'_>, at: usize) -> bool {
        let end = at + self.sets.len();
        self.begins(view, at) && self.run.as_ref().is_none_or(|run| run.fits(view, end))
    }

    /// Whether the first places fit.
    #[inline]
    fn begins(&self, view: View<'_>, at: usize) -> bool {
        let bytes = view.bytes.get(at..at + self.sets.len());
        bytes.is_some_and(|bytes| self.sets.iter().zip(bytes).all(|(set, byte)| set.has(*byte)))
    }
}

/// The first places of what is matched.
fn places(hir: &Hir) -> Places {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Places::new(Vec::new(), true),
        HirKind::Literal(literal) => cut(literal.0.iter().map(|byte| Set::of([(*byte, *byte)])).collect()),
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = class.ranges().iter().map(|range| (range.start(), range.end()));
            Places::new(vec![Set::of(ranges)], true)
        }
        // Its characters take more than one byte; with ASCII alone it is a class of bytes.
        HirKind::Class(Class::Unicode(_)) => Places::new(Vec::new(), false),
        HirKind::Repetition(repetition) => {
            let part = places(&repetition.sub);
            let mut all = Places::new(Vec::new(), true);
            for _ in 0..repetition.min {
                all.then(&part);
                if !all.whole || all.sets.len() >= LONGEST {
                    break;
                }
            }
            all.whole &= repetition.max == Some(repetition.min);
            all
        }
        HirKind::Capture(capture) => places(&capture.sub),
        HirKind::Concat(parts) => row(parts),
        HirKind::Alternation(parts) => {
            let mut parts = parts.iter().map(places);
            let Some(mut all) = parts.next() else { return Places::new(Vec::new(), false) };
            for part in parts {
                all.whole &= part.whole && part.sets.len() == all.sets.len();
                all.run = None;
                all.sets.truncate(part.sets.len());
                all.sets.iter_mut().zip(&part.sets).for_each(|(set, other)| set.add(other));
            }
            all
        }
    }
}

/// The first places of parts that follow one another.
fn row(parts: &[Hir]) -> Places {
    let mut all = Places::new(Vec::new(), true);
    for (index, part) in parts.iter().enumerate() {
        all.then(&places(part));
        if !all.whole {
            all.run = all.run.or_else(|| run(part, parts.get(index + 1..)?));
            break;
        }
    }
    all
}

fn cut(mut sets: Vec<Set>) -> Places {
    let whole = sets.len() <= LONGEST;
    sets.truncate(LONGEST);
    Places::new(sets, whole)
}

/// The run that a part is, before the parts that follow.
fn run(part: &Hir, rest: &[Hir]) -> Option<Run> {
    let HirKind::Repetition(repetition) = part.kind() else { return None };
    let HirKind::Class(Class::Bytes(_)) = repetition.sub.kind() else { return None };
    let (of, _) = first(&repetition.sub)?;
    let most = repetition.max.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let mut then = Set::default();
    for part in rest {
        let (set, may_be_empty) = first(part)?;
        then.add(&set);
        if !may_be_empty {
            let Places { sets, run, .. } = row(rest);
            let (next, apart) = (Box::new(Head { sets, run }), of.is_apart(&then));
            return Some(Run { of, most, then, next, apart });
        }
    }
    None
}

/// The bytes with which a part begins, and whether it may be empty. `None` where that is not known.
fn first(hir: &Hir) -> Option<(Set, bool)> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some((Set::default(), true)),
        HirKind::Literal(literal) => {
            let first = literal.0.first()?;
            Some((Set::of([(*first, *first)]), false))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = class.ranges().iter().map(|range| (range.start(), range.end()));
            Some((Set::of(ranges), false))
        }
        HirKind::Class(Class::Unicode(_)) => None,
        HirKind::Repetition(repetition) => {
            let (set, may_be_empty) = first(&repetition.sub)?;
            Some((set, may_be_empty || repetition.min == 0))
        }
        HirKind::Capture(capture) => first(&capture.sub),
        HirKind::Concat(parts) => {
            let mut all = Set::default();
            for part in parts {
                let (set, may_be_empty) = first(part)?;
                all.add(&set);
                if !may_be_empty {
                    return Some((all, false));
                }
            }
            Some((all, true))
        }
        HirKind::Alternation(parts) => {
            let mut all = (Set::default(), false);
            for part in parts {
                let (set, may_be_empty) = first(part)?;
                all.0.add(&set);
                all.1 |= may_be_empty;
            }
            Some(all)
        }
    }
}

// === impl Run ===

impl Run {
    fn fits(&self, view: View<'_>, at: usize) -> bool {
        let rest = view.bytes.get(at..).unwrap_or_default();
        for (place, byte) in rest.iter().take(self.most.saturating_add(1)).enumerate() {
            // So long a run is the expression's to judge, which reads no more than it may.
            if place >= FARTHEST {
                return true;
            }
            if self.then.has(*byte) {
                if self.apart {
                    return self.next.fits(view, at + place);
                }
                // Where it can stand at many places, no more than its first ones are looked at: a run in each run would take
                // the square of the time.
                if self.next.begins(view, at + place) {
                    return true;
                }
            }
            if !self.of.has(*byte) {
                return false;
            }
        }
        false
    }
}

// === impl Places ===

impl Places {
    const fn new(sets: Vec<Set>, whole: bool) -> Self {
        Self { sets, whole, run: None }
    }

    /// Goes on with what follows, if nothing can stand between.
    fn then(&mut self, next: &Self) {
        if self.whole {
            self.sets.extend_from_slice(&next.sets);
            let is_cut = self.sets.len() >= LONGEST;
            self.sets.truncate(LONGEST);
            self.whole = next.whole && !is_cut;
            self.run = next.run.clone().filter(|_| !is_cut);
        }
    }
}

// === impl Set ===

impl Set {
    fn of(ranges: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let mut set = Self::default();
        for (first, last) in ranges {
            for byte in first..=last {
                if let Some(word) = set.0.get_mut(usize::from(byte >> 6)) {
                    *word |= 1 << (byte & 63);
                }
            }
        }
        set
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// Whether no byte is in both.
    fn is_apart(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(word, other)| word & other == 0)
    }

    fn has(self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a text fits, of an expression without Unicode.
    fn fits(expression: &str, text: &str) -> bool {
        let config = syntax::Config::new().unicode(false).utf8(false);
        Head::of(expression, config).fits(View { bytes: text.as_bytes() }, 0)
    }

    #[test]
    fn what_does_not_fit_is_no_match() {
        for (expression, text, expected) in [
            ("pat[A-Za-z0-9]{14}", "path: a value that is no token", false),
            ("pat[A-Za-z0-9]{14}", "patABCDEFGHIJKLMN", true),
            ("pat[A-Za-z0-9]{14}", "patABCDEFGHIJ", false),
            ("gh[pousr]_", "ghx_", false),
            ("a(?:b|cd)e", "acde", true),
            ("a(?:b|cd)e", "abe", true),
            ("a(?:b|cd)e", "ade", false),
            ("ab?c", "ac", true),
            ("a*b", "b", true),
            ("(?:a|)b", "b", true),
            ("(?i)key=(x+)", "KEY=X", true),
            ("(?i)key=(x+)", "KEY=y", false),
            (r"a\b-b", "a-b", true),
            ("a{2}b", "aab", true),
            ("a{2}b", "aaa", false),
            ("(ab){2,}c", "ababx", true),
            ("a[bc]{0,3}:(d+)", "abcb:d", true),
            ("a[bc]{0,3}:(d+)", "a:d", true),
            ("a[bc]{0,3}:(d+)", "abcbc:d", false),
            ("a[bc]{0,3}:(d+)", "abd:d", false),
            ("a[bc]*c", "abc", true),
            ("a[bc]*c", "abb", false),
            ("a[^x]{0,9}[k-m]{3}", "a  kl  klm", true),
            ("a[^x]{0,9}[k-m]{3}", "a  kl  kl  ", false),
            ("a[^x]{0,3}[k-m]{3}", "a  kl  klm", false),
            ("a[^x]{0,9}k+(l)", "a  km  kk", true),
            (r"kind:\s*'?Secret", "kind:  'Secret", true),
            (r"kind:\s*'?Secret", "kind:  Role", false),
            (r"kind:\s*'?(Secret)?", "kind:  Role", true),
            ("(a[bc]*d|e)f", "ef", true),
            ("(a[bc]*d)f", "abbx", false),
            ("(a[bc]*d){2}f", "abdad", true),
            (r"at\s+\S{3,9}\s+log", "at the login", true),
            (r"at\s+\S{3,9}\s+log", "at the door", false),
            (r"at\s+\S{3,9}\s+log", "at log log", true),
            (r"at\s*(?:=|:)?\s*x", "at : x", true),
            (r"at[ :]*(?: :)x", "at : x", false),
            (r"at[ :]*(?: :)x", "at : :x", true),
            ("(", "an expression that cannot be read", true),
        ] {
            assert_eq!(fits(expression, text), expected, "{expression} {text}");
        }
    }
}
