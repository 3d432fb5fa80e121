//! The first look at bytes: of 64 places at once, at which an anchor could begin.
//!
//! A text is known by the halves of its first bytes, upper and lower case alike, in eight groups of texts at once: two lookups
//! in a vector register for each byte. Most texts count only where a word begins, which the bytes before say; they have groups
//! of their own. Those that count anywhere have twice as many, and one byte more, because they are asked about everywhere.
//! What passes is asked for exactly by the caller.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, mask8x64, u8x64};

/// Places that are looked at together.
pub(super) const PLACES: usize = 64;
/// Places of one strip: what is found of them stays in the nearest cache.
pub(super) const STRIP: usize = PLACES * STEPS;
/// Steps of one strip.
pub(super) const STEPS: usize = 16;
/// Bytes before a place that say whether a word begins there.
const BEFORE: usize = 2;
/// First bytes of a text that are looked at: of one that counts anywhere, and of one that begins a word.
const ANYWHERE: usize = 4;
const BEGINNING: usize = 3;
/// Bytes that one step looks at.
const SEEN: usize = BEFORE + PLACES + ANYWHERE - 1;
/// Groups whose bits one byte holds.
const GROUPS: usize = 8;

/// Says of places no, or perhaps.
pub(super) struct Sieve {
    level: Level,
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
}

/// Groups by one half of a byte, four times over, as wide as a vector.
type Half = [u8; PLACES];

// === impl Sieve ===

impl Sieve {
    /// For texts that count anywhere, and texts that count where a word begins.
    pub(super) fn new(anywhere: &[&[u8]], beginning: &[&[u8]]) -> Self {
        Self { level: Level::new(), anywhere: divided(anywhere), beginning: divided(beginning) }
    }

    /// Marks of a strip's places from `from` on, as far as there are bytes: a bit each, the lowest the first.
    pub(super) fn strip(&self, bytes: &[u8], from: usize, marks: &mut [u64; STEPS]) {
        dispatch!(self.level, simd => self.strip_with(simd, bytes, from, marks));
    }

    #[inline(always)]
    fn strip_with<S: Simd>(&self, simd: S, bytes: &[u8], from: usize, marks: &mut [u64; STEPS]) {
        let anywhere = self.anywhere.each_ref().map(|groups| groups.load(simd));
        let beginning = self.beginning.each_ref().map(|groups| groups.load(simd));
        for (step, marks) in marks.iter_mut().enumerate() {
            let at = from + step * PLACES;
            let seen = at.checked_sub(BEFORE).and_then(|at| bytes.get(at..)?.first_chunk::<SEEN>());
            *marks = match seen {
                Some(seen) => marked(simd, &anywhere, &beginning, seen),
                None if at >= bytes.len() => 0,
                None => marked(simd, &anywhere, &beginning, &edge(bytes, at)),
            };
        }
    }
}

/// What a step sees where bytes begin or end: zeros stand for what is not there.
#[cold]
fn edge(bytes: &[u8], at: usize) -> [u8; SEEN] {
    let mut seen = [0; SEEN];
    for (index, to) in seen.iter_mut().enumerate() {
        let byte = (at + index).checked_sub(BEFORE).and_then(|at| bytes.get(at));
        *to = byte.copied().unwrap_or(0);
    }
    seen
}

/// Groups in vector registers: low and high halves of each byte.
type Loaded<S, const N: usize> = [(u8x64<S>, u8x64<S>); N];

