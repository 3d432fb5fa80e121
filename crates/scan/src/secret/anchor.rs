//! The prefilter: at which places of the bytes a rule could begin.
//!
//! A sieve looks at 64 places at once and leaves about one in eight. Of these, three bytes, upper and lower case alike, are
//! looked up in a table of 32 KiB that stays in the nearest cache, and what stands there says which fourth bytes there are. What
//! passes is asked for as many bytes as all texts of its length have, and only then are texts compared. An automaton over the
//! same texts depends on its state for each byte, and its tables do not fit there.

use std::ops::RangeBounds;

use fearless_simd::dispatch;
use fearless_simd::prelude::*;

use super::shape::Shape;
use super::{is_word, mention};

mod sieve;

use sieve::{AFTER, BEFORE, STRIP, Sieve, Window};

/// Entries of the table of first bytes, as a power of two, and their number.
const FIRST_BITS: u32 = 13;
const FIRST_SLOTS: usize = 1 << FIRST_BITS;
/// Any fourth byte: three make a text.
const ANY: u32 = u32::MAX;
/// Marks of the first bytes of texts, as a power of two, and the words that hold a bit for each.
const MARK_BITS: u32 = 16;
const MARK_WORDS: usize = 1 << (MARK_BITS - 6);
/// Parts into which texts are put by these marks, as a power of two, and their number.
const SLOT_BITS: u32 = 12;
const SLOTS: usize = 1 << SLOT_BITS;
/// Bytes that a text is looked up by.
const PREFIX: usize = 8;
/// The bit by which upper and lower case differ.
const CASE: u8 = 0x20;
/// What makes upper and lower case the same, of eight bytes.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// The bits of the first three bytes, four, and six.
const THREE: u64 = 0xFF_FFFF;
const FOUR: u64 = 0xFFFF_FFFF;
const SIX: u64 = 0xFFFF_FFFF_FFFF;

/// Places of a strip, the first so many.
type Places = [u16; STRIP];

/// What can begin at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// A shape, by its index.
    Shape(u16),
    /// A word of a mention.
    Word(mention::Word),
}

struct Text {
    bytes: &'static [u8],
    /// Whether case counts.
    exact: bool,
    /// Whether the byte before must not be one of a name.
    apart: bool,
    anchor: Anchor,
}

/// The first eight bytes of a text: as they are, and which bits of them count, which is all but those of case where case does
/// not. A text of no more bytes stands where these do.
#[derive(Clone, Copy)]
struct Prefix {
    own: u64,
    counts: u64,
}

/// All texts that rules begin with.
pub(super) struct Anchors {
    sieve: Sieve,
    /// By the first three bytes: a bit for each remainder by 32 of the fourth, and all for a text that has no more.
    fourth: Box<[u32; FIRST_SLOTS]>,
    /// Texts of three bytes, most of which count in one case only; of four and five; and of more.
    of_three: Shelf<THREE, 0>,
    of_five: Shelf<FOUR, FOLD>,
    of_more: Shelf<SIX, FOLD>,
    texts: Vec<Text>,
}

/// A bit for each mark that texts have: of which of their first bytes, and with what makes upper and lower case the same.
struct Marks<const FIRST: u64, const FOLDED: u64>(Box<[u64; MARK_WORDS]>);

/// Texts by as many of their first bytes as all of them have.
struct Shelf<const FIRST: u64, const FOLDED: u64> {
    marks: Marks<FIRST, FOLDED>,
    /// In order of their slots.
    rows: Vec<Row>,
    /// Where in `rows` those of each slot begin, and where the last ones end.
    index: Vec<u16>,
}

/// A text, by its place among all.
struct Row {
    prefix: Prefix,
    text: u16,
}

// === impl Text ===

impl Text {
    fn prefix(&self) -> Prefix {
        let mut counts = [0; PREFIX];
        for (counts, byte) in counts.iter_mut().zip(self.bytes) {
            *counts = if self.exact || !byte.is_ascii_alphabetic() { u8::MAX } else { !CASE };
        }
        Prefix { own: eight(self.bytes), counts: u64::from_le_bytes(counts) }
    }

    /// Whether it counts only where a word begins, whatever the rule says then.
    fn needs_beginning(&self) -> bool {
        match self.anchor {
            Anchor::Shape(_) => self.apart,
            Anchor::Word(word) => word.needs_beginning(),
        }
    }
}

// === impl Prefix ===

impl Prefix {
    /// Upper and lower case the same, and zeros where there is no byte.
    const fn folded(self) -> u64 {
        (self.own | FOLD) & self.bytes()
    }

    /// All bits of the bytes that there are.
    const fn bytes(self) -> u64 {
        // The highest bit counts in whatever byte there is.
        (self.counts >> 7 & 0x0101_0101_0101_0101) * 0xFF
    }

