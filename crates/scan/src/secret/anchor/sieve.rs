//! The first look at bytes: of 64 places at once, at which an anchor could begin.
//!
//! A text is known by the halves of its first bytes, upper and lower case alike, in eight groups of texts at once: two lookups
//! in a vector register for each byte, or one of the whole byte, where the machine has that. Most texts count only where a word begins, which the bytes before say; they have groups
//! of their own. Those that count anywhere have twice as many, and one byte more, because they are asked about everywhere.
//! What passes is asked for exactly by the caller.

use fearless_simd::prelude::*;
use fearless_simd::{Level, mask8x64, u8x64};

/// Places that are looked at together.
const VECTOR: usize = 64;
/// Places of a part of a strip, each of which one byte says.
const PART: usize = 256;
/// Places of one strip: each begins and ends with guesses of the processor that are wrong.
pub(super) const STRIP: usize = 4 * PART;
/// Bytes before a strip that say whether a word begins there.
pub(super) const BEFORE: usize = 2;
/// Bytes after a strip that belong to what begins in it.
pub(super) const AFTER: usize = 8;
/// First bytes of a text that are looked at: of one that counts anywhere, and of one that begins a word.
const ANYWHERE: usize = 4;
const BEGINNING: usize = 3;

/// A strip, with what stands around it.
pub(super) type Window = [u8; BEFORE + STRIP + AFTER];
/// Places of a part, the first so many; they are written as many at a time as are looked at together.
type Places = [u8; PART + VECTOR];

/// Groups whose bits one byte holds.
const GROUPS: usize = 8;

/// Says of places no, or perhaps.
pub(super) struct Sieve {
    /// Instructions of this machine.
    pub(super) level: Level,
    anywhere: [Groups<ANYWHERE>; 2],
    /// Of texts that count only where a word begins.
    beginning: [Groups<BEGINNING>; 1],
}

/// For each of the first bytes and each half of it: the groups that have a text with it.
#[derive(Clone, Copy)]
struct Groups<const N: usize>([Halves; N]);

#[derive(Clone, Copy)]
struct Halves {
    low: Half,
    high: Half,
    /// By the lower seven bits of the byte.
    whole: [Half; 2],
}

/// Groups by one half of a byte, four times over, as wide as a vector.
type Half = [u8; VECTOR];

// === impl Sieve ===

impl Sieve {
    /// For texts that count anywhere, and texts that count where a word begins.
    pub(super) fn new(anywhere: &[&[u8]], beginning: &[&[u8]]) -> Self {
        Self { level: Level::new(), anywhere: divided(anywhere), beginning: divided(beginning) }
    }

    /// Calls `then` with places that pass of the first so many of a strip, in order: as many as one byte can say at a time, and
    /// how far from the strip's beginning these count.
    #[inline(always)]
    pub(super) fn strip<S: Simd>(
        &self,
        simd: S,
        window: &Window,
        length: usize,
        mut then: impl FnMut(usize, &[u8]),
    ) {
        let anywhere = self.anywhere.each_ref().map(|groups| groups.load(simd));
        let beginning = self.beginning.each_ref().map(|groups| groups.load(simd));
        let all = u8x64::from_fn(simd, |place| place as u8);
        let mut places: Places = [0; _];
        for part in (0..length.min(STRIP)).step_by(PART) {
            let mut count = 0;
            for step in 0..PART / VECTOR {
                let load = |at: usize| {
                    let bytes = window.get(part + step * VECTOR + at..).and_then(|rest| rest.first_chunk());
                    bytes.map_or(u8x64::splat(simd, 0), |bytes| u8x64::load_array_ref(simd, bytes))
                };
                let passed = passed(simd, &anywhere, &beginning, load);
                // All that one vector holds is written, whatever passed: the next begins where these end.
                if let Some(next) = places.get_mut(count..count + VECTOR) {
                    (all + (step * VECTOR) as u8).compress(passed).store_slice(next);
                }
                count += passed.to_bitmask().count_ones() as usize;
            }
            then(part, places.get(..count).unwrap_or_default());
        }
    }
}

/// Groups in vector registers: by low and high halves of each byte, or by the lower seven bits.
type Loaded<S, const N: usize> = [(u8x64<S>, u8x64<S>); N];

/// Whether one instruction looks up seven bits.
#[inline(always)]
fn has_whole<S: Simd>(simd: S) -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return simd.level().as_avx512().is_some();
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    return false;
}

