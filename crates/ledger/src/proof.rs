//! Inclusion and consistency proofs (RFC 6962 section 2.1, verified as in RFC 9162 section 2.1.3 and 2.1.4).
//!
//! Proofs are made from a [`HashReader`], usually tiles; verifying needs nothing but the proof. Proofs, sizes and
//! indexes are untrusted: every function here is total, and whatever does not verify is an error.

pub mod subtree;

use thiserror::Error;

use crate::tile::{TILE_WIDTH, TileId};
use crate::tree::{Hash, subtree_root};

/// Hashes a proof can have at most; a tree of 2^64 leaves has 64 levels, and consistency adds one.
pub const MAX_PROOF_HASHES: usize = 65;

/// Gives the hashes of complete subtrees.
pub trait HashReader {
    type Error;

    /// The root over leaves `index * 2^height .. (index + 1) * 2^height`.
    ///
    /// # Errors
    /// The subtree is not complete in the tree behind this reader, or reading failed.
    fn node(&mut self, height: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Reads subtree hashes from tiles.
///
/// `read` is given a tile and the least number of hashes it must have; it may return more.
#[derive(Debug)]
pub struct TileReader<F> {
    read: F,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    #[error("index `{index}` is not below the tree size `{size}`")]
    IndexBeyondSize { index: u64, size: u64 },
    #[error("the proof has {got} hashes, the tree needs {wanted}")]
    Length { wanted: usize, got: usize },
    #[error("the proof leads to another root than the checkpoint's")]
    RootMismatch,
    #[error("`{start}..{end}` is not a subtree of a tree of `{size}`")]
    NotASubtree { start: u64, end: u64, size: u64 },
    #[error("the older size `{old}` is above the newer size `{new}`")]
    SizesReversed { old: u64, new: u64 },
    #[error("nothing can be proven from the empty tree")]
    EmptyTree,
}

#[derive(Debug, Error)]
pub enum ProveError<E> {
    #[error("the request cannot be proven")]
    Request(#[source] ProofError),
    #[error("reading the tree's hashes failed")]
    Read(#[source] E),
}

// === verify ===

/// Checks that `leaf` is entry `index` of the tree with `size` leaves and root `root`.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: Hash,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexBeyondSize { index, size });
    }
    // The first `inner` hashes meet the path of the last leaf; what follows are its left siblings only.
    let inner = (u64::BITS - (index ^ (size - 1)).leading_zeros()) as usize;
    let border = index.checked_shr(inner as u32).unwrap_or(0).count_ones() as usize;
    if proof.len() != inner + border {
        return Err(ProofError::Length { wanted: inner + border, got: proof.len() });
    }
    let mut hash = leaf;
    for (level, sibling) in proof.iter().enumerate() {
        let right_child = level >= inner || (index >> level) & 1 == 1;
        hash = if right_child { Hash::node(sibling, &hash) } else { Hash::node(&hash, sibling) };
    }
    if hash == root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// Checks that the tree (`old`, `old_root`) is a prefix of the tree (`new`, `new_root`).
///
/// Equal sizes need an empty proof and equal roots. The empty tree is no evidence of anything and is refused, unless
/// both are empty.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: Hash,
    new_root: Hash,
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::SizesReversed { old, new });
    }
    if old == new {
        if !proof.is_empty() {
            return Err(ProofError::Length { wanted: 0, got: proof.len() });
        }
        return if old_root == new_root { Ok(()) } else { Err(ProofError::RootMismatch) };
    }
    if old == 0 {
        return Err(ProofError::EmptyTree);
    }
    subtree::verify_consistency(0, old, new, proof, old_root, new_root)
}

// === make ===

/// The root of the first `size` leaves.
pub fn root<R: HashReader>(reader: &mut R, size: u64) -> Result<Hash, R::Error> {
    range_root(reader, 0, size)
}

/// The audit path of entry `index` in the tree of `size` leaves.
pub fn inclusion<R: HashReader>(
    reader: &mut R,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    if index >= size {
        return Err(ProveError::Request(ProofError::IndexBeyondSize { index, size }));
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        let sibling = if index < middle { (middle, end) } else { (start, middle) };
        path.push(range_root(reader, sibling.0, sibling.1).map_err(ProveError::Read)?);
        (start, end) = if index < middle { (start, middle) } else { (middle, end) };
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `old` leaves is a prefix of the tree of `new` leaves.
pub fn consistency<R: HashReader>(
    reader: &mut R,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    if old > new {
        return Err(ProveError::Request(ProofError::SizesReversed { old, new }));
    }
    if old == new {
        return Ok(Vec::new());
    }
    if old == 0 {
        return Err(ProveError::Request(ProofError::EmptyTree));
    }
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    // Walk down to where `old` ends a complete subtree; `known` says the verifier has that subtree's root already.
    let mut known = true;
    while old != end {
        let middle = start + split(end - start);
        let sibling = if old <= middle { (middle, end) } else { (start, middle) };
        path.push(range_root(reader, sibling.0, sibling.1).map_err(ProveError::Read)?);
        if old <= middle {
            end = middle;
        } else {
            (start, known) = (middle, false);
        }
    }
    if !known {
        path.push(range_root(reader, start, end).map_err(ProveError::Read)?);
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1 << (u64::BITS - 1 - (length - 1).leading_zeros())
}

/// The root over `start..end`, where `start` is a multiple of the power of two that covers the range.
fn range_root<R: HashReader>(reader: &mut R, start: u64, end: u64) -> Result<Hash, R::Error> {
    let mut nodes = Vec::new();
    let mut at = start;
    while at < end {
        let height = (end - at).ilog2();
        nodes.push(reader.node(u8::try_from(height).unwrap_or(u8::MAX), at >> height)?);
        at += 1 << height;
    }
    let Some(last) = nodes.pop() else { return Ok(Hash::EMPTY) };
    Ok(nodes.iter().rev().fold(last, |right, left| Hash::node(left, &right)))
}

// === impl TileReader ===

#[derive(Debug, Error)]
pub enum TileReadError<E> {
    #[error("tile `{}` of level `{}` has {got} of the {wanted} hashes needed", .id.index, .id.level)]
    TooShort { id: TileId, wanted: usize, got: usize },
    #[error("reading a tile failed")]
    Read(#[source] E),
}

impl<E, F: FnMut(TileId, usize) -> Result<Vec<Hash>, E>> TileReader<F> {
    pub const fn new(read: F) -> Self {
        Self { read }
    }
}

impl<E, F: FnMut(TileId, usize) -> Result<Vec<Hash>, E>> HashReader for TileReader<F> {
    type Error = TileReadError<E>;

    fn node(&mut self, height: u8, index: u64) -> Result<Hash, Self::Error> {
        let count = 1_usize << (height % 8);
        let per_tile = (TILE_WIDTH / count) as u64;
        let id = TileId { level: height / 8, index: index / per_tile };
        let start = usize::try_from(index % per_tile).unwrap_or(0) * count;
        let hashes = (self.read)(id, start + count).map_err(TileReadError::Read)?;
        let below = hashes.get(start..start + count);
        let below = below.ok_or(TileReadError::TooShort { id, wanted: start + count, got: hashes.len() })?;
        Ok(subtree_root(below))
    }
}

#[cfg(test)]
mod tests;
