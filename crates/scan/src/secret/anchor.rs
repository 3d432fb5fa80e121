//! The prefilter: at which places of the bytes a rule could begin.
//!
//! Four bytes at a time, upper and lower case alike, are looked up in a table of 16 KiB that stays in the nearest cache.
//! An automaton over the same texts depends on its state for each byte, and its tables do not fit there.

use super::shape::Shape;
use super::{is_word, mention};

/// Bits of the filter, as a power of two.
const BITS: u32 = 17;

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
    filter: Vec<u64>,
    /// The first four bytes, folded, and a text that begins with them: sorted by the first.
    texts: Vec<(u32, Text)>,
    /// For each hash, where in `texts` it may begin: an index over the upper bits of the hash.
    index: Vec<u16>,
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
        let mut filter = vec![0_u64; 1 << (BITS - 6)];
        let mut sorted: Vec<(u32, Text)> = Vec::with_capacity(texts.len());
        for text in texts {
            for key in keys(text.bytes) {
                let bit = slot(key);
                if let Some(word) = filter.get_mut(bit >> 6) {
                    *word |= 1 << (bit & 63);
                }
                sorted.push((key, Text { ..text }));
            }
        }
        sorted.sort_by_key(|(key, _)| (slot(*key), *key));
        let mut index = vec![0_u16; (1 << 10) + 1];
        for (part, start) in index.iter_mut().enumerate() {
            let first = sorted.partition_point(|(key, _)| slot(*key) >> (BITS - 10) < part);
            *start = u16::try_from(first).unwrap_or(u16::MAX);
        }
        Self { filter, texts: sorted, index }
    }

    /// Calls `then` for each text that begins in `from..until`, in order of place.
    pub(super) fn each(&self, bytes: &[u8], from: usize, until: usize, mut then: impl FnMut(usize, Anchor)) {
        let until = until.min(bytes.len());
        let Some(part) = bytes.get(from.min(until)..until.saturating_add(3).min(bytes.len())) else { return };
        for (offset, window) in part.array_windows::<4>().enumerate() {
            let key = fold(*window);
            let bit = slot(key);
            if self.filter.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 == 1) {
                self.whole(bytes, from + offset, key, bit, &mut then);
            }
        }
        // The last three bytes have no window of their own; no rule is that short.
    }

    #[cold]
    #[inline(never)]
    fn whole(&self, bytes: &[u8], at: usize, key: u32, bit: usize, then: &mut impl FnMut(usize, Anchor)) {
        let part = bit >> (BITS - 10);
        let (Some(first), Some(end)) = (self.index.get(part), self.index.get(part + 1)) else { return };
        let Some(texts) = self.texts.get(usize::from(*first)..usize::from(*end)) else { return };
        let Some(rest) = bytes.get(at..) else { return };
        let in_name =
            at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|byte| is_word(*byte));
        for (_, text) in texts.iter().filter(|(own, _)| *own == key) {
            let Some(head) = rest.get(..text.bytes.len()) else { continue };
            let same = if text.exact { head == text.bytes } else { head.eq_ignore_ascii_case(text.bytes) };
            if same && !(text.apart && in_name) {
                then(at, text.anchor);
            }
        }
    }
}

/// Four bytes in which upper and lower case are the same.
const fn fold(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes) | 0x2020_2020
}

const fn slot(key: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

/// The keys under which a text is found: one, or for a text of three bytes each that a fourth makes.
fn keys(text: &[u8]) -> Vec<u32> {
    match *text {
        [a, b, c, d, ..] => vec![fold([a, b, c, d])],
        [a, b, c] => {
            let mut all: Vec<u32> = (0..=u8::MAX).map(|d| fold([a, b, c, d])).collect();
            all.sort_unstable();
            all.dedup();
            all
        }
        _ => Vec::new(),
    }
}