#[inline(always)]
fn passed<S: Simd>(
    simd: S,
    anywhere: &[Loaded<S, ANYWHERE>; 2],
    beginning: &[Loaded<S, BEGINNING>; 1],
    load: impl Fn(usize) -> u8x64<S>,
) -> mask8x64<S> {
    let (escape, before, first) = (load(0), load(1), load(BEFORE));
    let letter = ((before | 0x20) - b'a').simd_lt(26);
    let is_small = (before - b'a').simd_lt(26);
    let capital = (first - b'A').simd_lt(26);
    // A capital after a small letter begins a word, and so does what follows an escape such as `\n`.
    let begins = !letter | (is_small & capital) | escape.simd_eq(b'\\');
    let halves: [_; ANYWHERE] = std::array::from_fn(|index| {
        let byte = load(BEFORE + index);
        if has_whole(simd) { (byte, byte) } else { (byte & 0x0F, byte >> 4) }
    });
    pass(simd, anywhere, &halves) | (begins & pass(simd, beginning, &halves))
}

/// Where all the first bytes of a text of one group are.
#[inline(always)]
fn pass<S: Simd, const N: usize, const M: usize>(
    simd: S,
    groups: &[Loaded<S, N>; M],
    halves: &[(u8x64<S>, u8x64<S>)],
) -> mask8x64<S> {
    let none = u8x64::splat(simd, 0);
    let mut any = none;
    for groups in groups {
        let mut all = u8x64::splat(simd, u8::MAX);
        for ((lows, highs), (low, high)) in groups.iter().zip(halves) {
            all &= if has_whole(simd) {
                lows.concat_swizzle_dyn(*highs, *low)
            } else {
                lows.swizzle_dyn_within_blocks(*low) & highs.swizzle_dyn_within_blocks(*high)
            };
        }
        any |= all;
    }
    !any.simd_eq(none)
}

// === impl Groups ===

