//! The sequencer: from a tree and a batch of entries to the new tree, one row and the tiles that changed.
//!
//! Pure, so that an engine can plan, try to persist, and forget the plan if persisting failed. One row holds a batch:
//! its entries as a bundle, and beside them the leaf hashes, the root after the row and the signature of that
//! checkpoint, so that `verify` can say which entry was changed, and start-up needs only the last row and the tail.

use thiserror::Error;

use crate::entry::Entry;
use crate::tile::TileId;
use crate::tree::{Hash, TileHashes, Tree};

/// Most entries one row may hold.
pub const MAX_ROW_ENTRIES: usize = 16_384;

/// One batch as an engine stores it, but for its signature, which is made when the checkpoint is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of the first entry.
    pub first: u64,
    pub count: u32,
    /// 32 bytes for each entry, kept apart from the entries themselves.
    pub leaves: Vec<u8>,
    /// Root of the tree after this row.
    pub root: Hash,
    /// The entries in the form of a C2SP entry bundle.
    pub bundle: Vec<u8>,
}

/// What has to be persisted, all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The tree after the batch.
    pub tree: Tree,
    pub row: Row,
    /// Full tiles of level 0, and for each higher level every tile that changed, the unfinished one included. A tile
    /// replaces what was stored under its id.
    pub tiles: Vec<TileHashes>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    #[error("a batch without entries cannot be appended")]
    Empty,
    #[error("a batch of {0} entries is above {MAX_ROW_ENTRIES}; append it in parts")]
    TooMany(usize),
}

/// Plans the append of `entries` to `tree`.
///
/// # Errors
/// No entries, or more than [`MAX_ROW_ENTRIES`].
pub fn plan<'a, I>(tree: &Tree, entries: I) -> Result<Plan, PlanError>
where
    I: IntoIterator<Item = &'a Entry>,
    I::IntoIter: Clone,
{
    let entries = entries.into_iter();
    let (count, bytes) = entries.clone().fold((0, 0), |(n, bytes), e| (n + 1, bytes + e.bundled_len()));
    if count == 0 {
        return Err(PlanError::Empty);
    }
    let stored =
        u32::try_from(count).ok().filter(|_| count <= MAX_ROW_ENTRIES).ok_or(PlanError::TooMany(count))?;
    let mut next = tree.clone();
    let mut tiles = Vec::new();
    let mut leaves = Vec::with_capacity(count * Hash::LEN);
    let mut bundle = Vec::with_capacity(bytes);
    for entry in entries {
        next.push(entry.leaf_hash(), &mut |tile| tiles.push(tile));
        leaves.extend_from_slice(entry.leaf_hash().as_bytes());
        entry.push_to(&mut bundle);
    }
    tiles.extend(changed_edges(tree, &next));
    let row = Row { first: tree.size(), count: stored, leaves, root: next.root(), bundle };
    Ok(Plan { tree: next, row, tiles })
}

/// The unfinished tiles above level 0 that are not what they were.
fn changed_edges(old: &Tree, new: &Tree) -> impl Iterator<Item = TileHashes> {
    (1_u8..8).filter_map(move |level| {
        let hashes = new.edge(level);
        let moved = old.size() >> (8 * u32::from(level)) != new.size() >> (8 * u32::from(level));
        let index = new.size().checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
        (moved && !hashes.is_empty())
            .then(|| TileHashes { id: TileId { level, index }, hashes: hashes.to_vec() })
    })
}

#[cfg(test)]
mod tests;
