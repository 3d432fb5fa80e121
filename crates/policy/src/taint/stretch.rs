//! Texts that came in, kept so that a later text can be compared with them and nobody can read them back.
//!
//! Of every text the hashes of short stretches are kept, chosen by winnowing: in each run of neighbouring stretches the
//! smallest hash. So whatever stretch of at least [`Measure::shared`] characters two texts have in common, at least one
//! hash is in common too, while only about one in nine is kept. The hash is a polynomial over a prime field at a secret
//! point: without the key the numbers say nothing of the texts, and nobody can make two texts collide.
//!
//! Spaces, quotes, backslashes and the case of letters do not count, so that indenting and quoting change nothing.
//! Any other rewording does: what is encoded, translated or typed anew is not recognised.

use std::collections::{HashSet, VecDeque};

/// 2^61 − 1, the field of the polynomial.
const FIELD: u64 = (1 << 61) - 1;

/// The secret that hashes are made with. Of no use for anything else, and kept in memory only.
#[derive(Clone, Copy)]
pub(crate) struct HashKey {
    point: u64,
    mask: u64,
}

/// How long the stretches are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Characters of one stretch.
    pub gram: usize,
    /// Neighbouring stretches of which one is kept.
    pub window: usize,
    /// Most hashes that are kept.
    pub most: usize,
}

/// The hashes of texts.
pub(crate) struct Stretches {
    key: HashKey,
    measure: Measure,
    kept: HashSet<u64>,
    full: bool,
}

/// Goes over a text and calls out the chosen hashes.
struct Winnow {
    key: HashKey,
    measure: Measure,
    /// The point to the power of the stretch's length.
    power: u64,
    hash: u64,
    stretch: VecDeque<u8>,
    /// Places and hashes of the run, each larger than the ones before it.
    rising: VecDeque<(u64, u64)>,
    at: u64,
    called: Option<u64>,
}

// === impl HashKey ===

impl HashKey {
    pub const fn new(bytes: &[u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *bytes;
        let point = u64::from_le_bytes([a, b, c, d, e, f, g, h]) % (FIELD - 2) + 2;
        Self { point, mask: u64::from_le_bytes([i, j, k, l, m, n, o, p]) }
    }

    /// The hash of a whole text.
    pub fn of(self, bytes: impl Iterator<Item = u8>) -> u64 {
        let hash = bytes.fold(1, |hash, byte| self.step(hash, byte));
        self.mixed(hash)
    }

    fn step(self, hash: u64, byte: u8) -> u64 {
        // Zero bytes count too.
        add(times(hash, self.point), u64::from(byte) + 1)
    }

    /// So that which hash is smallest says nothing of the text either.
    const fn mixed(self, hash: u64) -> u64 {
        let x = (hash ^ self.mask).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^ (x >> 32)
    }
}

/// Below twice the field in, below the field out.
const fn reduced(x: u64) -> u64 {
    if x >= FIELD { x - FIELD } else { x }
}

const fn add(a: u64, b: u64) -> u64 {
    reduced(a + b)
}

const fn less(a: u64, b: u64) -> u64 {
    reduced(a + (FIELD - b))
}

fn times(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    let low = u64::try_from(wide & u128::from(FIELD)).unwrap_or(0);
    let high = u64::try_from(wide >> 61).unwrap_or(0);
    reduced(low + high)
}

// === impl Measure ===

impl Measure {
    /// From how many characters on a stretch in common is certain to be found.
    #[cfg(test)]
    pub const fn shared(self) -> usize {
        self.gram + self.window - 1
    }
}

// === impl Stretches ===

impl Stretches {
    pub fn new(key: HashKey, measure: Measure) -> Self {
        Self { key, measure, kept: HashSet::new(), full: false }
    }

    /// Keeps a text. What no longer fits is not kept, and [`Stretches::is_full`] says so from then on.
    pub fn learn(&mut self, text: &str) {
        let mut winnow = Winnow::new(self.key, self.measure);
        for byte in plain(text) {
            if let Some(hash) = winnow.next(byte) {
                if self.kept.len() >= self.measure.most && !self.kept.contains(&hash) {
                    self.full = true;
                    return;
                }
                self.kept.insert(hash);
            }
        }
    }

    /// Whether the text has a stretch in common with what was kept.
    pub fn shares(&self, text: &str) -> bool {
        if self.kept.is_empty() {
            return false;
        }
        let mut winnow = Winnow::new(self.key, self.measure);
        plain(text).any(|byte| winnow.next(byte).is_some_and(|hash| self.kept.contains(&hash)))
    }

    /// Whether there was no room for all.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.kept.len()
    }
}

/// What counts of a text.
pub(crate) fn plain(text: &str) -> impl Iterator<Item = u8> {
    text.bytes()
        .filter(|byte| !matches!(byte, 0..=b' ' | 0x7f | b'\\' | b'"' | b'\'' | b'`'))
        .map(|byte| byte.to_ascii_lowercase())
}

// === impl Winnow ===

impl Winnow {
    fn new(key: HashKey, measure: Measure) -> Self {
        let power = (0..measure.gram).fold(1, |power, _| times(power, key.point));
        Self {
            key,
            measure,
            power,
            hash: 0,
            stretch: VecDeque::with_capacity(measure.gram + 1),
            rising: VecDeque::with_capacity(measure.window + 1),
            at: 0,
            called: None,
        }
    }

    /// Takes the next byte. A hash where one is chosen, each chosen place once.
    fn next(&mut self, byte: u8) -> Option<u64> {
        self.hash = self.key.step(self.hash, byte);
        self.stretch.push_back(byte);
        if self.stretch.len() > self.measure.gram {
            let gone = self.stretch.pop_front()?;
            self.hash = less(self.hash, times(u64::from(gone) + 1, self.power));
        }
        if self.stretch.len() < self.measure.gram {
            return None;
        }
        self.at += 1;
        let hash = self.key.mixed(self.hash);
        while self.rising.back().is_some_and(|(_, other)| *other >= hash) {
            self.rising.pop_back();
        }
        self.rising.push_back((self.at, hash));
        let window = u64::try_from(self.measure.window).unwrap_or(u64::MAX);
        while self.rising.front().is_some_and(|(at, _)| at + window <= self.at) {
            self.rising.pop_front();
        }
        if self.at < window {
            return None;
        }
        let (at, smallest) = *self.rising.front()?;
        (self.called.replace(at) != Some(at)).then_some(smallest)
    }
}

#[cfg(test)]
mod tests;
