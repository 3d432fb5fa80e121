//! The prefilter: at which places of the bytes a rule could begin.
//!
//! A sieve looks at 64 places at once and leaves about one in eight. Of these, three bytes, upper and lower case alike, are
//! looked up in a table of 32 KiB that stays in the nearest cache, and what stands there says which fourth bytes there are. What
//! passes is asked for as much as counts of the first eight bytes, and only then are texts compared. An automaton over the same
//! texts depends on its state for each byte, and its tables do not fit there.

use std::num::NonZeroU64;

use super::shape::Shape;
use super::{is_word, mention};

mod sieve;

use sieve::{PLACES, STEPS, STRIP, Sieve};

/// Entries of the table of first bytes, as a power of two, and their number.
const FIRST_BITS: u32 = 13;
const FIRST_SLOTS: usize = 1 << FIRST_BITS;
/// Parts into which texts are put, as a power of two, and their number.
const SLOT_BITS: u32 = 14;
const SLOTS: usize = 1 << SLOT_BITS;
/// Bits of the set of beginnings, as a power of two, and its words.
const BEGINNING_BITS: u32 = 17;
const BEGINNING_WORDS: usize = 1 << (BEGINNING_BITS - 6);
/// What makes upper and lower case the same, of eight bytes.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// The bits of a text of three bytes.
const THREE: u64 = 0xFF_FFFF;

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

/// The first eight bytes of a text, upper and lower case the same, and which bits of them it has.
#[derive(Clone, Copy)]
struct Prefix {
    eight: u64,
    counts: u64,
}

/// All texts that rules begin with.
pub(super) struct Anchors {
    sieve: Sieve,
    /// By the first three bytes: a bit for each remainder by 32 of the fourth, and all for a text that has no more.
    fourth: Box<[u32; FIRST_SLOTS]>,
    /// By the bytes of a text of three: a bit.
    short: Box<[u64; SLOTS / 64]>,
    /// What all texts begin with.
    beginnings: Beginnings,
    /// In order of their slots.
    texts: Vec<Text>,
    /// What each of them begins with.
    prefixes: Vec<Prefix>,
    /// Where in `texts` those of each slot begin, and where the last ones end.
    index: Vec<u16>,
}

/// A set of the first bytes of texts: says no, or perhaps.
struct Beginnings(Box<[u64; BEGINNING_WORDS]>);

// === impl Beginnings ===

impl Beginnings {
    fn new(prefixes: &[Prefix]) -> Self {
        let mut words = Box::new([0; BEGINNING_WORDS]);
        for prefix in prefixes {
            let bit = Self::bit(prefix.eight);
            if let Some(word) = words.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        Self(words)
    }

    #[inline(always)]
    fn has(&self, eight: u64) -> bool {
        let bit = Self::bit(eight);
        self.0.get(bit / 64).copied().unwrap_or(0) >> (bit % 64) & 1 == 1
    }

    const fn bit(eight: u64) -> usize {
        (eight.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BEGINNING_BITS)) as usize
    }
}

// === impl Text ===

impl Text {
    fn prefix(&self) -> Prefix {
        let counts = u64::MAX >> (64 - 8 * self.bytes.len().clamp(1, 8) as u32);
        Prefix { eight: (eight(self.bytes) | FOLD) & counts, counts }
    }

    /// Whether it counts only where a word begins, whatever the rule says then.
    fn needs_beginning(&self) -> bool {
        match self.anchor {
            Anchor::Shape(_) => self.apart,
            Anchor::Word(word) => word.needs_beginning(),
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
        texts.sort_by_key(|text| slot(text.prefix().eight));
        let prefixes: Vec<_> = texts.iter().map(Text::prefix).collect();
        let (mut fourth, mut short) = (Box::new([0_u32; FIRST_SLOTS]), Box::new([0_u64; SLOTS / 64]));
        for Prefix { eight, counts } in &prefixes {
            let slot = slot(*eight);
            if let Some(entry) = fourth.get_mut(first_slot(*eight)) {
                *entry |= if *counts > THREE { 1 << (eight >> 24 & 31) } else { u32::MAX };
            }
            if let Some(word) = short.get_mut(slot / 64).filter(|_| *counts <= THREE) {
                *word |= 1 << (slot % 64);
            }
        }
        let begins = |wanted| prefixes.partition_point(|prefix| slot(prefix.eight) < wanted);
        let index = (0..=SLOTS).map(|slot| u16::try_from(begins(slot)).unwrap_or(u16::MAX)).collect();
        let (beginning, anywhere): (Vec<_>, Vec<_>) = texts.iter().partition(|text| text.needs_beginning());
        let bytes = |texts: Vec<&Text>| texts.into_iter().map(|text| text.bytes).collect::<Vec<_>>();
        let sieve = Sieve::new(&bytes(anywhere), &bytes(beginning));
        let beginnings = Beginnings::new(&prefixes);
        Self { sieve, fourth, short, beginnings, texts, prefixes, index }
    }

    /// Calls `then` for each text that begins in `from..until`, in order of place.
    pub(super) fn each(&self, bytes: &[u8], from: usize, until: usize, mut then: impl FnMut(usize, Anchor)) {
        let until = until.min(bytes.len());
        let mut marks = [0; STEPS];
        let mut places = [0; STRIP];
        for strip in (from..until).step_by(STRIP) {
            self.sieve.strip(bytes, strip, &mut marks);
            let mut count = 0;
            for (step, marks) in (0_u16..).zip(marks) {
                if let Some(marks) = NonZeroU64::new(marks) {
                    let at = strip + usize::from(step) * PLACES;
                    count = match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
                        Some(seen) => self.passed(seen, marks, step, &mut places, count),
                        None => self.passed(&padded(bytes, at), marks, step, &mut places, count),
                    };
                }
            }
            let count = self.likely(bytes, strip, &mut places, count);
            for place in places.iter().take(count) {
                let place = strip + usize::from(*place);
                if place < until {
                    self.compare(bytes, place, &mut then);
                }
            }
        }
    }

