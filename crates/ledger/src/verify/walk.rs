//! One pass over a stream, from the first row to the last.

use std::collections::VecDeque;

use super::fault::Fault;
use super::leaves::{INDEX_LIMIT, Misfits, ReadRow};
use super::{LogSource, MAX_FAULTS, Report, Trust};
use crate::checkpoint::Checkpoint;
use crate::stream::Stream;
use crate::tile::{TILE_WIDTH, TileId};
use crate::tree::{Hash, TileHashes, Tree};

/// Rows read at a time, and how far ahead a displaced row is looked for.
const WINDOW_ROWS: usize = 512;

pub(super) struct Walk<'a, S> {
    source: &'a mut S,
    stream: Stream,
    trust: &'a Trust,
    /// Grown from true leaf hashes only.
    tree: Tree,
    /// Index of the next entry. Equals the tree's size unless `lost`.
    next: u64,
    /// True leaf hashes could not be established somewhere; from there on only neighbours are compared.
    lost: bool,
    /// Ask for the signature of every row and not only of the last: slow, and needed only to say what is wrong.
    careful: bool,
    /// The last row's signature does not fit. If the next one does, it was only the signature.
    suspect: bool,
    ahead: VecDeque<ReadRow>,
    read_from: Option<u64>,
    /// Rows that stood where others belong.
    displaced: Vec<ReadRow>,
    held: VecDeque<&'a Checkpoint>,
    tail: Tail,
    rows: u64,
    misfits: Misfits,
    faults: Vec<Fault>,
}

impl<'a, S: LogSource> Walk<'a, S> {
    pub fn new(source: &'a mut S, stream: Stream, trust: &'a Trust, careful: bool) -> Self {
        let mut held: Vec<_> = trust.held.iter().collect();
        held.sort_by_key(|c| c.size());
        Self {
            source,
            stream,
            trust,
            tree: Tree::default(),
            next: 0,
            lost: false,
            careful,
            suspect: false,
            ahead: VecDeque::new(),
            read_from: Some(0),
            displaced: Vec::new(),
            held: held.into(),
            tail: Tail::default(),
            rows: 0,
            misfits: Misfits::default(),
            faults: Vec::new(),
        }
    }

    pub fn run(mut self) -> Result<Report, S::Error> {
        self.check_held();
        loop {
            if self.ahead.is_empty() {
                self.read_ahead()?;
            }
            let Some(row) = self.ahead.pop_front() else { break };
            self.rows += 1;
            self.take(row)?;
        }
        self.check_end()?;
        let mut faults = self.faults;
        faults.extend(self.misfits.into_faults());
        faults.sort_by_key(|fault| (fault.position(), fault.clone()));
        faults.dedup();
        faults.truncate(MAX_FAULTS);
        let root = (!self.lost).then(|| self.tree.root());
        Ok(Report { stream: self.stream, size: self.next, root, rows: self.rows, faults })
    }

    fn read_ahead(&mut self) -> Result<(), S::Error> {
        let Some(from) = self.read_from else { return Ok(()) };
        let rows = self.source.rows(self.stream, from, WINDOW_ROWS)?;
        self.read_from = rows.last().and_then(|row| row.first.checked_add(1));
        for row in &rows {
            if row.first < INDEX_LIMIT {
                self.ahead.push_back(ReadRow::new(row));
            } else {
                self.faults.push(Fault::Malformed { first: row.first });
            }
        }
        Ok(())
    }

    /// Puts one stored row into its place.
    fn take(&mut self, row: ReadRow) -> Result<(), S::Error> {
        if row.first < self.next {
            self.faults.push(Fault::Malformed { first: row.first });
            self.displaced.push(row);
            return Ok(());
        }
        if row.first > self.next {
            self.close_gap(row.first)?;
        }
        if row.leaves.is_none() {
            self.faults.push(Fault::Malformed { first: row.first });
        }
        if self.lost {
            self.take_unproven(&row);
            return Ok(());
        }
        match self.truth_for(&row)? {
            Truth::Here(leaves) => {
                let mut faults = std::mem::take(&mut self.faults);
                row.compare(self.next, &leaves, &mut self.misfits, &mut faults);
                self.faults = faults;
                self.remember_tail(&row);
                self.push(&leaves)
            }
            Truth::Elsewhere(other) => {
                self.faults.push(Fault::Moved { index: other.first, belongs_at: self.next });
                self.displaced.push(row);
                self.adopt(&other)
            }
            Truth::Nowhere => {
                // A row after one whose signature did not fit suffers from the same change.
                if !self.suspect {
                    self.faults.push(match row.count {
                        1 => Fault::Changed { index: self.next },
                        count => Fault::ChangedWithin {
                            from: self.next,
                            to: self.next.saturating_add(count.max(1)),
                        },
                    });
                }
                self.lost = true;
                self.take_unproven(&row);
                Ok(())
            }
        }
    }

