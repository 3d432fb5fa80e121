//! The prefilter: at which places of the bytes a rule could begin.
//!
//! Three bytes at a time, upper and lower case alike, are looked up in a table of 16 KiB that stays in the nearest cache, and
//! what stands there says which fourth bytes there are. An automaton over the same texts depends on its state for each
//! byte, and its tables do not fit there. Four bytes are too often the beginning of an ordinary word, so a place that passes
//! is asked for up to eight before texts are compared.

use super::shape::Shape;
use super::{is_word, mention};

/// Bits of the second filter, as a power of two.
const BITS: u32 = 17;
/// Entries of the first filter, and their number as a power of two.
const FIRST_BITS: u32 = 14;
const FIRST: usize = 1 << FIRST_BITS;
/// Words of the second filter.
const WORDS: usize = 1 << (BITS - 6);
/// Parts of the index, as a power of two.
const PARTS: u32 = 12;
/// Places that are looked at in one step.
const STEP: usize = 8;
/// Bytes that a step looks at: its last place needs three more than itself.
const SEEN: usize = 12;
/// What makes upper and lower case the same, of eight bytes.
const FOLD: u64 = 0x2020_2020_2020_2020;

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

/// All texts that rules begin with.
pub(super) struct Anchors {
    /// By the first three bytes: a bit for each remainder by eight of the fourth, and all for a text that has no more.
    first: Box<[u8; FIRST]>,
    /// By as much as counts of a text: see [`prefix`].
    second: Filter,
    /// Texts and their prefixes, in order of the prefix's hash.
    texts: Vec<(u64, Text)>,
    /// Where in `texts` each part of the hashes begins.
    index: Vec<u16>,
}

/// A set of hashes: says no, or perhaps.
struct Filter(Box<[u64; WORDS]>);

// === impl Filter ===

impl Filter {
    fn new() -> Self {
        Self(Box::new([0; WORDS]))
    }

    fn put(&mut self, bit: usize) {
        if let Some(word) = self.0.get_mut(bit >> 6) {
            *word |= 1 << (bit & 63);
        }
    }

    /// One if the hash may be there.
    #[inline]
    fn has(&self, bit: usize) -> u64 {
        self.0.get(bit >> 6).map_or(0, |word| word >> (bit & 63) & 1)
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
                let text =
                    Text { bytes: text.as_bytes(), exact: shape.exact, apart, anchor: Anchor::Shape(index) };
                texts.push(text);
            }
        }
        for (text, word) in mention::words() {
            texts.push(Text {
                bytes: text.as_bytes(),
                exact: false,
                apart: false,
                anchor: Anchor::Word(word),
            });
        }
        let (mut first, mut second) = (Box::new([0_u8; FIRST]), Filter::new());
        for text in &texts {
            let four = prefix(text.bytes.get(..4).unwrap_or(text.bytes)) as u32;
            if let Some(entry) = first.get_mut(slot(four)) {
                *entry |= if text.bytes.len() > 3 { 1 << (four >> 24 & 7) } else { u8::MAX };
            }
            second.put(slot_of_prefix(prefix(text.bytes)));
        }
        let mut texts: Vec<(u64, Text)> = texts.into_iter().map(|text| (prefix(text.bytes), text)).collect();
        texts.sort_by_key(|(prefix, _)| (slot_of_prefix(*prefix), *prefix));
        let begins =
            |part| texts.partition_point(|(prefix, _)| slot_of_prefix(*prefix) >> (BITS - PARTS) < part);
        let index = (0..=1 << PARTS).map(|part| u16::try_from(begins(part)).unwrap_or(u16::MAX)).collect();
        Self { first, second, texts, index }
    }

    /// Calls `then` for each text that begins in `from..until`, in order of place.
    pub(super) fn each(&self, bytes: &[u8], from: usize, until: usize, mut then: impl FnMut(usize, Anchor)) {
        let until = until.min(bytes.len());
        let Some(part) = bytes.get(from.min(until)..) else { return };
        for at in (from..until).step_by(STEP) {
            let rest = part.get(at - from..).unwrap_or_default();
            let mut hits = match rest.first_chunk::<SEEN>() {
                Some(seen) => self.step(seen),
                // Behind the end stand zeros, which no text has.
                None => self.step(&padded(rest)),
            };
            while hits != 0 {
                let place = at + hits.trailing_zeros() as usize;
                hits &= hits - 1;
                if place < until {
                    self.perhaps(bytes, place, &mut then);
                }
            }
        }
    }

    /// Of the places in one step, those that pass the first filter: a bit each.
    #[inline(always)]
    fn step(&self, seen: &[u8; SEEN]) -> u64 {
        let (Some(low), Some(high)) = (seen.first_chunk(), seen.last_chunk()) else { return 0 };
        let (low, high) = (u64::from_le_bytes(*low) | FOLD, u64::from_le_bytes(*high) | FOLD);
        let hit = |from: u64, by: u32| {
            let four = (from >> by) as u32;
            self.first.get(slot(four)).map_or(0, |entry| u64::from(entry >> (four >> 24 & 7) & 1))
        };
        hit(low, 0)
            | hit(low, 8) << 1
            | hit(low, 16) << 2
            | hit(low, 24) << 3
            | hit(high, 0) << 4
            | hit(high, 8) << 5
            | hit(high, 16) << 6
            | hit(high, 24) << 7
    }

    /// Asks the second filter about a place, for texts of each length.
    #[inline]
    fn perhaps(&self, bytes: &[u8], at: usize, then: &mut impl FnMut(usize, Anchor)) {
        let Some(rest) = bytes.get(at..) else { return };
        let eight = u64::from_le_bytes(rest.first_chunk().copied().unwrap_or_else(|| padded(rest)));
        for length in 3..=8 {
            let prefix = cut(eight, length);
            if self.second.has(slot_of_prefix(prefix)) == 1 {
                self.whole(bytes, at, prefix, then);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn whole(&self, bytes: &[u8], at: usize, prefix: u64, then: &mut impl FnMut(usize, Anchor)) {
        let part = slot_of_prefix(prefix) >> (BITS - PARTS);
        let (Some(first), Some(end)) = (self.index.get(part), self.index.get(part + 1)) else { return };
        let Some(texts) = self.texts.get(usize::from(*first)..usize::from(*end)) else { return };
        let Some(rest) = bytes.get(at..) else { return };
        let in_name =
            at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|byte| is_word(*byte));
        for (_, text) in texts.iter().filter(|(own, _)| *own == prefix) {
            let Some(head) = rest.get(..text.bytes.len()) else { continue };
            let same = if text.exact { head == text.bytes } else { head.eq_ignore_ascii_case(text.bytes) };
            if same && !(text.apart && in_name) {
                then(at, text.anchor);
            }
        }
    }
}

/// As much of the bytes as there is room for, and zeros.
fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    all.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    all
}

/// The first bytes of a text, eight at most, with upper and lower case the same.
fn prefix(text: &[u8]) -> u64 {
    cut(u64::from_le_bytes(padded(text)), text.len().min(8) as u32)
}

/// So many of eight bytes, with upper and lower case the same, and zeros.
const fn cut(eight: u64, length: u32) -> u64 {
    (eight | FOLD) & (u64::MAX >> (64 - 8 * length))
}

/// The entry of the first three of four bytes.
const fn slot(four: u32) -> usize {
    ((four << 8).wrapping_mul(0x9E37_79B1) >> (32 - FIRST_BITS)) as usize
}

/// The bit of a prefix in the second filter.
const fn slot_of_prefix(prefix: u64) -> usize {
    (prefix.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS)) as usize
}
