//! A stored row taken apart, and the comparison of its entries with their true leaf hashes.

use std::collections::BTreeMap;

use super::StoredRow;
use super::fault::Fault;
use crate::entry::BundleEntries;
use crate::tree::Hash;

/// Indexes from here on are no log's; a row that claims one is out of reach of any arithmetic.
pub(super) const INDEX_LIMIT: u64 = 1 << 62;
/// What a row is believed to count at most.
const COUNT_LIMIT: u64 = 1 << 32;

/// A row with its parts parsed as far as they can be.
#[derive(Clone)]
pub(super) struct ReadRow {
    pub first: u64,
    /// The stored leaf hashes; `None` if their bytes are no whole number of hashes, or not as many as counted.
    pub leaves: Option<Vec<Hash>>,
    /// The hashes of the entries that are there.
    pub entries: Vec<Hash>,
    /// Whether the bundle could be read to its end.
    pub whole: bool,
    pub root: Option<Hash>,
    pub signature: Option<[u8; 64]>,
    /// Entries the row says it has.
    pub count: u64,
}

/// Entries that do not fit, waiting to be told apart: moved, or changed.
#[derive(Default)]
pub(super) struct Misfits {
    found: Vec<(u64, Hash)>,
    expected: BTreeMap<Hash, u64>,
}

// === impl ReadRow ===

impl ReadRow {
    pub fn new(row: &StoredRow) -> Self {
        let mut entries = Vec::new();
        let mut whole = true;
        for entry in BundleEntries::new(&row.bundle) {
            match entry {
                Ok(bytes) => entries.push(Hash::leaf(bytes)),
                Err(_) => whole = false,
            }
        }
        let leaves = Hash::split_bytes(&row.leaves).filter(|l| l.len() as u64 == row.count && !l.is_empty());
        Self {
            first: row.first,
            leaves,
            entries,
            whole,
            root: Hash::from_slice(&row.root),
            signature: row.signature.as_slice().try_into().ok(),
            count: row.count.min(COUNT_LIMIT),
        }
    }

    /// Names the entries of this row that are not the ones whose hashes are `truth`, the first of them at `first`.
    pub fn compare(&self, first: u64, truth: &[Hash], misfits: &mut Misfits, faults: &mut Vec<Fault>) {
        if self.whole && self.entries == truth {
            return;
        }
        if self.whole && self.entries.len() == truth.len() {
            for (index, (found, expected)) in (first..).zip(self.entries.iter().zip(truth)) {
                if found != expected {
                    misfits.add(index, *found, *expected);
                }
            }
            return;
        }
        if !self.whole {
            // A changed length makes nonsense of all that follows; only where that begins can be told.
            let fits =
                self.entries.iter().zip(truth).take_while(|(found, expected)| found == expected).count();
            faults.push(Fault::Changed { index: first + fits as u64 });
            return;
        }
        align(first, truth, &self.entries, faults);
    }
}

// === impl Misfits ===

impl Misfits {
    fn add(&mut self, index: u64, found: Hash, expected: Hash) {
        self.found.push((index, found));
        self.expected.insert(expected, index);
    }

    /// An entry whose hash is expected at the place of another misfit was moved; any other was changed.
    pub fn into_faults(self) -> impl Iterator<Item = Fault> {
        let Self { found, expected } = self;
        found.into_iter().map(move |(index, hash)| match expected.get(&hash) {
            Some(place) => Fault::Moved { index, belongs_at: *place },
            None => Fault::Changed { index },
        })
    }
}

/// Walks entries and true hashes side by side where their numbers differ.
fn align(first: u64, truth: &[Hash], entries: &[Hash], faults: &mut Vec<Fault>) {
    let (mut at, mut found) = (0, 0);
    while let (Some(expected), Some(entry)) = (truth.get(at), entries.get(found)) {
        let index = first + at as u64;
        if expected == entry {
            (at, found) = (at + 1, found + 1);
        } else if truth.get(at + 1) == Some(entry) {
            faults.push(Fault::Dropped { from: index, to: index + 1 });
            at += 1;
        } else if entries.get(found + 1) == Some(expected) {
            faults.push(Fault::Inserted { index });
            found += 1;
        } else {
            faults.push(Fault::Changed { index });
            (at, found) = (at + 1, found + 1);
        }
    }
    let end = first + truth.len() as u64;
    if at < truth.len() {
        faults.push(Fault::Dropped { from: first + at as u64, to: end });
    }
    if found < entries.len() {
        faults.push(Fault::Inserted { index: end });
    }
}
