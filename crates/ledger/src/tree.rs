//! RFC 6962 hashing, and the right edge of a growing tree.
//!
//! A [`Frontier`] holds the roots of the complete subtrees of a tree, which is all that is needed to append and to
//! compute the root. A [`Tree`] also holds the hashes of the unfinished tile of every level, so that appending yields
//! finished tiles without reading anything back.

use std::fmt;

use aws_lc_rs::digest;
use thiserror::Error;

use crate::tile::{TILE_WIDTH, TileId};

/// A SHA-256 hash: of a leaf, of an inner node, or a root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// The roots of the complete subtrees of a tree, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<(u8, Hash)>,
}

/// A growing tree: its frontier and the unfinished tile of every level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    frontier: Frontier,
    edges: Vec<Vec<Hash>>,
}

/// The hashes of one tile: 256 of them when it is full, fewer at the right edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileHashes {
    pub id: TileId,
    pub hashes: Vec<Hash>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    #[error("a tree of size {size} needs {wanted} hashes at level {level} of its edge, got {got}")]
    EdgeWidth { size: u64, level: u8, wanted: usize, got: usize },
}

// === impl Hash ===

impl Hash {
    /// Bytes of one hash.
    pub const LEN: usize = 32;

    /// The root of the tree without leaves: the hash of nothing.
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// `SHA-256(0x00 || data)`.
    pub fn leaf(data: &[u8]) -> Self {
        // One call over contiguous bytes is markedly faster than a context for the usual small leaf.
        let mut buffer = [0_u8; 1025];
        if let Some(target) = buffer.get_mut(1..=data.len()) {
            target.copy_from_slice(data);
            return Self::of(buffer.get(..=data.len()).unwrap_or(&buffer));
        }
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&[0x00]);
        context.update(data);
        Self::from_digest(&context.finish())
    }

    /// `SHA-256(0x01 || left || right)`.
    pub fn node(left: &Self, right: &Self) -> Self {
        let mut buffer = [0x01_u8; 65];
        let (_, children) = buffer.split_at_mut(1);
        let (l, r) = children.split_at_mut(Self::LEN);
        l.copy_from_slice(&left.0);
        r.copy_from_slice(&right.0);
        Self::of(&buffer)
    }

    /// The plain SHA-256 of some bytes.
    pub fn of(data: &[u8]) -> Self {
        Self::from_digest(&digest::digest(&digest::SHA256, data))
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// `None` unless there are exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Splits stored bytes into hashes; `None` if the length is not a multiple of 32.
    pub fn split_bytes(bytes: &[u8]) -> Option<Vec<Self>> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        rest.is_empty().then(|| hashes.iter().copied().map(Self).collect())
    }

    /// The bytes of several hashes, one after the other.
    pub fn join_bytes(hashes: &[Self]) -> Vec<u8> {
        hashes.iter().flat_map(|h| h.0).collect()
    }

    fn from_digest(digest: &digest::Digest) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Frontier ===

impl Frontier {
    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Adds a complete subtree of `2^height` leaves. The caller keeps the order: heights never rise along an edge.
    fn push_subtree(&mut self, height: u8, root: Hash) {
        self.size += 1_u64 << height;
        let (mut height, mut root) = (height, root);
        while let Some((_, left)) = self.nodes.pop_if(|(top, _)| *top == height) {
            root = Hash::node(&left, &root);
            height += 1;
        }
        self.nodes.push((height, root));
    }

    /// The Merkle tree hash.
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        let Some((_, last)) = nodes.next() else { return Hash::EMPTY };
        nodes.fold(*last, |right, (_, left)| Hash::node(left, &right))
    }
}

// === impl Tree ===

impl Tree {
    /// Rebuilds a tree from the unfinished tiles of its right edge: `edges[l]` holds the hashes of level `l` that lie
    /// beyond the last full tile of that level.
    ///
    /// # Errors
    /// A level holds more or fewer hashes than a tree of `size` has there.
    pub fn from_edges(size: u64, edges: Vec<Vec<Hash>>) -> Result<Self, TreeError> {
        let mut tree = Self { frontier: Frontier::default(), edges };
        tree.edges.resize(Self::levels(size), Vec::new());
        for (level, edge) in (0_u8..).zip(&tree.edges) {
            let wanted = Self::edge_width(size, level);
            if edge.len() != wanted {
                return Err(TreeError::EdgeWidth { size, level, wanted, got: edge.len() });
            }
        }
        let mut frontier = Frontier::default();
        for level in (0_u8..8).rev() {
            let edge = tree.edges.get(usize::from(level)).map_or(&[][..], Vec::as_slice);
            for hash in edge {
                frontier.push_subtree(level * 8, *hash);
            }
        }
        tree.frontier = frontier;
        Ok(tree)
    }

    /// Number of tile levels a tree of `size` has.
    pub fn levels(size: u64) -> usize {
        (0_u32..8).take_while(|level| size >> (8 * level) != 0).count()
    }

    /// Hashes at `level` beyond its last full tile.
    pub fn edge_width(size: u64, level: u8) -> usize {
        let shifted = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        usize::try_from(shifted % TILE_WIDTH as u64).unwrap_or(0)
    }

    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The roots of the complete subtrees, which suffice to go on and to compute the root.
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The unfinished tile of one level; empty where the level has none.
    pub fn edge(&self, level: u8) -> &[Hash] {
        self.edges.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Adds one leaf hash and hands every tile that it completes to `full`, lowest level first.
    pub fn push(&mut self, leaf: Hash, full: &mut dyn FnMut(TileHashes)) {
        self.frontier.push(leaf);
        self.push_edge(0, leaf, full);
    }

    fn push_edge(&mut self, level: u8, hash: Hash, full: &mut dyn FnMut(TileHashes)) {
        let slot = usize::from(level);
        if self.edges.len() <= slot {
            self.edges.resize(slot + 1, Vec::new());
        }
        let Some(edge) = self.edges.get_mut(slot) else { return };
        edge.push(hash);
        if edge.len() < TILE_WIDTH {
            return;
        }
        let hashes = std::mem::take(edge);
        let parent = subtree_root(&hashes);
        let index = (self.frontier.size() >> (8 * (u32::from(level) + 1))) - 1;
        full(TileHashes { id: TileId { level, index }, hashes });
        self.push_edge(level + 1, parent, full);
    }
}

/// The root over `hashes` taken as equal subtrees, in order. Empty input gives the empty root.
pub fn subtree_root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.root()
}

#[cfg(test)]
pub(crate) mod tests;