    /// Asks the table about the places of one step and keeps those that pass. There is no branch on the answer: it is a yes
    /// often enough for the processor to guess wrong.
    #[inline(always)]
    fn passed(
        &self,
        seen: &[u8; PLACES + 8],
        marks: NonZeroU64,
        step: u16,
        places: &mut [u16; STRIP],
        mut count: usize,
    ) -> usize {
        let mut rest = Some(marks);
        while let Some(marks) = rest {
            let place = marks.trailing_zeros();
            let from = place as usize;
            let eight = seen.get(from..from + 8).and_then(|bytes| bytes.first_chunk());
            let eight = eight.map_or(0, |eight| u64::from_le_bytes(*eight)) | FOLD;
            // There are as many of these as places in a strip, so the remainder only says so to the compiler.
            if let Some(next) = places.get_mut(count % STRIP) {
                *next = (step * PLACES as u16) | place as u16;
            }
            count = count.wrapping_add(usize::from(self.may_begin(eight)));
            rest = NonZeroU64::new(marks.get() & (marks.get() - 1));
        }
        count
    }

    /// Of these places, keeps those at which all that counts of a text's first eight bytes may stand. No branch here either.
    fn likely(&self, bytes: &[u8], strip: usize, places: &mut [u16; STRIP], count: usize) -> usize {
        let mut kept: usize = 0;
        for next in 0..count {
            let Some(place) = places.get(next % STRIP).copied() else { break };
            let eight = first_eight(bytes, strip + usize::from(place));
            let long = (4..=8).fold(false, |any, length| any | self.beginnings.has(cut(eight, length)));
            if let Some(next) = places.get_mut(kept % STRIP) {
                *next = place;
            }
            kept = kept.wrapping_add(usize::from(long | self.is_short(slot(eight & THREE))));
        }
        kept
    }

    /// Whether the first four bytes are those of a text, or nearly.
    #[inline(always)]
    fn may_begin(&self, eight: u64) -> bool {
        let fourth = self.fourth.get(first_slot(eight)).copied().unwrap_or(0);
        fourth >> (eight >> 24 & 31) & 1 == 1
    }

    /// Whether a text of three bytes may stand here.
    #[inline(always)]
    fn is_short(&self, slot: usize) -> bool {
        let word = self.short.get(slot / 64).copied().unwrap_or(0);
        word >> (slot % 64) & 1 == 1
    }

    /// Compares the texts that may stand at a place.
    fn compare(&self, bytes: &[u8], at: usize, then: &mut impl FnMut(usize, Anchor)) {
        let eight = first_eight(bytes, at);
        let (long, short) = (slot(eight), slot(eight & THREE));
        self.compare_slot(bytes, at, eight, long, then);
        if short != long {
            self.compare_slot(bytes, at, eight, short, then);
        }
    }

    #[inline(always)]
    fn compare_slot(
        &self,
        bytes: &[u8],
        at: usize,
        eight: u64,
        slot: usize,
        then: &mut impl FnMut(usize, Anchor),
    ) {
        let (Some(first), Some(end)) = (self.index.get(slot), self.index.get(slot + 1)) else { return };
        let range = usize::from(*first)..usize::from(*end);
        let Some(prefixes) = self.prefixes.get(range.clone()) else { return };
        for (prefix, which) in prefixes.iter().zip(range) {
            if (eight ^ prefix.eight) & prefix.counts == 0 {
                self.whole(bytes, at, which, then);
            }
        }
    }

    /// Compares one text to its end.
    #[inline(never)]
    fn whole(&self, bytes: &[u8], at: usize, which: usize, then: &mut impl FnMut(usize, Anchor)) {
        let Some(text) = self.texts.get(which) else { return };
        let Some(head) = bytes.get(at..at + text.bytes.len()) else { return };
        let same = if text.exact { head == text.bytes } else { head.eq_ignore_ascii_case(text.bytes) };
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        if same && !(text.apart && before.is_some_and(|byte| is_word(*byte))) {
            then(at, text.anchor);
        }
    }
}

/// What a step sees near the end: zeros stand for what is not there.
#[cold]
fn padded(bytes: &[u8], at: usize) -> [u8; PLACES + 8] {
    let mut seen = [0; PLACES + 8];
    seen.iter_mut().zip(bytes.iter().skip(at)).for_each(|(to, byte)| *to = *byte);
    seen
}

/// The eight bytes at a place, upper and lower case the same.
#[inline(always)]
fn first_eight(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.first_chunk().map_or_else(|| eight(rest), |eight| u64::from_le_bytes(*eight)) | FOLD
}

/// The first bytes of eight, and zeros.
const fn cut(eight: u64, length: u32) -> u64 {
    eight & (u64::MAX >> (64 - 8 * length))
}

/// The first eight bytes, and zeros where there are fewer.
#[cold]
fn eight(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    u64::from_le_bytes(all)
}

/// The entry of the first three bytes.
const fn first_slot(eight: u64) -> usize {
    (((eight & THREE) as u32).wrapping_mul(0x9E37_79B1) >> (32 - FIRST_BITS)) as usize
}

/// The entry of the first four bytes, or of a text of three.
const fn slot(eight: u64) -> usize {
    ((eight as u32).wrapping_mul(0x9E37_79B1) >> (32 - SLOT_BITS)) as usize
}