    /// The entries from `next` to `until` have no row at their place.
    fn close_gap(&mut self, until: u64) -> Result<(), S::Error> {
        while !self.lost && self.next < until {
            let Some(other) = self.find_elsewhere(None)? else { break };
            self.faults.push(Fault::Moved { index: other.first, belongs_at: self.next });
            self.adopt(&other)?;
        }
        if self.next >= until {
            return Ok(());
        }
        self.faults.push(Fault::Dropped { from: self.next, to: until });
        let from_tiles = if self.lost { None } else { self.leaves_from_tiles(self.next, until)? };
        match from_tiles {
            Some(leaves) => self.push(&leaves),
            None => {
                self.lost = true;
                self.next = until;
                Ok(())
            }
        }
    }

    /// Finds the leaf hashes that lead to a signed root for a row at its own place.
    fn truth_for(&mut self, row: &ReadRow) -> Result<Truth, S::Error> {
        let stored_root = row.leaves.as_deref().map(|leaves| self.root_with(leaves));
        if let (Some(leaves), Some(root)) = (&row.leaves, stored_root) {
            let size = self.next + leaves.len() as u64;
            // In a log without faults one signature, the last, stands for all rows before it.
            let signed = !self.careful || self.is_signed(size, Some(root), row.signature);
            if row.root == Some(root) && signed {
                self.suspect = false;
                return Ok(Truth::Here(leaves.clone()));
            }
            if self.is_signed(size, Some(root), row.signature) {
                self.faults.push(Fault::Root { size });
                return Ok(Truth::Here(leaves.clone()));
            }
        }
        if row.whole && !row.entries.is_empty() && self.leads_to_signed(&row.entries, row) {
            let stored = row.leaves.iter().flatten();
            let differing = (self.next..).zip(stored.zip(&row.entries)).filter(|(_, (a, b))| a != b);
            self.faults.extend(differing.map(|(index, _)| Fault::LeafHash { index }));
            return Ok(Truth::Here(row.entries.clone()));
        }
        // The signature says how many entries there were; the stored count may have been made to fit.
        for count in [Some(row.count), self.ahead.front().map(|after| after.first.saturating_sub(self.next))]
        {
            let Some(to) = count.filter(|n| *n > 0).and_then(|n| self.next.checked_add(n)) else { continue };
            if let Some(leaves) = self.leaves_from_tiles(self.next, to)?
                && self.leads_to_signed(&leaves, row)
            {
                return Ok(Truth::Here(leaves));
            }
        }
        if let Some(other) = self.find_elsewhere(Some(row))? {
            return Ok(Truth::Elsewhere(other));
        }
        match (&row.leaves, stored_root) {
            (Some(leaves), Some(root)) if row.root == Some(root) && !self.suspect => {
                let to = self.next + leaves.len() as u64;
                self.faults.push(Fault::Unsigned { from: self.next, to });
                self.suspect = true;
                Ok(Truth::Here(leaves.clone()))
            }
            _ => Ok(Truth::Nowhere),
        }
    }

    /// Looks for a row that proves itself to belong here, among those set aside and those to come.
    fn find_elsewhere(&mut self, here: Option<&ReadRow>) -> Result<Option<ReadRow>, S::Error> {
        if self.ahead.len() < WINDOW_ROWS {
            self.read_ahead()?;
        }
        let fits = |other: &ReadRow| {
            let Some(leaves) = &other.leaves else { return false };
            let root = self.root_with(leaves);
            let size = self.next + leaves.len() as u64;
            [Some(other), here]
                .into_iter()
                .flatten()
                .any(|signer| signer.root == Some(root) && self.is_signed(size, Some(root), signer.signature))
        };
        if let Some(place) = self.displaced.iter().position(fits) {
            return Ok(Some(self.displaced.swap_remove(place)));
        }
        let place = self.ahead.iter().take(WINDOW_ROWS).position(fits);
        // The row stays where it was found: the walk comes to that place and finds out what belongs there.
        Ok(place.and_then(|place| self.ahead.get(place)).cloned())
    }

    /// Takes a row found elsewhere as the content of this place.
    fn adopt(&mut self, row: &ReadRow) -> Result<(), S::Error> {
        let Some(leaves) = row.leaves.clone() else { return Ok(()) };
        let mut faults = std::mem::take(&mut self.faults);
        row.compare(self.next, &leaves, &mut self.misfits, &mut faults);
        self.faults = faults;
        self.remember_tail(row);
        self.push(&leaves)
    }

    /// After the true hashes were lost: entries against the hashes beside them is all that can be compared.
    fn take_unproven(&mut self, row: &ReadRow) {
        if let Some(leaves) = &row.leaves {
            row.compare(self.next, leaves, &mut self.misfits, &mut self.faults);
        }
        self.next = row.first.saturating_add(row.count.max(1));
    }