#[inline(always)]
fn marked<S: Simd>(
    simd: S,
    anywhere: &[Loaded<S, ANYWHERE>; 2],
    beginning: &[Loaded<S, BEGINNING>; 1],
    seen: &[u8; SEEN],
) -> u64 {
    let load = |at: usize| {
        let bytes = seen.get(at..).and_then(|rest| rest.first_chunk::<PLACES>());
        bytes.map_or(u8x64::splat(simd, 0), |bytes| u8x64::load_array_ref(simd, bytes))
    };
    let (escape, before, first) = (load(0), load(1), load(BEFORE));
    let letter = ((before | 0x20) - b'a').simd_lt(26);
    let is_small = (before - b'a').simd_lt(26);
    let capital = (first - b'A').simd_lt(26);
    // A capital after a small letter begins a word, and so does what follows an escape such as `\n`.
    let begins = !letter | (is_small & capital) | escape.simd_eq(b'\\');
    let halves: [_; ANYWHERE] = std::array::from_fn(|index| {
        let byte = load(BEFORE + index);
        (byte & 0x0F, byte >> 4)
    });
    let passed = pass(simd, anywhere, &halves);
    (passed | (begins & pass(simd, beginning, &halves))).to_bitmask()
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
            all = all & lows.swizzle_dyn_within_blocks(*low) & highs.swizzle_dyn_within_blocks(*high);
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
    let mut all = [Groups([Halves { low: [0; PLACES], high: [0; PLACES] }; N]); M];
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
                halves.low.iter_mut().chain(&mut halves.high).for_each(|bits| *bits |= bit);
                continue;
            };
            for byte in [byte | 0x20, byte & !0x20] {
                mark(&mut halves.low, byte & 0x0F, bit);
                mark(&mut halves.high, byte >> 4, bit);
            }
        }
    }

    /// How much of a text a group lets pass, in no unit.
    fn weight(&self, group: usize) -> u64 {
        let has = |bits: &u8| bits >> group & 1 == 1;
        let of = |halves: &Halves| {
            let passes = |byte: &u8| {
                let (low, high) = (usize::from(byte & 0x0F), usize::from(byte >> 4));
                halves.low.get(low).is_some_and(has) && halves.high.get(high).is_some_and(has)
            };
            (0..=u8::MAX).filter(passes).map(frequency).sum::<u64>()
        };
        self.0.iter().map(of).product()
    }

    #[inline(always)]
    fn load<S: Simd>(&self, simd: S) -> Loaded<S, N> {
        let half = |half: &Half| u8x64::load_array_ref(simd, half);
        self.0.each_ref().map(|halves| (half(&halves.low), half(&halves.high)))
    }
}

/// Adds a group to a half of a byte.
fn mark(half: &mut Half, value: u8, bit: u8) {
    half.iter_mut().skip(usize::from(value)).step_by(16).for_each(|bits| *bits |= bit);
}

/// How often a byte comes in sources, roughly, beside others: by the order of letters in English.
fn frequency(byte: u8) -> u64 {
    const LETTERS: &[u8; 26] = b"qjzxkvbywgpfmucdlhrsnioate";
    match byte {
        b' ' => 30,
        b'\n' => 6,
        b'!'..=b'~' => {
            let place = LETTERS.iter().position(|letter| *letter == byte);
            place.map_or(3, |place| 9 + place as u64 / 2)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            bytes in proptest::collection::vec(prop_oneof![Just(b'k'), Just(b'E'), Just(b'y'), Just(b'\\'), Just(b'_'), any::<u8>()], 0..400),
            from in 0_usize..90,
        ) {
            let anywhere: [&[u8]; 4] = [b"key", b"://", b"_key", b"yekye"];
            let beginning: [&[u8]; 3] = [b"eky", b"yykey", b"0ke"];
            for level in [Level::new(), Level::baseline()] {
                let sieve = Sieve { level, ..Sieve::new(&anywhere, &beginning) };
                let mut marks = [0; STEPS];
                sieve.strip(&bytes, from, &mut marks);
                for at in from..bytes.len().min(from + STRIP) {
                    let mark = marks[(at - from) / PLACES] >> ((at - from) % PLACES) & 1 == 1;
                    prop_assert!(mark || !expected(&anywhere, &beginning, &bytes, at), "{at}");
                }
            }
        }
    }

    #[test]
    fn most_of_a_text_is_held_back() {
        let sieve = Sieve::new(&[b"key"], &[b"ghost"]);
        let text = "for (index, byte) in line.iter().enumerate() { ghost the monkey } // Ghosts".repeat(9);
        let mut marks = [0; STEPS];
        sieve.strip(text.as_bytes(), 0, &mut marks);
        let passed: u32 = marks.iter().map(|marks| marks.count_ones()).sum();
        assert_eq!(passed, 27);
    }
}
