//! The prefilter: at which places of the bytes a rule could begin.
//!
//! A sieve looks at 64 places at once and leaves about one in eight. Of these, three bytes, upper and lower case alike, are
//! looked up in a table of 32 KiB that stays in the nearest cache, and what stands there says which fourth bytes there are. What
//! passes is asked for its next four bytes, and only then are texts compared. An automaton over the same texts depends on its
//! state for each byte, and its tables do not fit there.

use fearless_simd::dispatch;
use fearless_simd::prelude::*;

use super::shape::Shape;
use super::{is_word, mention};

mod sieve;

use sieve::{AFTER, BEFORE, Places, STRIP, Sieve, Window};

/// Entries of the table of first bytes, as a power of two, and their number.
const FIRST_BITS: u32 = 13;
const FIRST_SLOTS: usize = 1 << FIRST_BITS;
/// Any fourth byte: three make a text.
const ANY: u32 = u32::MAX;
/// Parts into which texts are put by their first four bytes, as a power of two, and their number.
const SLOT_BITS: u32 = 12;
const SLOTS: usize = 1 << SLOT_BITS;
/// Bytes that a text is looked up by.
const PREFIX: usize = 8;
/// The bit by which upper and lower case differ.
const CASE: u8 = 0x20;
/// What makes upper and lower case the same, of eight bytes.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// Bits before the fifth byte of eight, and before the seventh.
const MIDDLE: u32 = 32;
const LAST: u32 = 48;
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
    /// What can follow the first four bytes.
    rest: Box<[Rest; SLOTS]>,
    /// In order of their slots.
    texts: Vec<Text>,
    /// What each of them begins with.
    prefixes: Vec<Prefix>,
    /// Where in `texts` those of each slot begin, and where the last ones end.
    index: Vec<u16>,
}

/// Of the fifth and the sixth byte, and of the seventh and the eighth: a bit for each remainder by eight of both, and all for
/// a text that has no more.
#[derive(Clone, Copy, Default)]
struct Rest {
    middle: u64,
    last: u64,
}

// === impl Rest ===

impl Rest {
    /// Adds what can follow the first four bytes of a text.
    fn add(&mut self, prefix: Prefix) {
        let matching = |shift| {
            let (own, known) = (two(prefix.folded(), shift), two(prefix.bytes(), shift));
            (0..u64::BITS).filter(|bits| bits & known == own).fold(0_u64, |all, bits| all | 1 << bits)
        };
        self.middle |= matching(MIDDLE);
        self.last |= matching(LAST);
    }

    #[inline(always)]
    const fn has(self, eight: u64) -> bool {
        self.middle >> two(eight, MIDDLE) & self.last >> two(eight, LAST) & 1 == 1
    }
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

    /// Where texts with it are put.
    const fn slot(self) -> usize {
        slot(self.folded())
    }