    /// Of three bytes, what they are in either case, where that does not count.
    fn cases(self) -> Vec<u64> {
        let letters = self.bytes() & !self.counts & FOLD;
        let cases = (0..8_u64).map(|case| {
            let flipped = (0..3)
                .filter(|byte| case >> byte & 1 == 1)
                .fold(0, |all, byte| all | u64::from(CASE) << (8 * byte));
            self.own ^ (letters & flipped)
        });
        cases.collect()
    }

    #[inline(always)]
    const fn is(self, seen: u64) -> bool {
        (seen ^ self.own) & self.counts == 0
    }
}

// === impl Marks ===

impl<const FIRST: u64, const FOLDED: u64> Marks<FIRST, FOLDED> {
    fn new() -> Self {
        Self(Box::new([0; _]))
    }

    #[inline(always)]
    const fn of(eight: u64) -> usize {
        let first = (eight | FOLDED) & FIRST;
        (first.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - MARK_BITS)) as usize
    }

    fn add(&mut self, eight: u64) {
        let mark = Self::of(eight);
        if let Some(word) = self.0.get_mut(mark >> 6) {
            *word |= 1 << (mark & 63);
        }
    }

    /// Whether a text may begin with these bytes: a bit.
    #[inline(always)]
    fn may(&self, eight: u64) -> u64 {
        let mark = Self::of(eight);
        self.0.get(mark >> 6).map_or(0, |word| word >> (mark & 63) & 1)
    }
}

// === impl Shelf ===

impl<const FIRST: u64, const FOLDED: u64> Shelf<FIRST, FOLDED> {
    /// Of these texts those of so many bytes.
    fn new(texts: &[Text], lengths: impl RangeBounds<usize>) -> Self {
        let (mut marks, mut placed) = (Marks::new(), Vec::new());
        let numbered = texts.iter().zip(0_u16..);
        for (text, number) in numbered.filter(|(text, _)| lengths.contains(&text.bytes.len())) {
            let prefix = text.prefix();
            for own in if FOLDED == 0 { prefix.cases() } else { vec![prefix.own] } {
                marks.add(own);
                placed.push((Self::slot(own), number));
            }
        }
        placed.sort_unstable();
        // More than one case of a text can have the same slot.
        placed.dedup();
        let before = |slot| placed.partition_point(|(other, _)| *other < slot);
        let index = (0..=SLOTS).map(|slot| u16::try_from(before(slot)).unwrap_or(u16::MAX)).collect();
        let row = |(_, text): &(usize, u16)| {
            let prefix = texts.get(usize::from(*text))?.prefix();
            Some(Row { prefix, text: *text })
        };
        Self { marks, rows: placed.iter().filter_map(row).collect(), index }
    }

    /// Where texts that begin with these bytes are put.
    #[inline(always)]
    const fn slot(eight: u64) -> usize {
        Marks::<FIRST, FOLDED>::of(eight) >> (MARK_BITS - SLOT_BITS)
    }