/// Divides texts into groups: those that begin alike stay together, and go where they let the fewest other bytes pass.
fn divided<const N: usize, const M: usize>(texts: &[&[u8]]) -> [Groups<N>; M] {
    let like = |text: &[u8]| (text.first().map(|first| first | 0x20), text.len().min(N));
    let mut kinds: Vec<_> = texts.iter().map(|text| like(text)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let of = |kind| texts.iter().filter(move |text| like(text) == kind);
    // The largest first: the small ones find their place beside them.
    kinds.sort_by_key(|kind| std::cmp::Reverse(of(*kind).count()));
    let mut all = [Groups([Halves { low: [0; VECTOR], high: [0; VECTOR], whole: [[0; VECTOR]; 2] }; N]); M];
    for kind in kinds {
        let cost = |place: &usize| {
            let Some(groups) = all.get(place / GROUPS) else { return u64::MAX };
            let mut tried = *groups;
            of(kind).for_each(|text| tried.put(place % GROUPS, text));
            tried.weight(place % GROUPS).saturating_sub(groups.weight(place % GROUPS))
        };
        let Some(place) = (0..GROUPS * M).min_by_key(cost) else { continue };
        if let Some(groups) = all.get_mut(place / GROUPS) {
            of(kind).for_each(|text| groups.put(place % GROUPS, text));
        }
    }
    all
}

impl<const N: usize> Groups<N> {
    /// Adds a text to a group, whatever the case of its letters. What comes after a short one may be anything.
    fn put(&mut self, group: usize, text: &[u8]) {
        let bit = 1 << group;
        for (index, halves) in self.0.iter_mut().enumerate() {
            let Some(byte) = text.get(index) else {
                let all =
                    halves.low.iter_mut().chain(&mut halves.high).chain(halves.whole.as_flattened_mut());
                all.for_each(|bits| *bits |= bit);
                continue;
            };
            for byte in [byte | 0x20, byte & !0x20] {
                mark(&mut halves.low, byte & 0x0F, bit);
                mark(&mut halves.high, byte >> 4, bit);
                if let Some(bits) = halves.whole.as_flattened_mut().get_mut(usize::from(byte & 0x7F)) {
                    *bits |= bit;
                }
            }
        }
    }

    /// How much of a text a group lets pass, in no unit.
    fn weight(&self, group: usize) -> u64 {
        let has =
            |half: &Half, value: u8| half.get(usize::from(value)).is_some_and(|bits| bits >> group & 1 == 1);
        let of = |halves: &Halves| {
            let highs = (0..8_u8).filter(|high| has(&halves.high, *high));
            let weigh = |high| {
                FREQUENCIES.get(usize::from(high)).map(|row| row.iter().zip(0..)).into_iter().flatten()
            };
            highs
                .flat_map(weigh)
                .filter(|(_, low)| has(&halves.low, *low))
                .map(|(weight, _)| weight)
                .sum::<u64>()
        };
        self.0.iter().map(of).product()
    }

    #[inline(always)]
    fn load<S: Simd>(&self, simd: S) -> Loaded<S, N> {
        let half = |half: &Half| u8x64::load_array_ref(simd, half);
        self.0.each_ref().map(|halves| match &halves.whole {
            [first, last] if has_whole(simd) => (half(first), half(last)),
            _ => (half(&halves.low), half(&halves.high)),
        })
    }
}

/// Adds a group to a half of a byte.
fn mark(half: &mut Half, value: u8, bit: u8) {
    half.iter_mut().skip(usize::from(value)).step_by(16).for_each(|bits| *bits |= bit);
}

/// How often a byte of ASCII comes in sources, roughly, beside others, by its halves.
static FREQUENCIES: [[u64; 16]; 8] = frequencies();

/// By the order of letters in English.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated when the program is built: a wrong index does not compile"
)]
const fn frequencies() -> [[u64; 16]; 8] {
    const LETTERS: &[u8; 26] = b"qjzxkvbywgpfmucdlhrsnioate";
    let mut all = [[0; 16]; 8];
    let mut byte = b'!';
    while byte <= b'~' {
        all[(byte >> 4) as usize][(byte & 0x0F) as usize] = 3;
        byte += 1;
    }
    let mut place = 0;
    while place < LETTERS.len() {
        let letter = LETTERS[place];
        all[(letter >> 4) as usize][(letter & 0x0F) as usize] = 9 + place as u64 / 2;
        place += 1;
    }
    all[(b' ' >> 4) as usize][(b' ' & 0x0F) as usize] = 30;
    all[(b'\n' >> 4) as usize][(b'\n' & 0x0F) as usize] = 6;
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The places that pass.
    fn places(sieve: &Sieve, window: &Window) -> Vec<usize> {
        let mut all = Vec::new();
        fearless_simd::dispatch!(sieve.level, simd => sieve.strip(simd, window, STRIP, |from, places| {
            all.extend(places.iter().map(|place| from + usize::from(*place)));
        }));
        all
    }

    /// The strip from a place on.
    fn window(bytes: &[u8], from: usize) -> Window {
        std::array::from_fn(|at| {
            (from + at).checked_sub(BEFORE).and_then(|at| bytes.get(at)).copied().unwrap_or(0)
        })
    }

    /// What the sieve says, byte by byte.
    fn expected(anywhere: &[&[u8]], beginning: &[&[u8]], bytes: &[u8], at: usize) -> bool {
        let byte = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied().unwrap_or(0);
        let same = |text: &&[u8]| (0..text.len()).all(|i| byte(Some(at + i)) | 0x20 == text[i] | 0x20);
        let before = byte(at.checked_sub(1));
        let begins = !before.is_ascii_alphabetic()
            || before.is_ascii_lowercase() && byte(Some(at)).is_ascii_uppercase()
            || byte(at.checked_sub(2)) == b'\\';
        anywhere.iter().any(same) || begins && beginning.iter().any(same)
    }

    proptest! {
        /// Nothing that has to pass is held back, at any place and on any machine's instructions.
        #[test]
        fn nothing_is_lost(
            bytes in proptest::collection::vec(prop_oneof![Just(b'k'), Just(b'E'), Just(b'y'), Just(b'\\'), Just(b'_'), any::<u8>()], 0..1400),
            from in 0_usize..90,
        ) {
            let anywhere: [&[u8]; 4] = [b"key", b"://", b"_key", b"yekye"];
            let beginning: [&[u8]; 3] = [b"eky", b"yykey", b"0ke"];
            let window = window(&bytes, from);
            for level in [Level::new(), Level::baseline()] {
                let sieve = Sieve { level, ..Sieve::new(&anywhere, &beginning) };
                let passed = places(&sieve, &window);
                for at in from..bytes.len().min(from + STRIP) {
                    let passed = passed.contains(&(at - from));
                    prop_assert!(passed || !expected(&anywhere, &beginning, &bytes, at), "{at}");
                }
            }
        }
    }

    #[test]
    fn most_of_a_text_is_held_back() {
        let sieve = Sieve::new(&[b"key"], &[b"ghost"]);
        let text = "for (index, byte) in line.iter().enumerate() { ghost the monkey } // Ghosts".repeat(9);
        let passed: usize = (0..text.len())
            .step_by(STRIP)
            .map(|from| places(&sieve, &window(text.as_bytes(), from)).len())
            .sum();
        assert_eq!(passed, 27);
    }
}