    #[inline(always)]
    const fn is(self, seen: u64) -> bool {
        (seen ^ self.own) & self.counts == 0
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
        texts.sort_by_cached_key(|text| text.prefix().slot());
        let prefixes: Vec<_> = texts.iter().map(Text::prefix).collect();
        let (mut fourth, mut rest) = (Box::new([0; FIRST_SLOTS]), Box::new([Rest::default(); SLOTS]));
        for prefix in &prefixes {
            let eight = prefix.folded();
            if let Some(entry) = fourth.get_mut(first_slot(eight)) {
                *entry |= if prefix.bytes() > THREE { 1 << (eight >> 24 & 31) } else { ANY };
            }
            if let Some(rest) = rest.get_mut(slot(eight)) {
                rest.add(*prefix);
            }
        }
        let mut begins = 0_u16;
        let index = (0..=SLOTS).map(|slot| {
            while prefixes.get(usize::from(begins)).is_some_and(|prefix| prefix.slot() < slot) {
                begins = begins.saturating_add(1);
            }
            begins
        });
        let index = index.collect();
        let (beginning, anywhere): (Vec<_>, Vec<_>) = texts.iter().partition(|text| text.needs_beginning());
        let bytes = |texts: Vec<&Text>| texts.into_iter().map(|text| text.bytes).collect::<Vec<_>>();
        let sieve = Sieve::new(&bytes(anywhere), &bytes(beginning));
        Self { sieve, fourth, rest, texts, prefixes, index }
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
            let count = dispatch!(self.sieve.level, simd => self.likely(simd, window, &mut places));
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
    fn likely<S: Simd>(&self, simd: S, window: &Window, places: &mut Places) -> usize {
        let count = self.sieve.strip(simd, window, places);
        let count = kept(places, count, |place| {
            let eight = first_eight(window, place);
            self.fourth(eight) >> (eight >> 24 & 31) & 1 == 1
        });
        kept(places, count, |place| {
            let eight = first_eight(window, place);
            let rest = self.rest.get(slot(eight)).copied().unwrap_or_default();
            rest.has(eight) | (self.fourth(eight) == ANY)
        })
    }

    /// Which fourth bytes there are after the first three.
    #[inline(always)]
    fn fourth(&self, eight: u64) -> u32 {
        self.fourth.get(first_slot(eight)).copied().unwrap_or(0)
    }

    /// Compares the texts that may stand at a place.
    fn compare(&self, bytes: &[u8], at: usize, seen: u64, then: &mut impl FnMut(usize, Anchor)) {
        let (long, short) = (slot(seen | FOLD), slot((seen | FOLD) & THREE));
        self.compare_slot(bytes, at, seen, long, then);
        if short != long && self.fourth(seen | FOLD) == ANY {
            self.compare_slot(bytes, at, seen, short, then);
        }
    }

    #[inline(always)]
    fn compare_slot(
        &self,
        bytes: &[u8],
        at: usize,
        seen: u64,
        slot: usize,
        then: &mut impl FnMut(usize, Anchor),
    ) {
        let (Some(first), Some(end)) = (self.index.get(slot), self.index.get(slot + 1)) else { return };
        let range = usize::from(*first)..usize::from(*end);
        let Some(prefixes) = self.prefixes.get(range.clone()) else { return };
        for (prefix, which) in prefixes.iter().zip(range) {
            if prefix.is(seen) {
                self.whole(bytes, at, which, then);
            }
        }
    }

    /// Compares one text to its end, of which the first eight bytes are there.
    #[inline(never)]
    fn whole(&self, bytes: &[u8], at: usize, which: usize, then: &mut impl FnMut(usize, Anchor)) {
        let Some(text) = self.texts.get(which) else { return };
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

/// Of the first so many places, keeps those that a question is answered yes for.
#[inline(always)]
fn kept(places: &mut Places, count: usize, may: impl Fn(u8) -> bool) -> usize {
    let mut kept: usize = 0;
    for next in 0..count.min(STRIP) {
        let Some(place) = places.get(next).copied() else { break };
        // There are no more of these than places in a strip, so the remainder only says so to the compiler.
        if let Some(next) = places.get_mut(kept % STRIP) {
            *next = place;
        }
        kept = kept.wrapping_add(usize::from(may(place)));
    }
    kept
}

/// A strip at the beginning or the end: zeros stand for what is not there.
#[cold]
fn padded(bytes: &[u8], strip: usize) -> Window {
    let mut window = [0; _];
    let missing = BEFORE.saturating_sub(strip);
    let there = bytes.get(strip.saturating_sub(BEFORE)..).unwrap_or_default();
    let to = window.get_mut(missing..).unwrap_or_default();
    to.iter_mut().zip(there).for_each(|(to, byte)| *to = *byte);
    window
}

/// The eight bytes at a place of a strip, upper and lower case the same.
#[inline(always)]
fn first_eight(window: &Window, place: u8) -> u64 {
    eight_at(window, place) | FOLD
}

/// The eight bytes at a place of a strip.
#[inline(always)]
fn eight_at(window: &Window, place: u8) -> u64 {
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

/// The entry of the first four bytes, or of a text of three.
const fn slot(eight: u64) -> usize {
    ((eight as u32).wrapping_mul(0x9E37_79B1) >> (32 - SLOT_BITS)) as usize
}

/// The remainders by eight of two bytes.
const fn two(eight: u64, shift: u32) -> u32 {
    (eight >> shift & 7 | (eight >> (shift + 8) & 7) << 3) as u32
}