    /// The texts that may begin with these bytes.
    #[inline(always)]
    fn rows(&self, eight: u64) -> &[Row] {
        let slot = Self::slot(eight);
        match (self.index.get(slot), self.index.get(slot + 1)) {
            (Some(from), Some(until)) => {
                self.rows.get(usize::from(*from)..usize::from(*until)).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

// === impl Anchors ===

impl Anchors {
    pub(super) fn new(shapes: &[Shape]) -> Self {
        let mut texts = Vec::new();
        for (index, shape) in shapes.iter().enumerate() {
            let Ok(index) = u16::try_from(index) else { break };
            for text in &shape.anchors {
                let apart = shape.apart && text.bytes().next().is_some_and(is_word);
                let (bytes, exact) = (text.as_bytes(), shape.exact);
                texts.push(Text { bytes, exact, apart, anchor: Anchor::Shape(index) });
            }
        }
        texts.extend(mention::words().map(|(text, word)| {
            let (bytes, anchor) = (text.as_bytes(), Anchor::Word(word));
            Text { bytes, exact: false, apart: false, anchor }
        }));
        let mut fourth = Box::new([0; FIRST_SLOTS]);
        for prefix in texts.iter().map(Text::prefix) {
            let eight = prefix.folded();
            if let Some(entry) = fourth.get_mut(first_slot(eight)) {
                *entry |= if prefix.bytes() > THREE { 1 << (eight >> 24 & 31) } else { ANY };
            }
        }
        let (of_three, of_five, of_more) =
            (Shelf::new(&texts, ..4), Shelf::new(&texts, 4..6), Shelf::new(&texts, 6..));
        let (beginning, anywhere): (Vec<_>, Vec<_>) = texts.iter().partition(|text| text.needs_beginning());
        let bytes = |texts: Vec<&Text>| texts.into_iter().map(|text| text.bytes).collect::<Vec<_>>();
        let sieve = Sieve::new(&bytes(anywhere), &bytes(beginning));
        Self { sieve, fourth, of_three, of_five, of_more, texts }
    }

    /// Calls `then` for each text that begins in `from..until`, in order of place.
    pub(super) fn each(&self, bytes: &[u8], from: usize, until: usize, mut then: impl FnMut(usize, Anchor)) {
        let until = until.min(bytes.len());
        let mut places = [0; _];
        for strip in (from..until).step_by(STRIP) {
            let edge;
            let window = match strip.checked_sub(BEFORE).and_then(|at| bytes.get(at..)?.first_chunk()) {
                Some(window) => window,
                None => {
                    edge = padded(bytes, strip);
                    &edge
                }
            };
            let count =
                dispatch!(self.sieve.level, simd => self.likely(simd, window, until - strip, &mut places));
            for place in places.iter().take(count) {
                let at = strip + usize::from(*place);
                if at < until {
                    self.compare(bytes, at, eight_at(window, *place), &mut then);
                }
            }
        }
    }

    /// The places of a strip at which all that counts of a text's first eight bytes may stand, and how many these are. There is
    /// no branch on what is found: it is a yes often enough for the processor to guess wrong.
    #[inline(always)]
    fn likely<S: Simd>(&self, simd: S, window: &Window, length: usize, places: &mut Places) -> usize {
        let mut count = 0;
        self.sieve.strip(simd, window, length, |from, passed| {
            for place in passed {
                let place = from as u16 + u16::from(*place);
                let eight = eight_at(window, place) | FOLD;
                let fourth = self.fourth.get(first_slot(eight)).copied().unwrap_or(0);
                let may = fourth >> (eight >> 24 & 31) & 1 == 1;
                count = keep(places, count, place, may);
            }
        });
        let mut kept = 0;
        for next in 0..count.min(STRIP) {
            let Some(place) = places.get(next).copied() else { break };
            let eight = eight_at(window, place);
            kept = keep(places, kept, place, self.may(eight) != 0);
        }
        kept
    }

    /// A bit for each shelf on which a text may begin with these bytes.
    #[inline(always)]
    fn may(&self, eight: u64) -> u64 {
        let [three, five] = [self.of_three.marks.may(eight), self.of_five.marks.may(eight)];
        three | five << 1 | self.of_more.marks.may(eight) << 2
    }

    /// Compares the texts that may stand at a place.
    #[inline(always)]
    fn compare(&self, bytes: &[u8], at: usize, seen: u64, then: &mut impl FnMut(usize, Anchor)) {
        let mut may = self.may(seen);
        // Mostly one, so that the processor guesses right.
        while may != 0 {
            let rows = match may.trailing_zeros() {
                0 => self.of_three.rows(seen),
                1 => self.of_five.rows(seen),
                _ => self.of_more.rows(seen),
            };
            for row in rows.iter().filter(|row| row.prefix.is(seen)) {
                self.whole(bytes, at, row.text, then);
            }
            may &= may - 1;
        }
    }

    /// Compares one text to its end, of which the first eight bytes are there.
    #[inline(never)]
    fn whole(&self, bytes: &[u8], at: usize, which: u16, then: &mut impl FnMut(usize, Anchor)) {
        let Some(text) = self.texts.get(usize::from(which)) else { return };
        let same = match text.bytes.get(PREFIX..) {
            None | Some([]) => at + text.bytes.len() <= bytes.len(),
            Some(rest) => match bytes.get(at + PREFIX..at + text.bytes.len()) {
                Some(seen) if text.exact => seen == rest,
                Some(seen) => seen.eq_ignore_ascii_case(rest),
                None => false,
            },
        };
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        if same && !(text.apart && before.is_some_and(|byte| is_word(*byte))) {
            then(at, text.anchor);
        }
    }
}

/// Adds a place to those that are kept, if it may be one, and gives how many there are then.
#[inline(always)]
fn keep(places: &mut Places, kept: usize, place: u16, may: bool) -> usize {
    // There are no more of these than places in a strip, so the remainder only says so to the compiler.
    if let Some(next) = places.get_mut(kept % STRIP) {
        *next = place;
    }
    kept.wrapping_add(usize::from(may))
}

/// A strip at the beginning or the end: zeros stand for what is not there.
#[cold]
fn padded(bytes: &[u8], strip: usize) -> Window {
    let mut window = [0; _];
    let missing = BEFORE.saturating_sub(strip);
    let there = bytes.get(strip.saturating_sub(BEFORE)..).unwrap_or_default();
    let to = window.get_mut(missing..).unwrap_or_default();
    let length = to.len().min(there.len());
    if let (Some(to), Some(there)) = (to.get_mut(..length), there.get(..length)) {
        to.copy_from_slice(there);
    }
    window
}

/// The eight bytes at a place of a strip.
#[inline(always)]
fn eight_at(window: &Window, place: u16) -> u64 {
    let from = BEFORE + usize::from(place);
    let eight = window.get(from..from + AFTER).and_then(|bytes| bytes.first_chunk());
    eight.map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// The first eight bytes, and zeros where there are fewer.
fn eight(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    u64::from_le_bytes(all)
}

/// The entry of the first three bytes.
const fn first_slot(eight: u64) -> usize {
    (((eight & THREE) as u32).wrapping_mul(0x9E37_79B1) >> (32 - FIRST_BITS)) as usize
}