    fn remember_tail(&mut self, row: &ReadRow) {
        self.tail = Tail { first: self.next, root: row.root, signature: row.signature };
    }

    /// Grows the tree and checks the tiles that this completes.
    fn push(&mut self, leaves: &[Hash]) -> Result<(), S::Error> {
        let mut full = Vec::new();
        for leaf in leaves {
            self.tree.push(*leaf, &mut |tile| full.push(tile));
            self.next += 1;
            if self.held.front().is_some_and(|held| held.size() == self.next) {
                self.check_held();
            }
        }
        for TileHashes { id, hashes } in full {
            let stored = self.source.tile(self.stream, id)?;
            if stored.as_deref() != Some(&Hash::join_bytes(&hashes)) {
                self.faults.push(Fault::Tile { level: id.level, index: id.index });
            }
        }
        Ok(())
    }

    /// Compares the checkpoints held at the present size.
    fn check_held(&mut self) {
        while let Some(held) = self.held.pop_front_if(|held| held.size() == self.next) {
            if held.root() != self.tree.root() {
                self.faults.push(Fault::Forked { size: held.size() });
            }
        }
    }

    fn check_end(&mut self) -> Result<(), S::Error> {
        while self.held.front().is_some_and(|held| held.size() <= self.next) {
            self.held.pop_front();
        }
        if let Some(longest) = self.held.back() {
            self.faults.push(Fault::Truncated { size: self.next, at_least: longest.size() });
        }
        if self.lost {
            return Ok(());
        }
        self.check_edges()?;
        // The careful walk has asked for every signature already.
        let Tail { first, root, signature } = self.tail;
        if !self.careful && self.next > 0 && !self.is_signed(self.next, root, signature) {
            self.faults.push(Fault::Unsigned { from: first, to: self.next });
        }
        Ok(())
    }

    /// The unfinished tiles, and traces of a tail that is gone.
    fn check_edges(&mut self) -> Result<(), S::Error> {
        let mut at_least = 0;
        for level in 0_u8..8 {
            let index = self.next.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
            let Some(stored) = self.source.tile(self.stream, TileId { level, index })? else {
                if level > 0 && !self.tree.edge(level).is_empty() {
                    self.faults.push(Fault::Tile { level, index });
                }
                continue;
            };
            let edge = Hash::join_bytes(self.tree.edge(level));
            let hashes = index * TILE_WIDTH as u64 + (stored.len() / Hash::LEN) as u64;
            if stored.len() > edge.len() && stored.starts_with(&edge) {
                at_least = at_least.max(hashes.saturating_mul(1 << (8 * u32::from(level))));
            } else if stored != edge {
                self.faults.push(Fault::Tile { level, index });
            }
        }
        if at_least > self.next {
            self.faults.push(Fault::Truncated { size: self.next, at_least });
        }
        Ok(())
    }

    /// The level-0 hashes of a range, if all tiles it lies in are full.
    fn leaves_from_tiles(&mut self, from: u64, to: u64) -> Result<Option<Vec<Hash>>, S::Error> {
        let mut leaves = Vec::new();
        let width = TILE_WIDTH as u64;
        for index in from / width..to.div_ceil(width) {
            let stored = self.source.tile(self.stream, TileId { level: 0, index })?;
            let hashes = stored.as_deref().and_then(Hash::split_bytes).filter(|h| h.len() == TILE_WIDTH);
            let Some(hashes) = hashes else { return Ok(None) };
            let inside = (index * width..).zip(hashes).filter(|(at, _)| (from..to).contains(at));
            leaves.extend(inside.map(|(_, hash)| hash));
        }
        Ok(Some(leaves))
    }

    fn leads_to_signed(&self, leaves: &[Hash], row: &ReadRow) -> bool {
        let root = self.root_with(leaves);
        self.is_signed(self.next + leaves.len() as u64, Some(root), row.signature)
    }

    fn root_with(&self, leaves: &[Hash]) -> Hash {
        let mut tree = self.tree.frontier().clone();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        tree.root()
    }

    fn is_signed(&self, size: u64, root: Option<Hash>, signature: Option<[u8; 64]>) -> bool {
        let (Some(root), Some(signature)) = (root, signature) else { return false };
        Checkpoint::new(self.trust.key.name(), size, root)
            .is_ok_and(|checkpoint| self.trust.key.verifies(checkpoint.to_text().as_bytes(), &signature))
    }
}

/// The row before `next`.
#[derive(Clone, Copy, Default)]
struct Tail {
    first: u64,
    root: Option<Hash>,
    signature: Option<[u8; 64]>,
}

enum Truth {
    /// The row's own place, with these true hashes.
    Here(Vec<Hash>),
    /// Another row belongs here.
    Elsewhere(ReadRow),
    Nowhere,
}
